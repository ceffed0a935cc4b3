/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/state-file.h"

#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_file_type(const struct state_file *f, const char *path, int fd,
			   struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not a regular file", path);
	if (f->is_private && st.st_uid && st.st_uid != geteuid())
		return err_set(
			err, EPERM,
			"%s: owned by user %u, but the owner must be you or "
			"root; remove the file",
			path, (unsigned)st.st_uid);
	if ((uint64_t)st.st_size > f->max_bytes)
		return err_set(err, EFBIG, "%s: larger than %zu bytes", path,
			       f->max_bytes);
	return 0;
}

int state_file_read(const struct state_file *f, const char *path,
		    struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
				    O_NOCTTY);
	int ret;

	if (fd < 0)
		return errno == ELOOP ?
			       err_set(err, ELOOP,
				       "%s: is a symbolic link; remove it",
				       path) :
			       err_errno(err, "%s", path);
	ret = check_file_type(f, path, fd, err);
	if (!ret) {
		ret = buf_read(out, fd, f->max_bytes);
		if (ret)
			err_set(err, -ret, "%s: %s", path, strerror(-ret));
	}
	close(fd);
	return ret;
}

bool state_file_is_replaceable(int ret)
{
	return ret == -ENOENT || ret == -EINVAL || ret == -EFBIG;
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
