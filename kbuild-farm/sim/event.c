/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"
#include "sim/internal.h"

#include <stdlib.h>

static bool is_earlier_event(const struct sim_event *a,
			     const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

void sim_event_add(struct sim *m, uint64_t at_us, struct sim_event e)
{
	size_t at = m->n_heap;

	e.at_us = at_us;
	e.seq = m->seq++;
	*VEC_ADD(m->heap, m->n_heap) = e;
	for (; at && is_earlier_event(&e, &m->heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		m->heap[at] = m->heap[(at - 1) / 2];
	m->heap[at] = e;
}

struct sim_event sim_event_take(struct sim *m)
{
	struct sim_event first = m->heap[0], last = m->heap[--m->n_heap];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < m->n_heap) {
		if (child + 1 < m->n_heap &&
		    is_earlier_event(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (is_earlier_event(&last, &m->heap[child]))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	if (m->n_heap)
		m->heap[at] = last;
	return first;
}
