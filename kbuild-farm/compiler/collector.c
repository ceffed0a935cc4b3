/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/collector.h"

#include "base/fs.h"
#include "base/vec.h"
#include "store/digest-cache.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct watched_path {
	char *path;
	struct file_stamp stamp;
};

struct compiler_stat_watch {
	struct watched_path *paths;
	size_t n_paths;
	/* the quick check includes paths[0] to paths[n_marked - 1] */
	size_t n_marked;
	struct strv absent; /* paths that must not exist */
	/*
	 * Directories that contain `paths`, or would contain the first missing
	 * component of a path in `absent`.  Each full check records the stamps
	 * of these directories, and the quick check compares them with the
	 * current stamps.
	 */
	struct watched_path *dirs;
	size_t n_dirs;
	/* the last full check succeeded, and the stamps reveal later changes */
	bool dirs_reliable;
};

struct compiler_stat_watch *compiler_stat_watch_new(void)
{
	return xcalloc(1, sizeof(struct compiler_stat_watch));
}

void compiler_stat_watch_free(struct compiler_stat_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_paths; i++)
		free(w->paths[i].path);
	for (size_t i = 0; i < w->n_dirs; i++)
		free(w->dirs[i].path);
	free(w->paths);
	free(w->dirs);
	strv_release(&w->absent);
	free(w);
}

/* Add a directory.  Takes ownership of `dir`. */
static void watch_dir(struct compiler_stat_watch *w, char *dir)
{
	size_t i = w->n_dirs;

	/* Search backwards: files of one directory are added in sequence. */
	while (i && strcmp(w->dirs[i - 1].path, dir))
		i--;
	if (i)
		free(dir);
	else
		*VEC_ADD(w->dirs,
			 w->n_dirs) = (struct watched_path){ .path = dir };
	w->dirs_reliable = false;
}

void compiler_stat_watch_add(struct compiler_stat_watch *w, const char *path,
			     const struct file_stamp *stamp)
{
	*VEC_ADD(w->paths, w->n_paths) = (struct watched_path){ xstrdup(path),
								*stamp };
	watch_dir(w, str_dir(path));
}

void compiler_stat_watch_add_absent(struct compiler_stat_watch *w,
				    const char *path)
{
	char *dir = str_dir(path), *up;

	strv_add(&w->absent, path);
	/*
	 * If a missing directory is created, the stamp of its nearest existing
	 * parent changes.
	 */
	while (!fs_is_dir(dir) && strcmp(dir, "/")) {
		up = str_dir(dir);
		free(dir);
		dir = up;
	}
	watch_dir(w, dir);
}

/*
 * Record the stamps of the directories.  Call this before checking the files.
 * Returns false if stat() fails, or if a directory changed so recently that a
 * further change may not alter its stamp.
 */
static bool stat_watched_dirs(struct compiler_stat_watch *w)
{
	int64_t now = file_stamp_now_ns();
	bool settled = true;
	struct stat st;

	for (size_t i = 0; i < w->n_dirs; i++) {
		if (stat(w->dirs[i].path, &st))
			return false;
		file_stamp_from_stat(&w->dirs[i].stamp, &st);
		settled &= file_stamp_is_reliable(&w->dirs[i].stamp, now);
	}
	return settled;
}

void compiler_stat_watch_mark_written(struct compiler_stat_watch *w)
{
	w->n_marked = w->n_paths;
}

static bool path_is_unchanged(const struct watched_path *p)
{
	struct file_stamp now;
	struct stat st;

	if (lstat(p->path, &st))
		return false;
	file_stamp_from_stat(&now, &st);
	return file_stamp_equal(&now, &p->stamp);
}

int compiler_stat_watch_check(struct compiler_stat_watch *w, struct err *err)
{
	bool settled = stat_watched_dirs(w);
	struct stat st;

	w->dirs_reliable = false;
	for (size_t i = 0; i < w->n_paths; i++) {
		const char *path = w->paths[i].path;

		if (!path_is_unchanged(&w->paths[i]))
			return err_set(err, ESTALE, "%s %s", path,
				       lstat(path, &st) ? "was removed" :
							  "changed");
	}
	for (size_t i = 0; i < w->absent.n; i++) {
		if (!lstat(w->absent.v[i], &st))
			return err_set(err, ESTALE, "%s was added",
				       w->absent.v[i]);
	}
	w->dirs_reliable = settled;
	return 0;
}

