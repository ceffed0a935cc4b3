/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/node.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/counterpart.h"
#include "coord/dispatch.h"
#include "coord/slots.h"
#include "coord/step.h"
#include "coord/tell.h"
#include "coord/unit.h"
#include "coord/use.h"
#include "peer/peer.h"

#include <event2/event.h>
#include <stdlib.h>

static void node_event(const struct coord_node *n, struct sched_event *event)
{
	event->node = n->number;
	coord_dispatch_event(n->coord, event);
}

/* The unit that a job was sent for; NULL: nobody waits for it any more. */
static struct coord_unit *unit_of_job(const struct coord_node *n, uint32_t job)
{
	const struct coord *c = n->coord;

	return job < c->n_jobs ? c->jobs[job] : NULL;
}

static void on_wake(void *ctx)
{
	struct coord *c = ctx;

	event_active(c->kick, EV_TIMEOUT, 0);
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct coord_node *n = ctx;
	struct peer_figures figures;
	struct sched_event event = { .words = why };

	peer_figures(n->peer, &figures);
	if (state == PEER_GREETING)
		return;
	n->busy = 0;
	n->unknown = state == PEER_UP || state == PEER_UNFIT;
	node_live_release(&n->live);
	if (state == PEER_UP) {
		event.kind = SCHED_FIT;
		event.slots = coord_slots(n);
		n->unsure = true;
	} else if (state == PEER_UNFIT) {
		event.kind = SCHED_UNFIT;
	} else {
		event.kind = SCHED_LOST;
		event.greeted = figures.inventory != NULL;
		event.for_good = state == PEER_STRANGE;
	}
	node_event(n, &event);
}

static void slots_event(const struct coord_node *n)
{
	struct sched_event event = { .kind = SCHED_SLOTS,
				     .slots = coord_slots(n),
				     .busy = n->busy };

	node_event(n, &event);
}

static void on_busy(void *ctx, unsigned busy)
{
	struct coord_node *n = ctx;

	n->busy = busy;
	slots_event(n);
}

/* Which steps it takes with that toolchain: SCHED_STEP_*. */
static unsigned steps_of(const struct coord_node *n,
			 const struct inputs_toolchain *tc)
{
	const char *host = NULL;

	if (!peer_takes_steps(n->peer, tc, WIRE_STEP_SYMBOLS, &host))
		return 0;
	if (!host)
		return SCHED_STEP_SYMBOLS | SCHED_STEP_OBJECT |
		       (peer_takes_steps(n->peer, tc, WIRE_STEP_DEVICETREE,
					 &host) ?
				SCHED_STEP_DEVICETREE :
				0);
	coord_counterpart_met(n->coord, host);
	return coord_counterpart_is_taken(n, host) ? SCHED_STEP_SYMBOLS : 0;
}

/* To sched/. */
static void tell_cell(const struct coord_node *n, struct inputs_toolchain *tc,
		      enum sched_cell cell)
{
	struct sched_event event = { .kind = SCHED_CELL,
				     .cell = cell,
				     .steps = steps_of(n, tc) };

	event.toolchain = coord_dispatch_number(n->coord, tc);
	node_event(n, &event);
}

static void cell_event(struct coord_node *n, struct inputs_toolchain *tc,
		       enum sched_cell cell)
{
	static const char *const words[] = {
		[SCHED_CELL_NONE] = "none",
		[SCHED_CELL_ASKED] = "asked",
		[SCHED_CELL_SHIPPING] = "shipping",
		[SCHED_CELL_READY] = "ready",
		[SCHED_CELL_SPOILED] = "spoiled",
	};

	coord_tell_cell(n, tc, words[cell], NULL);
	tell_cell(n, tc, cell);
}

static void on_has(void *ctx, struct inputs_toolchain *tc, enum peer_has has)
{
	static const enum sched_cell as[] = {
		[PEER_HAS_NOT] = SCHED_CELL_NONE,
		[PEER_HAS_ASKED] = SCHED_CELL_ASKED,
		[PEER_HAS_PART] = SCHED_CELL_SHIPPING,
		[PEER_HAS] = SCHED_CELL_READY,
	};

	cell_event(ctx, tc, as[has]);
}

