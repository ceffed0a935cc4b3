/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sched-farm.h - A whole farm in virtual time around a struct sched.
 *
 * It simulates wrappers that start and exit, workers, a build host, and nodes
 * that die, send wrong results, stall, refuse and reconnect, with the
 * probabilities of struct farm_setup.  Each action is checked against the
 * farm's state: no action for a unit that ended or was cancelled, no repeated
 * action, and no more jobs than slots.
 */
#ifndef UNIT_SCHED_FARM_H
#define UNIT_SCHED_FARM_H

#include "sched-farm-actions.h"

static void farm_come(struct farm *f)
{
	uint32_t unit = f->n_came++;
	struct farm_next next = { .what = FARM_LEAVE, .unit = unit };

	f->n_alive++;
	f->units[unit].came = true;
	if (farm_chance(f, f->setup.kill))
		farm_in(f, farm_random(f, 20000), next);
	farm_feed(f,
		  (struct sched_event){
			  .kind = SCHED_EV_UNIT_ADDED,
			  .unit = unit,
			  .toolchain = farm_toolchain(unit),
			  .object_format = unit % FARM_OBJECTS,
			  .exclusive = farm_exclusive(unit),
			  .cost_ms = farm_chance(f, f->setup.classes) ?
					     (uint32_t)farm_random(
						     f, 2 * f->setup.job_ms) :
					     0,
			  .reason = farm_chance(f, f->setup.local) ?
					    REASON_CPATH :
					    REASON_NONE });
}

static void farm_leave(struct farm *f, uint32_t unit)
{
	struct farm_unit *u = &f->units[unit];

	if (u->left)
		return;
	u->left = true;
	f->compiled += u->compiles;
	f->locals -= u->compiles;
	f->delivered += u->delivered;
	f->killed += !u->ends;
	f->n_alive--;
	f->n_gone++;
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_UNIT_GONE,
					   .unit = unit });
	ck_assert(!farm_is_remote(u) && !u->hedge);
	while (f->n_alive < f->setup.at_once && f->n_came < f->setup.units)
		farm_come(f);
}

static void farm_scanned(struct farm *f, uint32_t unit)
{
	f->units[unit].worker = false;
	f->scanning--;
	farm_feed(f, (struct sched_event){
			     .kind = SCHED_EV_SCANNED,
			     .unit = unit,
			     .input_bytes = 200000 + unit % 1000,
			     .reason = farm_chance(f, f->setup.local) ?
					       REASON_TIME_MACRO :
					       REASON_NONE });
}

static void farm_touch(struct farm *f, uint32_t toolchain)
{
	struct farm_next next = { .what = FARM_KNOWN, .extra = toolchain };

	if (f->touched[toolchain] || !farm_chance(f, f->setup.touch))
		return;
	f->touched[toolchain] = true;
	farm_in(f, farm_about(f, 300), next);
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_TOOLCHAIN,
					   .toolchain = toolchain,
					   .status = SCHED_STATUS_UNVERIFIED });
}

static void farm_examined(struct farm *f, uint32_t unit)
{
	struct sched_event ev = { .kind = SCHED_EV_VERIFIED, .unit = unit };

	f->units[unit].worker = false;
	f->scanning--;
	farm_touch(f, farm_toolchain(unit));
	if (farm_chance(f, f->setup.wrong)) {
		ev.verdict = SCHED_VERDICT_WRONG;
	} else if (farm_chance(f, f->setup.changed)) {
		ev.verdict = SCHED_VERDICT_INPUTS_CHANGED;
	} else if (farm_chance(f, f->setup.verdict_local)) {
		ev.verdict = SCHED_VERDICT_UNUSABLE;
		ev.reason = REASON_COMPILE_ERROR;
	}
	farm_feed(f, ev);
}

static void farm_hedged(struct farm *f, const struct farm_next *h)
{
	struct farm_unit *u = &f->units[h->unit];

	if (!u->hedge || u->hedge_number != h->number)
		return;
	u->hedge = false;
	f->locals--;
	farm_feed(f, (struct sched_event){
			     .kind = SCHED_EV_HEDGE_DONE,
			     .unit = h->unit,
			     .reason = farm_chance(f, f->setup.hedge_bad) ?
					       REASON_NODE_SLOW :
					       REASON_NONE });
}

