/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/object.h - the object that a compiler left in its job's directory.
 */
#ifndef AGENT_OBJECT_H
#define AGENT_OBJECT_H

#include "base/err.h"
#include "wire/msg.h"

#include <stdbool.h>

/*
 * Map it; to be called when no process can cut it any more.  0 with the bytes
 * in *out, for munmap(); or a negative errno with `err` and `class` set.
 */
int agent_object_map(const char *dir, struct bytes *out,
		     enum wire_fail_class *class, struct err *err);
/*
 * Does it hold the name of the directory `dir`, as the assembler writes it
 * there for a .loc?  A local compile would have written another.
 */
bool agent_object_tells(struct bytes object, const char *dir);

#endif
