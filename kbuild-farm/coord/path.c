/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/path.h"

#include "base/str.h"
#include "scan/arena.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 65536

struct coord_paths {
	pthread_mutex_t lock;
	struct scan_arena arena;
	uint32_t n;
	struct coord_path root;
	struct coord_path *bucket[BUCKETS];
};

struct coord_paths *coord_paths_new(void)
{
	struct coord_paths *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->root.name = t->root.base = "";
	t->n = 1;
	return t;
}

void coord_paths_free(struct coord_paths *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	scan_arena_release(&t->arena);
	free(t);
}

void coord_paths_lock(struct coord_paths *t)
{
	pthread_mutex_lock(&t->lock);
}

void coord_paths_unlock(struct coord_paths *t)
{
	pthread_mutex_unlock(&t->lock);
}

uint32_t coord_paths_count(const struct coord_paths *t)
{
	return __atomic_load_n(&t->n, __ATOMIC_RELAXED);
}

struct coord_path *coord_paths_root(struct coord_paths *t)
{
	return &t->root;
}

/* Eight bytes at a time: some hundred names are looked up for each unit. */
static uint64_t hash_of(const struct coord_path *parent, const char *name,
			size_t len)
{
	uint64_t h = (parent->id + 1) * UINT64_C(0x9e3779b97f4a7c15), v;

	for (; len >= 8; name += 8, len -= 8) {
		memcpy(&v, name, 8);
		h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	v = len;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | (unsigned char)name[i];
	h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

static struct coord_path *look_up(struct coord_paths *t,
				  const struct coord_path *parent,
				  const char *name, size_t len, uint64_t hash)
{
	struct coord_path *p = t->bucket[hash % BUCKETS];

	for (; p; p = p->next) {
		if (p->hash == hash && p->parent == parent &&
		    !strncmp(p->base, name, len) && !p->base[len])
			return p;
	}
	return NULL;
}

struct coord_path *coord_paths_find(struct coord_paths *t,
				    const struct coord_path *parent,
				    const char *name, size_t len)
{
	return look_up(t, parent, name, len, hash_of(parent, name, len));
}

struct coord_path *coord_paths_child(struct coord_paths *t,
				     struct coord_path *parent,
				     const char *name, size_t len)
{
	uint64_t hash = hash_of(parent, name, len);
	struct coord_path *p = look_up(t, parent, name, len, hash);
	size_t above = strlen(parent->name);
	char *full;

	if (p)
		return p;
	full = scan_arena_alloc(&t->arena, above + len + 2);
	memcpy(full, parent->name, above);
	full[above] = '/';
	memcpy(full + above + 1, name, len);
	full[above + 1 + len] = '\0';
	p = scan_arena_alloc(&t->arena, sizeof(*p));
	*p = (struct coord_path){ .name = full,
				  .base = full + above + 1,
				  .id = t->n,
				  .parent = parent,
				  .hash = hash,
				  .next = t->bucket[hash % BUCKETS] };
	__atomic_store_n(&t->n, t->n + 1, __ATOMIC_RELAXED);
	t->bucket[hash % BUCKETS] = p;
	return p;
}

struct coord_path *coord_paths_get(struct coord_paths *t, const char *path)
{
	struct coord_path *p = &t->root;

	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (len)
			p = coord_paths_child(t, p, path, len);
		path += len;
	}
	return p;
}

static const struct coord_entry *put(struct coord_paths *t,
				     struct coord_path *p,
				     const struct coord_entry *e)
{
	struct coord_entry *copy = scan_arena_alloc(&t->arena, sizeof(*copy));

	*copy = *e;
	copy->path = p;
	p->now = copy;
	if (e->kind != WIRE_GONE) {
		for (struct coord_path *up = p; up && !up->held;
		     up = up->parent)
			up->held = true;
	}
	return copy;
}

const struct coord_entry *coord_paths_file(struct coord_paths *t,
					   struct coord_path *p,
					   const struct store_identity *id)
{
	struct coord_entry e = { .kind = WIRE_FILE, .identity = *id };
	const struct coord_entry *was = p->now;

	/* A file touched within the clock's tick may still be the same. */
	if (was && was->kind == WIRE_FILE &&
	    store_stamp_equal(&was->identity.stamp, &id->stamp) &&
	    was->identity.settled == id->settled &&
	    digest_equal(&was->identity.digest, &id->digest))
		return was;
	return put(t, p, &e);
}

const struct coord_entry *coord_paths_link(struct coord_paths *t,
					   struct coord_path *p,
					   const struct store_stamp *stamp,
					   const char *target)
{
	struct coord_entry e = { .kind = WIRE_LINK };
	const struct coord_entry *was = p->now;

	if (was && was->kind == WIRE_LINK &&
	    store_stamp_equal(&was->identity.stamp, stamp) &&
	    !strcmp(was->target, target))
		return was;
	e.identity.stamp = *stamp;
	e.target = scan_arena_copy(&t->arena, target, strlen(target));
	return put(t, p, &e);
}

static const struct coord_entry *plain(struct coord_paths *t,
				       struct coord_path *p,
				       enum wire_kind kind)
{
	struct coord_entry e = { .kind = kind };

	return p->now && p->now->kind == kind ? p->now : put(t, p, &e);
}

const struct coord_entry *coord_paths_dir(struct coord_paths *t,
					  struct coord_path *p)
{
	return plain(t, p, WIRE_DIR);
}

const struct coord_entry *coord_paths_gone(struct coord_paths *t,
					   struct coord_path *p)
{
	return plain(t, p, WIRE_GONE);
}
