/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/verify-result.h - Verification of a node's result on a worker thread.
 *
 * A result is valid if it belongs to its job, its outputs have the expected
 * formats, its inputs are unchanged, and it depends on no other file.  The
 * outputs of a valid result are written to the wrapper's temporary files.
 *
 * The list of files that the compiler read must match the closure of the
 * dependency scanner.  If the list contains a file that is not in the closure,
 * the scanner may have missed the file, so the unit is compiled locally.  If
 * the list lacks a file that the compiler must have read, the result is wrong:
 * the dependency file would lack this file, too, and make would not rebuild the
 * object when the file changes.  For the same reason, a rule for another target
 * is wrong.  Targets with characters that are special to make (blanks, '$',
 * '#', ':', backslashes) are not checked, because compilers quote them in
 * different ways.
 *
 * For a result of a cross-built genksyms, a worker thread also preprocesses the
 * unit, runs the local genksyms and compares the results.  It skips this check
 * once the program and the node have returned enough right results to be
 * trusted.
 */
#ifndef COORD_VERIFY_RESULT_H
#define COORD_VERIFY_RESULT_H

#include "base/err.h"
#include "inputs/manifest.h"
#include "options/allowlist.h"
#include "options/command.h"
#include "options/devicetree.h"
#include "peer/sandbox.h"
#include "sched/sched.h"
#include "wire/cc.h"

#include <stdatomic.h>

/* Numbers of right results after which a program and a node are trusted. */
#define COORD_VERIFY_GENKSYMS_PER_TOOL 3 /* from any node */
#define COORD_VERIFY_GENKSYMS_PER_NODE 1

_Static_assert(SCHED_STEP_SYMBOLS == 1 << WIRE_STEP_SYMBOLS &&
		       SCHED_STEP_OBJECT == 1 << WIRE_STEP_OBJECT &&
		       SCHED_STEP_DEVICETREE == 1 << WIRE_STEP_DEVICETREE,
	       "SCHED_STEP_* are the bits of enum wire_step_kind");

/* Return the tool step as an enum sched_step. */
static inline unsigned coord_sched_step(enum wire_step_kind kind)
{
	return 1u << kind;
}

struct coord_genksyms_check {
	/* All pointers are borrowed. */
	const struct wire_cc_job *job_request;
	const struct options_command *command; /* a command with -E */
	const struct wire_cc_step *step; /* a genksyms step */
	const char *text_path; /* path for the preprocessed text */
	const void *cancel; /* an atomic_bool; the check stops when it is set */
	/* right results so far, of the program and of the node */
	const atomic_uint *tool_n_right, *node_n_right;
	bool outdated; /* the program has been replaced or rejected */
};

enum coord_genksyms_verdict {
	COORD_GENKSYMS_VERDICT_TRUSTED, /* accepted without a check */
	COORD_GENKSYMS_VERDICT_RIGHT,
	/* The local check was not possible, or the program is outdated. */
	COORD_GENKSYMS_VERDICT_UNKNOWN,
	COORD_GENKSYMS_VERDICT_WRONG, /* `err` contains the difference */
};

/*
 * Compare a result of a cross-built genksyms with the local result, unless the
 * program and the node are trusted.  The result must have passed
 * peer_job_result_check().  Runs on a worker thread.
 */
enum coord_genksyms_verdict coord_verify_genksyms(
	const struct coord_genksyms_check *p,
	const struct peer_job_result *answer, struct err *err);

struct coord_verify_result_job {
	/* All pointers are borrowed. */
	const struct peer_job_result *result;
	const struct inputs_manifest *manifest;
	const struct options_command *command;
	const struct options_flags *flags; /* flags as sent to the node */
	char *const *env; /* environment of the unit, ends with NULL */
	const char *cwd;
	/*
	 * locally compiled sample with the expected object format; not used if
	 * `trusted` is set
	 */
	struct bytes reference_object;
	/*
	 * Path of the object to create, absolute or relative to `cwd`; the file
	 * must not exist.  NULL: the unit has no object.
	 */
	const char *object_tmp;
	/* path of the dependency file to create, like object_tmp; or NULL */
	const char *dep_tmp;
	/* outputs besides the object; can be NULL */
	const struct options_side_outputs *side_outputs;
	/* paths of the side outputs to create, like object_tmp */
	char *const *side_tmp;
	bool to_terminal; /* diagnostics go to a terminal */
	/*
	 * Tool that ran after the compile; NULL: no tool.  If the unit has no
	 * object, the tool is genksyms.  Its stdout must then have the format
	 * of genksyms: make reads these lines, so any other text from a node
	 * could inject commands.
	 */
	const struct inputs_tool *tool;
	enum wire_step_kind step_kind; /* of `tool` */
	/*
	 * Set for dtc, NULL for any other tool.  With dtc, stdout is the blob,
	 * and the preprocessed text and dtc's dependency list are side outputs.
	 * The dependency list must not name any file except the text.
	 */
	const struct options_devicetree *devicetree;
	/*
	 * The result was not sent by a node: the build host compiled the unit,
	 * or the result comes from the result cache, which stores only verified
	 * results.  The integrity of the result and the output formats (except
	 * those of dtc) are not checked.
	 */
	bool trusted;
	/*
	 * Set if the node ran a cross-built genksyms; NULL for any other
	 * result.
	 */
	const struct coord_genksyms_check *genksyms_check;

	/* Results. */
	/*
	 * VALID: the outputs are in their temporary files.  WRONG: the node
	 * returned a wrong result; `err` describes the fault.  UNUSABLE: the
	 * unit must be compiled locally for `reason`.  INPUTS_CHANGED: `err`
	 * names a file that changed after the scan.
	 */
	enum sched_verdict verdict;
	enum reason reason;
	/*
	 * with UNUSABLE: the program that failed on the node, as in struct
	 * sched_event; 0: no program
	 */
	unsigned failed;
	enum coord_genksyms_verdict genksyms_verdict;
	struct err err;
	uint32_t cpu_us; /* CPU time of the verification */
};

/* Verify a result and write its outputs.  Can block. */
void coord_verify_result(struct coord_verify_result_job *e);

#endif
