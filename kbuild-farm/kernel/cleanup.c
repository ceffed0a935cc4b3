/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cleanup.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/process.h"
#include "base/str.h"
#include "base/vec.h"
#include "kernel/archive.h"
#include "kernel/builddir.h"
#include "kernel/config.h"
#include "kernel/outdir.h"
#include "kernel/rundir.h"
#include "tree/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define GONE ".gone-"

/* ---- search ---- */

static void add_candidate(struct kernel_cleanup *c,
			  enum kernel_cleanup_kind kind, const char *dir,
			  const char *name, int64_t number)
{
	*VEC_ADD(c->items, c->n_items) = (struct kernel_cleanup_item){
		.kind = kind,
		.path = xasprintf("%s/%s", dir, name),
		.number = number,
	};
}

/* Return true if DIR/NAME is a directory, not a link, and the user owns it. */
static bool is_own_dir(const char *dir, const char *name, struct stat *st)
{
	char *path = xasprintf("%s/%s", dir, name);
	bool is = !lstat(path, st) && S_ISDIR(st->st_mode) &&
		  st->st_uid == geteuid();

	free(path);
	return is;
}

/* Add the remains of interrupted removals in `dir`. */
static void find_leftovers(struct kernel_cleanup *c, const char *dir)
{
	struct strv names = { 0 };
	struct stat st;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (str_starts(names.v[i], GONE) &&
		    is_own_dir(dir, names.v[i], &st))
			add_candidate(c, KERNEL_CLEANUP_LEFTOVER, dir,
				      names.v[i], 0);
	}
	strv_release(&names);
}

/* Append the output directories of the last builds of the managed trees. */
static void list_last_builds(struct strv *out)
{
	char *top = tree_datadir_top();
	struct strv names = { 0 };

	fs_list(top, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *link = xasprintf("%s/%s/last-build", top, names.v[i]);
		char *real = realpath(link, NULL);

		if (real)
			strv_own(out, real);
		free(link);
	}
	strv_release(&names);
	free(top);
}

