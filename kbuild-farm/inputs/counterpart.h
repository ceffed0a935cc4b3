/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/counterpart.h - a tool of the kernel's tree, built for the machines of
 * other nodes.
 *
 * kbuild has built the tool for this machine, and wrote down of what:
 * .genksyms.cmd has the line that linked it, .NAME.o.cmd of each object the one
 * that compiled it.  The same sources are compiled with what these lines say of
 * names and of the language, by a compiler for the other machine that has a C
 * library: TRIPLET-gcc in PATH (compilers of kernel.org have none).  The
 * result is static, so that a node needs nothing else for it.
 *
 * That it does what ours does, nobody has shown yet (coord/counterpart.h).
 */
#ifndef INPUTS_COUNTERPART_H
#define INPUTS_COUNTERPART_H

#include "base/err.h"

/* All borrowed. */
struct inputs_counterpart {
	const char *program; /* ours, an absolute path */
	const char *host; /* as compiler_host_published() names it */
	const char *out; /* what is made; the objects lie beside it, for a
			    while */
	char *const *env; /* of the compiler */
	const void *stop; /* an atomic_bool: not any more; or NULL */
};

/*
 * Make it.  Runs compilers for seconds, so it is for threads.  Returns 0; or,
 * with `err` for people and nothing at `out`: -ENOENT without a compiler for
 * that host, -ENOTSUP where the lines are none that can be followed, as for a
 * tool that needs libraries, -EINTR when it was stopped, -ENOEXEC for what is
 * no static program of that host, or what reading or running something gave.
 */
int inputs_counterpart_make(const struct inputs_counterpart *c,
			    struct err *err);

#endif
