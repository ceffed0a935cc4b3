/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/path-leak.h - does what came out of a compile tell where it was made?
 *
 * An assembler writes its directory into the object for a .loc, a driver
 * names its temporaries in some messages.  A local compile would have written
 * other names there.
 */
#ifndef AGENT_PATH_LEAK_H
#define AGENT_PATH_LEAK_H

#include "base/bytes.h"

/* Does it hold the name of a directory that only jobs have (cell/cell.h)? */
bool agent_path_leaks(struct bytes in);

#endif
