/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/node.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/dispatch.h"
#include "coord/failure.h"
#include "coord/report-events.h"
#include "coord/tool-step.h"
#include "coord/unit.h"
#include "node/duplicates.h"
#include "node/limits.h"
#include "node/pool.h"
#include "peer/peer.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MILLI             1000
#define SAMPLE_MAX_AGE_MS 5000 /* five heartbeats */

/* ---------------------------------------------------------------- load */

/* Add a sample: `cpu_ms` is the total CPU time until `now_ms`. */
static void update_load_sample(struct coord_own_load *u, uint64_t now_ms,
			       uint64_t cpu_ms)
{
	bool known = u->read_ms && now_ms > u->read_ms &&
		     now_ms - u->read_ms <= SAMPLE_MAX_AGE_MS &&
		     cpu_ms > u->cpu_ms;

	u->milli = known ? (cpu_ms - u->cpu_ms) * MILLI /
				   (now_ms - u->read_ms) :
			   0;
	u->read_ms = now_ms;
	u->cpu_ms = cpu_ms;
}

static uint64_t current_milli(const struct coord_own_load *u, uint64_t now_ms)
{
	return u->read_ms && now_ms - u->read_ms <= SAMPLE_MAX_AGE_MS ?
		       u->milli :
		       0;
}

static uint64_t timeval_ms(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * MILLI + (uint64_t)tv->tv_usec / 1000;
}

void coord_node_sample_local_load(struct coord *c, uint64_t now_ms)
{
	struct rusage own;

	if (!getrusage(RUSAGE_SELF, &own))
		update_load_sample(&c->stats.own_load, now_ms,
				   timeval_ms(&own.ru_utime) +
					   timeval_ms(&own.ru_stime));
}

/*
 * Return the load that this build causes on the machine of `n` through other
 * nodes and the build host, if they run on the same machine.
 */
static uint64_t other_load_milli_of(const struct coord_node *n, uint64_t now_ms)
{
	const struct coord *c = n->coord;
	const char *boot_id = peer_boot_id(n->peer);
	struct sched_counts figures;
	uint64_t sum = 0;

	if (!boot_id || !*boot_id)
		return 0;
	if (str_equal(boot_id, c->boot_id)) {
		sched_counts(c->sched, &figures);
		sum = (uint64_t)figures.n_local_slots_used * MILLI +
		      current_milli(&c->stats.own_load, now_ms);
	}
	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *other = c->nodes.v[i];
		uint64_t milli = current_milli(&other->own_load, now_ms);

		if (milli && other != n && !other->removed &&
		    str_equal(boot_id, peer_boot_id(other->peer)))
			sum += milli;
	}
	return sum;
}

/*
 * Store in *out the health of a node.  Its foreign load excludes the load that
 * this build causes on the same machine through other nodes and the build host.
 */
static void adjust_health(const struct coord_node *n, struct wire_health *out)
{
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	*out = *figures.health;
	if (out->foreign_milli == WIRE_HEALTH_UNKNOWN)
		return;
	out->foreign_milli = n->other_load_milli < out->foreign_milli ?
				     out->foreign_milli -
					     (uint32_t)n->other_load_milli :
				     0;
}

/* -------------------------------------------------------------- events */

static void queue_node_event(const struct coord_node *n,
			     struct sched_event *event)
{
	event->node = n->number;
	coord_dispatch_event(n->coord, event);
}

/* Queue an event that has no fields except a text, which can be NULL. */
static void queue_plain_event(const struct coord_node *n,
			      enum sched_event_kind kind, const char *words)
{
	queue_node_event(n,
			 &(struct sched_event){ .kind = kind, .text = words });
}

/* Report the state of a toolchain on a node. */
static void publish_sandbox_event(const struct coord_node *n,
				  const struct inputs_toolchain *tc,
				  const char *state, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_CELL);

	ev.node = n->entry->name;
	ev.toolchain = tc->driver;
	ev.text = state;
	ev.reason = reason;
	events_hub_publish(n->coord->setup.hub, &ev);
}

