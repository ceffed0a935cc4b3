/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"
#include "base/vec.h"
#include "sched/node.h"
#include "sched/starve.h"
#include "sched/unit.h"

#include <stdlib.h>

/* ------------------------------------------------- whom an event is about */

static struct sched_toolchain *toolchain_new(struct sched *s)
{
	struct sched_toolchain *tc = xcalloc(1, sizeof(*tc));

	sched_node_add_cells(s, tc);
	TAILQ_INIT(&tc->fresh);
	TAILQ_INIT(&tc->to_scan);
	TAILQ_INIT(&tc->ready);
	TAILQ_INIT(&tc->held);
	return tc;
}

static struct sched_toolchain *toolchain_of(struct sched *s, uint32_t number)
{
	if (number < s->n_toolchains)
		return s->toolchains[number];
	while (s->n_toolchains <= number)
		*VEC_ADD(s->toolchains, s->n_toolchains) = toolchain_new(s);
	for (size_t i = 0; i < s->n_nodes; i++)
		sched_node_refresh(s, s->nodes[i]);
	return s->toolchains[number];
}

static enum sched_known *object_of(struct sched *s, uint32_t number)
{
	while (s->n_objects <= number)
		*VEC_ADD(s->objects, s->n_objects) = SCHED_UNKNOWN;
	return &s->objects[number];
}

static struct sched_node *node_of(struct sched *s, const struct sched_event *ev)
{
	if (ev->node >= s->n_nodes)
		sched_impossible("an event of a node", "not known", ev->node);
	return s->nodes[ev->node];
}

/* The unit that a node speaks of; NULL: it has it no more. */
static struct sched_unit *remote_unit(struct sched *s,
				      const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_find(s, ev->unit);
	struct sched_node *n = node_of(s, ev);

	return u && u->state == UNIT_REMOTE && u->node == n ? u : NULL;
}

/* ------------------------------------------------ a unit, before it is sent */

static void admit(struct sched *s, struct sched_unit *u)
{
	enum sched_known object = *object_of(s, u->object);

	if (u->toolchain->known == SCHED_BAD)
		sched_unit_local(s, u, u->toolchain->why);
	else if (object == SCHED_BAD)
		sched_unit_local(s, u, REASON_UNKNOWN_OBJECT);
	else if (u->toolchain->known == SCHED_READY && object == SCHED_READY)
		sched_unit_wait(s, u, UNIT_TO_SCAN);
}

static void admit_all(struct sched *s, struct sched_toolchain *tc)
{
	struct sched_unit *u, *next;

	list_for_each_safe(u, &tc->fresh, link, next) {
		admit(s, u);
	}
}

static void on_came(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_new(s, ev->unit);
	enum reason why = ev->reason;

	if (!why && !s->n_nodes)
		why = s->setup.no_remote ? REASON_NO_REMOTE : REASON_NO_NODES;
	if (why) {
		sched_unit_local(s, u, why);
		return;
	}
	u->toolchain = toolchain_of(s, ev->toolchain);
	u->object = ev->object;
	u->exclusive = ev->exclusive;
	u->steps = ev->steps;
	sched_unit_wait(s, u, UNIT_NEW);
	admit(s, u);
}

static void on_scanned(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_expect(s, ev->unit);
	bool waits = u->state == UNIT_SCAN;

	sched_unit_worked(s, u);
	if (!waits)
		return;
	u->bytes = ev->bytes;
	if (ev->reason)
		sched_unit_local(s, u, ev->reason);
	else
		sched_unit_wait(s, u, UNIT_READY);
}

/* -------------------------------------------------------- a unit on a node */

/* What ran on a node that is gone goes elsewhere: it is not answered. */
static void abandon(struct sched *s, struct sched_node *n)
{
	enum sched_event_kind by = s->by;
	struct sched_unit *u;

	if (n->state != SCHED_NODE_DOWN && n->state != SCHED_NODE_OUT)
		return;
	s->by = SCHED_LOST;
	while ((u = TAILQ_FIRST(&n->units))) {
		n->retries++;
		sched_unit_retry(s, u, REASON_NODE_LOST);
	}
	s->by = by;
}

