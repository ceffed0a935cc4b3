/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/find.h"

#include "base/str.h"

#include <stdlib.h>

struct inputs_search {
	struct pool_work work; /* first */
	struct inputs_request request;
	struct inputs_result result;
	void (*found)(void *ctx, struct inputs_result *result);
	void *ctx;
};

void inputs_result_release(struct inputs_result *r)
{
	inputs_manifest_release(&r->manifest);
	options_flags_release(&r->flags);
	*r = (struct inputs_result){ 0 };
}

static uint64_t sum_sizes(const struct scan_closure *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->n_files; i++)
		sum += (uint64_t)c->files[i].stamp.size;
	return sum;
}

/* A program that runs beside it. */
static enum reason search_program(const struct inputs_request *q,
				  struct inputs_result *r)
{
	struct err err;

	if (!q->program)
		return REASON_NONE;
	r->tool = inputs_tool_get(q->tools, q->program, q->unit.env, &err);
	if (r->tool)
		return REASON_NONE;
	r->manifest.detail = xstrdup(err.text);
	return REASON_STEP_PROGRAM;
}

static enum reason search_inputs(const struct inputs_request *q,
				 struct inputs_result *r)
{
	struct inputs_manifest *m = &r->manifest;
	struct err err;

	if (options_typed_from(&r->flags, q->unit.command, &err)) {
		m->detail = xstrdup(err.text);
		return REASON_OPTION_NOT_REMOTE;
	}
	inputs_manifest_make(m, q->inputs, &q->unit);
	if (q->asked_us && q->asked_us < m->since_us)
		m->since_us = q->asked_us;
	if (m->why)
		return m->why;
	if (m->closure.mentions & SCAN_MENTIONS_TIME)
		return REASON_TIME_MACRO;
	/* A text has another name on a node. */
	if (q->unit.command->from_stdin &&
	    (m->closure.mentions & SCAN_MENTIONS_BASE))
		return REASON_BASE_FILE;
	if (q->unit.command->expands && q->unit.command->lang == OPTIONS_ASM &&
	    (m->closure.mentions & SCAN_MENTIONS_TREE))
		return REASON_TREE_READS;
	r->bytes = sum_sizes(&m->closure);
	r->language = inputs_toolchain_language(q->toolchain, q->unit.env);
	return r->language->why ? r->language->why : search_program(q, r);
}

static void on_thread(struct pool_work *w)
{
	struct inputs_search *s = (struct inputs_search *)w;

	s->result.why = search_inputs(&s->request, &s->result);
}

static void on_searched(struct pool_work *w)
{
	struct inputs_search *s = (struct inputs_search *)w;

	s->found(s->ctx, &s->result);
	inputs_result_release(&s->result);
	free(s);
}

void inputs_find(const struct inputs_request *request,
		 void (*found)(void *ctx, struct inputs_result *result),
		 void *ctx)
{
	struct inputs_search *s = xcalloc(1, sizeof(*s));

	s->work.run = on_thread;
	s->work.done = on_searched;
	s->request = *request;
	s->found = found;
	s->ctx = ctx;
	pool_add(request->pool, &s->work);
}
