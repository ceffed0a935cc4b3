/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each event first changes the object that it concerns.  Then timeouts are
 * handled, and then every unit that can take its next step does so
 * (dispatch_all), expensive units first:
 *
 * - A READY unit is sent to the core class on which it finishes first
 *   (sched/class.h), or waits for this class.  If no node can take the unit now
 *   or later, the unit is compiled locally.
 * - A TO_SCAN unit is given to a worker.  Units are scanned ahead of their turn
 *   so that a scanned unit is available when a slot becomes free.  No further
 *   unit is scanned while the number of SCAN and READY units is at least the
 *   sum of the nodes' free slots and all local slots.
 * - A TO_LOCAL unit gets a local slot.  While a toolchain is uploaded, or a
 *   node is slow to connect or has a reduced slot window, local slots also take
 *   units that wait for this toolchain or node.  While all nodes are busy,
 *   n_spare_slots of the local slots take units that finish sooner in a local
 *   slot, or that do not prolong the build.
 *
 * Once a second, each late unit gets a backup (a second job on a node with a
 * free core).  When no unit waits for a core, the units that are expected to
 * end last get backups, too.  A late unit that no node can take gets a hedge (a
 * concurrent local compile) in a local slot that is not needed otherwise.
 * While all cores are busy and units wait for them, a job that has a core of
 * its own gets no hedge.  A late exclusive unit, which cannot be executed
 * twice, moves to a local slot instead.
 */
#include "sched/sched.h"

#include "base/str.h"
#include "sched/class.h"
#include "sched/node.h"
#include "sched/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEVER          UINT64_MAX
#define HEDGE_CHECK_MS 1000
/* interval at which a waiting unit chooses a class again */
#define CHOICE_MS 1000
#define STALL_MS  5000 /* a job without progress for this time stalls */
/*
 * Values of least_ms for is_late().  A unit that takes less time is late only
 * if its job stalls.
 */
#define HEDGE_MIN_MS       10000
#define TRIAL_HEDGE_MIN_MS 2000 /* on a node that had failed */
#define BACKUP_MIN_MS      2000 /* for backups; also the job's minimum age */
#define BACKUP_GAIN_MS     1000 /* minimum time that a second execution saves */
#define LAST_UNITS_MAX     16 /* units examined for a backup in one check */
#define SECOND_MIN_MS      20000 /* minimum budget for second executions */

/*
 * Send the unit to the class on which it finishes first, or make it wait for
 * this class.
 */
static void place_unit(struct sched *s, struct sched_unit *u)
{
	struct sched_class *c;

	sched_class_release(s, u);
	c = sched_class_choose(s, u);
	if (c && sched_class_can_take(c, u))
		sched_unit_send(s, u, c);
	else if (c)
		sched_class_reserve(s, c, u);
}

/*
 * Choose a class for each READY unit that does not wait for a class, and send
 * each waiting unit whose class can take it.  Then choose a class again for the
 * waiting units in order, until one of them must continue to wait.
 */
static void place_units(struct sched *s, struct sched_toolchain *tc)
{
	struct sched_unit *u, *next;

	if (tc->status != SCHED_STATUS_READY)
		return;
	list_for_each_safe(u, &tc->ready, entry, next) {
		if (!tc->n_accepting)
			return;
		if (!u->waits_for)
			place_unit(s, u);
		else if (sched_class_can_take(u->waits_for, u))
			sched_unit_send(s, u, u->waits_for);
	}
	list_for_each_safe(u, &tc->ready, entry, next) {
		if (!u->waits_for)
			continue;
		place_unit(s, u);
		if (u->state == SCHED_UNIT_READY)
			return;
	}
}

/*
 * Return the time at which the build is expected to end.  If the number or the
 * cost of its units is unknown, use a rough estimate: if the nodes have more
 * usable cores than the build has units left, it ends now; otherwise, half of
 * its time has passed.
 */
static uint64_t build_end_ms(const struct sched *s)
{
	unsigned n_units = s->n_by_state[SCHED_UNIT_TO_SCAN] +
			   s->n_by_state[SCHED_UNIT_SCAN] +
			   s->n_by_state[SCHED_UNIT_READY] +
			   s->n_by_state[SCHED_UNIT_REMOTE];

	if (!s->n_expected_units || !s->n_costs)
		return n_units < s->n_usable_cores ?
			       s->now_ms :
			       2 * s->now_ms - s->first_added_ms;
	if (s->n_expected_units > s->n_added_units)
		n_units += s->n_expected_units - s->n_added_units;
	return s->now_ms + (uint64_t)(n_units * s->sum_cost_ms / s->n_costs /
				      s->usable_speed);
}