bool compiler_stat_watch_check_quick(const struct compiler_stat_watch *w)
{
	struct file_stamp now;
	struct stat st;

	for (size_t i = 0; i < w->n_dirs && w->dirs_reliable; i++) {
		if (stat(w->dirs[i].path, &st))
			return false;
		file_stamp_from_stat(&now, &st);
		if (!file_stamp_equal(&now, &w->dirs[i].stamp))
			return false;
	}
	for (size_t i = 0; i < w->n_marked && w->dirs_reliable; i++) {
		if (!path_is_unchanged(&w->paths[i]))
			return false;
	}
	return w->dirs_reliable;
}

#define LINKS_MAX          40 /* on one path, as in the kernel */
#define CACHED_DIGESTS_MAX 4096

/*
 * All collectors share one cache, because compilers load mostly the same files:
 * libc is read once for all of them.
 */
static struct store_digest_cache *digest_cache;
static pthread_once_t digest_cache_made = PTHREAD_ONCE_INIT;

/* The resolution of a path, component by component. */
struct path_walk {
	struct compiler_collector *g;
	const char *requested_path;
	char *resolved; /* without links; "" is the root */
	char *remaining;
	unsigned n_symlinks;
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

void compiler_collector_release(struct compiler_collector *g)
{
	compiler_entries_release(&g->entries);
	strv_release(&g->needed_dirs);
	strv_release(&g->listed_dirs);
	compiler_stat_watch_free(g->watch);
	*g = (struct compiler_collector){ 0 };
}

/* Return the index of `path` in the list, or the index to insert it at. */
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

/* Insert `e` and take ownership of its path and target, even on failure. */
static int insert_entry(struct compiler_collector *g, struct compiler_entry e,
			struct err *err)
{
	struct compiler_entries *list = &g->entries;
	size_t i = position(list, e.path);
	int ret = 0;

	if (list->n >= COMPILER_ENTRIES_MAX) {
		ret = err_set(err, E2BIG, "%s: compiler has more than %u files",
			      e.path, COMPILER_ENTRIES_MAX);
		free_entry(&e);
		return ret;
	}
	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	memmove(list->v + i + 1, list->v + i, (list->n - i) * sizeof(e));
	list->v[i] = e;
	list->n++;
	return 0;
}

static void make_digest_cache(void)
{
	digest_cache = store_digest_cache_new(CACHED_DIGESTS_MAX);
}

void compiler_manifest_load_digests(const char *cache_dir)
{
	char *path = xasprintf("%s/compilers", cache_dir);

	pthread_once(&digest_cache_made, make_digest_cache);
	store_digest_cache_load(digest_cache, path);
	free(path);
}

void compiler_manifest_save_digests(const char *cache_dir)
{
	char *path = xasprintf("%s/compilers", cache_dir);

	pthread_once(&digest_cache_made, make_digest_cache);
	store_digest_cache_save(digest_cache, path);
	free(path);
}

static void watch_path(struct compiler_collector *g, const char *path,
		       const struct stat *st)
{
	struct file_stamp stamp;

	file_stamp_from_stat(&stamp, st);
	if (g->watch)
		compiler_stat_watch_add(g->watch, path, &stamp);
}

static int add_file(struct compiler_collector *g, const char *path,
		    struct err *err)
{
	struct compiler_entry e = { .kind = COMPILER_ENTRY_FILE };
	struct store_file_digest id;
	int ret;

