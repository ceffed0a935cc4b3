/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/client.h"

#include "agent/agent.h"
#include "agent/bundle.h"
#include "agent/pins.h"
#include "agent/step.h"
#include "agent/tool-request.h"
#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"
#include "wire/flags.h"
#include "wire/paths.h"

#include <errno.h>
#include <stdlib.h>

/* Those included that come to their end. */
#define DESTS_MOST 32

struct agent_client {
	struct agent *agent;
	const struct agent_client_ops *ops; /* NULL once it is closed */
	void *ctx;
	struct wire_intern *paths;
	struct wire_intern *flags;
	struct agent_blobs *blobs;
	struct agent_pins pins;
	struct agent_steps steps;
	struct agent_dest_list dests;
	unsigned n_dests;
	struct agent_tool_request **requests; /* not answered yet */
	size_t n_requests;
};

static int misunderstood(struct err *err, const char *what)
{
	return err_set(err, EPROTO, "a %s that was not understood", what);
}

static void send_to_client(void *ctx, enum wire_type type, struct buf *body)
{
	struct agent_client *c = ctx;

	c->ops->send(c->ctx, type, body);
}

static void refuse_for_dest(void *ctx, const char *why)
{
	struct agent_client *c = ctx;

	c->ops->refuse(c->ctx, why);
}

static void free_if_done(struct agent_client *c)
{
	if (c->ops || c->n_dests || c->n_requests)
		return;
	free(c->requests);
	agent_pins_release(&c->pins);
	agent_steps_release(&c->steps);
	wire_intern_free(c->paths);
	wire_intern_free(c->flags);
	free(c);
}

static void on_dest_gone(void *ctx, struct agent_dest *p)
{
	struct agent_client *c = ctx;

	TAILQ_REMOVE(&c->dests, p, link);
	c->n_dests--;
	free_if_done(c);
}

static void on_request_gone(void *ctx, struct agent_tool_request *r)
{
	struct agent_client *c = ctx;
	size_t i = 0;

	while (c->requests[i] != r)
		i++;
	c->requests[i] = c->requests[--c->n_requests];
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
	TAILQ_INIT(&c->dests);
	c->paths = wire_paths_new();
	c->flags = wire_flags_new();
	c->blobs = agent_blobs_new(a->store);
	return c;
}

void agent_client_speaks(struct agent_client *c, int version,
			 struct node_cpus *cpus, unsigned n)
{
	agent_pins_init(&c->pins, version, cpus, n);
	agent_steps_init(&c->steps, version);
}

void agent_client_close(struct agent_client *c)
{
	struct agent_dest *p;

	c->ops = NULL;
	list_for_each(p, &c->dests, link)
		agent_dest_close(p);
	for (size_t i = 0; i < c->n_requests; i++)
		agent_tool_request_close(c->requests[i]);
	agent_blobs_free(c->blobs);
	c->blobs = NULL;
	free_if_done(c);
}

static json_t *dest_json(struct agent_dest *p)
{
	static const char *const states[] = { [AGENT_DEST_FILLING] = "filling",
					      [AGENT_DEST_READY] = "ready",
					      [AGENT_DEST_GONE] = "ending" };
	const struct agent_cell *cell = agent_cell_at(p);
	const struct wire_cell *m = cell ? agent_cell_setup(cell) : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "cell", json_integer(p->number));
	json_object_set_new(o, "state", json_text(states[p->state]));
	/* Neither: a toolchain that comes to be kept. */
	json_object_set_new(o, "compiler", json_text(m ? m->driver : NULL));
	json_object_set_new(o, "kept",
			    json_text(m && *m->kept ? m->kept : NULL));
	return o;
}

json_t *agent_client_json(const struct agent_client *c)
{
	json_t *list = json_array();
	struct agent_dest *p;

	list_for_each(p, &c->dests, link)
		json_array_append_new(list, dest_json(p));
	return list;
}

void agent_client_check(struct agent_client *c)
{
	struct agent_dest *p;

	list_for_each(p, &c->dests, link)
		agent_dest_check(p);
}

static struct agent_dest *find_dest(const struct agent_client *c,
				    uint32_t number)
{
	struct agent_dest *p;

	list_for_each(p, &c->dests, link) {
		if (p->number == number)
			return p;
	}
	return NULL;
}

