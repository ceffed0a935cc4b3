/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens is put into a queue and told to sched/ from the loop, one event
 * after the other, with all actions of each carried out before the next: an
 * action may make news itself, and a node that calls back must not be asked
 * for anything in that moment.
 *
 * A unit lives until its wrapper has gone, sched/ has heard of it, no worker
 * has it, and nothing in the queue is about it.
 */
#include "coord/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "coord/client.h"
#include "coord/fixdep.h"
#include "coord/hedge.h"
#include "coord/send.h"
#include "coord/step.h"
#include "coord/tell.h"
#include "coord/unit.h"
#include "inputs/fixdep.h"
#include "inputs/reference.h"
#include "inputs/toolchain.h"
#include "peer/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

static struct coord_unit *unit_of(const struct coord *c, uint32_t number)
{
	return number < c->n_units ? c->units[number] : NULL;
}

/* ------------------------------------------------------------------- news */

void coord_dispatch_event(struct coord *c, const struct sched_event *event)
{
	struct coord_news *news;

	if (c->ending)
		return;
	c->news = vec_reserve(c->news, &c->cap_news, c->n_news, sizeof(*news));
	news = &c->news[c->n_news++];
	news->event = *event;
	news->words = event->words ? xstrdup(event->words) : NULL;
	if (c->n_news == 1)
		event_active(c->kick, EV_TIMEOUT, 0);
}

/* Queue an event of a unit, which stays until sched/ was told. */
static void unit_event(struct coord_unit *u, struct sched_event *event)
{
	event->unit = u->id;
	u->n_news += !u->coord->ending;
	coord_dispatch_event(u->coord, event);
}

static void free_if_over(struct coord_unit *u)
{
	struct coord *c = u->coord;

	if (u->client || u->working || u->n_news)
		return;
	c->units[u->id] = NULL;
	coord_hedge_stop(u);
	coord_unit_free(u);
}

/* A worker has ended with it; false: the build is over. */
static bool leave_worker(struct coord_unit *u)
{
	bool ending = u->coord->ending;

	u->working = false;
	if (ending)
		free_if_over(u);
	return !ending;
}

/* ------------------------------------------------------------- a unit comes */

uint32_t coord_dispatch_number(struct coord *c, struct inputs_toolchain *tc)
{
	if (!tc->number) {
		tc->number = ++c->n_listed;
		coord_dispatch_toolchain(c, tc);
	}
	return tc->number - 1;
}

static uint32_t number_of_kind(struct coord *c, struct inputs_reference *ref)
{
	if (!ref->number) {
		ref->number = ++c->n_kinds;
		coord_dispatch_kind(c, ref);
	}
	return ref->number - 1;
}

static enum sched_known known_of(enum inputs_known known)
{
	static const enum sched_known as[] = {
		[INPUTS_UNKNOWN] = SCHED_UNKNOWN,
		[INPUTS_READY] = SCHED_READY,
		[INPUTS_TOUCHED] = SCHED_TOUCHED,
		[INPUTS_BAD] = SCHED_BAD,
	};

	return as[known];
}

void coord_dispatch_toolchain(struct coord *c, struct inputs_toolchain *tc)
{
	struct sched_event event = { .kind = SCHED_TOOLCHAIN,
				     .toolchain = coord_dispatch_number(c, tc),
				     .known = known_of(tc->state),
				     .reason = tc->why };

	coord_dispatch_event(c, &event);
}

void coord_dispatch_kind(struct coord *c, struct inputs_reference *ref)
{
	struct sched_event event = { .kind = SCHED_OBJECT,
				     .object = number_of_kind(c, ref),
				     .known = known_of(ref->state) };

	coord_dispatch_event(c, &event);
}

static void find_compiler(struct coord_unit *u, struct sched_event *came)
{
	struct coord *c = u->coord;

	u->toolchain = inputs_toolchain_get(&c->toolchains, u->ask.compiler,
					    coord_unit_env(u));
	u->reference = inputs_reference_get(u->toolchain, &u->command);
	came->toolchain = coord_dispatch_number(c, u->toolchain);
	came->object = number_of_kind(c, u->reference);
	/* A hedge has another -o, and would be another compile; or no step. */
	came->exclusive = u->sides.named || u->stepped;
	came->steps = coord_step_kind(u);
}

