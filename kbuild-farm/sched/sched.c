/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop: each event changes what it is about; then what falls due by time;
 * then every unit that can take its next step takes it (step_all), in the order
 * of arrival.  Steps:
 *
 *	ready	  to the least-loaded node; here when none is to be expected
 *	to-scan	  to a worker, as many ahead as nodes and we have slots, so that
 *		  full nodes find a few units ready when a slot is free
 *	to-local  to a local slot.  While the toolchain travels, or a node is
 *		  long in greeting us, local slots have nothing better to do,
 *		  and take units that wait for it.
 *
 * A hedge gets a local slot that nobody waits for; a unit that must not have
 * one gets the slot itself.  A second is often enough to look for such units.
 */
#include "sched/sched.h"

#include "base/str.h"
#include "sched/choose.h"
#include "sched/node.h"
#include "sched/starve.h"
#include "sched/unit.h"

#include <stdlib.h>

#define NEVER    UINT64_MAX
#define WATCH_MS 1000
#define STALL_MS 5000 /* without CPU progress */

/* ----------------------------------------------------------------- steps */

static void step_ready(struct sched *s, struct sched_toolchain *tc)
{
	bool review = tc->review;
	struct sched_unit *u, *next;

	tc->review = false;
	list_for_each_safe(u, &tc->ready, link, next) {
		struct sched_node *n;
		enum reason why;

		if (!review && !tc->n_open)
			return;
		n = sched_choose(s, u);
		if (n) {
			sched_unit_send(s, u, n);
			continue;
		}
		why = u->hedged ? REASON_NONE : sched_choose_none(s, u);
		if (why)
			sched_unit_local(s, u, why);
	}
}

/* None has been tried anywhere: the same nodes are left for all. */
static void step_to_scan(struct sched *s, struct sched_toolchain *tc)
{
	struct sched_unit *u;
	enum reason why;

	while ((u = TAILQ_FIRST(&tc->to_scan))) {
		why = sched_choose_none(s, u);
		if (!why)
			return;
		sched_unit_local(s, u, why);
	}
}

static struct sched_unit *older(struct sched_unit *a, struct sched_unit *b)
{
	if (!a || (b && b->number < a->number))
		return b;
	return a;
}

static bool may_scan(const struct sched *s)
{
	return s->workers < s->setup.scans_max &&
	       s->n_in[UNIT_READY] + s->n_in[UNIT_SCAN] <
		       s->free_slots + s->setup.local_slots;
}

static void scan_ahead(struct sched *s)
{
	while (may_scan(s)) {
		struct sched_unit *u = NULL;

		for (size_t i = 0; i < s->n_toolchains; i++)
			u = older(u, TAILQ_FIRST(&s->toolchains[i]->to_scan));
		if (!u)
			return;
		sched_unit_scan(s, u);
	}
}

static struct sched_unit *waits_for_bytes(struct sched_units *list)
{
	struct sched_unit *u;

	list_for_each(u, list, link) {
		if (!u->hedged &&
		    sched_choose_available(u) == AVAILABLE_SHIPPING)
			return u;
	}
	return NULL;
}

static uint64_t patience_ms(const struct sched *s, const struct sched_unit *u)
{
	return u->came_ms + s->setup.patience_ms;
}

/* The oldest unit of a toolchain that a local slot may have meanwhile. */
static struct sched_unit *oldest_waiting(const struct sched *s,
					 struct sched_toolchain *tc)
{
	struct sched_unit *u = TAILQ_FIRST(&tc->fresh);

	if (u && s->now_ms <= patience_ms(s, u))
		u = NULL;
	if (!tc->n_available[AVAILABLE_SHIPPING])
		return u;
	u = older(u, waits_for_bytes(&tc->to_scan));
	return older(u, waits_for_bytes(&tc->ready));
}

static void use_local_slots(struct sched *s)
{
	while (s->locals < s->setup.local_slots) {
		struct sched_unit *u = TAILQ_FIRST(&s->to_local);

		for (size_t i = 0; i < s->n_toolchains; i++)
			u = older(u, oldest_waiting(s, s->toolchains[i]));
		if (!u)
			return;
		if (u->state != UNIT_TO_LOCAL)
			sched_unit_local(s, u, sched_choose_meanwhile(s, u));
		sched_unit_grant(s, u);
	}
}

static void step_all(struct sched *s)
{
	s->by = SCHED_TIME;
	for (size_t i = 0; i < s->n_toolchains; i++) {
		step_ready(s, s->toolchains[i]);
		step_to_scan(s, s->toolchains[i]);
	}
	scan_ahead(s);
	use_local_slots(s);
}

/* ------------------------------------------------------------------ hedges */

/* Its node has first to show that it can do one. */
static bool is_trial(const struct sched_unit *u)
{
	return u->state == UNIT_REMOTE &&
	       sched_window_is_trial(&u->node->window, u->node->slots);
}

