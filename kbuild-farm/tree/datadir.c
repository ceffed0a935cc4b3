/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/datadir.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spellcheck.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 64
#define PATIENCE_MS     2000 /* time before a message names the lock holder */
#define RETRY_MS        50

char *tree_datadir_top(void)
{
	char *data = fs_data_home();
	char *top = xasprintf("%s/trees", data);

	free(data);
	return top;
}

int tree_datadir_check_name(const char *name, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.+";
	size_t n = strlen(name);

	if (n && n <= NAME_LENGTH_MAX && *name != '.' && *name != '-' &&
	    strspn(name, allowed) == n)
		return 0;
	return err_set(err, EINVAL,
		       "\"%.80s\": invalid tree name: expected 1 to %d "
		       "letters, digits, - _ . +, not starting with a dot or "
		       "dash",
		       name, NAME_LENGTH_MAX);
}

int tree_datadir_list_names(struct strv *out, struct err *err)
{
	char *top = tree_datadir_top();
	struct strv all = { 0 };
	struct err ignored;
	int ret = fs_list(top, &all);

	if (ret == -ENOENT)
		ret = 0;
	if (ret)
		err_set(err, -ret, "%s: %s", top, strerror(-ret));
	for (size_t i = 0; !ret && i < all.n; i++) {
		char *dir = xasprintf("%s/%s", top, all.v[i]);

		if (!tree_datadir_check_name(all.v[i], &ignored) &&
		    fs_is_dir(dir))
			strv_add(out, all.v[i]);
		free(dir);
	}
	strv_release(&all);
	free(top);
	return ret;
}

/* Set the error for a tree whose directory does not exist. */
static int set_missing_error(const struct tree_datadir *t, const char *top,
			     struct err *err)
{
	char *new = xasprintf("%s/.new-%s", top, t->name);
	char *list, *question, *otherwise;
	struct strv names = { 0 };
	struct spellcheck near;
	struct err ignored;
	bool incomplete = fs_exists(new);

	free(new);
	if (t->url)
		return err_set(err, ENOENT,
			       "tree \"%s\" is not cloned yet; run `kfarm tree "
			       "update %s`",
			       t->name, t->name);
	if (incomplete)
		return err_set(err, ENOENT,
			       "tree \"%s\" is incomplete: `kfarm tree add` is "
			       "still running or was interrupted; if it was "
			       "interrupted, run it again",
			       t->name);
	tree_datadir_list_names(&names, &ignored);
	list = strv_join(&names, ", ");
	otherwise = names.n ? xasprintf("; existing trees: %s", list) :
			      xstrdup("; add it with `kfarm tree add`");
	spellcheck_init(&near, t->name);
	for (size_t i = 0; i < names.n; i++)
		spellcheck_add(&near, names.v[i]);
	question = spellcheck_suggestion(&near, "", otherwise);
	err_set(err, ENOENT, "no such tree \"%s\"%s", t->name, question);
	free(question);
	free(otherwise);
	free(list);
	strv_release(&names);
	return -ENOENT;
}

/*
 * Lock DIR/FILE with flock().  Returns a descriptor or a negative errno.  With
 * `wait`, poll for the lock, because a blocking flock() could not report the
 * process that holds it.
 */
static int flock_tree(const struct tree_datadir *t, const char *file,
		      int operation, bool wait, struct err *err)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	char *path = xasprintf("%s/%s", t->dir, file), *who;
	/* O_RDONLY lets readers lock a tree on a read-only file system. */
	int flags = operation == LOCK_EX ? O_RDWR : O_RDONLY;
	uint64_t start = clock_ms();
	bool reported = false;
	int fd;

	for (;;) {
		fd = fs_open_locked(AT_FDCWD, path, flags | O_CREAT,
				    operation | LOCK_NB);
		if (fd != -EAGAIN && (fd != -EBUSY || !wait))
			break;
		if (!reported && clock_ms() - start >= PATIENCE_MS) {
			who = lock_holders(path);
			log_info("waiting for the tree %s, in use by process "
				 "%s",
				 t->name, who);
			free(who);
			reported = true;
		}
		if (nanosleep(&pause, NULL)) {
			fd = -ECANCELED;
			break;
		}
	}
	if (fd == -EBUSY) {
		who = lock_holders(path);
		err_set(err, EBUSY, "the tree %s is in use by process %s",
			t->name, who);
		free(who);
	} else if (fd == -ECANCELED) {
		err_set(err, ECANCELED, "interrupted");
	} else if (fd < 0) {
		err_set(err, -fd, "%s: %s", path, strerror(-fd));
	}
	free(path);
	return fd;
}

static int take_locks(struct tree_datadir *t, enum tree_lock_mode mode,
		      struct err *err)
{
	int fd = flock_tree(t, "lock",
			    mode == TREE_LOCK_REMOVE ? LOCK_EX : LOCK_SH,
			    mode != TREE_LOCK_REMOVE, err);

	if (fd < 0)
		return fd;
	t->lock_fd = fd;
	if (mode != TREE_LOCK_UPDATE)
		return 0;
	fd = flock_tree(t, "update.lock", LOCK_EX, true, err);
	if (fd < 0)
		return fd;
	t->update_fd = fd;
	return 0;
}

int tree_datadir_open(struct tree_datadir *t, const char *name,
		      enum tree_lock_mode mode, struct err *err)
{
	char *top = tree_datadir_top();
	struct conf *conf = NULL;
	const char *url;
	int ret;

	*t = (struct tree_datadir){ 0 };
	ret = tree_datadir_check_name(name, err);
	if (ret)
		goto out;
	t->name = xstrdup(name);
	t->dir = xasprintf("%s/%s", top, name);
	t->repository = xasprintf("%s/repo.git", t->dir);
	ret = conf_load(&conf, NULL, err);
	if (ret)
		goto out;
	url = conf_get(conf, "tree", name, "url");
	t->url = url ? xstrdup(url) : NULL;
	conf_free(conf);
	ret = fs_is_dir(t->dir) ? take_locks(t, mode, err) : -ENOENT;
	if (ret == -ENOENT)
		ret = set_missing_error(t, top, err);
	else if (!ret && mode != TREE_LOCK_REMOVE && !fs_is_dir(t->repository))
		ret = err_set(err, ENOENT,
			      "%s: no such repository; remove the tree with "
			      "`kfarm tree remove %s`",
			      t->repository, name);
out:
	if (ret)
		tree_datadir_release(t);
	free(top);
	return ret;
}

void tree_datadir_release(struct tree_datadir *t)
{
	if (t->update_fd > 0)
		close(t->update_fd);
	if (t->lock_fd > 0)
		close(t->lock_fd);
	free(t->name);
	free(t->dir);
	free(t->repository);
	free(t->url);
	*t = (struct tree_datadir){ 0 };
}
