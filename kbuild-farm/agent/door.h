/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/door.h - kfarms that come over the network, by TLS.
 *
 * Nothing that they say is read before both sides have proved their keys, and
 * theirs is on the list of clients (tls/clients.h).  Until then each is a
 * guest: it has DOOR_S seconds, and agent/gate.h bounds how many there are.
 */
#ifndef AGENT_DOOR_H
#define AGENT_DOOR_H

#include "base/err.h"
#include "base/str.h"

#define AGENT_DOOR_S 5

struct agent;
struct agent_door;

/*
 * Listen at each of `places` (agent/port.h), with DIR/key.pem and
 * DIR/clients; a->clients is the latter's from now on, and where it listens
 * is added to `at`.  0, or a negative errno with `err` set.
 */
int agent_door_new(struct agent_door **out, struct agent *a,
		   const struct strv *places, const char *dir, struct strv *at,
		   struct err *err);
/* The sessions that came of it must have ended. */
void agent_door_free(struct agent_door *d);

#endif
