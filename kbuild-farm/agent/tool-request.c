/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tool-request.h"

#include "agent/agent.h"
#include "agent/tool-stage.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"

#include <stdlib.h>

struct agent_tool_request {
	struct agent *agent;
	const struct agent_tool_request_ops *ops;
	void *ctx;
	bool closed;
	atomic_bool stop;

	uint32_t ask;
	char *drop; /* NULL: all are listed */
	bool verify;
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
		struct wire_held m = { .ask = c->ask,
				       .last = left <= WIRE_HELD_MAX,
				       .n = left <= WIRE_HELD_MAX ?
						    left :
						    WIRE_HELD_MAX,
				       .all = c->held.all + at };
		struct buf body = { 0 };

		wire_held_encode(&body, &m);
		c->ops->send(c->ctx, WIRE_HELD, &body);
		at += m.n;
	} while (at < c->held.n && !c->closed);
}

static void say_dropped(struct agent_tool_request *c)
{
	struct wire_dropped m = { .ask = c->ask,
				  .state = c->ret != 0,
				  .detail = c->ret ? c->err.text : (char *)"" };
	struct buf body = { 0 };

	wire_dropped_encode(&body, &m);
	c->ops->send(c->ctx, WIRE_DROPPED, &body);
}

static void on_task(void *arg)
{
	struct agent_tool_request *c = arg;

	if (!c->closed && c->drop)
		say_dropped(c);
	else if (!c->closed)
		say_held(c);
	c->agent->n_cells--;
	c->ops->gone(c->ctx, c);
	wire_held_release(&c->held);
	free(c->drop);
	free(c);
}

static void run_request(void *arg)
{
	struct agent_tool_request *c = arg;

	c->ret = c->drop ? agent_tool_stage_drop(c->agent->kept, c->drop,
						 &c->err) :
			   agent_kept_list(c->agent->kept, c->verify, &c->stop,
					   &c->held, &c->err);
}

struct agent_tool_request *agent_tool_request_new(
	struct agent *a, uint32_t ask, const char *drop, bool verify,
	const struct agent_tool_request_ops *ops, void *ctx)
{
	struct agent_tool_request *c = xcalloc(1, sizeof(*c));

	c->agent = a;
	c->ask = ask;
	c->drop = drop ? xstrdup(drop) : NULL;
	c->verify = verify;
	c->ops = ops;
	c->ctx = ctx;
	if (!task_start_then(a->base, run_request, on_task, c)) {
		free(c->drop);
		free(c);
		return NULL;
	}
	/* kfarmd waits for it when it ends, as it does for cells. */
	a->n_cells++;
	return c;
}

void agent_tool_request_close(struct agent_tool_request *c)
{
	c->closed = true;
	atomic_store(&c->stop, true);
}
