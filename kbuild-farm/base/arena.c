/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 65536
#define ALIGN      8

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

void *arena_alloc(struct arena *a, size_t n)
{
	void *p;

	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!a->chunk || a->chunk->size - a->chunk->used < n) {
		size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;
		struct arena_chunk *c;

		if (a->spare && size == CHUNK_SIZE) {
			c = a->spare;
			a->spare = NULL;
		} else {
			c = xmalloc(sizeof(*c) + size);
		}
		c->next = a->chunk;
		c->used = 0;
		c->size = size;
		a->chunk = c;
		a->size_bytes += sizeof(*c) + size;
	}
	p = a->chunk->data + a->chunk->used;
	a->chunk->used += n;
	return p;
}

char *arena_copy(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){
		.chunk = a->chunk,
		.used = a->chunk ? a->chunk->used : 0,
	};
}

static struct arena_chunk *take_newest(struct arena *a)
{
	struct arena_chunk *c = a->chunk;

	a->chunk = c->next;
	a->size_bytes -= sizeof(*c) + c->size;
	return c;
}

static void free_spare(struct arena *a)
{
	free(a->spare);
	a->spare = NULL;
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
	while (a->chunk != mark.chunk) {
		struct arena_chunk *c = take_newest(a);

		if (!a->spare && c->size == CHUNK_SIZE)
			a->spare = c;
		else
			free(c);
	}
	if (a->chunk)
		a->chunk->used = mark.used;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->chunk;

	if (!c)
		return;
	if (c->size > CHUNK_SIZE) {
		arena_release(a);
		return;
	}
	while (c->next) {
		struct arena_chunk *old = c->next;

		c->next = old->next;
		a->size_bytes -= sizeof(*old) + old->size;
		free(old);
	}
	free_spare(a);
	c->used = 0;
}

void arena_release(struct arena *a)
{
	while (a->chunk)
		free(take_newest(a));
	free_spare(a);
}
