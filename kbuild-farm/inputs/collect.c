/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/collect.h"

#include "base/str.h"

#include <stdlib.h>

struct inputs_collection {
	struct pool_work work; /* must be the first member */
	struct inputs_request request;
	struct inputs_result result;
	void (*on_collected)(void *ctx, struct inputs_result *result);
	void *ctx;
};

void inputs_result_release(struct inputs_result *r)
{
	inputs_manifest_release(&r->manifest);
	options_flags_release(&r->flags);
	*r = (struct inputs_result){ 0 };
}

static enum reason collect_inputs(const struct inputs_request *q,
				  struct inputs_result *r)
{
	struct inputs_manifest *m = &r->manifest;
	struct err err;

	if (options_allowlist_make_flags(&r->flags, q->unit.command, &err)) {
		m->detail = xstrdup(err.text);
		return REASON_OPTION_NOT_REMOTE;
	}
	inputs_manifest_make(m, q->inputs, &q->unit);
	if (q->requested_us && q->requested_us < m->since_us)
		m->since_us = q->requested_us;
	if (m->reason)
		return m->reason;
	if (m->closure.mentions & CPP_MENTION_TIME)
		return REASON_TIME_MACRO;
	/*
	 * On a node, source text from stdin is a file with another name, which
	 * __BASE_FILE__ would show.
	 */
	if (q->unit.command->from_stdin &&
	    (m->closure.mentions & CPP_MENTION_BASE_FILE))
		return REASON_BASE_FILE;
	if (q->unit.command->preprocessed &&
	    q->unit.command->lang == OPTIONS_LANG_ASM_CPP &&
	    (m->closure.mentions & CPP_MENTION_DEVICETREE))
		return REASON_TREE_READS;
	for (size_t i = 0; i < m->closure.n_files; i++)
		r->total_bytes += (uint64_t)m->closure.files[i].stamp.size;
	r->locale = inputs_toolchain_get_locale(q->toolchain, q->unit.env);
	if (r->locale->reason || !q->tool_path)
		return r->locale->reason;
	r->tool = inputs_tool_get(q->tools, q->tool_path, q->unit.env, &err);
	if (r->tool)
		return REASON_NONE;
	m->detail = xstrdup(err.text);
	return REASON_STEP_PROGRAM;
}

static void run_collection(struct pool_work *w)
{
	struct inputs_collection *s = (struct inputs_collection *)w;

	s->result.reason = collect_inputs(&s->request, &s->result);
}

static void on_inputs_collected(struct pool_work *w)
{
	struct inputs_collection *s = (struct inputs_collection *)w;

	s->on_collected(s->ctx, &s->result);
	inputs_result_release(&s->result);
	free(s);
}

void inputs_collect_start(const struct inputs_request *request,
			  void (*on_collected)(void *ctx,
					       struct inputs_result *result),
			  void *ctx)
{
	struct inputs_collection *s = xcalloc(1, sizeof(*s));

	s->work.run = run_collection;
	s->work.on_done = on_inputs_collected;
	s->request = *request;
	s->on_collected = on_collected;
	s->ctx = ctx;
	pool_add(request->pool, &s->work);
}
