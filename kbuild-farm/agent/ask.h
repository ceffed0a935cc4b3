/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/ask.h - run a compiler's driver where it can do no harm.
 *
 * What a kept toolchain's driver is asked (where is your cc1?) it answers in a
 * cell of its own, which holds the driver with its libraries, and of all the
 * other files only that they exist: large ones are empty there.  What it names
 * that is not the toolchain's own is refused: it would get into a cell.
 */
#ifndef AGENT_ASK_H
#define AGENT_ASK_H

#include "agent/kept.h"
#include "cell/cell.h"

struct agent_ask;

/*
 * A cell with the toolchain of `lease` at its own path, and with `program`,
 * the entries that running the driver (an absolute path) takes.  0 or why
 * not.  All of it belongs to the calling thread from now on.
 */
int agent_ask_new(struct agent_ask **out, const struct agent_lease *lease,
		  const struct compiler_entries *program, const char *driver,
		  const struct cell_limits *limits, struct err *err);
void agent_ask_free(struct agent_ask *a);
/* For compiler_manifest_make_by(). */
struct compiler_runner agent_ask_runner(struct agent_ask *a);

#endif
