/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/events.h"

#include "base/str.h"
#include "base/vec.h"
#include "sched/node.h"
#include "sched/unit.h"

#include <stdlib.h>

#define STARVING_MILLI       250 /* thousandths of a core */
#define OBSERVE_MIN_MS       5000 /* minimum time of the unit on the node */
#define TRIAL_OBSERVE_MIN_MS 1500

/*
 * Retry the node's units elsewhere.  A unit with a hedge (a concurrent local
 * compile) stays, because its first valid result wins.
 */
static void retry_unhedged_units(struct sched *s, struct sched_node *n)
{
	enum sched_event_kind by = s->cause;
	struct sched_unit *u, *next;

	s->cause = SCHED_EV_NODE_LOST;
	list_for_each_safe(u, &n->units, entry, next) {
		if (u->hedged)
			continue;
		sched_unit_cancel(s, u);
		sched_unit_retry(s, u, REASON_NODE_SLOW);
		n->n_retries++;
	}
	s->cause = by;
}

void sched_starvation_check(struct sched *s, struct sched_unit *u,
			    const char *words)
{
	struct sched_node *n = u->node;
	bool trial = sched_model_window_is_trial(&n->window, n->n_slots);
	uint64_t ran_ms = s->now_ms - u->share_at_send.since_ms;
	unsigned all = sched_model_share_total_milli(
		&n->share, &u->share_at_send, s->now_ms);
	unsigned each = sched_model_share_per_unit_milli(
		&n->share, &u->share_at_send, s->now_ms);
	char *text;

	if (n->state != SCHED_NODE_UP || each >= STARVING_MILLI)
		return;
	/*
	 * Ignore a unit that was on the node for less time: it may have waited
	 * for its inputs.
	 */
	if (ran_ms < (trial ? TRIAL_OBSERVE_MIN_MS : OBSERVE_MIN_MS))
		return;
	text = all ? xasprintf("%s: jobs get %u %% of a core", words,
			       (each + 5) / 10) :
		     xstrdup(words);
	if (all < STARVING_MILLI) {
		sched_model_window_shrink(&n->window, n->n_slots, 1);
		sched_node_add_fault(s, n, false, text);
		retry_unhedged_units(s, n);
	} else {
		sched_node_shrink_window(s, n, (all + 500) / 1000, text);
	}
	free(text);
}

/* Return the toolchain with this number.  It is created at the first use. */
static struct sched_toolchain *get_sched_toolchain(struct sched *s,
						   uint32_t number)
{
	if (number < s->n_toolchains)
		return s->toolchains[number];
	while (s->n_toolchains <= number) {
		struct sched_toolchain *tc = xcalloc(1, sizeof(*tc));

		sched_node_add_sandboxes(s, tc);
		TAILQ_INIT(&tc->new_units);
		TAILQ_INIT(&tc->to_scan);
		TAILQ_INIT(&tc->ready);
		TAILQ_INIT(&tc->held);
		*VEC_ADD(s->toolchains, s->n_toolchains) = tc;
	}
	for (size_t i = 0; i < s->n_nodes; i++)
		sched_node_refresh(s, s->nodes[i]);
	return s->toolchains[number];
}

static enum sched_status *get_object_format(struct sched *s, uint32_t number)
{
	while (s->n_object_formats <= number)
		*VEC_ADD(s->object_formats,
			 s->n_object_formats) = SCHED_STATUS_UNKNOWN;
	return &s->object_formats[number];
}

static struct sched_node *event_node(struct sched *s,
				     const struct sched_event *ev)
{
	if (ev->node >= s->n_nodes)
		sched_abort_impossible("node event", "unknown", ev->node);
	return s->nodes[ev->node];
}

static void admit_unit(struct sched *s, struct sched_unit *u)
{
	enum sched_status object = *get_object_format(s, u->object_format);

	if (u->toolchain->status == SCHED_STATUS_UNUSABLE)
		sched_unit_queue_local(s, u, u->toolchain->reason);
	else if (object == SCHED_STATUS_UNUSABLE)
		sched_unit_queue_local(s, u, REASON_UNKNOWN_OBJECT);
	else if (u->toolchain->status == SCHED_STATUS_READY &&
		 object == SCHED_STATUS_READY)
		sched_unit_queue(s, u, SCHED_UNIT_TO_SCAN);
}

static void admit_new_units(struct sched *s, struct sched_toolchain *tc)
{
	struct sched_unit *u, *next;

	list_for_each_safe(u, &tc->new_units, entry, next) {
		admit_unit(s, u);
	}
}

static void on_unit_added(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_new(s, ev->unit);
	enum reason why = ev->reason;

	if (!why && !s->n_nodes)
		why = s->setup.remote_disabled ? REASON_NO_REMOTE :
						 REASON_NO_NODES;
	if (why) {
		sched_unit_queue_local(s, u, why);
		return;
	}
	u->toolchain = get_sched_toolchain(s, ev->toolchain);
	u->object_format = ev->object_format;
	u->exclusive = ev->exclusive;
	u->steps = ev->steps;
	sched_unit_queue(s, u, SCHED_UNIT_NEW);
	admit_unit(s, u);
}

