/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/client.h"

#include "agent/agent.h"
#include "agent/keep.h"
#include "agent/tool-request.h"
#include "base/str.h"
#include "wire/flags.h"
#include "wire/paths.h"

#include <errno.h>
#include <stdlib.h>

/* Those included that were refused, and whose last message has not come. */
#define KEEPS_MOST 64

struct agent_client {
	struct agent *agent;
	const struct agent_client_ops *ops; /* NULL once it is closed */
	void *ctx;
	struct wire_intern *paths;
	struct wire_intern *flags;
	struct agent_blobs *blobs;
	struct agent_cell *cells[AGENT_CELLS_MOST]; /* NULL: free */
	struct agent_keep *keeps[KEEPS_MOST]; /* NULL: free */
	struct agent_tool_request
		*chores[AGENT_TOOL_REQUESTS_MOST]; /* NULL: free */
};

static int misunderstood(struct err *err, const char *what)
{
	return err_set(err, EPROTO, "a %s that was not understood", what);
}

static void send_have(void *ctx, struct wire_have *m)
{
	struct agent_client *c = ctx;
	struct buf body = { 0 };

	wire_have_encode(&body, m);
	c->ops->send(c->ctx, WIRE_HAVE, &body);
}

static void send_need(void *ctx, struct wire_need *m)
{
	struct agent_client *c = ctx;
	struct buf body = { 0 };

	wire_need_encode(&body, m);
	c->ops->send(c->ctx, WIRE_NEED, &body);
}

static void send_kept(void *ctx, struct wire_kept *m)
{
	struct agent_client *c = ctx;
	struct buf body = { 0 };

	wire_kept_encode(&body, m);
	c->ops->send(c->ctx, WIRE_KEPT, &body);
}

static void send_held(void *ctx, struct wire_held *m)
{
	struct agent_client *c = ctx;
	struct buf body = { 0 };

	wire_held_encode(&body, m);
	c->ops->send(c->ctx, WIRE_HELD, &body);
}

static void refuse(void *ctx, const char *why)
{
	struct agent_client *c = ctx;

	c->ops->refuse(c->ctx, why);
}

static void free_if_done(struct agent_client *c)
{
	if (c->ops)
		return;
	for (int i = 0; i < AGENT_CELLS_MOST; i++) {
		if (c->cells[i])
			return;
	}
	for (int i = 0; i < KEEPS_MOST; i++) {
		if (c->keeps[i])
			return;
	}
	for (int i = 0; i < AGENT_TOOL_REQUESTS_MOST; i++) {
		if (c->chores[i])
			return;
	}
	wire_intern_free(c->paths);
	wire_intern_free(c->flags);
	free(c);
}

static void on_gone(void *ctx, struct agent_cell *cell)
{
	struct agent_client *c = ctx;

	for (int i = 0; i < AGENT_CELLS_MOST; i++) {
		if (c->cells[i] == cell)
			c->cells[i] = NULL;
	}
	free_if_done(c);
}

static void on_keep_gone(void *ctx, struct agent_keep *keep)
{
	struct agent_client *c = ctx;

	for (int i = 0; i < KEEPS_MOST; i++) {
		if (c->keeps[i] == keep)
			c->keeps[i] = NULL;
	}
	free_if_done(c);
}

static void on_chore_gone(void *ctx, struct agent_tool_request *chore)
{
	struct agent_client *c = ctx;

	for (int i = 0; i < AGENT_TOOL_REQUESTS_MOST; i++) {
		if (c->chores[i] == chore)
			c->chores[i] = NULL;
	}
	free_if_done(c);
}

struct agent_client *agent_client_new(struct agent *a,
				      const struct agent_client_ops *ops,
				      void *ctx)
{
	struct agent_client *c = xcalloc(1, sizeof(*c));

	c->agent = a;
	c->ops = ops;
	c->ctx = ctx;
	c->paths = wire_paths_new();
	c->flags = wire_flags_new();
	c->blobs = agent_blobs_new(a->store);
	return c;
}

