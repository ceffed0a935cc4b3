/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/fixdep.h - what fixdep would print, for shells that ask.
 */
#ifndef COORD_FIXDEP_H
#define COORD_FIXDEP_H

#include "coord/client.h"

struct coord;

/* Takes over what `ask` holds; see struct coord_client_ops. */
void *coord_fixdep_asked(void *coord, struct coord_client *client,
			 struct wire_cc_fixdep *ask);
void coord_fixdep_left(void *fixdep);

#endif
