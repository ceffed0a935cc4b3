/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/slots.h - how many jobs a node gets at once in this build.
 */
#ifndef COORD_SLOTS_H
#define COORD_SLOTS_H

#include "coord/state.h"

/*
 * Its limit (node/limits.h), or what a person asked for; 0 before it said
 * hello.
 */
unsigned coord_slots(const struct coord_node *n);
/*
 * A person wants one more, or one less; false: it never said hello, or has as
 * many as it may (node_limit_most()), or one.
 */
bool coord_slots_ask(struct coord_node *n, bool more);

#endif
