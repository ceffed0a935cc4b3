/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/keep.h - a toolchain on its way from a client to the node's disk.
 *
 *	KEEPs come -> each is looked for and asked for (NEED)
 *	           -> all are here -> written -> published -> KEPT
 *
 * As in a cell, looking and writing are done on a thread, one at a time.  A
 * file that another kept toolchain has is not asked for.  What goes wrong at
 * any time ends it with a KEPT that says why; then it waits for its last
 * message only, so that those that were on their way have no effect.
 */
#ifndef AGENT_KEEP_H
#define AGENT_KEEP_H

#include "agent/blob.h"
#include "agent/kept.h"
#include "base/err.h"
#include "wire/msg.h"

/* Of one client, and not answered yet. */
#define AGENT_KEEPS_MOST 4

struct agent;
struct agent_keep;

/* What it says to its client; the calls come from the loop. */
struct agent_keep_ops {
	void (*kept)(void *ctx, struct wire_kept *m);
	void (*need)(void *ctx, struct wire_need *m);
	/* The conversation is over; may call agent_keep_close(). */
	void (*refuse)(void *ctx, const char *why);
	/* It was answered, its last message has come, and it frees itself. */
	void (*gone)(void *ctx, struct agent_keep *keep);
};

/* For the number of this message, which is its first; give it to _take(). */
struct agent_keep *agent_keep_new(struct agent *a, const struct wire_keep *m,
				  struct agent_blobs *blobs,
				  const struct agent_keep_ops *ops, void *ctx);
/*
 * A KEEP for it, whose entries it takes.  0, also when it was refused already;
 * -EPROTO with `err` set when the conversation is over.
 */
int agent_keep_take(struct agent_keep *k, struct wire_keep *m, struct err *err);
/* The client left: nothing is said any more; gone() comes all the same. */
void agent_keep_close(struct agent_keep *k);
/* To be called now and then: fails one whose messages or files do not come. */
void agent_keep_check(struct agent_keep *k);

uint32_t agent_keep_number(const struct agent_keep *k);
bool agent_keep_answered(const struct agent_keep *k);

#endif
