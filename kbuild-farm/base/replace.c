/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/replace.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMP_INFIX ".kfarm." /* part of each temporary file's name */
#define TRIES_MAX  1000

bool replace_is_temp(const char *name)
{
	const char *mark = NULL;

	/* The name of the file may contain the infix, too. */
	for (const char *at = name; (at = strstr(at, TEMP_INFIX)) != NULL; at++)
		mark = at + strlen(TEMP_INFIX);
	return name[0] == '.' && mark && !mark[strspn(mark, "0123456789")];
}

static int open_new(struct replace *r, mode_t mode)
{
	r->fd = open(r->temp_path,
		     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     mode);
	return r->fd < 0 ? -errno : 0;
}

static void release(struct replace *r)
{
	free(r->temp_path);
	free(r->path);
	*r = (struct replace){ .fd = -1 };
}

int replace_open(struct replace *r, const char *path, mode_t mode,
		 struct err *err)
{
	char *dir = str_dir(path);
	int ret = -EEXIST;

	*r = (struct replace){ .path = xstrdup(path), .fd = -1 };
	for (int i = 0; i < TRIES_MAX && ret == -EEXIST; i++) {
		free(r->temp_path);
		r->temp_path = xasprintf("%s/.%s" TEMP_INFIX "%d%.*d", dir,
					 str_base(path), (int)gettid(),
					 i ? 3 : 0, i);
		ret = open_new(r, mode);
	}
	free(dir);
	if (ret) {
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
		release(r);
	}
	return ret;
}

int replace_open_lock(struct replace *r, const char *path, mode_t mode,
		      struct err *err)
{
	int ret;

	*r = (struct replace){ .path = xstrdup(path),
			       .temp_path = xasprintf("%s.lock", path) };
	ret = open_new(r, mode);
	if (ret) {
		err_set(err, -ret, "%s: %s", r->temp_path, strerror(-ret));
		release(r);
	}
	return ret;
}

/* Flush the directory that contains `path` to disk, including renames. */
static int sync_dir_of(const char *path)
{
	char *dir = str_dir(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	/* Some file systems cannot flush a directory. */
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	free(dir);
	return ret;
}

int replace_close(struct replace *r, int ret, struct err *err)
{
	bool renamed;

	if (!ret && r->durable && fsync(r->fd))
		ret = -errno;
	if (close(r->fd) && !ret)
		ret = -errno;
	if (!ret && rename(r->temp_path, r->path))
		ret = -errno;
	renamed = !ret;
	if (!renamed)
		unlink(r->temp_path);
	else if (r->durable)
		ret = sync_dir_of(r->path);
	if (ret)
		err_set(err, -ret, "%s: %s", r->path, strerror(-ret));
	release(r);
	return ret;
}