/*
 * Send waiting units to free classes, even if a unit would finish sooner on the
 * class for which it waits.  A unit is sent only if it finishes by the expected
 * end of the build.  The cheapest units are sent first, so that the expensive
 * units get the next free cores of fast classes.
 */
static void use_free_classes(struct sched *s, struct sched_toolchain *tc)
{
	uint64_t until_ms = build_end_ms(s);
	struct sched_unit *u, *prev;

	for (u = TAILQ_LAST(&tc->ready, sched_units);
	     u && tc->n_accepting && until_ms > s->now_ms; u = prev) {
		struct sched_class *c;

		prev = TAILQ_PREV(u, sched_units, entry);
		if (!u->waits_for)
			continue;
		c = sched_class_choose_free(s, u, until_ms);
		if (!c)
			return;
		sched_unit_send(s, u, c);
	}
}

/*
 * Return a READY unit that a spare local slot can take, or NULL.  The first
 * unit is taken if it finishes sooner on the build host than on any node.  If
 * it does not, or if the speed of the build host is still unknown, the cheapest
 * unit is taken unless this prolongs the build.
 */
static struct sched_unit *spare_slot_unit(struct sched *s,
					  const struct sched_toolchain *tc)
{
	struct sched_unit *first = TAILQ_FIRST(&tc->ready);
	struct sched_unit *last = TAILQ_LAST(&tc->ready, sched_units);
	struct sched_class *c, *waits_for;

	if (!first || first->hedged || !sched_class_cost_ms(s, first))
		return NULL;
	/* Choose without regard to the reservation of the unit itself. */
	waits_for = first->waits_for;
	sched_class_release(s, first);
	c = sched_class_choose(s, first);
	if (c && s->local.sum_cost_ms > 0 &&
	    sched_class_finish_ms(s, &s->local, first) <
		    sched_class_finish_ms(s, c, first))
		return first;
	if (waits_for)
		sched_class_reserve(s, waits_for, first);
	if (last->hedged ||
	    sched_class_finish_ms(s, &s->local, last) > build_end_ms(s))
		return NULL;
	return last;
}

/* Let spare local slots compile units for which all nodes are too busy. */
static void use_spare_slots(struct sched *s, struct sched_toolchain *tc)
{
	while (s->n_local_slots_used < s->setup.n_spare_slots) {
		struct sched_unit *u = spare_slot_unit(s, tc);

		if (!u)
			return;
		sched_unit_queue_local(s, u, REASON_NODES_BUSY);
		sched_unit_start_local(s, u);
	}
}

/* End the wait of all READY units, so that they choose a class again. */
static void release_units(struct sched *s, struct sched_toolchain *tc)
{
	struct sched_unit *u;

	list_for_each(u, &tc->ready, entry)
		sched_class_release(s, u);
}

/* Return the best availability among the nodes not tried for the unit. */
static enum sched_availability best_availability(const struct sched_unit *u)
{
	const struct sched_toolchain *tc = u->toolchain;
	enum sched_availability best = SCHED_AVAILABLE_NEVER;
	unsigned n[SCHED_AVAILABLE_N_KINDS];

	/*
	 * n_available counts sandboxes without regard to tool steps, so a unit
	 * with tool steps requires a check of each sandbox.
	 */
	for (uint32_t i = 0; u->steps && i < tc->n_sandboxes; i++) {
		const struct sched_sandbox_state *c = &tc->sandboxes[i];

		if (sched_has_needed_steps(u, c) && !sched_was_tried(u, i) &&
		    c->availability > best)
			best = c->availability;
	}
	if (u->steps)
		return best;

	memcpy(n, tc->n_available, sizeof(n));
	for (unsigned i = 0; i < u->n_tried; i++)
		n[tc->sandboxes[u->tried_nodes[i]->number].availability]--;
	best = SCHED_AVAILABLE_NOW;
	while (best > SCHED_AVAILABLE_NEVER && !n[best])
		best--;
	return best;
}

/* Return true if a program of the set is disabled in a ready sandbox. */
static bool has_disabled(const struct sched_toolchain *tc, unsigned programs)
{
	for (size_t i = 0; i < tc->n_sandboxes; i++) {
		if (tc->sandboxes[i].sandbox == SCHED_SANDBOX_READY &&
		    tc->sandboxes[i].disabled & programs)
			return true;
	}
	return false;
}

