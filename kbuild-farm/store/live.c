/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/live.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 100

#define DIRECTORY (O_RDONLY | O_DIRECTORY)

/* A descriptor; -EAGAIN: the name was taken, or it was pruned in between. */
static int make_locked(int live, const char *name)
{
	int fd;

	if (mkdirat(live, name, 0700))
		return errno == EEXIST ? -EAGAIN : -errno;
	fd = fs_lock(live, name, DIRECTORY, LOCK_EX | LOCK_NB);
	return fd == -ENOENT || fd == -EBUSY ? -EAGAIN : fd;
}

int store_live_make(int live, char name[static STORE_LIVE_NAME_MAX],
		    struct err *err)
{
	static atomic_uint count;
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
		snprintf(name, STORE_LIVE_NAME_MAX, "%d.%u", (int)getpid(),
			 atomic_fetch_add(&count, 1));
		ret = make_locked(live, name);
	}
	if (ret < 0)
		err_set(err, -ret, "make and lock a directory: %s",
			strerror(-ret));
	return ret;
}

static void prune_one(int live, const char *name)
{
	/* Another process may have pruned it first, and the name be in use
	 * again. */
	int fd = fs_lock(live, name, DIRECTORY, LOCK_EX | LOCK_NB);

	if (fd >= 0 || fd == -ENOTDIR || fd == -ELOOP)
		fs_remove_at(live, name);
	if (fd >= 0)
		close(fd);
}

int store_live_list(int live, struct strv *out)
{
	struct strv names = { 0 };
	int ret = fs_list_at(live, ".", &names);

	for (size_t i = 0; i < names.n; i++) {
		int fd = fs_lock(live, names.v[i], DIRECTORY,
				 LOCK_SH | LOCK_NB);

		if (fd == -EBUSY)
			strv_add(out, names.v[i]);
		if (fd >= 0)
			close(fd);
	}
	strv_release(&names);
	return ret;
}

void store_live_prune(int live)
{
	struct strv names = { 0 };

	fs_list_at(live, ".", &names);
	for (size_t i = 0; i < names.n; i++)
		prune_one(live, names.v[i]);
	strv_release(&names);
}
