/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/argv.h - the command line and environment of a job's compiler.
 *
 * Nothing of a client gets there as it came: each flag passes
 * options_typed_allow(), each variable options_env_for_node(), and the rest
 * is ours:
 *
 *	DRIVER FLAGS -Wa,--MD,as.d -fpreprocessed -fdirectives-only -x c
 *		-c -o out.o in.i
 *	DRIVER FLAGS -Wa,--MD,as.d -x assembler -c -o out.o in.s
 *
 * in the job's directory, which is also its TMPDIR.
 */
#ifndef AGENT_ARGV_H
#define AGENT_ARGV_H

#include "base/err.h"
#include "wire/msg.h"

#define AGENT_OBJECT "out.o"
#define AGENT_READ   "as.d" /* what the assembler read (agent/asread.h) */

/* The name of the file that holds the job's text. */
const char *agent_argv_text(const struct wire_job *m);
/* Both: 0, or -ENOTSUP with `err` naming what is refused. */
int agent_argv_build(struct strv *argv, const char *driver,
		     const struct wire_job *m, struct err *err);
int agent_argv_env(struct strv *env, const char *dir, const struct wire_job *m,
		   struct err *err);

#endif
