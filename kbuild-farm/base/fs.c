/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"

#include "base/buf.h"
#include "base/replace.h"
#include "base/str.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX      4096 /* depth up to which a tree can be removed */
#define NS_PER_SECOND  1000000000
#define COPY_BYTES_MAX (1u << 30) /* bytes per copy_file_range() */

bool fs_exists(const char *path)
{
	return !access(path, F_OK);
}

bool fs_exists_in(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

bool fs_is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

bool fs_is_same_dir(const char *a, const char *b)
{
	struct stat is, other;

	if (stat(a, &is) || stat(b, &other))
		return !strcmp(a, b);
	return is.st_dev == other.st_dev && is.st_ino == other.st_ino;
}

int fs_open_secret(const char *path, const char *what, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *noun = strrchr(what, ' ');
	struct stat st;
	int ret = 0;

	if (fd < 0)
		return err_errno(err, "%s", path);
	/* Check the open file: the path could be replaced after a check. */
	if (fstat(fd, &st))
		ret = err_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(err, EINVAL, "%s: not a regular file", path);
	else if (st.st_mode & 077)
		ret = err_set(err, EPERM,
			      "%s: %s is accessible by group or others; run "
			      "`chmod 600 %s`, and replace the %s if another "
			      "user may have read it",
			      path, what, path, noun ? noun + 1 : what);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int fs_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	ret = buf_read(out, fd, max);
	close(fd);
	if (ret)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	return ret;
}

int fs_memfd_new(struct bytes in, int *fd, struct err *err)
{
	int ret;

	*fd = memfd_create("kfarm", MFD_CLOEXEC);
	if (*fd < 0)
		return err_errno(err, "cannot create a memory file");
	ret = bytes_write(*fd, in);
	if (!ret && lseek(*fd, 0, SEEK_SET))
		ret = -errno;
	return ret ? err_set(err, -ret, "cannot write to a memory file: %s",
			     strerror(-ret)) :
		     0;
}

int fs_memfd_read(int fd, size_t max, struct buf *out, struct err *err)
{
	char block[1 << 14];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		at += n;
		if ((size_t)at > max)
			return err_set(err, EMSGSIZE,
				       "output too large: more than %zu bytes",
				       max);
		buf_add(out, block, (size_t)n);
	}
	return n < 0 ? err_errno(err, "cannot read a memory file") : 0;
}

void fs_remove_temp_files(const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (replace_is_temp(names.v[i]))
			unlink(path);
		free(path);
	}
	strv_release(&names);
}

int fs_write(const char *path, struct bytes in, mode_t mode, struct err *err)
{
	struct replace r;
	int ret = replace_open(&r, path, mode, err);

	return ret ? ret : replace_close(&r, bytes_write(r.fd, in), err);
}

static int write_in_place(const char *path, int flags, struct bytes in,
			  struct err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, 0666);
	int ret = fd < 0 ? -errno : bytes_write(fd, in);

	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	return ret ? err_set(err, -ret, "%s: %s", path, strerror(-ret)) : 0;
}

