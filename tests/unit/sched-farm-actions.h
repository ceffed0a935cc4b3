/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sched-farm-actions.h - Checks and effects of the dispatcher's actions in
 * a simulated farm.
 */
#ifndef UNIT_SCHED_FARM_ACTIONS_H
#define UNIT_SCHED_FARM_ACTIONS_H

#include "sched-farm-time.h"

static uint32_t farm_toolchain(uint32_t unit)
{
	return unit % 7 < 5 ? 0 : unit % FARM_TOOLCHAINS;
}

static bool farm_exclusive(uint32_t unit)
{
	return unit % 5 == 0;
}

/* Queue an event that arises while actions are processed. */
static void farm_later(struct farm *f, const struct sched_event *ev)
{
	if (f->n_late == f->late_room) {
		f->late_room = f->late_room * 2 + 16;
		f->late = xrealloc(f->late, f->late_room * sizeof(*f->late));
	}
	f->late[f->n_late++] = *ev;
}

static bool farm_is_remote(const struct farm_unit *u)
{
	return u->jobs[0].runs || u->jobs[1].runs;
}

/* Return the job on the node, or NULL. */
static struct farm_job *farm_job_on(struct farm_unit *u, uint32_t node)
{
	for (unsigned i = 0; i < 2; i++) {
		if (u->jobs[i].runs && u->jobs[i].node == node)
			return &u->jobs[i];
	}
	return NULL;
}

static void farm_send(struct farm *f, const struct sched_action *a)
{
	struct farm_unit *u = &f->units[a->unit];
	struct farm_job *job = &u->jobs[u->jobs[0].runs];
	struct farm_node *n = &f->nodes[a->node];
	struct farm_next next = { .unit = a->unit, .node = a->node };
	uint64_t ms = farm_about(f, f->setup.job_ms);

	ck_assert(u->came && !u->left && !u->compiles && !u->delivered);
	ck_assert(!u->worker && !job->runs && !farm_job_on(u, a->node));
	ck_assert_int_eq(a->backup, farm_is_remote(u));
	ck_assert(!a->backup || (!u->hedge && !farm_exclusive(a->unit)));
	f->backups += a->backup;
	ck_assert(n->up && !n->drained);
	ck_assert_int_eq(n->cell[farm_toolchain(a->unit)], SCHED_SANDBOX_READY);
	ck_assert(!f->touched[farm_toolchain(a->unit)]);
	ck_assert_uint_lt(n->running + n->busy, f->setup.slots);
	ck_assert_uint_ge(a->deadline_ms, 30000);
	job->runs = true;
	job->node = a->node;
	job->number = next.number = ++f->next_number;
	n->running++;
	if (farm_chance(f, f->setup.unsent)) {
		farm_later(f, &(struct sched_event){
				      .kind = SCHED_EV_SEND_FAILED,
				      .unit = a->unit,
				      .node = a->node,
				      .reason = farm_chance(f, 500) ?
							REASON_MANY_NAMES :
							REASON_MANY_OPTIONS });
		job->runs = false;
		n->running--;
		return;
	}
	if (farm_chance(f, f->setup.swallow))
		return;
	next.what = FARM_BEAT;
	next.extra = (uint32_t)ms;
	if (farm_chance(f, f->setup.stall)) {
		next.extra = 900;
		farm_in(f, 1000, next);
		next.what = FARM_FAIL;
		next.extra = SCHED_FAIL_DEADLINE;
		farm_in(f, a->deadline_ms, next);
		return;
	}
	if (ms > 1000)
		farm_in(f, 1000, next);
	next.what = FARM_ANSWER;
	if (farm_chance(f, f->setup.fail)) {
		next.what = FARM_FAIL;
		next.extra = (uint32_t)farm_random(f, SCHED_FAIL_INPUT + 1);
	}
	farm_in(f, ms, next);
}

/* Remove a job from its node. */
static void farm_job_off(struct farm *f, struct farm_job *job)
{
	ck_assert(job && job->runs);
	job->runs = false;
	f->nodes[job->node].running--;
}

static void farm_end(struct farm_unit *u)
{
	ck_assert(u->came && !u->left && !farm_is_remote(u) && !u->hedge);
	ck_assert_uint_eq(u->ends++, 0);
}

static void farm_local(struct farm *f)
{
	ck_assert_uint_lt(f->locals++, f->setup.local_slots);
}

static void farm_compile(struct farm *f, const struct sched_action *a)
{
	struct farm_next next = { .what = FARM_LEAVE, .unit = a->unit };

	ck_assert_int_ne(a->reason, REASON_NONE);
	farm_end(&f->units[a->unit]);
	farm_local(f);
	f->units[a->unit].compiles = true;
	farm_in(f, farm_about(f, f->setup.local_ms), next);
}

