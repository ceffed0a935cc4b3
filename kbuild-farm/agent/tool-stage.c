/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tool-stage.h"

#include "base/fs.h"
#include "base/str.h"
#include "store/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LIVE       "/.live"
#define BLOCK_SIZE 4096 /* what a file takes beyond its bytes, at most */

struct agent_tool_stage {
	const char *kept;
	int live; /* DIR/.live */
	char name[STORE_LIVE_NAME_MAX]; /* in it, locked by `lock` */
	int lock;
	char *dir; /* DIR/.live/NAME/new */
	char *old; /* DIR/.live/NAME/old: what had the name before */
	char *made; /* the directory that was made last */
};

static int open_live(const char *kept, struct err *err)
{
	char *path = xasprintf("%s" LIVE, kept);
	int fd = -1, ret = fs_mkdirs(path, 0700, err);

	if (!ret) {
		fd = open(path,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			ret = err_errno(err, "%s", path);
	}
	free(path);
	return ret ? ret : fd;
}

static int check_space(const char *kept, uint64_t bytes, size_t files,
		       struct err *err)
{
	uint64_t need = bytes + (uint64_t)files * BLOCK_SIZE, has;
	struct statvfs fs;

	if (statvfs(kept, &fs))
		return err_errno(err, "%s", kept);
	has = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (need > has)
		return err_set(err, ENOSPC,
			       "%s: no space left: %llu MiB are needed, %llu"
			       " MiB free; make room or see --toolchains",
			       kept, (unsigned long long)(need >> 20) + 1,
			       (unsigned long long)(has >> 20));
	return 0;
}

/* A locked private directory for the new toolchain and the old one. */
static int begin_stage(const char *kept, struct agent_tool_stage *n,
		       struct err *err)
{
	int ret;

	n->kept = kept;
	n->lock = -1;
	n->live = open_live(kept, err);
	if (n->live < 0)
		return n->live;
	store_live_prune(n->live);
	n->lock = store_live_make(n->live, n->name, err);
	if (n->lock < 0)
		return n->lock;
	n->dir = xasprintf("%s" LIVE "/%s/new", kept, n->name);
	n->old = xasprintf("%s" LIVE "/%s/old", kept, n->name);
	ret = mkdir(n->dir, 0700) ? err_errno(err, "%s", n->dir) : 0;
	return ret;
}

int agent_tool_stage_new(const char *kept, struct agent_tool_stage **out,
			 uint64_t bytes, size_t files, struct err *err)
{
	struct agent_tool_stage *n = xcalloc(1, sizeof(*n));
	int ret = begin_stage(kept, n, err);

	if (!ret)
		ret = check_space(kept, bytes, files, err);
	if (ret) {
		agent_tool_stage_free(n);
		n = NULL;
	}
	*out = n;
	return ret;
}

void agent_tool_stage_free(struct agent_tool_stage *n)
{
	if (!n)
		return;
	if (n->lock >= 0) {
		fs_remove_at(n->live, n->name);
		close(n->lock);
	}
	if (n->live >= 0)
		close(n->live);
	free(n->dir);
	free(n->old);
	free(n->made);
	free(n);
}

/* --------------------------------------------------------------- entries */

/* The absolute path of an entry, whose directory is there then; or NULL. */
static char *staged_path(struct agent_tool_stage *n, const char *path,
			 struct err *err)
{
	char *full = xasprintf("%s%s", n->dir, path), *dir = str_dir(full);
	int ret = 0;

	if (!n->made || strcmp(n->made, dir)) {
		ret = fs_mkdirs(dir, 0700, err);
		free(n->made);
		n->made = ret ? NULL : xstrdup(dir);
	}
	free(dir);
	if (!ret)
		return full;
	free(full);
	return NULL;
}

int agent_tool_stage_put(void *stage, const char *path,
			 const struct wire_inode *inode, int fd,
			 struct err *err)
{
	char *full = staged_path(stage, path, err);
	int ret = full ? 0 : -EIO;

	if (!full)
		return ret;
	if (inode->kind == WIRE_FILE)
		ret = fs_make_at(AT_FDCWD, full, fd, inode->size,
				 inode->executable ? 0555 : 0444,
				 inode->mtime_ns);
	else if (inode->kind == WIRE_LINK)
		ret = symlink(inode->target, full) ? -errno : 0;
	else if (inode->kind == WIRE_DIR)
		ret = mkdir(full, 0700) && errno != EEXIST ? -errno : 0;
	else
		ret = -EINVAL;
	if (ret)
		err_set(err, -ret, "%s: %s", full, strerror(-ret));
	free(full);
	return ret;
}

/* --------------------------------------------------------------- publish */

static int finish_stage(struct agent_tool_stage *n,
			const struct agent_record *r, const char *json,
			const atomic_bool *stop, struct err *err)
{
	char *path = xasprintf("%s/" TOOLCHAIN_JSON, n->dir);
	int ret = agent_record_verify(r, n->dir, stop, err);

	if (!ret)
		ret = fs_write(path, bytes_str(json), 0644, err);
	if (!ret)
		ret = agent_record_write(r, n->dir, err);
	free(path);
	return ret;
}

/* It is in use, or something else stands there that cannot be replaced. */
static int busy_error(const char *path, int ret, struct err *err)
{
	if (ret == -EBUSY)
		return err_set(err, EBUSY,
			       "%s is in use: try again when the builds that"
			       " use it are done",
			       str_base(path));
	return err_set(err, -ret, "%s: %s", path, strerror(-ret));
}

/*
 * Rename `path` to `old`.  Nobody has it locked then, and whoever waits for the
 * lock finds that it is gone.
 */
static int retire(const char *path, const char *old, struct err *err)
{
	int fd = agent_kept_lock(path, LOCK_EX | LOCK_NB), ret = 0;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return busy_error(path, fd, err);
	if (rename(path, old))
		ret = err_errno(err, "%s", path);
	close(fd);
	return ret;
}

static int exchange(struct agent_tool_stage *n, const char *path,
		    struct err *err)
{
	int fd = agent_kept_lock(path, LOCK_EX | LOCK_NB), ret = 0;

	if (fd < 0 && fd != -ENOENT)
		return busy_error(path, fd, err);
	/* In one step: a reader sees the old one or the new one. */
	if (fd >= 0 &&
	    !renameat2(AT_FDCWD, n->dir, AT_FDCWD, path, RENAME_EXCHANGE)) {
		close(fd);
		return 0;
	}
	if (fd >= 0) {
		close(fd);
		ret = retire(path, n->old, err);
	}
	if (!ret && rename(n->dir, path))
		ret = busy_error(
			path,
			errno == ENOTEMPTY || errno == EEXIST ? -EBUSY : -errno,
			err);
	return ret;
}

int agent_tool_stage_publish(struct agent_tool_stage *n,
			     const struct agent_record *r, const char *json,
			     const atomic_bool *stop, struct err *err)
{
	char *path = agent_kept_path(n->kept, r->id);
	int ret = finish_stage(n, r, json, stop, err);

	if (!ret)
		ret = exchange(n, path, err);
	free(path);
	return ret;
}

int agent_tool_stage_drop(const char *kept, const char *id, struct err *err)
{
	struct agent_tool_stage *n;
	char *path = agent_kept_path(kept, id);
	int ret = 0;

	if (!fs_is_dir(path))
		ret = err_set(err, ENOENT, "%s is not held here", id);
	if (!ret)
		ret = agent_tool_stage_new(kept, &n, 0, 0, err);
	if (!ret) {
		ret = retire(path, n->old, err);
		agent_tool_stage_free(n);
	}
	free(path);
	return ret;
}
