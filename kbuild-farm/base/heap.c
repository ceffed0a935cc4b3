/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/heap.h"

#include <string.h>

static void *element_at(const struct heap_type *t, void *v, size_t at)
{
	return (char *)v + at * t->size;
}

static void put_element(const struct heap_type *t, void *v, size_t at,
			const void *element)
{
	void *to = element_at(t, v, at);

	memcpy(to, element, t->size);
	if (t->on_moved)
		t->on_moved(to, at);
}

void heap_move(const struct heap_type *t, void *v, size_t n, size_t at)
{
	_Alignas(max_align_t) char moved[HEAP_SIZE_MAX];
	size_t next;

	memcpy(moved, element_at(t, v, at), t->size);
	for (; at; at = next) {
		next = (at - 1) / 2;
		if (!t->is_before(moved, element_at(t, v, next)))
			break;
		put_element(t, v, at, element_at(t, v, next));
	}
	for (; (next = 2 * at + 1) < n; at = next) {
		if (next + 1 < n && t->is_before(element_at(t, v, next + 1),
						 element_at(t, v, next)))
			next++;
		if (!t->is_before(element_at(t, v, next), moved))
			break;
		put_element(t, v, at, element_at(t, v, next));
	}
	put_element(t, v, at, moved);
}