int fs_write_follow(const char *path, struct bytes in, struct err *err)
{
	char *real = realpath(path, NULL);
	struct stat st;
	int ret;

	if (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		ret = write_in_place(path, 0, in, err);
	/* For a link without a target, open() creates the target. */
	else if (!real && !lstat(path, &st) && S_ISLNK(st.st_mode))
		ret = write_in_place(path, O_CREAT, in, err);
	else
		ret = fs_write(real ? real : path, in, 0666, err);
	free(real);
	return ret;
}

static int copy_fd(int in, int out)
{
	char block[1 << 16];
	ssize_t n;
	int ret = 0;

	/*
	 * Copy in the kernel, without a buffer of this process.  Within a file
	 * system, the kernel can share blocks.  If the file systems support no
	 * copy in the kernel, the loop below copies everything.
	 */
	if (!ioctl(out, FICLONE, in))
		return 0;
	do
		n = copy_file_range(in, NULL, out, NULL, COPY_BYTES_MAX, 0);
	while (n > 0);
	if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return -errno;

	/* Copy the rest from the position at which the kernel stopped. */
	while (!ret && (n = read(in, block, sizeof(block))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			ret = bytes_write(out, bytes_of(block, (size_t)n));
	}
	return ret;
}

int fs_copy(const char *from, const char *to, struct err *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	struct replace r;
	struct stat st;
	int ret;

	if (in < 0 || fstat(in, &st)) {
		ret = err_errno(err, "%s", from);
		goto out;
	}
	ret = replace_open(&r, to, st.st_mode & 0777, err);
	if (ret)
		goto out;
	ret = copy_fd(in, r.fd);
	/* The umask may have removed permissions. */
	if (!ret && fchmod(r.fd, st.st_mode & 0777))
		ret = -errno;
	ret = replace_close(&r, ret, err);
out:
	if (in >= 0)
		close(in);
	return ret;
}

/*
 * Copy at most `most` bytes with sendfile(), or with pread() and write() from a
 * file system that sendfile() does not support.
 */
static ssize_t send_chunk(int from, int to, off_t *at, size_t most)
{
	uint8_t block[1 << 16];
	ssize_t n = sendfile(to, from, at, most);
	int ret;

	if (n < 0 && (errno == EINVAL || errno == ENOSYS)) {
		n = pread(from, block,
			  most < sizeof(block) ? most : sizeof(block), *at);
		if (n > 0) {
			*at += n;
			ret = bytes_write(to, bytes_of(block, (size_t)n));
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
		ssize_t n = send_chunk(from, to, &at,
				       left < 1 << 30 ? (size_t)left : 1 << 30);

		if (!n)
			return -EIO;
		if (n < 0 && n != -EINTR)
			return (int)n;
	}
	return 0;
}

int fs_create_at(int dir, const char *name, int from, uint64_t size_bytes,
		 mode_t mode, int64_t mtime_ns)
{
	const int64_t rest = (mtime_ns % NS_PER_SECOND + NS_PER_SECOND) %
			     NS_PER_SECOND;
	const struct timespec at = {
		(time_t)((mtime_ns - rest) / NS_PER_SECOND), rest
	};
	const struct timespec times[2] = { at, at };
	int fd = openat(dir, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int ret;

	if (fd < 0)
		return -errno;
	ret = send_bytes(from, fd, size_bytes);
	if (!ret && (fchmod(fd, mode) || futimens(fd, times)))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/*
 * Create a directory, unless it exists.  For an existing directory, mkdir() can
 * fail with EROFS or EACCES as well as EEXIST.
 */
static int make_missing_dir(const char *path, mode_t mode, struct err *err)
{
	int why;

	if (!mkdir(path, mode))
		return 0;
	why = errno;
	if (why == EEXIST || fs_is_dir(path))
		return 0;
	errno = why;
	return err_errno(err, "create directory %s", path);
}

int fs_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char *copy;
	int ret = 0;

	if (!*path)
		return err_set(err, ENOENT, "create directory: empty name");
	copy = xstrdup(path);
	for (char *p = copy + 1;; p++) {
		char held = *p;

		if (held && held != '/')
			continue;
		*p = '\0';
		ret = make_missing_dir(copy, mode, err);
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

int fs_list_at(int dir, struct strv *out)
{
	return list_fd(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		       out);
}

/*
 * Remove `name` in the directory `*dir`, which the caller closes.  While a
 * subdirectory is emptied, its parent is closed; afterwards `*dir` is opened
 * again as "..".  A tree of any depth thus needs one descriptor.
 */
static int remove_recursive(int *dir, const char *name, int depth);

static int open_path(int at, const char *name)
{
	int fd = openat(at, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int empty_dir(int *dir, const char *name, int depth)
{
	struct strv names = { 0 };
	int fd = depth < DEPTH_MAX ? open_path(*dir, name) : -ELOOP;
	int ret = fd < 0 ? fd : fs_list_at(fd, &names);

	if (fd >= 0) {
		close(*dir);
		for (size_t i = 0; i < names.n && !ret; i++)
			ret = remove_recursive(&fd, names.v[i], depth + 1);
		*dir = open_path(fd, "..");
		close(fd);
		if (*dir < 0 && !ret)
			ret = *dir;
	}
	strv_release(&names);
	return ret;
}

static int remove_recursive(int *dir, const char *name, int depth)
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
	/* A directory without permissions cannot be listed or emptied. */
	if (faccessat(*dir, name, R_OK | W_OK | X_OK, AT_EACCESS) &&
	    fchmodat(*dir, name, 0700, 0))
		return -errno;
	ret = empty_dir(dir, name, depth);
	if (!ret && unlinkat(*dir, name, AT_REMOVEDIR) && errno != ENOENT)
		ret = -errno;
	return ret;
}

int fs_remove_at(int at, const char *name)
{
	int dir = open_path(at, ".");
	int ret = dir < 0 ? dir : remove_recursive(&dir, name, 0);

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

uint64_t fs_disk_usage(const char *path)
{
	char *const roots[] = { (char *)path, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t sum = 0;
	FTSENT *f;

	while (walk && (f = fts_read(walk))) {
		if (f->fts_info != FTS_DP && f->fts_info != FTS_NS)
			sum += (uint64_t)f->fts_statp->st_blocks * 512;
	}
	if (walk)
		fts_close(walk);
	return sum;
}

bool fs_is_open_as(int fd, int at, const char *name, int flags)
{
	struct stat is, has;

	return !fstat(fd, &is) && !fstatat(at, name, &has, flags) &&
	       is.st_dev == has.st_dev && is.st_ino == has.st_ino;
}

int fs_open_locked(int at, const char *name, int flags, int flock_op)
{
	int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	int ret;

	if (fd < 0)
		return -errno;
	do
		ret = flock(fd, flock_op);
	while (ret && errno == EINTR);
	if (ret)
		ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (!fs_is_open_as(fd, at, name, AT_SYMLINK_NOFOLLOW))
		ret = -EAGAIN;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

char *fs_make_absolute(const char *path)
{
	char *cwd = getcwd(NULL, 0);
	char *out = cwd ? str_join_path(cwd, path) : xstrdup(path);

	free(cwd);
	return out;
}

char *fs_canonical_path(const char *path)
{
	char *absolute = fs_make_absolute(path), *head = xstrdup(absolute);
	char *real, *slash, *out;
	const char *rest;

	/* Find the longest part of the path that exists. */
	while (!(real = realpath(head, NULL)) &&
	       (slash = strrchr(head, '/')) != NULL)
		*slash = '\0';
	rest = absolute + strlen(head);
	if (absolute[0] != '/')
		out = xstrdup(absolute);
	else
		out = xasprintf("%s%s",
				!real || (*rest && !real[1]) ? "" : real, rest);
	free(real);
	free(head);
	free(absolute);
	return out;
}

/* Return the part of `path` after the directory `home`, or NULL. */
static const char *skip_home(const char *path, const char *home)
{
	size_t n = strlen(home);
	bool within = n > 1 && !strncmp(path, home, n) &&
		      (path[n] == '/' || !path[n]);

	return within ? path + n : NULL;
}

void fs_add_display_path(struct buf *out, const char *path)
{
	const char *home = getenv("HOME"), *rest = NULL;
	char *real;

	if (home && home[0] == '/') {
		/* `path` can be canonical although $HOME is not. */
		real = fs_canonical_path(home);
		rest = skip_home(path, home);
		if (!rest)
			rest = skip_home(path, real);
		free(real);
	}
	if (rest)
		buf_printf(out, "~%s", rest);
	else
		buf_add_str(out, path);
}

char *fs_expand_home(const char *path)
{
	const char *home = getenv("HOME");

	return str_starts(path, "~/") && home ?
		       xasprintf("%s%s", home, path + 1) :
		       xstrdup(path);
}

static char *home_dir(const char *variable, const char *below_home)
{
	const char *set = getenv(variable), *home = getenv("HOME");

	/* The XDG specification requires that relative paths are ignored. */
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

/* Return the absolute path in XDG_RUNTIME_DIR, or NULL. */
static const char *given_runtime_dir(void)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	return xdg && xdg[0] == '/' ? xdg : NULL;
}

static char *tmp_runtime_dir(void)
{
	return xasprintf("/tmp/kfarm-%d", (int)geteuid());
}

/* Unlike /tmp/kfarm-UID, this directory cannot be created by another user. */
static char *cache_runtime_dir(void)
{
	char *cache = fs_cache_home(), *dir = xasprintf("%s/run", cache);

	free(cache);
	return dir;
}

/* Return true if this user owns the directory and no other can write to it. */
static bool is_private_dir(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_uid == geteuid() &&
	       !(st->st_mode & 022);
}

static int make_private_dir(const char *dir, bool given, struct err *err)
{
	struct stat st;
	int ret = fs_mkdirs(dir, 0700, err);

	/* Name the variable, whose value can be wrong after su(1). */
	if (ret && given)
		err_wrap(err, "XDG_RUNTIME_DIR");
	if (!ret && lstat(dir, &st))
		ret = err_errno(err, "%s", dir);
	if (!ret && !is_private_dir(&st))
		ret = err_set(err, EPERM,
			      "%s: not a directory that only this user can "
			      "write to; remove it or set XDG_RUNTIME_DIR",
			      dir);
	return ret;
}

int fs_runtime_dir(char **out, struct err *err)
{
	const char *given = given_runtime_dir();
	char *dir = given ? xasprintf("%s/kfarm", given) : tmp_runtime_dir();
	int ret = make_private_dir(dir, given, err);

	if (ret && !given) {
		free(dir);
		dir = cache_runtime_dir();
		ret = make_private_dir(dir, false, err);
	}
	if (ret)
		free(dir);
	else
		*out = dir;
	return ret;
}

void fs_runtime_dirs(struct strv *out)
{
	const char *given = given_runtime_dir();
	char *login = xasprintf("/run/user/%d", (int)geteuid());
	char *all[] = { xasprintf("%s/kfarm", given ? given : login),
			tmp_runtime_dir(), cache_runtime_dir() };
	size_t n = given && strcmp(given, login) != 0 ? 1 : ARRAY_SIZE(all);
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (i < n && !lstat(all[i], &st) && is_private_dir(&st))
			strv_add(out, all[i]);
		free(all[i]);
	}
	free(login);
}

/* Open one component. */
static int open_component(int dir, const char *name, bool create)
{
	struct stat st;
	int fd;

	if (create && mkdirat(dir, name, 0755) && errno != EEXIST)
		return -errno;
	fd = open_path(dir, name);
	/* For a symbolic link, openat() fails with ENOTDIR, too. */
	if (fd == -ENOTDIR && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISLNK(st.st_mode))
		return -ELOOP;
	return fd;
}

static int open_stepwise(int root, const char *path, bool make)
{
	int dir = fcntl(root, F_DUPFD_CLOEXEC, 3);

	if (dir < 0)
		return -errno;
	while (*path) {
		size_t n = strcspn(path, "/");
		char *name = xstrndup(path, n);
		int next = open_component(dir, name, make);

		free(name);
		close(dir);
		if (next < 0)
			return next;
		dir = next;
		path += n + (path[n] == '/');
	}
	return dir;
}

int beneath_open(int root, const char *path, bool create)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int dir = -ENOSYS;

	/* openat2() resolves the whole path at once.  Linux 5.6 added it. */
	if (*path) {
		dir = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (dir < 0)
			dir = -errno;
	}
	if (dir == -ENOSYS || dir == -EPERM || (dir == -ENOENT && create))
		dir = open_stepwise(root, path, create);
	return dir;
}

char *lock_holders(const char *path)
{
	FILE *locks = fopen("/proc/locks", "re");
	struct strv who = { 0 };
	char *line = NULL, *out;
	unsigned int dev_major, dev_minor;
	unsigned long inode;
	bool any_device;
	size_t room = 0;
	struct stat st;
	long pid;

	if (stat(path, &st))
		st = (struct stat){ 0 };
	/*
	 * Compare only inodes if the major number is 0, as on btrfs and
	 * overlayfs.  On these file systems, the device number in st_dev
	 * differs from the device number in /proc/locks.
	 */
	any_device = !major(st.st_dev);
	while (locks && getline(&line, &room, locks) > 0) {
		struct buf name = { 0 };
		struct err ignored;
		char *file;

		if (sscanf(line, "%*s FLOCK %*s %*s %ld %x:%x:%lu", &pid,
			   &dev_major, &dev_minor, &inode) != 4 ||
		    inode != st.st_ino ||
		    (!any_device &&
		     makedev(dev_major, dev_minor) != st.st_dev) ||
		    pid <= 0 || pid == getpid())
			continue;
		file = xasprintf("/proc/%ld/comm", pid);
		if (!fs_read(file, 4096, &name, &ignored) && name.len)
			strv_addf(&who, "%ld (%.*s)", pid,
				  (int)strcspn(buf_str(&name), "\n"),
				  buf_str(&name));
		buf_release(&name);
		free(file);
	}
	if (locks)
		fclose(locks);
	free(line);
	out = who.n ? strv_join(&who, ", ") : xstrdup("another process");
	strv_release(&who);
	return out;
}
