/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/peer.h - one node, as the build host sees it.
 *
 * It does what it is told and tells what happens (struct peer_ops); when to
 * dial, and whether a node that failed may go on, others decide.  What it
 * decides itself is what concerns no job: that one which is silent for 5 s is
 * lost, and which build of a compiler a cell has (peer/foreign.h).
 */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include "peer/job.h"

struct peer;
struct wire_inventory;

/* `entry` is borrowed; `ctx` is for struct peer_ops.  It is DOWN. */
struct peer *peer_new(struct peer_farm *farm, const struct node_entry *entry,
		      void *ctx);
void peer_free(struct peer *p);

/* What is configured of it is another; for the next dial. */
void peer_set_entry(struct peer *p, const struct node_entry *entry);

/* DOWN -> GREETING; or state() hears at once that nobody is there. */
void peer_dial(struct peer *p);
/* The conversation is over, if there is one; state() hears nothing. */
void peer_hang_up(struct peer *p);
/* The same, with a goodbye: its names are used up. */
void peer_renew(struct peer *p);
/* Send it a unit whose answer is known; false: there is none now. */
bool peer_probe(struct peer *p);
/*
 * Measure how long these bytes take to it (peer/rate.h): measured() hears of
 * it, once.  What was under way is forgotten.  False: it cannot be now.
 */
bool peer_measure(struct peer *p, const struct inputs_entry *file);
/*
 * Send a job with a toolchain that it has; *number is its name from then on.
 * 0, or as peer_send_job().
 */
int peer_send(struct peer *p, const struct inputs_toolchain *tc,
	      const struct peer_question *q, uint32_t *number);
/* It is of no use any more; nothing more is heard of it. */
void peer_cancel(struct peer *p, uint32_t number);

/* After wake(). */
void peer_step(struct peer *p);
/* Once a second. */
void peer_tick(struct peer *p, uint64_t now_ms);

enum peer_state peer_state(const struct peer *p);
enum peer_has peer_has(const struct peer *p, const struct inputs_toolchain *tc);
/*
 * Does it take jobs of this toolchain with a step of the kind?  Programs of
 * ours, where it runs our bytes: *host is NULL then.  Else programs for *host,
 * of the build that it compiles with, as its compilers' publishers name it;
 * borrowed, and the node's own word.
 */
bool peer_takes_steps(const struct peer *p, const struct inputs_toolchain *tc,
		      enum wire_step_kind kind, const char **host);
/* That it takes at once. */
unsigned peer_slots(const struct peer *p);
/* Of the machine that it runs on; NULL or "": it never said. */
const char *peer_boot_id(const struct peer *p);

struct peer_figures {
	const struct wire_inventory *inventory; /* NULL: it never said hello */
	const struct wire_machine *machine; /* zeroed: it never said it */
	const char *software; /* "kfarmd 0.1"; NULL as well */
	const char *layers; /* of its sandbox; NULL: nothing was said */
	bool lacks; /* it has none of the toolchains, and gets none */
	const char *why_lacks; /* may be NULL */
	const struct wire_health *health; /* as its last HEALTH said */
	const struct wire_heat *heat; /* its last HEAT; zeroed: none */
	bool pins; /* jobs can be for one class of its machine */
	uint64_t busy_ms; /* CPU time of its compilers */
	uint64_t sent, received; /* bytes */
};

void peer_figures(const struct peer *p, struct peer_figures *out);

#endif
