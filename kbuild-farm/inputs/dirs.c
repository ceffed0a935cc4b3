/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/dirs.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct inputs_dirs {
	struct inputs_paths *paths;
	struct arena arena;
	struct inputs_dir root;
	unsigned depth; /* of links that are being followed */
	uint64_t trusted_us;
	struct map map;
};

struct inputs_dirs *inputs_dirs_new(struct inputs_paths *paths)
{
	struct inputs_dirs *t = xcalloc(1, sizeof(*t));

	t->paths = paths;
	t->trusted_us = UINT64_MAX;
	t->root.abs = "/";
	t->root.base = "";
	t->root.real = inputs_paths_root(paths);
	t->root.exists = t->root.resolved = true;
	return t;
}

void inputs_dirs_free(struct inputs_dirs *t)
{
	if (!t)
		return;
	map_release(&t->map);
	arena_release(&t->arena);
	free(t);
}

int inputs_dirs_link(struct inputs_dirs *t, struct inputs_path *p,
		     const struct stat *st, char *to, size_t room)
{
	char target[PATH_MAX];
	struct stamp stamp;
	ssize_t n = readlink(p->name, target, sizeof(target) - 1);
	int len, ret = n < 0 ? -errno : -ENOENT;

	if (n <= 0)
		return ret < 0 ? ret : -ENOENT;
	target[n] = '\0';
	stamp_of(&stamp, st);
	inputs_paths_link(t->paths, p, &stamp, target);
	len = snprintf(to, room, "%s%s%s",
		       *target == '/' ? "" : p->parent->name,
		       *target == '/' ? "" : "/", target);
	return (size_t)len < room ? 0 : -ENAMETOOLONG;
}

static struct inputs_dir *check_once(struct inputs_dirs *t, uint32_t unit,
				     struct inputs_dir *d);

static void set_links(struct inputs_dirs *t, struct inputs_dir *d,
		      struct inputs_path *link, const struct inputs_dir *behind)
{
	const struct inputs_dir *up = d->up;
	size_t n = up->n_links + (link ? 1 + behind->n_links : 0);
	struct inputs_path **v;

	if (!link) {
		d->link = up->link;
		d->n_links = n;
		return;
	}
	v = arena_alloc(&t->arena, n * sizeof(struct inputs_path *));
	if (up->n_links)
		memcpy(v, up->link, up->n_links * sizeof(*v));
	v[up->n_links] = link;
	if (behind->n_links)
		memcpy(v + up->n_links + 1, behind->link,
		       behind->n_links * sizeof(*v));
	d->link = v;
	d->n_links = n;
}

/* Follow a component that is a link. */
static struct inputs_dir *follow_component(struct inputs_dirs *t, uint32_t unit,
					   struct inputs_dir *d,
					   struct inputs_path *link,
					   const struct stat *st)
{
	char to[2 * PATH_MAX];
	struct inputs_dir *behind;

	if (inputs_dirs_link(t, link, st, to, sizeof(to)) ||
	    t->depth >= INPUTS_LINKS_MAX)
		return NULL;
	t->depth++;
	behind = inputs_dirs_get(t, unit, to, strlen(to));
	t->depth--;
	if (!behind)
		return NULL;
	set_links(t, d, link, behind);
	d->real = behind->real;
	return d;
}

static struct inputs_dir *resolve_dir(struct inputs_dirs *t, uint32_t unit,
				      struct inputs_dir *d)
{
	struct inputs_path *child;
	struct stat st;

	/*
	 * It was known and the way to it has changed: resolve all of it again.
	 */
	if (d->real && d->up != &t->root) {
		d->up->checked = 0;
		d->up->resolved = false;
	}
	if (!check_once(t, unit, d->up))
		return NULL;
	d->real = d->up->real;
	set_links(t, d, NULL, NULL);
	if (!strcmp(d->base, "."))
		return d;
	if (!strcmp(d->base, "..")) {
		if (d->real->parent)
			d->real = d->real->parent;
		return d;
	}
	child = inputs_paths_child(t->paths, d->real, d->base, strlen(d->base));
	if (!lstat(child->name, &st) && S_ISLNK(st.st_mode))
		return follow_component(t, unit, d, child, &st);
	d->real = child;
	return d;
}

