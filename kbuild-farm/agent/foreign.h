/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/foreign.h - a kept toolchain as the compiler of a cell.
 *
 * The compiler is listed as the build host lists its own (manifest.h), from
 * the node's disk; its driver answers in a cell (agent/ask.h).  Every file of
 * the toolchain in that list is held against the toolchain's record: what is
 * not as it came is damage, and the compiler is not used.
 *
 * A list is kept in memory for the next cell, and looked through again by
 * stat before and after each use.
 */
#ifndef AGENT_FOREIGN_H
#define AGENT_FOREIGN_H

#include "agent/kept.h"
#include "cell/cell.h"
#include "compiler/manifest.h"
#include "wire/msg.h"

/* The lists that one kfarmd made. */
struct agent_foreign;
struct agent;

struct agent_foreign *agent_foreign_new(void);
void agent_foreign_free(struct agent_foreign *o);

/*
 * Put the compiler that the node holds as `m->kept` into a cell, at the places
 * where the client has its own: `driver` is the client's path of it, with all
 * links of the client's followed.  Libraries and the loader lie at their paths
 * here.  `lease` gets the toolchain, to be released when the cell is gone; `id`
 * the identity of what was put.
 *
 * Any thread, several at once.  0; -ENOENT: not held; -EBADMSG: damaged;
 * -ENOEXEC: not for this machine; or another error; with `err` set and nothing
 * leased.
 */
int agent_foreign_put(const struct agent *a, const struct wire_cell *m,
		      const char *driver, struct cell *cell,
		      struct agent_lease *lease, struct digest *id,
		      struct err *err);

/*
 * Where a path of the node's toolchain lies for the client; the caller frees
 * it.  `here` is a directory of the node, `there` what the client has in its
 * place; what is not below it stays as it is.
 */
char *agent_foreign_map(const char *path, const char *here, const char *there);
/*
 * Which directory of the toolchain stands for which of the client's: that
 * above "bin" of `within` (the driver below the toolchain's directory `dir`)
 * for that above "bin" of `driver`, and as far above it as both have the same
 * names; the toolchain's directory at most.  False when `driver` lies in no
 * "bin" where `within` does.
 */
bool agent_foreign_prefixes(const char *dir, const char *within,
			    const char *driver, char **here, char **there);

#endif
