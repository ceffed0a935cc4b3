/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/hedge.h"
#include "coord/internal.h"
#include "coord/report-events.h"
#include "coord/tool-step.h"
#include "coord/unit.h"
#include "coord/wrapper-conn.h"
#include "inputs/fixdep.h"
#include "inputs/reference-object.h"
#include "inputs/toolchain.h"
#include "options/env.h"
#include "peer/peer.h"
#include "wire/limits.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fixdep_request {
	struct pool_work work; /* first member */
	struct coord *coord;
	struct coord_wrapper_conn *client; /* NULL: connection closed */
	bool working; /* a worker thread is using it */
	struct wire_cc_fixdep message;
	struct buf head, rest;
	int ret;
	struct err err;
};

static void fixdep_request_free(struct fixdep_request *q)
{
	wire_cc_fixdep_release(&q->message);
	buf_release(&q->head);
	buf_release(&q->rest);
	free(q);
}

static void run_fixdep_on_thread(struct pool_work *w)
{
	struct fixdep_request *q = (struct fixdep_request *)w;

	q->ret = inputs_fixdep_run(q->coord->fixdep, q->message.program,
				   q->message.cwd, q->message.depfile,
				   q->message.target, &q->head, &q->rest,
				   &q->err);
}

static void on_printed(struct pool_work *w)
{
	struct fixdep_request *q = (struct fixdep_request *)w;
	const struct wire_cc_fixed fixed = {
		.before_command = buf_bytes(&q->head),
		.after_command = buf_bytes(&q->rest),
	};

	q->working = false;
	if (!q->client)
		fixdep_request_free(q);
	else if (q->coord->ending)
		return;
	else if (q->ret)
		coord_wrapper_conn_send_local(q->client, q->err.text);
	else if (q->rest.len > WIRE_CC_FIXED_MAX)
		coord_wrapper_conn_send_local(q->client,
					      "fixdep output too long");
	else
		coord_wrapper_conn_send_fixdep(q->client, &fixed);
}

/* Takes ownership of the contents of `ask`. */
static void *on_fixdep_requested(void *coord, struct coord_wrapper_conn *client,
				 struct wire_cc_fixdep *ask)
{
	struct fixdep_request *q = xcalloc(1, sizeof(*q));

	q->work.run = run_fixdep_on_thread;
	q->work.on_done = on_printed;
	q->coord = coord;
	q->client = client;
	q->working = true;
	q->message = *ask;
	*ask = (struct wire_cc_fixdep){ 0 };
	pool_add(q->coord->pool, &q->work);
	return q;
}

static void on_fixdep_closed(void *fixdep)
{
	struct fixdep_request *q = fixdep;

	q->client = NULL;
	if (!q->working)
		fixdep_request_free(q);
}

/*
 * Events are queued and passed to the dispatcher from the loop, one at a time.
 * All actions of an event are executed before the next event, because an action
 * can cause new events, and a node must not be called from its own callback.
 *
 * A unit is freed when its wrapper has closed the connection, the dispatcher
 * has processed that event, no worker thread uses the unit, and no queued event
 * refers to it.
 */

static struct coord_unit *find_unit(const struct coord *c, uint32_t number)
{
	return number < c->units.n ? c->units.v[number] : NULL;
}

/* -------------------------------------------------------------- events */

void coord_dispatch_event(struct coord *c, const struct sched_event *event)
{
	struct coord_pending_event *pending;

	if (c->ending)
		return;
	c->queue.v = vec_reserve(c->queue.v, &c->queue.cap, c->queue.n,
				 sizeof(*pending));
	pending = &c->queue.v[c->queue.n++];
	pending->event = *event;
	pending->words = event->text ? xstrdup(event->text) : NULL;
	if (c->queue.n == 1)
		event_active(c->timers.kick, EV_TIMEOUT, 0);
}

/* Queue an event of a unit, which keeps the unit alive. */
static void queue_unit_event(struct coord_unit *u, struct sched_event *event)
{
	event->unit = u->id;
	u->n_pending_events += !u->coord->ending;
	coord_dispatch_event(u->coord, event);
}