static void on_unsent(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = remote_unit(s, ev);

	if (!u)
		return;
	if (ev->reason == REASON_MANY_NAMES) {
		sched_unit_retry(s, u, ev->reason);
		sched_node_worn(s, node_of(s, ev));
	} else {
		sched_unit_local(s, u, ev->reason);
	}
}

static void on_beat(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = remote_unit(s, ev);

	if (u && sched_unit_got(u, ev->cpu_ms))
		u->progress_ms = s->now_ms;
}

static void on_output(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = remote_unit(s, ev);

	if (u)
		u->progress_ms = s->now_ms;
}

static void on_answered(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = remote_unit(s, ev);

	if (u)
		sched_unit_examine(s, u, ev->cpu_ms);
}

static void on_failed(struct sched *s, const struct sched_event *ev)
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
	struct sched_unit *u = remote_unit(s, ev);
	struct sched_node *n = node_of(s, ev);

	if (!u)
		return;
	if (ev->fail == SCHED_FAIL_UNSUPPORTED || ev->fail == SCHED_FAIL_VOID) {
		sched_unit_local(s, u, why);
	} else if (ev->fail == SCHED_FAIL_INPUT && u->rescans) {
		/* Nothing changed, and it lacks it again. */
		sched_unit_local(s, u, why);
	} else if (ev->fail == SCHED_FAIL_INPUT) {
		sched_unit_again(s, u, why);
	} else {
		sched_unit_retry(s, u, why);
	}
	/* A node that is loaded, or that others use, has not failed. */
	if (ev->fail == SCHED_FAIL_NODE) {
		n->retries++;
		sched_node_suspect(s, n, ev->words);
	} else if (ev->fail == SCHED_FAIL_DEADLINE) {
		sched_starve(s, u, ev->words);
	}
}

/* --------------------------------------------------------------- its answer */

static void on_wrong(struct sched *s, struct sched_unit *u)
{
	char *text = xasprintf("wrong answer: %s", u->words);

	sched_unit_retry(s, u, REASON_WRONG_ANSWERS);
	u->node->retries++;
	sched_node_fault(s, u->node, true, text);
	abandon(s, u->node);
	free(text);
}

static void conclude(struct sched *s, struct sched_unit *u)
{
	if (u->toolchain->known == SCHED_BAD) {
		sched_unit_local(s, u, u->toolchain->why);
		return;
	}
	if (u->verdict == SCHED_ANSWER_WRONG) {
		on_wrong(s, u);
		return;
	}
	u->node->jobs++;
	sched_node_success(s, u->node);
	if (u->verdict == SCHED_ANSWER_LOCAL) {
		sched_unit_local(s, u, u->verdict_reason);
	} else if (u->verdict == SCHED_ANSWER_CHANGED) {
		sched_unit_again(s, u, REASON_INPUTS_CHANGE);
	} else {
		sched_cost_learn(&s->cost, u->bytes, u->cpu_ms);
		sched_unit_deliver(s, u, REASON_NONE);
	}
}

static void on_examined(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_expect(s, ev->unit);
	bool waits = u->state == UNIT_CHECK;

	sched_unit_worked(s, u);
	if (!waits)
		return;
	u->verdict = ev->verdict;
	u->verdict_reason = ev->reason;
	free(u->words);
	u->words = ev->words ? xstrdup(ev->words) : NULL;
	if (u->toolchain->known == SCHED_TOUCHED)
		sched_unit_wait(s, u, UNIT_HELD);
	else
		conclude(s, u);
}

static void on_toolchain(struct sched *s, const struct sched_event *ev)
{
	struct sched_toolchain *tc = toolchain_of(s, ev->toolchain);
	bool is_new = tc->known == SCHED_UNKNOWN;
	struct sched_unit *u;

	for (size_t i = 0; is_new && i < s->n_nodes; i++)
		sched_node_cell(s, s->nodes[i], tc, SCHED_CELL_ASKED, false);
	tc->known = ev->known;
	tc->why = ev->reason;
	tc->review = true;
	admit_all(s, tc);
	while (tc->known != SCHED_TOUCHED && (u = TAILQ_FIRST(&tc->held)))
		conclude(s, u);
}

