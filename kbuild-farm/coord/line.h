/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/line.h - what carries the conversation with a node: a socket, or a
 * command with its own words on stderr.
 */
#ifndef COORD_LINE_H
#define COORD_LINE_H

#include "base/buf.h"
#include "coord/child.h"
#include "node/address.h"

struct coord_line {
	pid_t pid; /* of the command, 0: none */
	int stderr_fd; /* -1: none */
	struct event *said;
	struct buf words; /* the end of what it wrote to stderr */
};

/* Connect or start the command; *fd is the caller's. */
int coord_line_dial(struct coord_line *l, struct event_base *base,
		    const struct node_address *to, int *fd, struct err *err);
/*
 * Why the other side never said hello: the last line that the command wrote,
 * else `why`, and what to do about it.  The caller frees it.
 */
char *coord_line_reason(struct coord_line *l, const char *why);
/* Tell the command to end; `children` reaps it when it has. */
void coord_line_end(struct coord_line *l, struct coord_children *children);

#endif
