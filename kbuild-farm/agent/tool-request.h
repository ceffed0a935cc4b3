/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/tool-request.h - what a client wants to know or to have removed of the
 * kept toolchains: TOOLS and DROP, each on a thread of its own.
 */
#ifndef AGENT_TOOL_REQUEST_H
#define AGENT_TOOL_REQUEST_H

#include "base/err.h"
#include "wire/msg.h"

/* Of one client, and not answered yet. */
#define AGENT_TOOL_REQUESTS_MOST 16

struct agent;
struct agent_tool_request;

/* The calls come from the loop. */
struct agent_tool_request_ops {
	/* HELD, several, or DROPPED, whose body is to be released. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/* It was answered, and frees itself. */
	void (*gone)(void *ctx, struct agent_tool_request *r);
};

/*
 * Remove the toolchain `drop`, which is copied; or, where that is NULL, list
 * all, as `verify` says.  NULL where no thread is to be had.
 */
struct agent_tool_request *agent_tool_request_new(
	struct agent *a, uint32_t ask, const char *drop, bool verify,
	const struct agent_tool_request_ops *ops, void *ctx);
/* The client left: nothing is said any more; gone() comes all the same. */
void agent_tool_request_close(struct agent_tool_request *c);

#endif
