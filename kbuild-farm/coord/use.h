/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/use.h - what this build keeps busy, on each of its nodes and here.
 *
 * A node tells how much of its machine others use, and cannot know that some of
 * these are nodes of the same build, or the build host: several may run on one
 * machine.  They are on one where the boot id is the same.  What its jobs use
 * on a node is their CPU time between two beats; here it is a core for each
 * local slot in use, and what kfarm itself takes.  What make runs beside these
 * (links, host programs, scripts) remains the load of others.
 */
#ifndef COORD_USE_H
#define COORD_USE_H

#include "coord/state.h"
#include "wire/msg-machine.h"

/* The beat of a node names a job, and the CPU time that this took so far. */
void coord_use_job(struct coord_node *n, uint32_t cpu_ms);
/* Those were all of its jobs, and it said how it does. */
void coord_use_beat(struct coord_node *n, uint64_t now_ms);
/* Once a second: what kfarm itself takes. */
void coord_use_tick(struct coord *c, uint64_t now_ms);
/* How it said it does, but that load of this build is not foreign. */
void coord_use_health(const struct coord_node *n, struct wire_health *out);

#endif
