/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/transport.h - what carries the conversation with a node: a socket, or a
 * command with its own words on stderr.
 */
#ifndef PEER_TRANSPORT_H
#define PEER_TRANSPORT_H

#include "base/buf.h"
#include "base/child.h"
#include "node/address.h"

struct peer_transport {
	pid_t pid; /* of the command, 0: none */
	int stderr_fd; /* -1: none */
	struct event *readable; /* stderr_fd is */
	struct buf words; /* the end of what it wrote to stderr */
};

/* Connect or start the command; *fd is the caller's. */
int peer_transport_dial(struct peer_transport *t, struct event_base *base,
			const struct node_address *to, int *fd,
			struct err *err);
/*
 * Why the other side never said hello: the last line that the command wrote,
 * else `why`, and what to do about it.  The caller frees it.
 */
char *peer_transport_reason(struct peer_transport *t, const char *why);
/* Tell the command to end; `children` reaps it when it has. */
void peer_transport_end(struct peer_transport *t, struct children *children);

#endif
