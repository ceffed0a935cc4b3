/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table below lists the allowed state changes by event; all other changes
 * are defects.  The dispatcher uses SCHED_EV_TIME as the cause of the steps
 * that it takes after any event: a unit gets its turn or a slot, or no node is
 * left for the unit.
 *
 * A hedge (a concurrent local compile) can run in the states to-scan, scan,
 * ready and remote.  SCHED_EV_HEDGE_DONE then changes the state to done or
 * to-local.  A worker that is scanning the unit at this time reports the end
 * later, so SCHED_EV_SCANNED changes nothing in to-local, local and done.
 * SCHED_EV_SCANNED or SCHED_EV_VERIFIED frees a unit in the state "left".
 */
#include "sched/unit.h"

#include "base/str.h"
#include "base/vec.h"
#include "sched/class.h"
#include "sched/disable.h"
#include "sched/node.h"

#include <stdlib.h>

/* longest time for which a busy node gets no unit */
#define BUSY_MAX_MS 5000
/* a unit's rank is its arrival time minus this multiple of its cost */
#define OVERTAKING           4
#define RESCANS_MAX          2
#define DEADLINE_MIN_MS      30000
#define STARVING_MILLI       250 /* thousandths of a core */
#define OBSERVE_MIN_MS       5000 /* minimum time on a node to prove starvation */
#define TRIAL_OBSERVE_MIN_MS 1500

#define TO(state) (1u << SCHED_UNIT_##state)

static const uint16_t
	allowed_transitions[SCHED_UNIT_N_STATES][SCHED_EV_N_KINDS] = {
		[SCHED_UNIT_NONE] = { [SCHED_EV_UNIT_ADDED] = TO(NEW) |
							      TO(TO_LOCAL) },
		[SCHED_UNIT_NEW] = { [SCHED_EV_UNIT_ADDED] = TO(TO_SCAN) |
							     TO(TO_LOCAL),
				     [SCHED_EV_TOOLCHAIN] = TO(TO_SCAN) |
							    TO(TO_LOCAL),
				     [SCHED_EV_OBJECT_FORMAT] = TO(TO_SCAN) |
								TO(TO_LOCAL),
				     [SCHED_EV_TIME] = TO(TO_LOCAL),
				     [SCHED_EV_UNIT_GONE] = TO(NONE) },
		[SCHED_UNIT_TO_SCAN] = { [SCHED_EV_TIME] = TO(SCAN) |
							   TO(TO_LOCAL),
					 [SCHED_EV_HEDGE_DONE] = TO(DONE) |
								 TO(TO_LOCAL),
					 [SCHED_EV_UNIT_GONE] = TO(NONE) },
		[SCHED_UNIT_SCAN] = { [SCHED_EV_SCANNED] = TO(READY) |
							   TO(TO_LOCAL),
				      [SCHED_EV_HEDGE_DONE] = TO(DONE) |
							      TO(TO_LOCAL),
				      [SCHED_EV_UNIT_GONE] = TO(LEFT) },
		[SCHED_UNIT_READY] = { [SCHED_EV_TIME] = TO(REMOTE) |
							 TO(TO_LOCAL),
				       [SCHED_EV_HEDGE_DONE] = TO(DONE) |
							       TO(TO_LOCAL),
				       [SCHED_EV_UNIT_GONE] = TO(NONE) },
		[SCHED_UNIT_REMOTE] = { [SCHED_EV_TIME] = TO(TO_LOCAL),
					[SCHED_EV_HEARTBEAT] = TO(REMOTE),
					[SCHED_EV_OUTPUT] = TO(REMOTE),
					[SCHED_EV_SEND_FAILED] = TO(READY) |
								 TO(TO_LOCAL),
					[SCHED_EV_NODE_LOST] = TO(READY) |
							       TO(TO_LOCAL),
					[SCHED_EV_RESULT] = TO(CHECK),
					[SCHED_EV_JOB_FAILED] = TO(READY) |
								TO(TO_SCAN) |
								TO(TO_LOCAL),
					[SCHED_EV_SANDBOX] = TO(TO_SCAN) |
							     TO(TO_LOCAL),
					[SCHED_EV_HEDGE_DONE] = TO(DONE) |
								TO(TO_LOCAL),
					[SCHED_EV_UNIT_GONE] = TO(NONE) },
		[SCHED_UNIT_CHECK] = { [SCHED_EV_VERIFIED] =
					       TO(HELD) | TO(DONE) | TO(READY) |
					       TO(TO_SCAN) | TO(TO_LOCAL),
				       [SCHED_EV_UNIT_GONE] = TO(LEFT) },
		[SCHED_UNIT_HELD] = { [SCHED_EV_TOOLCHAIN] = TO(DONE) |
							     TO(READY) |
							     TO(TO_SCAN) |
							     TO(TO_LOCAL),
				      [SCHED_EV_UNIT_GONE] = TO(NONE) },
		[SCHED_UNIT_TO_LOCAL] = { [SCHED_EV_TIME] = TO(LOCAL) |
							    TO(TO_SCAN),
					  [SCHED_EV_SCANNED] = TO(TO_LOCAL),
					  [SCHED_EV_UNIT_GONE] = TO(NONE) |
								 TO(LEFT) },
		[SCHED_UNIT_LOCAL] = { [SCHED_EV_SCANNED] = TO(LOCAL),
				       [SCHED_EV_UNIT_GONE] = TO(NONE) |
							      TO(LEFT) },
		[SCHED_UNIT_DONE] = { [SCHED_EV_SCANNED] = TO(DONE),
				      [SCHED_EV_UNIT_GONE] = TO(NONE) |
							     TO(LEFT) },
		[SCHED_UNIT_LEFT] = { [SCHED_EV_SCANNED] = TO(NONE),
				      [SCHED_EV_VERIFIED] = TO(NONE) },
	};

