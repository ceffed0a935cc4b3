/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/io.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct descriptors {
	int rfd, wfd;
	bool no_socket; /* wfd takes no send() */
};

static ssize_t read_descriptor(void *ctx, void *to, size_t size,
			       struct err *err)
{
	const struct descriptors *d = ctx;
	ssize_t n = read(d->rfd, to, size);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	return err_errno(err, "read");
}

static ssize_t send_or_write(struct descriptors *d, struct bytes in)
{
	ssize_t n;

	if (!d->no_socket) {
		n = send(d->wfd, in.data, in.len, MSG_NOSIGNAL);
		if (n >= 0 || errno != ENOTSOCK)
			return n;
		d->no_socket = true;
	}
	return write(d->wfd, in.data, in.len);
}

static ssize_t write_descriptor(void *ctx, struct bytes in, struct err *err)
{
	ssize_t n = send_or_write(ctx, in);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	return err_errno(err, "write");
}

static void close_descriptors(void *ctx)
{
	struct descriptors *d = ctx;

	close(d->rfd);
	if (d->wfd != d->rfd)
		close(d->wfd);
	free(d);
}

static void set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

struct wire_io wire_io_of(int rfd, int wfd)
{
	static const struct wire_io_ops ops = {
		.read = read_descriptor,
		.write = write_descriptor,
		.free = close_descriptors,
	};
	struct descriptors *d = xcalloc(1, sizeof(*d));

	*d = (struct descriptors){ .rfd = rfd, .wfd = wfd };
	set_nonblocking(rfd);
	set_nonblocking(wfd);
	return (struct wire_io){
		.ops = &ops, .ctx = d, .rfd = rfd, .wfd = wfd
	};
}