static void free_if_finished(struct coord_unit *u)
{
	struct coord *c = u->coord;

	if (u->conn || u->in_worker || u->n_pending_events)
		return;
	c->units.v[u->id] = NULL;
	coord_hedge_stop(u);
	coord_unit_free(u);
}

/*
 * Mark the unit as no longer used by a worker thread.  Returns false if the
 * build is ending.
 */
static bool finish_worker(struct coord_unit *u)
{
	bool ending = u->coord->ending;

	u->in_worker = false;
	if (ending)
		free_if_finished(u);
	return !ending;
}

/* ------------------------------------------------------------ requests */

uint32_t coord_dispatch_get_toolchain_number(struct coord *c,
					     struct inputs_toolchain *tc)
{
	if (!tc->user_number) {
		tc->user_number = ++c->units.n_toolchains;
		coord_dispatch_toolchain(c, tc);
	}
	return tc->user_number - 1;
}

static uint32_t get_kind_number(struct coord *c,
				struct inputs_reference_object *ref)
{
	if (!ref->user_number) {
		ref->user_number = ++c->units.n_kinds;
		coord_dispatch_kind(c, ref);
	}
	return ref->user_number - 1;
}

static enum sched_status to_sched_known(enum inputs_state known)
{
	static const enum sched_status as[] = {
		[INPUTS_STATE_UNKNOWN] = SCHED_STATUS_UNKNOWN,
		[INPUTS_STATE_READY] = SCHED_STATUS_READY,
		[INPUTS_STATE_UNVERIFIED] = SCHED_STATUS_UNVERIFIED,
		[INPUTS_STATE_UNUSABLE] = SCHED_STATUS_UNUSABLE,
	};

	return as[known];
}

void coord_dispatch_toolchain(struct coord *c, struct inputs_toolchain *tc)
{
	struct sched_event event = {
		.kind = SCHED_EV_TOOLCHAIN,
		.toolchain = coord_dispatch_get_toolchain_number(c, tc),
		.status = to_sched_known(tc->state),
		.reason = tc->reason
	};

	coord_dispatch_event(c, &event);
}

void coord_dispatch_kind(struct coord *c, struct inputs_reference_object *ref)
{
	struct sched_event event = { .kind = SCHED_EV_OBJECT_FORMAT,
				     .object_format = get_kind_number(c, ref),
				     .status = to_sched_known(ref->state) };

	coord_dispatch_event(c, &event);
}

static void *on_job_requested(void *ctx, struct coord_wrapper_conn *client,
			      struct wire_cc_job *ask,
			      struct wire_cc_step *step)
{
	struct coord *c = ctx;
	struct sched_event added = { .kind = SCHED_EV_UNIT_ADDED };
	struct coord_unit *u = coord_unit_new(c, ask, step);

	if (!u)
		return NULL;
	u->conn = client;
	u->id = (uint32_t)c->units.n;
	*VEC_ADD(c->units.v, c->units.n) = u;
	coord_report_unit_state(u, EVENTS_JOB_QUEUED, NULL, NULL);
	if (u->command.class == OPTIONS_CLASS_LOCAL || c->nodes.n)
		added.reason = coord_unit_local_reason(u, c->umask);
	if (!added.reason && c->nodes.n) {
		u->toolchain = inputs_toolchain_get(&c->toolchains,
						    u->request.compiler,
						    strv_list(&u->request.env));
		u->reference = inputs_reference_object_get(u->toolchain,
							   &u->command);
		added.toolchain = coord_dispatch_get_toolchain_number(
			c, u->toolchain);
		added.object_format = get_kind_number(c, u->reference);
		/*
		 * A hedge (a concurrent local compile) uses another -o.  That
		 * changes an object that contains the names of side outputs.  A
		 * hedge also cannot run tool steps.
		 */
		added.exclusive = u->side_outputs.name_in_object || u->has_step;
		added.steps = coord_tool_step_kind(u);
	}
	u->deferred = coord_tool_step_is_pending(u);
	if (u->deferred)
		u->added_event = added;
	else
		queue_unit_event(u, &added);
	return u;
}

