/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/identity.h"

#include "base/log.h"
#include "base/str.h"
#include "coord/dispatch.h"
#include "coord/tell.h"
#include "node/identity.h"
#include "peer/peer.h"

#include <stdlib.h>
#include <string.h>

static bool is_talked_to(const struct coord_node *n)
{
	enum peer_state state = peer_state(n->peer);

	return state == PEER_UP || state == PEER_UNFIT;
}

/* What it said last, also of one that was barred since. */
static struct node_identity identity_of(const struct coord_node *n)
{
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	return (struct node_identity){
		.name = n->entry->name,
		.key = &n->entry->pin,
		.boot_id = figures.inventory ? figures.inventory->boot_id :
					       NULL,
		.machine = figures.machine,
	};
}

/* It gets no jobs in this build, unless its address or its key change. */
static void bar_node(struct coord_node *n, const char *words)
{
	struct sched_event event = { .kind = SCHED_LOST,
				     .node = n->number,
				     .greeted = true,
				     .for_good = true,
				     .words = words };

	if (n->barred)
		return;
	n->barred = true;
	peer_hang_up(n->peer);
	coord_dispatch_event(n->coord, &event);
}

/* What two nodes have in common, once each: `b` has just come. */
static void compare_identities(struct coord_node *a, struct coord_node *b)
{
	struct node_identity ours = identity_of(a), theirs = identity_of(b);
	bool in_order = a->number < b->number;
	const struct node_identity *first = in_order ? &ours : &theirs;
	const struct node_identity *second = in_order ? &theirs : &ours;
	enum node_clash clash = node_identity_clash(first, second);
	char *words;

	if (clash == NODE_CLASH_NONE || (a->barred && clash != NODE_CLASH_KEY))
		return;
	words = node_identity_words(clash, first, second);
	if (!b->clashed)
		log_warning("%s", words);
	a->clashed = b->clashed = true;
	if (node_identity_bars_both(clash)) {
		bar_node(a, words);
		bar_node(b, words);
	} else if (node_identity_bars_later(clash)) {
		bar_node(in_order ? b : a, words);
	}
	free(words);
}

/*
 * A machine that was started anew never has an earlier boot's id again: two
 * machines take turns behind one address.
 */
static void check_boots(struct coord_node *n, const struct node_identity *is)
{
	const char *boot = is->boot_id;
	char *words;

	if (!boot || !*boot)
		return;
	if (!strv_has(&n->boots, boot)) {
		strv_add(&n->boots, boot);
		return;
	}
	if (!strcmp(n->boots.v[n->boots.n - 1], boot))
		return;
	words = xasprintf("two machines answer in turn as %s, with one key and "
			  "one address: switch one off, then `kfarm nodes "
			  "rekey %s`",
			  n->entry->name, n->entry->name);
	log_warning("%s", words);
	bar_node(n, words);
	free(words);
}

static void identify_node(struct coord_node *n)
{
	const struct coord *c = n->coord;
	struct node_identity is = identity_of(n);

	n->unknown = false;
	if (!is_talked_to(n))
		return;
	if (digest_is_known(is.key))
		check_boots(n, &is);
	for (size_t i = 0; i < c->n_nodes && !n->barred; i++) {
		struct coord_node *other = c->nodes[i];

		/* One that is unknown as well has its own turn. */
		if (other != n && !other->removed && !other->unknown &&
		    (is_talked_to(other) || other->barred))
			compare_identities(other, n);
	}
}

void coord_identity_check(struct coord *c)
{
	for (size_t i = 0; i < c->n_nodes; i++) {
		if (c->nodes[i]->unknown)
			identify_node(c->nodes[i]);
	}
}