/* Does the link still stand as we know it? */
static bool same_link(struct inputs_path *p, uint32_t unit)
{
	struct stamp now;
	struct stat st;

	if (p->looked == unit)
		return true;
	if (!p->now || p->now->kind != WIRE_LINK || lstat(p->name, &st))
		return false;
	stamp_of(&now, &st);
	if (!stamp_equal(&now, &p->now->identity.stamp))
		return false;
	p->looked = unit;
	return true;
}

static bool same_way(const struct inputs_dir *d, uint32_t unit)
{
	for (size_t i = 0; i < d->n_links; i++) {
		if (!same_link(d->link[i], unit))
			return false;
	}
	return true;
}

static struct inputs_dir *check_once(struct inputs_dirs *t, uint32_t unit,
				     struct inputs_dir *d)
{
	struct stamp now = { 0 };
	struct stat st;
	uint64_t looked;
	bool exists;

	if (d->checked == unit || d == &t->root)
		return d;
	if (d->resolved && d->exists && !d->n_links &&
	    d->looked_us >= t->trusted_us) {
		d->checked = unit;
		return d;
	}
	looked = clock_us();
	exists = !stat(d->abs, &st) && S_ISDIR(st.st_mode);
	if (exists)
		stamp_of(&now, &st);
	if (!d->resolved || exists != d->exists || now.dev != d->now.dev ||
	    now.ino != d->now.ino || !same_way(d, unit)) {
		d->resolved = false;
		if (!resolve_dir(t, unit, d))
			return NULL;
		d->resolved = true;
	}
	d->exists = exists;
	d->now = now;
	d->looked_us = looked;
	d->checked = unit;
	return d;
}

static struct inputs_dir *new_dir(struct inputs_dirs *t, uint32_t unit,
				  const char *abs, size_t len, uint64_t hash)
{
	size_t up = len;
	struct inputs_dir *d = arena_alloc(&t->arena, sizeof(*d));

	*d = (struct inputs_dir){ 0 };
	d->abs = arena_copy(&t->arena, abs, len);
	while (up && abs[up - 1] != '/')
		up--;
	d->base = d->abs + up;
	d->up = inputs_dirs_get(t, unit, abs, up);
	if (!d->up)
		return NULL;
	map_add(&t->map, &d->node, hash);
	return check_once(t, unit, d);
}

struct inputs_dir *inputs_dirs_get(struct inputs_dirs *t, uint32_t unit,
				   const char *abs, size_t len)
{
	struct map_node *n;
	uint64_t hash;

	while (len && abs[len - 1] == '/')
		len--;
	if (!len)
		return &t->root;
	hash = map_hash(bytes_of(abs, len));
	for (n = map_find(&t->map, hash); n; n = map_again(n)) {
		struct inputs_dir *d = (struct inputs_dir *)n;

		if (!strncmp(d->abs, abs, len) && !d->abs[len])
			return check_once(t, unit, d);
	}
	return new_dir(t, unit, abs, len, hash);
}

struct inputs_dir *inputs_dirs_again(struct inputs_dirs *t, uint32_t unit,
				     struct inputs_dir *d)
{
	return check_once(t, unit, d);
}

void inputs_dirs_trust(struct inputs_dirs *t, uint64_t us)
{
	t->trusted_us = us;
}

struct inputs_dir_seen *inputs_dirs_seen(struct inputs_dirs *t,
					 struct inputs_dir *d)
{
	if (d->seen && stamp_equal(&d->seen->stamp, &d->now))
		return d->seen;
	d->seen = arena_alloc(&t->arena, sizeof(*d->seen));
	d->seen->stamp = d->now;
	atomic_init(&d->seen->held_us, 0);
	return d->seen;
}