static void on_object(struct sched *s, const struct sched_event *ev)
{
	*object_of(s, ev->object) = ev->known;
	for (size_t i = 0; i < s->n_toolchains; i++)
		admit_all(s, s->toolchains[i]);
}

/* ------------------------------------------------------ its hedge, its end */

static void on_hedged(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_expect(s, ev->unit);
	bool beaten = u->state == UNIT_REMOTE;
	char *text;

	sched_unit_end_hedge(s, u);
	sched_unit_cancel(s, u);
	if (ev->reason) {
		sched_unit_local(s, u, ev->reason);
		return;
	}
	sched_unit_deliver(s, u, REASON_NODE_SLOW);
	if (!beaten)
		return;
	text = xasprintf("%s was compiled here sooner", ev->words);
	sched_starve(s, u, text);
	free(text);
}

static void on_unhedged(struct sched *s, const struct sched_event *ev)
{
	struct sched_unit *u = sched_unit_find(s, ev->unit);

	if (!u || !u->hedged)
		return;
	sched_unit_end_hedge(s, u);
	/* It may have waited for nothing else. */
	u->toolchain->review = true;
}

static void on_left(struct sched *s, const struct sched_event *ev)
{
	sched_unit_leave(s, sched_unit_expect(s, ev->unit));
}

/* ------------------------------------------------------------------- nodes */

static void on_cell(struct sched *s, const struct sched_event *ev)
{
	struct sched_toolchain *tc = toolchain_of(s, ev->toolchain);
	struct sched_node *n = node_of(s, ev);
	struct sched_unit *u, *next;

	sched_node_cell(s, n, tc, ev->cell, ev->steps);
	list_for_each_safe(u, &n->units, link, next) {
		if (ev->cell != SCHED_CELL_SPOILED || u->toolchain != tc)
			continue;
		sched_unit_cancel(s, u);
		sched_unit_again(s, u, REASON_INPUTS_CHANGE);
	}
}

static void on_added(struct sched *s, const struct sched_event *ev)
{
	if (ev->node != s->n_nodes)
		sched_impossible("a node that is added", "not the next",
				 ev->node);
	sched_node_add(s);
	for (size_t i = 0; i < s->n_toolchains; i++)
		sched_node_cell(s, s->nodes[ev->node], s->toolchains[i],
				SCHED_CELL_NONE, false);
}

/* What a node says of itself, what is known of its connection, or asked. */
static void on_node(struct sched *s, const struct sched_event *ev)
{
	struct sched_node *n = node_of(s, ev);

	sched_node_event(s, n, ev);
	abandon(s, n);
}

static void on_local_slots(struct sched *s, const struct sched_event *ev)
{
	s->setup.local_slots = ev->slots ? ev->slots : 1;
}

void sched_handle(struct sched *s, const struct sched_event *ev)
{
	static void (*const handlers[])(struct sched *,
					const struct sched_event *) = {
		[SCHED_CAME] = on_came,
		[SCHED_SCANNED] = on_scanned,
		[SCHED_UNSENT] = on_unsent,
		[SCHED_BEAT] = on_beat,
		[SCHED_OUTPUT] = on_output,
		[SCHED_ANSWERED] = on_answered,
		[SCHED_FAILED] = on_failed,
		[SCHED_EXAMINED] = on_examined,
		[SCHED_HEDGED] = on_hedged,
		[SCHED_UNHEDGED] = on_unhedged,
		[SCHED_LEFT] = on_left,
		[SCHED_TOOLCHAIN] = on_toolchain,
		[SCHED_OBJECT] = on_object,
		[SCHED_FIT] = on_node,
		[SCHED_UNFIT] = on_node,
		[SCHED_LOST] = on_node,
		[SCHED_SLOTS] = on_node,
		[SCHED_CELL] = on_cell,
		[SCHED_PROBED] = on_node,
		[SCHED_WORN] = on_node,
		[SCHED_DRAIN] = on_node,
		[SCHED_RESUME] = on_node,
		[SCHED_ADDED] = on_added,
		[SCHED_REMOVED] = on_node,
		[SCHED_RETRY] = on_node,
		[SCHED_LOCAL_SLOTS] = on_local_slots,
	};

	if (ev->kind != SCHED_TIME)
		handlers[ev->kind](s, ev);
}
