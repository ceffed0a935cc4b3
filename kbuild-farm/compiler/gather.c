/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/gather.h"

#include "base/fs.h"
#include "compiler/watch.h"
#include "store/identity.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* on one path, as the kernel has it */
#define FILES_MAX 4096 /* whose digests are remembered */

/* Compilers load mostly the same files: libc is read once for all of them. */
static struct store_identities *identities;
static pthread_once_t identities_made = PTHREAD_ONCE_INIT;

/* A path on its way through the file system. */
struct walk {
	struct compiler_gather *g;
	const char *asked;
	char *at; /* "" is the root; no links in it */
	char *rest;
	unsigned links;
};

static void free_entry(struct compiler_entry *e)
{
	free(e->path);
	free(e->target);
}

void compiler_entries_release(struct compiler_entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free_entry(&e->v[i]);
	free(e->v);
	*e = (struct compiler_entries){ 0 };
}

void compiler_gather_release(struct compiler_gather *g)
{
	compiler_entries_release(&g->list);
	strv_release(&g->dirs);
	strv_release(&g->listed);
	compiler_watch_free(g->watch);
	*g = (struct compiler_gather){ 0 };
}

/* Where `path` is in the list, or would be. */
static size_t position(const struct compiler_entries *list, const char *path)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(list->v[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct compiler_entry *compiler_entries_find(
	const struct compiler_entries *list, const char *path)
{
	size_t i = position(list, path);

	if (i == list->n || strcmp(list->v[i].path, path))
		return NULL;
	return &list->v[i];
}

/* Takes over path and target of `e`, also when it is refused. */
static int insert_entry(struct compiler_gather *g, struct compiler_entry e,
			struct err *err)
{
	struct compiler_entries *list = &g->list;
	size_t i = position(list, e.path);
	int ret = 0;

	if (list->n >= COMPILER_ENTRIES_MAX) {
		ret = err_set(err, E2BIG,
			      "%s: more than %u files of a compiler", e.path,
			      COMPILER_ENTRIES_MAX);
		free_entry(&e);
		return ret;
	}
	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	memmove(list->v + i + 1, list->v + i, (list->n - i) * sizeof(e));
	list->v[i] = e;
	list->n++;
	return 0;
}

static void make_identities(void)
{
	identities = store_identities_new(FILES_MAX);
}

static void watch_path(struct compiler_gather *g, const char *path,
		       const struct stat *st)
{
	struct stamp stamp;

	stamp_of(&stamp, st);
	if (g->watch)
		compiler_watch_add(g->watch, path, &stamp);
}

static int add_file(struct compiler_gather *g, const char *path,
		    struct err *err)
{
	struct compiler_entry e = { .kind = COMPILER_FILE };
	struct store_identity id;
	int ret;

	if (compiler_entries_find(&g->list, path))
		return 0;
	pthread_once(&identities_made, make_identities);
	ret = store_identity_get(identities, path, &id, NULL, 0, err);
	if (ret)
		return ret;
	if (g->watch)
		compiler_watch_add(g->watch, path, &id.stamp);
	e.path = xstrdup(path);
	e.executable = id.executable;
	e.size = id.stamp.size;
	e.mtime_ns = id.stamp.mtime_ns;
	e.digest = id.digest;
	return insert_entry(g, e, err);
}

/* The target of the link at `path`, which the caller frees. */
static int read_target(char **out, const char *path, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	*out = NULL;
	if (n < 0)
		return err_errno(err, "%s", path);
	if (n == 0 || (size_t)n == sizeof(target))
		return err_set(err, ENAMETOOLONG, "%s: %s", path,
			       strerror(ENAMETOOLONG));
	*out = xstrndup(target, (size_t)n);
	return 0;
}

static int add_link(struct compiler_gather *g, const char *path,
		    const struct stat *st, char **target, struct err *err)
{
	const struct compiler_entry *known = compiler_entries_find(&g->list,
								   path);
	int ret;

	if (known && known->kind == COMPILER_LINK) {
		*target = xstrdup(known->target);
		return 0;
	}
	ret = read_target(target, path, err);
	if (ret)
		return ret;
	watch_path(g, path, st);
	return insert_entry(
		g,
		(struct compiler_entry){ .path = xstrdup(path),
					 .kind = COMPILER_LINK,
					 .target = xstrdup(*target) },
		err);
}

static void note_dir(struct compiler_gather *g, const char *path)
{
	if (path[0] && !strv_has(&g->dirs, path))
		strv_add(&g->dirs, path);
}

/* Take the next component off the rest: NULL at the end. */
static char *walk_next(struct walk *w)
{
	char *start = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(start, "/");
	char *name = len ? xstrndup(start, len) : NULL;

	memmove(w->rest, start + len, strlen(start + len) + 1);
	return name;
}

static void go_up(struct walk *w)
{
	char *slash = strrchr(w->at, '/');

	note_dir(w->g, w->at);
	if (slash)
		*slash = '\0';
}

static int follow_link(struct walk *w, const char *path, const struct stat *st,
		       struct err *err)
{
	char *target = NULL, *rest;
	int ret;

	if (++w->links > LINKS_MAX)
		return err_set(err, ELOOP, "%s: %s", w->asked, strerror(ELOOP));
	ret = add_link(w->g, path, st, &target, err);
	if (!ret && target) {
		if (target[0] == '/')
			w->at[0] = '\0';
		rest = xasprintf("%s/%s", target, w->rest);
		free(w->rest);
		w->rest = rest;
	}
	free(target);
	return ret;
}

/* Go one component further; *st is what lies there. */
static int walk_step(struct walk *w, const char *name, struct stat *st,
		     struct err *err)
{
	char *path;
	int ret = 0;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		go_up(w);
		return 0;
	}
	path = xasprintf("%s/%s", w->at, name);
	if (lstat(path, st)) {
		ret = err_errno(err, "%s", w->asked);
	} else if (S_ISLNK(st->st_mode)) {
		ret = follow_link(w, path, st, err);
	} else if (!S_ISDIR(st->st_mode) && w->rest[strspn(w->rest, "/")]) {
		ret = err_set(err, ENOTDIR, "%s: %s", w->asked,
			      strerror(ENOTDIR));
	} else {
		free(w->at);
		w->at = path;
		path = NULL;
	}
	free(path);
	return ret;
}

/* Walks to the end; *st is of a directory when it ends at one. */
static int walk_path(struct walk *w, struct stat *st, struct err *err)
{
	char *name;
	int ret = 0;

	while (!ret && (name = walk_next(w))) {
		ret = walk_step(w, name, st, err);
		free(name);
	}
	/* After ".." or a link *st may be of something else. */
	if (!ret && lstat(w->at[0] ? w->at : "/", st))
		ret = err_errno(err, "%s", w->asked);
	return ret;
}

int compiler_gather_path(struct compiler_gather *g, const char *path,
			 char **real, struct err *err)
{
	struct stat st = { 0 };
	struct walk w = { .g = g, .asked = path };
	int ret;

	if (real)
		*real = NULL;
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return err_set(err, EINVAL, "%s: not an absolute path", path);
	w.at = xstrdup("");
	w.rest = xstrdup(path);
	ret = walk_path(&w, &st, err);
	if (!ret && S_ISDIR(st.st_mode))
		note_dir(g, w.at);
	else if (!ret && S_ISREG(st.st_mode))
		ret = add_file(g, w.at, err);
	else if (!ret)
		ret = err_set(err, EINVAL, "%s: not a file", path);
	if (!ret && real)
		*real = xstrdup(w.at[0] ? w.at : "/");
	free(w.at);
	free(w.rest);
	return ret;
}

static int add_member(struct compiler_gather *g, const char *path,
		      struct err *err)
{
	struct stat st;

	/* It may lead nowhere, or to nothing that can be shipped. */
	if (stat(path, &st)) {
		char *target = NULL;
		int ret = 0;

		if (!lstat(path, &st) && S_ISLNK(st.st_mode))
			ret = add_link(g, path, &st, &target, err);
		free(target);
		return ret;
	}
	if (S_ISDIR(st.st_mode))
		return compiler_gather_dir(g, path, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	return compiler_gather_path(g, path, NULL, err);
}

static int add_members(struct compiler_gather *g, const char *real,
		       struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list(real, &names);

	if (ret)
		err_set(err, -ret, "%s: %s", real, strerror(-ret));
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *path = xasprintf("%s/%s", real, names.v[i]);

		ret = add_member(g, path, err);
		free(path);
	}
	strv_release(&names);
	return ret;
}

int compiler_gather_dir(struct compiler_gather *g, const char *path,
			struct err *err)
{
	struct stat st;
	char *real;
	int ret = compiler_gather_path(g, path, &real, err);

	/* Links can lead to it again, also from below it. */
	if (real && !strv_has(&g->listed, real)) {
		strv_add(&g->listed, real);
		if (lstat(real, &st)) {
			ret = err_errno(err, "%s", real);
		} else {
			watch_path(g, real, &st);
			ret = add_members(g, real, err);
		}
	}
	free(real);
	return ret;
}

/* `path` without links as far as it exists; what does not is as spelled. */
static int find_place(struct compiler_gather *g, const char *path, char **out,
		      struct err *err)
{
	char *dir, *real;
	int ret;

	if (!access(path, F_OK) || errno != ENOENT || !strcmp(path, "/"))
		return compiler_gather_path(g, path, out, err);
	dir = str_dir(path);
	ret = find_place(g, dir, &real, err);
	*out = NULL;
	if (real)
		*out = xasprintf("%s/%s", strcmp(real, "/") ? real : "",
				 str_base(path));
	free(real);
	free(dir);
	return ret;
}

int compiler_gather_link(struct compiler_gather *g, const char *path,
			 const char *target, struct err *err)
{
	const struct compiler_entry *known;
	char *dir = str_dir(path), *real, *place;
	int ret = find_place(g, dir, &real, err);

	free(dir);
	if (!real)
		return ret;
	place = xasprintf("%s/%s", strcmp(real, "/") ? real : "",
			  str_base(path));
	free(real);
	known = compiler_entries_find(&g->list, place);
	if (!known)
		ret = insert_entry(
			g,
			(struct compiler_entry){ .path = xstrdup(place),
						 .kind = COMPILER_LINK,
						 .target = xstrdup(target) },
			err);
	else if (!known->target || strcmp(known->target, target))
		ret = err_set(err, EEXIST, "%s: would have to lead to %s",
			      place, target);
	free(place);
	return ret;
}

static bool has_below(const struct compiler_entries *list, const char *dir)
{
	char *prefix = xasprintf("%s/", dir);
	size_t i = position(list, prefix);
	bool has = i < list->n && str_starts(list->v[i].path, prefix);

	free(prefix);
	return has;
}

int compiler_gather_end(struct compiler_gather *g, struct compiler_entries *out,
			struct err *err)
{
	int ret = 0;

	/* From the end: what is below a directory comes behind it. */
	strv_sort(&g->dirs);
	for (size_t i = g->dirs.n; i-- && !ret;) {
		struct compiler_entry e = { .kind = COMPILER_DIR };

		if (has_below(&g->list, g->dirs.v[i]) ||
		    compiler_entries_find(&g->list, g->dirs.v[i]))
			continue;
		e.path = xstrdup(g->dirs.v[i]);
		ret = insert_entry(g, e, err);
	}
	if (ret)
		return ret;
	*out = g->list;
	g->list = (struct compiler_entries){ 0 };
	strv_release(&g->dirs);
	strv_release(&g->listed);
	return 0;
}
