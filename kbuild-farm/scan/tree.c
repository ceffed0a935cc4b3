/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/tree.h"

#include "scan/arena.h"
#include "scan/cond.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

struct scan_tree {
	struct scan_names *names;
	struct scan_store *store;
	char *cwd;
	uint32_t unit;
	unsigned mode;
	int64_t started; /* when this unit did */
	uint32_t epoch;
	uint32_t n_dirs;
	uint64_t stats;
	struct scan_arena arena;
	struct scan_dir *dir[BUCKETS];
	struct scan_node *node[BUCKETS];
	struct scan_entry *entry[BUCKETS];
	struct scan_probe *probe[BUCKETS * 4];
};

struct scan_tree *scan_tree_new(struct scan_names *names,
				struct scan_store *store, const char *cwd)
{
	struct scan_tree *t = xcalloc(1, sizeof(*t));

	t->names = names;
	t->store = store;
	t->cwd = xstrdup(cwd);
	return t;
}

static void drop_text(struct scan_tree *t, struct scan_node *n)
{
	if (!n->text)
		return;
	scan_memos_free(n->memo, n->text->n_piece);
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
	scan_arena_release(&t->arena);
	free(t->cwd);
	free(t);
}

const char *scan_tree_cwd(const struct scan_tree *t)
{
	return t->cwd;
}

void scan_tree_mode(struct scan_tree *t, unsigned mode)
{
	t->mode = mode;
}

void scan_tree_begin(struct scan_tree *t, uint32_t unit)
{
	t->unit = unit;
	t->started = scan_ident_now();
}

static size_t hash_of(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ h >> 29) & (BUCKETS - 1);
}

static char *copy(struct scan_tree *t, const char *s)
{
	return scan_arena_copy(&t->arena, s, strlen(s));
}

static char *absolute(struct scan_tree *t, const char *path)
{
	size_t a = strlen(t->cwd), b = strlen(path);
	char *abs;

	if (*path == '/')
		return copy(t, path);
	abs = scan_arena_alloc(&t->arena, a + b + 2);
	memcpy(abs, t->cwd, a);
	abs[a] = b ? '/' : '\0';
	memcpy(abs + a + 1, path, b + 1);
	return abs;
}

static int look(struct scan_tree *t, const char *abs, struct stat *st)
{
	t->stats++;
	return stat(abs, st) ? -errno : 0;
}

static void check_dir(struct scan_tree *t, struct scan_dir *d)
{
	struct scan_ident now = { 0 };
	struct stat st;
	bool exists;

	if (d->checked == t->unit)
		return;
	d->checked = t->unit;
	exists = !look(t, d->abs, &st) && S_ISDIR(st.st_mode);
	if (exists)
		scan_ident_of(&now, &st);
	if (exists != d->exists || !d->settled ||
	    !scan_ident_equal(&now, &d->now))
		d->version++;
	d->exists = exists;
	d->now = now;
	d->settled = exists && scan_ident_settled(&now, t->started);
}

struct scan_dir *scan_tree_dir(struct scan_tree *t, const char *path)
{
	size_t h = hash_of(path);
	struct scan_dir *d;

	for (d = t->dir[h]; d; d = d->next) {
		if (!strcmp(d->path, path))
			break;
	}
	if (!d) {
		d = scan_arena_alloc(&t->arena, sizeof(*d));
		*d = (struct scan_dir){ .id = t->n_dirs++, .next = t->dir[h] };
		d->path = copy(t, path);
		d->abs = absolute(t, path);
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
	h = hash_of(path);
	for (e = t->entry[h]; e; e = e->next) {
		if (!strcmp(e->path, path))
			return e;
	}
	e = scan_arena_alloc(&t->arena, sizeof(*e));
	*e = (struct scan_entry){ .path = copy(t, path), .next = t->entry[h] };
	t->entry[h] = e;
	return e;
}

/* "a/b/" of "a/b/c.h", "" of "c.h": as gcc cuts it. */
static struct scan_dir *dir_of_file(struct scan_tree *t, const char *path)
{
	const char *base = str_base(path);
	char *dir = xstrndup(path, (size_t)(base - path));
	struct scan_dir *d = scan_tree_dir(t, dir);

