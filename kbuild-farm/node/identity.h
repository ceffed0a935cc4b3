/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/identity.h - are two nodes who they seem to be?
 *
 * A node is its key.  Whoever copies the flash of one board for another copies
 * the key with it, and then neither is known by it any more: two boots of one
 * key are two machines, and jobs go to neither.  What else such a copy, or a
 * board without a MAC address of its own, has in common is reported, and harms
 * no job.
 */
#ifndef NODE_IDENTITY_H
#define NODE_IDENTITY_H

#include "wire/msg.h"

/* What is known of a node; all is borrowed. */
struct node_identity {
	const char *name;
	const struct digest *key; /* zero: it has none */
	const char *boot_id; /* NULL or "": unknown */
	const struct wire_machine *machine; /* zeroed: it never said it */
};

/* What is wrong with two nodes; the worst of what applies. */
enum node_clash {
	NODE_CLASH_NONE,
	NODE_CLASH_MAC, /* two machines, one MAC address */
	NODE_CLASH_ID, /* two machines, one /etc/machine-id */
	NODE_CLASH_TWICE, /* one machine, two names */
	NODE_CLASH_KEY, /* two machines, one key */
};

/* Of nodes with the same boot id only the keys count: they are one machine. */
enum node_clash node_identity_clash(const struct node_identity *a,
				    const struct node_identity *b);
/* Is neither to have jobs?  And is the one listed later to have none? */
bool node_identity_bars_both(enum node_clash clash);
bool node_identity_bars_later(enum node_clash clash);
/*
 * What is the matter with both, and what to do about it; `b` is the one that
 * is listed later.  The caller frees it.
 */
char *node_identity_words(enum node_clash clash, const struct node_identity *a,
			  const struct node_identity *b);
/*
 * The worst that is wrong with v[i] beside the others, in the same words;
 * *bars: it is to have no jobs.  NULL: nothing.  The caller frees it.
 */
char *node_identity_among(const struct node_identity *v, size_t n, size_t i,
			  bool *bars);

#endif