static void on_scanned(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_get_or_abort(s, ev->unit);
	bool waits = u->state == SCHED_UNIT_SCAN;

	sched_unit_finish_work(s, u);
	if (!waits)
		return;
	u->input_bytes = ev->input_bytes;
	if (ev->reason)
		sched_unit_queue_local(s, u, ev->reason);
	else
		sched_unit_queue(s, u, SCHED_UNIT_READY);
}

/* Retry the units of a lost node: it will not send results. */
static void retry_lost_units(struct sched *s, struct sched_node *n)
{
	enum sched_event_kind by = s->cause;
	struct sched_unit *u;

	if (n->state != SCHED_NODE_DOWN && n->state != SCHED_NODE_EXCLUDED)
		return;
	s->cause = SCHED_EV_NODE_LOST;
	while ((u = TAILQ_FIRST(&n->units))) {
		n->n_retries++;
		sched_unit_retry(s, u, REASON_NODE_LOST);
	}
	s->cause = by;
}

static void on_job_failed(struct sched *s, struct sched_unit *u,
			  const struct sched_event *ev)
{
	static const enum reason reasons[] = {
		[SCHED_FAIL_UNSUPPORTED] = REASON_OPTION_REFUSED,
		[SCHED_FAIL_TOOLCHAIN] = REASON_NO_TOOLCHAIN,
		[SCHED_FAIL_NODE] = REASON_NODES_FAILED,
		[SCHED_FAIL_VOID] = REASON_RESULT_VOID,
		[SCHED_FAIL_DEADLINE] = REASON_NODE_SLOW,
		[SCHED_FAIL_BUSY] = REASON_NODES_BUSY,
		[SCHED_FAIL_INPUT] = REASON_INPUT_MISSING,
	};
	enum reason why = reasons[ev->fail];

	if (ev->fail == SCHED_FAIL_UNSUPPORTED || ev->fail == SCHED_FAIL_VOID) {
		sched_unit_queue_local(s, u, why);
	} else if (ev->fail == SCHED_FAIL_INPUT && u->n_rescans) {
		/*
		 * The unit was rescanned before, and the node still lacks an
		 * input.
		 */
		sched_unit_queue_local(s, u, why);
	} else if (ev->fail == SCHED_FAIL_INPUT) {
		sched_unit_rescan(s, u, why);
	} else {
		sched_unit_retry(s, u, why);
	}
	/* A node that is busy or exceeds the deadline has not failed. */
	if (ev->fail == SCHED_FAIL_NODE) {
		u->node->n_retries++;
		sched_node_add_suspicion(s, u->node, ev->text);
	} else if (ev->fail == SCHED_FAIL_DEADLINE) {
		sched_starvation_check(s, u, ev->text);
	}
}

/*
 * Handle a node's event about a unit.  Ignore the event if the unit is no
 * longer on that node.
 */
static void on_remote_event(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_find(s, ev->unit);
	struct sched_node *n = event_node(s, ev);

	if (!u || u->state != SCHED_UNIT_REMOTE || u->node != n)
		return;
	switch (ev->kind) {
	case SCHED_EV_SEND_FAILED:
		if (ev->reason == REASON_MANY_NAMES) {
			sched_unit_retry(s, u, ev->reason);
			sched_node_set_ids_exhausted(s, n);
		} else {
			sched_unit_queue_local(s, u, ev->reason);
		}
		break;
	case SCHED_EV_HEARTBEAT:
		if (sched_unit_add_cpu_time(u, ev->cpu_ms))
			u->progress_ms = s->now_ms;
		break;
	case SCHED_EV_OUTPUT:
		u->progress_ms = s->now_ms;
		break;
	case SCHED_EV_RESULT:
		sched_unit_verify(s, u, ev->cpu_ms);
		break;
	default:
		on_job_failed(s, u, ev);
	}
}

static void apply_verdict(struct sched *s, struct sched_unit *u)
{
	char *text;

	if (u->toolchain->status == SCHED_STATUS_UNUSABLE) {
		sched_unit_queue_local(s, u, u->toolchain->reason);
		return;
	}
	if (u->verdict == SCHED_VERDICT_WRONG) {
		text = xasprintf("wrong result: %s", u->verdict_text);
		sched_unit_retry(s, u, REASON_WRONG_ANSWERS);
		u->node->n_retries++;
		sched_node_add_fault(s, u->node, true, text);
		retry_lost_units(s, u->node);
		free(text);
		return;
	}
	u->node->n_jobs++;
	sched_node_add_success(s, u->node);
	if (u->verdict == SCHED_VERDICT_UNUSABLE) {
		sched_unit_queue_local(s, u, u->verdict_reason);
	} else if (u->verdict == SCHED_VERDICT_INPUTS_CHANGED) {
		sched_unit_rescan(s, u, REASON_INPUTS_CHANGE);
	} else {
		sched_model_cost_add_sample(&s->cost, u->input_bytes,
					    u->cpu_ms);
		sched_unit_deliver(s, u, REASON_NONE);
	}
}