static bool needs_hedge(const struct sched *s, const struct sched_unit *u)
{
	/* One that still waits in the node's queue has cpu_ms 0. */
	bool began = u->state == UNIT_REMOTE && u->cpu_ms;
	bool stalled = began && s->now_ms > u->progress_ms + STALL_MS;
	uint64_t late_ms = sched_cost_late_ms(&s->cost, u->bytes, is_trial(u));

	if (u->hedged || (u->state != UNIT_REMOTE && u->state != UNIT_READY))
		return false;
	/* What goes on, if slowly, is not thrown away. */
	if (u->exclusive && began)
		return stalled;
	return stalled || s->now_ms > u->first_sent_ms + late_ms;
}

/*
 * Those that must not be hedged: a hedge would write what their node's answer
 * is put in.  Before the steps, which then use the slots that this frees.
 */
static void take_back(struct sched *s)
{
	struct sched_unit *u, *next, *last = NULL;

	if (s->now_ms < s->watch_ms)
		return;
	s->by = SCHED_TIME;
	list_for_each_safe(u, &s->sent, sent_link, next) {
		unsigned locals = s->locals + s->n_in[UNIT_TO_LOCAL];

		if (!u->exclusive || locals >= s->setup.local_slots ||
		    !needs_hedge(s, u))
			continue;
		if (u->state == UNIT_REMOTE)
			last = u;
		sched_unit_cancel(s, u);
		sched_unit_local(s, u, REASON_NODE_SLOW);
	}
	if (last)
		sched_starve(s, last, "a job made no progress");
}

static void watch(struct sched *s)
{
	struct sched_unit *u;

	list_for_each(u, &s->sent, sent_link) {
		if (!u->exclusive && s->locals < s->setup.local_slots &&
		    needs_hedge(s, u))
			sched_unit_hedge(s, u);
	}
}

static void set_watch(struct sched *s)
{
	if (s->now_ms >= s->watch_ms) {
		s->watch_ms = NEVER;
		watch(s);
	}
	if (s->watch_ms == NEVER && !TAILQ_EMPTY(&s->sent))
		s->watch_ms = s->now_ms + WATCH_MS;
}

/* ------------------------------------------------------------------- calls */

void sched_event(struct sched *s, uint64_t now_ms, const struct sched_event *ev)
{
	if (s->n_taken != s->n_actions)
		sched_impossible("an event", "not carried out: an action",
				 s->actions[s->n_taken].unit);
	sched_act_reset(s);
	s->now_ms = now_ms;
	s->by = ev->kind;
	sched_handle(s, ev);
	take_back(s);
	if (now_ms >= s->due_ms)
		sched_node_time(s);
	step_all(s);
	set_watch(s);
}

uint64_t sched_next_ms(const struct sched *s)
{
	uint64_t next = s->due_ms < s->watch_ms ? s->due_ms : s->watch_ms;

	for (size_t i = 0; i < s->n_toolchains; i++) {
		struct sched_unit *u = TAILQ_FIRST(&s->toolchains[i]->fresh);
		uint64_t ms = u ? patience_ms(s, u) + 1 : NEVER;

		if (ms > s->now_ms && ms < next)
			next = ms;
	}
	return next;
}

void sched_figures(const struct sched *s, struct sched_figures *out)
{
	const unsigned *in = s->n_in;

	*out = (struct sched_figures){
		.running = in[UNIT_REMOTE] + in[UNIT_CHECK] + in[UNIT_HELD] +
			   in[UNIT_LOCAL],
		.queued = in[UNIT_NEW] + in[UNIT_TO_SCAN] + in[UNIT_SCAN] +
			  in[UNIT_READY] + in[UNIT_TO_LOCAL],
		.remote_now = in[UNIT_REMOTE],
		.here = in[UNIT_LOCAL],
		.waiting = in[UNIT_TO_LOCAL],
		.locals = s->locals,
	};
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct sched_node *n = s->nodes[i];

		if (n->drained)
			continue;
		out->undecided += n->state == SCHED_NODE_GREETING ||
				  (n->state == SCHED_NODE_DOWN && !n->faults);
		out->slots += n->state == SCHED_NODE_UP ? n->slots : 0;
	}
}

void sched_node_figures(const struct sched *s, uint32_t node,
			struct sched_node_figures *out)
{
	const struct sched_node *n = s->nodes[node];

	*out = (struct sched_node_figures){
		.state = sched_node_shown(n),
		.words = n->words,
		.slots = n->slots,
		.running = n->running,
		.jobs = n->jobs,
		.errors = n->errors,
		.retries = n->retries,
	};
}

struct sched *sched_new(const struct sched_setup *setup)
{
	struct sched *s = xcalloc(1, sizeof(*s));

	s->setup = *setup;
	s->random = setup->seed;
	s->due_ms = s->watch_ms = NEVER;
	TAILQ_INIT(&s->to_local);
	TAILQ_INIT(&s->sent);
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
		free(s->nodes[i]->words);
		free(s->nodes[i]);
	}
	for (size_t i = 0; i < s->n_toolchains; i++) {
		free(s->toolchains[i]->cell);
		free(s->toolchains[i]);
	}
	sched_act_reset(s);
	free(s->actions);
	free(s->nodes);
	free(s->toolchains);
	free(s->objects);
	free(s->units);
	free(s);
}
