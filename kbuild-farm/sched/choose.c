/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/choose.h"

#include <string.h>

static bool was_tried(const struct sched_unit *u, const struct sched_node *n)
{
	for (unsigned i = 0; i < u->n_tried; i++) {
		if (u->tried[i] == n)
			return true;
	}
	return false;
}

/* Is it what the unit needs, whatever state it is in? */
static bool suits(const struct sched_unit *u, const struct sched_cell_state *c)
{
	return !(u->steps & ~c->steps);
}

/* a's share of slots in use is smaller than b's. */
static bool less_loaded(const struct sched_node *a, const struct sched_node *b)
{
	unsigned slots_a = sched_window_slots(&a->window, a->slots);
	unsigned slots_b = sched_window_slots(&b->window, b->slots);

	return (uint64_t)a->running * slots_b < (uint64_t)b->running * slots_a;
}

/* Is there an open node that was not tried?  Cheaper than to look for it. */
static bool is_one_open(const struct sched_unit *u)
{
	const struct sched_toolchain *tc = u->toolchain;
	unsigned n = tc->n_open;

	for (unsigned i = 0; i < u->n_tried; i++)
		n -= tc->cell[u->tried[i]->number].open;
	return n > 0;
}

struct sched_node *sched_choose(const struct sched *s,
				const struct sched_unit *u)
{
	const struct sched_cell_state *cell = u->toolchain->cell;
	struct sched_node *best = NULL;

	if (u->toolchain->known != SCHED_READY || !is_one_open(u))
		return NULL;
	for (size_t i = 0; i < s->n_nodes; i++) {
		struct sched_node *n = s->nodes[i];

		if (cell[i].open && suits(u, &cell[i]) &&
		    (!best || less_loaded(n, best)) && !was_tried(u, n))
			best = n;
	}
	return best;
}

/* Of the cells that suit it alone: the counts are of all. */
static enum sched_available available_with_steps(const struct sched_unit *u)
{
	const struct sched_toolchain *tc = u->toolchain;
	enum sched_available best = AVAILABLE_NEVER;

	for (size_t i = 0; i < tc->n_cells; i++) {
		const struct sched_cell_state *c = &tc->cell[i];
		bool tried = false;

		for (unsigned t = 0; t < u->n_tried; t++)
			tried |= u->tried[t]->number == i;
		if (suits(u, c) && !tried && c->available > best)
			best = c->available;
	}
	return best;
}

enum sched_available sched_choose_available(const struct sched_unit *u)
{
	const struct sched_toolchain *tc = u->toolchain;
	enum sched_available best = AVAILABLE_NOW;
	unsigned n[AVAILABLE_KINDS];

	if (u->steps)
		return available_with_steps(u);
	memcpy(n, tc->n_available, sizeof(n));
	for (unsigned i = 0; i < u->n_tried; i++)
		n[tc->cell[u->tried[i]->number].available]--;
	while (best > AVAILABLE_NEVER && !n[best])
		best--;
	return best;
}

static bool is_any(const struct sched *s, enum sched_node_state state,
		   bool drained)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct sched_node *n = s->nodes[i];

		if (n->state == state && n->drained == drained)
			return true;
	}
	return false;
}

enum reason sched_choose_none(const struct sched *s, const struct sched_unit *u)
{
	if (u->toolchain->known == SCHED_BAD)
		return u->toolchain->why;
	if (sched_choose_available(u) != AVAILABLE_NEVER)
		return REASON_NONE;
	if (u->n_tried)
		return u->why;
	if (is_any(s, SCHED_NODE_UP, false))
		return u->steps ? REASON_NO_STEPS : REASON_NO_TOOLCHAIN;
	if (is_any(s, SCHED_NODE_UP, true))
		return REASON_NODES_DRAINED;
	return is_any(s, SCHED_NODE_UNFIT, false) ? REASON_NODES_UNFIT :
						    REASON_NODES_DOWN;
}

enum reason sched_choose_meanwhile(const struct sched *s,
				   const struct sched_unit *u)
{
	const struct sched_toolchain *tc = u->toolchain;

	for (size_t i = 0; tc->known == SCHED_READY && i < s->n_nodes; i++) {
		/* It has the toolchain, and fewer slots than it should. */
		if (s->nodes[i]->state == SCHED_NODE_UP &&
		    tc->cell[i].cell == SCHED_CELL_READY)
			return REASON_NODE_SLOW;
	}
	return is_any(s, SCHED_NODE_UP, false) ? REASON_TOOLCHAIN_SHIPPING :
						 REASON_NODES_DOWN;
}
