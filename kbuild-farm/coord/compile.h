/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/compile.h - Compiles on the build host whose results are cached.
 *
 * If the dispatcher lets the build host compile a unit that no node has tried,
 * the coordinator itself starts the compiler, with the options that a node
 * would use.  Then it starts the program of the unit's tool step, if there is
 * one.  The outputs have private names, except gcc's side outputs: they have
 * their final names, because the object contains these names.  The result is
 * verified with fewer checks than that of a node (`trusted` in
 * coord/verify-result.h), delivered and stored (coord/caching.h).  If the
 * compile or the tool fails, the wrapper compiles the unit again, so that the
 * messages and the exit status are those of a local make.
 */
#ifndef COORD_COMPILE_H
#define COORD_COMPILE_H

#include "coord/unit.h"

/*
 * Start to compile a unit on the build host for the reason `why`, and store its
 * result.  Returns false if the wrapper must compile the unit.
 */
bool coord_compile_start(struct coord_unit *u, enum reason why);
/*
 * Kill the unit's compiler or tool, if it is running, and remove the output
 * files that have private names.
 */
void coord_compile_stop(struct coord_unit *u);

#endif