static void __attribute__((noreturn))
abort_transition(const struct sched *s, enum sched_unit_state state,
		 uint32_t number)
{
	static const char *const states[] = { "unknown", "new",   "to-scan",
					      "scan",    "ready", "remote",
					      "check",   "held",  "to-local",
					      "local",   "done",  "left" };
	static const char *const events[] = {
		"time",     "came",     "scanned",   "unsent",      "beat",
		"output",   "answered", "failed",    "examined",    "hedged",
		"unhedged", "left",     "toolchain", "object",      "fit",
		"unfit",    "lost",     "slots",     "clock",       "cell",
		"probed",   "worn",     "drain",     "resume",      "added",
		"removed",  "retry",    "on-host",   "local-slots", "expected"
	};

	_Static_assert(ARRAY_SIZE(states) == SCHED_UNIT_N_STATES, "");
	_Static_assert(ARRAY_SIZE(events) == SCHED_EV_N_KINDS, "");
	sched_abort_impossible(events[s->cause], states[state], number);
}

struct sched_unit *sched_unit_find(const struct sched *s, uint32_t number)
{
	return number < s->n_units ? s->units[number] : NULL;
}

/* Return the unit of event s->cause; abort if the event cannot occur. */
static struct sched_unit *get_unit_or_abort(const struct sched *s,
					    uint32_t number)
{
	struct sched_unit *u = sched_unit_find(s, number);
	enum sched_unit_state state = u ? u->state : SCHED_UNIT_NONE;
	bool by_worker = s->cause == SCHED_EV_SCANNED ||
			 s->cause == SCHED_EV_VERIFIED;

	if (!u || !allowed_transitions[state][s->cause] ||
	    (by_worker && !u->in_worker))
		abort_transition(s, state, number);
	return u;
}

void sched_unit_free(struct sched *s, struct sched_unit *u)
{
	s->units[u->number] = NULL;
	for (unsigned i = 0; i < u->n_attempts; i++)
		free(u->attempts[i]);
	free(u->verdict_text);
	free(u);
}

/* Return the list for the unit's state, or NULL. */
static struct sched_units *list_of_state(struct sched *s, struct sched_unit *u)
{
	switch (u->state) {
	case SCHED_UNIT_NEW:
		return &u->toolchain->new_units;
	case SCHED_UNIT_TO_SCAN:
		return &u->toolchain->to_scan;
	case SCHED_UNIT_READY:
		return &u->toolchain->ready;
	case SCHED_UNIT_HELD:
		return &u->toolchain->held;
	case SCHED_UNIT_TO_LOCAL:
		return &s->to_local;
	default:
		return NULL;
	}
}