struct agent_cell *agent_client_cell(const struct agent_client *c,
				     uint32_t number)
{
	struct agent_dest *p = find_dest(c, number);

	return p && agent_dest_open(p) ? agent_cell_at(p) : NULL;
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

static void refuse_dest(struct agent_client *c, uint32_t number,
			const char *why)
{
	struct wire_have m = { .cell = number,
			       .state = WIRE_HAVE_REFUSED,
			       .detail = (char *)why };
	struct buf body = { 0 };

	wire_have_encode(&body, &m);
	send_to_client(c, WIRE_HAVE, &body);
}

static const struct agent_dest_ops dest_ops = {
	.send = send_to_client,
	.refuse = refuse_for_dest,
	.gone = on_dest_gone,
};

static void add_dest(struct agent_client *c, struct agent_dest *p)
{
	TAILQ_INSERT_TAIL(&c->dests, p, link);
	c->n_dests++;
}

static unsigned count_cells(const struct agent_client *c)
{
	struct agent_dest *p;
	unsigned n = 0;

	list_for_each(p, &c->dests, link)
		n += agent_cell_at(p) != NULL;
	return n;
}

static void start_cell(struct agent_client *c, struct wire_cell *m)
{
	if (!c->agent->check.fit)
		refuse_dest(c, m->cell, c->agent->check.why);
	else if (count_cells(c) >= AGENT_CELLS_MOST)
		refuse_dest(c, m->cell, "more cells than one client may have");
	else
		add_dest(c,
			 agent_cell_new(c->agent, m, c->blobs, &dest_ops, c));
}

static int take_cell(struct agent_client *c, struct bytes body, struct err *err)
{
	struct wire_cell m;
	int ret = 0;

	if (wire_cell_decode(&m, body))
		return misunderstood(err, "CELL");
	if (find_dest(c, m.cell))
		ret = err_set(err, EPROTO, "two cells with number %u", m.cell);
	else
		start_cell(c, &m);
	wire_cell_release(&m);
	return ret;
}

static unsigned count_open_bundles(const struct agent_client *c)
{
	struct agent_dest *p;
	unsigned n = 0;

	list_for_each(p, &c->dests, link)
		n += !agent_cell_at(p) && agent_dest_open(p);
	return n;
}

/* What cannot be kept is refused before anything of it is asked for. */
static void add_bundle(struct agent_client *c, struct wire_bundle *m)
{
	char *why;

	if (strv_has(&c->agent->hosts, m->host)) {
		add_dest(c,
			 agent_bundle_new(c->agent, m, c->blobs, &dest_ops, c));
		return;
	}
	why = xasprintf("%s is for %s, which this node does not run"
			" (see kfarmd's --host)",
			m->id, m->host);
	refuse_dest(c, m->bundle, why);
	free(why);
}

static int take_bundle(struct agent_client *c, struct bytes body,
		       struct err *err)
{
	struct wire_bundle m;
	int ret = 0;

	if (wire_bundle_decode(&m, body))
		return misunderstood(err, "BUNDLE");
	if (find_dest(c, m.bundle))
		ret = err_set(err, EPROTO, "two cells with number %u",
			      m.bundle);
	else if (count_open_bundles(c) >= AGENT_BUNDLES_MOST ||
		 c->n_dests >= DESTS_MOST)
		ret = err_set(err, EPROTO, "more than %d toolchains at once",
			      AGENT_BUNDLES_MOST);
	else
		add_bundle(c, &m);
	wire_bundle_release(&m);
	return ret;
}

static int take_shut(struct agent_client *c, struct bytes body, struct err *err)
{
	struct agent_dest *p;
	uint32_t number;

	if (wire_number_decode(&number, body))
		return misunderstood(err, "SHUT");
	p = find_dest(c, number);
	if (p)
		agent_dest_shut(p);
	return 0;
}

/* One for a destination that is gone may have been on its way. */
static int take_view(struct agent_client *c, struct bytes body, struct err *err)
{
	struct agent_dest *p;
	struct wire_view m;
	int ret = 0;

	if (wire_view_decode(&m, body))
		return misunderstood(err, "VIEW");
	p = find_dest(c, m.cell);
	if (p)
		ret = agent_dest_view(p, &m, c->paths, err);
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

static const struct agent_tool_request_ops request_ops = {
	.send = send_to_client,
	.gone = on_request_gone,
};

static int start_request(struct agent_client *c, uint32_t ask, const char *drop,
			 bool verify, struct err *err)
{
	struct agent_tool_request *r;

	if (c->n_requests >= AGENT_TOOL_REQUESTS_MOST)
		return err_set(err, EPROTO, "more than %d questions at once",
			       AGENT_TOOL_REQUESTS_MOST);
	r = agent_tool_request_new(c->agent, ask, drop, verify, &request_ops,
				   c);
	if (!r)
		return err_set(err, EPROTO, "no thread to be had");
	*VEC_ADD(c->requests, c->n_requests) = r;
	return 0;
}

static int take_tools(struct agent_client *c, struct bytes body,
		      struct err *err)
{
	struct wire_tools m;

	if (wire_tools_decode(&m, body))
		return misunderstood(err, "TOOLS");
	return start_request(c, m.ask, NULL, m.verify, err);
}

static int take_drop(struct agent_client *c, struct bytes body, struct err *err)
{
	struct wire_drop m;
	int ret;

	if (wire_drop_decode(&m, body))
		return misunderstood(err, "DROP");
	ret = start_request(c, m.ask, m.id, false, err);
	wire_drop_release(&m);
	return ret;
}

struct agent_pins *agent_client_pins(struct agent_client *c)
{
	return &c->pins;
}

struct agent_steps *agent_client_steps(struct agent_client *c)
{
	return &c->steps;
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
	case WIRE_PIN:
		return agent_pins_take(&c->pins, body, err);
	case WIRE_STEP:
		return agent_steps_take(&c->steps, body, err);
	case WIRE_BUNDLE:
		return take_bundle(c, body, err);
	case WIRE_TOOLS:
		return take_tools(c, body, err);
	case WIRE_DROP:
		return take_drop(c, body, err);
	default:
		return -ENOTSUP;
	}
}
