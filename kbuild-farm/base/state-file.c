/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/state-file.h"

#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file_type(const struct state_file *f, const char *path, int fd,
			   size_t *size, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not a regular file", path);
	if (f->is_private && st.st_uid && st.st_uid != geteuid())
		return err_set(err, EPERM,
			       "%s: belongs to user %u; remove the file", path,
			       (unsigned)st.st_uid);
	if ((uint64_t)st.st_size > f->max_bytes)
		return err_set(err, EFBIG, "%s: larger than %zu bytes", path,
			       f->max_bytes);
	*size = (size_t)st.st_size;
	return 0;
}

static int read_bytes(int fd, size_t size, struct buf *out)
{
	int ret = buf_reserve(out, size);

	if (ret)
		return ret;
	while (size) {
		ssize_t n = read(fd, out->data + out->len, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO; /* truncated concurrently */
		out->len += (size_t)n;
		size -= (size_t)n;
	}
	out->data[out->len] = '\0';
	return 0;
}

int state_file_read(const struct state_file *f, const char *path,
		    struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
				    O_NOCTTY);
	size_t size = 0;
	int ret;

	if (fd < 0)
		return errno == ELOOP ?
			       err_set(err, ELOOP,
				       "%s: is a symbolic link; remove it",
				       path) :
			       err_errno(err, "%s", path);
	ret = check_file_type(f, path, fd, &size, err);
	if (!ret) {
		ret = read_bytes(fd, size, out);
		if (ret)
			err_set(err, -ret, "%s: %s", path, strerror(-ret));
	}
	close(fd);
	return ret;
}

int state_file_write(const struct state_file *f, const char *path,
		     struct bytes in, struct err *err)
{
	struct replace r;
	int ret = replace_open(&r, path, f->mode, err);

	if (ret)
		return ret;
	r.durable = f->durable;
	return replace_close(&r, bytes_write(r.fd, in), err);
}