bool sched_unit_is_before(const struct sched_unit *a,
			  const struct sched_unit *b)
{
	return a->rank_ms != b->rank_ms ? a->rank_ms < b->rank_ms :
					  a->number < b->number;
}

/*
 * Insert a unit at its place in the order of the list.  A unit that returns to
 * the list is older than nearly all others, so test the head first.  Most other
 * units belong near the end, so search from there.
 */
static void insert_in_order(struct sched_units *list, struct sched_unit *u)
{
	struct sched_unit *first = TAILQ_FIRST(list), *at;

	if (first && sched_unit_is_before(u, first)) {
		TAILQ_INSERT_HEAD(list, u, entry);
		return;
	}
	for (at = TAILQ_LAST(list, sched_units);
	     at && sched_unit_is_before(u, at);)
		at = TAILQ_PREV(at, sched_units, entry);
	if (at)
		TAILQ_INSERT_AFTER(list, at, u, entry);
	else
		TAILQ_INSERT_TAIL(list, u, entry);
}

static void begin_attempt(struct sched *s, struct sched_unit *u,
			  const struct sched_class *c)
{
	struct sched_attempt *a = xcalloc(1, sizeof(*a));
	struct sched_node *n = c->node;

	a->unit = u;
	a->node = n;
	a->class = (unsigned)(c - n->classes);
	a->sent_ms = a->progress_ms = s->now_ms;
	u->attempts[u->n_attempts++] = a;
	u->tried_nodes[u->n_tried++] = n;
	TAILQ_INSERT_TAIL(&n->jobs, a, node_entry);
	sched_class_add_job(s, a);
	sched_share_add_units(&n->share, s->now_ms, 1);
	sched_node_change_running(s, n, 1);
	a->share_at_send = n->share;
}

/* Replace a charge in sum_second_ms, unless it is 0, by the actual duration. */
static void correct_charge(struct sched *s, double charged_ms,
			   uint64_t began_ms)
{
	if (charged_ms > 0)
		s->sum_second_ms += (double)(s->now_ms - began_ms) - charged_ms;
}

/* End and free an attempt.  `completed` is set if it has a result. */
static void end_attempt(struct sched *s, struct sched_attempt *a,
			bool completed)
{
	struct sched_unit *u = a->unit;
	struct sched_node *n = a->node;

	correct_charge(s, a->charged_ms, a->began_ms);
	u->node = n;
	u->share_at_send = a->share_at_send;
	u->cpu_ms = a->cpu_ms;
	if (u->attempts[0] == a)
		u->attempts[0] = u->attempts[1];
	u->n_attempts--;
	TAILQ_REMOVE(&n->jobs, a, node_entry);
	sched_class_remove_job(s, a, completed);
	free(a);
	sched_share_add_units(&n->share, s->now_ms, -1);
	sched_node_change_running(s, n, -1);
}

/* Update lists, counts and slots together with the state. */
static void set_unit_state(struct sched *s, struct sched_unit *u,
			   enum sched_unit_state next)
{
	enum sched_unit_state was = u->state;
	struct sched_units *list = list_of_state(s, u);

	if (!(allowed_transitions[was][s->cause] & 1u << next))
		abort_transition(s, was, u->number);
	if (list)
		TAILQ_REMOVE(list, u, entry);
	sched_class_release(s, u);
	s->n_by_state[was]--;
	s->n_by_state[next]++;
	u->state = next;
	list = list_of_state(s, u);
	u->rank_ms = 0;
	if (next == SCHED_UNIT_TO_SCAN || next == SCHED_UNIT_READY ||
	    next == SCHED_UNIT_TO_LOCAL)
		u->rank_ms = (int64_t)u->added_ms -
			     OVERTAKING * (int64_t)sched_class_cost_ms(s, u);
	/* sched_next_ms() requires the oldest NEW unit to be the first one. */
	if (next == SCHED_UNIT_NEW)
		u->rank_ms = (int64_t)u->added_ms;
	if (list)
		insert_in_order(list, u);
	s->n_local_slots_used -= was == SCHED_UNIT_LOCAL;
	s->n_local_slots_used += next == SCHED_UNIT_LOCAL;
	if (was == SCHED_UNIT_LOCAL && next != SCHED_UNIT_LOCAL)
		sched_class_end_local(s, u);
	/* End the first attempt last, so that its node remains in u->node. */
	while (next != SCHED_UNIT_REMOTE && u->n_attempts)
		end_attempt(s, u->attempts[u->n_attempts - 1], false);
}