static int by_number(const void *a, const void *b)
{
	const struct kernel_cleanup_item *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static bool is_needed_output(const struct strv *last, const char *path)
{
	char *real = realpath(path, NULL);
	bool is = real && strv_has(last, real);

	free(real);
	return is;
}

/* Return true if a running build holds the lock of the output directory. */
static bool is_output_busy(const char *path)
{
	int fd = fs_open_locked(AT_FDCWD, path, O_RDONLY | O_DIRECTORY,
				LOCK_EX | LOCK_NB);

	if (fd >= 0)
		close(fd);
	return fd == -EBUSY;
}

/*
 * Return true if the user named the output directory with -o.  The number of
 * the build in its metadata.json then differs from the name of the directory.
 */
static bool is_output_named(const json_t *root, int64_t number)
{
	const json_t *build = json_object_get(json_object_get(root, "kfarm"),
					      "build");

	return json_is_integer(build) && json_integer_value(build) != number;
}

/*
 * Return true if metadata.json lists files that make built.  A failed build and
 * a build of single files, such as kernel/fork.i, have only the log and the
 * configuration.
 */
static bool has_artifacts(const json_t *root)
{
	json_t *goals = json_object_get(json_object_get(root, "results"),
					"artifacts"),
	       *files;
	const char *goal;

	json_object_foreach(goals, goal, files)
	{
		if (strcmp(goal, "log") && strcmp(goal, "config"))
			return true;
	}
	return false;
}

/*
 * State of the selection of the output directories to keep.  The selection
 * starts with the newest directory.
 */
struct kept_outputs {
	const struct kernel_cleanup_request *request;
	struct strv last_builds; /* of managed trees */
	/* existing build directories whose newest artifacts were found */
	struct strv build_dirs;
	/*
	 * number of directories examined so far: n[0] without artifacts, n[1]
	 * with artifacts
	 */
	size_t n[2];
};

/*
 * Return true if the build directory that the metadata `root` names exists, and
 * no earlier call has returned true for this build directory.  Call this
 * function for the newest output directory first, and for the oldest last.
 */
static bool is_newest_of_build_dir(struct kept_outputs *k, json_t *root)
{
	const char *dir = json_string_value(
		json_object_get(json_object_get(root, "build"), "build_dir"));

	if (!dir || !fs_is_dir(dir) || strv_has(&k->build_dirs, dir))
		return false;
	strv_add(&k->build_dirs, dir);
	return true;
}

static bool is_output_kept(struct kept_outputs *k,
			   const struct kernel_cleanup_item *item)
{
	const struct kernel_cleanup_request *r = k->request;
	json_t *root = kernel_outdir_read_metadata(item->path);
	bool named = is_output_named(root, item->number);
	bool full = has_artifacts(root);
	bool newest = full && !named && r->n_kept_builds &&
		      is_newest_of_build_dir(k, root);

	json_decref(root);
	return named || k->n[full]++ < r->n_kept_builds || newest ||
	       (r->first_kept_build && item->number >= r->first_kept_build) ||
	       is_needed_output(&k->last_builds, item->path) ||
	       is_output_busy(item->path);
}

/*
 * `all` lists the candidates for removal, sorted by number.  Delete from this
 * list the builds that must be kept.
 */
static void keep_builds(struct kernel_cleanup *all,
			const struct kernel_cleanup_request *r)
{
	struct kept_outputs k = { .request = r };
	size_t n = 0;

	if (r->n_kept_builds)
		list_last_builds(&k.last_builds);
	for (size_t i = all->n_items; i--;) {
		if (is_output_kept(&k, &all->items[i])) {
			free(all->items[i].path);
			all->items[i].path = NULL;
		}
	}
	for (size_t i = 0; i < all->n_items; i++) {
		if (all->items[i].path)
			all->items[n++] = all->items[i];
	}
	all->n_items = n;
	strv_release(&k.build_dirs);
	strv_release(&k.last_builds);
}

static void find_outputs(struct kernel_cleanup *c,
			 const struct kernel_cleanup_request *r)
{
	char *top = kernel_outdir_top();
	struct kernel_cleanup all = { 0 };
	struct strv names = { 0 };
	struct stat st;
	long number;

	fs_list(top, &names);
	for (size_t i = 0; i < names.n; i++) {
		/* kfarm writes no leading zero. */
		if (names.v[i][0] != '0' &&
		    !str_parse_number(names.v[i], 1, KERNEL_OUTDIR_NUMBER_MAX,
				      &number) &&
		    is_own_dir(top, names.v[i], &st))
			add_candidate(&all, KERNEL_CLEANUP_OUTPUT_DIR, top,
				      names.v[i], number);
	}
	if (all.n_items)
		qsort(all.items, all.n_items, sizeof(*all.items), by_number);
	keep_builds(&all, r);
	for (size_t i = 0; i < all.n_items; i++)
		*VEC_ADD(c->items, c->n_items) = all.items[i];
	free(all.items);
	strv_release(&names);
	free(top);
}

/* Return the mtime of DIR/NAME, or 0 if it does not exist. */
static int64_t mtime_of(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	struct stat st;
	int64_t time_s = lstat(path, &st) ? 0 : (int64_t)st.st_mtime;

	free(path);
	return time_s;
}

/*
 * Return the time of the last use of a directory: the newest mtime of the
 * directory and of the entries that a build changes.  The entries count because
 * earlier versions of kfarm did not set the mtime of a worktree.
 */
static int64_t last_use(const char *path, const struct stat *st)
{
	int64_t time_s = (int64_t)st->st_mtime;
	static const char *const names[] = { "build", "src", ".config" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int64_t other = mtime_of(path, names[i]);

		time_s = other > time_s ? other : time_s;
	}
	return time_s;
}

/*
 * Check that no process works in a directory.  Plain make takes no lock, but
 * enters the build directory.  Returns 0, or -EBUSY with `err` set.
 */
static int check_no_process(const char *path, struct err *err)
{
	char *name = NULL;
	pid_t pid = process_find_in_dir(path, &name);
	int ret = 0;

	if (pid)
		ret = err_set(err, EBUSY, "%s: in use by %s, process %d", path,
			      name, (int)pid);
	free(name);
	return ret;
}

/*
 * Add the unused directories in `dir` whose names have the form of the default
 * names in kernel/builddir.h.
 */
static void find_unused(struct kernel_cleanup *c, enum kernel_cleanup_kind kind,
			const char *dir, int64_t unused_since_s)
{
	struct strv names = { 0 };
	struct err busy;
	struct stat st;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);
		bool unused = kernel_builddir_is_default_name(names.v[i]) &&
			      is_own_dir(dir, names.v[i], &st) &&
			      last_use(path, &st) < unused_since_s &&
			      !kernel_lock_is_held(path);

		if (unused && check_no_process(path, &busy))
			strv_add(&c->busy, busy.text);
		else if (unused)
			add_candidate(c, kind, dir, names.v[i], 0);
		free(path);
	}
	strv_release(&names);
}

/*
 * Return true if a kfarm process of the user runs a build or a command.  The
 * run directory of a build with another XDG_RUNTIME_DIR is not listed, so check
 * the locks of the output directories, too.
 */
static bool is_any_kfarm_active(void)
{
	char *top = kernel_outdir_top();
	struct strv dirs = { 0 }, names = { 0 };
	bool active = false;

	kernel_rundir_list(&dirs);
	for (size_t i = 0; i < dirs.n && !active; i++)
		active = kernel_rundir_is_active(dirs.v[i]);
	fs_list(top, &names);
	for (size_t i = 0; i < names.n && !active; i++) {
		char *path = xasprintf("%s/%s", top, names.v[i]);

		active = is_output_busy(path);
		free(path);
	}
	strv_release(&names);
	strv_release(&dirs);
	free(top);
	return active;
}