/* Report the load of a node. */
static void publish_load_event(const struct coord_node *n)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);
	struct sched_node_counts done;
	struct peer_stats figures;
	struct wire_health health;

	if (!n->coord->setup.hub)
		return;
	sched_node_counts(n->coord->sched, n->number, &done);
	peer_stats(n->peer, &figures);
	adjust_health(n, &health);
	figures.health = &health;
	ev.node = n->entry->name;
	ev.n_running = done.n_running;
	ev.n_done = done.n_jobs;
	ev.n_failed = done.n_errors;
	ev.n_retries = done.n_retries;
	coord_report_fill_load(&ev, &figures);
	events_hub_publish(n->coord->setup.hub, &ev);
}

/* Return the unit of a job, or NULL if the job has ended or was cancelled. */
static struct coord_unit *find_job_unit(const struct coord_node *n,
					uint32_t job)
{
	const struct coord *c = n->coord;

	return job < c->units.n_jobs ? c->units.jobs[job] : NULL;
}

static void on_wake(void *ctx)
{
	struct coord *c = ctx;

	c->nodes.changed = true;
	event_active(c->timers.kick, EV_TIMEOUT, 0);
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct coord_node *n = ctx;
	struct peer_stats figures;
	struct sched_event event = { .text = why };

	peer_stats(n->peer, &figures);
	if (state == PEER_GREETING)
		return;
	n->n_test_jobs = 0;
	n->identity_unchecked = state == PEER_UP || state == PEER_UNFIT;
	node_slot_limit_release(&n->slot_limit);
	if (state == PEER_UP) {
		event.kind = SCHED_EV_NODE_FIT;
		event.n_slots = coord_report_slots(n);
		n->n_classes = node_limit_core_classes(
			n->classes, figures.inventory,
			figures.can_pin_jobs ? figures.machine : NULL);
		event.classes = n->classes;
		event.n_classes = n->n_classes;
		n->sandbox_state_unknown = true;
		if (n->entry->pool)
			node_pool_learn(
				node_roster_get_pool(n->coord->nodes.roster,
						     n->entry->pool),
				n->coord->pool, clock_ms() - n->dialed_ms,
				event.n_slots);
	} else if (state == PEER_UNFIT) {
		event.kind = SCHED_EV_NODE_UNFIT;
	} else {
		event.kind = SCHED_EV_NODE_LOST;
		event.hello_received = figures.inventory != NULL;
		event.permanent = state == PEER_INCOMPATIBLE;
		coord_dispatch_forget_jobs(n);
	}
	queue_node_event(n, &event);
}

static void queue_slots_event(const struct coord_node *n)
{
	struct sched_event event = { .kind = SCHED_EV_NODE_SLOTS,
				     .n_slots = coord_report_slots(n),
				     .n_busy = n->n_test_jobs,
				     .shared = peer_lease(n->peer) <
					       WIRE_LEASE_UNLIMITED };

	queue_node_event(n, &event);
}

static void on_busy(void *ctx, unsigned busy)
{
	struct coord_node *n = ctx;

	n->n_test_jobs = busy;
	queue_slots_event(n);
}

/* Queue a sandbox event for the dispatcher. */
static void queue_sandbox_event(const struct coord_node *n,
				struct inputs_toolchain *tc,
				enum sched_sandbox sandbox)
{
	struct sched_event event = { .kind = SCHED_EV_SANDBOX,
				     .sandbox = sandbox,
				     .steps = coord_tool_step_supported(n,
									tc) };

	event.toolchain = coord_dispatch_get_toolchain_number(n->coord, tc);
	queue_node_event(n, &event);
}

static void report_sandbox_state(struct coord_node *n,
				 struct inputs_toolchain *tc,
				 enum sched_sandbox sandbox)
{
	static const char *const words[] = {
		[SCHED_SANDBOX_NONE] = "none",
		[SCHED_SANDBOX_REQUESTED] = "asked",
		[SCHED_SANDBOX_UPLOADING] = "shipping",
		[SCHED_SANDBOX_READY] = "ready",
		[SCHED_SANDBOX_STALE] = "spoiled",
	};

	publish_sandbox_event(n, tc, words[sandbox], NULL);
	queue_sandbox_event(n, tc, sandbox);
}

