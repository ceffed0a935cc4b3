/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/arena.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 65536
#define ALIGN      8

struct scan_chunk {
	struct scan_chunk *next;
	size_t used, size;
	_Alignas(16) char data[];
};

static void add_chunk(struct scan_arena *a, size_t n)
{
	size_t size = n > CHUNK_SIZE ? n : CHUNK_SIZE;
	struct scan_chunk *c = xmalloc(sizeof(*c) + size);

	c->next = a->chunk;
	c->used = 0;
	c->size = size;
	a->chunk = c;
	a->memory += sizeof(*c) + size;
}

void *scan_arena_alloc(struct scan_arena *a, size_t n)
{
	void *p;

	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!a->chunk || a->chunk->size - a->chunk->used < n)
		add_chunk(a, n);
	p = a->chunk->data + a->chunk->used;
	a->chunk->used += n;
	return p;
}

char *scan_arena_copy(struct scan_arena *a, const char *s, size_t len)
{
	char *p = scan_arena_alloc(a, len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void scan_arena_reset(struct scan_arena *a)
{
	struct scan_chunk *c = a->chunk;

	if (!c)
		return;
	if (c->size > CHUNK_SIZE) {
		scan_arena_release(a);
		return;
	}
	while (c->next) {
		struct scan_chunk *old = c->next;

		c->next = old->next;
		a->memory -= sizeof(*old) + old->size;
		free(old);
	}
	c->used = 0;
}

void scan_arena_release(struct scan_arena *a)
{
	while (a->chunk) {
		struct scan_chunk *old = a->chunk;

		a->chunk = old->next;
		free(old);
	}
	a->memory = 0;
}
