/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/beneath.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_DIR (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The whole way in one call; -ENOSYS before Linux 5.6. */
static int open_at_once(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* One component further. */
static int open_component(int dir, const char *name, bool make)
{
	struct stat st;
	int fd;

	if (make && mkdirat(dir, name, 0755) && errno != EEXIST)
		return -errno;
	fd = openat(dir, name, OPEN_DIR);
	if (fd >= 0)
		return fd;
	/* ENOTDIR is what a link gives here, too. */
	if (errno == ENOTDIR && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
	return -errno;
}

static int open_by_steps(int root, const char *path, bool make)
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

int beneath_open(int root, const char *path, bool make)
{
	int dir = *path ? open_at_once(root, path) : -ENOSYS;

	if (dir == -ENOSYS || dir == -EPERM || (dir == -ENOENT && make))
		dir = open_by_steps(root, path, make);
	return dir;
}