static void on_toolchain_changed(void *ctx, struct inputs_toolchain *tc,
				 enum peer_toolchain_state has)
{
	static const enum sched_sandbox as[] = {
		[PEER_TOOLCHAIN_NONE] = SCHED_SANDBOX_NONE,
		[PEER_TOOLCHAIN_REQUESTED] = SCHED_SANDBOX_REQUESTED,
		[PEER_TOOLCHAIN_PENDING] = SCHED_SANDBOX_UPLOADING,
		[PEER_TOOLCHAIN_READY] = SCHED_SANDBOX_READY,
	};

	report_sandbox_state(ctx, tc, as[has]);
}

void coord_node_report_steps(struct coord_node *n)
{
	const struct peer_shared *shared = &n->coord->shared;

	for (size_t i = 0; i < shared->n_toolchains; i++) {
		if (peer_toolchain_state(n->peer, shared->toolchains[i]) ==
		    PEER_TOOLCHAIN_READY)
			queue_sandbox_event(n, shared->toolchains[i],
					    SCHED_SANDBOX_READY);
	}
}

static void on_sandbox_stale(void *ctx, struct inputs_toolchain *tc)
{
	report_sandbox_state(ctx, tc, SCHED_SANDBOX_STALE);
}

static void on_reconnect_needed(void *ctx)
{
	queue_plain_event(ctx, SCHED_EV_IDS_EXHAUSTED, NULL);
}

/*
 * Report the node's current state again.  The event contains `reason` or, if
 * `reason` is NULL, the reason why the node is in this state.
 */
static void publish_node_state(const struct coord_node *n, const char *reason)
{
	const char *why = reason ? reason : n->no_toolchain_reason;
	struct sched_node_counts figures;

	sched_node_counts(n->coord->sched, n->number, &figures);
	if (n->no_toolchain_reason)
		coord_report_node_state(n, "no toolchain", *why ? why : NULL);
	else
		coord_report_node_state(n, sched_node_state_name(figures.state),
					reason ? reason : figures.text);
}

/* Return true if the node is up, unless it can use none of the toolchains. */
static bool is_usable(const struct coord_node *n)
{
	struct sched_node_counts figures;

	sched_node_counts(n->coord->sched, n->number, &figures);
	return figures.state == SCHED_NODE_UP && !n->no_toolchain_reason;
}

static void on_members(void *ctx)
{
	const struct coord_node *n = ctx;

	publish_node_state(n, is_usable(n) ? n->slot_limit.reason : NULL);
}

/*
 * Report that the number of slots of a connected node has changed.  `slots` is
 * the number of slots that the node has when it is not restricted.
 */
static void publish_slots(const struct coord_node *n, unsigned slots)
{
	unsigned now = coord_report_slots(n);
	const char *why = n->slot_limit.reason ? n->slot_limit.reason :
						 "recovering";
	char *words;

	if (node_slot_limit_apply(&n->slot_limit, slots) > now)
		why = "lease: other build hosts use the node";
	if (now >= slots)
		words = xasprintf("back to %u slot%s", slots,
				  format_plural(slots));
	else
		words = xasprintf("%u of %u slots: %s", now, slots, why);
	queue_slots_event(n);
	publish_node_state(n, is_usable(n) ? words : NULL);
	free(words);
}

static void on_lease(void *ctx)
{
	const struct coord_node *n = ctx;
	struct sched_node_counts counts;

	sched_node_counts(n->coord->sched, n->number, &counts);
	if (counts.n_slots == coord_report_slots(n))
		queue_slots_event(n);
	else
		publish_slots(n, coord_report_slots_unrestricted(n));
}

static void on_event(void *ctx, const struct inputs_toolchain *tc,
		     const char *reason)
{
	const struct coord_node *n = ctx;

	if (tc)
		publish_sandbox_event(n, tc, "none", reason);
	else
		publish_node_state(n, reason);
}

static void on_known_answer_checked(void *ctx, enum peer_known_answer is,
				    const char *why)
{
	static const enum sched_probe as[] = {
		[PEER_KNOWN_ANSWER_RIGHT] = SCHED_PROBE_PASSED,
		[PEER_KNOWN_ANSWER_WRONG] = SCHED_PROBE_WRONG,
		[PEER_KNOWN_ANSWER_FAILED] = SCHED_PROBE_FAILED,
		[PEER_KNOWN_ANSWER_BUSY] = SCHED_PROBE_IMPOSSIBLE,
	};
	struct sched_event event = { .kind = SCHED_EV_PROBE_DONE,
				     .probe = as[is],
				     .text = why };

	queue_node_event(ctx, &event);
}