static void *on_asked(void *ctx, struct coord_client *client,
		      struct wire_cc_job *ask, struct wire_cc_step *step)
{
	struct coord *c = ctx;
	struct sched_event came = { .kind = SCHED_CAME };
	struct coord_unit *u = coord_unit_new(c, ask, step);

	if (!u)
		return NULL;
	u->client = client;
	u->id = (uint32_t)c->n_units;
	*VEC_ADD(c->units, c->n_units) = u;
	coord_tell_unit(u, EVENTS_QUEUED, NULL, NULL);
	if (u->command.verdict == OPTIONS_LOCAL || c->n_nodes)
		came.reason = coord_unit_local(u, c->umask);
	if (!came.reason && c->n_nodes)
		find_compiler(u, &came);
	u->held = coord_step_waits(u);
	if (u->held)
		u->came = came;
	else
		unit_event(u, &came);
	return u;
}

static void on_left(void *ctx, void *unit)
{
	struct sched_event left = { .kind = SCHED_LEFT };
	struct coord_unit *u = unit;

	(void)ctx;
	u->client = NULL;
	if (u->held)
		coord_tell_left(u);
	else
		unit_event(u, &left);
	free_if_over(u);
}

void coord_dispatch_held(struct coord *c)
{
	for (size_t i = 0; i < c->n_units; i++) {
		struct coord_unit *u = c->units[i];

		if (!u || !u->held || coord_step_waits(u))
			continue;
		u->held = false;
		unit_event(u, &u->came);
	}
}

const struct coord_client_ops coord_dispatch_clients = {
	.asked = on_asked,
	.left = on_left,
	.fixdep_asked = coord_fixdep_asked,
	.fixdep_left = coord_fixdep_left,
};

/* -------------------------------------------------------------- its inputs */

static void on_found(void *ctx, struct inputs_result *result)
{
	struct coord_unit *u = ctx;
	const struct inputs_manifest *m = &result->manifest;
	struct sched_event event = { .kind = SCHED_SCANNED,
				     .reason = result->why,
				     .bytes = result->bytes };

	u->coord->scan_us += m->scan_us + m->list_us;
	if (!leave_worker(u))
		return;
	if (result->why)
		log_debug("%s: not for a node: %s%s%s", coord_unit_name(u),
			  reason_words(result->why), m->detail ? ": " : "",
			  m->detail ? m->detail : "");
	u->inputs = *result;
	*result = (struct inputs_result){ 0 };
	unit_event(u, &event);
}

static void find_inputs(struct coord_unit *u)
{
	struct coord *c = u->coord;
	const struct inputs_request request = {
		.inputs = &c->inputs,
		.pool = c->pool,
		.unit = { .cwd = u->ask.cwd,
			  .compiler = u->ask.compiler,
			  .toolchain = &u->toolchain->manifest.id,
			  .command = &u->command,
			  .env = coord_unit_env(u),
			  .trust_ns = u->searched ? 0 : COORD_UNIT_TRUST_NS },
		.toolchain = u->toolchain,
		.program = u->step.program,
		.tools = c->tools,
		/* Not before it came, by a clock that is no finer. */
		.asked_us = (u->came_ms + 1) * 1000,
	};

	u->working = true;
	u->searched = true;
	inputs_result_release(&u->inputs);
	inputs_find(&request, on_found, u);
	coord_tell_unit(u, EVENTS_SCAN, NULL, NULL);
}

/* ------------------------------------------------------ on its way there */

static void set_job(struct coord_unit *u, uint32_t number)
{
	struct coord *c = u->coord;

	while (c->n_jobs <= number)
		*VEC_ADD(c->jobs, c->n_jobs) = NULL;
	c->jobs[number] = u;
	u->job = number;
}

/* What came of it is not heard any more. */
static void forget_job(struct coord_unit *u)
{
	if (u->job)
		u->coord->jobs[u->job] = NULL;
	u->job = 0;
}

void coord_dispatch_job(struct coord_unit *u, const struct coord_node *n,
			struct sched_event *event)
{
	event->node = n->number;
	if (event->kind == SCHED_ANSWERED || event->kind == SCHED_FAILED)
		forget_job(u);
	unit_event(u, event);
}

