/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/send.h - a unit, all of which is known, as a question to a node.
 */
#ifndef COORD_SEND_H
#define COORD_SEND_H

#include "coord/state.h"
#include "coord/unit.h"

/* 0 with the job's number; or what peer_send() or coord_step_choose() gave. */
int coord_send(struct coord_unit *u, struct coord_node *n, uint32_t deadline_ms,
	       uint32_t *number);
/* Why not, for people. */
enum reason coord_send_failed(int ret);

#endif