static void on_beat(void *ctx, uint32_t job, uint32_t cpu_ms)
{
	struct coord_node *n = ctx;
	struct sched_event event = { .kind = SCHED_EV_HEARTBEAT,
				     .cpu_ms = cpu_ms };
	struct coord_unit *u = find_job_unit(n, job);

	n->beat_cpu_ms += cpu_ms;
	if (!u)
		return;
	coord_dispatch_job_event(u, n, &event);
}

static void on_output(void *ctx, uint32_t job)
{
	struct sched_event event = { .kind = SCHED_EV_OUTPUT };
	struct coord_unit *u = find_job_unit(ctx, job);

	if (!u)
		return;
	coord_dispatch_job_event(u, ctx, &event);
}

static void on_job_finished(void *ctx, uint32_t job,
			    struct peer_job_result *answer)
{
	struct sched_event event = { .kind = SCHED_EV_RESULT,
				     .cpu_ms = answer->wire.cpu_ms };
	const struct coord_node *n = ctx;
	struct coord_unit *u = find_job_unit(n, job);

	if (!u) {
		peer_job_result_release(answer);
		return;
	}
	if (u->result_node) {
		/*
		 * Another node has already returned a result of this unit, but
		 * the dispatcher has not processed that result yet.  Report the
		 * second result as a failure: if the dispatcher then ignores
		 * the first result, it tries the unit again.
		 */
		event.kind = SCHED_EV_JOB_FAILED;
		event.fail = SCHED_FAIL_BUSY;
		peer_job_result_release(answer);
	} else {
		peer_job_result_release(&u->result);
		u->result = *answer;
		u->result_node = n;
		u->verified_node = ctx;
		u->node_name = n->entry->name;
	}
	coord_dispatch_job_event(u, n, &event);
}

static void on_failed(void *ctx, const struct wire_fail *m)
{
	static const enum sched_fail as[] = {
		[WIRE_FAIL_UNSUPPORTED] = SCHED_FAIL_UNSUPPORTED,
		[WIRE_FAIL_TOOLCHAIN] = SCHED_FAIL_TOOLCHAIN,
		[WIRE_FAIL_NODE] = SCHED_FAIL_NODE,
		[WIRE_FAIL_VOID] = SCHED_FAIL_VOID,
		[WIRE_FAIL_DEADLINE] = SCHED_FAIL_DEADLINE,
		[WIRE_FAIL_BUSY] = SCHED_FAIL_BUSY,
		[WIRE_FAIL_INPUT] = SCHED_FAIL_INPUT,
	};
	const struct coord_node *n = ctx;
	struct coord_unit *u = find_job_unit(n, m->job);
	struct sched_event event = { .kind = SCHED_EV_JOB_FAILED,
				     .fail = as[m->class],
				     .retry_ms = m->class == WIRE_FAIL_BUSY ?
							 m->retry_ms :
							 0,
				     .text = m->reason };

	if (!u)
		return;
	if (m->class == WIRE_FAIL_NODE)
		log_warning("node %s: %s: %s", n->entry->name, u->name,
			    m->reason);
	else
		log_debug("node %s: %s: fail %u: %s", n->entry->name, u->name,
			  m->class, m->reason);
	if (m->class == WIRE_FAIL_UNSUPPORTED || m->class == WIRE_FAIL_VOID) {
		/*
		 * Count a failure to run a cross-built tool as a wrong result
		 * of the tool.
		 */
		coord_tool_step_handle_failure(u, m->reason);
		if (u->has_step)
			coord_failure_record(u, coord_tool_step_kind(u),
					     m->reason);
	}
	coord_dispatch_job_event(u, n, &event);
}

/*
 * Notify the dispatcher if the clock limit of a core class has changed.  HEAT
 * contains the limit of each class, but can be outdated, because kfarmd sends
 * HEAT only while jobs are pinned to cores.  HEALTH contains the limit of the
 * slowest cores.  No class has a lower limit than these cores, so use the value
 * in HEALTH if it is higher than the value in HEAT.
 */
