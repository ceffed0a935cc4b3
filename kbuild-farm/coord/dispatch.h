/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/dispatch.h - between sched/ and the world: events go in, actions are
 * carried out.
 */
#ifndef COORD_DISPATCH_H
#define COORD_DISPATCH_H

#include "coord/state.h"

struct coord_client_ops;

/* sched/ hears of it, soon and from the loop; words are copied. */
void coord_dispatch_event(struct coord *c, const struct sched_event *event);
/* What units wait for that sched/ has not heard of may have come. */
void coord_dispatch_held(struct coord *c);
/* Units come, and their wrappers go; `ctx` is the coordinator. */
extern const struct coord_client_ops coord_dispatch_clients;
/* What a node says of the unit's job; after its answer it says nothing more. */
void coord_dispatch_job(struct coord_unit *u, const struct coord_node *n,
			struct sched_event *event);
/* A toolchain's number in sched/. */
uint32_t coord_dispatch_number(struct coord *c, struct inputs_toolchain *tc);
/* More is known of a toolchain or of a kind of object. */
void coord_dispatch_toolchain(struct coord *c, struct inputs_toolchain *tc);
void coord_dispatch_kind(struct coord *c, struct inputs_reference *ref);
/* Tell sched/ all that happened, and do what it says. */
void coord_dispatch(struct coord *c);
/* Units that are left are freed, and what runs for them is stopped. */
void coord_dispatch_end(struct coord *c);

#endif