static void send_unit(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = unit_of(c, a->unit);
	struct coord_node *n = c->nodes[a->node];
	struct sched_event event = { .kind = SCHED_UNSENT, .node = a->node };
	uint32_t number;
	int ret;

	if (peer_has(n->peer, u->toolchain) != PEER_HAS) {
		/* Its cell is over, or it is lost: that is in the queue. */
		event.kind = SCHED_FAILED;
		event.fail = SCHED_FAIL_TOOLCHAIN;
		unit_event(u, &event);
		return;
	}
	ret = coord_send(u, n, a->deadline_ms, &number);
	if (ret) {
		event.reason = coord_send_failed(ret);
		unit_event(u, &event);
		return;
	}
	set_job(u, number);
	u->node = n->entry->name;
	coord_tell_unit(u, EVENTS_SEND, u->node, NULL);
}

static void cancel(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = unit_of(c, a->unit);

	if (u->job)
		peer_cancel(c->nodes[a->node]->peer, u->job);
	forget_job(u);
}

/* --------------------------------------------------------- and back here */

static void run_examination(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	coord_examine(&u->exam);
	/* Its recipe goes on with fixdep. */
	if (u->exam.is == SCHED_ANSWER_GOOD && u->dep)
		inputs_fixdep_saw(u->coord->fixdep, u->exam.manifest,
				  u->ask.cwd, u->dep);
}

static void on_examined(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	const struct coord_examination *e = &u->exam;
	struct sched_event event = { .kind = SCHED_EXAMINED,
				     .verdict = e->is,
				     .reason = e->why,
				     .words = e->err.text };

	u->coord->check_us += e->us;
	if (!leave_worker(u))
		return;
	if (e->is == SCHED_ANSWER_WRONG)
		log_warning("node %s: %s: %s", u->node, coord_unit_name(u),
			    e->err.text);
	else if (e->is != SCHED_ANSWER_GOOD)
		log_debug("%s: %s %s", coord_unit_name(u),
			  e->why ? reason_words(e->why) : "changed:",
			  e->err.text);
	coord_step_proven(u);
	/* What this finds is in the queue before the verdict. */
	inputs_toolchain_look(u->toolchain, u->came_ms);
	unit_event(u, &event);
}

static void start_examination(struct coord *c, struct coord_unit *u)
{
	u->exam = (struct coord_examination){
		.answer = &u->answer,
		.manifest = &u->inputs.manifest,
		.command = &u->command,
		.flags = &u->inputs.flags,
		.cwd = u->ask.cwd,
		.reference = buf_bytes(&u->reference->object),
		.object_tmp = u->object_tmp,
		.dep_tmp = u->dep_tmp,
		.sides = &u->sides,
		.side_tmp = u->side_tmp,
		.terminal = u->ask.terminal,
		.tool = u->inputs.tool,
		.tree = u->tree.blob ? &u->tree : NULL,
		.proof = coord_step_proof(u),
	};
	u->working = true;
	u->work.run = run_examination;
	u->work.done = on_examined;
	pool_add(c->pool, &u->work);
	coord_tell_seen(u, EVENTS_RECEIVE);
}

/* -------------------------------------------------------------------- here */

static void compile_here(struct coord_unit *u, enum reason why)
{
	coord_unit_remove_temporaries(u);
	if (u->client)
		coord_client_local(u->client, reason_words(why));
	coord_tell_unit(u, EVENTS_RUN, EVENTS_LOCAL, reason_words(why));
}

static void on_hedged(struct coord_unit *u, bool good)
{
	struct sched_event event = { .kind = SCHED_HEDGED,
				     .words = coord_unit_name(u) };

	if (!good)
		event.reason = REASON_NODE_SLOW;
	else if (u->ask.terminal && u->diagnostics.len)
		/* Its diagnostics for us have neither colours nor a width. */
		event.reason = REASON_TERMINAL;
	unit_event(u, &event);
}

static void hedge(struct coord_unit *u)
{
	struct sched_event event = { .kind = SCHED_UNHEDGED };
	struct err err;

	if (!coord_hedge_start(u, on_hedged, &err)) {
		coord_tell_beside(u, reason_words(REASON_NODE_SLOW));
		return;
	}
	log_debug("%s: %s", coord_unit_name(u), err.text);
	unit_event(u, &event);
}

