/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/identity.h - are the nodes of a build who they seem to be?
 */
#ifndef COORD_IDENTITY_H
#define COORD_IDENTITY_H

#include "coord/state.h"

/*
 * Look at the nodes that have connected since (node->unknown).  Those whose key
 * two machines have get no jobs; what else is wrong is told once.
 */
void coord_identity_check(struct coord *c);

#endif