void agent_client_close(struct agent_client *c)
{
	c->ops = NULL;
	for (int i = 0; i < AGENT_CELLS_MOST; i++) {
		if (c->cells[i])
			agent_cell_close(c->cells[i]);
	}
	for (int i = 0; i < KEEPS_MOST; i++) {
		if (c->keeps[i])
			agent_keep_close(c->keeps[i]);
	}
	for (int i = 0; i < AGENT_TOOL_REQUESTS_MOST; i++) {
		if (c->chores[i])
			agent_tool_request_close(c->chores[i]);
	}
	agent_blobs_free(c->blobs);
	c->blobs = NULL;
	free_if_done(c);
}

void agent_client_check(struct agent_client *c)
{
	for (int i = 0; i < AGENT_CELLS_MOST; i++) {
		if (c->cells[i])
			agent_cell_check(c->cells[i]);
	}
	for (int i = 0; i < KEEPS_MOST && c->ops; i++) {
		if (c->keeps[i])
			agent_keep_check(c->keeps[i]);
	}
}

static struct agent_cell *find(const struct agent_client *c, uint32_t number)
{
	for (int i = 0; i < AGENT_CELLS_MOST; i++) {
		if (c->cells[i] && agent_cell_number(c->cells[i]) == number)
			return c->cells[i];
	}
	return NULL;
}

struct agent_cell *agent_client_cell(const struct agent_client *c,
				     uint32_t number)
{
	struct agent_cell *cell = find(c, number);

	return cell && agent_cell_open(cell) ? cell : NULL;
}

const char *agent_client_path(const struct agent_client *c, uint32_t number)
{
	return wire_paths_get(c->paths, number);
}

int agent_client_flags(const struct agent_client *c, const struct wire_job *m,
		       struct wire_flag **flags, size_t *n)
{
	return wire_flags_of_runs(c->flags, m, flags, n);
}

static void refuse_cell(struct agent_client *c, uint32_t number,
			const char *why)
{
	struct wire_have m = { .cell = number,
			       .state = WIRE_HAVE_REFUSED,
			       .detail = (char *)why };

	send_have(c, &m);
}

static void add_cell(struct agent_client *c, struct wire_cell *m)
{
	static const struct agent_cell_ops ops = {
		.have = send_have,
		.need = send_need,
		.refuse = refuse,
		.gone = on_gone,
	};
	int i = 0;

	while (i < AGENT_CELLS_MOST && c->cells[i])
		i++;
	if (!c->agent->check.fit)
		refuse_cell(c, m->cell, c->agent->check.why);
	else if (i == AGENT_CELLS_MOST)
		refuse_cell(c, m->cell, "more cells than one client may have");
	else
		c->cells[i] = agent_cell_new(c->agent, m, c->blobs, &ops, c);
}

static int take_cell(struct agent_client *c, struct bytes body, struct err *err)
{
	struct wire_cell m;
	int ret = 0;

	if (wire_cell_decode(&m, body))
		return misunderstood(err, "CELL");
	if (find(c, m.cell))
		ret = err_set(err, EPROTO, "two cells with number %u", m.cell);
	else
		add_cell(c, &m);
	wire_cell_release(&m);
	return ret;
}

static int take_shut(struct agent_client *c, struct bytes body, struct err *err)
{
	struct agent_cell *cell;
	uint32_t number;

	if (wire_shut_decode(&number, body))
		return misunderstood(err, "SHUT");
	cell = find(c, number);
	if (cell)
		agent_cell_shut(cell);
	return 0;
}

/* One for a cell that is gone may have been on its way. */
static int take_view(struct agent_client *c, struct bytes body, struct err *err)
{
	struct agent_cell *cell;
	struct wire_view m;
	int ret = 0;

	if (wire_view_decode(&m, body))
		return misunderstood(err, "VIEW");
	cell = find(c, m.cell);
	if (cell)
		ret = agent_cell_view(cell, &m, c->paths, err);
	wire_view_release(&m);
	return ret;
}

static int take_blob(struct agent_client *c, struct bytes body, struct err *err)
{
	struct wire_blob m;

	if (wire_blob_decode(&m, body))
		return misunderstood(err, "BLOB");
	return agent_blobs_take(c->blobs, &m, err);
}

/* ------------------------------------------------- kept toolchains */

