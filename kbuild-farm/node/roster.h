/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/roster.h - the nodes that the configuration names.
 */
#ifndef NODE_ROSTER_H
#define NODE_ROSTER_H

#include "base/digest.h"
#include "base/err.h"
#include "node/address.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stddef.h>

struct conf;

#define NODE_NAME_MAX 63

struct node_entry {
	char *name;
	char *address_text;
	struct node_address address;
	struct digest pin; /* of a tls: address: whose key is there */
	bool drain; /* it gets no jobs until that is taken back */
	unsigned slots; /* configured limit, 0: computed */
	bool half; /* use at most half of its slots */
	enum wire_codec codec; /* for what is sent to it */
	char *ssh; /* [USER@]HOST of node/remote.h; NULL: none is known */
};

struct node_roster {
	struct node_entry *v;
	size_t n;
	bool sync; /* toolchain.sync: they are given what they lack */
	bool no_steps; /* farm.steps: they have compiles alone */
	bool off; /* left empty on purpose, --no-remote */
	/* conf_stamp() of the configuration; zero: it is not from there. */
	struct digest stamp;
};

/*
 * May a node have this name?  Letters, digits and . _ -, at most
 * NODE_NAME_MAX of them, not "local" and no dash in front.  0, or -EINVAL
 * with `err` set.
 */
int node_roster_check_name(const char *name, struct err *err);
/*
 * Every [node "NAME"], in order; -EINVAL with `err` naming the bad one, its
 * file and line.  Without `codec =` a node gets lzo.
 */
int node_roster_load(struct node_roster *r, const struct conf *c,
		     struct err *err);
void node_roster_release(struct node_roster *r);
const struct node_entry *node_roster_get(const struct node_roster *r,
					 const char *name);

#endif
