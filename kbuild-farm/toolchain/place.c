/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/place.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIVE    ".live"
#define LOCK    ".lock."
#define REMOVED ".away"

static int open_directory(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(err, "%s", path) : fd;
}

/* -EAGAIN: another process has it locked, or was just removing it. */
static int lock_file(const struct toolchain_place *p, const char *name,
		     int flags)
{
	int fd = fs_lock(p->dir, name, O_RDWR | flags, LOCK_EX | LOCK_NB);

	return fd == -EBUSY ? -EAGAIN : fd;
}

static void remove_old_locks(const struct toolchain_place *p)
{
	struct strv names = { 0 };

	fs_list_at(p->dir, ".", &names);
	for (size_t i = 0; i < names.n; i++) {
		int fd = str_starts(names.v[i], LOCK) ?
				 lock_file(p, names.v[i], 0) :
				 -1;

		if (fd < 0)
			continue;
		unlinkat(p->dir, names.v[i], 0);
		close(fd);
	}
	strv_release(&names);
}

int toolchain_place_open(struct toolchain_place *p, const char *data,
			 struct err *err)
{
	char *live = xasprintf("%s/toolchains/" LIVE, data);
	int ret = fs_mkdirs(live, 0755, err);

	*p = (struct toolchain_place){
		.path = xasprintf("%s/toolchains", data),
		.dir = -1,
		.live = -1,
		.private = -1,
	};
	if (!ret)
		p->dir = ret = open_directory(p->path, err);
	if (ret >= 0)
		p->live = ret = open_directory(live, err);
	free(live);
	if (ret < 0) {
		toolchain_place_close(p);
		return ret;
	}
	store_live_prune(p->live);
	remove_old_locks(p);
	return 0;
}

void toolchain_place_close(struct toolchain_place *p)
{
	if (!p->path)
		return;
	if (p->private >= 0) {
		fs_remove_at(p->live, p->name);
		close(p->private);
	}
	if (p->live >= 0)
		close(p->live);
	if (p->dir >= 0)
		close(p->dir);
	free(p->path);
	*p = (struct toolchain_place){ 0 };
}

static int make_private(struct toolchain_place *p, struct err *err)
{
	int fd;

	if (p->private >= 0)
		return 0;
	fd = store_live_make(p->live, p->name, err);
	if (fd < 0) {
		err_wrap(err, "%s/" LIVE, p->path);
		return fd;
	}
	p->private = fd;
	return 0;
}

char *toolchain_place_private(struct toolchain_place *p, const char *name,
			      struct err *err)
{
	if (make_private(p, err))
		return NULL;
	return xasprintf("%s/" LIVE "/%s/%s", p->path, p->name, name);
}

int toolchain_place_publish(struct toolchain_place *p, const char *name,
			    const char *id, bool replace, struct err *err)
{
	unsigned flags = replace && !faccessat(p->dir, id, F_OK, 0) ?
				 RENAME_EXCHANGE :
				 RENAME_NOREPLACE;

	/* A power cut must not leave a name without its files.  Where a file
	 * system knows no flags, a directory that is not empty stays, too. */
	if (syncfs(p->private))
		return err_errno(err, "%s: flush", p->path);
	if (renameat2(p->private, name, p->dir, id, flags) &&
	    (flags != RENAME_NOREPLACE || errno != EINVAL ||
	     renameat(p->private, name, p->dir, id)))
		return err_errno(err, "%s/%s", p->path, id);
	if (fsync(p->dir))
		return err_errno(err, "%s", p->path);
	return 0;
}

int toolchain_place_remove(struct toolchain_place *p, const char *id,
			   struct err *err)
{
	int ret = make_private(p, err);

	/* Moved out of the way in one step, then removed file by file. */
	if (!ret && renameat(p->dir, id, p->private, REMOVED))
		ret = err_errno(err, "%s/%s", p->path, id);
	if (!ret && fsync(p->dir))
		ret = err_errno(err, "%s", p->path);
	if (ret)
		return ret;
	ret = fs_remove_at(p->private, REMOVED);
	return ret ? err_set(err, -ret, "%s: remove %s: %s", p->path, id,
			     strerror(-ret)) :
		     0;
}

int toolchain_place_lock(struct toolchain_place *p, const char *id,
			 struct err *err)
{
	char *name = xasprintf(LOCK "%s", id);
	int fd = lock_file(p, name, O_CREAT);

	if (fd < 0)
		err_set(err, -fd, "%s/%s: %s", p->path, name, strerror(-fd));
	free(name);
	return fd;
}

void toolchain_place_unlock(struct toolchain_place *p, const char *id, int fd)
{
	char *name = xasprintf(LOCK "%s", id);

	unlinkat(p->dir, name, 0);
	close(fd);
	free(name);
}
