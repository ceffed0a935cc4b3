/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/argv.h - Command lines and environment of a job's programs.
 *
 * kfarmd checks each compiler flag of the client with options/allowlist.h, and
 * each environment variable with options_env_is_allowed().  The compiler runs
 * in the client's working directory as
 *
 *	DRIVER FLAGS OUTPUTS
 *
 * where options_allowlist_add_outputs() adds OUTPUTS.  A STEP message contains
 * the program and the arguments of a tool; kfarmd does not check them.
 */
#ifndef KFARMD_ARGV_H
#define KFARMD_ARGV_H

#include "base/err.h"
#include "base/str.h"
#include "wire/msg.h"
#include "wire/table.h"

#include <stdbool.h>

/* Files in SANDBOX_OUT_DIR. */
#define KFARMD_ARGV_OBJECT  "out.o"
#define KFARMD_ARGV_DEPS    "dep.d" /* dependency list of the preprocessor */
#define KFARMD_ARGV_AS_DEPS "as.d" /* dependency list of the assembler */
#define KFARMD_ARGV_SIDE    "side." /* plus the number of the side output */

/*
 * The compile of a job.  The JOB message `m` contains numbers for the driver
 * and the flags; `driver` and `flags` are the resolved values.  All pointers
 * are borrowed.
 */
struct kfarmd_compile {
	const struct wire_job *m;
	const char *driver;
	bool is_clang;
	/* write the preprocessed text to stdout and stop */
	bool preprocess_only;
	/* with preprocess_only: write to the object's path, not to stdout */
	bool output_to_file;
	const struct wire_flag *flags;
	size_t n_flags;
};

/*
 * Return true if the preprocessor writes a dependency list; false for an
 * assembly source file that is not preprocessed.
 */
bool kfarmd_argv_has_cpp_deps(const struct kfarmd_compile *c);

/*
 * Append the command line, or the environment, of the compiler.  Both functions
 * return 0, or -ENOTSUP with the rejected flag, language, file name or variable
 * in `err`.
 */
int kfarmd_argv_build(struct strv *argv, const struct kfarmd_compile *c,
		      struct err *err);
int kfarmd_argv_env(struct strv *env, const struct wire_job *m,
		    struct err *err);

/* The STEP message that precedes the next JOB of a session. */
struct kfarmd_steps {
	bool pending; /* pending_step was received, but not its JOB */
	struct wire_step pending_step;
};

/* Free a pending STEP and reset `s`. */
void kfarmd_argv_release_steps(struct kfarmd_steps *s);

/*
 * Decode a STEP message of protocol version `version` and store the STEP as
 * pending.  Returns 0, or -EPROTO with `err` set if the session must end.
 */
int kfarmd_argv_receive_step(struct kfarmd_steps *s, struct bytes body,
			     int version, struct err *err);
/*
 * Take the STEP that precedes job `m`.  Returns 0 with the step in *out, which
 * the caller releases with wire_step_release() and frees, or with NULL in *out
 * if no STEP is pending.  Returns -EPROTO with `err` set if the session must
 * end.
 */
int kfarmd_argv_take_step(struct kfarmd_steps *s, const struct wire_job *m,
			  struct wire_step **out, struct err *err);

/*
 * Append the command line of the tool with the path `tool`: the path and the
 * client's arguments.  A STEP of kind DEVICETREE adds the option that writes
 * the dependency list.  Each kind except SYMBOLS adds the path WIRE_JOB_OBJECT,
 * which is the tool's input.
 *
 * Returns 0, or -ENOTSUP with `err` set if `argv`, `env` and `cwd` together
 * exceed the limit of the sandbox.
 */
int kfarmd_argv_build_step(struct strv *argv, const struct wire_step *m,
			   const char *tool, const char *cwd,
			   const struct strv *env, struct err *err);

#endif