/* Add an action of a unit; `n` is NULL if the action concerns no node. */
static void add_unit_action(struct sched *s, const struct sched_unit *u,
			    enum sched_action_kind kind,
			    const struct sched_node *n)
{
	struct sched_action a = { .kind = kind,
				  .unit = u->number,
				  .node = n ? n->number : SCHED_LOCAL,
				  .reason = u->reason,
				  .n_retries = u->n_retries };

	if (kind == SCHED_ACT_LOCAL_DONE)
		a.cost_ms = sched_class_local_cost_ms(s, u);
	if (kind == SCHED_ACT_DELIVER && n)
		a.cost_ms = u->measured_ms;
	if (kind == SCHED_ACT_SEND) {
		const struct sched_attempt *last =
			u->attempts[u->n_attempts - 1];

		a.cost_ms = (uint32_t)sched_class_cost_ms(s, u);
		a.pinned = n->n_classes > 1;
		a.class = last->class;
		a.backup = u->n_attempts > 1;
		a.deadline_ms = (uint32_t)(8 * last->predicted_ms);
		if (a.deadline_ms < DEADLINE_MIN_MS)
			a.deadline_ms = DEADLINE_MIN_MS;
	}
	sched_add_action(s, &a);
}

/*
 * Queue the unit in state NEW, TO_SCAN, READY or HELD; sched/internal.h states
 * what the unit waits for.
 */
static void queue_unit(struct sched *s, struct sched_unit *u,
		       enum sched_unit_state state)
{
	set_unit_state(s, u, state);
	/* Make the dispatcher check whether any node is left for this unit. */
	u->toolchain->has_new_ready |= state == SCHED_UNIT_READY;
}

static void finish_unit_work(struct sched *s, struct sched_unit *u)
{
	u->in_worker = false;
	s->n_in_workers--;
	if (u->state != SCHED_UNIT_LEFT)
		return;
	set_unit_state(s, u, SCHED_UNIT_NONE);
	sched_unit_free(s, u);
}

void sched_unit_scan(struct sched *s, struct sched_unit *u)
{
	set_unit_state(s, u, SCHED_UNIT_SCAN);
	u->in_worker = true;
	s->n_in_workers++;
	add_unit_action(s, u, SCHED_ACT_SCAN, NULL);
}

static void remove_from_sent(struct sched *s, struct sched_unit *u)
{
	if (u->in_sent_list)
		TAILQ_REMOVE(&s->sent_units, u, sent_entry);
	u->in_sent_list = false;
}

void sched_unit_send(struct sched *s, struct sched_unit *u,
		     struct sched_class *c)
{
	if (!u->in_sent_list) {
		u->in_sent_list = true;
		u->first_sent_ms = s->now_ms;
		TAILQ_INSERT_TAIL(&s->sent_units, u, sent_entry);
	}
	if (u->state != SCHED_UNIT_REMOTE)
		set_unit_state(s, u, SCHED_UNIT_REMOTE);
	begin_attempt(s, u, c);
	add_unit_action(s, u, SCHED_ACT_SEND, c->node);
}

void sched_unit_cancel(struct sched *s, struct sched_unit *u)
{
	for (unsigned i = 0; i < u->n_attempts; i++)
		add_unit_action(s, u, SCHED_ACT_CANCEL, u->attempts[i]->node);
}

static void end_hedge(struct sched *s, struct sched_unit *u)
{
	correct_charge(s, u->hedge_charged_ms, u->hedge_began_ms);
	u->hedged = false;
	s->n_local_slots_used--;
}

static void stop_hedge(struct sched *s, struct sched_unit *u)
{
	if (!u->hedged)
		return;
	add_unit_action(s, u, SCHED_ACT_STOP_HEDGE, NULL);
	end_hedge(s, u);
}

/*
 * Set the job's CPU time to the total that the node has reported.  Return false
 * if the total has not increased.
 */
static bool add_cpu_time(struct sched_attempt *a, uint32_t cpu_ms)
{
	if (cpu_ms <= a->cpu_ms)
		return false;
	a->node->share.cpu_ms += cpu_ms - a->cpu_ms;
	a->cpu_ms = cpu_ms;
	return true;
}

