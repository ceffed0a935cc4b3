/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/report-events.h"

#include "coord/slots.h"
#include "coord/unit.h"
#include "peer/peer.h"

#include <string.h>

void coord_report_fill_node(struct events_event *ev, const struct peer_stats *f,
			    unsigned slots)
{
	if (!f->inventory)
		return;
	ev->machine = f->inventory->machine;
	ev->n_slots = slots;
	ev->n_cores = f->inventory->cores;
	ev->memory_bytes = (int64_t)f->inventory->memory_mib << 20;
}

static int64_t health_or_unknown(uint32_t n, int64_t less)
{
	return n == WIRE_HEALTH_UNKNOWN ? EVENTS_UNKNOWN : n - less;
}

void coord_report_fill_load(struct events_event *ev, const struct peer_stats *f)
{
	ev->cpu_ms = (int64_t)f->cpu_ms;
	ev->sent_bytes = (int64_t)f->sent_bytes;
	ev->received_bytes = (int64_t)f->received_bytes;
	if (!f->inventory)
		return;
	ev->load_milli = f->inventory->load_milli;
	ev->memory_bytes = (int64_t)f->inventory->available_mib << 20;
	ev->foreign_milli = health_or_unknown(f->health->foreign_milli, 0);
	ev->celsius_milli = health_or_unknown(f->health->temperature_mk,
					      WIRE_ZERO_CELSIUS_MK);
	ev->speed_milli = health_or_unknown(f->health->speed_milli, 0);
}

static void publish_event(const struct coord *c, struct events_event *ev)
{
	if (c->setup.hub)
		events_hub_publish(c->setup.hub, ev);
}

static const char *const step_words[] = {
	[WIRE_STEP_SYMBOLS] = "symbols",
	[WIRE_STEP_OBJECT] = "object",
	[WIRE_STEP_DEVICETREE] = "devicetree",
};

static struct events_event new_unit_event(const struct coord_unit *u,
					  enum events_job_state state,
					  const char *node, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = (int64_t)u->id + 1;
	ev.state = state;
	ev.file = coord_unit_name(u);
	if (u->has_step &&
	    (state == EVENTS_JOB_QUEUED || state == EVENTS_JOB_DONE))
		ev.step = step_words[u->step.kind];
	ev.node = node;
	ev.reason = reason;
	return ev;
}

void coord_report_unit_state(struct coord_unit *u, enum events_job_state state,
			     const char *node, const char *reason)
{
	struct events_event ev = new_unit_event(u, state, node, reason);
	const struct coord_setup *s = &u->coord->setup;

	u->reported_state = state;
	if (state == EVENTS_JOB_QUEUED && u->object_tmp) {
		ev.object = u->object;
		if (s->cost_ms)
			ev.cost_ms = s->cost_ms(s->cost_ctx, u->object);
	}
	publish_event(u->coord, &ev);
}

void coord_report_unit_progress(struct coord_unit *u,
				enum events_job_state state)
{
	if (u->reported_state < state)
		coord_report_unit_state(u, state, u->node_name, NULL);
}

void coord_report_hedge(const struct coord_unit *u, const char *reason)
{
	struct events_event ev = new_unit_event(u, EVENTS_JOB_RUN, EVENTS_LOCAL,
						reason);

	ev.hedged = true;
	publish_event(u->coord, &ev);
}

void coord_report_unit_done(struct coord_unit *u, const char *node,
			    const char *reason, unsigned retries)
{
	struct events_event ev = new_unit_event(u, EVENTS_JOB_DONE, node,
						reason);

	u->reported_state = EVENTS_JOB_DONE;
	ev.remote = strcmp(node, EVENTS_LOCAL) != 0;
	ev.n_retries = retries;
	if (ev.remote)
		ev.cpu_ms = u->result.wire.cpu_ms;
	publish_event(u->coord, &ev);
}

void coord_report_wrapper_closed(struct coord_unit *u)
{
	if (u->reported_state != EVENTS_JOB_DONE)
		coord_report_unit_state(u, EVENTS_JOB_ABANDONED, NULL, NULL);
}

void coord_report_node_state(const struct coord_node *n, const char *state,
			     const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	ev.node = n->entry->name;
	ev.text = state;
	ev.reason = reason;
	coord_report_fill_node(&ev, &figures, coord_slots(n));
	publish_event(n->coord, &ev);
}

void coord_report_sandbox_state(const struct coord_node *n,
				const struct inputs_toolchain *tc,
				const char *state, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_CELL);

	ev.node = n->entry->name;
	ev.toolchain = tc->driver;
	ev.text = state;
	ev.reason = reason;
	publish_event(n->coord, &ev);
}

void coord_report_load(const struct coord_node *n)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);
	struct sched_node_counts done;
	struct peer_stats figures;
	struct wire_health health;

	if (!n->coord->setup.hub)
		return;
	sched_node_counts(n->coord->sched, n->number, &done);
	peer_stats(n->peer, &figures);
	coord_slots_adjust_health(n, &health);
	figures.health = &health;
	ev.node = n->entry->name;
	ev.n_running = done.n_running;
	ev.n_done = done.n_jobs;
	ev.n_failed = done.n_errors;
	ev.n_retries = done.n_retries;
	coord_report_fill_load(&ev, &figures);
	publish_event(n->coord, &ev);
}