static void on_job_closed(void *ctx, void *unit)
{
	struct sched_event left = { .kind = SCHED_EV_UNIT_GONE };
	struct coord_unit *u = unit;

	(void)ctx;
	u->conn = NULL;
	if (u->deferred)
		coord_report_wrapper_closed(u);
	else
		queue_unit_event(u, &left);
	free_if_finished(u);
}

void coord_dispatch_deferred(struct coord *c)
{
	for (size_t i = 0; i < c->units.n; i++) {
		struct coord_unit *u = c->units.v[i];

		if (!u || !u->deferred || coord_tool_step_is_pending(u))
			continue;
		u->deferred = false;
		queue_unit_event(u, &u->added_event);
	}
}

const struct coord_wrapper_conn_ops coord_dispatch_wrapper_ops = {
	.on_job_requested = on_job_requested,
	.on_job_closed = on_job_closed,
	.on_fixdep_requested = on_fixdep_requested,
	.on_fixdep_closed = on_fixdep_closed,
};

/* -------------------------------------------------------------- inputs */

static void on_inputs_found(void *ctx, struct inputs_result *result)
{
	struct coord_unit *u = ctx;
	const struct inputs_manifest *m = &result->manifest;
	struct sched_event event = { .kind = SCHED_EV_SCANNED,
				     .reason = result->reason,
				     .input_bytes = result->total_bytes };

	u->coord->stats.scan_us += m->scan_us + m->list_us;
	if (!finish_worker(u))
		return;
	if (result->reason)
		log_debug("%s: not offloaded: %s%s%s", coord_unit_name(u),
			  reason_text(result->reason), m->detail ? ": " : "",
			  m->detail ? m->detail : "");
	u->inputs = *result;
	*result = (struct inputs_result){ 0 };
	queue_unit_event(u, &event);
}

static void start_input_scan(struct coord_unit *u)
{
	struct coord *c = u->coord;
	const struct inputs_request request = {
		.inputs = &c->inputs,
		.pool = c->pool,
		.unit = { .cwd = u->request.cwd,
			  .compiler = u->request.compiler,
			  .toolchain = &u->toolchain->manifest.id,
			  .command = &u->command,
			  .env = strv_list(&u->request.env),
			  .stat_max_age_ns =
				  u->scanned ? 0 :
					       COORD_UNIT_CACHE_MAX_AGE_NS },
		.toolchain = u->toolchain,
		.tool_path = u->step.program,
		.tools = c->tools,
		/* Round up, so that this time is not before the request. */
		.requested_us = (u->start_ms + 1) * 1000,
	};

	u->in_worker = true;
	u->scanned = true;
	inputs_result_release(&u->inputs);
	inputs_collect_start(&request, on_inputs_found, u);
	coord_report_unit_state(u, EVENTS_JOB_SCAN, NULL, NULL);
}

/* -------------------------------------------------------------- sending */

/* Forget the unit's job, so that further messages about it are ignored. */
static void clear_job(struct coord_unit *u)
{
	if (u->job)
		u->coord->units.jobs[u->job] = NULL;
	u->job = 0;
}

void coord_dispatch_job_event(struct coord_unit *u, const struct coord_node *n,
			      struct sched_event *event)
{
	event->node = n->number;
	if (event->kind == SCHED_EV_RESULT ||
	    event->kind == SCHED_EV_JOB_FAILED)
		clear_job(u);
	queue_unit_event(u, event);
}

/*
 * Return true if the compiler would accept $PWD as a name of its working
 * directory.
 */