void sched_unit_queue_local(struct sched *s, struct sched_unit *u,
			    enum reason why)
{
	stop_hedge(s, u);
	remove_from_sent(s, u);
	u->reason = why;
	set_unit_state(s, u, SCHED_UNIT_TO_LOCAL);
}

void sched_unit_return_to_nodes(struct sched *s, struct sched_unit *u)
{
	queue_unit(s, u, SCHED_UNIT_TO_SCAN);
}

/* Try another node; after SCHED_TRIES_MAX nodes, compile locally for `why`. */
static void retry_unit(struct sched *s, struct sched_unit *u, enum reason why)
{
	if (u->n_tried == SCHED_TRIES_MAX) {
		sched_unit_queue_local(s, u, why);
		return;
	}
	/* This reason is reported only if no other node takes the unit. */
	u->reason = why;
	u->n_retries++;
	queue_unit(s, u, SCHED_UNIT_READY);
}

/*
 * Scan the unit again because an input was missing or changed.  After
 * RESCANS_MAX rescans, compile it locally instead.
 */
static void rescan_unit(struct sched *s, struct sched_unit *u, enum reason why)
{
	if (u->n_rescans++ == RESCANS_MAX) {
		sched_unit_queue_local(s, u, why);
		return;
	}
	u->n_retries++;
	u->n_tried = 0;
	queue_unit(s, u, SCHED_UNIT_TO_SCAN);
}

void sched_unit_start_local(struct sched *s, struct sched_unit *u)
{
	set_unit_state(s, u, SCHED_UNIT_LOCAL);
	u->local_began_ms = s->now_ms;
	add_unit_action(s, u, SCHED_ACT_COMPILE_LOCAL, NULL);
}

uint64_t sched_unit_late_after_ms(const struct sched *s,
				  const struct sched_unit *u)
{
	const struct sched_attempt *a = sched_last_attempt(u);
	uint64_t cost_ms = sched_class_cost_ms(s, u), ms = cost_ms;

	if (a && a->cpu_ms)
		ms = sched_class_duration_ms(s, &a->node->classes[a->class], u);
	else if (a)
		ms = a->predicted_ms;
	if (ms > 2 * cost_ms)
		ms = 2 * cost_ms;
	return (uint64_t)(s->late_ratio * (double)ms);
}

void sched_unit_hedge(struct sched *s, struct sched_unit *u, double charged_ms)
{
	u->hedged = true;
	u->hedge_charged_ms = charged_ms;
	u->hedge_began_ms = s->now_ms;
	s->n_local_slots_used++;
	add_unit_action(s, u, SCHED_ACT_HEDGE, NULL);
}

/*
 * If `why` is REASON_NONE, deliver the outputs of the node.  Otherwise, deliver
 * the outputs of the hedge and report the reason `why`.
 */
static void deliver_unit(struct sched *s, struct sched_unit *u, enum reason why)
{
	u->reason = why;
	remove_from_sent(s, u);
	set_unit_state(s, u, SCHED_UNIT_DONE);
	add_unit_action(s, u, SCHED_ACT_DELIVER, why ? NULL : u->node);
}

/*
 * The wrapper has exited: stop everything that runs for the unit.  `compiled`
 * is set if a local compile is known to have succeeded.
 */
static void drop_unit(struct sched *s, struct sched_unit *u, bool compiled)
{
	if (u->state == SCHED_UNIT_LOCAL && u->failed && compiled) {
		if (u->reason == REASON_COMPILE_ERROR)
			u->reason = REASON_COMPILE_FAILED;
		sched_disable_add_failure(s, u);
	}
	sched_unit_cancel(s, u);
	stop_hedge(s, u);
	remove_from_sent(s, u);
	if (u->state == SCHED_UNIT_LOCAL)
		add_unit_action(s, u, SCHED_ACT_LOCAL_DONE, NULL);
	if (u->in_worker) {
		set_unit_state(s, u, SCHED_UNIT_LEFT);
		return;
	}
	set_unit_state(s, u, SCHED_UNIT_NONE);
	sched_unit_free(s, u);
}

static void forget_try(struct sched_unit *u, const struct sched_node *n)
{
	unsigned at = 0;

	while (u->tried_nodes[at] != n)
		at++;
	u->tried_nodes[at] = u->tried_nodes[--u->n_tried];
}

