/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/chore.h - what a client wants to know or to have removed of the kept
 * toolchains: TOOLS and DROP, each on a thread of its own.
 */
#ifndef AGENT_CHORE_H
#define AGENT_CHORE_H

#include "base/err.h"
#include "wire/msg.h"

/* Of one client, and not answered yet. */
#define AGENT_CHORES_MOST 16

struct agent;
struct agent_chore;

/* The calls come from the loop. */
struct agent_chore_ops {
	void (*held)(void *ctx, struct wire_held *m); /* several */
	void (*kept)(void *ctx, struct wire_kept *m);
	/* It was answered, and frees itself. */
	void (*gone)(void *ctx, struct agent_chore *chore);
};

/* NULL where no thread is to be had. */
struct agent_chore *agent_chore_tools(struct agent *a,
				      const struct wire_tools *m,
				      const struct agent_chore_ops *ops,
				      void *ctx);
struct agent_chore *agent_chore_drop(struct agent *a, const struct wire_drop *m,
				     const struct agent_chore_ops *ops,
				     void *ctx);
/* The client left: nothing is said any more; gone() comes all the same. */
void agent_chore_close(struct agent_chore *c);

#endif
