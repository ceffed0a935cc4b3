/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scanner reports the stamp of each file that it read.  If the path table
 * has an entry with this stamp as the newest version of the path, the digest of
 * the entry is used without another stat(2).  Otherwise the file is hashed.  If
 * the stamp of the hashed file differs from the scanner's stamp, the file has
 * changed since the scan, and the unit is scanned again.
 */
#include "inputs/manifest.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "options/command.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHED_FILE_DIGESTS_MAX 65536
#define SCAN_ROUNDS_MAX         6 /* attempts until the files are stable */
#define MTIME_GRANULARITY_US    10000 /* more than a tick of mtime */
#define ABS_PATH_SIZE           (2 * PATH_MAX)

struct inputs_manifest_guard {
	const struct inputs_dir *dir;
	struct inputs_dir_state *state; /* state when the unit was listed */
};

enum list_outcome {
	LIST_OUTCOME_DONE,
	LIST_OUTCOME_STALE, /* something changed: scan again */
	LIST_OUTCOME_NEEDS_DIGESTS, /* the files in `unhashed` must be hashed */
	LIST_OUTCOME_REJECTED,
};

struct manifest_lister {
	struct inputs_manifest *m;
	struct inputs *in;
	struct cpp_unit unit;
	size_t cwd_len;
	uint32_t unit_number; /* stored in checked_unit and listed_unit */
	int64_t start_ns; /* time before the scan, by file_stamp_now_ns() */
	char abs[ABS_PATH_SIZE];
	size_t len; /* length of `abs` */
	struct inputs_path **unhashed;
	size_t n_unhashed;
	/* a path in /proc that an input or an absence depends on, or NULL */
	const char *proc_path;
};

void inputs_init(struct inputs *in, const struct cpp_setup *scan)
{
	*in = (struct inputs){ .paths = inputs_paths_new() };
	in->digests = store_digest_cache_new(CACHED_FILE_DIGESTS_MAX);
	in->scan = scan ? cpp_scanner_new(scan) : NULL;
}

void inputs_release(struct inputs *in)
{
	cpp_scanner_free(in->scan);
	if (in->digests)
		store_digest_cache_free(in->digests);
	inputs_paths_free(in->paths);
	*in = (struct inputs){ 0 };
}

void inputs_manifest_release(struct inputs_manifest *m)
{
	free(m->detail);
	free(m->entries);
	free(m->files);
	free(m->guards);
	free(m->guarded_by);
	cpp_closure_release(&m->closure);
	*m = (struct inputs_manifest){ 0 };
}

static enum list_outcome reject(struct manifest_lister *l, enum reason why,
				const char *detail)
{
	l->m->reason = why;
	l->m->detail = detail ? xstrdup(detail) : NULL;
	return LIST_OUTCOME_REJECTED;
}

static void list_entry(struct manifest_lister *l, const struct inputs_entry *e)
{
	struct inputs_manifest *m = l->m;

	if (e->path->listed_unit == l->unit_number)
		return;
	e->path->listed_unit = l->unit_number;
	if (e->path->in_proc)
		l->proc_path = e->path->name;
	*VEC_ADD(m->entries, m->n_entries) = e;
}

static void list_dir_symlinks(struct manifest_lister *l,
			      const struct inputs_dir *d)
{
	for (size_t i = 0; i < d->n_links; i++)
		list_entry(l, d->links[i]->current);
}

/* Make `path` absolute in l->abs.  Returns false if it is too long. */
static bool make_absolute(struct manifest_lister *l, const char *path)
{
	size_t a = *path == '/' ? 0 : l->cwd_len, b = strlen(path);

	if (a + b + 2 > PATH_MAX)
		return false;
	memcpy(l->abs, l->unit.cwd, a);
	l->abs[a] = '/';
	memcpy(l->abs + a + (*path != '/'), path, b + 1);
	l->len = a + b + (*path != '/');
	return true;
}

/* Look up l->abs.  Returns NULL if the path cannot be resolved. */
static struct inputs_filename *lookup_filename(struct manifest_lister *l)
{
	return inputs_filename_get(l->in->paths, l->unit_number, l->abs,
				   l->len);
}

