/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node/entry.h - One node of the configuration, and the rules for its name. */
#ifndef NODE_ENTRY_H
#define NODE_ENTRY_H

#include "base/digest.h"
#include "base/err.h"
#include "node/address.h"
#include "wire/frame.h"

#include <stdbool.h>

#define NODE_NAME_MAX 63

struct node_entry {
	char *name;
	char *address_text;
	struct node_address address;
	struct digest pin; /* fingerprint of a tls: node's key */
	bool drained; /* gets no jobs until resumed */
	unsigned slots; /* configured limit; 0: computed */
	enum wire_codec codec; /* compression of the data sent to the node */
	char *ssh; /* [USER@]HOST for admin/remote-script.h; NULL: unknown */
	/* nodes of the same site get blobs from each other; NULL: no site */
	char *site;
	char *list; /* team of the imported list; NULL: configured node */
	/*
	 * name of the pool of which this node is a member, borrowed; NULL: no
	 * pool
	 */
	const char *pool;
};

void node_entry_release(struct node_entry *e);
/*
 * Return true if the address is a command or a Unix socket, and not that of a
 * pool's member.  The other end is then a process of this machine, even if this
 * process only forwards to another machine.
 */
bool node_entry_is_local(const struct node_entry *e);
/*
 * Check a node's name: at most NODE_NAME_MAX letters, digits, ".", "_" and "-",
 * without a leading dash, and not "local".  Returns 0, or -EINVAL with `err`
 * set.
 */
int node_entry_check_name(const char *name, struct err *err);
/*
 * Check the name of a site or of the team of an imported list: like the name of
 * a node, except that "local" is valid.  Returns 0, or -EINVAL with `err` set.
 */
int node_entry_check_site(const char *site, struct err *err);
int node_entry_check_team(const char *team, struct err *err);

#endif
