/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/io.h"

#include "tls/session.h"

static ssize_t io_read(void *ctx, void *to, size_t size, struct err *err)
{
	return tls_session_read(ctx, to, size, err);
}

static ssize_t io_write(void *ctx, struct bytes in, struct err *err)
{
	return tls_session_write(ctx, in, err);
}

static bool io_read_must_write(const void *ctx)
{
	return tls_session_read_must_write(ctx);
}

static void io_free(void *ctx)
{
	tls_session_free(ctx);
}

struct wire_io tls_io(struct tls_session *session)
{
	static const struct wire_io_ops ops = {
		.read = io_read,
		.write = io_write,
		.read_must_write = io_read_must_write,
		.free = io_free,
	};
	int fd = tls_session_fd(session);

	return (struct wire_io){
		.ops = &ops, .ctx = session, .rfd = fd, .wfd = fd
	};
}
