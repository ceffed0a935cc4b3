/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/path.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct inputs_paths {
	pthread_mutex_t lock;
	struct arena arena;
	uint32_t n_paths;
	struct inputs_path root;
	struct map by_name;

	/* directories by `abs` */
	struct map dirs;
	struct inputs_dir root_dir;
	unsigned symlink_depth; /* number of nested links being followed */
	uint64_t trusted_us; /* see inputs_paths_trust_since() */

	/* file names by `abs` and by number */
	struct map filenames;
	struct inputs_filename **by_number; /* NULL: unused number */
	size_t n_numbered;
};

struct inputs_paths *inputs_paths_new(void)
{
	struct inputs_paths *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->root.name = t->root.base = "";
	t->n_paths = 1;
	t->trusted_us = UINT64_MAX;
	t->root_dir = (struct inputs_dir){ .abs = "/",
					   .base = "",
					   .real = &t->root,
					   .exists = true,
					   .resolved = true };
	return t;
}

void inputs_paths_free(struct inputs_paths *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	map_release(&t->by_name);
	map_release(&t->dirs);
	map_release(&t->filenames);
	free(t->by_number);
	arena_release(&t->arena);
	free(t);
}

void inputs_paths_lock(struct inputs_paths *t)
{
	pthread_mutex_lock(&t->lock);
}

void inputs_paths_unlock(struct inputs_paths *t)
{
	pthread_mutex_unlock(&t->lock);
}

