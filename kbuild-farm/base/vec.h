/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/vec.h - Size of an array, and arrays that grow.
 *
 * For an array that grows by one element at a time, the caller declares a
 * pointer and a count, initially NULL and 0:
 *
 *	struct thing *t = VEC_ADD(list->v, list->n);
 *	*VEC_ADD(numbers, n_numbers) = 7;
 *
 * The capacity is the count rounded up to a power of two, so it is not stored.
 * The caller frees the pointer.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>

/* Number of elements of the array `a`, which must not be a pointer. */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* Append a zeroed element. Ends the program if memory runs out. */
#define VEC_ADD(v, n) \
	((v) = vec_grow((v), (n), sizeof(*(v))), (n)++, &(v)[(n)-1])

/* Used by VEC_ADD(): add a zeroed element to `v`, which has `n` elements. */
void *vec_grow(void *v, size_t n, size_t size);
/*
 * For arrays that are emptied and refilled, where allocation costs matter: grow
 * `v` to hold more than `n` elements and store the capacity in *cap.
 */
void *vec_reserve(void *v, size_t *cap, size_t n, size_t size);

#endif
