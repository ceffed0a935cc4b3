/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scanner says what it saw of each file (its stamp).  So a file
 * needs no stat(2) of ours: the version that we know either has that stamp,
 * or is read now and must have it afterwards.  Where it has not, the file
 * changed behind the scanner's back, and the unit is scanned again.
 */
#include "inputs/manifest.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "inputs/spelled.h"
#include "options/output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDENTITIES_MAX 65536
#define ROUNDS         6 /* until its files hold still */
#define YOUNG_US       10000 /* more than a tick of the clock of files */
#define PATH_ROOM      (2 * PATH_MAX)

struct inputs_manifest_guard {
	const struct inputs_dir *dir;
	struct inputs_dir_seen *seen; /* how it was then */
};

enum outcome {
	LISTED,
	STALE, /* something changed: scan again */
	READ_FIRST, /* digests are missing: see todo */
	NOT_POSSIBLE,
};

struct lister {
	struct inputs_manifest *m;
	struct inputs *in;
	struct scan_unit unit;
	size_t cwd_len;
	uint32_t number; /* of the unit */
	int64_t began; /* before the scan, by the clock of files */
	char abs[PATH_ROOM];
	size_t len; /* of `abs` */
	struct inputs_path **todo;
	size_t n_todo;
};

void inputs_init(struct inputs *in, const struct scan_setup *scan)
{
	*in = (struct inputs){ .paths = inputs_paths_new() };
	in->dirs = inputs_dirs_new(in->paths);
	in->spellings = inputs_spellings_new(in->paths, in->dirs);
	in->identities = store_identities_new(IDENTITIES_MAX);
	in->scan = scan ? scan_new(scan) : NULL;
}

void inputs_release(struct inputs *in)
{
	scan_free(in->scan);
	if (in->identities)
		store_identities_free(in->identities);
	inputs_spellings_free(in->spellings);
	inputs_dirs_free(in->dirs);
	inputs_paths_free(in->paths);
	*in = (struct inputs){ 0 };
}

void inputs_manifest_release(struct inputs_manifest *m)
{
	free(m->detail);
	free(m->entry);
	free(m->file);
	free(m->guard);
	free(m->guarded_by);
	scan_closure_release(&m->closure);
	*m = (struct inputs_manifest){ 0 };
}

static enum outcome reject(struct lister *l, enum reason why,
			   const char *detail)
{
	l->m->why = why;
	l->m->detail = detail ? xstrdup(detail) : NULL;
	return NOT_POSSIBLE;
}

static void list_entry(struct lister *l, const struct inputs_entry *e)
{
	struct inputs_manifest *m = l->m;

	if (e->path->mark == l->number)
		return;
	e->path->mark = l->number;
	*VEC_ADD(m->entry, m->n) = e;
}

static void add_links(struct lister *l, const struct inputs_dir *d)
{
	for (size_t i = 0; i < d->n_links; i++)
		list_entry(l, d->link[i]->now);
}

/* `path` made absolute in l->abs; false: too long. */
static bool make_absolute(struct lister *l, const char *path)
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

/* What l->abs is, in a directory as it is now; NULL: it leads nowhere. */
static struct inputs_spelled *spelled(struct lister *l)
{
	return inputs_spelled_get(l->in->spellings, l->number, l->abs, l->len);
}

static bool is_current(const struct inputs_path *p, const struct stamp *now)
{
	const struct inputs_entry *e = p->now;

	return e && e->kind == WIRE_FILE && e->identity.settled &&
	       stamp_equal(&e->identity.stamp, now);
}

static enum outcome read_first(struct lister *l, struct inputs_path *p)
{
	*VEC_ADD(l->todo, l->n_todo) = p;
	return READ_FIRST;
}

/* The file `s`, which the scanner saw as `want`. */
static enum outcome list_file(struct lister *l, struct inputs_spelled *s,
			      const struct stamp *want,
			      struct inputs_manifest_file *out, unsigned depth)
{
	struct inputs_path *p = inputs_spelled_path(l->in->spellings, s);
	struct stat st;

	/* The scanner has read it, so it has been replaced since. */
	if (!p)
		return STALE;
	add_links(l, s->dir);
	if (!out->at)
		out->at = p;
	if (is_current(p, want)) {
		out->is = p->now;
		list_entry(l, p->now);
		return LISTED;
	}
	if (lstat(p->name, &st))
		return STALE;
	if (S_ISLNK(st.st_mode)) {
		if (depth == INPUTS_LINKS_MAX ||
		    inputs_dirs_link(l->in->dirs, p, &st, l->abs, PATH_ROOM))
			return STALE;
		l->len = strlen(l->abs);
		list_entry(l, p->now);
		return list_file(l, spelled(l), want, out, depth + 1);
	}
	if (!S_ISREG(st.st_mode))
		return reject(l, REASON_INPUT_NOT_FILE, p->name);
	if ((uint64_t)st.st_size > WIRE_BLOB_MAX)
		return reject(l, REASON_INPUT_LARGE, p->name);
	return read_first(l, p);
}

