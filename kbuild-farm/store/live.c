/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/live.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 100

static int open_dir(int at, const char *name)
{
	int fd = openat(at, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Is what `fd` has open still what `name` stands for? */
static bool stands(int at, const char *name, int fd)
{
	struct stat a, b;

	return !fstat(fd, &a) && !fstatat(at, name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* A descriptor; -EAGAIN: the name was taken, or a sweep came in between. */
static int make_one(int live, const char *name)
{
	int fd, ret;

	if (mkdirat(live, name, 0700))
		return errno == EEXIST ? -EAGAIN : -errno;
	fd = open_dir(live, name);
	if (fd < 0)
		return fd == -ENOENT ? -EAGAIN : fd;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		ret = stands(live, name, fd) ? fd : -EAGAIN;
	else
		ret = errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (ret < 0)
		close(fd);
	return ret;
}

int store_live_make(int live, char name[static STORE_LIVE_NAME_MAX],
		    struct err *err)
{
	static atomic_uint count;
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
		snprintf(name, STORE_LIVE_NAME_MAX, "%d.%u", (int)getpid(),
			 atomic_fetch_add(&count, 1));
		ret = make_one(live, name);
	}
	if (ret < 0)
		err_set(err, -ret, "make and lock a directory: %s",
			strerror(-ret));
	return ret;
}

static void sweep_one(int live, const char *name)
{
	int fd = open_dir(live, name);

	if (fd == -ENOTDIR || fd == -ELOOP)
		fs_remove_at(live, name);
	if (fd < 0)
		return;
	/* Another sweep may have been first, and the name be in use again. */
	if (!flock(fd, LOCK_EX | LOCK_NB) && stands(live, name, fd))
		fs_remove_at(live, name);
	close(fd);
}

void store_live_sweep(int live)
{
	struct strv names = { 0 };

	fs_list_at(live, ".", &names);
	for (size_t i = 0; i < names.n; i++)
		sweep_one(live, names.v[i]);
	strv_release(&names);
}