static void on_verified(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_get_or_abort(s, ev->unit);
	bool waits = u->state == SCHED_UNIT_CHECK;

	sched_unit_finish_work(s, u);
	if (!waits)
		return;
	u->verdict = ev->verdict;
	u->verdict_reason = ev->reason;
	free(u->verdict_text);
	u->verdict_text = ev->text ? xstrdup(ev->text) : NULL;
	if (u->toolchain->status == SCHED_STATUS_UNVERIFIED)
		sched_unit_queue(s, u, SCHED_UNIT_HELD);
	else
		apply_verdict(s, u);
}

static void on_toolchain(struct sched *s, const struct sched_event *ev)
{
	struct sched_toolchain *tc = get_sched_toolchain(s, ev->toolchain);
	bool is_new = tc->status == SCHED_STATUS_UNKNOWN;
	struct sched_unit *u;

	for (size_t i = 0; is_new && i < s->n_nodes; i++)
		sched_node_set_sandbox(s, s->nodes[i], tc,
				       SCHED_SANDBOX_REQUESTED, false);
	tc->status = ev->status;
	tc->reason = ev->reason;
	tc->recheck_ready = true;
	admit_new_units(s, tc);
	while (tc->status != SCHED_STATUS_UNVERIFIED &&
	       (u = TAILQ_FIRST(&tc->held)))
		apply_verdict(s, u);
}

static void on_hedge_done(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_get_or_abort(s, ev->unit);
	bool beaten = u->state == SCHED_UNIT_REMOTE;
	char *text;

	sched_unit_end_hedge(s, u);
	sched_unit_cancel(s, u);
	if (ev->reason) {
		sched_unit_queue_local(s, u, ev->reason);
		return;
	}
	sched_unit_deliver(s, u, REASON_NODE_SLOW);
	if (!beaten)
		return;
	text = xasprintf("%s finished sooner on the build host", ev->text);
	sched_starvation_check(s, u, text);
	free(text);
}

static void on_sandbox_changed(struct sched *s, const struct sched_event *ev)
{
	struct sched_toolchain *tc = get_sched_toolchain(s, ev->toolchain);
	struct sched_node *n = event_node(s, ev);
	struct sched_unit *u, *next;

	sched_node_set_sandbox(s, n, tc, ev->sandbox, ev->steps);
	list_for_each_safe(u, &n->units, entry, next) {
		if (ev->sandbox != SCHED_SANDBOX_STALE || u->toolchain != tc)
			continue;
		sched_unit_cancel(s, u);
		sched_unit_rescan(s, u, REASON_INPUTS_CHANGE);
	}
}

void sched_handle_event(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u;
	struct sched_node *n;

	switch (ev->kind) {
	case SCHED_EV_TIME:
		break;
	case SCHED_EV_UNIT_ADDED:
		on_unit_added(s, ev);
		break;
	case SCHED_EV_SCANNED:
		on_scanned(s, ev);
		break;
	case SCHED_EV_SEND_FAILED:
	case SCHED_EV_HEARTBEAT:
	case SCHED_EV_OUTPUT:
	case SCHED_EV_RESULT:
	case SCHED_EV_JOB_FAILED:
		on_remote_event(s, ev);
		break;
	case SCHED_EV_VERIFIED:
		on_verified(s, ev);
		break;
	case SCHED_EV_HEDGE_DONE:
		on_hedge_done(s, ev);
		break;
	case SCHED_EV_HEDGE_FAILED:
		u = sched_unit_find(s, ev->unit);
		if (!u || !u->hedged)
			break;
		sched_unit_end_hedge(s, u);
		/*
		 * While a hedge runs, a unit stays in its queue even if no node
		 * is left for it.  Check for this now.
		 */
		u->toolchain->recheck_ready = true;
		break;
	case SCHED_EV_UNIT_GONE:
		sched_unit_remove(s, sched_unit_get_or_abort(s, ev->unit));
		break;
	case SCHED_EV_TOOLCHAIN:
		on_toolchain(s, ev);
		break;
	case SCHED_EV_OBJECT_FORMAT:
		*get_object_format(s, ev->object_format) = ev->status;
		for (size_t i = 0; i < s->n_toolchains; i++)
			admit_new_units(s, s->toolchains[i]);
		break;
	case SCHED_EV_SANDBOX:
		on_sandbox_changed(s, ev);
		break;
	case SCHED_EV_NODE_ADDED:
		if (ev->node != s->n_nodes)
			sched_abort_impossible("node added", "out of order",
					       ev->node);
		sched_node_add(s);
		for (size_t i = 0; i < s->n_toolchains; i++)
			sched_node_set_sandbox(s, s->nodes[ev->node],
					       s->toolchains[i],
					       SCHED_SANDBOX_NONE, false);
		break;
	case SCHED_EV_LOCAL_SLOTS:
		s->setup.n_local_slots = ev->n_slots ? ev->n_slots : 1;
		break;
	default: /* an event of a node or its connection */
		n = event_node(s, ev);
		sched_node_handle_event(s, n, ev);
		retry_lost_units(s, n);
	}
}
