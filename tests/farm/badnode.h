/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/badnode.h - Declarations shared by the files of badnode.
 *
 *	badnode.c	the messages of kfarm and of the real node
 *	badcell.c	FIT, MACHINE, HAVE and NEED: false messages about the
 *			sandbox, the machine and the files
 *	badspoil.c	OUTPUT, RESULT and FAIL: corrupted results of jobs
 */
#ifndef FARM_BADNODE_H
#define FARM_BADNODE_H

#include "base/buf.h"
#include "wire/msg.h"
#include "wire/stream.h"
#include "wire/table.h"

#include <stdbool.h>
#include <sys/types.h>

struct cell {
	struct cell *next;
	struct wire_cell ask;
	bool spoken; /* the node has answered with HAVE */
};

/* A VIEW whose NEED has not arrived. */
struct view {
	struct view *next;
	struct wire_view ask;
};

struct job {
	struct job *next;
	struct wire_job ask;
	struct wire_flag *flags;
	size_t n_flags;
	struct digest toolchain;
	struct buf out[WIRE_N_OUTPUTS];
};

/* Corrupt one result: `r` arrived for `job`, whose outputs are complete. */
typedef void spoil(struct job *job, struct wire_result *r);

struct badnode {
	const char *name; /* the name of the mode */
	long n; /* the number N of the mode */
	unsigned after;
	unsigned answered;
	spoil *spoil; /* NULL if the mode does not corrupt results */
	struct wire_conn *from_kfarm, *from_node, *out, *in;
	struct wire_intern *flags;
	struct cell *cells; /* newest first, like views and jobs */
	struct view *views;
	struct job *jobs;
	long budget; /* bytes that can still be sent; -1: no limit */
	bool deaf; /* no more messages are sent */
	bool stuck; /* send only heartbeats without progress */
	int node_in, node_out;
	pid_t node;
};

extern struct badnode bad;

bool badnode_is(const char *mode);
/*
 * Return true if the mode exists.  `out` is its function for results, if any.
 */
bool badspoil_find(const char *name, spoil **out);
bool badcell_find(const char *name);

/* Send raw bytes, the pending bytes of bad.out, or a message to kfarm. */
void badnode_put(struct bytes b);
void badnode_flush(void);
void badnode_say(uint16_t type, struct bytes body);
void badnode_say_piece(uint32_t job, uint8_t stream, struct bytes data);
void badnode_say_result(const struct wire_result *r);
void badnode_say_answer(struct job *job, struct wire_result *r);
void badnode_say_random(size_t len);

/*
 * Handle kfarm's messages about sandboxes.  Return false if the real node must
 * not receive the message.
 */
bool badcell_heard(uint16_t type, struct bytes body);
/* Handle the real node's messages about sandboxes. */
void badcell_fit(struct bytes body);
void badcell_machine(struct bytes body);
void badcell_have(struct bytes body);
void badcell_need(struct bytes body);
void badcell_relay(struct bytes body);
void badcell_via(struct bytes body);
void badcell_say_have(uint32_t cell, uint8_t state, const char *detail);

#endif