/*
 * End an attempt without a result.  If it was the unit's only attempt, try
 * another node, or compile the unit locally for the reason `why`.
 */
static void abandon_attempt(struct sched *s, struct sched_attempt *a,
			    enum reason why)
{
	struct sched_unit *u = a->unit;

	a->node->n_retries++;
	/* The first SCHED_TRIES_MAX - 1 losses do not count as tries. */
	if (why == REASON_NODE_LOST && ++u->n_losses < SCHED_TRIES_MAX)
		forget_try(u, a->node);
	end_attempt(s, a, false);
	if (!u->n_attempts)
		retry_unit(s, u, why);
}

/*
 * Retry the node's units elsewhere, except units with a hedge (a concurrent
 * local compile), for which the first valid result wins.
 */
static void retry_unhedged_units(struct sched *s, struct sched_node *n)
{
	enum sched_event_kind by = s->cause;
	struct sched_attempt *a, *next;

	s->cause = SCHED_EV_NODE_LOST;
	list_for_each_safe(a, &n->jobs, node_entry, next) {
		if (a->unit->hedged)
			continue;
		add_unit_action(s, a->unit, SCHED_ACT_CANCEL, n);
		abandon_attempt(s, a, REASON_NODE_SLOW);
	}
	s->cause = by;
}