static void find_caches(struct kernel_cleanup *c, const char *cache)
{
	static const char *const names[] = { "scan",      "probes", "results",
					     "kept",      "url",    "catalog",
					     "tools.json" };

	c->caches_busy = is_any_kfarm_active();
	for (size_t i = 0; !c->caches_busy && i < ARRAY_SIZE(names); i++) {
		if (mtime_of(cache, names[i]))
			add_candidate(c, KERNEL_CLEANUP_CACHE, cache, names[i],
				      0);
	}
}

void kernel_cleanup_find(struct kernel_cleanup *out,
			 const struct kernel_cleanup_request *r)
{
	char *cache = fs_cache_home(), *builds = kernel_outdir_top();
	char *build = xasprintf("%s/build", cache), *trees = tree_datadir_top();
	struct strv names = { 0 };

	*out = (struct kernel_cleanup){ 0 };
	find_leftovers(out, builds);
	if (r->n_kept_builds != KERNEL_CLEANUP_KEEP_ALL)
		find_outputs(out, r);
	if (r->unused_since_s) {
		find_leftovers(out, build);
		find_unused(out, KERNEL_CLEANUP_BUILD_DIR, build,
			    r->unused_since_s);
		fs_list(trees, &names);
	}
	for (size_t i = 0; i < names.n; i++) {
		char *dir = xasprintf("%s/%s/worktrees", trees, names.v[i]);

		/* A dot marks a tree that is being added or removed. */
		if (names.v[i][0] != '.') {
			find_leftovers(out, dir);
			find_unused(out, KERNEL_CLEANUP_WORKTREE, dir,
				    r->unused_since_s);
		}
		free(dir);
	}
	if (r->caches)
		find_caches(out, cache);
	strv_release(&names);
	free(trees);
	free(build);
	free(builds);
	free(cache);
}

void kernel_cleanup_measure(struct kernel_cleanup_item *item)
{
	item->size_bytes = fs_disk_usage(item->path);
}

void kernel_cleanup_release(struct kernel_cleanup *c)
{
	for (size_t i = 0; i < c->n_items; i++)
		free(c->items[i].path);
	free(c->items);
	strv_release(&c->busy);
	*c = (struct kernel_cleanup){ 0 };
}

/* ---- removal ---- */

/*
 * Rename `path`, which is PARENT/NAME, to PARENT/.gone-PID-NAME and store the
 * new path in *to.  If `path` does not exist, return 0 and set *to to NULL.
 */
static int rename_gone(const char *path, char **to, struct err *err)
{
	char *parent = str_dir(path);
	int ret = 0;

	*to = xasprintf("%s/" GONE "%d-%s", parent, (int)getpid(),
			str_base(path));
	if (rename(path, *to)) {
		ret = errno == ENOENT ? 0 : err_errno(err, "remove %s", path);
		free(*to);
		*to = NULL;
	}
	free(parent);
	return ret;
}

static int set_output_aside(const char *path, char **to, struct err *err)
{
	int fd = fs_open_locked(AT_FDCWD, path, O_RDONLY | O_DIRECTORY,
				LOCK_EX | LOCK_NB);
	int ret;

	if (fd == -EBUSY)
		return err_set(err, EBUSY, "%s: in use by a running build",
			       path);
	if (fd == -ENOENT || fd == -EAGAIN)
		return 0;
	if (fd < 0)
		return err_set(err, -fd, "remove %s: %s", path, strerror(-fd));
	ret = rename_gone(path, to, err);
	close(fd);
	return ret;
}

static int set_builddir_aside(const char *path, char **to, struct err *err)
{
	struct kernel_lock lock;
	int ret = kernel_lock_take(&lock, path, err);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = check_no_process(path, err);
	if (!ret)
		ret = rename_gone(path, to, err);
	kernel_lock_release(&lock);
	return ret;
}

/* Remove the cache entries of the build directory `dir`. */
static void forget_builddir(const char *dir)
{
	kernel_archive_cache_remove(dir);
	kernel_config_forget(dir);
}

int kernel_cleanup_remove(const struct kernel_cleanup_item *item,
			  struct err *err)
{
	char *gone = NULL, *build;
	int ret = 0;

	switch (item->kind) {
	case KERNEL_CLEANUP_CACHE:
		/* A build may have started after the search. */
		if (is_any_kfarm_active())
			return err_set(err, EBUSY,
				       "%s: in use by a running build",
				       item->path);
		return fs_remove(item->path, err);
	case KERNEL_CLEANUP_LEFTOVER:
		return fs_remove(item->path, err);
	case KERNEL_CLEANUP_OUTPUT_DIR:
		ret = set_output_aside(item->path, &gone, err);
		break;
	case KERNEL_CLEANUP_BUILD_DIR:
		ret = set_builddir_aside(item->path, &gone, err);
		if (gone)
			forget_builddir(item->path);
		break;
	case KERNEL_CLEANUP_WORKTREE:
		ret = set_builddir_aside(item->path, &gone, err);
		build = xasprintf("%s/build", item->path);
		if (gone)
			forget_builddir(build);
		free(build);
		break;
	}
	if (gone)
		ret = fs_remove(gone, err);
	free(gone);
	return ret;
}
