/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/report-events.h"

#include "coord/internal.h"
#include "coord/unit.h"
#include "node/limits.h"
#include "peer/peer.h"

#include <string.h>

unsigned coord_report_slots_unrestricted(const struct coord_node *n)
{
	struct peer_stats figures;
	unsigned most;

	peer_stats(n->peer, &figures);
	if (!n->requested_slots || !figures.inventory)
		return peer_slots(n->peer);
	/* A reconnect may have changed the maximum. */
	most = node_limit_max(figures.inventory);
	return n->requested_slots < most ? n->requested_slots : most;
}

unsigned coord_report_slots(const struct coord_node *n)
{
	unsigned slots = node_slot_limit_apply(
		&n->slot_limit, coord_report_slots_unrestricted(n));
	unsigned lease = peer_lease(n->peer);

	return slots < lease ? slots : lease;
}

void coord_report_fill_node(struct events_event *ev,
			    const struct node_entry *entry,
			    const struct peer_stats *f, unsigned slots)
{
	ev->node = entry->name;
	ev->pool = entry->pool;
	ev->site = entry->site;
	ev->members = f->members;
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

void coord_report_node_state(const struct coord_node *n, const char *state,
			     const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	ev.text = state;
	ev.reason = reason;
	coord_report_fill_node(&ev, n->entry, &figures, coord_report_slots(n));
	events_hub_publish(n->coord->setup.hub, &ev);
}

static const char *const step_words[] = {
	[WIRE_STEP_SYMBOLS] = "symbols",
	[WIRE_STEP_OBJECT] = "object",
	[WIRE_STEP_DEVICETREE] = "devicetree",
};

static struct events_event make_unit_event(const struct coord_unit *u,
					   enum events_job_state state,
					   const char *node, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.job = (int64_t)u->id + 1;
	ev.state = state;
	ev.file = u->name;
	if (u->has_step &&
	    (state == EVENTS_JOB_QUEUED || state == EVENTS_JOB_DONE))
		ev.step = step_words[u->step.kind];
	ev.node = node;
	ev.reason = reason;
	return ev;
}

int64_t coord_report_past_cost_ms(const struct coord_unit *u)
{
	const struct coord_setup *s = &u->coord->setup;

	return u->object_tmp && s->cost_ms ?
		       s->cost_ms(s->cost_ctx, u->object) :
		       EVENTS_UNKNOWN;
}

void coord_report_unit_state(struct coord_unit *u, enum events_job_state state,
			     const char *node, const char *reason)
{
	struct events_event ev = make_unit_event(u, state, node, reason);

	u->reported_state = state;
	if (state == EVENTS_JOB_QUEUED && u->object_tmp) {
		ev.object = u->object;
		ev.cost_ms = coord_report_past_cost_ms(u);
	}
	events_hub_publish(u->coord->setup.hub, &ev);
}

void coord_report_unit_progress(struct coord_unit *u,
				enum events_job_state state)
{
	if (u->reported_state < state)
		coord_report_unit_state(u, state, u->node_name, NULL);
}

void coord_report_unit_done(struct coord_unit *u, const char *node,
			    const char *reason, const struct sched_action *a)
{
	struct events_event ev = make_unit_event(u, EVENTS_JOB_DONE, node,
						 reason);

	u->reported_state = EVENTS_JOB_DONE;
	ev.remote = strcmp(node, EVENTS_LOCAL) != 0;
	ev.n_retries = a->n_retries;
	if (a->cost_ms)
		ev.cost_ms = a->cost_ms;
	if (ev.remote) {
		ev.member = u->result.member;
		ev.cpu_ms = u->result.wire.cpu_ms;
	}
	if (u->caching.missed)
		ev.miss = cache_miss_text(u->caching.miss);
	events_hub_publish(u->coord->setup.hub, &ev);
}

void coord_report_unit_cached(struct coord_unit *u)
{
	struct events_event ev = make_unit_event(u, EVENTS_JOB_DONE, NULL,
						 NULL);

	u->reported_state = EVENTS_JOB_DONE;
	ev.cached = true;
	ev.cached_remote = u->caching.remote;
	events_hub_publish(u->coord->setup.hub, &ev);
}

void coord_report_unit_twice(const struct coord_unit *u, const char *node)
{
	struct events_event ev = make_unit_event(u, EVENTS_JOB_RUN, node,
						 reason_text(REASON_NODE_SLOW));

	ev.hedged = true;
	events_hub_publish(u->coord->setup.hub, &ev);
}