static void update_clocks(struct coord_node *n, const struct peer_stats *p)
{
	struct sched_event event = { .kind = SCHED_EV_NODE_CLOCK,
				     .classes = n->classes,
				     .n_classes = n->n_classes };
	bool changed = false;

	for (unsigned i = 0; i < n->n_classes; i++) {
		uint32_t milli = p->health->speed_milli;

		if (p->heat->n_classes == n->n_classes &&
		    p->heat->classes[i].speed_milli != WIRE_HEALTH_UNKNOWN &&
		    p->heat->classes[i].speed_milli > milli)
			milli = p->heat->classes[i].speed_milli;
		if (milli == WIRE_HEALTH_UNKNOWN)
			milli = 0;
		changed |= milli != n->classes[i].clock_milli;
		n->classes[i].clock_milli = milli;
	}
	if (changed)
		queue_node_event(n, &event);
}

static void on_load(void *ctx)
{
	struct coord_node *n = ctx;
	unsigned slots = coord_report_slots_unrestricted(n), now;
	uint64_t now_ms = clock_ms();
	struct sched_node_counts figures;
	struct wire_health health;
	struct peer_stats peer;
	char *words;
	bool changed;

	/* on_beat() has added the CPU time of each job to beat_cpu_ms. */
	peer_stats(n->peer, &peer);
	update_load_sample(&n->own_load, now_ms, peer.cpu_ms + n->beat_cpu_ms);
	n->beat_cpu_ms = 0;
	n->other_load_milli = other_load_milli_of(n, now_ms);
	publish_load_event(n);
	update_clocks(n, &peer);
	if (!peer.inventory || !slots)
		return;

	/* Update the restriction of the node's slots. */
	sched_node_counts(n->coord->sched, n->number, &figures);
	adjust_health(n, &health);
	now = node_limit_now(slots, peer.inventory, &health, figures.n_running,
			     &words);
	changed = node_slot_limit_update(&n->slot_limit, now_ms, slots, now,
					 words);
	free(words);
	if (changed)
		publish_slots(n, slots);
}

const struct peer_ops coord_node_ops = {
	.on_wake_requested = on_wake,
	.on_state_changed = on_state,
	.on_busy_changed = on_busy,
	.on_lease_changed = on_lease,
	.on_members_changed = on_members,
	.on_toolchain_changed = on_toolchain_changed,
	.on_sandbox_stale = on_sandbox_stale,
	.on_reconnect_needed = on_reconnect_needed,
	.on_notice_received = on_event,
	.on_known_answer_checked = on_known_answer_checked,
	.on_load_received = on_load,
	.on_heartbeat_received = on_beat,
	.on_output_received = on_output,
	.on_job_finished = on_job_finished,
	.on_job_failed = on_failed,
};

/*
 * Create the node with number c->nodes.n.  The caller must notify the
 * dispatcher.
 */
static struct coord_node *coord_node_new(struct coord *c,
					 const struct node_entry *entry)
{
	struct coord_node *n = xcalloc(1, sizeof(*n));

	n->coord = c;
	n->number = (uint32_t)c->nodes.n;
	n->entry = entry;
	n->busy_ms = clock_ms();
	*VEC_ADD(c->nodes.v, c->nodes.n) = n;
	n->peer = peer_new(&c->shared, entry, n);
	coord_report_node_state(n, sched_node_state_name(SCHED_NODE_CONNECTING),
				NULL);
	return n;
}

/*
 * When a node connects or a toolchain is added, the dispatcher assumes that a
 * sandbox was requested on the node.  Correct this assumption for each
 * toolchain whose sandbox was not requested.  Callbacks report later changes.
 *
 * Also report to the user if the node can use none of the toolchains, because
 * such a node is as useless as a node that is down.
 */