static void deliver(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = unit_of(c, a->unit);
	const struct buf *stream = u->answer.stream;
	bool local = a->node == SCHED_LOCAL;
	struct wire_cc_rename side[OPTIONS_SIDES_MAX];
	struct wire_cc_done done = {
		.side = side,
		.err = buf_bytes(&stream[WIRE_STDERR]),
	};

	coord_unit_renames(u, &done);
	if (local)
		done.err = buf_bytes(&u->diagnostics);
	else if (!u->tree.blob) /* which is in its file */
		done.out = buf_bytes(&stream[WIRE_STDOUT]);
	coord_tell_done(u, local ? EVENTS_LOCAL : u->node,
			local ? reason_words(a->reason) : NULL, a->retries);
	if (u->client)
		coord_client_done(u->client, &done);
}

/* ----------------------------------------------------------------- actions */

static void probe(struct coord *c, uint32_t node)
{
	struct sched_event event = { .kind = SCHED_PROBED,
				     .node = node,
				     .probe = SCHED_PROBE_IMPOSSIBLE };

	if (!peer_probe(c->nodes[node]->peer))
		coord_dispatch_event(c, &event);
}

static void do_with_unit(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = unit_of(c, a->unit);

	switch (a->kind) {
	case SCHED_SCAN:
		find_inputs(u);
		break;
	case SCHED_SEND:
		send_unit(c, a);
		break;
	case SCHED_CANCEL:
		cancel(c, a);
		break;
	case SCHED_EXAMINE:
		start_examination(c, u);
		break;
	case SCHED_COMPILE:
		compile_here(u, a->reason);
		break;
	case SCHED_HEDGE:
		hedge(u);
		break;
	case SCHED_STOP_HEDGE:
		coord_hedge_stop(u);
		break;
	case SCHED_DELIVER:
		deliver(c, a);
		break;
	default:
		coord_tell_done(u, EVENTS_LOCAL, reason_words(a->reason),
				a->retries);
	}
}

static void do_with_node(struct coord *c, const struct sched_action *a)
{
	const struct coord_node *n = c->nodes[a->node];

	if (a->kind == SCHED_DIAL)
		peer_dial(n->peer);
	else if (a->kind == SCHED_HANG_UP)
		peer_hang_up(n->peer);
	else if (a->kind == SCHED_RENEW)
		peer_renew(n->peer);
	else if (a->kind == SCHED_PROBE)
		probe(c, a->node);
	else
		coord_tell_node(n, sched_node_state_name(a->state), a->words);
}

static void tell_sched(struct coord *c, const struct sched_event *event)
{
	struct sched_action action;

	sched_event(c->sched, clock_ms(), event);
	while (sched_next_action(c->sched, &action)) {
		if (action.kind < SCHED_DIAL)
			do_with_unit(c, &action);
		else
			do_with_node(c, &action);
	}
}

static bool is_about_unit(const struct sched_event *event)
{
	return event->kind > SCHED_TIME && event->kind <= SCHED_LEFT;
}

static void tell_news(struct coord *c, struct coord_news *news)
{
	struct coord_unit *u = is_about_unit(&news->event) ?
				       unit_of(c, news->event.unit) :
				       NULL;

	news->event.words = news->words;
	tell_sched(c, &news->event);
	free(news->words);
	if (!u)
		return;
	if (news->event.kind == SCHED_LEFT)
		coord_tell_left(u);
	u->n_news--;
	free_if_over(u);
}

static void set_timer(struct coord *c)
{
	uint64_t at = sched_next_ms(c->sched), now = clock_ms();
	uint64_t ms = at > now ? at - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	if (at == c->timer_ms)
		return;
	c->timer_ms = at;
	if (at == UINT64_MAX)
		event_del(c->timer);
	else
		event_add(c->timer, &tv);
}

void coord_dispatch(struct coord *c)
{
	static const struct sched_event time = { .kind = SCHED_TIME };

	/* The list may move while one of it is told. */
	for (size_t i = 0; i < c->n_news; i++) {
		struct coord_news news = c->news[i];

		tell_news(c, &news);
	}
	c->n_news = 0;
	if (sched_next_ms(c->sched) <= clock_ms())
		tell_sched(c, &time);
	set_timer(c);
}

void coord_dispatch_end(struct coord *c)
{
	atomic_store(&c->ending, true);
	for (size_t i = 0; i < c->n_news; i++) {
		const struct coord_news *news = &c->news[i];

		if (is_about_unit(&news->event))
			unit_of(c, news->event.unit)->n_news--;
		free(news->words);
	}
	c->n_news = 0;
	for (size_t i = 0; i < c->n_units; i++) {
		if (c->units[i])
			coord_hedge_stop(c->units[i]);
	}
}
