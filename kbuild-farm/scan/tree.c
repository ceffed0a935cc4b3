/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A unit looks at each file by one stat(2), at an absence by one of the deepest
 * directory that exists; the number of looks is what costs, so names below a
 * directory that is missing cost none, and none a file that was seen a moment
 * ago, where somebody else will look at it afterwards.  inotify would save a
 * fifth of it, and is silent about stores through mmap(2), hard links, other
 * machines on NFS and what an overlay does below; its queue overflows.  An
 * answer must never be wrong in silence.  (Figures: tests/bench/FIGURES.md.)
 *
 * What is a directive in C is text in .S: a place is kept for each pair of
 * working directory and mode, or every assembler unit would throw away what the
 * C ones know.
 */
#include "scan/tree.h"

#include "base/arena.h"
#include "scan/expr.h"

#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

/* Of paths.  What trees come and go, none has a number that another had. */
static atomic_uint numbers;

struct scan_tree {
	struct scan_names *names;
	struct scan_store *store;
	char *cwd;
	uint32_t unit;
	unsigned mode;
	int64_t started; /* when this unit did */
	int64_t trusted; /* since then a look is new enough */
	struct buf scratch; /* a path */
	uint32_t epoch;
	uint32_t n_dirs;
	uint64_t stats;
	struct arena arena;
	struct scan_dir *dir[BUCKETS];
	struct scan_node *node[BUCKETS];
	struct scan_entry *entry[BUCKETS];
	struct scan_probe *probe[BUCKETS * 4];
};

struct scan_tree *scan_tree_new(struct scan_names *names,
				struct scan_store *store, const char *cwd,
				unsigned mode)
{
	struct scan_tree *t = xcalloc(1, sizeof(*t));

	t->names = names;
	t->store = store;
	t->cwd = xstrdup(cwd);
	t->mode = mode;
	return t;
}

static void drop_text(struct scan_tree *t, struct scan_node *n)
{
	if (!n->text)
		return;
	scan_expr_forget(n->memo, n->text->n_piece, t->names);
	n->memo = NULL;
	scan_text_put(n->text);
	n->text = NULL;
	t->epoch++;
}

void scan_tree_free(struct scan_tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct scan_node *n = t->node[i]; n; n = n->next)
			drop_text(t, n);
	}
	arena_release(&t->arena);
	buf_release(&t->scratch);
	free(t->cwd);
	free(t);
}

bool scan_tree_is(const struct scan_tree *t, const char *cwd, unsigned mode)
{
	return t->mode == mode && !strcmp(t->cwd, cwd);
}

int64_t scan_tree_started(const struct scan_tree *t)
{
	return t->started;
}

void scan_tree_begin(struct scan_tree *t, uint32_t unit, int64_t trust_ns)
{
	t->unit = unit;
	t->started = stamp_now();
	t->trusted = trust_ns ? t->started - trust_ns : INT64_MAX;
}

static size_t bucket_of(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ h >> 29) & (BUCKETS - 1);
}

static char *copy_to_arena(struct scan_tree *t, const char *s)
{
	return arena_copy(&t->arena, s, strlen(s));
}

static char *against_cwd(struct scan_tree *t, const char *path)
{
	size_t a = strlen(t->cwd), b = strlen(path);
	char *abs;

	if (*path == '/')
		return copy_to_arena(t, path);
	abs = arena_alloc(&t->arena, a + b + 2);
	memcpy(abs, t->cwd, a);
	abs[a] = b ? '/' : '\0';
	memcpy(abs + a + 1, path, b + 1);
	return abs;
}

static int stat_counted(struct scan_tree *t, const char *abs, struct stat *st)
{
	t->stats++;
	return stat(abs, st) ? -errno : 0;
}

/* Anything else, such as ELOOP or EACCES, is an error for the compiler. */
static int error_of(int ret)
{
	return ret == -ENOENT || ret == -ENOTDIR ? 0 : ret;
}

static bool is_missing(const struct scan_dir *d)
{
	return !d->exists && !d->error;
}

