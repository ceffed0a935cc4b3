/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/import.h - Lists of nodes that a team shares.
 *
 * A list has the syntax of the configuration and only these settings:
 *
 *	[list]
 *		name = TEAM		same characters as the name of a node
 *		serial = N		increases with each change of the list
 *		expires = YYYY-MM-DD	last day (UTC) on which the list is used
 *	[node "NAME"]
 *		address = tls:HOST[:PORT]
 *		key = SHA256:...
 *		slots, codec, site	optional
 *
 * A list cannot make the build host execute a command: exec: and ssh: addresses
 * and all other keys are errors.  An ssh: address is an error because it would
 * let the author of the list choose the machines to which the user's own ssh
 * keys give access, and because the list could not state the node's key.
 *
 * The caller verifies the signature of a list.  The text of the last accepted
 * list is stored as STATE/lists/TEAM.conf, whose mtime is the time of the last
 * successful import.
 */
#ifndef NODE_IMPORT_H
#define NODE_IMPORT_H

#include "base/bytes.h"
#include "base/err.h"
#include "node/roster.h"

#include <stdint.h>

struct conf;

/* maximum number of nodes in a list */
#define NODE_IMPORT_NODES_MAX 10000
#define NODE_IMPORT_BYTES_MAX (8u << 20)

struct node_import {
	char *name;
	long serial;
	char *expires; /* YYYY-MM-DD */
	int64_t expires_s; /* end of that day, in seconds since 1970 */
	unsigned serial_line, expires_line;
	struct node_entry *v;
	size_t n;
	int64_t checked_s; /* only for a stored list: its mtime */
};

/*
 * Parse a list.  Error messages name `origin` and the line; line 1 of `text` is
 * line `first_line` of `origin`.  Returns 0, and the caller calls
 * node_import_release(); or -EINVAL.
 */
int node_import_parse(struct node_import *out, struct bytes text,
		      const char *origin, unsigned first_line, struct err *err);
void node_import_release(struct node_import *l);

/*
 * Store the parsed list `l`, whose text is `text`, as the list of its team.  If
 * the stored list is equal, only update its mtime and set *changed to false,
 * else set *changed to true.  Returns 0; -ESTALE if the list has expired at
 * `now_s`, has a lower serial than the stored list, or has the same serial and
 * another text; or another negative errno.
 */
int node_import_store(const struct node_import *l, struct bytes text,
		      const char *origin, int64_t now_s, bool *changed,
		      struct err *err);
/* Read the stored list of a team.  Returns 0 or a negative errno. */
int node_import_read(struct node_import *out, const char *team,
		     struct err *err);
/* Remove the stored list of a team.  Returns 0 also if no list is stored. */
int node_import_remove(const char *team, struct err *err);

/*
 * Append the nodes of all lists in [import "TEAM"] to the roster.  A node whose
 * name is already the name of a node or a pool is omitted.  r->warnings
 * receives a line for each list that is missing, unreadable or expired, and
 * thus not used.
 */
void node_import_add_all(struct node_roster *r, const struct conf *c,
			 int64_t now_s);

#endif
