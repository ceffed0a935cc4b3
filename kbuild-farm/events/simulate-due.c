/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/simulate-due.h"

#include "base/vec.h"

#include <stdbool.h>

static bool is_due_before(const struct simulate_due *a,
			  const struct simulate_due *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap_due(struct simulate_due *a, struct simulate_due *b)
{
	struct simulate_due kept = *a;

	*a = *b;
	*b = kept;
}

void simulate_due_add(struct simulate_due_list *list, struct simulate_due what)
{
	struct simulate_due *v = vec_reserve(list->v, &list->cap, list->n,
					     sizeof(*list->v));
	size_t i = list->n++;

	what.order = list->order++;
	list->v = v;
	v[i] = what;
	for (; i && is_due_before(&v[i], &v[(i - 1) / 2]); i = (i - 1) / 2)
		swap_due(&v[i], &v[(i - 1) / 2]);
}

struct simulate_due simulate_due_take(struct simulate_due_list *list)
{
	struct simulate_due *v = list->v, first = v[0];
	size_t i = 0, next;

	v[0] = v[--list->n];
	while ((next = 2 * i + 1) < list->n) {
		if (next + 1 < list->n && is_due_before(&v[next + 1], &v[next]))
			next++;
		if (!is_due_before(&v[next], &v[i]))
			break;
		swap_due(&v[i], &v[next]);
		i = next;
	}
	return first;
}
