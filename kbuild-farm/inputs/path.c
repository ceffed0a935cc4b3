/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/path.h"

#include "base/arena.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct inputs_paths {
	pthread_mutex_t lock;
	struct arena arena;
	uint32_t n_paths;
	struct inputs_path root;
	struct map by_name;
};

struct inputs_paths *inputs_paths_new(void)
{
	struct inputs_paths *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->root.name = t->root.base = "";
	t->n_paths = 1;
	return t;
}

void inputs_paths_free(struct inputs_paths *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	map_release(&t->by_name);
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

struct inputs_path *inputs_paths_root(struct inputs_paths *t)
{
	return &t->root;
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

struct inputs_path *inputs_paths_child(struct inputs_paths *t,
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
				   .parent = parent };
	map_add(&t->by_name, &p->entry, hash);
	return p;
}

struct inputs_path *inputs_paths_get(struct inputs_paths *t, const char *path)
{
	struct inputs_path *p = &t->root;

	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (len)
			p = inputs_paths_child(t, p, path, len);
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
