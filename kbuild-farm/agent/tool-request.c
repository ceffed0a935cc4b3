/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tool-request.h"

#include "agent/agent.h"
#include "agent/tool-stage.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"

#include <errno.h>
#include <stdlib.h>

struct agent_tool_request {
	struct agent *agent;
	const struct agent_tool_request_ops *ops;
	void *ctx;
	bool closed;
	atomic_bool stop;

	struct wire_tools tools;
	struct wire_drop drop; /* its id is NULL: this is for TOOLS */
	struct wire_held held;
	int ret;
	struct err err;
};

/* The whole list, in as many messages as it takes: one at least. */
static void say_held(struct agent_tool_request *c)
{
	uint32_t at = 0;

	if (c->ret)
		log_warning("toolchains: %s", c->err.text);
	do {
		uint32_t left = c->held.n - at;
		struct wire_held m = { .ask = c->tools.ask,
				       .last = left <= WIRE_HELD_MAX,
				       .n = left <= WIRE_HELD_MAX ?
						    left :
						    WIRE_HELD_MAX,
				       .all = c->held.all + at };

		c->ops->held(c->ctx, &m);
		at += m.n;
	} while (at < c->held.n && !c->closed);
}

static void say_dropped(struct agent_tool_request *c)
{
	struct wire_dropped m = { .ask = c->drop.ask,
				  .state = c->ret != 0,
				  .detail = c->ret ? c->err.text : (char *)"" };

	c->ops->dropped(c->ctx, &m);
}

static void on_task(void *arg)
{
	struct agent_tool_request *c = arg;

	if (!c->closed && c->drop.id)
		say_dropped(c);
	else if (!c->closed)
		say_held(c);
	c->agent->n_cells--;
	c->ops->gone(c->ctx, c);
	wire_held_release(&c->held);
	wire_drop_release(&c->drop);
	free(c);
}

static void list_all(void *arg)
{
	struct agent_tool_request *c = arg;

	c->ret = agent_kept_list(c->agent->kept, c->tools.verify, &c->stop,
				 &c->held, &c->err);
}

static void drop(void *arg)
{
	struct agent_tool_request *c = arg;

	c->ret = agent_tool_stage_drop(c->agent->kept, c->drop.id, &c->err);
}

static struct agent_tool_request *start(struct agent_tool_request *c,
					void (*work)(void *arg))
{
	if (!task_start_then(c->agent->base, work, on_task, c)) {
		wire_drop_release(&c->drop);
		free(c);
		return NULL;
	}
	/* As a cell it is waited for when kfarmd ends. */
	c->agent->n_cells++;
	return c;
}

static struct agent_tool_request *allocate(
	struct agent *a, const struct agent_tool_request_ops *ops, void *ctx)
{
	struct agent_tool_request *c = xcalloc(1, sizeof(*c));

	c->agent = a;
	c->ops = ops;
	c->ctx = ctx;
	return c;
}

struct agent_tool_request *agent_tool_request_tools(
	struct agent *a, const struct wire_tools *m,
	const struct agent_tool_request_ops *ops, void *ctx)
{
	struct agent_tool_request *c = allocate(a, ops, ctx);

	c->tools = *m;
	return start(c, list_all);
}

struct agent_tool_request *agent_tool_request_drop(
	struct agent *a, const struct wire_drop *m,
	const struct agent_tool_request_ops *ops, void *ctx)
{
	struct agent_tool_request *c = allocate(a, ops, ctx);

	c->drop.ask = m->ask;
	c->drop.id = xstrdup(m->id);
	return start(c, drop);
}

void agent_tool_request_close(struct agent_tool_request *c)
{
	c->closed = true;
	atomic_store(&c->stop, true);
}
