/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/rate.h - how fast bytes come to a node.
 *
 * A cell is asked for whose toolchain is one file that the node cannot have.
 * It asks for the bytes (NEED), and answers (HAVE) when it has them all and
 * put them into the cell, in which nothing runs.  So the time between the two
 * is that of the way there, with all that a compiler on its way would meet:
 * TLS, the node's disk, its memory.
 */
#ifndef PEER_RATE_H
#define PEER_RATE_H

#include "peer/views.h"

struct peer_rate {
	const struct inputs_entry *file; /* NULL: none is measured */
	struct peer_link *link;
	struct peer_ship_user user;
	struct peer_views views;
	uint64_t needed_us; /* when it asked for the bytes, 0: not yet */
};

/*
 * Begin with `file`, of random bytes and executable, which lives until the end;
 * `r` does not move.  False: it is not, or the connection can name no more
 * paths.
 */
bool peer_rate_start(struct peer_rate *r, struct peer_link *link,
		     const struct inputs_entry *file);
/* Nothing is heard of it any more; fine on a zeroed one. */
void peer_rate_end(struct peer_rate *r);
/* Is it under way, with this number? */
bool peer_rate_is(const struct peer_rate *r, uint32_t number);
/* Its NEED: 0, or -EPROTO with `err`. */
int peer_rate_need(struct peer_rate *r, const struct wire_need *m,
		   struct err *err);
/*
 * Its HAVE, which ends it: the microseconds that the bytes took; 0: it never
 * asked for them.
 */
uint64_t peer_rate_have(struct peer_rate *r);

#endif
