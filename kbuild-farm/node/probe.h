/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/probe.h - ask some nodes at once what they are and what they have.
 *
 * Two rounds in an event loop of its own: every node says hello; then each
 * is asked about those of this machine's compilers that it names too.  A
 * node that misses a deadline is down, and the others are not kept waiting.
 */
#ifndef NODE_PROBE_H
#define NODE_PROBE_H

#include "node/roster.h"
#include "wire/msg.h"

/* A compiler of this machine, and what a node has instead. */
struct node_probe_compiler {
	const char *name; /* borrowed from the setup */
	enum wire_have_state state;
	char *detail; /* in the node's words; may be empty */
};

struct node_probe {
	const struct node_entry *entry; /* borrowed from the setup */
	bool up; /* it answered all that it was asked */
	char *why; /* it is not up: the reason; else NULL */
	char *software; /* "kfarmd 0.1"; NULL when it said no hello */
	unsigned rtt_ms; /* from dialling to its hello */
	struct wire_inventory inventory; /* zeroed when it said no hello */
	size_t n_compilers; /* those whose state is known */
	struct node_probe_compiler *compilers;
};

struct node_probe_setup {
	const struct node_entry *const *nodes;
	size_t n;
	char *const *compilers; /* names, ends in NULL; may itself be NULL */
	/*
	 * The identity of one of them: 0, or a negative errno to leave it
	 * out.  Called at most once for each, between the rounds; it may
	 * take its time.
	 */
	int (*identify)(void *ctx, const char *name, struct digest *id);
	void *ctx;
	unsigned hello_ms; /* 0: 3 s for exec and unix, 8 s for ssh */
	unsigned answer_ms; /* for each answer of the second round; 0: 10 s */
};

/*
 * Fill out[0 .. n-1], in the order of setup->nodes; node_probe_release()
 * each.  All that was started has ended on return.
 */
int node_probe(struct node_probe *out, const struct node_probe_setup *setup,
	       struct err *err);
void node_probe_release(struct node_probe *p);
/* Does it have at least one compiler that is this machine's own? */
bool node_probe_has_ours(const struct node_probe *p);

#endif
