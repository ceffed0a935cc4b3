/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table below lists the allowed state changes by event; all others are
 * defects.  SCHED_EV_TIME stands for the steps that the dispatcher takes after
 * any event: a unit gets its turn or a slot, or runs out of nodes.
 *
 * A hedge (a concurrent local compile) can run in the states to-scan, scan,
 * ready and remote.  SCHED_EV_HEDGE_DONE then leads to done or to-local.  A
 * worker that scans the unit still reports its end: SCHED_EV_SCANNED changes
 * nothing in to-local, local and done.  A unit in state left is freed by
 * SCHED_EV_SCANNED or SCHED_EV_VERIFIED.
 */
#include "sched/unit.h"

#include "base/str.h"
#include "base/vec.h"
#include "sched/node.h"

#include <stdlib.h>

#define RESCANS_MAX 2

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
		[SCHED_UNIT_TO_LOCAL] = { [SCHED_EV_TIME] = TO(LOCAL),
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
		"time",     "came",       "scanned",   "unsent",   "beat",
		"output",   "answered",   "failed",    "examined", "hedged",
		"unhedged", "left",       "toolchain", "object",   "fit",
		"unfit",    "lost",       "slots",     "cell",     "probed",
		"worn",     "drain",      "resume",    "added",    "removed",
		"retry",    "local-slots"
	};

	_Static_assert(sizeof(states) / sizeof(*states) == SCHED_UNIT_N_STATES,
		       "");
	_Static_assert(sizeof(events) / sizeof(*events) == SCHED_EV_N_KINDS,
		       "");
	sched_abort_impossible(events[s->cause], states[state], number);
}

struct sched_unit *sched_unit_find(const struct sched *s, uint32_t number)
{
	return number < s->n_units ? s->units[number] : NULL;
}

struct sched_unit *sched_unit_get_or_abort(const struct sched *s,
					   uint32_t number)
{
	struct sched_unit *u = sched_unit_find(s, number);
	enum sched_unit_state state = u ? u->state : SCHED_UNIT_NONE;
	bool by_worker = s->cause == SCHED_EV_SCANNED ||
			 s->cause == SCHED_EV_VERIFIED;

	if (!u || !allowed_transitions[state][s->cause] ||
	    (by_worker && !u->in_worker) ||
	    (s->cause == SCHED_EV_HEDGE_DONE && !u->hedged))
		abort_transition(s, state, number);
	return u;
}

struct sched_unit *sched_unit_new(struct sched *s, uint32_t number)
{
	struct sched_unit *u = sched_unit_find(s, number);

	if (u)
		abort_transition(s, u->state, number);
	while (s->n_units <= number)
		*VEC_ADD(s->units, s->n_units) = NULL;
	u = xcalloc(1, sizeof(*u));
	u->number = number;
	u->added_ms = s->now_ms;
	s->units[number] = u;
	s->n_by_state[SCHED_UNIT_NONE]++;
	return u;
}

void sched_unit_free(struct sched *s, struct sched_unit *u)
{
	s->units[u->number] = NULL;
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
	case SCHED_UNIT_REMOTE:
		return &u->node->units;
	case SCHED_UNIT_HELD:
		return &u->toolchain->held;
	case SCHED_UNIT_TO_LOCAL:
		return &s->to_local;
	default:
		return NULL;
	}
}

/*
 * Insert in the order of arrival.  Most units belong at the end.  A unit that
 * is queued again is older than nearly all others, so search from the front.
 */
static void insert_in_order(struct sched_units *list, struct sched_unit *u)
{
	struct sched_unit *last = TAILQ_LAST(list, sched_units), *at;

	if (!last || last->number < u->number) {
		TAILQ_INSERT_TAIL(list, u, entry);
		return;
	}
	for (at = TAILQ_FIRST(list); at->number < u->number;)
		at = TAILQ_NEXT(at, entry);
	TAILQ_INSERT_BEFORE(at, u, entry);
}

static void change_node_use(struct sched *s, struct sched_node *n, int change)
{
	sched_model_share_add_units(&n->share, s->now_ms, change);
	sched_node_change_running(s, n, change);
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
	s->n_by_state[was]--;
	s->n_by_state[next]++;
	u->state = next;
	list = list_of_state(s, u);
	if (list)
		insert_in_order(list, u);
	s->n_local_slots_used -= was == SCHED_UNIT_LOCAL;
	s->n_local_slots_used += next == SCHED_UNIT_LOCAL;
	if (was == SCHED_UNIT_REMOTE)
		change_node_use(s, u->node, -1);
	if (next == SCHED_UNIT_REMOTE)
		change_node_use(s, u->node, 1);
}

/* Add an action of a unit; `n` is NULL if it concerns the build host only. */
static void add_unit_action(struct sched *s, const struct sched_unit *u,
			    enum sched_action_kind kind,
			    const struct sched_node *n)
{
	struct sched_action a = { .kind = kind,
				  .unit = u->number,
				  .node = n ? n->number : SCHED_LOCAL,
				  .reason = u->reason,
				  .n_retries = u->n_retries };

	if (kind == SCHED_ACT_SEND)
		a.deadline_ms = sched_model_deadline_ms(&s->cost,
							u->input_bytes);
	sched_add_action(s, &a);
}