/* List the file `s`, for which the scanner reported the stamp `want`. */
static enum list_outcome list_file(struct manifest_lister *l,
				   struct inputs_filename *s,
				   const struct file_stamp *want,
				   struct inputs_manifest_file *out,
				   unsigned depth)
{
	struct inputs_path *p = inputs_filename_resolve(l->in->paths, s);
	const struct inputs_entry *e;
	struct stat st;

	/*
	 * The scanner has read this file.  If its name cannot be resolved now,
	 * the file was replaced after the scan.
	 */
	if (!p)
		return LIST_OUTCOME_STALE;
	list_dir_symlinks(l, s->dir);
	if (!out->path)
		out->path = p;
	e = p->current;
	if (e && e->kind == WIRE_INODE_FILE && e->file_digest.reliable &&
	    file_stamp_equal(&e->file_digest.stamp, want)) {
		out->entry = e;
		list_entry(l, e);
		return LIST_OUTCOME_DONE;
	}
	if (lstat(p->name, &st))
		return LIST_OUTCOME_STALE;
	if (S_ISLNK(st.st_mode)) {
		if (depth == INPUTS_SYMLINKS_MAX ||
		    inputs_dir_read_symlink(l->in->paths, p, &st, l->abs,
					    ABS_PATH_SIZE))
			return LIST_OUTCOME_STALE;
		l->len = strlen(l->abs);
		list_entry(l, p->current);
		return list_file(l, lookup_filename(l), want, out, depth + 1);
	}
	if (!S_ISREG(st.st_mode))
		return reject(l, REASON_INPUT_NOT_FILE, p->name);
	if ((uint64_t)st.st_size > WIRE_BLOB_MAX)
		return reject(l, REASON_INPUT_LARGE, p->name);
	*VEC_ADD(l->unhashed, l->n_unhashed) = p;
	return LIST_OUTCOME_NEEDS_DIGESTS;
}

static enum list_outcome list_files(struct manifest_lister *l)
{
	struct inputs_paths *paths = l->in->paths;
	struct inputs_manifest *m = l->m;
	enum list_outcome one, all = LIST_OUTCOME_DONE;

	for (size_t i = 0;
	     i < m->closure.n_files && all <= LIST_OUTCOME_NEEDS_DIGESTS; i++) {
		const struct cpp_file *f = &m->closure.files[i];
		struct inputs_filename *s = inputs_filename_get_numbered(
			paths, l->unit_number, f->path_id);

		if (!s && !make_absolute(l, f->path))
			return reject(l, REASON_INPUT_LONG_PATH, f->path);
		if (!s) {
			s = lookup_filename(l);
			inputs_filename_set_number(paths, s, f->path_id);
		}
		one = list_file(l, s, &f->stamp, &m->files[i], 0);
		if (one == LIST_OUTCOME_STALE)
			return LIST_OUTCOME_STALE;
		if (one > all)
			all = one;
	}
	return all;
}

static enum list_outcome list_dir(struct manifest_lister *l, const char *path)
{
	struct inputs_dir *d;

	if (!make_absolute(l, path))
		return reject(l, REASON_INPUT_LONG_PATH, path);
	d = inputs_dir_resolve(l->in->paths, l->unit_number, l->abs, l->len);
	if (!d || !d->exists)
		return LIST_OUTCOME_STALE;
	list_dir_symlinks(l, d);
	if (d->real->parent)
		list_entry(l, inputs_path_set_dir(l->in->paths, d->real));
	return LIST_OUTCOME_DONE;
}

static enum list_outcome list_dirs(struct manifest_lister *l)
{
	const struct strv *dirs = &l->m->closure.dirs;
	const char *pwd = l->unit.env ? str_find_env(l->unit.env, "PWD") : NULL;
	enum list_outcome ret = list_dir(l, l->unit.cwd);