/* One that came before with that number is what it was then. */
static enum outcome list_scanned(struct lister *l, const struct scan_file *f,
				 struct inputs_manifest_file *out)
{
	struct inputs_spellings *all = l->in->spellings;
	struct inputs_spelled *s = inputs_spelled_numbered(all, l->number,
							   f->number);

	if (!s && !make_absolute(l, f->path))
		return reject(l, REASON_INPUT_LONG_PATH, f->path);
	if (!s) {
		s = spelled(l);
		inputs_spelled_number(all, s, f->number);
	}
	return list_file(l, s, &f->stamp, out, 0);
}

static enum outcome list_files(struct lister *l)
{
	struct inputs_manifest *m = l->m;
	const struct scan_file *f = m->closure.files;
	enum outcome one, all = LISTED;

	for (size_t i = 0; i < m->closure.n_files && all <= READ_FIRST; i++) {
		one = list_scanned(l, &f[i], &m->file[i]);
		if (one == STALE)
			return STALE;
		if (one > all)
			all = one;
	}
	return all;
}

static enum outcome list_dir(struct lister *l, const char *path)
{
	struct inputs_dir *d;

	if (!make_absolute(l, path))
		return reject(l, REASON_INPUT_LONG_PATH, path);
	d = inputs_dirs_get(l->in->dirs, l->number, l->abs, l->len);
	if (!d || !d->exists)
		return STALE;
	add_links(l, d);
	if (d->real->parent)
		list_entry(l, inputs_paths_dir(l->in->paths, d->real));
	return LISTED;
}

static enum outcome list_dirs(struct lister *l)
{
	const struct strv *dirs = &l->m->closure.dirs;
	const char *pwd = l->unit.env ? str_env(l->unit.env, "PWD") : NULL;
	enum outcome ret = list_dir(l, l->unit.cwd);

	if (ret == LISTED)
		l->m->cwd = inputs_paths_get(l->in->paths, l->unit.cwd);
	/* The compiler uses $PWD where that is the same directory. */
	if (ret == LISTED && pwd && *pwd == '/' && strcmp(pwd, l->unit.cwd))
		ret = list_dir(l, pwd) == NOT_POSSIBLE ? NOT_POSSIBLE : LISTED;
	for (size_t i = 0; i < dirs->n && ret == LISTED; i++)
		ret = list_dir(l, dirs->v[i]);
	return ret;
}

/* The directory that changes when something appears in `d` or on its way. */
static struct inputs_dir *guarding_dir(struct inputs_dir *d)
{
	while (!d->exists && d->up)
		d = d->up;
	return d;
}

static uint32_t add_guard(struct lister *l, struct inputs_dir *d)
{
	struct inputs_manifest *m = l->m;

	if (d->listed == l->number)
		return (uint32_t)d->at;
	d->listed = l->number;
	d->at = m->n_guards;
	*VEC_ADD(m->guard, m->n_guards) = (struct inputs_manifest_guard){
		d, inputs_dirs_seen(l->in->dirs, d)
	};
	return (uint32_t)d->at;
}

/* Something that a view may still hold, and must not. */
static void list_gone(struct lister *l, struct inputs_dir *d, const char *base)
{
	struct inputs_path *p = d->real;

	if (!p->held)
		return;
	if (d->exists) {
		p = inputs_paths_find(l->in->paths, p, base, strlen(base));
	} else {
		while (!d->up->exists)
			d = d->up;
		p = d->real;
	}
	if (p && p->held && p->parent)
		list_entry(l, inputs_paths_gone(l->in->paths, p));
}

static enum outcome list_absent(struct lister *l)
{
	const struct strv *absent = &l->m->closure.absent;

	for (size_t i = 0; i < absent->n; i++) {
		const struct inputs_spelled *s;
		struct inputs_dir *guard;

		if (!make_absolute(l, absent->v[i]))
			return reject(l, REASON_INPUT_LONG_PATH, absent->v[i]);
		s = spelled(l);
		if (!s)
			return STALE;
		guard = guarding_dir(s->dir);
		l->m->guarded_by[i] = add_guard(l, guard);
		/* It may have come since the scanner looked. */
		if (!stamp_settled(&guard->now, l->began) &&
		    !access(l->abs, F_OK))
			return STALE;
		list_gone(l, s->dir, s->base);
	}
	return LISTED;
}

