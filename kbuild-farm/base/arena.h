/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/arena.h - memory that is given back all at once.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* A zeroed one is empty. */
struct arena {
	struct arena_chunk *chunk;
	size_t memory; /* of all that it holds */
};

/* Aligned for any type; ends the program when memory is out. */
void *arena_alloc(struct arena *a, size_t n);
/* A NUL-terminated copy. */
char *arena_copy(struct arena *a, const char *s, size_t len);
/* What was allocated behind a mark is forgotten by a rewind to it. */
struct arena_mark {
	struct arena_chunk *chunk;
	size_t used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
/* Forget what was allocated, keep one chunk. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#endif