/* A node sends a message about a unit, sometimes one that it no longer has. */
static void farm_said(struct farm *f, struct farm_next *h)
{
	struct farm_unit *u = &f->units[h->unit];
	struct sched_event ev = { .unit = h->unit, .node = h->node };
	struct farm_job *job = farm_job_on(u, h->node);
	bool was_last = u->jobs[0].number == h->number ||
			u->jobs[1].number == h->number;
	bool has = job && job->number == h->number;

	/* A connection sends nothing about the job before the last one. */
	if (!has && (job || !was_last || farm_chance(f, 500)))
		return;
	if (h->what == FARM_BEAT) {
		ev.kind = farm_chance(f, 100) ? SCHED_EV_OUTPUT :
						SCHED_EV_HEARTBEAT;
		ev.cpu_ms = h->extra < 1000 ? h->extra : 1000;
		if (has)
			farm_in(f, 1000, *h);
	} else {
		if (has)
			farm_job_off(f, job);
		u->answered = has;
		ev.kind = h->what == FARM_FAIL ? SCHED_EV_JOB_FAILED :
						 SCHED_EV_RESULT;
		ev.fail = (enum sched_fail)h->extra;
		if (ev.kind == SCHED_EV_JOB_FAILED &&
		    ev.fail == SCHED_FAIL_BUSY)
			ev.retry_ms = (uint32_t)farm_random(f, 3000);
		ev.cpu_ms = f->setup.job_ms;
	}
	farm_feed(f, ev);
}

static void farm_lose(struct farm *f, uint32_t node, bool greeted)
{
	bool for_good = !greeted && farm_chance(f, f->setup.never);

	farm_hang_up(f, node);
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_NODE_LOST,
					   .node = node,
					   .hello_received = greeted,
					   .permanent = for_good });
}

static void farm_cell(struct farm *f, uint32_t node, uint32_t toolchain,
		      enum sched_sandbox cell)
{
	struct farm_next next = { .what = FARM_CELL,
				  .node = node,
				  .number = f->nodes[node].conversation,
				  .extra = toolchain };

	f->nodes[node].cell[toolchain] = cell;
	if (cell == SCHED_SANDBOX_REQUESTED || cell == SCHED_SANDBOX_UPLOADING)
		farm_in(f, farm_about(f, 1500), next);
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_SANDBOX,
					   .node = node,
					   .toolchain = toolchain,
					   .sandbox = cell });
}

static void farm_cell_next(struct farm *f, const struct farm_next *h)
{
	struct farm_node *n = &f->nodes[h->node];
	enum sched_sandbox next = SCHED_SANDBOX_READY;

	if (n->cell[h->extra] == SCHED_SANDBOX_REQUESTED && farm_chance(f, 400))
		next = SCHED_SANDBOX_UPLOADING;
	else if (farm_chance(f, f->setup.no_cell))
		next = SCHED_SANDBOX_NONE;
	farm_cell(f, h->node, h->extra, next);
}

static void farm_greet(struct farm *f, uint32_t node)
{
	struct farm_node *n = &f->nodes[node];
	struct farm_next next = { .what = FARM_NODE, .node = node };
	struct sched_core_class *classes = n->classes;
	unsigned n_classes = 0;

	while (n_classes < 3 && farm_chance(f, f->setup.classes))
		classes[n_classes++] = (struct sched_core_class){
			.n_cores = 1 + (unsigned)farm_random(f, 3),
			.capacity = 1024u >> farm_random(f, 4),
		};
	if (farm_chance(f, f->setup.die * 4)) {
		farm_lose(f, node, false);
		return;
	}
	n->connected = true;
	n->greeting = false;
	next.number = n->conversation;
	farm_in(f, 1000, next);
	if (farm_chance(f, f->setup.unfit)) {
		farm_feed(f, (struct sched_event){ .kind = SCHED_EV_NODE_UNFIT,
						   .node = node });
		return;
	}
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_NODE_FIT,
					   .node = node,
					   .n_slots = f->setup.slots,
					   .classes = classes,
					   .n_classes = n_classes });
	n->n_classes = n_classes;
	for (uint32_t i = 0; i < FARM_TOOLCHAINS; i++)
		farm_cell(f, node, i, SCHED_SANDBOX_REQUESTED);
}

