/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/probe.h - ask some nodes at once what they are, and whether jobs can
 * run there.
 *
 * Every node says hello, and whether its sandbox holds, in an event loop of
 * its own.  A node that misses the deadline is down, and the others are not
 * kept waiting.
 */
#ifndef NODE_PROBE_H
#define NODE_PROBE_H

#include "node/roster.h"
#include "wire/msg.h"

struct node_probe {
	const struct node_entry *entry; /* borrowed from the setup */
	bool up; /* it answered */
	bool fit; /* and its sandbox holds: it gets jobs */
	char *layers; /* of the sandbox, those that hold; NULL: not up */
	char *lacks; /* which one is missing, how to have it; NULL: none */
	char *why; /* it is not up: the reason; else NULL */
	char *software; /* "kfarmd 0.1"; NULL when it said no hello */
	unsigned rtt_ms; /* from dialling to its hello */
	struct wire_inventory inventory; /* zeroed when it said no hello */
};

struct node_probe_setup {
	const struct node_entry *const *nodes;
	size_t n;
	/* To say both.  0: 8 s for ssh, 3 s else; it tries its sandbox first.
	 */
	unsigned hello_ms;
};

/*
 * Fill out[0 .. n-1], in the order of setup->nodes; node_probe_release()
 * each.  All that was started has ended on return.
 */
int node_probe(struct node_probe *out, const struct node_probe_setup *setup,
	       struct err *err);
void node_probe_release(struct node_probe *p);

#endif
