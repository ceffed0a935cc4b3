/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/address.h - Addresses of nodes and connections to them.
 *
 *	exec:COMMAND		command that speaks the protocol on its stdin
 *				and stdout, executed by /bin/sh
 *	ssh:[USER@]HOST		executes `kfarmd --stdio` on HOST
 *	unix:PATH		socket of a local kfarmd --listen unix:PATH
 *	tls:HOST[:PORT]		kfarmd --listen PORT with a pinned key; IPv6
 *				addresses in brackets: tls:[fd00::7]:3634
 */
#ifndef NODE_ADDRESS_H
#define NODE_ADDRESS_H

#include "base/err.h"

#include <sys/types.h>

enum node_address_kind {
	NODE_ADDRESS_EXEC,
	NODE_ADDRESS_SSH,
	NODE_ADDRESS_UNIX,
	NODE_ADDRESS_TLS
};

#define NODE_TLS_PORT "3634" /* default port */

struct node_address {
	enum node_address_kind kind;
	char *text; /* part after the colon */
};

/* Parse an address.  Returns 0, or -EINVAL with the valid forms in `err`. */
int node_address_parse(struct node_address *a, const char *text,
		       struct err *err);
void node_address_release(struct node_address *a);
/* Return how many descriptors a connection needs. */
unsigned node_address_count_files(const struct node_address *a);
/*
 * Split a tls: address into host, without brackets, and port.  The caller frees
 * both.
 */
void node_address_split(const struct node_address *a, char **host, char **port);

/* A connection being established. */
struct node_transport {
	int fd; /* bidirectional; the caller closes it */
	pid_t pid; /* command, a process group leader; 0: no command */
};

/*
 * Connect to the node or start the command.  Does not wait for HELLO and does
 * not support tls: addresses.  *stderr_fd is the non-blocking stderr of the
 * command, which the caller closes, or -1 if there is no command.  Returns 0,
 * or a negative errno with `err` set.
 */
int node_address_open(const struct node_address *a, struct node_transport *out,
		      int *stderr_fd, struct err *err);

#endif
