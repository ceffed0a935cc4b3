/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/tell.h - what the dispatcher does and sees, as events for all who want
 * to know (events/event.h).
 */
#ifndef COORD_TELL_H
#define COORD_TELL_H

#include "events/event.h"

struct coord;
struct coord_node;
struct coord_unit;
struct inputs_toolchain;

/* A unit is in another state; `node` and `reason` may be NULL. */
void coord_tell_unit(struct coord_unit *u, enum events_job_state state,
		     const char *node, const char *reason);
/* A beat or a piece of output shows that it is so on its node: told once. */
void coord_tell_seen(struct coord_unit *u, enum events_job_state state);
/* It is compiled here beside its node. */
void coord_tell_beside(const struct coord_unit *u, const char *reason);
/* It is done: by `node`, or EVENTS_LOCAL with the reason. */
void coord_tell_done(struct coord_unit *u, const char *node, const char *reason,
		     unsigned retries);

/* Nobody waits for it any more, unless that was because it is done. */
void coord_tell_left(struct coord_unit *u);

/* A node is in another state; `reason` may be NULL. */
void coord_tell_node(const struct coord_node *n, const char *state,
		     const char *reason);
/* One of its toolchains is. */
void coord_tell_cell(const struct coord_node *n,
		     const struct inputs_toolchain *tc, const char *state,
		     const char *reason);
/* How it does. */
void coord_tell_load(const struct coord_node *n);

#endif