	if (compiler_entries_find(&g->entries, path))
		return 0;
	pthread_once(&digest_cache_made, make_digest_cache);
	ret = store_digest_cache_get(digest_cache, path, &id, err);
	if (ret)
		return ret;
	if (g->watch)
		compiler_stat_watch_add(g->watch, path, &id.stamp);
	e.path = xstrdup(path);
	e.executable = id.executable;
	e.size_bytes = id.stamp.size;
	e.mtime_ns = id.stamp.mtime_ns;
	e.digest = id.digest;
	return insert_entry(g, e, err);
}

static int add_link(struct compiler_collector *g, const char *path,
		    const struct stat *st, char **target, struct err *err)
{
	const struct compiler_entry *known = compiler_entries_find(&g->entries,
								   path);
	char text[PATH_MAX];
	ssize_t n;

	if (known && known->kind == COMPILER_ENTRY_SYMLINK) {
		*target = xstrdup(known->target);
		return 0;
	}
	n = readlink(path, text, sizeof(text));
	if (n < 0)
		return err_errno(err, "%s", path);
	if (n == 0 || (size_t)n == sizeof(text))
		return err_set(err, ENAMETOOLONG, "%s: %s", path,
			       strerror(ENAMETOOLONG));
	*target = xstrndup(text, (size_t)n);
	watch_path(g, path, st);
	return insert_entry(
		g,
		(struct compiler_entry){ .path = xstrdup(path),
					 .kind = COMPILER_ENTRY_SYMLINK,
					 .target = xstrdup(*target) },
		err);
}

static void add_needed_dir(struct compiler_collector *g, const char *path)
{
	if (path[0] && !strv_has(&g->needed_dirs, path))
		strv_add(&g->needed_dirs, path);
}

static int walk_into_symlink(struct path_walk *w, const char *path,
			     const struct stat *st, struct err *err)
{
	char *target = NULL, *rest;
	int ret;

	if (++w->n_symlinks > LINKS_MAX)
		return err_set(err, ELOOP, "%s: %s", w->requested_path,
			       strerror(ELOOP));
	ret = add_link(w->g, path, st, &target, err);
	if (!ret && target) {
		if (target[0] == '/')
			w->resolved[0] = '\0';
		rest = xasprintf("%s/%s", target, w->remaining);
		free(w->remaining);
		w->remaining = rest;
	}
	free(target);
	return ret;
}

/* Resolve one component, and store its lstat(2) in `st`. */
static int walk_step(struct path_walk *w, const char *name, struct stat *st,
		     struct err *err)
{
	char *path, *slash;
	int ret = 0;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		add_needed_dir(w->g, w->resolved);
		slash = strrchr(w->resolved, '/');
		if (slash)
			*slash = '\0';
		return 0;
	}
	path = xasprintf("%s/%s", w->resolved, name);
	if (lstat(path, st)) {
		ret = err_errno(err, "%s", w->requested_path);
	} else if (S_ISLNK(st->st_mode)) {
		ret = walk_into_symlink(w, path, st, err);
	} else if (!S_ISDIR(st->st_mode) &&
		   w->remaining[strspn(w->remaining, "/")]) {
		ret = err_set(err, ENOTDIR, "%s: %s", w->requested_path,
			      strerror(ENOTDIR));
	} else {
		free(w->resolved);
		w->resolved = path;
		path = NULL;
	}
	free(path);
	return ret;
}

int compiler_collector_add_path(struct compiler_collector *g, const char *path,
				char **real_path, struct err *err)
{
	struct stat st = { 0 };
	struct path_walk w = { .g = g, .requested_path = path };
	int ret;

	if (real_path)
		*real_path = NULL;
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return err_set(err, EINVAL, "%s: not an absolute path", path);
	w.resolved = xstrdup("");
	w.remaining = xstrdup(path);
	for (;;) {
		char *start = w.remaining + strspn(w.remaining, "/");
		size_t len = strcspn(start, "/");
		char *name;

		if (!len)
			break;
		name = xstrndup(start, len);
		memmove(w.remaining, start + len, strlen(start + len) + 1);
		ret = walk_step(&w, name, &st, err);
		free(name);
		if (ret)
			goto out;
	}
	/* After ".." or a link, `st` can describe another file. */
	if (lstat(w.resolved[0] ? w.resolved : "/", &st)) {
		ret = err_errno(err, "%s", path);
		goto out;
	}
	ret = 0;
	if (S_ISDIR(st.st_mode))
		add_needed_dir(g, w.resolved);
	else if (S_ISREG(st.st_mode))
		ret = add_file(g, w.resolved, err);
	else
		ret = err_set(err, EINVAL, "%s: not a regular file", path);
	if (!ret && real_path)
		*real_path = xstrdup(w.resolved[0] ? w.resolved : "/");
out:
	free(w.resolved);
	free(w.remaining);
	return ret;
}

