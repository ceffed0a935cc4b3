/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/intern.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wire_intern_entry {
	struct map_node node;
	uint32_t number, len;
	uint8_t data[];
};

struct wire_intern *wire_intern_new(uint32_t entries, size_t bytes)
{
	struct wire_intern *t = xcalloc(1, sizeof(*t));

	t->most = entries;
	t->room = bytes;
	return t;
}

void wire_intern_free(struct wire_intern *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	map_release(&t->map);
	free(t);
}

static const struct wire_intern_entry *find_key(const struct wire_intern *t,
						struct bytes key, uint64_t hash)
{
	struct map_node *n = map_find(&t->map, hash);

	for (; n; n = map_again(n)) {
		const struct wire_intern_entry *e =
			(const struct wire_intern_entry *)n;

		if (bytes_equal(bytes_of(e->data, e->len), key))
			return e;
	}
	return NULL;
}

int wire_intern_find(const struct wire_intern *t, struct bytes key,
		     uint32_t *number)
{
	const struct wire_intern_entry *e = find_key(t, key, map_hash(key));

	if (!e)
		return -ENOENT;
	*number = e->number;
	return 0;
}

int wire_intern_add(struct wire_intern *t, struct bytes key, uint32_t *number)
{
	uint64_t hash = map_hash(key);
	const struct wire_intern_entry *known = find_key(t, key, hash);
	struct wire_intern_entry *e;

	if (known) {
		*number = known->number;
		return 0;
	}
	if (t->n == t->most || key.len >= t->room)
		return -ENOSPC;
	e = xmalloc(sizeof(*e) + key.len + 1);
	e->number = *number = t->n;
	e->len = (uint32_t)key.len;
	if (key.len)
		memcpy(e->data, key.data, key.len);
	e->data[key.len] = '\0';
	map_add(&t->map, &e->node, hash);
	*VEC_ADD(t->v, t->n) = e;
	t->room -= key.len + 1;
	return 1;
}

struct bytes wire_intern_get(const struct wire_intern *t, uint32_t number)
{
	return bytes_of(t->v[number]->data, t->v[number]->len);
}

uint32_t wire_intern_count(const struct wire_intern *t)
{
	return t->n;
}