	free(dir);
	return d;
}

static void check_node(struct scan_tree *t, struct scan_node *n)
{
	struct scan_ident now = { 0 };
	struct stat st;
	int ret;

	if (n->checked == t->unit)
		return;
	n->checked = t->unit;
	ret = look(t, n->abs, &st);
	n->exists = !ret && !S_ISDIR(st.st_mode);
	n->error = ret == -ENOENT || ret == -ENOTDIR ? 0 : ret;
	if (n->exists)
		scan_ident_of(&now, &st);
	if (n->text &&
	    (!n->exists || !n->settled || !scan_ident_equal(&now, &n->now)))
		drop_text(t, n);
	n->now = now;
}

struct scan_node *scan_tree_node(struct scan_tree *t, const char *path)
{
	size_t h = hash_of(path);
	struct scan_node *n;

	for (n = t->node[h]; n; n = n->next) {
		if (!strcmp(n->path, path))
			break;
	}
	if (!n) {
		n = scan_arena_alloc(&t->arena, sizeof(*n));
		*n = (struct scan_node){ .next = t->node[h] };
		n->path = copy(t, path);
		n->abs = absolute(t, path);
		n->dir = dir_of_file(t, path);
		n->entry = entry_of(t, path);
		t->node[h] = n;
	}
	check_node(t, n);
	return n;
}

int scan_tree_read(struct scan_tree *t, struct scan_node *n)
{
	int ret;

	if (n->text && n->text->mode != t->mode)
		drop_text(t, n);
	if (n->text)
		return 0;
	ret = scan_store_get(t->store, n->abs, t->mode, &n->text, &n->now,
			     &n->settled);
	if (!ret)
		n->memo = xcalloc(n->text->n_piece + 1, sizeof(*n->memo));
	else
		n->text = NULL;
	return ret;
}

/* dir + name, with a slash between where gcc puts one. */
static char *joined(struct scan_tree *t, const char *dir,
		    const struct scan_name *name)
{
	size_t len = strlen(dir);
	bool slash = len && dir[len - 1] != '/';
	char *path = scan_arena_alloc(&t->arena, len + name->len + 2);

	memcpy(path, dir, len);
	if (slash)
		path[len] = '/';
	memcpy(path + len + slash, name->s, name->len + 1);
	return path;
}

/*
 * Find what guards the absence of `path`: the deepest directory on the way
 * that is there, if the next step from it is not (no dangling symbolic link,
 * whose other end we do not watch).
 */
static void guard(struct scan_tree *t, struct scan_probe *p)
{
	char *path = xstrdup(p->path);
	size_t len = strlen(path);
	struct scan_dir *d = NULL;
	struct stat st;
	char *step;

	for (;;) {
		step = xasprintf("%s%s%s", *path == '/' ? "" : t->cwd,
				 *path == '/' ? "" : "/", path);
		while (len && path[len - 1] != '/')
			len--;
		while (len > 1 && path[len - 1] == '/')
			len--;
		path[len] = '\0';
		d = scan_tree_dir(t, path);
		if (d->exists || !len || (len == 1 && *path == '/'))
			break;
		free(step);
	}
	p->guard = d->exists && lstat(step, &st) && errno == ENOENT ? d : NULL;
	p->version = d->version;
	free(step);
	free(path);
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

static void probe_again(struct scan_tree *t, struct scan_probe *p)
{
	struct scan_node *n;

	p->node = NULL;
	p->guard = NULL;
	n = scan_tree_node(t, p->path);
	if (n->exists || n->error)
		p->node = p->system ? shortened(t, n) : n;
	else
		guard(t, p);
}

static void check_probe(struct scan_tree *t, struct scan_probe *p)
{
	if (p->checked == t->unit)
		return;
	p->checked = t->unit;
	if (p->node && !p->system) {
		check_node(t, p->node);
		if (p->node->exists)
			return;
	} else if (!p->node && p->guard) {
		check_dir(t, p->guard);
		if (p->guard->version == p->version)
			return;
	}
	probe_again(t, p);
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
		p = scan_arena_alloc(&t->arena, sizeof(*p));
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

uint32_t scan_tree_epoch(const struct scan_tree *t)
{
	return t->epoch;
}

size_t scan_tree_memory(const struct scan_tree *t)
{
	return sizeof(*t) + scan_arena_memory(&t->arena);
}

uint64_t scan_tree_stats_take(struct scan_tree *t)
{
	uint64_t n = t->stats;

	t->stats = 0;
	return n;
}
