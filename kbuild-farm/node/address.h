/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/address.h - where a node is, and how to reach it.
 *
 *	exec:COMMAND		a command that speaks the protocol on its
 *				standard input and output, run by /bin/sh
 *	ssh:[USER@]HOST		runs `kfarmd --stdio` there
 *	unix:PATH		a kfarmd --listen unix:PATH on this machine
 *	tls:HOST[:PORT]		a kfarmd --listen PORT, whose key is known; an
 *				IPv6 address in brackets: tls:[fd00::7]:3634
 */
#ifndef NODE_ADDRESS_H
#define NODE_ADDRESS_H

#include "base/err.h"

#include <sys/types.h>

enum node_kind {
	NODE_EXEC,
	NODE_SSH,
	NODE_UNIX,
	NODE_TLS
};

#define NODE_TLS_PORT "3634" /* unless the address says another */

struct node_address {
	enum node_kind kind;
	char *text; /* what follows the colon */
};

/* -EINVAL with `err` saying what is allowed. */
int node_address_parse(struct node_address *a, const char *text,
		       struct err *err);
void node_address_release(struct node_address *a);
/*
 * The host of a tls: address, IPv6 without brackets, and its port; both are
 * the caller's to free.
 */
void node_address_split(const struct node_address *a, char **host, char **port);

/* One started connection. */
struct node_dial {
	int fd; /* both ways; the caller closes it */
	pid_t pid; /* the command or ssh, a process group of its own; 0: none */
};

/*
 * Connect or start the command, not for tls: (peer/dial.h).  Does not wait for
 * the other side's hello. The command's stderr is to be read from *stderr_fd,
 * which does not block and is the caller's to close; -1 when there is no
 * command.
 */
int node_address_dial_quiet(const struct node_address *a, struct node_dial *out,
			    int *stderr_fd, struct err *err);

#endif