static void report_toolchains(struct coord_node *n)
{
	const struct peer_shared *shared = &n->coord->shared;
	size_t n_unknown = n->sandbox_state_unknown ? shared->n_toolchains : 0;
	struct sched_node_counts sched;
	struct peer_stats peer;
	const char *why = NULL;
	bool up;

	n->sandbox_state_unknown = false;
	for (size_t i = 0; i < n_unknown; i++) {
		if (peer_toolchain_state(n->peer, shared->toolchains[i]) ==
		    PEER_TOOLCHAIN_NONE)
			on_toolchain_changed(n, shared->toolchains[i],
					     PEER_TOOLCHAIN_NONE);
	}

	sched_node_counts(n->coord->sched, n->number, &sched);
	peer_stats(n->peer, &peer);
	up = sched.state == SCHED_NODE_UP ||
	     sched.state == SCHED_NODE_BACKOFF ||
	     sched.state == SCHED_NODE_PROBATION;
	if (up && peer.toolchain_missing)
		why = peer.missing_reason ? peer.missing_reason : "";
	if (str_equal(n->no_toolchain_reason, why))
		return;
	free(n->no_toolchain_reason);
	n->no_toolchain_reason = why ? xstrdup(why) : NULL;
	if (up)
		publish_node_state(n, NULL);
}

void coord_report_final_loads(const struct coord *c)
{
	for (size_t i = 0; i < c->nodes.n; i++)
		publish_load_event(c->nodes.v[i]);
}

void coord_node_handle_request(struct coord_node *n, enum events_request what)
{
	bool more = what == EVENTS_REQ_MORE_SLOTS;
	unsigned slots = coord_report_slots_unrestricted(n);
	struct peer_stats figures;

	if (what == EVENTS_REQ_DRAIN || what == EVENTS_REQ_RESUME) {
		queue_plain_event(n,
				  what == EVENTS_REQ_DRAIN ?
					  SCHED_EV_NODE_DRAIN :
					  SCHED_EV_NODE_RESUME,
				  NULL);
		return;
	}
	/*
	 * Ignore a request that arrives before HELLO or that would exceed a
	 * limit of the slots.
	 */
	peer_stats(n->peer, &figures);
	if (!figures.inventory ||
	    (more ? slots >= node_limit_max(figures.inventory) : slots <= 1))
		return;
	n->requested_slots = more ? slots + 1 : slots - 1;
	queue_slots_event(n);
	publish_node_state(n, NULL);
}

static bool has_session(const struct coord_node *n)
{
	enum peer_state state = peer_state(n->peer);

	return state == PEER_UP || state == PEER_UNFIT;
}

/*
 * Return the identity that the node reported last.  It remains available after
 * the node has been excluded.
 */
static struct node_duplicates_identity get_node_identity(
	const struct coord_node *n)
{
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	return (struct node_duplicates_identity){
		.name = n->entry->name,
		.key = &n->entry->pin,
		.boot_id = figures.inventory ? figures.inventory->boot_id :
					       NULL,
		.machine = figures.machine,
	};
}

/* Exclude the node from this build until the roster is updated. */
static void exclude_node(struct coord_node *n, const char *words)
{
	struct sched_event event = { .kind = SCHED_EV_NODE_LOST,
				     .node = n->number,
				     .hello_received = true,
				     .permanent = true,
				     .text = words };

	if (n->duplicate_key)
		return;
	n->duplicate_key = true;
	peer_disconnect(n->peer);
	coord_dispatch_forget_jobs(n);
	coord_dispatch_event(n->coord, &event);
}

/*
 * Compare the identities of two nodes, and handle a conflict.  `b` has just
 * connected.  check_identities() calls this function once per pair.
 */
static void compare_identities(struct coord_node *a, struct coord_node *b)
{
	struct node_duplicates_identity ours = get_node_identity(a),
					theirs = get_node_identity(b);
	bool in_order = a->number < b->number;
	const struct node_duplicates_identity *first = in_order ? &ours :
								  &theirs;
	const struct node_duplicates_identity *second = in_order ? &theirs :
								   &ours;
	enum node_duplicate clash = node_duplicates_compare(first, second);
	char *words;

	if (clash == NODE_DUPLICATE_NONE ||
	    (a->duplicate_key && clash != NODE_DUPLICATE_KEY))
		return;
	words = node_duplicates_describe(clash, first, second);
	if (!b->conflict_reported)
		log_warning("%s", words);
	a->conflict_reported = b->conflict_reported = true;
	if (node_duplicates_exclude_both(clash)) {
		exclude_node(a, words);
		exclude_node(b, words);
	} else if (node_duplicates_exclude_later(clash)) {
		exclude_node(in_order ? b : a, words);
	}
	free(words);
}

