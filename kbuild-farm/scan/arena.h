/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/arena.h - memory that is given back all at once.
 */
#ifndef SCAN_ARENA_H
#define SCAN_ARENA_H

#include <stddef.h>

struct scan_chunk;

/* A zeroed one is empty. */
struct scan_arena {
	struct scan_chunk *chunk;
	size_t memory; /* of all that it holds */
};

/* Aligned for any type; ends the program when memory is out. */
void *scan_arena_alloc(struct scan_arena *a, size_t n);
/* A NUL-terminated copy. */
char *scan_arena_copy(struct scan_arena *a, const char *s, size_t len);
/* Forget what was allocated, keep one chunk. */
void scan_arena_reset(struct scan_arena *a);
void scan_arena_release(struct scan_arena *a);

#endif