static bool has_node_in_state(const struct sched *s,
			      enum sched_node_state state, bool drained)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct sched_node *n = s->nodes[i];

		if (n->state == state && n->drained == drained)
			return true;
	}
	return false;
}

/*
 * Return REASON_NONE if a node can take the unit now or may take it later.
 * Otherwise, return the reason for compiling the unit locally.
 */
static enum reason no_node_reason(const struct sched *s,
				  const struct sched_unit *u)
{
	if (u->toolchain->status == SCHED_STATUS_UNUSABLE)
		return u->toolchain->reason;
	if (best_availability(u) != SCHED_AVAILABLE_NEVER)
		return REASON_NONE;
	if (u->n_tried || u->n_losses)
		return u->reason;
	if (has_disabled(u->toolchain, SCHED_COMPILER))
		return REASON_COMPILER_DISABLED;
	if (has_disabled(u->toolchain, u->steps))
		return REASON_STEP_DISABLED;
	if (has_node_in_state(s, SCHED_NODE_UP, false))
		return u->steps ? REASON_NO_STEPS : REASON_NO_TOOLCHAIN;
	if (has_node_in_state(s, SCHED_NODE_UP, true))
		return REASON_NODES_DRAINED;
	return has_node_in_state(s, SCHED_NODE_UNFIT, false) ?
		       REASON_NODES_UNFIT :
		       REASON_NODES_DOWN;
}

/*
 * Return the reason for compiling a unit locally although a node may become
 * available.
 */
static enum reason local_compile_reason(const struct sched *s,
					const struct sched_unit *u)
{
	const struct sched_toolchain *tc = u->toolchain;

	for (size_t i = 0; tc->status == SCHED_STATUS_READY && i < s->n_nodes;
	     i++) {
		/* The node has the toolchain, but its window is reduced. */
		if (s->nodes[i]->state == SCHED_NODE_UP &&
		    tc->sandboxes[i].sandbox == SCHED_SANDBOX_READY)
			return REASON_NODE_SLOW;
	}
	return has_node_in_state(s, SCHED_NODE_UP, false) ?
		       REASON_TOOLCHAIN_SHIPPING :
		       REASON_NODES_DOWN;
}

/*
 * Return true if a TO_LOCAL unit can be sent to a node again.  This requires
 * that the unit waits for a local slot only because nodes were down, drained or
 * lost.  The unit must not have reached a limit of attempts, and no worker must
 * use it.
 */
static bool can_return_to_nodes(const struct sched_unit *u)
{
	return !u->in_worker && u->n_tried < SCHED_TRIES_MAX &&
	       u->n_losses < SCHED_TRIES_MAX &&
	       (u->reason == REASON_NODES_DOWN ||
		u->reason == REASON_NODES_DRAINED ||
		u->reason == REASON_NODE_LOST);
}

/* Let units that wait for a local slot return to nodes that are up again. */
static void return_units_to_nodes(struct sched *s, struct sched_toolchain *tc)
{
	struct sched_unit *u, *next;

	list_for_each_safe(u, &s->to_local, entry, next) {
		if (u->toolchain == tc && can_return_to_nodes(u) &&
		    best_availability(u) == SCHED_AVAILABLE_NOW)
			sched_unit_return_to_nodes(s, u);
	}
}

/*
 * Send the READY units, make them wait for a class, or compile them locally.
 * If `is_tick` is set, waiting units choose a class again.
 */
static void dispatch_ready(struct sched *s, struct sched_toolchain *tc,
			   bool is_tick)
{
	bool review = tc->has_new_ready || tc->recheck_ready;
	struct sched_unit *u, *next;

	if (tc->recheck_ready || is_tick)
		release_units(s, tc);
	if (tc->recheck_ready && tc->status == SCHED_STATUS_READY)
		return_units_to_nodes(s, tc);
	tc->has_new_ready = tc->recheck_ready = false;
	place_units(s, tc);
	/* The end of the build can be predicted only while a node is up. */
	if (tc->status == SCHED_STATUS_READY && tc->n_accepting)
		use_free_classes(s, tc);
	if (tc->status == SCHED_STATUS_READY && s->n_usable_cores)
		use_spare_slots(s, tc);
	if (!review)
		return;
	list_for_each_safe(u, &tc->ready, entry, next) {
		enum reason why = u->hedged || u->waits_for ?
					  REASON_NONE :
					  no_node_reason(s, u);

		if (why)
			sched_unit_queue_local(s, u, why);
	}
}

