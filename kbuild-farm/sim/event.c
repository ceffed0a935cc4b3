/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/heap.h"
#include "base/vec.h"
#include "sim/internal.h"

#include <stdlib.h>

static bool is_earlier_event(const void *x, const void *y)
{
	const struct sim_event *a = x, *b = y;

	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static const struct heap_type by_time = {
	.size = sizeof(struct sim_event),
	.is_before = is_earlier_event,
};

void sim_event_add(struct sim *m, uint64_t at_us, struct sim_event e)
{
	e.at_us = at_us;
	e.seq = m->seq++;
	*VEC_ADD(m->heap, m->n_heap) = e;
	heap_move(&by_time, m->heap, m->n_heap, m->n_heap - 1);
}

struct sim_event sim_event_take(struct sim *m)
{
	struct sim_event first = m->heap[0];

	m->heap[0] = m->heap[--m->n_heap];
	if (m->n_heap)
		heap_move(&by_time, m->heap, m->n_heap, 0);
	return first;
}
