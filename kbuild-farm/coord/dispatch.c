/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events are queued and passed to the dispatcher from the loop, one at a time.
 * All actions of an event are executed before the next event, because an action
 * can cause new events, and a node must not be called from its own callback.
 *
 * A unit is freed when its wrapper has closed the connection, no worker thread
 * uses the unit, and no queued event refers to it.  When the wrapper of a
 * dispatched unit closes the connection, a SCHED_EV_UNIT_GONE is queued, so the
 * dispatcher must process this event before the unit is freed.
 */
#include "coord/dispatch.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/caching.h"
#include "coord/compile.h"
#include "coord/failure.h"
#include "coord/hedge.h"
#include "coord/internal.h"
#include "coord/report-events.h"
#include "coord/tool-step.h"
#include "coord/unit.h"
#include "coord/wrapper-conn.h"
#include "inputs/fixdep.h"
#include "inputs/toolchain.h"
#include "options/command.h"
#include "options/env.h"
#include "peer/peer.h"
#include "wire/limits.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* nice(1) value of local compiles while all nodes are busy */
#define BUSY_NICE 10

/* -------------------------------------------------------------- events */

static struct coord_unit *find_unit(const struct coord *c, uint32_t number)
{
	return number < c->units.n ? c->units.v[number] : NULL;
}

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

/*
 * Queue an event of a unit.  The unit is not freed before the event has been
 * processed.
 */
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
	coord_compile_stop(u);
	coord_unit_free(u);
}

/*
 * Record that no worker thread uses the unit any more.  Returns false if the
 * build is ending; in this case, the unit may have been freed.
 */
static bool finish_worker(struct coord_unit *u)
{
	bool ending = u->coord->ending;

	u->in_worker = false;
	if (ending)
		free_if_finished(u);
	return !ending;
}

/*
 * Like finish_worker(), but for the work of the result cache, whose end is not
 * reported to the dispatcher.  Also returns false if the wrapper has closed the
 * connection; in this case, too, the unit may have been freed.
 */
static bool finish_cache_worker(struct coord_unit *u)
{
	bool left = u->coord->ending || !u->conn;

	u->in_worker = false;
	if (left)
		free_if_finished(u);
	return !left;
}

