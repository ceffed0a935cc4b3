/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/sweep.h"

#include "base/fs.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX      100
#define BUSY_TRIES_MAX 10
#define BUSY_US        30000

/*
 * Take DIR/lock, if there is one: a descriptor, -1 where there is none, or
 * -EBUSY.
 */
static int lock_leftover(const char *dir)
{
	char *path = xasprintf("%s/lock", dir);
	int fd = fs_lock(AT_FDCWD, path, O_RDONLY, LOCK_EX | LOCK_NB);

	free(path);
	return fd >= 0 || fd == -EBUSY ? fd : -1;
}

/* Out of the way in one step, then file by file; false: in use. */
static bool remove_leftover(const char *top, const char *name)
{
	char *from = xasprintf("%s/%s", top, name);
	char *to = xasprintf("%s/.gone-%d-%s", top, (int)getpid(),
			     name + strcspn(name, "-") + 1);
	int fd = lock_leftover(from);
	struct err ignored;

	if (fd != -EBUSY) {
		/* What cannot be removed now is the next one's to try. */
		fs_remove(rename(from, to) ? from : to, &ignored);
	}
	if (fd >= 0)
		close(fd);
	free(to);
	free(from);
	return fd != -EBUSY;
}

void tree_sweep_top(const char *top, struct strv *begun)
{
	struct strv names = { 0 };

	fs_list(top, &names);
	for (size_t i = 0; i < names.n; i++) {
		bool new = str_starts(names.v[i], ".new-");

		if (!new && !str_starts(names.v[i], ".gone-"))
			continue;
		if (remove_leftover(top, names.v[i]) && new &&begun)
			strv_add(begun, names.v[i] + strlen(".new-"));
	}
	strv_release(&names);
}

/* One that is being made at this moment has no lock for an instant. */
static int try_to_begin(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/lock", dir);
	int fd = -EAGAIN;

	if (mkdir(dir, 0755) && errno != EEXIST)
		fd = err_errno(err, "%s", dir);
	else
		fd = fs_lock(AT_FDCWD, path, O_RDONLY | O_CREAT,
			     LOCK_EX | LOCK_NB);
	if (fd < 0 && fd != -EAGAIN && fd != -ENOENT && fd != -EBUSY)
		err_set(err, -fd, "%s: %s", path, strerror(-fd));
	free(path);
	return fd;
}

static bool is_empty_but_for_lock(const char *dir)
{
	struct strv names = { 0 };
	bool is;

	fs_list(dir, &names);
	is = names.n == 1;
	strv_release(&names);
	return is;
}

/* Who sweeps has the lock for an instant, too. */
static bool should_try_again(int ret, int tries)
{
	if (ret == -EBUSY && tries < BUSY_TRIES_MAX)
		usleep(BUSY_US);
	return ret == -EAGAIN || ret == -ENOENT ||
	       (ret == -EBUSY && tries < BUSY_TRIES_MAX);
}

int tree_sweep_begin(const char *top, const char *name, int *fd,
		     struct err *err)
{
	char *dir = xasprintf("%s/.new-%s", top, name), *lock, *who;
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && should_try_again(ret, i); i++) {
		ret = try_to_begin(dir, err);
		if (ret < 0 || is_empty_but_for_lock(dir))
			continue;
		close(ret);
		tree_sweep_top(top, NULL);
		ret = -EAGAIN;
	}
	if (ret == -EBUSY) {
		lock = xasprintf("%s/lock", dir);
		*fd = open(lock, O_RDONLY | O_CLOEXEC);
		who = lock_holders(*fd);
		err_set(err, EBUSY, "%s is being added by process %s", name,
			who);
		if (*fd >= 0)
			close(*fd);
		free(who);
		free(lock);
	} else if (ret == -EAGAIN || ret == -ENOENT) {
		err_set(err, EAGAIN, "%s: cannot be locked", dir);
	}
	free(dir);
	*fd = ret < 0 ? -1 : ret;
	return ret < 0 ? ret : 0;
}

static bool is_left_over(const FTSENT *f)
{
	/* No reference may have such a name: git-check-ref-format(1). */
	return f->fts_info == FTS_F && (str_ends(f->fts_name, ".lock") ||
					str_starts(f->fts_name, "pack_git2_") ||
					str_starts(f->fts_name, "tmp_"));
}

static void sweep_below(const char *dir, const char *sub)
{
	char *roots[] = { xasprintf("%s/%s", dir, sub), NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;

	while (walk && (f = fts_read(walk))) {
		if (is_left_over(f))
			unlink(f->fts_path);
	}
	if (walk)
		fts_close(walk);
	free(roots[0]);
}

void tree_sweep_repository(const char *dir)
{
	static const char *const locks[] = { "HEAD.lock", "packed-refs.lock",
					     "config.lock", "shallow.lock",
					     "FETCH_HEAD.lock" };
	struct strv names = { 0 };

	for (size_t i = 0; i < sizeof(locks) / sizeof(*locks); i++) {
		char *path = xasprintf("%s/repo.git/%s", dir, locks[i]);

		unlink(path);
		free(path);
	}
	sweep_below(dir, "repo.git/refs");
	sweep_below(dir, "repo.git/objects/pack");
	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (str_starts(names.v[i], ".state.json."))
			unlink(path);
		free(path);
	}
	strv_release(&names);
}