/* Return the unit that is served first.  `a` and `b` can be NULL. */
static struct sched_unit *first_unit(struct sched_unit *a, struct sched_unit *b)
{
	return !a || (b && sched_unit_is_before(b, a)) ? b : a;
}

static void scan_ahead(struct sched *s)
{
	while (s->n_in_workers < s->setup.max_scans &&
	       s->n_by_state[SCHED_UNIT_READY] +
			       s->n_by_state[SCHED_UNIT_SCAN] <
		       s->n_free_slots + s->setup.n_local_slots) {
		struct sched_unit *u = NULL;

		for (size_t i = 0; i < s->n_toolchains; i++)
			u = first_unit(u,
				       TAILQ_FIRST(&s->toolchains[i]->to_scan));
		if (!u)
			return;
		sched_unit_scan(s, u);
	}
}

static struct sched_unit *find_waiting_for_upload(struct sched_units *list)
{
	struct sched_unit *u;

	list_for_each(u, list, entry) {
		if (!u->hedged &&
		    best_availability(u) == SCHED_AVAILABLE_AFTER_UPLOAD)
			return u;
	}
	return NULL;
}

/*
 * Return the toolchain's first unit that a local slot may take although the
 * unit still waits for a node.
 */
static struct sched_unit *first_local_candidate(struct sched_toolchain *tc)
{
	if (!tc->n_available[SCHED_AVAILABLE_AFTER_UPLOAD])
		return NULL;
	return first_unit(find_waiting_for_upload(&tc->to_scan),
			  find_waiting_for_upload(&tc->ready));
}

static void fill_local_slots(struct sched *s)
{
	while (s->n_local_slots_used < s->setup.n_local_slots) {
		struct sched_unit *u = TAILQ_FIRST(&s->to_local);

		for (size_t i = 0; i < s->n_toolchains; i++)
			u = first_unit(u,
				       first_local_candidate(s->toolchains[i]));
		if (!u)
			return;
		if (u->state != SCHED_UNIT_TO_LOCAL)
			sched_unit_queue_local(s, u,
					       local_compile_reason(s, u));
		sched_unit_start_local(s, u);
	}
}

static void dispatch_all(struct sched *s)
{
	bool is_tick = s->now_ms >= s->next_choice_ms;

	s->cause = SCHED_EV_TIME;
	if (is_tick) {
		s->next_choice_ms = s->now_ms + CHOICE_MS;
		sched_class_update_all(s);
	}
	for (size_t i = 0; i < s->n_toolchains; i++) {
		struct sched_toolchain *tc = s->toolchains[i];
		struct sched_unit *u;

		dispatch_ready(s, tc, is_tick);
		/*
		 * Most TO_SCAN units have no tried nodes, because a rescan
		 * clears the list of tried nodes.  no_node_reason() therefore
		 * returns the same reason for most units with equal tool steps.
		 * So stop at the first unit that a node can take.  The other
		 * units are checked when they are READY.
		 */
		while ((u = TAILQ_FIRST(&tc->to_scan))) {
			enum reason why = no_node_reason(s, u);

			if (!why)
				break;
			sched_unit_queue_local(s, u, why);
		}
	}
	scan_ahead(s);
	fill_local_slots(s);
}

/* Return true if the unit's last job has begun and does not stall. */
static bool is_progressing(const struct sched *s, const struct sched_unit *u)
{
	const struct sched_attempt *a = sched_last_attempt(u);

	/* cpu_ms is 0 while the job waits in the node's queue. */
	return a && a->cpu_ms && s->now_ms <= a->progress_ms + STALL_MS;
}

/*
 * Return true if the last job of the unit stalls, or if the unit takes longer
 * than both `least_ms` and sched_unit_late_after_ms().  If the unit is
 * exclusive and its job has begun, return true only if the job stalls.
 */
