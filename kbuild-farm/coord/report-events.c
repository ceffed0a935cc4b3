/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/report-events.h"

#include "coord/internal.h"
#include "node/limits.h"
#include "peer/peer.h"

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
	return node_slot_limit_apply(&n->slot_limit,
				     coord_report_slots_unrestricted(n));
}

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

void coord_report_node_state(const struct coord_node *n, const char *state,
			     const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	ev.node = n->entry->name;
	ev.text = state;
	ev.reason = reason;
	coord_report_fill_node(&ev, &figures, coord_report_slots(n));
	events_hub_publish(n->coord->setup.hub, &ev);
}
