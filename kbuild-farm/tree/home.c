/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/home.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/nearest.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 64
#define PATIENCE_MS     2000 /* before a line says what is waited for */
#define ASK_AGAIN_MS    50

char *tree_home_top(void)
{
	char *data = fs_data_home();
	char *top = xasprintf("%s/trees", data);

	free(data);
	return top;
}

int tree_home_check_name(const char *name, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.+";
	size_t n = strlen(name);

	if (n && n <= NAME_LENGTH_MAX && *name != '.' && *name != '-' &&
	    strspn(name, allowed) == n)
		return 0;
	return err_set(err, EINVAL,
		       "\"%.80s\" cannot be a tree's name: it has 1 to %d "
		       "letters, digits, - _ . + and no dot or dash in front",
		       name, NAME_LENGTH_MAX);
}

int tree_home_names(struct strv *out, struct err *err)
{
	char *top = tree_home_top();
	struct strv all = { 0 };
	struct err ignored;
	int ret = fs_list(top, &all);

	if (ret == -ENOENT)
		ret = 0;
	if (ret)
		err_set(err, -ret, "%s: %s", top, strerror(-ret));
	for (size_t i = 0; !ret && i < all.n; i++) {
		char *dir = xasprintf("%s/%s", top, all.v[i]);

		if (!tree_home_check_name(all.v[i], &ignored) && fs_is_dir(dir))
			strv_add(out, all.v[i]);
		free(dir);
	}
	strv_release(&all);
	free(top);
	return ret;
}

static int no_such_tree(const char *name, struct err *err)
{
	struct strv names = { 0 };
	struct err ignored;
	struct nearest near;
	char *list, *question, *otherwise;

	tree_home_names(&names, &ignored);
	list = strv_join(&names, ", ");
	otherwise = names.n ? xasprintf("; there are: %s", list) :
			      xstrdup("; add it with `kfarm tree add`");
	nearest_init(&near, name);
	for (size_t i = 0; i < names.n; i++)
		nearest_try(&near, names.v[i]);
	question = nearest_question(&near, "", otherwise);
	err_set(err, ENOENT, "there is no tree \"%s\"%s", name, question);
	free(question);
	free(otherwise);
	free(list);
	strv_release(&names);
	return -ENOENT;
}

/* Why there is no directory of that name. */
static int tell_missing(const struct tree_home *t, const char *top,
			struct err *err)
{
	char *new = xasprintf("%s/.new-%s", top, t->name);
	int ret = -ENOENT;

	if (t->url)
		err_set(err, ENOENT,
			"the tree \"%s\" was not cloned yet: `kfarm tree "
			"update %s` does it",
			t->name, t->name);
	else if (fs_exists(new))
		err_set(err, ENOENT,
			"the tree \"%s\" is being added, or was not to the "
			"end: `kfarm tree add` begins it anew",
			t->name);
	else
		ret = no_such_tree(t->name, err);
	free(new);
	return ret;
}

/* Who has DIR/FILE locked. */
static char *holders_of_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *who = lock_holders(fd);

	if (fd >= 0)
		close(fd);
	return who;
}

/*
 * flock DIR/FILE: a descriptor, or a negative errno.  `wait`: ask until it is
 * to be had, as a blocking flock() would not let anybody say what it waits for.
 */
static int flock_of_tree(const struct tree_home *t, const char *file, int how,
			 bool wait, struct err *err)
{
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	char *path = xasprintf("%s/%s", t->dir, file), *who;
	uint64_t start = clock_ms();
	bool told = false;
	int fd;

	for (;;) {
		fd = fs_lock(AT_FDCWD, path, O_RDONLY | O_CREAT, how | LOCK_NB);
		if (fd != -EAGAIN && (fd != -EBUSY || !wait))
			break;
		if (!told && clock_ms() - start >= PATIENCE_MS) {
			who = holders_of_file(path);
			log_info("waiting for the tree %s, in use by process "
				 "%s",
				 t->name, who);
			free(who);
			told = true;
		}
		if (nanosleep(&pause, NULL)) {
			fd = -ECANCELED;
			break;
		}
	}
	if (fd == -EBUSY) {
		who = holders_of_file(path);
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

static int read_url(struct tree_home *t, struct err *err)
{
	struct conf *conf = NULL;
	const char *url;
	int ret = conf_load(&conf, NULL, err);

	if (ret)
		return ret;
	url = conf_get(conf, "tree", t->name, "url");
	t->url = url ? xstrdup(url) : NULL;
	conf_free(conf);
	return 0;
}

static int take_locks(struct tree_home *t, enum tree_lock how, struct err *err)
{
	int fd = flock_of_tree(t, "lock",
			       how == TREE_CHANGE ? LOCK_EX : LOCK_SH,
			       how != TREE_CHANGE, err);

	if (fd < 0)
		return fd;
	t->lock = fd;
	if (how != TREE_UPDATE)
		return 0;
	fd = flock_of_tree(t, "update.lock", LOCK_EX, true, err);
	if (fd < 0)
		return fd;
	t->update = fd;
	return 0;
}

int tree_home_open(struct tree_home *t, const char *name, enum tree_lock how,
		   struct err *err)
{
	char *top = tree_home_top();
	int ret;

	*t = (struct tree_home){ 0 };
	ret = tree_home_check_name(name, err);
	if (ret)
		goto out;
	t->name = xstrdup(name);
	t->dir = xasprintf("%s/%s", top, name);
	t->repository = xasprintf("%s/repo.git", t->dir);
	ret = read_url(t, err);
	if (ret)
		goto out;
	ret = fs_is_dir(t->dir) ? take_locks(t, how, err) : -ENOENT;
	if (ret == -ENOENT)
		ret = tell_missing(t, top, err);
	else if (!ret && how != TREE_CHANGE && !fs_is_dir(t->repository))
		ret = err_set(err, ENOENT,
			      "%s is gone; `kfarm tree remove %s` takes the "
			      "tree away",
			      t->repository, name);
out:
	if (ret)
		tree_home_release(t);
	free(top);
	return ret;
}

void tree_home_release(struct tree_home *t)
{
	if (t->update > 0)
		close(t->update);
	if (t->lock > 0)
		close(t->lock);
	free(t->name);
	free(t->dir);
	free(t->repository);
	free(t->url);
	*t = (struct tree_home){ 0 };
}