static bool is_late(const struct sched *s, const struct sched_unit *u,
		    uint64_t least_ms)
{
	const struct sched_attempt *a = sched_last_attempt(u);
	bool began = a && a->cpu_ms;
	bool stalled = began && !is_progressing(s, u);
	uint64_t since_ms = u->first_sent_ms;
	uint64_t late_ms = sched_unit_late_after_ms(s, u);

	/*
	 * An exclusive unit moves to a local slot instead of being hedged, and
	 * its progress on the node is lost.  Once its job has begun, move it
	 * only if the job stalls.
	 */
	if (u->exclusive && began)
		return stalled;
	/*
	 * For a retried unit, count from the first send.  For a job on the
	 * first node and for a backup, count from the time at which the job got
	 * a core.  If the job has no core yet, count from its send.
	 */
	if (a && (u->n_tried == 1 || u->n_attempts > 1))
		since_ms = a->has_core ? a->began_ms : a->sent_ms;
	return stalled ||
	       s->now_ms > since_ms + (late_ms > least_ms ? late_ms : least_ms);
}

static bool needs_hedge(const struct sched *s, const struct sched_unit *u)
{
	const struct sched_attempt *a = sched_last_attempt(u);
	bool trial = a &&
		     sched_window_is_trial(&a->node->window, a->node->n_slots);

	return !u->hedged && (a || u->state == SCHED_UNIT_READY) &&
	       is_late(s, u, trial ? TRIAL_HEDGE_MIN_MS : HEDGE_MIN_MS);
}

/*
 * The budget for second executions of units whose jobs make progress is a
 * twentieth of the core time of the nodes, plus SECOND_MIN_MS.  Return true if
 * it permits a second execution of `duration_ms`.
 */
static bool has_budget(const struct sched *s, double duration_ms)
{
	return s->sum_second_ms + duration_ms <=
	       s->sum_core_ms / 20 + SECOND_MIN_MS;
}

/*
 * Charge to the budget the predicted duration of a second execution on class
 * `c`, and return this duration.  Return 0 without a charge if the second
 * execution would not end at least BACKUP_GAIN_MS before the job of the unit,
 * or if the budget does not permit it.
 *
 * A job can take longer than predicted because its node is slow, or because the
 * unit is more expensive than predicted.  The CPU time of the job and the
 * slowness of its class distinguish these two cases.
 */
static double spend_on_second(struct sched *s, const struct sched_unit *u,
			      const struct sched_class *c)
{
	const struct sched_attempt *a = u->attempts[u->n_attempts - 1];
	uint64_t end_ms = sched_class_expected_end_ms(s, a);
	double spent_ms = a->cpu_ms / a->node->classes[a->class].slowness;
	double ms = fmax((double)sched_class_cost_ms(s, u), spent_ms) *
		    c->slowness;

	if (s->now_ms + (uint64_t)ms + BACKUP_GAIN_MS > end_ms ||
	    !has_budget(s, ms))
		return 0;
	s->sum_second_ms += ms;
	return ms;
}

/* ---- backups: a second job of a unit on another node ---- */

/*
 * Send a backup of the unit to another node with a free core.  Do nothing if
 * the job of the unit is younger than BACKUP_MIN_MS.  If `is_stuck` is not set,
 * also do nothing unless the backup is expected to finish sooner.
 */
static void start_backup(struct sched *s, struct sched_unit *u, bool is_stuck)
{
	struct sched_class *c;
	double charged_ms = 0;

	if (u->toolchain->status != SCHED_STATUS_READY || u->exclusive ||
	    u->hedged || u->n_attempts != 1 || u->n_tried == SCHED_TRIES_MAX ||
	    !sched_class_cost_ms(s, u) ||
	    s->now_ms < u->attempts[0]->sent_ms + BACKUP_MIN_MS)
		return;
	if (!is_stuck && !has_budget(s, 0))
		return;
	c = sched_class_choose_free(s, u, NEVER);
	if (!c)
		return;
	if (!is_stuck) {
		charged_ms = spend_on_second(s, u, c);
		if (charged_ms <= 0)
			return;
	}
	sched_unit_send(s, u, c);
	u->attempts[1]->charged_ms = charged_ms;
}

/*
 * Return the unit that is expected to end last, and store its expected end in
 * *end_ms.  Consider only units that have one job and no hedge, are not
 * exclusive, and are expected to end before `limit_ms`.  Returns NULL if no
 * unit meets these conditions.
 */
