/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/slots.h"

#include "base/str.h"
#include "coord/use.h"
#include "node/limits.h"
#include "peer/peer.h"

#include <stdlib.h>

/* What waits is a shell and a wrapper, and now and then a make above. */
#define WAITING_MIN 64u

/* What a person may ask for; 0: nobody knows yet. */
static unsigned most_slots(const struct coord_node *n)
{
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	return figures.inventory ? node_limit_most(figures.inventory) : 0;
}

/* With nothing in its way. */
static unsigned full_slots(const struct coord_node *n)
{
	unsigned most = n->asked_slots ? most_slots(n) : 0;

	if (!most)
		return peer_slots(n->peer);
	/* It may have come back with another limit. */
	return n->asked_slots < most ? n->asked_slots : most;
}

unsigned coord_slots(const struct coord_node *n)
{
	return node_live_slots(&n->live, full_slots(n));
}

bool coord_slots_ask(struct coord_node *n, bool more)
{
	unsigned slots = full_slots(n), most = most_slots(n);

	if (!most || (more ? slots >= most : slots <= 1))
		return false;
	n->asked_slots = more ? slots + 1 : slots - 1;
	return true;
}

bool coord_slots_beat(struct coord_node *n, uint64_t now_ms, unsigned ours)
{
	unsigned slots = full_slots(n), now;
	struct peer_figures figures;
	struct wire_health health;
	char *why;
	bool changed;

	peer_figures(n->peer, &figures);
	if (!figures.inventory || !slots)
		return false;
	coord_use_health(n, &health);
	now = node_limit_now(slots, figures.inventory, &health, ours, &why);
	changed = node_live_beat(&n->live, now_ms, slots, now, why);
	free(why);
	return changed;
}

char *coord_slots_words(const struct coord_node *n)
{
	unsigned slots = full_slots(n), now = coord_slots(n);

	if (now == slots)
		return xasprintf("%u slot%s again", slots,
				 slots == 1 ? "" : "s");
	return xasprintf("%u of %u slots: %s", now, slots,
			 n->live.why ? n->live.why : "it comes back");
}

unsigned coord_slots_waiting(const struct sched_figures *f, unsigned local)
{
	unsigned most = f->slots > WAITING_MIN ? f->slots : WAITING_MIN;
	unsigned waiting = f->waiting < most ? f->waiting : most;

	if (!f->slots)
		return f->remote_now;
	return f->remote_now + waiting +
	       (f->here < local ? 0 : f->here - local + 1);
}

unsigned coord_slots_local(const struct coord *c)
{
	unsigned fed = 0;

	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct coord_node *n = c->nodes[i];
		struct sched_node_figures sched;
		struct peer_figures figures;

		sched_node_figures(c->sched, n->number, &sched);
		if (sched.state != SCHED_NODE_UP)
			continue;
		peer_figures(n->peer, &figures);
		fed += node_limit_fed(c->setup.local_slots,
				      figures.inventory->cores);
	}
	return node_limit_beside(c->setup.local_slots, fed);
}
