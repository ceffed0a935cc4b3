/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/cleanup.h"

#include "base/fs.h"
#include "base/vec.h"

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
 * Rename the directory TOP/NAME, then delete it.  Return false if its lock is
 * held or cannot be opened.
 */
static bool remove_leftover(const char *top, const char *name)
{
	char *from = xasprintf("%s/%s", top, name);
	char *lock = xasprintf("%s/lock", from);
	char *to = xasprintf("%s/.gone-%d-%s", top, (int)getpid(),
			     name + strcspn(name, "-") + 1);
	int fd = fs_open_locked(AT_FDCWD, lock, O_RDWR, LOCK_EX | LOCK_NB);
	bool unused = fd >= 0 || fd == -ENOENT;
	struct err ignored;

	/* The next cleanup retries files that cannot be removed now. */
	if (unused)
		fs_remove(rename(from, to) ? from : to, &ignored);
	if (fd >= 0)
		close(fd);
	free(to);
	free(lock);
	free(from);
	return unused;
}

void tree_cleanup_datadir(const char *top, struct strv *unfinished)
{
	struct strv names = { 0 };

	fs_list(top, &names);
	for (size_t i = 0; i < names.n; i++) {
		bool new = str_starts(names.v[i], ".new-");

		if (!new && !str_starts(names.v[i], ".gone-"))
			continue;
		if (remove_leftover(top, names.v[i]) && new &&unfinished)
			strv_add(unfinished, names.v[i] + strlen(".new-"));
	}
	strv_release(&names);
}

/*
 * Create the directory `dir` and lock DIR/lock.  An existing directory is not
 * an error, because another process may have created it without having locked
 * it yet.  Returns the descriptor of the lock or a negative errno.
 */
static int try_create_new(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/lock", dir);
	int fd = -EAGAIN;

	if (mkdir(dir, 0755) && errno != EEXIST)
		fd = err_errno(err, "%s", dir);
	else
		fd = fs_open_locked(AT_FDCWD, path, O_RDWR | O_CREAT,
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

/*
 * Return true if the error `ret` may be transient.  For -EBUSY, sleep first,
 * because another process that cleans up holds the lock only for a moment.
 */
static bool should_retry_create(int ret, int tries)
{
	if (ret == -EBUSY && tries < BUSY_TRIES_MAX)
		usleep(BUSY_US);
	return ret == -EAGAIN || ret == -ENOENT ||
	       (ret == -EBUSY && tries < BUSY_TRIES_MAX);
}

int tree_cleanup_create_new(const char *top, const char *name, int *fd,
			    struct err *err)
{
	char *dir = xasprintf("%s/.new-%s", top, name), *lock, *who;
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && should_retry_create(ret, i); i++) {
		ret = try_create_new(dir, err);
		if (ret < 0 || is_empty_but_for_lock(dir))
			continue;
		close(ret);
		tree_cleanup_datadir(top, NULL);
		ret = -EAGAIN;
	}
	if (ret == -EBUSY) {
		lock = xasprintf("%s/lock", dir);
		who = lock_holders(lock);
		err_set(err, EBUSY, "%s is being added by process %s", name,
			who);
		free(who);
		free(lock);
	} else if (ret == -EAGAIN || ret == -ENOENT) {
		err_set(err, EAGAIN, "cannot lock %s", dir);
	}
	free(dir);
	*fd = ret < 0 ? -1 : ret;
	return ret < 0 ? ret : 0;
}

static void remove_leftovers_below(const char *dir, const char *sub)
{
	char *roots[] = { xasprintf("%s/%s", dir, sub), NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;

	while (walk && (f = fts_read(walk))) {
		/*
		 * A file *.lock cannot be a reference: git-check-ref-format(1)
		 * rejects names that end in ".lock".
		 */
		if (f->fts_info == FTS_F &&
		    (str_ends(f->fts_name, ".lock") ||
		     str_starts(f->fts_name, "pack_git2_") ||
		     str_starts(f->fts_name, "tmp_")))
			unlink(f->fts_path);
	}
	if (walk)
		fts_close(walk);
	free(roots[0]);
}

void tree_cleanup_repository(const char *dir)
{
	static const char *const locks[] = { "HEAD.lock", "packed-refs.lock",
					     "config.lock", "shallow.lock",
					     "FETCH_HEAD.lock" };
	/* fs_write() creates its temporary files in these directories. */
	static const char *const written[] = { ".", "repo.git",
					       "repo.git/objects/info" };

	for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
		char *path = xasprintf("%s/repo.git/%s", dir, locks[i]);

		unlink(path);
		free(path);
	}
	remove_leftovers_below(dir, "repo.git/refs");
	remove_leftovers_below(dir, "repo.git/objects/pack");
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		char *path = xasprintf("%s/%s", dir, written[i]);

		fs_remove_temp_files(path);
		free(path);
	}
}
