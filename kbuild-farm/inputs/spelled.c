/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/spelled.h"

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

struct inputs_spellings {
	struct inputs_paths *paths;
	struct inputs_dirs *dirs;
	struct arena arena;
	struct map map;
	struct inputs_spelled **numbered; /* NULL: none has that number */
	size_t n_numbered;
};

struct inputs_spellings *inputs_spellings_new(struct inputs_paths *paths,
					      struct inputs_dirs *dirs)
{
	struct inputs_spellings *t = xcalloc(1, sizeof(*t));

	t->paths = paths;
	t->dirs = dirs;
	return t;
}

void inputs_spellings_free(struct inputs_spellings *t)
{
	if (!t)
		return;
	map_release(&t->map);
	arena_release(&t->arena);
	free(t->numbered);
	free(t);
}

static struct inputs_spelled *new_spelled(struct inputs_spellings *t,
					  uint32_t unit, const char *abs,
					  size_t len, uint64_t hash)
{
	size_t base = (size_t)(str_base(abs) - abs);
	struct inputs_dir *d = inputs_dirs_get(t->dirs, unit, abs, base);
	struct inputs_spelled *s;

	if (!d)
		return NULL;
	s = arena_alloc(&t->arena, sizeof(*s));
	*s = (struct inputs_spelled){ .len = len, .dir = d };
	s->abs = arena_copy(&t->arena, abs, len);
	s->base = s->abs + base;
	map_add(&t->map, &s->node, hash);
	return s;
}

struct inputs_spelled *inputs_spelled_get(struct inputs_spellings *t,
					  uint32_t unit, const char *abs,
					  size_t len)
{
	uint64_t hash = map_hash(bytes_of(abs, len));
	struct map_node *n = map_find(&t->map, hash);

	for (; n; n = map_again(n)) {
		struct inputs_spelled *s = (struct inputs_spelled *)n;

		if (s->len != len || memcmp(s->abs, abs, len))
			continue;
		return inputs_dirs_again(t->dirs, unit, s->dir) ? s : NULL;
	}
	return new_spelled(t, unit, abs, len, hash);
}

struct inputs_spelled *inputs_spelled_numbered(struct inputs_spellings *t,
					       uint32_t unit, uint32_t number)
{
	struct inputs_spelled *s = number < t->n_numbered ?
					   t->numbered[number] :
					   NULL;

	return s && inputs_dirs_again(t->dirs, unit, s->dir) ? s : NULL;
}

void inputs_spelled_number(struct inputs_spellings *t, struct inputs_spelled *s,
			   uint32_t number)
{
	if (!s || !number)
		return;
	while (t->n_numbered <= number)
		*VEC_ADD(t->numbered, t->n_numbered) = NULL;
	t->numbered[number] = s;
}

struct inputs_path *inputs_spelled_path(struct inputs_spellings *t,
					struct inputs_spelled *s)
{
	if (!s)
		return NULL;
	if (s->path && s->in == s->dir->real)
		return s->path;
	if (!*s->base || !strcmp(s->base, ".") || !strcmp(s->base, ".."))
		return NULL;
	s->in = s->dir->real;
	s->path = inputs_paths_child(t->paths, s->in, s->base, strlen(s->base));
	return s->path;
}
