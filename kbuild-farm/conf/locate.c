/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/locate.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NULL_DEVICE makedev(1, 3)

struct target {
	const char *section, *sub, *key, *value;
	unsigned left; /* matches to skip */
	char *found; /* "FILE:LINE" */
};

struct walk {
	const char *path; /* the file being read */
	unsigned depth;
	conf_locate_fn *fn; /* NULL to check only the syntax */
	void *ctx;
	struct err *err;
};

/* Return the file that "path = VALUE" in `from` includes. */
static char *included_path(const char *from, const char *value)
{
	char *expanded = fs_expand_home(value), *dir = str_dir(from);
	char *path = str_join_path(dir, expanded);

	free(dir);
	free(expanded);
	return path;
}

/*
 * Return false for a FIFO, a socket, or a device other than /dev/null, where a
 * read could block.  A directory passes this check; the later read rejects it.
 */
static bool is_safe_to_open(const char *path)
{
	struct stat st;

	return stat(path, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
	       (S_ISCHR(st.st_mode) && st.st_rdev == NULL_DEVICE);
}

static int walk_file(struct walk *w);

static int walk_include(struct walk *w, const char *value, unsigned line)
{
	const char *from = w->path;
	char *path;
	int ret = 0;

	if (w->depth >= CONF_DEPTH_MAX)
		return err_set(
			w->err, ELOOP,
			"%s: includes nested too deeply (circular include?)",
			w->path);
	path = included_path(from, value);
	if (!is_safe_to_open(path)) {
		ret = err_set(w->err, EINVAL, "%s:%u: %s: not a regular file",
			      from, line, path);
	} else if (fs_exists(path)) {
		w->path = path;
		w->depth++;
		ret = walk_file(w);
		w->depth--;
		w->path = from;
	}
	free(path);
	return ret;
}

static int on_item(void *ctx, const struct conf_item *i)
{
	struct walk *w = ctx;
	int ret = w->fn ? w->fn(w->ctx, w->path, i) : 0;

	if (!ret && i->key && i->value && !strcmp(i->section, "include") &&
	    !i->sub && !strcmp(i->key, "path"))
		return walk_include(w, i->value, i->line);
	return ret;
}

int conf_locate_read(const char *path, struct buf *text, struct err *err)
{
	if (!is_safe_to_open(path))
		return err_set(err, EINVAL, "%s: not a regular file", path);
	return fs_read(path, CONF_FILE_MAX, text, err);
}

static int walk_file(struct walk *w)
{
	struct buf text = { 0 };
	struct err why = { 0 };
	const char *path = w->path;
	unsigned line = 0;
	int ret;

	ret = conf_locate_read(path, &text, w->err);
	if (!ret)
		ret = conf_scan(buf_bytes(&text), on_item, w, &line, &why);
	/*
	 * conf_scan() sets `why` only for a syntax error in this file.  After
	 * any other error, such as one in an included file, w->err is already
	 * set.
	 */
	if (ret < 0 && why.text[0])
		err_set(w->err, -ret, "%s:%u: %s", path, line, why.text);
	buf_release(&text);
	return ret;
}

int conf_locate_walk(const char *path, conf_locate_fn *fn, void *ctx,
		     struct err *err)
{
	struct walk w = { .path = path, .fn = fn, .ctx = ctx, .err = err };

	return walk_file(&w);
}

int conf_locate_check(const char *path, struct err *err)
{
	return conf_locate_walk(path, NULL, NULL, err);
}

static int match_target(void *ctx, const char *path, const struct conf_item *i)
{
	struct target *t = ctx;

	if (!i->key || strcmp(t->section, i->section) != 0 ||
	    !str_equal(t->sub, i->sub) || strcmp(t->key, i->key) != 0 ||
	    !str_equal(t->value, i->value) || t->left--)
		return 0;
	t->found = xasprintf("%s:%u", path, i->line);
	return 1;
}

char *conf_locate_setting(const char *path, const char *section,
			  const char *sub, const char *key, const char *value,
			  unsigned index)
{
	struct target t = { section, sub, key, value, index, NULL };
	struct err ignored = { 0 };

	conf_locate_walk(path, match_target, &t, &ignored);
	return t.found ? t.found : xstrdup(path);
}