static struct agent_keep **find_keep(struct agent_client *c, uint32_t number)
{
	for (int i = 0; i < KEEPS_MOST; i++) {
		if (c->keeps[i] && agent_keep_number(c->keeps[i]) == number)
			return &c->keeps[i];
	}
	return NULL;
}

static struct agent_keep **add_keep(struct agent_client *c,
				    const struct wire_keep *m)
{
	static const struct agent_keep_ops ops = {
		.kept = send_kept,
		.need = send_need,
		.refuse = refuse,
		.gone = on_keep_gone,
	};
	struct agent_keep **free_one = NULL;
	unsigned n = 0;

	for (int i = 0; i < KEEPS_MOST; i++) {
		if (!c->keeps[i])
			free_one = &c->keeps[i];
		else
			n += !agent_keep_answered(c->keeps[i]);
	}
	if (!free_one || n >= AGENT_KEEPS_MOST)
		return NULL;
	*free_one = agent_keep_new(c->agent, m, c->blobs, &ops, c);
	return free_one;
}

static int take_keep(struct agent_client *c, struct bytes body, struct err *err)
{
	struct agent_keep **keep;
	struct wire_keep m;
	int ret;

	if (wire_keep_decode(&m, body))
		return misunderstood(err, "KEEP");
	keep = find_keep(c, m.keep);
	if (!keep)
		keep = add_keep(c, &m);
	if (keep)
		ret = agent_keep_take(*keep, &m, err);
	else
		ret = err_set(err, EPROTO, "more than %d toolchains at once",
			      AGENT_KEEPS_MOST);
	wire_keep_release(&m);
	return ret;
}

static const struct agent_tool_request_ops chore_ops = {
	.held = send_held,
	.kept = send_kept,
	.gone = on_chore_gone,
};

static struct agent_tool_request **free_chore(struct agent_client *c,
					      struct err *err)
{
	for (int i = 0; i < AGENT_TOOL_REQUESTS_MOST; i++) {
		if (!c->chores[i])
			return &c->chores[i];
	}
	err_set(err, EPROTO, "more than %d questions at once",
		AGENT_TOOL_REQUESTS_MOST);
	return NULL;
}

static int take_tools(struct agent_client *c, struct bytes body,
		      struct err *err)
{
	struct agent_tool_request **at;
	struct wire_tools m;

	if (wire_tools_decode(&m, body))
		return misunderstood(err, "TOOLS");
	at = free_chore(c, err);
	if (!at)
		return -EPROTO;
	*at = agent_tool_request_tools(c->agent, &m, &chore_ops, c);
	return *at ? 0 : err_set(err, EPROTO, "no thread to be had");
}

static int take_drop(struct agent_client *c, struct bytes body, struct err *err)
{
	struct agent_tool_request **at;
	struct wire_drop m;

	if (wire_drop_decode(&m, body))
		return misunderstood(err, "DROP");
	at = free_chore(c, err);
	if (at)
		*at = agent_tool_request_drop(c->agent, &m, &chore_ops, c);
	wire_drop_release(&m);
	if (at && !*at)
		err_set(err, EPROTO, "no thread to be had");
	return at && *at ? 0 : -EPROTO;
}

int agent_client_take(struct agent_client *c, uint16_t type, struct bytes body,
		      struct err *err)
{
	switch (type) {
	case WIRE_CELL:
		return take_cell(c, body, err);
	case WIRE_SHUT:
		return take_shut(c, body, err);
	case WIRE_PATHS:
		return wire_paths_take(c->paths, body) ?
			       misunderstood(err, "PATHS") :
			       0;
	case WIRE_FLAGS:
		return wire_flags_take(c->flags, body) ?
			       misunderstood(err, "FLAGS") :
			       0;
	case WIRE_VIEW:
		return take_view(c, body, err);
	case WIRE_BLOB:
		return take_blob(c, body, err);
	case WIRE_KEEP:
		return take_keep(c, body, err);
	case WIRE_TOOLS:
		return take_tools(c, body, err);
	case WIRE_DROP:
		return take_drop(c, body, err);
	default:
		return -ENOTSUP;
	}
}