static void queue_added(struct coord_unit *u, struct sched_event *added)
{
	u->dispatched = true;
	u->coord->units.n_dispatched++;
	queue_unit_event(u, added);
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

static uint32_t get_object_format_number(struct coord *c,
					 struct inputs_reference_object *ref)
{
	if (!ref->user_number) {
		ref->user_number = ++c->units.n_object_formats;
		coord_dispatch_on_reference(c, ref);
	}
	return ref->user_number - 1;
}

static enum sched_status to_sched_status(enum inputs_state state)
{
	static const enum sched_status as[] = {
		[INPUTS_STATE_UNKNOWN] = SCHED_STATUS_UNKNOWN,
		[INPUTS_STATE_READY] = SCHED_STATUS_READY,
		[INPUTS_STATE_UNVERIFIED] = SCHED_STATUS_UNVERIFIED,
		[INPUTS_STATE_UNUSABLE] = SCHED_STATUS_UNUSABLE,
	};

	return as[state];
}

void coord_dispatch_toolchain(struct coord *c, struct inputs_toolchain *tc)
{
	struct sched_event event = {
		.kind = SCHED_EV_TOOLCHAIN,
		.toolchain = coord_dispatch_get_toolchain_number(c, tc),
		.status = to_sched_status(tc->state),
		.reason = tc->reason
	};

	coord_dispatch_event(c, &event);
}

void coord_dispatch_on_reference(void *ctx, struct inputs_reference_object *ref)
{
	struct coord *c = ctx;
	struct sched_event event = { .kind = SCHED_EV_OBJECT_FORMAT,
				     .object_format = get_object_format_number(
					     c, ref),
				     .status = to_sched_status(ref->state) };

	coord_dispatch_event(c, &event);
}

/*
 * Return true if a new unit runs locally because the build does not need a node
 * yet.  If the roster has only pools, the build needs no node until the first
 * member of a pool has been started.  If the nodes are dialed on demand, the
 * build needs no node before they are dialed; from then until the first node is
 * up, it needs a node only if no local slot is free.
 */
static bool is_node_unneeded(const struct coord *c)
{
	struct sched_counts counts;

	if (c->demand.roster && node_roster_has_nodes(c->demand.roster))
		return true;
	if (!c->nodes.n)
		return c->nodes.roster->n_pools;
	if (!c->demand.waiting)
		return false;
	sched_counts(c->sched, &counts);
	return counts.n_running + counts.n_queued < c->setup.local_slots;
}

/*
 * Pass a unit to the dispatcher, or defer it until its tool has been
 * cross-built.
 */
static void add_unit(struct coord_unit *u)
{
	struct coord *c = u->coord;
	struct sched_event added = { .kind = SCHED_EV_UNIT_ADDED };
	int64_t cost_ms = coord_report_past_cost_ms(u);

	/* If caching is enabled, coord_caching_find() has done this check. */
	if (!u->caching.enabled &&
	    (u->command.class == OPTIONS_CLASS_LOCAL || c->nodes.n))
		added.reason = coord_unit_local_reason(u);
	if (!added.reason && is_node_unneeded(c))
		added.reason = REASON_NODES_NOT_NEEDED;
	if (!added.reason && c->nodes.n) {
		u->toolchain = inputs_toolchain_get(&c->toolchains,
						    u->request.compiler,
						    strv_list(&u->request.env));
		u->reference = inputs_reference_object_get(u->toolchain,
							   &u->command);
		added.toolchain = coord_dispatch_get_toolchain_number(
			c, u->toolchain);
		added.object_format = get_object_format_number(c, u->reference);
		/*
		 * An exclusive unit gets no hedge (a concurrent local compile).
		 * A hedge uses another -o, which changes the side outputs and
		 * each output that contains the name of the object.  A hedge
		 * also cannot run tool steps.
		 */
		added.exclusive = u->side_outputs.name_in_object || u->has_step;
		added.steps = coord_tool_step_kind(u);
		if (cost_ms > 0)
			added.cost_ms = cost_ms < UINT32_MAX ?
						(uint32_t)cost_ms :
						UINT32_MAX;
	}
	u->deferred = coord_tool_step_is_pending(u);
	if (u->deferred)
		u->added_event = added;
	else
		queue_added(u, &added);
}

static const struct coord_caching_ops caching_ops = {
	.on_worker_finished = finish_cache_worker,
	.on_not_found = add_unit,
};

static struct coord_unit *on_job_requested(struct coord *c,
					   struct coord_wrapper_conn *client,
					   struct wire_cc_job *ask,
					   struct wire_cc_step *step)
{
	struct coord_unit *u = coord_unit_new(c, ask, step);

	if (!u)
		return NULL;
	u->conn = client;
	u->id = (uint32_t)c->units.n;
	*VEC_ADD(c->units.v, c->units.n) = u;
	if (u->object_tmp && c->setup.on_object)
		c->setup.on_object(c->setup.object_ctx, u->object);
	coord_report_unit_state(u, EVENTS_JOB_QUEUED, NULL, NULL);
	if (u->request.launched && c->setup.on_launcher)
		c->setup.on_launcher(c->setup.launcher_ctx);
	if (!coord_caching_find(u, &caching_ops))
		add_unit(u);
	return u;
}

static void on_job_closed(struct coord_unit *u)
{
	struct sched_event left = { .kind = SCHED_EV_UNIT_GONE,
				    .compiled = coord_failure_is_compiled(u) };

	u->conn = NULL;
	if (u->dispatched)
		queue_unit_event(u, &left);
	else if (u->reported_state != EVENTS_JOB_DONE)
		coord_report_unit_state(u, EVENTS_JOB_ABANDONED, NULL, NULL);
	free_if_finished(u);
}

void coord_dispatch_deferred(struct coord *c)
{
	for (size_t i = 0; i < c->units.n; i++) {
		struct coord_unit *u = c->units.v[i];

		if (!u || !u->deferred || coord_tool_step_is_pending(u))
			continue;
		u->deferred = false;
		queue_added(u, &u->added_event);
	}
}

const struct coord_wrapper_conn_ops coord_dispatch_wrapper_ops = {
	.on_job_requested = on_job_requested,
	.on_job_closed = on_job_closed,
};

/* -------------------------------------------------------------- inputs */

static void on_inputs_found(void *ctx, struct inputs_result *result)
{
	struct coord_unit *u = ctx;
	const struct inputs_manifest *m = &result->manifest;
	struct sched_event event = { .kind = SCHED_EV_SCANNED,
				     .reason = result->reason,
				     .input_bytes = result->total_bytes };

	u->coord->stats.scan_us += m->scan_us;
	if (!finish_worker(u))
		return;
	if (result->reason)
		log_debug("%s: not offloaded: %s%s%s", u->name,
			  reason_text(result->reason), m->detail ? ": " : "",
			  m->detail ? m->detail : "");
	u->inputs = *result;
	*result = (struct inputs_result){ 0 };
	queue_unit_event(u, &event);
}

static void start_input_scan(struct coord_unit *u)
{
	struct inputs_request request;
	struct sched_event event = { .kind = SCHED_EV_SCANNED };

	if (coord_caching_take_inputs(u)) {
		event.reason = u->inputs.reason;
		event.input_bytes = u->inputs.total_bytes;
		queue_unit_event(u, &event);
		return;
	}
	coord_unit_make_scan(u, &request);
	u->in_worker = true;
	inputs_result_release(&u->inputs);
	inputs_collect_start(&request, on_inputs_found, u);
	coord_report_unit_state(u, EVENTS_JOB_SCAN, NULL, NULL);
}

/* -------------------------------------------------------------- sending */

static void register_job(struct coord_unit *u, const struct coord_node *n,
			 uint32_t number)
{
	struct coord *c = u->coord;
	size_t i = u->jobs[0].number ? 1 : 0;

	while (c->units.n_jobs <= number)
		*VEC_ADD(c->units.jobs, c->units.n_jobs) = NULL;
	c->units.jobs[number] = u;
	u->jobs[i].number = number;
	u->jobs[i].node = n;
}

void coord_dispatch_forget_jobs(const struct coord_node *n)
{
	const struct coord_unit_table *units = &n->coord->units;

	for (size_t i = 0; i < units->n_jobs; i++) {
		if (units->jobs[i])
			coord_unit_clear_job(units->jobs[i], n);
	}
}

void coord_dispatch_job_event(struct coord_unit *u, const struct coord_node *n,
			      struct sched_event *event)
{
	event->node = n->number;
	if (event->kind == SCHED_EV_HEARTBEAT)
		coord_report_unit_progress(u, EVENTS_JOB_RUN);
	else if (event->kind == SCHED_EV_OUTPUT)
		coord_report_unit_progress(u, EVENTS_JOB_RECEIVE);
	else
		coord_unit_clear_job(u, n);
	queue_unit_event(u, event);
}

/*
 * Send a unit to a node.  Returns 0 and stores the job's number in *number, or
 * returns an error of coord_tool_step_select() or peer_send().
 */
static int send_job(struct coord_unit *u, struct coord_node *n,
		    const struct sched_action *a, uint32_t *number)
{
	struct peer_job_request q;
	struct strv env = { 0 };
	int ret = coord_tool_step_select(u, n);

	if (ret)
		return ret;
	coord_unit_make_request(u, &q, &env);
	q.deadline_ms = a->deadline_ms;
	q.cost_ms = a->cost_ms;
	q.pinned = a->pinned;
	q.class = (uint8_t)a->class;
	if (u->cross_tool)
		q.tool = u->cross_tool;
	ret = peer_send(n->peer, u->toolchain, &q, number);
	strv_release(&env);
	return ret;
}

/* Convert an error of send_job() to the reason that is shown to the user. */
static enum reason send_failure_reason(int ret)
{
	switch (ret) {
	case -ENOSPC:
		return REASON_MANY_NAMES;
	case -ESTALE:
		return REASON_COMPILER_CHANGED;
	case -ENOTSUP:
		return REASON_NO_STEPS;
	case -EPROTONOSUPPORT:
		return REASON_OLD_NODE;
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
		 * The sandbox was closed or the node was lost.  The event that
		 * reports this change is already queued.
		 */
		event.kind = SCHED_EV_JOB_FAILED;
		event.fail = SCHED_FAIL_TOOLCHAIN;
		queue_unit_event(u, &event);
		return;
	}
	ret = send_job(u, n, a, &number);
	if (ret) {
		event.reason = send_failure_reason(ret);
		queue_unit_event(u, &event);
		return;
	}
	register_job(u, n, number);
	if (a->backup) {
		coord_report_unit_twice(u, n->entry->name);
		return;
	}
	u->node_name = n->entry->name;
	coord_report_unit_state(u, EVENTS_JOB_SEND, u->node_name, NULL);
}

/* --------------------------------------------------------- verification */

static void verify_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	coord_unit_verify(u);
	if (u->verification.verdict == SCHED_VERDICT_VALID)
		coord_caching_store(u);
}