void sched_unit_check_starvation(struct sched *s, struct sched_unit *u,
				 const char *words)
{
	struct sched_node *n = u->node;
	bool trial = sched_window_is_trial(&n->window, n->n_slots);
	uint64_t ran_ms = s->now_ms - u->share_at_send.since_ms;
	unsigned all = sched_share_total_milli(&n->share, &u->share_at_send,
					       s->now_ms);
	unsigned each = sched_share_per_unit_milli(&n->share, &u->share_at_send,
						   s->now_ms);
	char *text;

	/* Jobs on a node that other build hosts use can wait or be paused. */
	if (n->state != SCHED_NODE_UP || n->shared || each >= STARVING_MILLI)
		return;
	/*
	 * Ignore a unit that was on the node only for a short time, because it
	 * may have waited for its inputs.
	 */
	if (ran_ms < (trial ? TRIAL_OBSERVE_MIN_MS : OBSERVE_MIN_MS))
		return;
	text = all ? xasprintf("%s: each job gets %u %% of a core on average",
			       words, (each + 5) / 10) :
		     xstrdup(words);
	if (all < STARVING_MILLI) {
		sched_window_shrink(&n->window, n->n_slots, 1);
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

		tc->number = (uint32_t)s->n_toolchains;
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
		queue_unit(s, u, SCHED_UNIT_TO_SCAN);
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
	struct sched_unit *u = sched_unit_find(s, ev->unit);
	enum reason why = ev->reason;

	if (u)
		abort_transition(s, u->state, ev->unit);
	while (s->n_units <= ev->unit)
		*VEC_ADD(s->units, s->n_units) = NULL;
	u = xcalloc(1, sizeof(*u));
	u->number = ev->unit;
	u->added_ms = s->now_ms;
	s->units[u->number] = u;
	s->n_by_state[SCHED_UNIT_NONE]++;
	s->n_added_units++;
	if (!why && !s->n_nodes)
		why = s->setup.remote_disabled ? REASON_NO_REMOTE :
						 REASON_NO_NODES;
	if (why) {
		sched_unit_queue_local(s, u, why);
		return;
	}
	u->toolchain = get_sched_toolchain(s, ev->toolchain);
	u->object_format = ev->object_format;
	u->cost_ms = ev->cost_ms;
	u->exclusive = ev->exclusive;
	u->steps = ev->steps;
	if (!s->first_added_ms)
		s->first_added_ms = s->now_ms;
	queue_unit(s, u, SCHED_UNIT_NEW);
	admit_unit(s, u);
}

static void on_scanned(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = get_unit_or_abort(s, ev->unit);
	bool waits = u->state == SCHED_UNIT_SCAN;

	finish_unit_work(s, u);
	if (!waits)
		return;
	u->input_bytes = ev->input_bytes;
	s->sum_cost_ms += (double)sched_class_cost_ms(s, u);
	s->n_costs += sched_class_cost_ms(s, u) > 0;
	if (ev->reason)
		sched_unit_queue_local(s, u, ev->reason);
	else
		queue_unit(s, u, SCHED_UNIT_READY);
}

/* Retry the units of a lost node, because it will send no results. */
static void retry_lost_units(struct sched *s, struct sched_node *n)
{
	enum sched_event_kind by = s->cause;
	struct sched_attempt *a;

	if (n->state != SCHED_NODE_DOWN && n->state != SCHED_NODE_EXCLUDED)
		return;
	s->cause = SCHED_EV_NODE_LOST;
	while ((a = TAILQ_FIRST(&n->jobs)))
		abandon_attempt(s, a, REASON_NODE_LOST);
	s->cause = by;
}

static void on_job_failed(struct sched *s, struct sched_attempt *a,
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
	struct sched_unit *u = a->unit;
	struct sched_node *n = a->node;

	/* The first SCHED_TRIES_MAX - 1 losses or refusals are not tries. */
	if (ev->fail == SCHED_FAIL_BUSY && ev->retry_ms &&
	    ++u->n_losses < SCHED_TRIES_MAX)
		forget_try(u, n);
	end_attempt(s, a, false);
	if (u->n_attempts) {
		/* The other attempt continues. */
	} else if (ev->fail == SCHED_FAIL_UNSUPPORTED ||
		   ev->fail == SCHED_FAIL_VOID) {
		u->failed = u->steps;
		sched_unit_queue_local(s, u, why);
	} else if (ev->fail == SCHED_FAIL_INPUT && u->n_rescans) {
		/*
		 * The unit was rescanned before, and the node still lacks an
		 * input.
		 */
		sched_unit_queue_local(s, u, why);
	} else if (ev->fail == SCHED_FAIL_INPUT) {
		rescan_unit(s, u, why);
	} else {
		retry_unit(s, u, why);
	}
	/* A node that is busy or exceeds the deadline has not failed. */
	if (ev->fail == SCHED_FAIL_BUSY) {
		n->busy_until_ms = s->now_ms + (ev->retry_ms < BUSY_MAX_MS ?
							ev->retry_ms :
							BUSY_MAX_MS);
		sched_node_refresh(s, n);
	} else if (ev->fail == SCHED_FAIL_NODE) {
		n->n_retries++;
		sched_node_add_suspicion(s, n, ev->text);
	} else if (ev->fail == SCHED_FAIL_DEADLINE) {
		sched_unit_check_starvation(s, u, ev->text);
	}
}

static void on_result(struct sched *s, struct sched_attempt *a, uint32_t cpu_ms)
{
	struct sched_unit *u = a->unit;
	struct sched_node *n = a->node;

	add_cpu_time(a, cpu_ms);
	a->cpu_ms = cpu_ms;
	if (u->n_attempts > 1) {
		struct sched_attempt *loser = u->attempts[u->attempts[0] == a];

		add_unit_action(s, u, SCHED_ACT_CANCEL, loser->node);
		end_attempt(s, loser, false);
	}
	end_attempt(s, a, true);
	set_unit_state(s, u, SCHED_UNIT_CHECK);
	/* Verification writes to the same files as the hedge. */
	stop_hedge(s, u);
	u->in_worker = true;
	s->n_in_workers++;
	add_unit_action(s, u, SCHED_ACT_VERIFY, n);
}

/* Return the unit's attempt on the node, or NULL. */
static struct sched_attempt *find_attempt(const struct sched_unit *u,
					  const struct sched_node *n)
{
	for (unsigned i = 0; u && i < u->n_attempts; i++) {
		if (u->attempts[i]->node == n)
			return u->attempts[i];
	}
	return NULL;
}

/*
 * Handle a node's event about a unit.  Ignore the event if the unit is no
 * longer on that node.
 */
static void on_remote_event(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_find(s, ev->unit);
	struct sched_node *n = event_node(s, ev);
	struct sched_attempt *a = find_attempt(u, n);

	if (!a)
		return;
	switch (ev->kind) {
	case SCHED_EV_SEND_FAILED:
		end_attempt(s, a, false);
		if (!u->n_attempts && ev->reason == REASON_MANY_NAMES)
			retry_unit(s, u, ev->reason);
		else if (!u->n_attempts)
			sched_unit_queue_local(s, u, ev->reason);
		if (ev->reason == REASON_MANY_NAMES)
			sched_node_set_ids_exhausted(s, n);
		break;
	case SCHED_EV_HEARTBEAT:
		if (add_cpu_time(a, ev->cpu_ms))
			a->progress_ms = s->now_ms;
		break;
	case SCHED_EV_OUTPUT:
		a->progress_ms = s->now_ms;
		break;
	case SCHED_EV_RESULT:
		on_result(s, a, ev->cpu_ms);
		break;
	default:
		on_job_failed(s, a, ev);
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
		retry_unit(s, u, REASON_WRONG_ANSWERS);
		u->node->n_retries++;
		if (!u->excused) {
			sched_node_add_fault(s, u->node, true, text);
			retry_lost_units(s, u->node);
		}
		free(text);
		return;
	}
	u->node->n_jobs++;
	sched_node_add_success(s, u->node);
	if (u->verdict == SCHED_VERDICT_UNUSABLE) {
		sched_unit_queue_local(s, u, u->verdict_reason);
	} else if (u->verdict == SCHED_VERDICT_INPUTS_CHANGED) {
		rescan_unit(s, u, REASON_INPUTS_CHANGE);
	} else {
		sched_disable_add_success(s, u);
		sched_class_learn_cost(s, u);
		deliver_unit(s, u, REASON_NONE);
	}
}

static void on_verified(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = get_unit_or_abort(s, ev->unit);
	bool waits = u->state == SCHED_UNIT_CHECK;

	finish_unit_work(s, u);
	if (!waits)
		return;
	u->verdict = ev->verdict;
	u->verdict_reason = ev->reason;
	u->failed = ev->failed;
	u->excused = ev->excused;
	free(u->verdict_text);
	u->verdict_text = ev->text ? xstrdup(ev->text) : NULL;
	if (u->toolchain->status == SCHED_STATUS_UNVERIFIED)
		queue_unit(s, u, SCHED_UNIT_HELD);
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
				       SCHED_SANDBOX_REQUESTED, 0);
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
	struct sched_unit *u = sched_unit_find(s, ev->unit);
	bool beaten = u && u->state == SCHED_UNIT_REMOTE;
	char *text;

	if (!u || !u->hedged)
		return;
	end_hedge(s, u);
	sched_unit_cancel(s, u);
	if (ev->reason) {
		sched_unit_queue_local(s, u, ev->reason);
		return;
	}
	deliver_unit(s, u, REASON_NODE_SLOW);
	if (!beaten)
		return;
	text = xasprintf("%s finished sooner on the build host", ev->text);
	sched_unit_check_starvation(s, u, text);
	free(text);
}

