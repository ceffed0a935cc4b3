/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/heap.h - Binary heaps.
 *
 * A heap is an array in which no element is before the first element, in the
 * order that heap_type.is_before() defines.  The caller owns the array, and
 * calls heap_move() after each change:
 *
 *	add		append the element, then move the last element
 *	change		change v[at], then move v[at]
 *	remove		replace v[at] by the last element, then move v[at]
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define HEAP_SIZE_MAX 64

struct heap_type {
	size_t size; /* bytes of an element, at most HEAP_SIZE_MAX */
	bool (*is_before)(const void *a, const void *b);
	/* NULL, or a function that stores the new index of an element */
	void (*on_moved)(void *element, size_t at);
};

/* Move v[at], the only element out of order among `n`, to its place. */
void heap_move(const struct heap_type *t, void *v, size_t n, size_t at);

#endif
