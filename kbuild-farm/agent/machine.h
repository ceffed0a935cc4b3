/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/machine.h - what kfarmd tells of its machine, and of how it does, with
 * what only kfarmd knows: the room in its store, the toolchains it keeps.
 */
#ifndef AGENT_MACHINE_H
#define AGENT_MACHINE_H

#include "node/sys.h"
#include "wire/msg-machine.h"

struct agent;

/* Read again what is older than a second; `ours_ms`: CPU time of all jobs. */
const struct wire_health *agent_machine_health(struct agent *a,
					       uint64_t ours_ms);
/*
 * wire_machine_release() it.  *cpus are those of each of its classes; the
 * caller frees them.
 */
void agent_machine_collect(struct wire_machine *m, struct node_cpus **cpus,
			   struct agent *a, uint64_t ours_ms);

#endif
