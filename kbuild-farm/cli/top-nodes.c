/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A farm without toolchains and jobs, so peers do no more than to say hello
 * and to listen.
 */
#include "cli/top-nodes.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/version.h"
#include "coord/figures.h"
#include "inputs/path.h"
#include "peer/peer.h"
#include "peer/ship.h"
#include "store/packed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#define AGAIN_MS   5000
#define AGAIN_MOST 60000
#define GOODBYE_MS 400

struct top_node {
	struct top_nodes *all;
	const struct node_entry *entry;
	struct peer *peer;
	uint64_t dial_ms; /* when to try again; 0: not now */
	unsigned again_ms;
	bool known; /* its figures, or that there are none */
};

struct top_nodes {
	struct top *top;
	struct top_page *page;
	uint64_t began_ms;
	struct peer_farm farm;
	enum wire_codec codec;
	struct top_node *node;
	size_t n;
};

static void tell_page(struct top_nodes *all, struct events_event *ev)
{
	ev->at_ms = clock_ms() - all->began_ms;
	top_tell_made(all->top, all->page, ev);
}

/* The page is whole when each node is up and has told of itself, or is down. */
static void set_known(struct top_node *n)
{
	struct events_event live = events_new(EVENTS_LIVE);

	if (n->known)
		return;
	n->known = true;
	for (size_t i = 0; i < n->all->n; i++) {
		if (!n->all->node[i].known)
			return;
	}
	tell_page(n->all, &live);
}

static void tell_node_state(const struct top_node *n, const char *state,
			    const char *reason)
{
	struct events_event ev = events_new(EVENTS_NODE);
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	ev.node = n->entry->name;
	ev.text = state;
	ev.reason = reason;
	coord_figures_node(&ev, &figures, peer_slots(n->peer));
	tell_page(n->all, &ev);
}

static void on_wake(void *ctx)
{
	(void)ctx;
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct top_node *n = ctx;

	if (state == PEER_UP || state == PEER_UNFIT) {
		n->again_ms = AGAIN_MS;
		tell_node_state(n, state == PEER_UP ? "up" : "unfit", why);
		return;
	}
	if (state == PEER_GREETING)
		return;
	tell_node_state(n, "down", why);
	n->dial_ms = clock_ms() + n->again_ms;
	n->again_ms *= 2;
	if (n->again_ms > AGAIN_MOST)
		n->again_ms = AGAIN_MOST;
	set_known(n);
}

static void on_load(void *ctx)
{
	struct top_node *n = ctx;
	struct events_event ev = events_new(EVENTS_LOAD);
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	ev.node = n->entry->name;
	coord_figures_load(&ev, &figures);
	tell_page(n->all, &ev);
	set_known(n);
}

/* The others are about toolchains and jobs. */
static const struct peer_ops ops = {
	.wake = on_wake,
	.state = on_state,
	.load = on_load,
};

static void dial_top_node(struct top_node *n)
{
	n->dial_ms = 0;
	tell_node_state(n, "connecting", NULL);
	peer_dial(n->peer);
}

static void tell_beginning(struct top_nodes *all)
{
	struct events_event stream = events_new(EVENTS_STREAM);
	struct events_event build = events_new(EVENTS_BUILD);

	stream.version = EVENTS_VERSION;
	stream.program = "kfarm " KFARM_VERSION;
	stream.began_s = time(NULL);
	tell_page(all, &stream);
	build.what = "no build is running: the nodes as they are";
	tell_page(all, &build);
}

struct top_nodes *top_nodes_new(struct top *t, const struct node_roster *roster)
{
	struct top_nodes *all = xcalloc(1, sizeof(*all));

	*all = (struct top_nodes){ .top = t,
				   .page = top_add(t, TOP_NODES),
				   .began_ms = clock_ms(),
				   .codec = WIRE_ZSTD,
				   .n = roster->n };
	all->farm = (struct peer_farm){
		.base = t->base,
		.children = children_new(t->base),
		.pool = pool_new(t->base, 1),
		.packed = peer_ship_store(&all->codec),
		.paths = inputs_paths_new(),
		.ops = &ops,
		.ctx = all,
	};
	TAILQ_INIT(&all->farm.canaries);
	tell_beginning(all);
	all->node = xcalloc(roster->n + 1, sizeof(*all->node));
	for (size_t i = 0; i < roster->n; i++)
		all->node[i] = (struct top_node){
			.all = all,
			.entry = &roster->v[i],
			.peer = peer_new(&all->farm, &roster->v[i],
					 &all->node[i]),
			.again_ms = AGAIN_MS,
		};
	for (size_t i = 0; i < all->n; i++)
		dial_top_node(&all->node[i]);
	all->page->whole |= !all->n;
	return all;
}

void top_nodes_tick(struct top_nodes *all)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < all->n; i++) {
		struct top_node *n = &all->node[i];

		peer_tick(n->peer, now);
		if (n->dial_ms && now >= n->dial_ms)
			dial_top_node(n);
	}
}

void top_nodes_free(struct top_nodes *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++)
		peer_free(all->node[i].peer);
	pool_free(all->farm.pool);
	store_packed_free(all->farm.packed);
	children_wait(all->farm.children, GOODBYE_MS);
	children_free(all->farm.children);
	inputs_paths_free(all->farm.paths);
	top_remove(all->top, all->page);
	free(all->node);
	free(all);
}
