/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/vec.h - arrays that grow by one element at a time.
 *
 * An array is a pointer and a count of the caller's, NULL and 0 at first:
 *
 *	struct thing *t = VEC_ADD(list->v, list->n);
 *	*VEC_ADD(numbers, n_numbers) = 7;
 *
 * Its room is the count rounded up to a power of two, so that nobody keeps
 * it.  free() the pointer in the end.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

/* One element more at the end, zeroed; ends the program as xmalloc() does. */
#define VEC_ADD(v, n) \
	((v) = vec_room((v), (n), sizeof(*(v))), (n)++, &(v)[(n)-1])

/* What VEC_ADD() needs: `v` of `n` elements with a zeroed one behind them. */
void *vec_room(void *v, size_t n, size_t size);
/*
 * For arrays that are emptied and filled again, where allocating shows: `v`
 * with room for more than `n` elements, and *cap what it has room for.
 */
void *vec_reserve(void *v, size_t *cap, size_t n, size_t size);

#endif
