/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/roster.h"

#include "base/str.h"
#include "base/vec.h"
#include "coord/dispatch.h"
#include "coord/node.h"
#include "peer/peer.h"

#include <stdlib.h>
#include <string.h>

static void roster_event(const struct coord_node *n, enum sched_event_kind kind,
			 const char *words)
{
	struct sched_event event = { .kind = kind,
				     .node = n->number,
				     .words = words };

	coord_dispatch_event(n->coord, &event);
}

void coord_roster_begin(struct coord *c, const struct node_roster *roster)
{
	for (size_t i = 0; i < roster->n; i++) {
		const struct node_entry *entry = &roster->v[i];
		struct coord_node *n = coord_node_new(c, entry);

		if (entry->drain)
			roster_event(n, SCHED_DRAIN, NULL);
	}
}

static void introduce_node(struct coord *c, const struct node_entry *entry)
{
	struct coord_node *n = coord_node_new(c, entry);

	roster_event(n, SCHED_ADDED, NULL);
	if (entry->drain)
		roster_event(n, SCHED_DRAIN, NULL);
}

static void retire_node(struct coord_node *n)
{
	n->removed = true;
	roster_event(n, SCHED_REMOVED, "removed from the configuration");
}

/* It is configured, as before or otherwise. */
static void reconfigure_node(struct coord_node *n, const struct node_entry *now)
{
	const struct node_entry *was = n->entry;
	bool other = strcmp(now->address_text, was->address_text) != 0 ||
		     !digest_equal(&now->pin, &was->pin);

	n->entry = now;
	peer_set_entry(n->peer, now);
	if (now->drain != was->drain)
		roster_event(n, now->drain ? SCHED_DRAIN : SCHED_RESUME, NULL);
	if (!other)
		return;
	/* Whoever answers there now is to be looked at anew. */
	n->clashed = false;
	strv_release(&n->boots);
	roster_event(n, SCHED_RETRY, NULL);
}

/* Something changed: whoever was barred for another's sake may be right now. */
static void unbar_nodes(struct coord *c)
{
	for (size_t i = 0; i < c->n_nodes; i++) {
		struct coord_node *n = c->nodes[i];

		if (!n->barred || n->removed)
			continue;
		n->barred = false;
		roster_event(n, SCHED_RETRY, NULL);
	}
}

static bool has_node(const struct coord *c, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!c->nodes[i]->removed &&
		    !strcmp(c->nodes[i]->entry->name, name))
			return true;
	}
	return false;
}

void coord_follow(struct coord *c, struct node_roster *roster)
{
	size_t before = c->n_nodes;
	struct node_roster *kept = xcalloc(1, sizeof(*kept));

	/* Nodes that are gone still borrow from those of before. */
	*kept = *roster;
	*roster = (struct node_roster){ 0 };
	*VEC_ADD(c->rosters, c->n_rosters) = kept;
	for (size_t i = 0; i < before; i++) {
		struct coord_node *n = c->nodes[i];
		const struct node_entry *now;

		if (n->removed)
			continue;
		now = node_roster_get(kept, n->entry->name);
		if (now)
			reconfigure_node(n, now);
		else
			retire_node(n);
	}
	unbar_nodes(c);
	for (size_t i = 0; i < kept->n; i++) {
		if (!has_node(c, before, kept->v[i].name))
			introduce_node(c, &kept->v[i]);
	}
	/* Before anybody asks sched/ about them. */
	coord_dispatch(c);
}

void coord_roster_release(struct coord *c)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		coord_node_free(c->nodes[i]);
	free(c->nodes);
	for (size_t i = 0; i < c->n_rosters; i++) {
		node_roster_release(c->rosters[i]);
		free(c->rosters[i]);
	}
	free(c->rosters);
}