	if (ret == LIST_OUTCOME_DONE)
		l->m->cwd = inputs_paths_get(l->in->paths, l->unit.cwd);
	/* The compiler uses $PWD if $PWD names the working directory. */
	if (ret == LIST_OUTCOME_DONE && pwd && *pwd == '/' &&
	    strcmp(pwd, l->unit.cwd))
		ret = list_dir(l, pwd) == LIST_OUTCOME_REJECTED ?
			      LIST_OUTCOME_REJECTED :
			      LIST_OUTCOME_DONE;
	for (size_t i = 0; i < dirs->n && ret == LIST_OUTCOME_DONE; i++)
		ret = list_dir(l, dirs->v[i]);
	return ret;
}

/*
 * If an earlier unit listed a path that is absent now, the input root of a node
 * may still contain this path.  In this case, list an ABSENT entry for the path
 * or, if the directory of the path is also absent, for the topmost absent
 * directory.
 */
static void list_absence(struct manifest_lister *l, struct inputs_dir *d,
			 const char *base)
{
	struct inputs_path *p = d->real;

	if (!p->ever_listed)
		return;
	if (d->exists) {
		p = inputs_paths_find(l->in->paths, p, base, strlen(base));
	} else {
		while (!d->parent->exists)
			d = d->parent;
		p = d->real;
	}
	if (p && p->ever_listed && p->parent)
		list_entry(l, inputs_path_set_absent(l->in->paths, p));
}

static enum list_outcome list_absent(struct manifest_lister *l)
{
	struct inputs_manifest *m = l->m;
	const struct strv *absent = &m->closure.absent;

	for (size_t i = 0; i < absent->n; i++) {
		const struct inputs_filename *s;
		struct inputs_dir *guard;

		if (!make_absolute(l, absent->v[i]))
			return reject(l, REASON_INPUT_LONG_PATH, absent->v[i]);
		s = lookup_filename(l);
		if (!s)
			return LIST_OUTCOME_STALE;
		if (s->dir->real->in_proc)
			l->proc_path = s->abs;
		/* Guard: the directory that changes if the path appears. */
		guard = s->dir;
		while (!guard->exists && guard->parent)
			guard = guard->parent;
		if (guard->listed_unit != l->unit_number) {
			guard->listed_unit = l->unit_number;
			guard->guard_index = m->n_guards;
			*VEC_ADD(m->guards,
				 m->n_guards) = (struct inputs_manifest_guard){
				guard, inputs_dir_get_state(l->in->paths, guard)
			};
		}
		m->guarded_by[i] = (uint32_t)guard->guard_index;
		/* The path may have appeared after the scan. */
		if (!file_stamp_is_reliable(&guard->stamp, l->start_ns) &&
		    !access(l->abs, F_OK))
			return LIST_OUTCOME_STALE;
		list_absence(l, s->dir, s->base);
	}
	return LIST_OUTCOME_DONE;
}

/*
 * List the output `path` as a symbolic link to `target`, a path in the job's
 * private directory.  If an input has the same path, reject the unit, because
 * the link would hide this input in the sandbox.
 */
static enum list_outcome list_output(struct manifest_lister *l,
				     const char *path, const char *target)
{
	static const struct file_stamp none;
	struct inputs_filename *s;
	struct inputs_path *p;

	if (!make_absolute(l, path))
		return reject(l, REASON_UNSUPPORTED_OUTPUT_NAME, path);
	s = lookup_filename(l);
	p = inputs_filename_resolve(l->in->paths, s);
	if (!p || !s->dir->exists)
		return reject(l, REASON_UNSUPPORTED_OUTPUT_NAME, path);
	list_dir_symlinks(l, s->dir);
	if (p->listed_unit == l->unit_number)
		return reject(l, REASON_UNSUPPORTED_OUTPUT_NAME, path);
	list_entry(l, inputs_path_set_symlink(l->in->paths, p, &none, target));
	return LIST_OUTCOME_DONE;
}

static enum list_outcome list_outputs(struct manifest_lister *l)
{
	struct options_side_outputs sides;
	enum list_outcome ret = LIST_OUTCOME_DONE;
	char *object = options_output_object_path(l->unit.command);