/*
 * The job writes to `path`, which a link leads to a directory of its own.  What
 * the unit reads there would be hidden by it.
 */
static enum outcome list_output(struct lister *l, const char *path,
				const char *target)
{
	static const struct stamp none;
	struct inputs_spelled *s;
	struct inputs_path *p;

	if (!make_absolute(l, path))
		return reject(l, REASON_UNSUPPORTED_OUTPUT_NAME, path);
	s = spelled(l);
	p = inputs_spelled_path(l->in->spellings, s);
	if (!p || !s->dir->exists)
		return reject(l, REASON_UNSUPPORTED_OUTPUT_NAME, path);
	add_links(l, s->dir);
	if (p->mark == l->number)
		return reject(l, REASON_UNSUPPORTED_OUTPUT_NAME, path);
	list_entry(l, inputs_paths_link(l->in->paths, p, &none, target));
	return LISTED;
}

static enum outcome list_outputs(struct lister *l)
{
	struct options_sides sides;
	enum outcome ret = LISTED;
	char *object = options_output_object(l->unit.command);

	options_output_sides(&sides, l->unit.command);
	if (sides.named)
		ret = list_output(l, object, WIRE_JOB_OBJECT);
	for (size_t i = 0; i < sides.n && ret == LISTED; i++) {
		char *target = xasprintf(WIRE_JOB_SIDE "%zu", i);

		ret = list_output(l, sides.path[i], target);
		free(target);
	}
	free(object);
	options_sides_release(&sides);
	return ret;
}

/* What comes into a directory since then changes it, as a guard. */
static uint64_t trusted_us(const struct lister *l)
{
	return l->unit.trust_ns ? clock_us() - INPUTS_HELD_US : UINT64_MAX;
}

static enum outcome list_closure(struct lister *l)
{
	struct inputs_manifest *m = l->m;
	enum outcome ret;

	inputs_paths_lock(l->in->paths);
	inputs_dirs_trust(l->in->dirs, trusted_us(l));
	l->number = ++l->in->unit;
	m->n = m->n_guards = l->n_todo = 0;
	memset(m->file, 0, (m->closure.n_files + 1) * sizeof(*m->file));
	ret = list_files(l);
	if (ret == LISTED)
		ret = list_dirs(l);
	if (ret == LISTED)
		ret = list_absent(l);
	if (ret == LISTED)
		ret = list_outputs(l);
	inputs_paths_unlock(l->in->paths);
	return ret;
}

/* The digests that list_closure() missed. */
static enum outcome hash_files(struct lister *l)
{
	for (size_t i = 0; i < l->n_todo; i++) {
		struct inputs_path *p = l->todo[i];
		struct store_identity id;
		struct err err;
		int ret = store_identity_get(l->in->identities, p->name, &id,
					     NULL, 0, &err);

		if (ret == -EACCES || ret == -EPERM)
			return reject(l, REASON_INPUT_UNREADABLE, p->name);
		if (ret)
			return STALE;
		inputs_paths_lock(l->in->paths);
		inputs_paths_file(l->in->paths, p, &id);
		inputs_paths_unlock(l->in->paths);
	}
	return LISTED;
}

/* Would other content have another stamp?  Not while a file is this young. */
static bool settled(const struct scan_closure *c)
{
	for (size_t i = 0; i < c->n_files; i++) {
		if (!c->files[i].settled)
			return false;
	}
	return true;
}

static enum outcome scan_once(struct lister *l)
{
	struct inputs_manifest *m = l->m;
	uint64_t began = clock_cpu_us();

	scan_closure_release(&m->closure);
	l->began = stamp_now();
	scan_closure(l->in->scan, &l->unit, &m->closure);
	m->scan_us += (uint32_t)(clock_cpu_us() - began);
	/* What was wrong a moment ago may be right now. */
	if (m->closure.why && l->unit.trust_ns)
		return STALE;
	if (m->closure.why)
		return reject(l, m->closure.why, m->closure.detail);
	if (!settled(&m->closure)) {
		usleep(YOUNG_US);
		return STALE;
	}
	m->file = xrealloc(m->file,
			   (m->closure.n_files + 1) * sizeof(*m->file));
	m->guarded_by = xrealloc(m->guarded_by,
				 (m->closure.absent.n + 1) * sizeof(uint32_t));
	return LISTED;
}

static enum outcome one_round(struct lister *l)
{
	enum outcome ret = scan_once(l);
	uint64_t began = clock_cpu_us();