static struct sched_unit *last_unit_to_end(const struct sched *s,
					   uint64_t limit_ms, uint64_t *end_ms)
{
	struct sched_unit *u, *last = NULL;

	*end_ms = 0;
	list_for_each(u, &s->sent_units, sent_entry) {
		uint64_t ms = 0;

		if (u->n_attempts == 1 && !u->hedged && !u->exclusive)
			ms = sched_class_expected_end_ms(s, u->attempts[0]);
		if (ms > *end_ms && ms < limit_ms) {
			last = u;
			*end_ms = ms;
		}
	}
	return last;
}

/* Return the number of units that wait for a core of a node. */
static unsigned count_waiting(const struct sched *s)
{
	const unsigned *n = s->n_by_state;

	return n[SCHED_UNIT_NEW] + n[SCHED_UNIT_TO_SCAN] + n[SCHED_UNIT_SCAN] +
	       n[SCHED_UNIT_READY];
}

/*
 * Start backups of late units and, if no unit waits for a core, of the units
 * that are expected to end last.
 */
static void check_backups(struct sched *s)
{
	unsigned n_waiting = count_waiting(s);
	uint64_t end_ms = NEVER;
	struct sched_unit *u;

	list_for_each(u, &s->sent_units, sent_entry) {
		if (!s->n_free_slots)
			return;
		if (u->n_attempts == 1 && is_late(s, u, BACKUP_MIN_MS))
			start_backup(s, u, !is_progressing(s, u));
	}
	for (unsigned i = 0; i < LAST_UNITS_MAX && !n_waiting; i++) {
		u = last_unit_to_end(s, end_ms, &end_ms);
		if (!u || !s->n_free_slots)
			return;
		start_backup(s, u, false);
	}
}

/*
 * Move late exclusive units to local slots, because a hedge (a concurrent local
 * compile) would write the same files as the node's result.  Call this before
 * dispatch_all(), which fills the node slots that become free.
 */
static void withdraw_exclusive(struct sched *s)
{
	struct sched_unit *u, *next, *last = NULL;

	if (s->now_ms < s->hedge_check_ms)
		return;
	s->cause = SCHED_EV_TIME;
	list_for_each_safe(u, &s->sent_units, sent_entry, next) {
		unsigned locals = s->n_local_slots_used +
				  s->n_by_state[SCHED_UNIT_TO_LOCAL];

		if (!u->exclusive || locals >= s->setup.n_local_slots ||
		    !needs_hedge(s, u))
			continue;
		if (u->state == SCHED_UNIT_REMOTE)
			last = u;
		sched_unit_cancel(s, u);
		sched_unit_queue_local(s, u, REASON_NODE_SLOW);
	}
	if (last)
		sched_unit_check_starvation(s, last, "a job made no progress");
}

/*
 * Return true if the last job of the unit has a core of its own.  The job must
 * have used at least half of a core since it began, which shows that the node
 * does not starve it.
 */
static bool has_own_core(const struct sched *s, const struct sched_unit *u)
{
	const struct sched_attempt *a = sched_last_attempt(u);

	return a->has_core && 2 * a->cpu_ms >= s->now_ms - a->began_ms;
}

/*
 * Start a hedge of a late unit.  If the job of the unit makes progress, and the
 * cost can be predicted, start the hedge only if it is expected to finish
 * sooner.  In this case, also do not hedge a job that has a core of its own
 * while all cores are busy and units wait for them, because the local slot can
 * compile one of the waiting units instead.
 */
static void start_hedge(struct sched *s, struct sched_unit *u)
{
	bool all_busy = s->n_by_state[SCHED_UNIT_REMOTE] >= s->n_usable_cores &&
			count_waiting(s);
	double charged_ms = 0;

	if (is_progressing(s, u) && sched_class_cost_ms(s, u)) {
		if (all_busy && has_own_core(s, u))
			return;
		charged_ms = spend_on_second(s, u, &s->local);
		if (charged_ms <= 0)
			return;
	}
	sched_unit_hedge(s, u, charged_ms);
}

/*
 * Start backups and hedges of late units if the check is due, and schedule the
 * next check.
 */
static void check_hedges(struct sched *s)
{
	struct sched_unit *u;

	if (s->now_ms >= s->hedge_check_ms) {
		s->hedge_check_ms = NEVER;
		check_backups(s);
		list_for_each(u, &s->sent_units, sent_entry) {
			if (!u->exclusive &&
			    s->n_local_slots_used < s->setup.n_local_slots &&
			    needs_hedge(s, u))
				start_hedge(s, u);
		}
	}
	if (s->hedge_check_ms == NEVER && !TAILQ_EMPTY(&s->sent_units))
		s->hedge_check_ms = s->now_ms + HEDGE_CHECK_MS;
}