static void on_result_verified(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	const struct coord_verify_result_job *e = &u->verification;
	const char *member = u->result.member;
	struct sched_event event = { .kind = SCHED_EV_VERIFIED,
				     .verdict = e->verdict,
				     .reason = e->reason,
				     .failed = e->failed,
				     .text = e->err.text };

	u->coord->stats.check_us += e->cpu_us;
	if (!finish_worker(u))
		return;
	if (e->verdict == SCHED_VERDICT_WRONG) {
		log_warning("node %s%s%s: %s: %s", u->node_name,
			    member ? "/" : "", member ? member : "", u->name,
			    e->err.text);
		event.excused = member &&
				peer_exclude_member(u->verified_node->peer,
						    member, u->result.wire.job);
	}
	if (e->verdict != SCHED_VERDICT_WRONG &&
	    e->verdict != SCHED_VERDICT_VALID)
		log_debug("%s: %s%s%s", u->name,
			  e->reason ? reason_text(e->reason) : "input changed",
			  *e->err.text ? ": " : "", e->err.text);
	if (e->failed)
		coord_failure_record(u, e->failed, NULL);
	coord_tool_step_record_check(u);
	/*
	 * Check the toolchain before the verdict is queued, so that the events
	 * of a changed toolchain precede the verdict in the queue.
	 */
	inputs_toolchain_check(u->toolchain, u->start_ms);
	queue_unit_event(u, &event);
}