static void on_sandbox_changed(struct sched *s, const struct sched_event *ev)
{
	struct sched_toolchain *tc = get_sched_toolchain(s, ev->toolchain);
	struct sched_node *n = event_node(s, ev);
	struct sched_attempt *a, *next;

	sched_node_set_sandbox(s, n, tc, ev->sandbox, ev->steps);
	list_for_each_safe(a, &n->jobs, node_entry, next) {
		if (ev->sandbox != SCHED_SANDBOX_STALE ||
		    a->unit->toolchain != tc)
			continue;
		sched_unit_cancel(s, a->unit);
		rescan_unit(s, a->unit, REASON_INPUTS_CHANGE);
	}
}

void sched_unit_handle_event(struct sched *s, const struct sched_event *ev)
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
		end_hedge(s, u);
		/*
		 * While the hedge ran, the unit may have stayed READY although
		 * no node could take it.  Make dispatch_ready() check the unit.
		 */
		u->toolchain->recheck_ready = true;
		break;
	case SCHED_EV_UNIT_GONE:
		drop_unit(s, get_unit_or_abort(s, ev->unit), ev->compiled);
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
		break;
	case SCHED_EV_EXPECTED_UNITS:
		s->n_expected_units = ev->n_units;
		break;
	case SCHED_EV_LOCAL_SLOTS:
		s->setup.n_local_slots = ev->n_slots ? ev->n_slots : 1;
		s->setup.n_spare_slots = ev->n_spare;
		break;
	default: /* an event of a node or its connection */
		n = event_node(s, ev);
		if (ev->kind == SCHED_EV_NODE_RETRY)
			sched_disable_forget(s, n);
		sched_node_handle_event(s, n, ev);
		retry_lost_units(s, n);
	}
}