/* Drop all actions. */
static void reset_actions(struct sched *s)
{
	while (s->n_actions)
		free((char *)s->actions[--s->n_actions].text);
	s->n_taken = 0;
}

void sched_event(struct sched *s, uint64_t now_ms, const struct sched_event *ev)
{
	if (s->n_taken != s->n_actions)
		sched_abort_impossible("any", "action pending",
				       s->actions[s->n_taken].unit);
	reset_actions(s);
	if (!TAILQ_EMPTY(&s->sent_units))
		s->sum_core_ms += s->n_usable_cores *
				  (double)(now_ms - s->now_ms);
	s->now_ms = now_ms;
	s->cause = ev->kind;
	sched_unit_handle_event(s, ev);
	withdraw_exclusive(s);
	if (now_ms >= s->due_ms)
		sched_node_handle_due(s);
	dispatch_all(s);
	check_hedges(s);
}

bool sched_next_action(struct sched *s, struct sched_action *action)
{
	if (s->n_taken == s->n_actions)
		return false;
	*action = s->actions[s->n_taken++];
	return true;
}

uint64_t sched_next_ms(const struct sched *s)
{
	uint64_t next = s->due_ms < s->hedge_check_ms ? s->due_ms :
							s->hedge_check_ms;

	if (s->n_waiting_units && s->next_choice_ms < next)
		next = s->next_choice_ms;
	return next;
}

void sched_counts(const struct sched *s, struct sched_counts *out)
{
	const unsigned *in = s->n_by_state;

	*out = (struct sched_counts){
		.n_running = in[SCHED_UNIT_REMOTE] + in[SCHED_UNIT_CHECK] +
			     in[SCHED_UNIT_HELD] + in[SCHED_UNIT_LOCAL],
		.n_queued = in[SCHED_UNIT_NEW] + in[SCHED_UNIT_TO_SCAN] +
			    in[SCHED_UNIT_SCAN] + in[SCHED_UNIT_READY] +
			    in[SCHED_UNIT_TO_LOCAL],
		.n_remote = in[SCHED_UNIT_REMOTE],
		.n_local = in[SCHED_UNIT_LOCAL],
		.n_waiting_local = in[SCHED_UNIT_TO_LOCAL],
		.n_local_slots_used = s->n_local_slots_used,
	};
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct sched_node *n = s->nodes[i];

		if (n->drained)
			continue;
		out->n_undecided_nodes += n->state == SCHED_NODE_CONNECTING ||
					  (n->state == SCHED_NODE_DOWN &&
					   !n->n_faults);
		if (n->state == SCHED_NODE_UP &&
		    !sched_is_compiler_disabled(s, n->number))
			out->n_slots += n->n_slots;
	}
}

uint64_t sched_mean_cost_ms(const struct sched *s)
{
	if (s->n_costs)
		return (uint64_t)(s->sum_cost_ms / s->n_costs);
	return s->n_local_ends ? s->sum_local_ms / s->n_local_ends : 0;
}

struct sched *sched_new(const struct sched_setup *setup)
{
	struct sched *s = xcalloc(1, sizeof(*s));

	s->setup = *setup;
	s->random_state = setup->seed;
	s->due_ms = s->hedge_check_ms = NEVER;
	TAILQ_INIT(&s->to_local);
	TAILQ_INIT(&s->sent_units);
	TAILQ_INIT(&s->local.jobs);
	s->local.expected_slowness = s->local.slowness = s->local.clock = 1;
	s->late_ratio = 2;
	while (s->n_nodes < setup->n_nodes)
		sched_node_add(s);
	return s;
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_units; i++) {
		if (s->units[i])
			sched_unit_free(s, s->units[i]);
	}
	for (size_t i = 0; i < s->n_nodes; i++) {
		sched_class_free_all(s, s->nodes[i]);
		free(s->nodes[i]->text);
		free(s->nodes[i]);
	}
	for (size_t i = 0; i < s->n_toolchains; i++) {
		free(s->toolchains[i]->sandboxes);
		free(s->toolchains[i]);
	}
	for (unsigned i = 0; i < SCHED_SLOWNESS_STEPS; i++)
		free(s->classes[i].v);
	reset_actions(s);
	free(s->actions);
	free(s->nodes);
	free(s->toolchains);
	free(s->object_formats);
	free(s->units);
	free(s);
}
