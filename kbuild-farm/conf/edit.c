/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/conf.h"

#include "base/fs.h"
#include "base/replace.h"
#include "conf/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_STALE_S   2 /* minimum age of a stale lock file */
#define LOCK_PAUSE_MS  50
#define LOCK_TRIES_MAX 100

char *conf_user_path(void)
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

/* Return the path of the lock file of `path`.  The caller frees it. */
static char *lock_file_of(const char *path)
{
	char *real = realpath(path, NULL);
	char *lock = xasprintf("%s.lock", real ? real : path);

	free(real);
	return lock;
}

/*
 * Lock the lock file that this process has created with flock(2), so that
 * wait_for_lock() of another process does not take it for stale, however long
 * this process waits for a processor.  Returns a descriptor, or a negative
 * errno if the file system does not support this.
 */
static int hold_lock_file(const char *path)
{
	char *lock = lock_file_of(path);
	int fd = fs_open_locked(AT_FDCWD, lock, O_RDWR, LOCK_EX);

	free(lock);
	return fd;
}

/*
 * git and libgit2 lock FILE by creating FILE.lock.  Remove the lock file of
 * `path` if the lock file is stale; otherwise, pause.  kfarm holds a lock of
 * its own on the lock file.  Without that, the process that created the file is
 * git, which edits in milliseconds, so a lock file that is at least
 * LOCK_STALE_S old was left behind by a killed process.  A lock file with an
 * mtime more than LOCK_STALE_S in the future is stale, too.  Returns true if
 * the caller should try again to lock `path`.
 */
static bool wait_for_lock(const char *path, unsigned tries)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	char *lock = lock_file_of(path);
	/*
	 * Use flock() while checking the lock file.  Otherwise, if two
	 * processes find the same stale file, the second process could remove
	 * the new lock file of the first.
	 */
	int fd = fs_open_locked(AT_FDCWD, lock, O_RDWR, LOCK_EX | LOCK_NB);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) &&
	    (time(NULL) - st.st_mtime >= LOCK_STALE_S ||
	     st.st_mtime > time(NULL) + LOCK_STALE_S))
		unlink(lock);
	else
		nanosleep(&pause, NULL);
	if (fd >= 0)
		close(fd);
	free(lock);
	return tries < LOCK_TRIES_MAX;
}

/*
 * Set the keys of `pairs` in the section `prefix` ("section.sub.").  A
 * transaction of libgit2 locks the file, so that either all keys or no keys
 * change.  Without pairs, this function only tests whether the file can be
 * locked.  *config is NULL afterwards if libgit2 has freed the configuration.
 */
static int set_pairs(git_config **config, const char *path, const char *prefix,
		     const struct conf_pair *pairs, size_t n)
{
	git_transaction *all = NULL;
	int ret = git_config_lock(&all, *config);
	int held_fd = ret ? -1 : hold_lock_file(path);
	bool written = false;

	for (size_t i = 0; !ret && i < n; i++) {
		const char *value = pairs[i].value;
		char *name = xasprintf("%s%s", prefix, pairs[i].key);
		git_buf now = { 0 };

		if (value && (git_config_get_string_buf(&now, *config, name) ||
			      strcmp(now.ptr, value)))
			ret = git_config_set_string(*config, name, value);
		git_buf_dispose(&now);
		free(name);
	}
	if (!ret && n) {
		ret = git_transaction_commit(all);
		written = true;
	}
	/* libgit2 1.5 then also frees the configuration, 1.9 does not. */
	if (all && !written && LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR < 9)
		*config = NULL;
	git_transaction_free(all);
	if (held_fd >= 0)
		close(held_fd);
	return ret;
}

/*
 * Return -EINVAL and set `err` if a file other than `path` sets one of the
 * keys.  libgit2 also rejects a change of a key that an included file sets, but
 * its error message does not name the included file.
 */
static int check_included(const char *path, const char *section,
			  const char *sub, const struct conf_pair *pairs,
			  size_t n, struct err *err)
{
	char *own = xasprintf("%s:", path), *at;
	struct conf *c = NULL;
	struct err ignored;
	int ret = 0;

	if (conf_load(&c, NULL, &ignored))
		n = 0;
	for (size_t i = 0; !ret && i < n; i++) {
		at = conf_get_origin(c, section, sub, pairs[i].key);
		if (at && pairs[i].value && !str_starts(at, own))
			ret = err_set(err, EINVAL,
				      "%s is set in %s; change that file",
				      pairs[i].key, at);
		free(at);
	}
	conf_free(c);
	free(own);
	return ret;
}

/* Check that a file whose settings will be changed is valid and regular. */
static int check_regular(const char *path, struct err *err)
{
	struct stat st;
	int ret = conf_locate_check(path, err);

	/* libgit2 would replace a device by a regular file. */
	if (!ret && !stat(path, &st) && !S_ISREG(st.st_mode))
		ret = err_set(
			err, EINVAL,
			"%s: not a regular file; cannot write settings to it",
			path);
	return ret;
}

