/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/tell.h"

#include "coord/figures.h"
#include "coord/slots.h"
#include "coord/unit.h"
#include "coord/use.h"
#include "peer/peer.h"

#include <string.h>

static void tell_hub(const struct coord *c, struct events_event *ev)
{
	if (c->setup.hub)
		events_hub_tell(c->setup.hub, ev);
}

static const char *const step_words[] = {
	[WIRE_STEP_SYMBOLS] = "symbols",
	[WIRE_STEP_OBJECT] = "object",
	[WIRE_STEP_DEVICETREE] = "devicetree",
};

static struct events_event about_unit(const struct coord_unit *u,
				      enum events_job_state state,
				      const char *node, const char *reason)
{
	struct events_event ev = events_new(EVENTS_JOB);

	ev.job = (int64_t)u->id + 1;
	ev.state = state;
	ev.file = coord_unit_name(u);
	if (u->stepped && (state == EVENTS_QUEUED || state == EVENTS_JOB_DONE))
		ev.step = step_words[u->step.kind];
	ev.node = node;
	ev.reason = reason;
	return ev;
}

static int64_t cost_of_unit(const struct coord_unit *u)
{
	const struct coord_setup *s = &u->coord->setup;

	return s->cost_ms && u->object_tmp ?
		       s->cost_ms(s->cost_ctx, u->object) :
		       EVENTS_UNKNOWN;
}

void coord_tell_unit(struct coord_unit *u, enum events_job_state state,
		     const char *node, const char *reason)
{
	struct events_event ev = about_unit(u, state, node, reason);

	u->told = state;
	if (state == EVENTS_QUEUED) {
		if (u->object_tmp)
			ev.object = u->object;
		ev.cost_ms = cost_of_unit(u);
	}
	tell_hub(u->coord, &ev);
}

void coord_tell_seen(struct coord_unit *u, enum events_job_state state)
{
	if (u->told < state)
		coord_tell_unit(u, state, u->node, NULL);
}

void coord_tell_beside(const struct coord_unit *u, const char *reason)
{
	struct events_event ev = about_unit(u, EVENTS_RUN, EVENTS_LOCAL,
					    reason);

	ev.beside = true;
	tell_hub(u->coord, &ev);
}

void coord_tell_done(struct coord_unit *u, const char *node, const char *reason,
		     unsigned retries)
{
	struct events_event ev = about_unit(u, EVENTS_JOB_DONE, node, reason);

	u->told = EVENTS_JOB_DONE;
	ev.remote = strcmp(node, EVENTS_LOCAL) != 0;
	ev.retries = retries;
	if (ev.remote)
		ev.cpu_ms = u->answer.result.cpu_ms;
	tell_hub(u->coord, &ev);
}

void coord_tell_left(struct coord_unit *u)
{
	if (u->told != EVENTS_JOB_DONE)
		coord_tell_unit(u, EVENTS_JOB_LEFT, NULL, NULL);
}

void coord_tell_node(const struct coord_node *n, const char *state,
		     const char *reason)
{
	struct events_event ev = events_new(EVENTS_NODE);
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	ev.node = n->entry->name;
	ev.text = state;
	ev.reason = reason;
	coord_figures_node(&ev, &figures, coord_slots(n));
	tell_hub(n->coord, &ev);
}

void coord_tell_cell(const struct coord_node *n,
		     const struct inputs_toolchain *tc, const char *state,
		     const char *reason)
{
	struct events_event ev = events_new(EVENTS_CELL);

	ev.node = n->entry->name;
	ev.toolchain = tc->driver;
	ev.text = state;
	ev.reason = reason;
	tell_hub(n->coord, &ev);
}

void coord_tell_load(const struct coord_node *n)
{
	struct events_event ev = events_new(EVENTS_LOAD);
	struct sched_node_figures done;
	struct peer_figures figures;
	struct wire_health health;

	if (!n->coord->setup.hub)
		return;
	sched_node_figures(n->coord->sched, n->number, &done);
	peer_figures(n->peer, &figures);
	coord_use_health(n, &health);
	figures.health = &health;
	ev.node = n->entry->name;
	ev.running = done.running;
	ev.jobs_done = done.jobs;
	ev.failed = done.errors;
	ev.retries = done.retries;
	coord_figures_load(&ev, &figures);
	tell_hub(n->coord, &ev);
}