/*
 * Exclude the node if it reports the boot id of an earlier session after a
 * different one.  A restarted machine gets a new boot id and never an earlier
 * one, so two machines must alternate at this address.
 */
static void check_boot_id(struct coord_node *n)
{
	const char *boot = get_node_identity(n).boot_id;
	char *words;

	if (!boot || !*boot)
		return;
	if (!strv_has(&n->boot_ids, boot)) {
		strv_add(&n->boot_ids, boot);
		return;
	}
	if (!strcmp(n->boot_ids.v[n->boot_ids.n - 1], boot))
		return;
	words = xasprintf(
		"two machines alternate as %s with the same key and address; "
		"power one off, then run `kfarm nodes rekey %s`",
		n->entry->name, n->entry->name);
	log_warning("%s", words);
	exclude_node(n, words);
	free(words);
}

/*
 * Check the nodes that connected since the last call (`identity_unchecked`).
 * Two machines with one key are both excluded.  If one machine has two names,
 * the node that is listed later is excluded.  Other conflicts are only
 * reported.
 */
static void check_identities(struct coord *c)
{
	for (size_t i = 0; i < c->nodes.n; i++) {
		struct coord_node *n = c->nodes.v[i];
		bool unchecked = n->identity_unchecked;

		n->identity_unchecked = false;
		if (!unchecked || !has_session(n))
			continue;
		if (digest_is_set(&n->entry->pin))
			check_boot_id(n);
		for (size_t k = 0; k < c->nodes.n && !n->duplicate_key; k++) {
			struct coord_node *other = c->nodes.v[k];

			/*
			 * If `other` is also unchecked, this pair is compared
			 * when the loop reaches `other`.
			 */
			if (other != n && !other->removed &&
			    !other->identity_unchecked &&
			    (has_session(other) || other->duplicate_key))
				compare_identities(other, n);
		}
	}
}

#define ALL_STEPS \
	(SCHED_STEP_SYMBOLS | SCHED_STEP_OBJECT | SCHED_STEP_DEVICETREE)

/*
 * Add the tool steps that the node accepts for at least one of the toolchains
 * to *wanted, and the tool steps that are disabled on the node to *disabled.
 */
static void add_node_steps(const struct coord_node *n, unsigned *wanted,
			   unsigned *disabled)
{
	struct coord *c = n->coord;

	if (!is_usable(n))
		return;
	for (size_t i = 0; i < c->shared.n_toolchains; i++) {
		struct inputs_toolchain *tc = c->shared.toolchains[i];
		unsigned off = sched_disabled(
			c->sched, n->number,
			coord_dispatch_get_toolchain_number(c, tc));

		/* The query of the node costs a system call. */
		if (*wanted != ALL_STEPS)
			*wanted |= coord_tool_step_supported(n, tc) & ~off;
		*disabled |= off & ALL_STEPS;
	}
}

/* Call on_steps_changed() if its arguments have changed. */
static void report_steps(struct coord *c)
{
	struct sched_counts counts;
	unsigned wanted = 0, disabled = 0;

	if (!c->setup.on_steps_changed || !c->steps.enabled)
		return;
	sched_counts(c->sched, &counts);
	for (size_t i = 0; i < c->nodes.n; i++)
		add_node_steps(c->nodes.v[i], &wanted, &disabled);
	if (coord_cross_genksyms_is_building(c) ||
	    (c->setup.cache && !counts.n_slots))
		wanted = ALL_STEPS;
	if (wanted != c->steps.wanted || disabled != c->steps.disabled)
		c->setup.on_steps_changed(c->setup.steps_ctx, wanted, disabled);
	c->steps.wanted = wanted;
	c->steps.disabled = disabled;
}

void coord_node_advance_all(struct coord *c)
{
	check_identities(c);
	for (size_t i = 0; i < c->nodes.n; i++) {
		peer_advance(c->nodes.v[i]->peer);
		report_toolchains(c->nodes.v[i]);
	}
	report_steps(c);
}

/* Pass the configuration of a new node to the dispatcher. */
static void report_configuration(const struct coord_node *n)
{
	if (n->entry->drained)
		queue_plain_event(n, SCHED_EV_NODE_DRAIN, NULL);
	if (node_entry_is_local(n->entry))
		queue_plain_event(n, SCHED_EV_NODE_LOCAL, NULL);
}