/* The actions cancel the units of stale sandboxes. */
static void farm_node_second(struct farm *f, struct farm_next *h)
{
	struct farm_node *n = &f->nodes[h->node];
	uint32_t toolchain = (uint32_t)farm_random(f, FARM_TOOLCHAINS);
	struct farm_next idle = { .what = FARM_IDLE,
				  .node = h->node,
				  .number = h->number };

	if (farm_chance(f, f->setup.die)) {
		farm_lose(f, h->node, true);
		return;
	}
	farm_in(f, 1000, *h);
	if (farm_chance(f, f->setup.spoil) &&
	    n->cell[toolchain] == SCHED_SANDBOX_READY) {
		n->cell[toolchain] = SCHED_SANDBOX_STALE;
		farm_feed(f, (struct sched_event){
				     .kind = SCHED_EV_SANDBOX,
				     .node = h->node,
				     .toolchain = toolchain,
				     .sandbox = SCHED_SANDBOX_STALE });
		if (n->conversation == h->number)
			farm_cell(f, h->node, toolchain,
				  SCHED_SANDBOX_REQUESTED);
	} else if (farm_chance(f, f->setup.wear)) {
		farm_feed(f,
			  (struct sched_event){ .kind = SCHED_EV_IDS_EXHAUSTED,
						.node = h->node });
	} else if (farm_chance(f, f->setup.wear) && !n->busy && n->up &&
		   n->running < f->setup.slots) {
		n->busy = 1;
		farm_in(f, 200, idle);
		farm_feed(f, (struct sched_event){ .kind = SCHED_EV_NODE_SLOTS,
						   .node = h->node,
						   .n_slots = f->setup.slots,
						   .n_busy = 1 });
	} else if (farm_chance(f, f->setup.classes)) {
		for (unsigned i = 0; i < n->n_classes; i++)
			n->classes[i].clock_milli = (unsigned)farm_random(f,
									  1200);
		farm_feed(f, (struct sched_event){ .kind = SCHED_EV_NODE_CLOCK,
						   .node = h->node,
						   .classes = n->classes,
						   .n_classes = n->n_classes });
	}
}

static void farm_idle(struct farm *f, uint32_t node)
{
	f->nodes[node].busy = 0;
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_NODE_SLOTS,
					   .node = node,
					   .n_slots = f->setup.slots });
}

static void farm_probed(struct farm *f, uint32_t node)
{
	enum sched_probe probe = SCHED_PROBE_PASSED;

	if (!f->nodes[node].probing)
		return;
	f->nodes[node].probing = false;
	if (farm_chance(f, f->setup.wrong))
		probe = SCHED_PROBE_WRONG;
	else if (farm_chance(f, f->setup.fail))
		probe = SCHED_PROBE_FAILED;
	else if (farm_chance(f, 100))
		probe = SCHED_PROBE_IMPOSSIBLE;
	farm_feed(f, (struct sched_event){ .kind = SCHED_EV_PROBE_DONE,
					   .node = node,
					   .probe = probe });
}

static void farm_ask(struct farm *f, struct farm_next *h)
{
	struct farm_node *n = &f->nodes[h->node];
	struct sched_node_counts figures;

	farm_in(f, 1000, *h);
	/* A repeated request has no effect. */
	if (!farm_chance(f, f->setup.drain))
		return;
	n->drained = farm_chance(f, 500);
	n->drained_once |= n->drained;
	farm_feed(f, (struct sched_event){ .kind = n->drained ?
							   SCHED_EV_NODE_DRAIN :
							   SCHED_EV_NODE_RESUME,
					   .node = h->node });
	sched_node_counts(f->s, h->node, &figures);
	ck_assert_int_eq(figures.state >= SCHED_NODE_DRAINING, n->drained);
	if (n->drained)
		ck_assert_int_eq(figures.state == SCHED_NODE_DRAINING,
				 n->running > 0);
}

static void farm_known(struct farm *f, uint32_t toolchain)
{
	bool bad = farm_chance(f, f->setup.touch);

	f->touched[toolchain] = bad;
	farm_feed(f,
		  (struct sched_event){ .kind = SCHED_EV_TOOLCHAIN,
					.toolchain = toolchain,
					.status = bad ? SCHED_STATUS_UNUSABLE :
							SCHED_STATUS_READY,
					.reason = REASON_COMPILER_CHANGED });
}

static void farm_object(struct farm *f, uint32_t object)
{
	bool bad = object && farm_chance(f, f->setup.touch);

	farm_feed(f,
		  (struct sched_event){ .kind = SCHED_EV_OBJECT_FORMAT,
					.object_format = object,
					.status = bad ? SCHED_STATUS_UNUSABLE :
							SCHED_STATUS_READY });
}

