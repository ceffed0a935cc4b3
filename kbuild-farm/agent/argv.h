/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/argv.h - the command line and environment of a job's compiler.
 *
 * Nothing of a client gets there as it came: each flag passes
 * options/typed.h, each variable options_env_for_node(), and the rest is ours.
 * It is run in the client's directory:
 *
 *	DRIVER FLAGS, and what options_typed_outputs() ends it with
 *
 * The tool of a STEP is the client's, as its line is (agent/step.h).
 */
#ifndef AGENT_ARGV_H
#define AGENT_ARGV_H

#include "base/err.h"
#include "wire/flags.h"
#include "wire/msg.h"

/* In CELL_OUT. */
#define AGENT_OBJECT "out.o"
#define AGENT_DEPS   "dep.d" /* what the preprocessor read */
#define AGENT_READ   "as.d" /* what the assembler read */
#define AGENT_SIDE   "side." /* and its number: a file beside the object */

/* A job and what its numbers stand for; all borrowed. */
struct agent_compile {
	const struct wire_job *m;
	const char *driver;
	bool is_clang;
	bool preprocesses; /* to its stdout, and no more */
	bool to_file; /* with that, to the object's place instead */
	const struct wire_flag *flags;
	size_t n_flags;
};

/*
 * Will the preprocessor, and the assembler, tell what it read?  See
 * options_typed_outputs().
 */
bool agent_argv_lists_preprocessor(const struct agent_compile *c);
bool agent_argv_lists_assembler(const struct agent_compile *c);

/* Both: 0, or -ENOTSUP with `err` naming what is refused. */
int agent_argv_build(struct strv *argv, const struct agent_compile *c,
		     struct err *err);
int agent_argv_env(struct strv *env, const struct wire_job *m, struct err *err);

#endif