static void start_verification(struct coord *c, struct coord_unit *u)
{
	coord_unit_prepare_verification(u);
	u->verification.genksyms_check = coord_tool_step_prepare_check(u);
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
				     .text = u->name };

	if (!good)
		event.reason = REASON_NODE_SLOW;
	else if (u->request.tty_stderr && u->diagnostics.len)
		/*
		 * The hedge wrote to a file, so its diagnostics lack the
		 * colours and the width of the terminal.
		 */
		event.reason = REASON_TERMINAL;
	queue_unit_event(u, &event);
}

static void start_unit_hedge(struct coord_unit *u)
{
	struct sched_event event = { .kind = SCHED_EV_HEDGE_FAILED };
	struct err err;

	if (!coord_hedge_start(u, on_hedge_finished, &err)) {
		coord_report_unit_twice(u, EVENTS_LOCAL);
		return;
	}
	log_debug("%s: %s", u->name, err.text);
	queue_unit_event(u, &event);
}

static void deliver_outputs(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = find_unit(c, a->unit);
	bool local = a->node == SCHED_LOCAL;

	if (!coord_wrapper_conn_gave_up(u))
		coord_report_unit_done(u, local ? EVENTS_LOCAL : u->node_name,
				       local ? reason_text(a->reason) : NULL,
				       a);
	/*
	 * If the hedge was faster, drop the result of the node, because
	 * coord_unit_send_outputs() sends the stdout of u->result.
	 */
	if (local)
		peer_job_result_release(&u->result);
	coord_unit_send_outputs(
		u, local ? buf_bytes(&u->diagnostics) :
			   buf_bytes(&u->result.streams[WIRE_OUTPUT_STDERR]));
}

/* -------------------------------------------------------------- actions */

void coord_dispatch_dial(struct coord_node *n)
{
	/*
	 * The dispatcher can still dial an excluded node while the event that
	 * excludes the node is queued.
	 */
	if (n->duplicate_key)
		return;
	n->dial_pending = peer_is_ending(n->peer);
	if (n->dial_pending)
		return;
	n->dialed_ms = clock_ms();
	peer_dial(n->peer);
}

/*
 * Drop the queued events of a session that the dispatcher ends.  If the
 * dispatcher dials the node again at once, it would mistake these events for
 * events of the new session.  Events with `permanent` set remain queued,
 * because they exclude the node.
 */
static void drop_session_events(struct coord *c, uint32_t node)
{
	for (size_t i = 0; i < c->queue.n; i++) {
		struct sched_event *ev = &c->queue.v[i].event;

		if (ev->kind >= SCHED_EV_NODE_FIT &&
		    ev->kind <= SCHED_EV_IDS_EXHAUSTED && ev->node == node &&
		    !ev->permanent)
			ev->kind = SCHED_EV_TIME;
	}
}