static void farm_step(struct farm *f, struct farm_next *h)
{
	bool ended = h->number != f->nodes[h->node].conversation;

	switch (h->what) {
	case FARM_COME:
		if (f->n_came < f->setup.units)
			farm_come(f);
		break;
	case FARM_SCANNED:
		farm_scanned(f, h->unit);
		break;
	case FARM_EXAMINED:
		farm_examined(f, h->unit);
		break;
	case FARM_HEDGED:
		farm_hedged(f, h);
		break;
	case FARM_LEAVE:
		farm_leave(f, h->unit);
		break;
	case FARM_KNOWN:
		farm_known(f, h->extra);
		break;
	case FARM_OBJECT:
		farm_object(f, h->extra);
		break;
	case FARM_BEAT:
	case FARM_ANSWER:
	case FARM_FAIL:
		farm_said(f, h);
		break;
	case FARM_GREET:
		if (!ended)
			farm_greet(f, h->node);
		break;
	case FARM_CELL:
		if (!ended)
			farm_cell_next(f, h);
		break;
	case FARM_NODE:
		if (!ended)
			farm_node_second(f, h);
		break;
	case FARM_PROBED:
		if (!ended)
			farm_probed(f, h->node);
		break;
	case FARM_ASK:
		farm_ask(f, h);
		break;
	case FARM_IDLE:
		if (!ended)
			farm_idle(f, h->node);
		break;
	}
}

/* ------------------------------------------------------------ whole runs */

static void farm_begin(struct farm *f)
{
	struct farm_setup *p = &f->setup;

	f->random = p->seed * 0x9e3779b97f4a7c15 + 1;
	f->units = xcalloc(p->units + 1, sizeof(*f->units));
	f->nodes = xcalloc(p->nodes + 1, sizeof(*f->nodes));
	f->s = sched_new(
		&(struct sched_setup){ .n_local_slots = p->local_slots,
				       .n_spare_slots = p->local_slots / 2,
				       .max_scans = p->scans_max,
				       .max_wait_ms = p->patience_ms,
				       .seed = p->seed,
				       .n_nodes = p->nodes });
	for (uint32_t i = 0; i < FARM_TOOLCHAINS; i++) {
		f->touched[i] = true;
		farm_in(f, farm_about(f, 800),
			(struct farm_next){ .what = FARM_KNOWN, .extra = i });
	}
	for (uint32_t i = 0; i < FARM_OBJECTS; i++)
		farm_in(f, farm_about(f, 900),
			(struct farm_next){ .what = FARM_OBJECT, .extra = i });
	for (uint32_t i = 0; p->drain && i < p->nodes; i++)
		farm_in(f, farm_about(f, 1000),
			(struct farm_next){ .what = FARM_ASK, .node = i });
	for (unsigned i = 0; i < p->at_once && i < p->units; i++)
		farm_in(f, i, (struct farm_next){ .what = FARM_COME });
}

static void farm_check_end(struct farm *f)
{
	struct sched_counts figures;

	sched_counts(f->s, &figures);
	ck_assert_uint_eq(figures.n_running + figures.n_queued, 0);
	ck_assert_uint_eq(figures.n_local_slots_used, 0);
	ck_assert_uint_eq(f->delivered + f->compiled + f->killed,
			  f->setup.units);
	for (uint32_t i = 0; i < f->setup.nodes; i++) {
		struct sched_node_counts node;

		sched_node_counts(f->s, i, &node);
		ck_assert_uint_eq(node.n_running, f->nodes[i].busy);
	}
}

/* Run until all wrappers have exited, which must be within `limit_ms`. */
static void farm_run(struct farm *f, uint64_t limit_ms)
{
	farm_begin(f);
	while (f->n_gone < f->setup.units) {
		uint64_t due = sched_next_ms(f->s);
		uint64_t next = f->n_heap ? f->heap[0].ms : UINT64_MAX;

		if (due < next) {
			if (f->n_events && due <= f->fed_ms)
				ck_abort_msg("due at %ju, it is %ju",
					     (uintmax_t)due,
					     (uintmax_t)f->now_ms);
			if (due > f->now_ms)
				f->now_ms = due;
			farm_feed(f, (struct sched_event){
					     .kind = SCHED_EV_TIME });
		} else {
			struct farm_next h = farm_pop(f);

			f->now_ms = h.ms;
			farm_step(f, &h);
		}
		ck_assert_uint_le(f->now_ms, limit_ms);
	}
	farm_check_end(f);
}

static void farm_release(struct farm *f)
{
	sched_free(f->s);
	free(f->heap);
	free(f->late);
	free(f->units);
	free(f->nodes);
}

#endif