	options_output_side_outputs(&sides, l->unit.command);
	if (sides.name_in_object)
		ret = list_output(l, object, WIRE_JOB_OBJECT);
	for (size_t i = 0; i < sides.n && ret == LIST_OUTCOME_DONE; i++) {
		char *target = xasprintf(WIRE_JOB_SIDE "%zu", i);

		ret = list_output(l, sides.path[i], target);
		free(target);
	}
	free(object);
	options_side_outputs_release(&sides);
	return ret;
}

static enum list_outcome list_closure(struct manifest_lister *l)
{
	struct inputs_manifest *m = l->m;
	enum list_outcome ret;

	inputs_paths_lock(l->in->paths);
	/*
	 * Recent checks of directories can be reused: if an absent path is
	 * created later, the stamp of its guard changes (struct
	 * inputs_manifest_guard).
	 */
	inputs_paths_trust_since(
		l->in->paths, l->unit.stat_max_age_ns ?
				      clock_us() - INPUTS_VERIFIED_MAX_AGE_US :
				      UINT64_MAX);
	l->unit_number = ++l->in->last_unit;
	m->n_entries = m->n_guards = l->n_unhashed = 0;
	l->proc_path = NULL;
	memset(m->files, 0, (m->closure.n_files + 1) * sizeof(*m->files));
	ret = list_files(l);
	if (ret == LIST_OUTCOME_DONE)
		ret = list_dirs(l);
	if (ret == LIST_OUTCOME_DONE)
		ret = list_absent(l);
	if (ret == LIST_OUTCOME_DONE)
		ret = list_outputs(l);
	/* A name in /proc can lead to a different file in each process. */
	if (ret != LIST_OUTCOME_REJECTED && l->proc_path)
		ret = reject(l, REASON_INPUT_NOT_FILE, l->proc_path);
	inputs_paths_unlock(l->in->paths);
	return ret;
}

/* Hash the files for which list_closure() found no current digest. */
static enum list_outcome hash_files(struct manifest_lister *l)
{
	for (size_t i = 0; i < l->n_unhashed; i++) {
		struct inputs_path *p = l->unhashed[i];
		struct store_file_digest id;
		struct err err;
		int ret = store_digest_cache_get(l->in->digests, p->name, &id,
						 &err);

		if (ret == -EACCES || ret == -EPERM)
			return reject(l, REASON_INPUT_UNREADABLE, p->name);
		if (ret)
			return LIST_OUTCOME_STALE;
		inputs_paths_lock(l->in->paths);
		inputs_path_set_file(l->in->paths, p, &id);
		inputs_paths_unlock(l->in->paths);
	}
	return LIST_OUTCOME_DONE;
}