static bool is_alias_of_cwd(const char *pwd, const char *cwd)
{
	struct stat a, b;

	return strcmp(pwd, cwd) && !stat(pwd, &a) && !stat(cwd, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * Send a unit to a node.  Returns 0 and the job's number, or an error of
 * coord_tool_step_select() or peer_send().
 */
static int send_job(struct coord_unit *u, struct coord_node *n,
		    uint32_t deadline_ms, uint32_t *number)
{
	const struct inputs_result *in = &u->inputs;
	static const enum wire_lang langs[] = {
		[OPTIONS_LANG_C] = WIRE_LANG_C,
		[OPTIONS_LANG_ASM_CPP] = WIRE_LANG_ASM,
		[OPTIONS_LANG_ASM] = WIRE_LANG_PLAIN_ASM,
	};
	struct strv env = { 0 };
	struct peer_job_request q = {
		.lang = langs[u->command.lang],
		.deadline_ms = deadline_ms,
		.cwd = in->manifest.cwd,
		.source = u->command.source,
		.object = u->devicetree.blob ? u->command.object : u->object,
		.sides_named = u->side_outputs.name_in_object,
		.n_side_outputs = u->side_outputs.name_in_object ?
					  (unsigned)u->side_outputs.n :
					  0,
		.flags = &in->flags,
		.entries = in->manifest.entries,
		.n_entries = in->manifest.n_entries,
		.language = in->locale->entries,
		.n_language = in->locale->n_entries,
		.step = (enum wire_step_kind)u->step.kind,
		.arguments = strv_list(u->devicetree.blob ? &u->dtc_arguments :
							    &u->step.args),
	};
	int ret = coord_tool_step_select(u, n);

	if (ret)
		return ret;
	q.tool = u->cross_tool ? u->cross_tool : in->tool;
	for (size_t i = 0; i < u->request.env.n; i++) {
		const char *entry = u->request.env.v[i];

		if (options_env_is_allowed(entry) &&
		    (!str_starts(entry, "PWD=") ||
		     is_alias_of_cwd(entry + 4, u->request.cwd)))
			strv_add(&env, entry);
	}
	q.env = strv_list(&env);
	ret = peer_send(n->peer, u->toolchain, &q, number);
	strv_release(&env);
	return ret;
}

/* Map an error of send_job() to the reason for the user. */
static enum reason send_failure_reason(int ret)
{
	switch (ret) {
	case -ENOSPC:
		return REASON_MANY_NAMES;
	case -ESTALE:
		return REASON_COMPILER_CHANGED;
	case -ENOTSUP:
		return REASON_NO_STEPS;
	default:
		return REASON_MANY_OPTIONS;
	}
}

static void send_unit(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = find_unit(c, a->unit);
	struct coord_node *n = c->nodes.v[a->node];
	struct sched_event event = { .kind = SCHED_EV_SEND_FAILED,
				     .node = a->node };
	uint32_t number;
	int ret;

	if (peer_toolchain_state(n->peer, u->toolchain) !=
	    PEER_TOOLCHAIN_READY) {
		/*
		 * The sandbox was closed or the node was lost; the event that
		 * reports this is already queued.
		 */
		event.kind = SCHED_EV_JOB_FAILED;
		event.fail = SCHED_FAIL_TOOLCHAIN;
		queue_unit_event(u, &event);
		return;
	}
	ret = send_job(u, n, a->deadline_ms, &number);
	if (ret) {
		event.reason = send_failure_reason(ret);
		queue_unit_event(u, &event);
		return;
	}
	while (c->units.n_jobs <= number)
		*VEC_ADD(c->units.jobs, c->units.n_jobs) = NULL;
	c->units.jobs[number] = u;
	u->job = number;
	u->node_name = n->entry->name;
	coord_report_unit_state(u, EVENTS_JOB_SEND, u->node_name, NULL);
}

/* --------------------------------------------------------- verification */

static void verify_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	coord_verify_result(&u->verification);
	/* The recipe runs fixdep next: give it the verified inputs. */
	if (u->verification.verdict == SCHED_VERDICT_VALID && u->dep)
		inputs_fixdep_add_verified(u->coord->fixdep,
					   u->verification.manifest,
					   u->request.cwd, u->dep);
}

static void on_result_verified(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	const struct coord_verify_result_job *e = &u->verification;
	struct sched_event event = { .kind = SCHED_EV_VERIFIED,
				     .verdict = e->verdict,
				     .reason = e->reason,
				     .text = e->err.text };

	u->coord->stats.check_us += e->cpu_us;
	if (!finish_worker(u))
		return;
	if (e->verdict == SCHED_VERDICT_WRONG)
		log_warning("node %s: %s: %s", u->node_name, coord_unit_name(u),
			    e->err.text);
	else if (e->verdict != SCHED_VERDICT_VALID)
		log_debug("%s: %s%s%s", coord_unit_name(u),
			  e->reason ? reason_text(e->reason) : "input changed",
			  *e->err.text ? ": " : "", e->err.text);
	coord_tool_step_record_check(u);
	/* Events caused by this check precede the verdict in the queue. */
	inputs_toolchain_check(u->toolchain, u->start_ms);
	queue_unit_event(u, &event);
}

static void start_verification(struct coord *c, struct coord_unit *u)
{
	u->verification = (struct coord_verify_result_job){
		.result = &u->result,
		.manifest = &u->inputs.manifest,
		.command = &u->command,
		.flags = &u->inputs.flags,
		.cwd = u->request.cwd,
		.reference_object = buf_bytes(&u->reference->object),
		.object_tmp = u->object_tmp,
		.dep_tmp = u->dep_tmp,
		.side_outputs = &u->side_outputs,
		.side_tmp = u->side_tmps,
		.to_terminal = u->request.tty_stderr,
		.tool = u->inputs.tool,
		.devicetree = u->devicetree.blob ? &u->devicetree : NULL,
		.genksyms_check = coord_tool_step_prepare_check(u),
	};
	u->in_worker = true;
	u->work.run = verify_on_thread;
	u->work.on_done = on_result_verified;
	pool_add(c->pool, &u->work);
	coord_report_unit_progress(u, EVENTS_JOB_RECEIVE);
}

/* ---------------------------------------------------------- local compile */

static void on_hedge_finished(struct coord_unit *u, bool good)
{
	struct sched_event event = { .kind = SCHED_EV_HEDGE_DONE,
				     .text = coord_unit_name(u) };

	if (!good)
		event.reason = REASON_NODE_SLOW;
	else if (u->request.tty_stderr && u->diagnostics.len)
		/*
		 * The diagnostics lack the colours and width of the terminal.
		 */
		event.reason = REASON_TERMINAL;
	queue_unit_event(u, &event);
}

static void start_unit_hedge(struct coord_unit *u)
{
	struct sched_event event = { .kind = SCHED_EV_HEDGE_FAILED };
	struct err err;

	if (!coord_hedge_start(u, on_hedge_finished, &err)) {
		coord_report_hedge(u, reason_text(REASON_NODE_SLOW));
		return;
	}
	log_debug("%s: %s", coord_unit_name(u), err.text);
	queue_unit_event(u, &event);
}

static void deliver_outputs(struct coord *c, const struct sched_action *a)
{
	static char none[] = "";
	struct coord_unit *u = find_unit(c, a->unit);
	const struct buf *stream = u->result.streams;
	bool local = a->node == SCHED_LOCAL;
	struct wire_cc_rename side[OPTIONS_SIDE_OUTPUTS_MAX];
	struct wire_cc_done done = {
		.n_sides = (uint8_t)u->side_outputs.n,
		.sides = side,
		.dep_tmp = u->dep ? u->dep_tmp : none,
		.dep = u->dep ? u->dep : none,
		.object_tmp = u->object_tmp ? u->object_tmp : none,
		.object = u->object_tmp ? u->object : none,
		.err = buf_bytes(&stream[WIRE_OUTPUT_STDERR]),
	};

	for (size_t i = 0; i < u->side_outputs.n; i++)
		side[i] = (struct wire_cc_rename){ u->side_tmps[i],
						   u->side_outputs.path[i] };
	if (local)
		done.err = buf_bytes(&u->diagnostics);
	else if (!u->devicetree.blob) /* dtc's stdout is the blob, in a file */
		done.out = buf_bytes(&stream[WIRE_OUTPUT_STDOUT]);
	coord_report_unit_done(u, local ? EVENTS_LOCAL : u->node_name,
			       local ? reason_text(a->reason) : NULL,
			       a->n_retries);
	if (u->conn)
		coord_wrapper_conn_send_done(u->conn, &done);
}

/* -------------------------------------------------------------- actions */

static void execute_unit_action(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = find_unit(c, a->unit);

	switch (a->kind) {
	case SCHED_ACT_SCAN:
		start_input_scan(u);
		break;
	case SCHED_ACT_SEND:
		send_unit(c, a);
		break;
	case SCHED_ACT_CANCEL:
		if (u->job)
			peer_cancel(c->nodes.v[a->node]->peer, u->job);
		clear_job(u);
		break;
	case SCHED_ACT_VERIFY:
		start_verification(c, u);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
		coord_unit_remove_temporaries(u);
		if (u->conn)
			coord_wrapper_conn_send_local(u->conn,
						      reason_text(a->reason));
		coord_report_unit_state(u, EVENTS_JOB_RUN, EVENTS_LOCAL,
					reason_text(a->reason));
		break;
	case SCHED_ACT_HEDGE:
		start_unit_hedge(u);
		break;
	case SCHED_ACT_STOP_HEDGE:
		coord_hedge_stop(u);
		break;
	case SCHED_ACT_DELIVER:
		deliver_outputs(c, a);
		break;
	default:
		coord_report_unit_done(u, EVENTS_LOCAL, reason_text(a->reason),
				       a->n_retries);
	}
}

static void execute_node_action(struct coord *c, const struct sched_action *a)
{
	const struct coord_node *n = c->nodes.v[a->node];
	const struct sched_event no_probe = { .kind = SCHED_EV_PROBE_DONE,
					      .node = a->node,
					      .probe = SCHED_PROBE_IMPOSSIBLE };

	switch (a->kind) {
	case SCHED_ACT_DIAL:
		peer_dial(n->peer);
		break;
	case SCHED_ACT_DISCONNECT:
		peer_disconnect(n->peer);
		break;
	case SCHED_ACT_RECONNECT:
		peer_end_session(n->peer);
		break;
	case SCHED_ACT_PROBE:
		if (!peer_send_known_answer(n->peer))
			coord_dispatch_event(c, &no_probe);
		break;
	default:
		coord_report_node_state(n, sched_node_state_name(a->state),
					a->text);
	}
}

static void apply_sched_event(struct coord *c, const struct sched_event *event)
{
	struct sched_action action;

	sched_event(c->sched, clock_ms(), event);
	while (sched_next_action(c->sched, &action)) {
		if (action.kind < SCHED_ACT_DIAL)
			execute_unit_action(c, &action);
		else
			execute_node_action(c, &action);
	}
}

static bool is_unit_event(const struct sched_event *event)
{
	return event->kind > SCHED_EV_TIME && event->kind <= SCHED_EV_UNIT_GONE;
}

void coord_dispatch(struct coord *c)
{
	static const struct sched_event time = { .kind = SCHED_EV_TIME };
	uint64_t at, now, ms;

	/* The array can move while an event is processed: copy the element. */
	for (size_t i = 0; i < c->queue.n; i++) {
		struct coord_pending_event pending = c->queue.v[i];
		struct coord_unit *u = is_unit_event(&pending.event) ?
					       find_unit(c,
							 pending.event.unit) :
					       NULL;

		pending.event.text = pending.words;
		apply_sched_event(c, &pending.event);
		free(pending.words);
		if (!u)
			continue;
		if (pending.event.kind == SCHED_EV_UNIT_GONE)
			coord_report_wrapper_closed(u);
		u->n_pending_events--;
		free_if_finished(u);
	}
	c->queue.n = 0;
	if (sched_next_ms(c->sched) <= clock_ms())
		apply_sched_event(c, &time);

	at = sched_next_ms(c->sched);
	now = clock_ms();
	if (at == c->timers.sched_ms)
		return;
	c->timers.sched_ms = at;
	ms = at > now ? at - now : 0;
	if (at == UINT64_MAX)
		event_del(c->timers.sched);
	else
		event_add(c->timers.sched,
			  &(struct timeval){
				  .tv_sec = (time_t)(ms / 1000),
				  .tv_usec = (suseconds_t)(ms % 1000) * 1000 });
}

void coord_dispatch_stop(struct coord *c)
{
	atomic_store(&c->ending, true);
	for (size_t i = 0; i < c->queue.n; i++) {
		const struct coord_pending_event *pending = &c->queue.v[i];

		if (is_unit_event(&pending->event))
			find_unit(c, pending->event.unit)->n_pending_events--;
		free(pending->words);
	}
	c->queue.n = 0;
	for (size_t i = 0; i < c->units.n; i++) {
		if (c->units.v[i])
			coord_hedge_stop(c->units.v[i]);
	}
}
