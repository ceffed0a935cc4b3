/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/figures.h"

#include "peer/peer.h"

void coord_figures_node(struct events_event *ev, const struct peer_figures *f,
			unsigned slots)
{
	if (!f->inventory)
		return;
	ev->machine = f->inventory->machine;
	ev->slots = slots;
	ev->cores = f->inventory->cores;
	ev->memory = (int64_t)f->inventory->memory_mib << 20;
}

static int64_t known(uint32_t n, int64_t less)
{
	return n == WIRE_HEALTH_UNKNOWN ? EVENTS_UNKNOWN : n - less;
}

void coord_figures_load(struct events_event *ev, const struct peer_figures *f)
{
	ev->cpu_ms = (int64_t)f->busy_ms;
	ev->sent = (int64_t)f->sent;
	ev->received = (int64_t)f->received;
	if (!f->inventory)
		return;
	ev->load = f->inventory->load_milli;
	ev->memory = (int64_t)f->inventory->available_mib << 20;
	ev->foreign = known(f->health->foreign_milli, 0);
	ev->celsius = known(f->health->temperature_mk, WIRE_HEALTH_ZERO);
	ev->speed = known(f->health->speed_milli, 0);
}
