/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/badnode.h - what the two files of badnode share.
 */
#ifndef FARM_BADNODE_H
#define FARM_BADNODE_H

#include "base/buf.h"
#include "wire/conn.h"
#include "wire/msg.h"

#include <stdbool.h>

struct job {
	struct job *next;
	struct wire_job ask;
	struct buf text;
	struct buf object;
};

/* Spoils one answer: `r` came for `job`, whose object is complete. */
typedef void spoil(struct job *job, struct wire_result *r);

struct badnode {
	const char *name; /* the mode */
	long n; /* its number */
	unsigned after;
	unsigned answered;
	spoil *spoil; /* NULL: what it spoils is no answer */
	struct wire_conn *from_kfarm, *from_node, *out;
	struct job *jobs;
	long budget; /* bytes that still may go out; -1: no limit */
	bool deaf; /* nothing goes out any more */
	bool stuck; /* only beats that say nothing new */
	int node_in, node_out;
};

extern struct badnode bad;

/* Is there such a mode?  `out` is what it does to answers. */
bool badspoil_find(const char *name, spoil **out);

/* What kfarm gets to see: raw bytes, what waits in bad.out, a message. */
void badnode_put(struct bytes b);
void badnode_flush(void);
void badnode_say(uint16_t type, struct bytes body);
void badnode_say_piece(uint32_t job, uint8_t stream, struct bytes data);
void badnode_say_result(const struct wire_result *r);
void badnode_say_answer(struct job *job, struct wire_result *r);
void badnode_say_random(size_t len);

#endif
