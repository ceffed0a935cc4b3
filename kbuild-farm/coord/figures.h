/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/figures.h - what a node told of itself, as events, whether there is a
 * build or not.
 */
#ifndef COORD_FIGURES_H
#define COORD_FIGURES_H

#include "events/event.h"

struct peer_figures;

/* The machine of an EVENTS_NODE, and its slots; nothing before it said hello.
 */
void coord_figures_node(struct events_event *ev, const struct peer_figures *f,
			unsigned slots);
/* Of an EVENTS_LOAD all that is not of jobs. */
void coord_figures_load(struct events_event *ev, const struct peer_figures *f);

#endif