void coord_node_add_roster(struct coord *c, const struct node_roster *roster)
{
	for (size_t i = 0; i < roster->n; i++) {
		const struct node_entry *entry = &roster->v[i];
		struct coord_node *n = coord_node_new(c, entry);

		report_configuration(n);
	}
}

void coord_node_add(struct coord *c, const struct node_entry *entry)
{
	struct coord_node *n = coord_node_new(c, entry);

	queue_plain_event(n, SCHED_EV_NODE_ADDED, NULL);
	report_configuration(n);
}

void coord_node_remove(struct coord_node *n, const char *why)
{
	n->removed = true;
	queue_plain_event(n, SCHED_EV_NODE_REMOVED, why);
}

/* Apply the current entry of a node that is still configured. */
static void reconfigure_node(struct coord_node *n, const struct node_entry *now)
{
	const struct node_entry *was = n->entry;
	bool other = strcmp(now->address_text, was->address_text) != 0 ||
		     !digest_equal(&now->pin, &was->pin);

	n->entry = now;
	peer_set_entry(n->peer, now);
	if (now->drained != was->drained)
		queue_plain_event(n,
				  now->drained ? SCHED_EV_NODE_DRAIN :
						 SCHED_EV_NODE_RESUME,
				  NULL);
	if (now->slots != was->slots && peer_state(n->peer) == PEER_UP) {
		queue_slots_event(n);
		publish_node_state(n, NULL);
	}
	if (!other)
		return;
	/*
	 * The new address or key can belong to another machine, so forget the
	 * boot ids and conflicts of the previous machine.
	 */
	n->conflict_reported = false;
	strv_release(&n->boot_ids);
	queue_plain_event(n, SCHED_EV_NODE_RETRY, NULL);
}

static bool has_node(const struct coord *c, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!c->nodes.v[i]->removed &&
		    !strcmp(c->nodes.v[i]->entry->name, name))
			return true;
	}
	return false;
}

void coord_update_roster(struct coord *c, struct node_roster *roster)
{
	size_t before = c->nodes.n;
	struct node_roster *owned = xcalloc(1, sizeof(*owned));

	/*
	 * Do not free the earlier rosters, because removed nodes still borrow
	 * from them.
	 */
	*owned = *roster;
	*roster = (struct node_roster){ 0 };
	*VEC_ADD(c->nodes.rosters, c->nodes.n_rosters) = owned;
	c->nodes.roster = owned;
	if (c->demand.roster) {
		c->demand.roster = owned;
		return;
	}
	for (size_t i = 0; i < before; i++) {
		struct coord_node *n = c->nodes.v[i];
		const struct node_entry *now;

		if (n->removed)
			continue;
		now = node_roster_find(owned, n->entry->name);
		if (now) {
			reconfigure_node(n, now);
			continue;
		}
		coord_node_remove(n, "removed from the configuration");
	}
	/*
	 * Dial the excluded nodes again: the new roster may have resolved the
	 * conflict of identities.
	 */
	for (size_t i = 0; i < before; i++) {
		struct coord_node *n = c->nodes.v[i];

		if (!n->duplicate_key || n->removed)
			continue;
		n->duplicate_key = false;
		queue_plain_event(n, SCHED_EV_NODE_RETRY, NULL);
	}
	for (size_t i = 0; i < owned->n; i++) {
		if (!has_node(c, before, owned->v[i].name))
			coord_node_add(c, &owned->v[i]);
	}
	/*
	 * Process the events now, because sched_node_counts() must not be
	 * called for a node that the dispatcher has not added yet.
	 */
	coord_dispatch(c);
}

void coord_node_free_all(struct coord *c)
{
	for (size_t i = 0; i < c->nodes.n; i++) {
		struct coord_node *n = c->nodes.v[i];

		node_slot_limit_release(&n->slot_limit);
		free(n->no_toolchain_reason);
		strv_release(&n->boot_ids);
		free(n);
	}
	free(c->nodes.v);
	for (size_t i = 0; i < c->nodes.n_rosters; i++) {
		node_roster_release(c->nodes.rosters[i]);
		free(c->nodes.rosters[i]);
	}
	free(c->nodes.rosters);
}
