/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/pool.h - Starts and ends the members of pools (node/pool.h).
 *
 * A member is a node that is added when the build needs it and removed when it
 * is idle.  If its command fails or its machine is lost, the dispatcher dials
 * it again after a backoff, as for any node; to dial a member is to execute the
 * command.  The process of a removed member counts until it has exited, so the
 * pool never has more members than `max`.
 */
#ifndef COORD_POOL_H
#define COORD_POOL_H

#include "coord/internal.h"

/*
 * Start the members that the build needs and remove those that are idle.  Call
 * it once a second.  Does nothing before the nodes have been dialed.
 */
void coord_pool_update_all(struct coord *c);

#endif