static int add_member(struct compiler_collector *g, const char *path,
		      struct err *err)
{
	struct stat st;

	/* A dangling link is added without its target. */
	if (stat(path, &st)) {
		char *target = NULL;
		int ret = 0;

		if (!lstat(path, &st) && S_ISLNK(st.st_mode))
			ret = add_link(g, path, &st, &target, err);
		free(target);
		return ret;
	}
	if (S_ISDIR(st.st_mode))
		return compiler_collector_add_dir(g, path, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	return compiler_collector_add_path(g, path, NULL, err);
}

int compiler_collector_add_dir(struct compiler_collector *g, const char *path,
			       struct err *err)
{
	struct strv names = { 0 };
	struct stat st;
	char *real;
	int ret = compiler_collector_add_path(g, path, &real, err);

	/* A link below the directory can lead back to the directory. */
	if (!real || strv_has(&g->listed_dirs, real))
		goto out;
	strv_add(&g->listed_dirs, real);
	if (lstat(real, &st)) {
		ret = err_errno(err, "%s", real);
		goto out;
	}
	watch_path(g, real, &st);
	ret = fs_list(real, &names);
	if (ret)
		err_set(err, -ret, "%s: %s", real, strerror(-ret));
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *member = xasprintf("%s/%s", real, names.v[i]);

		ret = add_member(g, member, err);
		free(member);
	}
	strv_release(&names);
out:
	free(real);
	return ret;
}

/*
 * Resolve the links in `path` and store the result in *out.  Trailing
 * components that do not exist are appended unchanged.
 */
static int resolve_symlink_path(struct compiler_collector *g, const char *path,
				char **out, struct err *err)
{
	char *dir, *real;
	int ret;

	if (!access(path, F_OK) || errno != ENOENT || !strcmp(path, "/"))
		return compiler_collector_add_path(g, path, out, err);
	dir = str_dir(path);
	ret = resolve_symlink_path(g, dir, &real, err);
	*out = NULL;
	if (real)
		*out = xasprintf("%s/%s", strcmp(real, "/") ? real : "",
				 str_base(path));
	free(real);
	free(dir);
	return ret;
}

int compiler_collector_add_symlink(struct compiler_collector *g,
				   const char *path, const char *target,
				   struct err *err)
{
	const struct compiler_entry *known;
	char *dir = str_dir(path), *real, *place;
	int ret = resolve_symlink_path(g, dir, &real, err);

	free(dir);
	if (!real)
		return ret;
	place = xasprintf("%s/%s", strcmp(real, "/") ? real : "",
			  str_base(path));
	free(real);
	known = compiler_entries_find(&g->entries, place);
	if (!known)
		ret = insert_entry(
			g,
			(struct compiler_entry){ .path = xstrdup(place),
						 .kind = COMPILER_ENTRY_SYMLINK,
						 .target = xstrdup(target) },
			err);
	else if (strcmp(place, target) &&
		 (!known->target || strcmp(known->target, target)))
		ret = err_set(err, EEXIST,
			      "%s: exists, but does not link to %s", place,
			      target);
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

int compiler_collector_finish(struct compiler_collector *g,
			      struct compiler_entries *out, struct err *err)
{
	int ret = 0;

	/*
	 * Iterate backwards, so that the directories below a directory are
	 * added first: has_below() then finds them, and the directory itself
	 * needs no entry.
	 */
	strv_sort(&g->needed_dirs);
	for (size_t i = g->needed_dirs.n; i-- && !ret;) {
		struct compiler_entry e = { .kind = COMPILER_ENTRY_DIR };

		if (has_below(&g->entries, g->needed_dirs.v[i]) ||
		    compiler_entries_find(&g->entries, g->needed_dirs.v[i]))
			continue;
		e.path = xstrdup(g->needed_dirs.v[i]);
		ret = insert_entry(g, e, err);
	}
	if (ret)
		return ret;
	*out = g->entries;
	g->entries = (struct compiler_entries){ 0 };
	strv_release(&g->needed_dirs);
	strv_release(&g->listed_dirs);
	return 0;
}
