/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/duplicates.h - Detection of nodes that are not distinct machines.
 *
 * A node is identified by its key.  If the flash card of a board is copied for
 * another board, both boards have the same key.  Two boot ids with one key
 * prove that there are two machines, and neither machine gets jobs.  Boards
 * with copied cards can also have the same machine id, and boards without a
 * built-in MAC address can have the same MAC address.  An equal machine id or
 * MAC address is reported, but both nodes get jobs.
 */
#ifndef NODE_DUPLICATES_H
#define NODE_DUPLICATES_H

#include "wire/msg.h"

/* Identity of a node; all pointers are borrowed. */
struct node_duplicates_identity {
	const char *name;
	const struct digest *key; /* fingerprint of the key; zero: no key */
	const char *boot_id; /* NULL or "": unknown */
	const struct wire_machine *machine; /* zeroed: unknown */
};

/* Conflicts of two nodes, by increasing severity. */
enum node_duplicate {
	NODE_DUPLICATE_NONE,
	NODE_DUPLICATE_MAC, /* two machines, one MAC address */
	NODE_DUPLICATE_MACHINE_ID, /* two machines, one /etc/machine-id */
	NODE_DUPLICATE_MACHINE, /* one machine, two names */
	NODE_DUPLICATE_KEY, /* two machines, one key */
};

/*
 * Return the most severe conflict of two nodes.  Two nodes count as one machine
 * if their boot ids are equal or at least one of them is unknown.  For one
 * machine, only equal keys are a conflict.
 */
enum node_duplicate node_duplicates_compare(
	const struct node_duplicates_identity *a,
	const struct node_duplicates_identity *b);
/*
 * node_duplicates_exclude_both() returns true if neither of the two nodes gets
 * jobs.  node_duplicates_exclude_later() returns true if the node listed later
 * gets no jobs.
 */
bool node_duplicates_exclude_both(enum node_duplicate clash);
bool node_duplicates_exclude_later(enum node_duplicate clash);
/*
 * Describe the conflict and its remedy; `b` is the node listed later.  The
 * caller frees the text.
 */
char *node_duplicates_describe(enum node_duplicate clash,
			       const struct node_duplicates_identity *a,
			       const struct node_duplicates_identity *b);
/*
 * Describe the most severe conflict of the node v[i] with another node, or
 * return NULL if v[i] has no conflict.  Set *excluded to true if v[i] must not
 * get jobs.  The caller frees the text.
 */
char *node_duplicates_find_worst(const struct node_duplicates_identity *v,
				 size_t n, size_t i, bool *excluded);

#endif
