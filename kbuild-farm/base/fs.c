/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 4096 /* of a tree to be removed */
#define NS        1000000000
#define COPY_MOST (1u << 30) /* bytes by one copy_file_range() */
#define TEMPORARY ".kfarm." /* in the name of a file that is being written */

bool fs_exists(const char *path)
{
	return !access(path, F_OK);
}

bool fs_is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int read_fd(int fd, size_t max, struct buf *out)
{
	char block[1 << 15];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && out->len + (size_t)n > max)
			return -EFBIG;
		if (n > 0)
			buf_add(out, block, (size_t)n);
	}
	return 0;
}

int fs_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	ret = read_fd(fd, max, out);
	close(fd);
	if (ret)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	return ret;
}

int fs_write_all(int fd, struct bytes in)
{
	while (in.len) {
		ssize_t n = write(fd, in.data, in.len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			in.data += n;
			in.len -= (size_t)n;
		}
	}
	return 0;
}

int fs_memory(struct bytes in, int *fd, struct err *err)
{
	int ret;

	*fd = memfd_create("kfarm", MFD_CLOEXEC);
	if (*fd < 0)
		return err_errno(err, "a file in memory");
	ret = fs_write_all(*fd, in);
	if (!ret && lseek(*fd, 0, SEEK_SET))
		ret = -errno;
	return ret ? err_set(err, -ret, "a file in memory: %s",
			     strerror(-ret)) :
		     0;
}

int fs_memory_read(int fd, size_t max, struct buf *out, struct err *err)
{
	char block[1 << 14];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		at += n;
		if ((size_t)at > max)
			return err_set(err, EMSGSIZE,
				       "more than %zu bytes were written", max);
		buf_add(out, block, (size_t)n);
	}
	return n < 0 ? err_errno(err, "a file in memory") : 0;
}

static char *temporary_beside(const char *path)
{
	char *dir = str_dir(path);
	char *tmp = xasprintf("%s/.%s" TEMPORARY "%d", dir, str_base(path),
			      (int)getpid());

	free(dir);
	return tmp;
}

void fs_remove_temporaries(const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);
		const char *mark = strstr(names.v[i], TEMPORARY);

		if (names.v[i][0] == '.' && mark &&
		    !mark[sizeof(TEMPORARY) - 1 +
			  strspn(mark + sizeof(TEMPORARY) - 1, "0123456789")])
			unlink(path);
		free(path);
	}
	strv_release(&names);
}

/* Ends a write to `tmp`: rename it to `path`, or remove it after `ret`. */
static int end_write(int fd, const char *tmp, const char *path, int ret,
		     struct err *err)
{
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret) {
		unlink(tmp);
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	}
	return ret;
}

int fs_write(const char *path, struct bytes in, mode_t mode, struct err *err)
{
	char *tmp = temporary_beside(path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int ret;

	if (fd < 0)
		ret = err_errno(err, "%s", path);
	else
		ret = end_write(fd, tmp, path, fs_write_all(fd, in), err);
	free(tmp);
	return ret;
}

static int write_through(const char *path, int flags, struct bytes in,
			 mode_t mode, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, mode);
	int ret = fd < 0 ? -errno : fs_write_all(fd, in);

	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	return ret ? err_set(err, -ret, "%s: %s", path, strerror(-ret)) : 0;
}

int fs_write_named(const char *path, struct bytes in, mode_t mode,
		   struct err *err)
{
	char *real = realpath(path, NULL);
	struct stat st;
	int ret;