/* Is nothing at all by this name, not even a link that leads nowhere? */
static bool is_nothing(struct scan_tree *t, const char *abs)
{
	struct stat st;

	t->stats++;
	return lstat(abs, &st) && errno == ENOENT;
}

/* The directory that is called by the first `len` bytes of `path`. */
static struct scan_dir *dir_called(struct scan_tree *t, const char *path,
				   size_t len)
{
	char *name = xstrndup(path, len);
	struct scan_dir *d = scan_tree_dir(t, name);

	free(name);
	return d;
}

static size_t without_slashes(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

/* "a" of "a/b" and of "a/b/", "" of "a", "/" of "/a"; NULL: nothing above. */
static struct scan_dir *dir_above(struct scan_tree *t, const char *path)
{
	size_t len = without_slashes(path, strlen(path));

	if (!len || (len == 1 && *path == '/'))
		return NULL;
	while (len && path[len - 1] != '/')
		len--;
	return dir_called(t, path, without_slashes(path, len));
}

/* What guards the absence of a directory. */
static void guard_dir(struct scan_tree *t, struct scan_dir *d)
{
	struct scan_dir *above = dir_above(t, d->path);
	size_t len = strlen(d->path), plain = without_slashes(d->path, len);

	d->missing = plain < len ? dir_called(t, d->path, plain) : d;
	if (!above)
		return;
	if (!above->exists) {
		d->missing = above->missing;
		d->guard = above->guard;
		d->guard_version = above->guard_version;
	} else if (is_nothing(t, d->missing->abs)) {
		d->guard = above;
		d->guard_version = above->version;
	}
}

static void check_dir(struct scan_tree *t, struct scan_dir *d)
{
	struct stamp now = { 0 };
	struct stat st;
	bool exists;
	int ret;

	if (d->checked == t->unit)
		return;
	d->checked = t->unit;
	if (!d->exists && d->guard) {
		check_dir(t, d->guard);
		if (d->guard->version == d->guard_version)
			return;
	}
	ret = stat_counted(t, d->abs, &st);
	d->error = error_of(ret);
	exists = !ret && S_ISDIR(st.st_mode);
	if (exists)
		stamp_of(&now, &st);
	if (exists != d->exists || !d->settled || !stamp_equal(&now, &d->now))
		d->version++;
	d->exists = exists;
	d->now = now;
	d->settled = exists && stamp_settled(&now, t->started);
	d->guard = NULL;
	if (is_missing(d))
		guard_dir(t, d);
}

struct scan_dir *scan_tree_dir(struct scan_tree *t, const char *path)
{
	size_t h = bucket_of(path);
	struct scan_dir *d;

	for (d = t->dir[h]; d; d = d->next) {
		if (!strcmp(d->path, path))
			break;
	}
	if (!d) {
		d = arena_alloc(&t->arena, sizeof(*d));
		*d = (struct scan_dir){ .id = t->n_dirs++, .next = t->dir[h] };
		d->path = copy_to_arena(t, path);
		d->abs = against_cwd(t, path);
		t->dir[h] = d;
	}
	check_dir(t, d);
	return d;
}

static struct scan_entry *entry_of(struct scan_tree *t, const char *path)
{
	struct scan_entry *e;
	size_t h;

	while (path[0] == '.' && path[1] == '/') {
		for (path += 2; *path == '/'; path++)
			;
	}
	h = bucket_of(path);
	for (e = t->entry[h]; e; e = e->next) {
		if (!strcmp(e->path, path))
			return e;
	}
	e = arena_alloc(&t->arena, sizeof(*e));
	*e = (struct scan_entry){ .path = copy_to_arena(t, path),
				  .number = atomic_fetch_add(&numbers, 1) + 1,
				  .steps = strstr(path, "/.."),
				  .next = t->entry[h] };
	t->entry[h] = e;
	return e;
}

/* "a/b" of "a/b/c.h", "a//" of "a//c.h", "" of "c.h"; see joined(). */
static struct scan_dir *dir_of_file(struct scan_tree *t, const char *path)
{
	size_t len = (size_t)(str_base(path) - path);

	if (len > 1 && path[len - 2] != '/')
		len--;
	return dir_called(t, path, len);
}

/* What stat returned for it, just now. */
static void saw_node(struct scan_tree *t, struct scan_node *n, int ret,
		     const struct stat *st)
{
	struct stamp now = { 0 };

	n->checked = t->unit;
	n->exists = !ret && !S_ISDIR(st->st_mode);
	n->error = error_of(ret);
	if (n->exists)
		stamp_of(&now, st);
	if (n->text &&
	    (!n->exists || !n->settled || !stamp_equal(&now, &n->now)))
		drop_text(t, n);
	n->now = now;
	n->looked = n->exists && stamp_settled(&now, t->started) ? t->started :
								   INT64_MIN;
}

/* Seen a moment ago?  Where the clock was set back, who knows. */
static bool is_trusted(const struct scan_tree *t, const struct scan_node *n)
{
	return n->looked >= t->trusted && n->looked <= t->started;
}

static void check_node(struct scan_tree *t, struct scan_node *n)
{
	struct stat st;
	int ret;

	if (n->checked == t->unit)
		return;
	if (is_trusted(t, n)) {
		n->checked = t->unit;
		return;
	}
	ret = stat_counted(t, n->abs, &st);
	saw_node(t, n, ret, &st);
}

static struct scan_node *known_node(const struct scan_tree *t, const char *path)
{
	struct scan_node *n = t->node[bucket_of(path)];

	while (n && strcmp(n->path, path))
		n = n->next;
	return n;
}

static struct scan_node *new_node(struct scan_tree *t, const char *path)
{
	struct scan_node *n = arena_alloc(&t->arena, sizeof(*n));
	size_t h = bucket_of(path);

	*n = (struct scan_node){ .looked = INT64_MIN, .next = t->node[h] };
	n->path = copy_to_arena(t, path);
	n->abs = against_cwd(t, path);
	n->dir = dir_of_file(t, path);
	n->entry = entry_of(t, path);
	t->node[h] = n;
	return n;
}

struct scan_node *scan_tree_node(struct scan_tree *t, const char *path)
{
	struct scan_node *n = known_node(t, path);

	if (!n)
		n = new_node(t, path);
	check_node(t, n);
	return n;
}

static int lex_node(struct scan_tree *t, struct scan_node *n, bool full)
{
	int ret;

	ret = scan_store_get(t->store, n->abs, t->mode, full, t->started,
			     &n->text, &n->now);
	n->settled = stamp_settled(&n->now, t->started);
	if (!n->settled)
		n->looked = INT64_MIN;
	if (!ret)
		n->memo = xcalloc(n->text->n_piece + 1, sizeof(*n->memo));
	else
		n->text = NULL;
	return ret;
}

int scan_tree_read(struct scan_tree *t, struct scan_node *n, bool full)
{
	int ret = n->text ? 0 : lex_node(t, n, full);

	return ret || !full ? ret : scan_store_full(n->text, n->abs, &n->now);
}

/* dir + name, with a slash between where gcc puts one. */
static char *joined(struct scan_tree *t, const char *dir,
		    const struct scan_name *name)
{
	size_t len = strlen(dir);
	bool slash = len && dir[len - 1] != '/';
	char *path = arena_alloc(&t->arena, len + name->len + 2);

	memcpy(path, dir, len);
	if (slash)
		path[len] = '/';
	memcpy(path + len + slash, name->s, name->len + 1);
	return path;
}

/* gcc's maybe_shorter_path(), for files in system directories. */
static struct scan_node *shortened(struct scan_tree *t, struct scan_node *n)
{
	char *real = realpath(n->abs, NULL);

	if (real && strlen(real) < strlen(n->path))
		n = scan_tree_node(t, real);
	free(real);
	return n;
}

/* The path from the root, until the next one is asked for. */
static const char *absolute_now(struct scan_tree *t, const char *path)
{
	buf_reset(&t->scratch);
	if (*path != '/')
		buf_printf(&t->scratch, "%s/", t->cwd);
	buf_add_str(&t->scratch, path);
	return buf_str(&t->scratch);
}

/* The node of a path that was not looked at before; NULL: nothing is there. */
static struct scan_node *first_look(struct scan_tree *t, const char *path)
{
	struct scan_node *n;
	struct stat st;
	int ret;

	t->stats++;
	ret = lstat(absolute_now(t, path), &st) ? -errno : 0;
	if (ret == -ENOENT)
		return NULL;
	n = new_node(t, path);
	if (!ret && S_ISREG(st.st_mode))
		saw_node(t, n, 0, &st);
	return n;
}

static void probe_again(struct scan_tree *t, struct scan_probe *p)
{
	struct scan_node *n;

	p->node = p->spelled = NULL;
	p->certain = false;
	if (!p->parent)
		p->parent = dir_of_file(t, p->path);
	check_dir(t, p->parent);
	p->version = p->parent->version;
	if (is_missing(p->parent))
		return;
	n = known_node(t, p->path);
	if (n)
		n->looked = INT64_MIN;
	else
		n = first_look(t, p->path);
	if (n)
		check_node(t, n);
	if (!n)
		p->certain = true;
	else if (n->exists || n->error)
		p->node = p->system ? shortened(t, n) : n;
	else
		p->certain = is_nothing(t, n->abs);
	if (p->node && p->node != n)
		p->spelled = n;
}

/* Is it as it was the last time, without another look at it? */
static bool probe_holds(struct scan_tree *t, struct scan_probe *p)
{
	if (p->node && p->system)
		return false;
	if (p->node) {
		check_node(t, p->node);
		return p->node->exists;
	}
	if (!p->parent)
		return false;
	check_dir(t, p->parent);
	return is_missing(p->parent) ||
	       (p->certain && p->parent->version == p->version);
}

static void check_probe(struct scan_tree *t, struct scan_probe *p)
{
	if (p->checked == t->unit)
		return;
	p->checked = t->unit;
	if (!probe_holds(t, p))
		probe_again(t, p);
}

const char *scan_tree_no_dir(struct scan_tree *t, struct scan_dir *d)
{
	d = d->missing;
	if (d->noted == t->unit)
		return NULL;
	d->noted = t->unit;
	return d->path;
}

const char *scan_tree_absent(struct scan_tree *t, struct scan_probe *p)
{
	if (is_missing(p->parent))
		return scan_tree_no_dir(t, p->parent);
	if (p->noted == t->unit)
		return NULL;
	p->noted = t->unit;
	return p->path;
}

struct scan_probe *scan_tree_probe(struct scan_tree *t, struct scan_dir *dir,
				   uint32_t name, bool system)
{
	uint64_t h = (name * UINT64_C(0x9e3779b97f4a7c15)) ^
		     (dir->id * UINT64_C(0xc2b2ae3d27d4eb4f)) ^ system;
	struct scan_probe **head, *p;

	head = &t->probe[(h >> 40 ^ h >> 20) & (BUCKETS * 4 - 1)];
	for (p = *head; p; p = p->next) {
		if (p->name == name && p->dir == dir && p->system == system)
			break;
	}
	if (!p) {
		p = arena_alloc(&t->arena, sizeof(*p));
		*p = (struct scan_probe){ .dir = dir,
					  .name = name,
					  .system = system,
					  .next = *head };
		p->path = joined(t, dir->path, scan_name(t->names, name));
		*head = p;
	}
	check_probe(t, p);
	return p;
}

bool scan_tree_is_occupied(struct scan_tree *t, struct scan_dir *dir,
			   uint32_t name)
{
	const struct scan_probe *p = scan_tree_probe(t, dir, name, false);

	return p->node || (p->parent && !is_missing(p->parent) && !p->certain);
}

uint32_t scan_tree_epoch(const struct scan_tree *t)
{
	return t->epoch;
}

size_t scan_tree_memory(const struct scan_tree *t)
{
	return sizeof(*t) + t->arena.memory;
}

uint64_t scan_tree_stats_take(struct scan_tree *t)
{
	uint64_t n = t->stats;

	t->stats = 0;
	return n;
}
