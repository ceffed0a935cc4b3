/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/cc.h - the bodies of the messages between kfarm-cc and the
 * coordinator, over the Unix socket $KFARM_SOCKET.
 *
 * libc only: the wrapper is static and small.  The same rules as in
 * wire/msg.h; the frames are never packed.
 */
#ifndef WIRE_CC_H
#define WIRE_CC_H

#include "base/buf.h"
#include "base/str.h"
#include "wire/field.h"

#include <stdbool.h>

/*
 * Longest command line and environment that are sent, without NULs, and most
 * words of the former; beyond that it is local.
 */
#define WIRE_CC_MAX   (512u << 10)
#define WIRE_CC_WORDS 16384
/*
 * Longest stdout and stderr in CC_DONE, each: what fits one frame.  Where
 * there is more the coordinator answers CC_LOCAL.
 */
#define WIRE_CC_DIAG_MAX (472u << 10)

struct wire_cc_job {
	uint32_t pid; /* the wrapper's; in the temporaries' names */
	uint32_t umask; /* the wrapper's */
	/*
	 * These two are adjacent, as WIRE_BOOLS() wants: two bits on the wire.
	 */
	bool terminal; /* its stderr: diagnostics have colours and a width */
	bool confined; /* it lacks stdout or stderr, or has tight limits */
	char *cwd;
	char *compiler; /* absolute path of the real one */
	struct strv argv; /* argv[0] as make gave it */
	struct strv env; /* NAME=VALUE of those that gcc reads, and PATH;
			    at most WIRE_ENV_MAX */
};

WIRE_MESSAGE(cc_job);

/*
 * The file beside the socket that a wrapper leaves when the coordinator was
 * silent, so that those after it do not wait as long in their turn; the
 * coordinator removes it each second that it lives.  The caller frees it.
 */
char *wire_cc_silent_file(const char *socket);

/*
 * CC_BEAT has no body: "still at it".  CC_LOCAL: "compile it yourself"; its
 * body is the reason, bare text for people.
 */

struct wire_cc_rename {
	char *tmp;
	char *to;
};

/*
 * CC_DONE: rename each of `side`, then `dep_tmp` to `dep` (both empty when
 * there is no dependency file), then `object_tmp` to `object` (both empty
 * when there is none), write the diagnostics, and exit with `status`.  Paths
 * are relative to the wrapper's working directory or absolute.
 */
struct wire_cc_done {
	uint8_t status;
	uint8_t n_sides; /* files beside the object */
	struct wire_cc_rename *side;
	char *dep_tmp;
	char *dep;
	char *object_tmp;
	char *object;
	struct bytes out; /* borrowed from the input when decoded */
	struct bytes err;
};

WIRE_MESSAGE(cc_done);

/*
 * CC_FIXDEP: what would `program DEPFILE TARGET COMMAND` print, the fixdep of a
 * kernel's tree, started in `cwd`?  The answer is CC_FIXED, or CC_LOCAL: run
 * it.
 */
struct wire_cc_fixdep {
	char *cwd; /* absolute */
	char *program;
	char *depfile;
	char *target;
};

WIRE_MESSAGE(cc_fixdep);

/* Longest text that a compiler is to read from its stdin. */
#define WIRE_CC_TEXT_MAX (64u << 10)

/*
 * CC_STEP, in front of CC_JOB: the job is a compile with a tool
 * (wire/msg-job.h: WIRE_STEP_SYMBOLS, with -E and no -o among its words,
 * WIRE_STEP_OBJECT, or WIRE_STEP_DEVICETREE, with -E and -o).  The answer to
 * both is that of CC_JOB.  Of SYMBOLS CC_DONE has no object, and the tool's
 * stdout as `out`; of OBJECT it has what the tool left of the object; of
 * DEVICETREE the blob is the object, and beside it are the text and dtc's list
 * (options/devicetree.h).
 */
struct wire_cc_step {
	uint8_t kind; /* enum wire_step_kind */
	/*
	 * SYMBOLS: what the source "-" is (options_command_parse_stdin()); or
	 * empty, and the source is a file.  Of the others: empty.
	 */
	char *text;
	char *program; /* absolute */
	struct strv args; /* without argv[0]; at most WIRE_STEP_ARGS, of
			     WIRE_PATH_MAX bytes each; OBJECT: without the
			     object's name at the end */
};

WIRE_MESSAGE(cc_step);

/* Longest `rest`: what fits one frame. */
#define WIRE_CC_FIXED_MAX (944u << 10)

/* CC_FIXED: it prints `head`, COMMAND and `rest`, and ends with 0. */
struct wire_cc_fixed {
	struct bytes head; /* borrowed from the input when decoded */
	struct bytes rest;
};

WIRE_MESSAGE(cc_fixed);

#endif