static int compare_inodes(const void *a, const void *b)
{
	const struct inputs_entry *const *p = a, *const *q = b;
	const struct file_stamp *x = &(*p)->file_digest.stamp,
				*y = &(*q)->file_digest.stamp;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

/*
 * Reject a unit of clang if two of its paths are hard links to the same file.
 * A local clang uses the same name for both paths in debug information and in
 * messages.  On a node and in the keys of the result cache, however, each path
 * is a separate file.
 */
static enum list_outcome reject_hard_links(struct manifest_lister *l)
{
	const struct inputs_manifest *m = l->m;
	const struct inputs_entry **e;
	size_t n = 0, i = 1;

	if (!l->unit.command->is_clang)
		return LIST_OUTCOME_DONE;
	e = xcalloc(m->n_entries + 1, sizeof(struct inputs_entry *));
	for (size_t k = 0; k < m->n_entries; k++) {
		if (m->entries[k]->kind == WIRE_INODE_FILE)
			e[n++] = m->entries[k];
	}
	qsort(e, n, sizeof(struct inputs_entry *), compare_inodes);
	while (i < n && compare_inodes(&e[i - 1], &e[i]) != 0)
		i++;
	if (i < n)
		reject(l, REASON_INPUT_HARD_LINK, e[i]->path->name);
	free(e);
	return i < n ? LIST_OUTCOME_REJECTED : LIST_OUTCOME_DONE;
}

static enum list_outcome scan_once(struct manifest_lister *l)
{
	struct inputs_manifest *m = l->m;

	cpp_closure_release(&m->closure);
	l->start_ns = file_stamp_now_ns();
	cpp_closure_find(l->in->scan, &l->unit, &m->closure);
	/*
	 * If cached stamps were used, the scan may have failed because of an
	 * outdated stamp, so scan again.
	 */
	if (m->closure.reason && l->unit.stat_max_age_ns)
		return LIST_OUTCOME_STALE;
	if (m->closure.reason)
		return reject(l, m->closure.reason, m->closure.detail);
	for (size_t i = 0; i < m->closure.n_files; i++) {
		/*
		 * A racily clean file can change without a new stamp, so wait
		 * for the next tick of mtime and scan again.
		 */
		if (!m->closure.files[i].stamp_reliable) {
			usleep(MTIME_GRANULARITY_US);
			return LIST_OUTCOME_STALE;
		}
	}
	m->files = xrealloc(m->files,
			    (m->closure.n_files + 1) * sizeof(*m->files));
	m->guarded_by = xrealloc(m->guarded_by,
				 (m->closure.absent.n + 1) * sizeof(uint32_t));
	return LIST_OUTCOME_DONE;
}

void inputs_manifest_make(struct inputs_manifest *m, struct inputs *in,
			  const struct cpp_unit *unit)
{
	struct manifest_lister *l = xcalloc(1, sizeof(*l));
	enum list_outcome ret = LIST_OUTCOME_STALE;

	*m = (struct inputs_manifest){ .since_us = clock_us() };
	l->m = m;
	l->in = in;
	l->unit = *unit;
	l->cwd_len = strlen(unit->cwd);
	for (int i = 0; i < SCAN_ROUNDS_MAX && ret != LIST_OUTCOME_DONE &&
			ret != LIST_OUTCOME_REJECTED;
	     i++) {
		uint64_t began = clock_cpu_us();

		ret = scan_once(l);
		if (ret == LIST_OUTCOME_DONE)
			ret = list_closure(l);
		/*
		 * If a link was changed after the first hashing, it can lead to
		 * another file, which has no digest yet.  In this case, hash a
		 * second time.
		 */
		for (int k = 0; ret == LIST_OUTCOME_NEEDS_DIGESTS && k < 2;
		     k++) {
			ret = hash_files(l);
			if (ret == LIST_OUTCOME_DONE)
				ret = list_closure(l);
		}
		if (ret == LIST_OUTCOME_DONE)
			ret = reject_hard_links(l);
		m->scan_us += (uint32_t)(clock_cpu_us() - began);
		l->unit.stat_max_age_ns = 0;
	}
	if (ret == LIST_OUTCOME_STALE || ret == LIST_OUTCOME_NEEDS_DIGESTS)
		reject(l, REASON_INPUTS_CHANGE, NULL);
	free(l->unhashed);
	free(l);
}

static bool is_file_unchanged(const struct inputs_manifest_file *f,
			      uint64_t since_us, uint64_t now_us)
{
	struct file_stamp now;
	struct stat st;

	/*
	 * Always check a file that is reached through a symbolic link, because
	 * verified_us does not cover a change of the link.
	 */
	if (f->path == f->entry->path &&
	    atomic_load_explicit(f->entry->verified_us, memory_order_relaxed) >=
		    since_us)
		return true;
	if (stat(f->path->name, &st))
		return false;
	file_stamp_from_stat(&now, &st);
	if (!file_stamp_equal(&now, &f->entry->file_digest.stamp))
		return false;
	if (f->path == f->entry->path)
		atomic_store_explicit(f->entry->verified_us, now_us,
				      memory_order_relaxed);
	return true;
}

/*
 * Return true if a symbolic link has the same stamp as during the scan.  A
 * comparison of the targets would not detect a link that was replaced and then
 * restored.  A link to an output of the job exists only on nodes and has no
 * stamp, so it counts as unchanged.
 */
static bool is_symlink_unchanged(const struct inputs_entry *e)
{
	struct file_stamp now;
	struct stat st;

	if (!e->file_digest.stamp.ino)
		return true;
	if (lstat(e->path->name, &st))
		return false;
	file_stamp_from_stat(&now, &st);
	return file_stamp_equal(&now, &e->file_digest.stamp);
}

static bool is_guard_unchanged(const struct inputs_manifest_guard *g,
			       uint64_t since_us, uint64_t now_us)
{
	struct file_stamp now;
	struct stat st;

	if (atomic_load_explicit(&g->state->verified_us,
				 memory_order_relaxed) >= since_us)
		return true;
	if (stat(g->dir->abs, &st))
		return false;
	file_stamp_from_stat(&now, &st);
	if (!file_stamp_equal(&now, &g->state->stamp))
		return false;
	atomic_store_explicit(&g->state->verified_us, now_us,
			      memory_order_relaxed);
	return true;
}

/*
 * Find a path that is covered by `guard`, was absent during the scan and exists
 * now.  Returns the first such path, or NULL.
 */
static const char *find_appeared_path(const struct inputs_manifest *m,
				      uint32_t guard, const char *cwd)
{
	const struct strv *absent = &m->closure.absent;

	for (size_t i = 0; i < absent->n; i++) {
		const char *path = absent->v[i];
		char *full;
		bool there;

		if (m->guarded_by[i] != guard)
			continue;
		full = str_join_path(cwd, path);
		there = !access(full, F_OK);
		free(full);
		if (there)
			return path;
	}
	return NULL;
}

/*
 * Find a directory with the path of a header that is no directory any more.
 * Returns its path, or NULL.
 */
static const char *find_replaced_dir(const struct cpp_closure *c,
				     const char *cwd)
{
	for (size_t i = c->dirs.n - c->n_header_dirs; i < c->dirs.n; i++) {
		char *full = str_join_path(cwd, c->dirs.v[i]);
		bool is_dir = fs_is_dir(full);

		free(full);
		if (!is_dir)
			return c->dirs.v[i];
	}
	return NULL;
}

const char *inputs_manifest_find_changed(const struct inputs_manifest *m,
					 const char *cwd)
{
	uint64_t now = clock_us(), since = now - INPUTS_VERIFIED_MAX_AGE_US;
	const char *path = NULL;

	if (since < m->since_us || since > now)
		since = m->since_us;
	for (size_t i = 0; i < m->closure.n_files; i++) {
		if (!is_file_unchanged(&m->files[i], since, now))
			return m->closure.files[i].path;
	}
	for (size_t i = 0; i < m->n_entries; i++) {
		if (m->entries[i]->kind == WIRE_INODE_SYMLINK &&
		    !is_symlink_unchanged(m->entries[i]))
			return m->entries[i]->path->name;
	}
	for (uint32_t i = 0; i < m->n_guards && !path; i++) {
		if (!is_guard_unchanged(&m->guards[i], since, now))
			path = find_appeared_path(m, i, cwd);
	}
	return path ? path : find_replaced_dir(&m->closure, cwd);
}

bool inputs_manifest_find_spelling(const struct inputs_manifest *m,
				   const char *path, size_t *cursor)
{
	const struct cpp_closure *c = &m->closure;

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	/*
	 * The compiler lists files in the order in which it opened them, so
	 * start at the cursor.
	 */
	for (size_t i = 0; i < c->n_files; i++) {
		size_t at = *cursor + i;

		if (at >= c->n_files)
			at -= c->n_files;
		if (!strcmp(c->files[at].path, path)) {
			*cursor = at + 1;
			return true;
		}
	}
	return false;
}

bool inputs_manifest_find_file(const struct inputs_manifest *m, const char *cwd,
			       const char *path, size_t *cursor)
{
	char *full = str_join_path(cwd, path);
	char *real = realpath(full, NULL);
	bool has = false;

	for (size_t i = 0; real && i < m->closure.n_files; i++) {
		const struct inputs_entry *e = m->files[i].entry;

		if (!e || strcmp(e->path->name, real))
			continue;
		has = true;
		*cursor = i + 1;
		/* A file that was read has priority over a probed file. */
		if (m->closure.files[i].kind != CPP_FILE_PROBED)
			break;
	}
	free(real);
	free(full);
	return has;
}

struct inputs_collection {
	struct pool_work work; /* must be the first member */
	struct inputs_request request;
	struct inputs_result result;
	void (*on_collected)(void *ctx, struct inputs_result *result);
	void *ctx;
};

void inputs_result_release(struct inputs_result *r)
{
	inputs_manifest_release(&r->manifest);
	options_flags_release(&r->flags);
	*r = (struct inputs_result){ 0 };
}

static enum reason collect_inputs(const struct inputs_request *q,
				  struct inputs_result *r)
{
	bool is_clang = q->toolchain->manifest.is_clang;
	struct inputs_manifest *m = &r->manifest;
	struct err err;

	/*
	 * The command was parsed as a command of the other compiler, so its
	 * flags may contain options that this compiler does not have.
	 */
	if (is_clang != q->unit.command->is_clang) {
		m->detail = xasprintf("%s is %s, contrary to its name",
				      q->unit.compiler,
				      is_clang ? "clang" : "gcc");
		return REASON_NOT_IDENTIFIED;
	}
	if (options_allowlist_make_flags(&r->flags, q->unit.command, &err)) {
		m->detail = xstrdup(err.text);
		return REASON_OPTION_NOT_REMOTE;
	}
	inputs_manifest_make(m, q->inputs, &q->unit);
	if (q->requested_us && q->requested_us < m->since_us)
		m->since_us = q->requested_us;
	if (m->reason)
		return m->reason;
	if (m->closure.mentions & CPP_MENTION_TIME)
		return REASON_TIME_MACRO;
	/*
	 * Reject __BASE_FILE__ in source text from stdin: on a node, the text
	 * is a file with another name.
	 */
	if (q->unit.command->from_stdin &&
	    (m->closure.mentions & CPP_MENTION_BASE_FILE))
		return REASON_BASE_FILE;
	if (q->unit.command->preprocessed &&
	    q->unit.command->lang == OPTIONS_LANG_ASM_CPP &&
	    (m->closure.mentions & CPP_MENTION_DEVICETREE))
		return REASON_TREE_READS;
	for (size_t i = 0; i < m->closure.n_files; i++)
		r->total_bytes += (uint64_t)m->closure.files[i].stamp.size;
	r->locale = inputs_toolchain_get_locale(q->toolchain, q->unit.env);
	if (r->locale->reason || !q->tool_path)
		return r->locale->reason;
	r->tool = inputs_tool_get(q->tools, q->tool_path, q->unit.env, &err);
	if (r->tool)
		return REASON_NONE;
	m->detail = xstrdup(err.text);
	return REASON_STEP_PROGRAM;
}

void inputs_collect(const struct inputs_request *request,
		    struct inputs_result *result)
{
	*result = (struct inputs_result){ 0 };
	result->reason = collect_inputs(request, result);
}

static void run_collection(struct pool_work *w)
{
	struct inputs_collection *s = (struct inputs_collection *)w;

	inputs_collect(&s->request, &s->result);
}

static void on_inputs_collected(struct pool_work *w)
{
	struct inputs_collection *s = (struct inputs_collection *)w;

	s->on_collected(s->ctx, &s->result);
	inputs_result_release(&s->result);
	free(s);
}

void inputs_collect_start(const struct inputs_request *request,
			  void (*on_collected)(void *ctx,
					       struct inputs_result *result),
			  void *ctx)
{
	struct inputs_collection *s = xcalloc(1, sizeof(*s));

	s->work.run = run_collection;
	s->work.on_done = on_inputs_collected;
	s->request = *request;
	s->on_collected = on_collected;
	s->ctx = ctx;
	pool_add(request->pool, &s->work);
}
