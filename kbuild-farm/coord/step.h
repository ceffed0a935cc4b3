/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/step.h - the program beside a unit's compile, and what runs in its
 * place on a node of another machine (coord/counterpart.h).
 */
#ifndef COORD_STEP_H
#define COORD_STEP_H

#include "coord/state.h"
#include "coord/unit.h"

/* Of a unit that came: its step, of SCHED_STEP_*, or 0. */
unsigned coord_step_kind(const struct coord_unit *u);
/*
 * What it is to have in the place of our tool is being made, and there is no
 * node for ours: it is worth to wait.
 */
bool coord_step_waits(const struct coord_unit *u);
/* It goes to that node: 0, or -ENOTSUP where nothing can run there now. */
int coord_step_choose(struct coord_unit *u, struct coord_node *n);
/* What the node is told to run; NULL: the compile alone. */
const struct inputs_tool *coord_step_tool(const struct coord_unit *u);
/* Its node could not run it, in its words. */
void coord_step_failed(const struct coord_unit *u, const char *words);
/* What is to be compared with ours before it is believed, or NULL. */
const struct coord_proof *coord_step_proof(struct coord_unit *u);
/* That was done, as u->exam says. */
void coord_step_proven(const struct coord_unit *u);

#endif
