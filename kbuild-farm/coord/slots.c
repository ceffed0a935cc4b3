/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/slots.h"

#include "node/limits.h"
#include "peer/peer.h"

/* What a person may ask for; 0: nobody knows yet. */
static unsigned most_slots(const struct coord_node *n)
{
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	return figures.inventory ? node_limit_most(figures.inventory) : 0;
}

unsigned coord_slots(const struct coord_node *n)
{
	unsigned most = n->asked_slots ? most_slots(n) : 0;

	if (!most)
		return peer_slots(n->peer);
	/* It may have come back with another limit. */
	return n->asked_slots < most ? n->asked_slots : most;
}

bool coord_slots_ask(struct coord_node *n, bool more)
{
	unsigned slots = coord_slots(n), most = most_slots(n);

	if (!most || (more ? slots >= most : slots <= 1))
		return false;
	n->asked_slots = more ? slots + 1 : slots - 1;
	return true;
}
