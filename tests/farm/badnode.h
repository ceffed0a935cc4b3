/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/badnode.h - what the files of badnode share.
 *
 *	badnode.c	the conversation: what kfarm and the real node say
 *	badcell.c	FIT, MACHINE, HAVE and NEED: lies about the cell, the
 *			machine and the files
 *	badspoil.c	OUTPUT, RESULT and FAIL: the answers to jobs
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
	bool spoken; /* its HAVE was said */
};

/* A VIEW, while its NEED has not come. */
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

/* Spoils one answer: `r` came for `job`, whose streams are complete. */
typedef void spoil(struct job *job, struct wire_result *r);

struct badnode {
	const char *name; /* the mode */
	long n; /* its number */
	unsigned after;
	unsigned answered;
	spoil *spoil; /* NULL: what it spoils is no answer */
	struct wire_conn *from_kfarm, *from_node, *out, *in;
	struct wire_intern *flags;
	struct cell *cells; /* the newest first, as in the next two */
	struct view *views;
	struct job *jobs;
	long budget; /* bytes that still may go out; -1: no limit */
	bool deaf; /* nothing goes out any more */
	bool stuck; /* only beats that say nothing new */
	int node_in, node_out;
	pid_t node;
};

extern struct badnode bad;

bool badnode_is(const char *mode);
/* Is there such a mode?  `out` is what it does to answers. */
bool badspoil_find(const char *name, spoil **out);
bool badcell_find(const char *name);

/* What kfarm gets to see: raw bytes, what waits in bad.out, a message. */
void badnode_put(struct bytes b);
void badnode_flush(void);
void badnode_say(uint16_t type, struct bytes body);
void badnode_say_piece(uint32_t job, uint8_t stream, struct bytes data);
void badnode_say_result(const struct wire_result *r);
void badnode_say_answer(struct job *job, struct wire_result *r);
void badnode_say_random(size_t len);

/* What kfarm said of cells; false where the real node shall not hear it. */
bool badcell_heard(uint16_t type, struct bytes body);
/* What the real node says of them. */
void badcell_fit(struct bytes body);
void badcell_machine(struct bytes body);
void badcell_have(struct bytes body);
void badcell_need(struct bytes body);
void badcell_say_have(uint32_t cell, uint8_t state, const char *detail);

#endif
