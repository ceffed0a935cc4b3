/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf.h"

#include "base/fs.h"
#include "conf/where.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_OLD_S     2 /* seconds */
#define LOCK_PAUSE_MS  50
#define LOCK_TRIES_MAX 100

char *conf_user_file(void)
{
	const char *only = getenv("KFARM_CONFIG");
	char *dir, *path;

	if (only && *only)
		return xstrdup(only);
	dir = fs_config_home();
	path = xasprintf("%s/config", dir);
	free(dir);
	return path;
}

/*
 * git locks FILE by making FILE.lock, and so do libgit2 and we; who is killed
 * leaves it behind.  An edit takes milliseconds: true when it is worth trying
 * again, as the lock is young, or was old and is gone now.
 */
static bool lock_may_go(const char *path, unsigned tries)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	char *real = realpath(path, NULL);
	char *lock = xasprintf("%s.lock", real ? real : path);
	struct stat st;

	if (!stat(lock, &st) && (time(NULL) - st.st_mtime >= LOCK_OLD_S ||
				 st.st_mtime > time(NULL) + LOCK_OLD_S))
		unlink(lock);
	else
		nanosleep(&pause, NULL);
	free(lock);
	free(real);
	return tries < LOCK_TRIES_MAX;
}

static int set_pair(git_config *config, const char *name, const char *value)
{
	git_buf now = { 0 };
	bool same = !git_config_get_string_buf(&now, config, name) &&
		    !strcmp(now.ptr, value);
	int ret = same ? 0 : git_config_set_string(config, name, value);

	git_buf_dispose(&now);
	return ret;
}

/*
 * `prefix` is "section.sub."; the lock makes all of it one step, and shows that
 * it can be, where there are no pairs.  *config is NULL afterwards where it was
 * locked and not written: libgit2 1.5 frees it with the transaction then.
 */
static int set_pairs(git_config **config, const char *prefix,
		     const struct conf_pair *pairs, size_t n)
{
	git_transaction *all = NULL;
	int ret = git_config_lock(&all, *config);
	bool written = false;

	for (size_t i = 0; !ret && i < n; i++) {
		char *name = xasprintf("%s%s", prefix, pairs[i].key);

		if (pairs[i].value)
			ret = set_pair(*config, name, pairs[i].value);
		free(name);
	}
	if (!ret && n) {
		ret = git_transaction_commit(all);
		written = true;
	}
	if (all && !written)
		*config = NULL;
	git_transaction_free(all);
	return ret;
}

static int write_settings(const char *path, const char *prefix,
			  const struct conf_pair *pairs, size_t n,
			  struct err *err)
{
	git_config *config = NULL;
	const git_error *e;
	unsigned tries = 0;
	int ret;

	git_libgit2_init();
	ret = git_config_open_ondisk(&config, path);
	if (!ret) {
		do
			ret = set_pairs(&config, prefix, pairs, n);
		while (ret == GIT_ELOCKED && lock_may_go(path, ++tries));
	}
	if (ret) {
		e = git_error_last();
		ret = err_set(err, EIO, "%s: %s", path,
			      e && e->message ? e->message :
						"cannot be written");
	}
	git_config_free(config);
	git_libgit2_shutdown();
	return ret;
}

int conf_set_all(const char *section, const char *sub,
		 const struct conf_pair *pairs, size_t n, struct err *err)
{
	char *path = conf_user_file();
	char *dir = str_dir(path);
	char *prefix = xasprintf("%s%s%s.", section, sub ? "." : "",
				 sub ? sub : "");
	int ret = fs_mkdirs(dir, 0700, err);

	if (!ret && fs_exists(path))
		ret = conf_where_check(path, err);
	if (!ret)
		ret = write_settings(path, prefix, pairs, n, err);
	free(prefix);
	free(dir);
	free(path);
	return ret;
}

int conf_check_writable(struct err *err)
{
	return conf_set_all("", NULL, NULL, 0, err);
}

int conf_set(const char *section, const char *sub, const char *key,
	     const char *value, struct err *err)
{
	const struct conf_pair pair = { key, value };

	return conf_set_all(section, sub, &pair, 1, err);
}

/* The text as conf_remove() copies it, without the subsection. */
struct cut {
	const char *section, *sub;
	struct bytes text;
	struct buf out;
	size_t done; /* bytes of `text` dealt with */
	bool any;
};

static void copy_until(struct cut *c, size_t at)
{
	if (at > c->done)
		buf_add(&c->out, c->text.data + c->done, at - c->done);
	c->done = at;
}

/*
 * Drop a header that matches and everything down to its last key's line.
 * Comments after that stay: they are most likely the next section's.
 */
static int cut_item(void *ctx, const struct conf_item *i)
{
	struct cut *c = ctx;
	size_t at = i->at;

	if (strcmp(i->section, c->section) || !str_equal(i->sub, c->sub))
		return 0;
	if (!i->key) {
		while (at > c->done && strchr(" \t", c->text.data[at - 1]))
			at--;
		copy_until(c, at);
	}
	c->done = i->end;
	c->any = true;
	return 0;
}

/* git's way: the new text goes to FILE.lock, which then becomes FILE. */
static int replace_file(const char *path, struct bytes text, struct err *err)
{
	char *real = realpath(path, NULL);
	char *lock = xasprintf("%s.lock", real ? real : path);
	unsigned tries = 0;
	struct stat st;
	int fd = -1, ret = 0;

	if (stat(path, &st)) {
		ret = err_errno(err, "%s", path);
	} else {
		do
			fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				  st.st_mode & 0777);
		while (fd < 0 && errno == EEXIST && lock_may_go(path, ++tries));
		if (fd < 0)
			ret = err_errno(err, "%s", lock);
	}
	if (ret)
		goto out;
	ret = fs_write_all(fd, text);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(lock, real ? real : path))
		ret = -errno;
	if (ret) {
		unlink(lock);
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	}
out:
	free(lock);
	free(real);
	return ret;
}

static int cut_section(const char *path, struct cut *c, struct err *err)
{
	struct err why = { 0 };
	unsigned line = 0;
	int ret = conf_scan(c->text, cut_item, c, &line, &why);

	if (ret)
		return err_set(err, EINVAL, "%s:%u: %s", path, line, why.text);
	if (!c->any)
		return err_set(err, ENOENT, "there is no [%s \"%s\"] in %s",
			       c->section, c->sub, path);
	copy_until(c, c->text.len);
	return replace_file(path, buf_bytes(&c->out), err);
}

int conf_remove(const char *section, const char *sub, struct err *err)
{
	struct cut c = { .section = section, .sub = sub };
	struct buf text = { 0 };
	char *path = conf_user_file();
	int ret;

	ret = fs_exists(path) ? conf_where_read(path, &text, err) : 0;
	if (!ret) {
		c.text = buf_bytes(&text);
		ret = cut_section(path, &c, err);
	}
	buf_release(&c.out);
	buf_release(&text);
	free(path);
	return ret;
}