void coord_node_tell_steps(struct coord_node *n)
{
	const struct peer_farm *farm = &n->coord->farm;

	for (size_t i = 0; i < farm->n_toolchains; i++) {
		if (peer_has(n->peer, farm->toolchain[i]) == PEER_HAS)
			tell_cell(n, farm->toolchain[i], SCHED_CELL_READY);
	}
}

static void on_spoiled(void *ctx, struct inputs_toolchain *tc)
{
	cell_event(ctx, tc, SCHED_CELL_SPOILED);
}

static void on_worn(void *ctx)
{
	struct sched_event event = { .kind = SCHED_WORN };

	node_event(ctx, &event);
}

/* It is as it was; `reason` NULL: that, too. */
static void tell_same_state(const struct coord_node *n, const char *reason)
{
	const char *why = reason ? reason : n->lacks;
	struct sched_node_figures figures;

	sched_node_figures(n->coord->sched, n->number, &figures);
	if (n->lacks)
		coord_tell_node(n, "no toolchain", *why ? why : NULL);
	else
		coord_tell_node(n, sched_node_state_name(figures.state),
				reason ? reason : figures.words);
}

static void on_event(void *ctx, const struct inputs_toolchain *tc,
		     const char *reason)
{
	const struct coord_node *n = ctx;

	if (tc)
		coord_tell_cell(n, tc, "none", reason);
	else
		tell_same_state(n, reason);
}

static void on_probed(void *ctx, enum peer_probed is, const char *why)
{
	static const enum sched_probe as[] = {
		[PEER_PROBED_RIGHT] = SCHED_PROBE_RIGHT,
		[PEER_PROBED_WRONG] = SCHED_PROBE_WRONG,
		[PEER_PROBED_FAILED] = SCHED_PROBE_FAILED,
	};
	struct sched_event event = { .kind = SCHED_PROBED,
				     .probe = as[is],
				     .words = why };

	node_event(ctx, &event);
}

static void on_beat(void *ctx, uint32_t job, uint32_t cpu_ms)
{
	struct sched_event event = { .kind = SCHED_BEAT, .cpu_ms = cpu_ms };
	struct coord_unit *u = unit_of_job(ctx, job);

	coord_use_job(ctx, cpu_ms);
	if (!u)
		return;
	coord_tell_seen(u, EVENTS_RUN);
	coord_dispatch_job(u, ctx, &event);
}

static void on_output(void *ctx, uint32_t job)
{
	struct sched_event event = { .kind = SCHED_OUTPUT };
	struct coord_unit *u = unit_of_job(ctx, job);

	if (!u)
		return;
	coord_tell_seen(u, EVENTS_RECEIVE);
	coord_dispatch_job(u, ctx, &event);
}

static void on_answered(void *ctx, uint32_t job, struct peer_answer *answer)
{
	struct sched_event event = { .kind = SCHED_ANSWERED,
				     .cpu_ms = answer->result.cpu_ms };
	struct coord_unit *u = unit_of_job(ctx, job);

	if (!u) {
		peer_answer_release(answer);
		return;
	}
	peer_answer_release(&u->answer);
	u->answer = *answer;
	coord_dispatch_job(u, ctx, &event);
}

static void on_failed(void *ctx, uint32_t job, enum wire_fail_class class,
		      const char *why)
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
	struct coord_unit *u = unit_of_job(n, job);
	struct sched_event event = { .kind = SCHED_FAILED,
				     .fail = as[class],
				     .words = why };

	if (!u)
		return;
	if (class == WIRE_FAIL_NODE)
		log_warning("node %s: %s: %s", n->entry->name,
			    coord_unit_name(u), why);
	else
		log_debug("node %s: %s: fail %u: %s", n->entry->name,
			  coord_unit_name(u), class, why);
	/* That it cannot run is as good as an answer. */
	if (class == WIRE_FAIL_UNSUPPORTED || class == WIRE_FAIL_VOID)
		coord_step_failed(u, why);
	coord_dispatch_job(u, n, &event);
}

