/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/arena.h - Allocator whose memory is freed all at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* A zeroed struct is an empty arena. */
struct arena {
	struct arena_chunk *chunk;
	/*
	 * unused chunk that arena_rewind() retains, or NULL; without it, a loop
	 * that allocates at the end of a chunk and rewinds would call malloc()
	 * and free() in each iteration
	 */
	struct arena_chunk *spare;
	size_t size_bytes; /* memory of all chunks except `spare` */
};

/* Allocate `n` bytes, aligned to 8. Ends the program if memory runs out. */
void *arena_alloc(struct arena *a, size_t n);
/* Return a NUL-terminated copy of `len` bytes. */
char *arena_copy(struct arena *a, const char *s, size_t len);
/*
 * A position in an arena. arena_rewind() frees all memory that was allocated
 * after arena_mark() returned the mark.
 */
struct arena_mark {
	struct arena_chunk *chunk;
	size_t used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
/* Free all allocations, but retain one chunk for reuse. */
void arena_reset(struct arena *a);
/* Free all memory.  The arena is then empty. */
void arena_release(struct arena *a);

#endif