static void farm_hedge(struct farm *f, const struct sched_action *a)
{
	struct farm_unit *u = &f->units[a->unit];
	struct farm_next next = { .what = FARM_HEDGED, .unit = a->unit };

	ck_assert(u->came && !u->left && !u->ends && !u->hedge && !u->worker);
	ck_assert(!farm_exclusive(a->unit));
	farm_local(f);
	f->hedges++;
	if (farm_chance(f, f->setup.hedge_fails)) {
		f->locals--;
		farm_later(f,
			   &(struct sched_event){ .kind = SCHED_EV_HEDGE_FAILED,
						  .unit = a->unit });
		return;
	}
	u->hedge = true;
	next.number = u->hedge_number = ++f->next_number;
	farm_in(f, farm_about(f, f->setup.local_ms), next);
}

/* Close the connection with all its jobs. */
static void farm_hang_up(struct farm *f, uint32_t node)
{
	struct farm_node *n = &f->nodes[node];

	for (uint32_t i = 0; n->running && i < f->n_came; i++) {
		struct farm_job *job = farm_job_on(&f->units[i], node);

		if (job)
			farm_job_off(f, job);
	}
	n->connected = n->greeting = n->probing = n->up = false;
	n->busy = 0;
	n->conversation++;
	memset(n->cell, 0, sizeof(n->cell));
}

static void farm_node_action(struct farm *f, const struct sched_action *a)
{
	struct farm_node *n = &f->nodes[a->node];
	struct farm_next next = { .node = a->node, .number = n->conversation };

	switch (a->kind) {
	case SCHED_ACT_DIAL:
		ck_assert(!n->connected && !n->greeting);
		n->greeting = true;
		next.what = FARM_GREET;
		farm_in(f, farm_about(f, 100), next);
		break;
	case SCHED_ACT_PROBE:
		ck_assert(n->connected && !n->drained);
		/* The backoff of a drained node is not reported. */
		ck_assert(!n->probing || n->drained_once);
		n->probing = true;
		next.what = FARM_PROBED;
		farm_in(f, farm_about(f, 300), next);
		break;
	case SCHED_ACT_RECONNECT:
		ck_assert_uint_eq(n->running + n->busy, 0);
		/* fall through */
	case SCHED_ACT_DISCONNECT:
		ck_assert(n->connected || n->greeting);
		farm_hang_up(f, a->node);
		break;
	default:
		n->up = a->state == SCHED_NODE_UP;
		if (a->state == SCHED_NODE_BACKOFF)
			n->probing = false;
	}
}

static void farm_worker(struct farm *f, const struct sched_action *a)
{
	struct farm_unit *u = &f->units[a->unit];
	struct farm_next next = { .unit = a->unit, .what = FARM_SCANNED };

	ck_assert(u->came && !u->left && !u->ends && !u->worker);
	ck_assert(!farm_is_remote(u));
	ck_assert(a->kind == SCHED_ACT_SCAN || u->answered);
	if (a->kind == SCHED_ACT_VERIFY)
		next.what = FARM_EXAMINED;
	else
		ck_assert_uint_lt(f->scanning, f->setup.scans_max);
	f->scanning++;
	u->worker = true;
	u->answered = false;
	farm_in(f, 1 + farm_random(f, 30), next);
}

static void farm_action(struct farm *f, const struct sched_action *a)
{
	struct farm_unit *u = &f->units[a->unit];
	struct farm_next next = { .what = FARM_LEAVE, .unit = a->unit };
	uint64_t word = (uint64_t)a->kind << 56 ^ (uint64_t)a->unit << 20 ^
			(uint64_t)a->node << 8 ^ a->reason;

	f->n_actions++;
	f->digest = (f->digest ^ word ^ f->now_ms << 30) * 0x100000001b3;
	switch (a->kind) {
	case SCHED_ACT_SCAN:
	case SCHED_ACT_VERIFY:
		farm_worker(f, a);
		break;
	case SCHED_ACT_SEND:
		farm_send(f, a);
		break;
	case SCHED_ACT_CANCEL:
		farm_job_off(f, farm_job_on(u, a->node));
		break;
	case SCHED_ACT_COMPILE_LOCAL:
		farm_compile(f, a);
		break;
	case SCHED_ACT_HEDGE:
		farm_hedge(f, a);
		break;
	case SCHED_ACT_STOP_HEDGE:
		/* Or its start failed, which has not been reported yet. */
		f->locals -= u->hedge;
		u->hedge = false;
		break;
	case SCHED_ACT_DELIVER:
		farm_end(u);
		u->delivered = true;
		farm_in(f, farm_random(f, 10), next);
		break;
	case SCHED_ACT_LOCAL_DONE:
		ck_assert(u->compiles && u->left);
		break;
	default:
		farm_node_action(f, a);
	}
}

static void farm_feed_one(struct farm *f, const struct sched_event *ev)
{
	struct sched_action a;

	f->n_events++;
	f->fed_ms = f->now_ms;
	sched_event(f->s, f->now_ms, ev);
	while (sched_next_action(f->s, &a))
		farm_action(f, &a);
}

static void farm_feed(struct farm *f, struct sched_event ev)
{
	ev.text = "words";
	farm_feed_one(f, &ev);
	for (size_t i = 0; i < f->n_late; i++) {
		struct sched_event late = f->late[i];

		farm_feed_one(f, &late);
	}
	f->n_late = 0;
}

#endif