void sched_unit_queue(struct sched *s, struct sched_unit *u,
		      enum sched_unit_state state)
{
	set_unit_state(s, u, state);
	/* Make the dispatcher check whether any node is left for this unit. */
	u->toolchain->recheck_ready |= state == SCHED_UNIT_READY;
}

static void mark_in_worker(struct sched *s, struct sched_unit *u)
{
	u->in_worker = true;
	s->n_in_workers++;
}

void sched_unit_finish_work(struct sched *s, struct sched_unit *u)
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
	mark_in_worker(s, u);
	add_unit_action(s, u, SCHED_ACT_SCAN, NULL);
}

static void remove_from_sent(struct sched *s, struct sched_unit *u)
{
	if (u->in_sent_list)
		TAILQ_REMOVE(&s->sent_units, u, sent_entry);
	u->in_sent_list = false;
}

void sched_unit_send(struct sched *s, struct sched_unit *u,
		     struct sched_node *n)
{
	u->node = n;
	u->tried_nodes[u->n_tried++] = n;
	u->cpu_ms = 0;
	u->progress_ms = s->now_ms;
	if (!u->in_sent_list) {
		u->in_sent_list = true;
		u->first_sent_ms = s->now_ms;
		TAILQ_INSERT_TAIL(&s->sent_units, u, sent_entry);
	}
	set_unit_state(s, u, SCHED_UNIT_REMOTE);
	u->share_at_send = n->share;
	add_unit_action(s, u, SCHED_ACT_SEND, n);
}

void sched_unit_cancel(struct sched *s, struct sched_unit *u)
{
	if (u->state == SCHED_UNIT_REMOTE)
		add_unit_action(s, u, SCHED_ACT_CANCEL, u->node);
}

static void stop_hedge(struct sched *s, struct sched_unit *u)
{
	if (!u->hedged)
		return;
	add_unit_action(s, u, SCHED_ACT_STOP_HEDGE, NULL);
	sched_unit_end_hedge(s, u);
}

bool sched_unit_add_cpu_time(struct sched_unit *u, uint32_t cpu_ms)
{
	if (cpu_ms <= u->cpu_ms)
		return false;
	u->node->share.cpu_ms += cpu_ms - u->cpu_ms;
	u->cpu_ms = cpu_ms;
	return true;
}

void sched_unit_verify(struct sched *s, struct sched_unit *u, uint32_t cpu_ms)
{
	sched_unit_add_cpu_time(u, cpu_ms);
	u->cpu_ms = cpu_ms;
	set_unit_state(s, u, SCHED_UNIT_CHECK);
	/* Verification writes the outputs to the same files as the hedge. */
	stop_hedge(s, u);
	mark_in_worker(s, u);
	add_unit_action(s, u, SCHED_ACT_VERIFY, u->node);
}

void sched_unit_retry(struct sched *s, struct sched_unit *u, enum reason why)
{
	if (u->n_tried == SCHED_TRIES_MAX) {
		sched_unit_queue_local(s, u, why);
		return;
	}
	/* reported only if no other node takes the unit */
	u->reason = why;
	u->n_retries++;
	sched_unit_queue(s, u, SCHED_UNIT_READY);
}

void sched_unit_rescan(struct sched *s, struct sched_unit *u, enum reason why)
{
	if (u->n_rescans++ == RESCANS_MAX) {
		sched_unit_queue_local(s, u, why);
		return;
	}
	u->n_retries++;
	u->n_tried = 0;
	sched_unit_queue(s, u, SCHED_UNIT_TO_SCAN);
}

void sched_unit_queue_local(struct sched *s, struct sched_unit *u,
			    enum reason why)
{
	stop_hedge(s, u);
	remove_from_sent(s, u);
	u->reason = why;
	set_unit_state(s, u, SCHED_UNIT_TO_LOCAL);
}

void sched_unit_start_local(struct sched *s, struct sched_unit *u)
{
	set_unit_state(s, u, SCHED_UNIT_LOCAL);
	add_unit_action(s, u, SCHED_ACT_COMPILE_LOCAL, NULL);
}

void sched_unit_hedge(struct sched *s, struct sched_unit *u)
{
	u->hedged = true;
	s->n_local_slots_used++;
	add_unit_action(s, u, SCHED_ACT_HEDGE, NULL);
}

void sched_unit_end_hedge(struct sched *s, struct sched_unit *u)
{
	u->hedged = false;
	s->n_local_slots_used--;
}

void sched_unit_deliver(struct sched *s, struct sched_unit *u, enum reason why)
{
	u->reason = why;
	remove_from_sent(s, u);
	set_unit_state(s, u, SCHED_UNIT_DONE);
	add_unit_action(s, u, SCHED_ACT_DELIVER, why ? NULL : u->node);
}

void sched_unit_remove(struct sched *s, struct sched_unit *u)
{
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
