/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/intake.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 200 /* a descriptor for each */

static int read_whole(int fd, const char *path, off_t size, struct buf *out,
		      struct err *err)
{
	ssize_t n = 1;

	if (size > (off_t)TREE_FILE_MAX)
		return err_set(err, E2BIG, "%s: larger than %llu MiB", path,
			       TREE_FILE_MAX >> 20);
	while (n) {
		/* One byte more than there should be: then it ends at once. */
		size_t room = (size_t)size + 1 > out->len ?
				      (size_t)size + 1 - out->len :
				      1u << 16;

		if (out->len > TREE_FILE_MAX || buf_reserve(out, room))
			return err_set(err, E2BIG, "%s: too large", path);
		n = read(fd, out->data + out->len, room);
		if (n < 0)
			return err_errno(err, "%s", path);
		out->len += (size_t)n;
	}
	return 0;
}

static int add_regular(struct tree_intake *in, int dir, const char *path,
		       struct err *err)
{
	int fd = openat(dir, str_base(path),
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct buf content = { 0 };
	struct stat st;
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st))
		ret = err_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(err, EINVAL, "%s: changed meanwhile", path);
	else
		ret = read_whole(fd, path, st.st_size, &content, err);
	if (!ret)
		ret = tree_intake_add(in, path,
				      st.st_mode & S_IXUSR ?
					      GIT_FILEMODE_BLOB_EXECUTABLE :
					      GIT_FILEMODE_BLOB,
				      st.st_mtime, &content, err);
	buf_release(&content);
	close(fd);
	return ret;
}

static int add_symlink(struct tree_intake *in, int dir, const char *path,
		       long long mtime, struct err *err)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(dir, str_base(path), to, sizeof(to));
	struct buf content = { 0 };
	int ret;

	if (n < 0)
		return err_errno(err, "%s", path);
	buf_add(&content, to, (size_t)n);
	ret = tree_intake_add(in, path, GIT_FILEMODE_LINK, mtime, &content,
			      err);
	buf_release(&content);
	return ret;
}

static int add_directory(struct tree_intake *in, int at, const char *path,
			 int depth, struct err *err);

static int add_one(struct tree_intake *in, int dir, const char *path, int depth,
		   struct err *err)
{
	struct stat st;

	if (fstatat(dir, str_base(path), &st, AT_SYMLINK_NOFOLLOW))
		return err_errno(err, "%s", path);
	if (S_ISDIR(st.st_mode))
		return add_directory(in, dir, path, depth + 1, err);
	if (S_ISREG(st.st_mode))
		return add_regular(in, dir, path, err);
	if (S_ISLNK(st.st_mode))
		return add_symlink(in, dir, path, st.st_mtime, err);
	return err_set(err, EINVAL, "%s: neither file, link nor directory",
		       path);
}

static int add_all_of(struct tree_intake *in, int dir, const char *prefix,
		      int depth, struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list_at(dir, ".", &names);

	if (ret)
		err_set(err, -ret, "%s: %s", prefix, strerror(-ret));
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *path = xasprintf("%s%s", prefix, names.v[i]);

		ret = add_one(in, dir, path, depth, err);
		free(path);
	}
	strv_release(&names);
	return ret;
}

static int add_directory(struct tree_intake *in, int at, const char *path,
			 int depth, struct err *err)
{
	int fd = openat(at, str_base(path),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *prefix;
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	prefix = xasprintf("%s/", path);
	if (depth > DEPTH_MAX)
		ret = err_set(err, ELOOP, "%s: too deep", path);
	else
		ret = add_all_of(in, fd, prefix, depth, err);
	free(prefix);
	close(fd);
	return ret;
}

/* Thousands of objects would become part of the tree. */
static int check_unbuilt(int dir, struct err *err)
{
	static const char *const signs[] = { ".config", "include/config" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (!faccessat(dir, signs[i], F_OK, 0))
			return err_set(err, EINVAL,
				       "it was built in (%s): run `make "
				       "mrproper` there first",
				       signs[i]);
	}
	return 0;
}

int tree_intake_dir(struct tree_intake *in, const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", dir);
	ret = check_unbuilt(fd, err);
	if (!ret)
		ret = add_all_of(in, fd, "", 0, err);
	close(fd);
	return ret;
}