	if (ret == LISTED)
		ret = list_closure(l);
	/* Behind a link there may be another file to read. */
	for (int i = 0; ret == READ_FIRST && i < 2; i++) {
		ret = hash_files(l);
		if (ret == LISTED)
			ret = list_closure(l);
	}
	l->m->list_us += (uint32_t)(clock_cpu_us() - began);
	return ret;
}

void inputs_manifest_make(struct inputs_manifest *m, struct inputs *in,
			  const struct scan_unit *unit)
{
	struct lister *l = xcalloc(1, sizeof(*l));
	enum outcome ret = STALE;

	*m = (struct inputs_manifest){ .since_us = clock_us() };
	l->m = m;
	l->in = in;
	l->unit = *unit;
	l->cwd_len = strlen(unit->cwd);
	for (int i = 0; i < ROUNDS && ret != LISTED && ret != NOT_POSSIBLE;
	     i++) {
		ret = one_round(l);
		l->unit.trust_ns = 0;
	}
	if (ret == STALE || ret == READ_FIRST)
		reject(l, REASON_INPUTS_CHANGE, NULL);
	free(l->todo);
	free(l);
}

/* Has somebody seen it just now?  What a link leads to is looked at always. */
static bool was_held(const struct inputs_manifest_file *f, uint64_t since_us)
{
	return f->at == f->is->path &&
	       atomic_load_explicit(f->is->held_us, memory_order_relaxed) >=
		       since_us;
}

static bool same_file(const struct inputs_manifest_file *f, uint64_t since_us,
		      uint64_t now_us)
{
	struct stamp now;
	struct stat st;

	if (was_held(f, since_us))
		return true;
	if (stat(f->at->name, &st))
		return false;
	stamp_of(&now, &st);
	if (!stamp_equal(&now, &f->is->identity.stamp))
		return false;
	if (f->at == f->is->path)
		atomic_store_explicit(f->is->held_us, now_us,
				      memory_order_relaxed);
	return true;
}

static bool same_guard(const struct inputs_manifest_guard *g, uint64_t since_us,
		       uint64_t now_us)
{
	struct stamp now;
	struct stat st;

	if (atomic_load_explicit(&g->seen->held_us, memory_order_relaxed) >=
	    since_us)
		return true;
	if (stat(g->dir->abs, &st))
		return false;
	stamp_of(&now, &st);
	if (!stamp_equal(&now, &g->seen->stamp))
		return false;
	atomic_store_explicit(&g->seen->held_us, now_us, memory_order_relaxed);
	return true;
}

/* The first path that was absent below this guard and is there now. */
static const char *appeared(const struct inputs_manifest *m, uint32_t guard,
			    const char *cwd)
{
	const struct strv *absent = &m->closure.absent;

	for (size_t i = 0; i < absent->n; i++) {
		const char *path = absent->v[i];
		char *full;
		bool there;

		if (m->guarded_by[i] != guard)
			continue;
		full = str_seen_from(cwd, path);
		there = !access(full, F_OK);
		free(full);
		if (there)
			return path;
	}
	return NULL;
}

const char *inputs_manifest_changed(const struct inputs_manifest *m,
				    const char *cwd)
{
	uint64_t now = clock_us(), since = now - INPUTS_HELD_US;
	const char *path = NULL;

	if (since < m->since_us || since > now)
		since = m->since_us;
	for (size_t i = 0; i < m->closure.n_files; i++) {
		if (!same_file(&m->file[i], since, now))
			return m->closure.files[i].path;
	}
	for (uint32_t i = 0; i < m->n_guards && !path; i++) {
		if (!same_guard(&m->guard[i], since, now))
			path = appeared(m, i, cwd);
	}
	return path;
}

bool inputs_manifest_has(const struct inputs_manifest *m, const char *path,
			 size_t *cursor)
{
	const struct scan_closure *c = &m->closure;

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	/* The compiler lists them in the order in which it opened them. */
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

bool inputs_manifest_has_file(const struct inputs_manifest *m, const char *cwd,
			      const char *path, size_t *cursor)
{
	char *full = str_seen_from(cwd, path);
	char *real = realpath(full, NULL);
	bool has = false;

	for (size_t i = 0; real && i < m->closure.n_files; i++) {
		const struct inputs_entry *e = m->file[i].is;

		if (!e || strcmp(e->path->name, real))
			continue;
		has = true;
		*cursor = i + 1;
		/* Else it may be the name by which another one was found. */
		if (m->closure.files[i].kind != SCAN_PROBED)
			break;
	}
	free(real);
	free(full);
	return has;
}
