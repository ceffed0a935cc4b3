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
	void (*held)(void *ctx, struct wire_held *m); /* several */
	void (*dropped)(void *ctx, struct wire_dropped *m);
	/* It was answered, and frees itself. */
	void (*gone)(void *ctx, struct agent_tool_request *r);
};

/* NULL where no thread is to be had. */
struct agent_tool_request *agent_tool_request_tools(
	struct agent *a, const struct wire_tools *m,
	const struct agent_tool_request_ops *ops, void *ctx);
struct agent_tool_request *agent_tool_request_drop(
	struct agent *a, const struct wire_drop *m,
	const struct agent_tool_request_ops *ops, void *ctx);
/* The client left: nothing is said any more; gone() comes all the same. */
void agent_tool_request_close(struct agent_tool_request *c);

#endif