int conf_set_all(const char *section, const char *sub,
		 const struct conf_pair *pairs, size_t n, struct err *err)
{
	char *path = conf_user_path();
	char *dir = str_dir(path);
	char *prefix = xasprintf("%s%s%s.", section, sub ? "." : "",
				 sub ? sub : "");
	git_config *config = NULL;
	unsigned tries = 0;
	int ret = fs_mkdirs(dir, 0700, err);

	if (!ret && fs_exists(path))
		ret = check_regular(path, err);
	if (ret)
		goto out;
	git_libgit2_init();
	ret = git_config_open_ondisk(&config, path);
	if (!ret) {
		do
			ret = set_pairs(&config, path, prefix, pairs, n);
		while (ret == GIT_ELOCKED && wait_for_lock(path, ++tries));
	}
	if (ret) {
		const git_error *e = git_error_last();

		err_set(err, EIO, "%s: %s", path,
			e && e->message ? e->message : "cannot write file");
		ret = -EIO;
		if (e && e->klass == GIT_ERROR_CONFIG &&
		    check_included(path, section, sub, pairs, n, err))
			ret = -EINVAL;
	}
	git_config_free(config);
	git_libgit2_shutdown();
out:
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

/*
 * Progress of copying `text` to `out`.  The copy omits the subsection `sub` or,
 * if `key` is set, only this key of the subsection.
 */
struct removal {
	const char *section, *sub;
	const char *key; /* in lower case; NULL: the whole subsection */
	struct bytes text;
	struct buf out;
	size_t consumed_bytes; /* processed bytes of `text` */
	bool removed;
};

static void copy_text_until(struct removal *c, size_t at)
{
	if (at > c->consumed_bytes)
		buf_add(&c->out, c->text.data + c->consumed_bytes,
			at - c->consumed_bytes);
	c->consumed_bytes = at;
}

/*
 * Omit the item if it matches.  If the whole subsection is removed, omit
 * everything from its header to the line of its last key.  Comments after that
 * line are preserved, because they usually belong to the next section.
 */
static int remove_item(void *ctx, const struct conf_item *i)
{
	struct removal *c = ctx;
	size_t at = i->start;

	if (strcmp(i->section, c->section) || !str_equal(i->sub, c->sub))
		return 0;
	if (c->key && !str_equal(i->key, c->key))
		return 0;
	if (c->key || !i->key) {
		while (at > c->consumed_bytes &&
		       strchr(" \t", c->text.data[at - 1]))
			at--;
		copy_text_until(c, at);
	}
	c->consumed_bytes = i->end;
	/* The removed key was on the header's line, so end that line. */
	if (c->key && at && c->text.data[at - 1] != '\n')
		buf_add_str(&c->out, "\n");
	c->removed = true;
	return 0;
}

/*
 * Read the file, and store in c->out its text without the parts that `c`
 * describes.  Returns -ENOENT without setting `err` if the file does not
 * contain these parts.
 */
static int read_remainder(struct removal *c, const char *path, struct err *err)
{
	struct buf text = { 0 };
	struct err why = { 0 };
	unsigned line = 0;
	int ret = conf_locate_read(path, &text, err);

	if (ret)
		return ret;
	buf_reset(&c->out);
	c->consumed_bytes = 0;
	c->removed = false;
	c->text = buf_bytes(&text);
	ret = conf_scan(c->text, remove_item, c, &line, &why);
	if (ret)
		ret = err_set(err, EINVAL, "%s:%u: %s", path, line, why.text);
	else if (!c->removed)
		ret = -ENOENT;
	else
		copy_text_until(c, c->text.len);
	buf_release(&text);
	return ret;
}

/*
 * Like git, lock the file by creating FILE.lock, write the new text to it, and
 * rename it to FILE.  The text is read under the lock, so that no concurrent
 * change is lost.
 */
static int rewrite_file(struct removal *c, const char *path, struct err *err)
{
	char *real = realpath(path, NULL);
	struct err ignored;
	unsigned tries = 0;
	struct replace r;
	int held_fd = -1, ret;
	struct stat st;

	if (!real || stat(real, &st)) {
		ret = err_errno(err, "%s", path);
		goto out;
	}
	do
		ret = replace_open_lock(&r, real, st.st_mode & 0777, err);
	while (ret == -EEXIST && wait_for_lock(path, ++tries));
	if (ret)
		goto out;
	held_fd = hold_lock_file(path);
	ret = read_remainder(c, path, err);
	if (ret)
		replace_close(&r, ret, &ignored);
	else
		ret = replace_close(&r, bytes_write(r.fd, buf_bytes(&c->out)),
				    err);
out:
	if (held_fd >= 0)
		close(held_fd);
	free(real);
	return ret;
}

/*
 * Remove the parts of the file that `c` describes.  Returns -ENOENT without
 * setting `err` if the file does not contain these parts.  The file is then not
 * locked, because its directory may be read-only.
 */
static int remove_from_file(struct removal *c, const char *path,
			    struct err *err)
{
	int ret = fs_exists(path) ? read_remainder(c, path, err) : -ENOENT;

	if (!ret)
		ret = rewrite_file(c, path, err);
	buf_release(&c->out);
	return ret;
}

int conf_remove_section(const char *section, const char *sub, struct err *err)
{
	struct removal c = { .section = section, .sub = sub };
	char *path = conf_user_path();
	int ret = remove_from_file(&c, path, err);

	if (ret == -ENOENT)
		err_set(err, ENOENT, "no section [%s \"%s\"] in %s", section,
			sub, path);
	free(path);
	return ret;
}

int conf_remove_key(const char *section, const char *sub, const char *key,
		    struct err *err)
{
	struct removal c = { .section = section, .sub = sub, .key = key };
	char *path = conf_user_path();
	int ret = remove_from_file(&c, path, err);

	free(path);
	return ret == -ENOENT ? 0 : ret;
}