static void execute_action(struct coord *c, const struct sched_action *a)
{
	bool of_unit = a->kind < SCHED_ACT_DIAL;
	struct coord_unit *u = of_unit ? find_unit(c, a->unit) : NULL;
	struct coord_node *n = of_unit || a->kind == SCHED_ACT_REPORT_DISABLED ?
				       NULL :
				       c->nodes.v[a->node];
	const struct sched_event no_probe = { .kind = SCHED_EV_PROBE_DONE,
					      .node = a->node,
					      .probe = SCHED_PROBE_IMPOSSIBLE };
	uint32_t job;

	c->nodes.changed |= !of_unit;
	switch (a->kind) {
	case SCHED_ACT_SCAN:
		start_input_scan(u);
		break;
	case SCHED_ACT_SEND:
		send_unit(c, a);
		break;
	case SCHED_ACT_CANCEL:
		n = c->nodes.v[a->node];
		job = coord_unit_clear_job(u, n);
		if (job)
			peer_cancel(n->peer, job);
		break;
	case SCHED_ACT_VERIFY:
		start_verification(c, u);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
		coord_unit_remove_temporaries(u);
		coord_report_unit_state(u, EVENTS_JOB_RUN, EVENTS_LOCAL,
					reason_text(a->reason));
		if (coord_compile_start(u, a->reason))
			break;
		coord_failure_watch_object(u);
		/*
		 * Do not let this compile delay make and the scans, which
		 * supply the busy nodes with jobs.
		 */
		if (a->reason == REASON_NODES_BUSY && u->conn &&
		    u->request.pid > 0)
			setpriority(PRIO_PROCESS, (id_t)u->request.pid,
				    BUSY_NICE);
		if (u->conn)
			coord_wrapper_conn_send_local(u->conn,
						      reason_text(a->reason));
		break;
	case SCHED_ACT_HEDGE:
		start_unit_hedge(u);
		break;
	case SCHED_ACT_STOP_HEDGE:
		/*
		 * If the hedge has ended while another event was queued, its
		 * outputs have the names that the verification creates.
		 */
		if (!u->hedge)
			coord_unit_remove_temporaries(u);
		coord_hedge_stop(u);
		break;
	case SCHED_ACT_DELIVER:
		deliver_outputs(c, a);
		break;
	case SCHED_ACT_LOCAL_DONE:
		/* The wrapper may have given up before it received CC_LOCAL. */
		if (!coord_wrapper_conn_gave_up(u))
			coord_report_unit_done(u, EVENTS_LOCAL,
					       reason_text(a->reason), a);
		break;
	case SCHED_ACT_DIAL:
		coord_dispatch_dial(n);
		break;
	case SCHED_ACT_DISCONNECT:
		n->dial_pending = false;
		peer_disconnect(n->peer);
		coord_dispatch_forget_jobs(n);
		drop_session_events(c, a->node);
		break;
	case SCHED_ACT_RECONNECT:
		peer_end_session(n->peer);
		drop_session_events(c, a->node);
		break;
	case SCHED_ACT_PROBE:
		if (!peer_send_known_answer(n->peer))
			coord_dispatch_event(c, &no_probe);
		break;
	case SCHED_ACT_REPORT_NODE:
		coord_report_node_state(n, sched_node_state_name(a->state),
					a->text);
		break;
	case SCHED_ACT_REPORT_DISABLED:
		coord_failure_report_disabled(c, a);
		break;
	}
}

static void apply_sched_event(struct coord *c, const struct sched_event *event)
{
	struct sched_action action;

	sched_event(c->sched, clock_ms(), event);
	while (sched_next_action(c->sched, &action))
		execute_action(c, &action);
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

		c->nodes.changed |= !is_unit_event(&pending.event);
		pending.event.text = pending.words;
		apply_sched_event(c, &pending.event);
		free(pending.words);
		if (!u)
			continue;
		if (pending.event.kind == SCHED_EV_RESULT)
			u->result_node = NULL;
		if (pending.event.kind == SCHED_EV_UNIT_GONE &&
		    u->reported_state != EVENTS_JOB_DONE)
			coord_report_unit_state(u, EVENTS_JOB_ABANDONED, NULL,
						NULL);
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
		struct coord_unit *u = c->units.v[i];

		if (!u)
			continue;
		coord_hedge_stop(u);
		/*
		 * If the child has already exited, do not remove the outputs,
		 * because a worker thread may still read them.
		 */
		if (u->caching.child)
			coord_compile_stop(u);
	}
}

void coord_dispatch_free_units(struct coord *c)
{
	for (size_t i = 0; i < c->units.n; i++) {
		if (c->units.v[i])
			free_if_finished(c->units.v[i]);
	}
}