static uint64_t path_hash(const struct inputs_path *parent, const char *name,
			  size_t len)
{
	return map_hash(bytes_of(name, len)) ^
	       (parent->id + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct inputs_path *look_up(struct inputs_paths *t,
				   const struct inputs_path *parent,
				   const char *name, size_t len, uint64_t hash)
{
	struct map_entry *n = map_find(&t->by_name, hash);

	for (; n; n = map_next_match(n)) {
		struct inputs_path *p = (struct inputs_path *)n;

		if (p->parent == parent && !strncmp(p->base, name, len) &&
		    !p->base[len])
			return p;
	}
	return NULL;
}

struct inputs_path *inputs_paths_find(struct inputs_paths *t,
				      const struct inputs_path *parent,
				      const char *name, size_t len)
{
	return look_up(t, parent, name, len, path_hash(parent, name, len));
}

/* Return the child `name` (without a slash) and create it if it is new. */
static struct inputs_path *get_child(struct inputs_paths *t,
				     struct inputs_path *parent,
				     const char *name, size_t len)
{
	uint64_t hash = path_hash(parent, name, len);
	struct inputs_path *p = look_up(t, parent, name, len, hash);
	size_t above = strlen(parent->name);
	char *full;

	if (p)
		return p;
	full = arena_alloc(&t->arena, above + len + 2);
	memcpy(full, parent->name, above);
	full[above] = '/';
	memcpy(full + above + 1, name, len);
	full[above + 1 + len] = '\0';
	p = arena_alloc(&t->arena, sizeof(*p));
	*p = (struct inputs_path){ .name = full,
				   .base = full + above + 1,
				   .id = t->n_paths++,
				   .parent = parent,
				   .in_proc = parent->in_proc ||
					      !strcmp(full, "/proc") };
	map_add(&t->by_name, &p->entry, hash);
	return p;
}

struct inputs_path *inputs_paths_get(struct inputs_paths *t, const char *path)
{
	struct inputs_path *p = &t->root;

	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (len)
			p = get_child(t, p, path, len);
		path += len;
	}
	return p;
}

static const struct inputs_entry *set_entry(struct inputs_paths *t,
					    struct inputs_path *p,
					    const struct inputs_entry *e)
{
	struct inputs_entry *copy = arena_alloc(&t->arena, sizeof(*copy));

	*copy = *e;
	copy->path = p;
	if (e->kind == WIRE_INODE_FILE) {
		copy->verified_us = arena_alloc(&t->arena,
						sizeof(*copy->verified_us));
		atomic_init(copy->verified_us, 0);
	}
	p->current = copy;
	if (e->kind != WIRE_INODE_ABSENT) {
		for (struct inputs_path *up = p; up && !up->ever_listed;
		     up = up->parent)
			up->ever_listed = true;
	}
	return copy;
}

const struct inputs_entry *inputs_path_set_file(
	struct inputs_paths *t, struct inputs_path *p,
	const struct store_file_digest *id)
{
	struct inputs_entry e = { .kind = WIRE_INODE_FILE, .file_digest = *id };
	const struct inputs_entry *was = p->current;

	if (was && was->kind == WIRE_INODE_FILE &&
	    file_stamp_equal(&was->file_digest.stamp, &id->stamp) &&
	    was->file_digest.reliable == id->reliable &&
	    digest_equal(&was->file_digest.digest, &id->digest))
		return was;
	return set_entry(t, p, &e);
}

const struct inputs_entry *inputs_path_set_symlink(
	struct inputs_paths *t, struct inputs_path *p,
	const struct file_stamp *stamp, const char *target)
{
	struct inputs_entry e = { .kind = WIRE_INODE_SYMLINK };
	const struct inputs_entry *was = p->current;

	if (was && was->kind == WIRE_INODE_SYMLINK &&
	    file_stamp_equal(&was->file_digest.stamp, stamp) &&
	    !strcmp(was->target, target))
		return was;
	e.file_digest.stamp = *stamp;
	e.target = arena_copy(&t->arena, target, strlen(target));
	return set_entry(t, p, &e);
}

static const struct inputs_entry *plain_entry(struct inputs_paths *t,
					      struct inputs_path *p,
					      enum wire_inode_kind kind)
{
	struct inputs_entry e = { .kind = kind };

	return p->current && p->current->kind == kind ? p->current :
							set_entry(t, p, &e);
}

const struct inputs_entry *inputs_path_set_dir(struct inputs_paths *t,
					       struct inputs_path *p)
{
	return plain_entry(t, p, WIRE_INODE_DIR);
}

const struct inputs_entry *inputs_path_set_absent(struct inputs_paths *t,
						  struct inputs_path *p)
{
	return plain_entry(t, p, WIRE_INODE_ABSENT);
}

int inputs_dir_read_symlink(struct inputs_paths *t, struct inputs_path *p,
			    const struct stat *st, char *target_path,
			    size_t target_size)
{
	char target[PATH_MAX];
	struct file_stamp stamp;
	ssize_t n = readlink(p->name, target, sizeof(target) - 1);
	int len;

	if (n <= 0)
		return n ? -errno : -ENOENT;
	target[n] = '\0';
	file_stamp_from_stat(&stamp, st);
	inputs_path_set_symlink(t, p, &stamp, target);
	len = snprintf(target_path, target_size, "%s%s%s",
		       *target == '/' ? "" : p->parent->name,
		       *target == '/' ? "" : "/", target);
	return (size_t)len < target_size ? 0 : -ENAMETOOLONG;
}

static struct inputs_dir *check_dir_once(struct inputs_paths *t, uint32_t unit,
					 struct inputs_dir *d);

static void set_dir_symlinks(struct inputs_paths *t, struct inputs_dir *d,
			     struct inputs_path *link,
			     const struct inputs_dir *behind)
{
	const struct inputs_dir *up = d->parent;
	size_t n = up->n_links + (link ? 1 + behind->n_links : 0);
	struct inputs_path **v;

	if (!link) {
		d->links = up->links;
		d->n_links = n;
		return;
	}
	v = arena_alloc(&t->arena, n * sizeof(struct inputs_path *));
	if (up->n_links)
		memcpy(v, up->links, up->n_links * sizeof(*v));
	v[up->n_links] = link;
	if (behind->n_links)
		memcpy(v + up->n_links + 1, behind->links,
		       behind->n_links * sizeof(*v));
	d->links = v;
	d->n_links = n;
}

/* Resolve `d`, whose last component is a link.  Returns NULL on failure. */
static struct inputs_dir *resolve_symlink_component(struct inputs_paths *t,
						    uint32_t unit,
						    struct inputs_dir *d,
						    struct inputs_path *link,
						    const struct stat *st)
{
	char to[2 * PATH_MAX];
	struct inputs_dir *behind;

	if (inputs_dir_read_symlink(t, link, st, to, sizeof(to)) ||
	    t->symlink_depth >= INPUTS_SYMLINKS_MAX)
		return NULL;
	t->symlink_depth++;
	behind = inputs_dir_resolve(t, unit, to, strlen(to));
	t->symlink_depth--;
	if (!behind)
		return NULL;
	set_dir_symlinks(t, d, link, behind);
	d->real = behind->real;
	return d;
}

static struct inputs_dir *resolve_dir(struct inputs_paths *t, uint32_t unit,
				      struct inputs_dir *d)
{
	struct inputs_path *child;
	struct stat st;

	/*
	 * If `d` has been resolved before, it is resolved again because of a
	 * change.  The change may concern any parent, so resolve the parents
	 * again, too.
	 */
	if (d->real && d->parent != &t->root_dir) {
		d->parent->checked_unit = 0;
		d->parent->resolved = false;
	}
	if (!check_dir_once(t, unit, d->parent))
		return NULL;
	d->real = d->parent->real;
	set_dir_symlinks(t, d, NULL, NULL);
	if (!strcmp(d->base, "."))
		return d;
	if (!strcmp(d->base, "..")) {
		if (d->real->parent)
			d->real = d->real->parent;
		return d;
	}
	child = get_child(t, d->real, d->base, strlen(d->base));
	if (!lstat(child->name, &st) && S_ISLNK(st.st_mode))
		return resolve_symlink_component(t, unit, d, child, &st);
	d->real = child;
	return d;
}

static bool are_symlinks_unchanged(const struct inputs_dir *d, uint32_t unit)
{
	for (size_t i = 0; i < d->n_links; i++) {
		struct inputs_path *p = d->links[i];
		struct file_stamp now;
		struct stat st;

		if (p->checked_unit == unit)
			continue;
		if (!p->current || p->current->kind != WIRE_INODE_SYMLINK ||
		    lstat(p->name, &st))
			return false;
		file_stamp_from_stat(&now, &st);
		if (!file_stamp_equal(&now, &p->current->file_digest.stamp))
			return false;
		p->checked_unit = unit;
	}
	return true;
}

/*
 * Check a directory for the unit `unit` and resolve it again if it has changed.
 * Returns NULL if it cannot be resolved.
 */
static struct inputs_dir *check_dir_once(struct inputs_paths *t, uint32_t unit,
					 struct inputs_dir *d)
{
	struct file_stamp now = { 0 };
	struct stat st;
	uint64_t looked;
	bool exists;

	if (d->checked_unit == unit || d == &t->root_dir)
		return d;
	if (d->resolved && d->exists && !d->n_links &&
	    d->checked_us >= t->trusted_us) {
		d->checked_unit = unit;
		return d;
	}
	looked = clock_us();
	exists = !stat(d->abs, &st) && S_ISDIR(st.st_mode);
	if (exists)
		file_stamp_from_stat(&now, &st);
	if (!d->resolved || exists != d->exists || now.dev != d->stamp.dev ||
	    now.ino != d->stamp.ino || !are_symlinks_unchanged(d, unit)) {
		d->resolved = false;
		if (!resolve_dir(t, unit, d))
			return NULL;
		d->resolved = true;
	}
	d->exists = exists;
	d->stamp = now;
	d->checked_us = looked;
	d->checked_unit = unit;
	return d;
}

struct inputs_dir *inputs_dir_resolve(struct inputs_paths *t, uint32_t unit,
				      const char *abs, size_t len)
{
	struct inputs_dir *d;
	struct map_entry *n;
	uint64_t hash;
	size_t up;

	while (len && abs[len - 1] == '/')
		len--;
	if (!len)
		return &t->root_dir;
	hash = map_hash(bytes_of(abs, len));
	for (n = map_find(&t->dirs, hash); n; n = map_next_match(n)) {
		d = (struct inputs_dir *)n;
		if (!strncmp(d->abs, abs, len) && !d->abs[len])
			return check_dir_once(t, unit, d);
	}

	d = arena_alloc(&t->arena, sizeof(*d));
	*d = (struct inputs_dir){ 0 };
	d->abs = arena_copy(&t->arena, abs, len);
	for (up = len; up && abs[up - 1] != '/'; up--)
		;
	d->base = d->abs + up;
	d->parent = inputs_dir_resolve(t, unit, abs, up);
	if (!d->parent)
		return NULL;
	map_add(&t->dirs, &d->entry, hash);
	return check_dir_once(t, unit, d);
}

void inputs_paths_trust_since(struct inputs_paths *t, uint64_t since_us)
{
	t->trusted_us = since_us;
}

struct inputs_dir_state *inputs_dir_get_state(struct inputs_paths *t,
					      struct inputs_dir *d)
{
	if (d->state && file_stamp_equal(&d->state->stamp, &d->stamp))
		return d->state;
	d->state = arena_alloc(&t->arena, sizeof(*d->state));
	d->state->stamp = d->stamp;
	atomic_init(&d->state->verified_us, 0);
	return d->state;
}

struct inputs_filename *inputs_filename_get(struct inputs_paths *t,
					    uint32_t unit, const char *abs,
					    size_t len)
{
	uint64_t hash = map_hash(bytes_of(abs, len));
	struct map_entry *n = map_find(&t->filenames, hash);
	struct inputs_filename *s;
	struct inputs_dir *d;
	size_t base;

	for (; n; n = map_next_match(n)) {
		s = (struct inputs_filename *)n;
		if (s->len != len || memcmp(s->abs, abs, len))
			continue;
		return check_dir_once(t, unit, s->dir) ? s : NULL;
	}
	base = (size_t)(str_base(abs) - abs);
	d = inputs_dir_resolve(t, unit, abs, base);
	if (!d)
		return NULL;
	s = arena_alloc(&t->arena, sizeof(*s));
	*s = (struct inputs_filename){ .len = len, .dir = d };
	s->abs = arena_copy(&t->arena, abs, len);
	s->base = s->abs + base;
	map_add(&t->filenames, &s->entry, hash);
	return s;
}

struct inputs_filename *inputs_filename_get_numbered(struct inputs_paths *t,
						     uint32_t unit,
						     uint32_t number)
{
	struct inputs_filename *s = number < t->n_numbered ?
					    t->by_number[number] :
					    NULL;

	return s && check_dir_once(t, unit, s->dir) ? s : NULL;
}

void inputs_filename_set_number(struct inputs_paths *t,
				struct inputs_filename *s, uint32_t number)
{
	if (!s || !number)
		return;
	while (t->n_numbered <= number)
		*VEC_ADD(t->by_number, t->n_numbered) = NULL;
	t->by_number[number] = s;
}

struct inputs_path *inputs_filename_resolve(struct inputs_paths *t,
					    struct inputs_filename *s)
{
	if (!s)
		return NULL;
	if (s->path && s->real_dir == s->dir->real)
		return s->path;
	if (!*s->base || !strcmp(s->base, ".") || !strcmp(s->base, ".."))
		return NULL;
	s->real_dir = s->dir->real;
	s->path = get_child(t, s->real_dir, s->base, strlen(s->base));
	return s->path;
}