	if (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		ret = write_through(path, 0, in, mode, err);
	/* It leads nowhere yet; the kernel goes there. */
	else if (!real && !lstat(path, &st) && S_ISLNK(st.st_mode))
		ret = write_through(path, O_CREAT, in, mode, err);
	else
		ret = fs_write(real ? real : path, in, mode, err);
	free(real);
	return ret;
}

/* Within one file system its blocks may be shared, or copied by the kernel. */
static int copy_in_kernel(int in, int out)
{
	ssize_t n;

	if (!ioctl(out, FICLONE, in))
		return 0;
	do
		n = copy_file_range(in, NULL, out, NULL, COPY_MOST, 0);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

/* What copy_in_kernel() could not do, from where it came to. */
static int copy_fd(int in, int out)
{
	char block[1 << 16];
	ssize_t n;
	int ret = copy_in_kernel(in, out);

	if (ret == -ENOSPC || ret == -EDQUOT || ret == -EFBIG)
		return ret;
	ret = 0;

	while (!ret && (n = read(in, block, sizeof(block))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			ret = fs_write_all(out, bytes_of(block, (size_t)n));
	}
	return ret;
}

int fs_copy(const char *from, const char *to, struct err *err)
{
	char *tmp = temporary_beside(to);
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	struct stat st;
	int ret;

	if (in < 0 || fstat(in, &st)) {
		ret = err_errno(err, "%s", from);
		goto done;
	}
	out = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		   st.st_mode & 0777);
	if (out < 0) {
		ret = err_errno(err, "%s", to);
		goto done;
	}
	ret = copy_fd(in, out);
	/* What the umask took away. */
	if (!ret && fchmod(out, st.st_mode & 0777))
		ret = -errno;
	ret = end_write(out, tmp, to, ret, err);
done:
	if (in >= 0)
		close(in);
	free(tmp);
	return ret;
}

/* Some file systems cannot be read by sendfile(). */
static ssize_t send_some(int from, int to, off_t *at, size_t most)
{
	uint8_t block[1 << 16];
	ssize_t n = sendfile(to, from, at, most);
	int ret;

	if (n < 0 && (errno == EINVAL || errno == ENOSYS)) {
		n = pread(from, block,
			  most < sizeof(block) ? most : sizeof(block), *at);
		if (n > 0) {
			*at += n;
			ret = fs_write_all(to, bytes_of(block, (size_t)n));
			return ret ? ret : n;
		}
	}
	return n < 0 ? -errno : n;
}

static int send_bytes(int from, int to, uint64_t size)
{
	off_t at = 0;

	while ((uint64_t)at < size) {
		uint64_t left = size - (uint64_t)at;
		ssize_t n = send_some(from, to, &at,
				      left < 1 << 30 ? (size_t)left : 1 << 30);

		if (!n)
			return -EIO;
		if (n < 0 && n != -EINTR)
			return (int)n;
	}
	return 0;
}

int fs_make_at(int dir, const char *name, int from, uint64_t size, mode_t mode,
	       int64_t mtime_ns)
{
	const int64_t rest = (mtime_ns % NS + NS) % NS;
	const struct timespec at = { (time_t)((mtime_ns - rest) / NS), rest };
	const struct timespec times[2] = { at, at };
	int fd = openat(dir, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int ret;

	if (fd < 0)
		return -errno;
	ret = send_bytes(from, fd, size);
	if (!ret && (fchmod(fd, mode) || futimens(fd, times)))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/* A directory that is there may answer EROFS or EACCES as well as EEXIST. */
static int make_missing(const char *path, mode_t mode, struct err *err)
{
	int why;

	if (!mkdir(path, mode))
		return 0;
	why = errno;
	if (why == EEXIST || fs_is_dir(path))
		return 0;
	errno = why;
	return err_errno(err, "make directory %s", path);
}

int fs_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char *copy;
	int ret = 0;

	if (!*path)
		return err_set(err, ENOENT, "make directory: empty name");
	copy = xstrdup(path);
	for (char *p = copy + 1;; p++) {
		char held = *p;

		if (held && held != '/')
			continue;
		*p = '\0';
		ret = make_missing(copy, mode, err);
		if (ret)
			break;
		*p = held;
		if (!held)
			break;
	}
	if (!ret && !fs_is_dir(path))
		ret = err_set(err, ENOTDIR, "%s: not a directory", path);
	free(copy);
	return ret;
}

static int list_fd(int fd, struct strv *out)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int ret;

	if (!dir) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while ((errno = 0, e = readdir(dir))) {
		if (!str_equal(e->d_name, ".") && !str_equal(e->d_name, ".."))
			strv_add(out, e->d_name);
	}
	ret = -errno;
	closedir(dir);
	strv_sort(out);
	return ret;
}

int fs_list(const char *path, struct strv *out)
{
	return list_fd(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), out);
}

int fs_list_at(int at, const char *name, struct strv *out)
{
	return list_fd(openat(at, name,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		       out);
}

/*
 * `*dir` is ours to close.  One that is deeper takes its place meanwhile, so
 * that a tree of any depth takes one descriptor.
 */
static int remove_in(int *dir, const char *name, int depth);

static int open_path(int at, const char *name)
{
	int fd = openat(at, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int empty_in(int *dir, const char *name, int depth)
{
	struct strv names = { 0 };
	int fd = depth < DEPTH_MAX ? open_path(*dir, name) : -ELOOP;
	int ret = fd < 0 ? fd : fs_list_at(fd, ".", &names);

	if (fd >= 0) {
		close(*dir);
		for (size_t i = 0; i < names.n && !ret; i++)
			ret = remove_in(&fd, names.v[i], depth + 1);
		*dir = open_path(fd, "..");
		close(fd);
		if (*dir < 0 && !ret)
			ret = *dir;
	}
	strv_release(&names);
	return ret;
}

static int remove_in(int *dir, const char *name, int depth)
{
	int ret;

	if (!unlinkat(*dir, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (!unlinkat(*dir, name, AT_REMOVEDIR))
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	/* One without permissions was made to stay. */
	if (faccessat(*dir, name, R_OK | W_OK | X_OK, AT_EACCESS) &&
	    fchmodat(*dir, name, 0700, 0))
		return -errno;
	ret = empty_in(dir, name, depth);
	if (!ret && unlinkat(*dir, name, AT_REMOVEDIR) && errno != ENOENT)
		ret = -errno;
	return ret;
}

int fs_remove_at(int at, const char *name)
{
	int dir = open_path(at, ".");
	int ret = dir < 0 ? dir : remove_in(&dir, name, 0);

	if (dir >= 0)
		close(dir);
	return ret;
}

int fs_remove(const char *path, struct err *err)
{
	char *name = xstrdup(path), *dir;
	int fd, ret;

	for (size_t n = strlen(name); n > 1 && name[n - 1] == '/';)
		name[--n] = '\0';
	dir = str_dir(name);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret = fd < 0 ? -errno : fs_remove_at(fd, str_base(name));
	if (fd >= 0)
		close(fd);
	free(dir);
	free(name);
	return ret && ret != -ENOENT ? err_set(err, -ret, "remove %s: %s", path,
					       strerror(-ret)) :
				       0;
}

int fs_lock(int at, const char *name, int flags, int how)
{
	int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat is, has;
	int ret;

	if (fd < 0)
		return -errno;
	do
		ret = flock(fd, how);
	while (ret && errno == EINTR);
	if (ret)
		ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstat(fd, &is) ||
		 fstatat(at, name, &has, AT_SYMLINK_NOFOLLOW) ||
		 is.st_ino != has.st_ino || is.st_dev != has.st_dev)
		ret = -EAGAIN;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

char *fs_absolute(const char *path)
{
	char *cwd = getcwd(NULL, 0);
	char *out = str_seen_from(cwd ? cwd : "", path);

	free(cwd);
	return out;
}

static char *home_dir(const char *variable, const char *below_home)
{
	const char *set = getenv(variable), *home = getenv("HOME");

	/* The specification: relative paths are to be ignored. */
	if (set && set[0] == '/')
		return xasprintf("%s/kfarm", set);
	return xasprintf("%s/%s/kfarm", home && home[0] == '/' ? home : "/root",
			 below_home);
}

char *fs_config_home(void)
{
	return home_dir("XDG_CONFIG_HOME", ".config");
}

char *fs_cache_home(void)
{
	return home_dir("XDG_CACHE_HOME", ".cache");
}

char *fs_data_home(void)
{
	return home_dir("XDG_DATA_HOME", ".local/share");
}

char *fs_state_home(void)
{
	return home_dir("XDG_STATE_HOME", ".local/state");
}

int fs_runtime_dir(char **out, struct err *err)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	bool is_given = xdg && xdg[0] == '/';
	struct stat st;
	char *dir;
	int ret;

	if (is_given)
		dir = xasprintf("%s/kfarm", xdg);
	else
		dir = xasprintf("/tmp/kfarm-%d", (int)geteuid());
	ret = fs_mkdirs(dir, 0700, err);
	if (ret && is_given) /* another user's, after su(1) */
		err_wrap(err, "XDG_RUNTIME_DIR");
	if (!ret && lstat(dir, &st))
		ret = err_errno(err, "%s", dir);
	if (!ret && (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		     (st.st_mode & 022)))
		ret = err_set(err, EPERM,
			      "%s: not a directory of ours alone; remove it or "
			      "set XDG_RUNTIME_DIR",
			      dir);
	if (ret)
		free(dir);
	else
		*out = dir;
	return ret;
}