/* Something is in its way, or no longer is. */
static void slots_changed(const struct coord_node *n)
{
	char *words = coord_slots_words(n);

	slots_event(n);
	tell_same_state(n, words);
	free(words);
}

static void on_load(void *ctx)
{
	struct coord_node *n = ctx;
	struct sched_node_figures figures;
	uint64_t now = clock_ms();

	coord_use_beat(n, now);
	coord_tell_load(n);
	sched_node_figures(n->coord->sched, n->number, &figures);
	if (coord_slots_beat(n, now, figures.running))
		slots_changed(n);
}

const struct peer_ops coord_node_ops = {
	.wake = on_wake,
	.state = on_state,
	.busy = on_busy,
	.has = on_has,
	.spoiled = on_spoiled,
	.worn = on_worn,
	.event = on_event,
	.probed = on_probed,
	.load = on_load,
	.beat = on_beat,
	.output = on_output,
	.answered = on_answered,
	.failed = on_failed,
};

void coord_node_tell_lacks(struct coord_node *n)
{
	const struct peer_farm *farm = &n->coord->farm;

	if (!n->unsure)
		return;
	n->unsure = false;
	for (size_t i = 0; i < farm->n_toolchains; i++) {
		if (peer_has(n->peer, farm->toolchain[i]) == PEER_HAS_NOT)
			on_has(n, farm->toolchain[i], PEER_HAS_NOT);
	}
}

struct coord_node *coord_node_new(struct coord *c,
				  const struct node_entry *entry)
{
	struct coord_node *n = xcalloc(1, sizeof(*n));

	n->coord = c;
	n->number = (uint32_t)c->n_nodes;
	n->entry = entry;
	*VEC_ADD(c->nodes, c->n_nodes) = n;
	n->peer = peer_new(&c->farm, entry, n);
	coord_tell_node(n, sched_node_state_name(SCHED_NODE_GREETING), NULL);
	return n;
}

void coord_node_tell_useless(struct coord_node *n)
{
	struct sched_node_figures sched;
	struct peer_figures peer;
	const char *why = NULL;
	bool up;

	sched_node_figures(n->coord->sched, n->number, &sched);
	peer_figures(n->peer, &peer);
	up = sched.state == SCHED_NODE_UP;
	if (up && peer.lacks)
		why = peer.why_lacks ? peer.why_lacks : "";
	if (str_equal(n->lacks, why))
		return;
	free(n->lacks);
	n->lacks = why ? xstrdup(why) : NULL;
	if (why)
		tell_same_state(n, NULL);
	else if (up)
		coord_tell_node(n, sched_node_state_name(sched.state), NULL);
}

bool coord_node_takes_steps(const struct coord_node *n)
{
	const struct peer_farm *farm = &n->coord->farm;
	struct sched_node_figures figures;

	sched_node_figures(n->coord->sched, n->number, &figures);
	if (figures.state != SCHED_NODE_UP)
		return false;
	for (size_t i = 0; i < farm->n_toolchains; i++) {
		if (steps_of(n, farm->toolchain[i]))
			return true;
	}
	return false;
}

void coord_node_ask(struct coord_node *n, enum events_request what)
{
	struct sched_event event = { .kind = what == EVENTS_DRAIN ?
						     SCHED_DRAIN :
						     SCHED_RESUME };

	if (what == EVENTS_DRAIN || what == EVENTS_RESUME) {
		node_event(n, &event);
	} else if (coord_slots_ask(n, what == EVENTS_MORE_SLOTS)) {
		slots_event(n);
		tell_same_state(n, NULL);
	}
}

void coord_node_end(struct coord_node *n)
{
	peer_free(n->peer);
	n->peer = NULL;
}

void coord_node_free(struct coord_node *n)
{
	node_live_release(&n->live);
	free(n->lacks);
	strv_release(&n->boots);
	free(n);
}
