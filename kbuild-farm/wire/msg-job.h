/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/msg-job.h - the messages of one job: STEP, JOB, OUTPUT, RESULT and
 * FAIL.  The rules of wire/msg.h hold.
 */
#ifndef WIRE_MSG_JOB_H
#define WIRE_MSG_JOB_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/str.h"
#include "wire/field.h"
#include "wire/limits.h"

enum wire_lang {
	WIRE_LANG_C, /* a .c */
	WIRE_LANG_ASM, /* a .S */
	WIRE_LANG_PLAIN_ASM, /* a .s */
};

/* `count` flags with the numbers first, first + 1, ... (wire/flags.h). */
struct wire_run {
	uint32_t first;
	uint16_t count; /* not 0 */
};

struct wire_job {
	uint32_t job; /* unique in this connection */
	uint32_t cell;
	uint32_t view; /* all views up to this one are applied before it runs */
	uint8_t lang; /* enum wire_lang */
	uint32_t deadline_ms; /* from the compiler's start, then it is killed */
	uint32_t cwd; /* a path's number */
	char *source; /* as make spelled it */
	char *object;
	/*
	 * The compiler gets `object` as -o: links of the view lead that, and
	 * the names that it makes of it, to WIRE_JOB_OBJECT and, of `sides`
	 * files, to WIRE_JOB_SIDE with 0, 1 ...
	 */
	uint8_t named;
	uint8_t sides; /* 0 where it is not named */
	uint16_t n_runs; /* at most WIRE_FLAGS_MAX */
	struct wire_run *runs; /* the flags in the order of the command line */
	struct strv env; /* NAME=VALUE of those that the compiler reads */
};

/* Within all limits?  A node ends the conversation over a job that is not. */
bool wire_job_fits(const struct wire_job *m);
WIRE_MESSAGE(job);

/* The first version that has STEP, and that which has its last kind. */
#define WIRE_WITH_STEP       10
#define WIRE_WITH_DEVICETREE 11

enum wire_step_kind {
	/*
	 * What the compiler preprocesses is the tool's stdin, whose stdout is
	 * what comes of it: there is no object.
	 */
	WIRE_STEP_SYMBOLS,
	/* The tool works on the object, in its place, before that comes. */
	WIRE_STEP_OBJECT,
	/*
	 * What the compiler preprocesses is in the object's place, and dtc
	 * reads it: its stdout is the blob, and it lists what it read.
	 */
	WIRE_STEP_DEVICETREE,
};

/*
 * STEP, right in front of the JOB of that number: a program of the view that
 * runs with the compiler, as `tool args...`, and of OBJECT and DEVICETREE with
 * the object's name behind, of DEVICETREE with -d in between.
 */
struct wire_step {
	uint32_t job;
	uint8_t kind; /* enum wire_step_kind */
	uint32_t tool; /* a path's number */
	struct strv args; /* without argv[0]; at most WIRE_STEP_ARGS */
};

/* Within all limits, as wire_job_fits()? */
bool wire_step_fits(const struct wire_step *m);
/* May the job have such a step? */
bool wire_step_suits(const struct wire_step *m, const struct wire_job *job);
WIRE_MESSAGE(step);

/* What comes out of a compile, in the order of RESULT. */
enum wire_output {
	WIRE_OBJECT,
	WIRE_STDOUT,
	WIRE_STDERR,
	WIRE_DEPS, /* what -MD wrote */
	WIRE_AS_DEPS, /* what the assembler read: its --MD */
	WIRE_SIDE, /* the first file beside the object, and then the others */
	WIRE_STREAMS = WIRE_SIDE + WIRE_SIDES_MAX, /* how many these are */
};

/* The most bytes that this stream may have. */
uint32_t wire_output_max(enum wire_output stream);

/*
 * OUTPUT: `job`, `stream`, then the bytes (at most WIRE_CHUNK_MAX), borrowed
 * from the input when decoded.
 */
struct wire_piece {
	uint32_t job;
	uint8_t stream; /* enum wire_output */
	struct bytes data;
};

WIRE_MESSAGE(piece);

struct wire_result {
	uint32_t job;
	uint32_t wait_status; /* as waitpid() gave it */
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib;
	struct digest toolchain; /* that compiled it */
	uint8_t sides; /* files beside the object, which may be empty */
	uint32_t len[WIRE_STREAMS]; /* bytes sent before in OUTPUT */
	struct digest answer; /* wire_answer_digest() */
};

WIRE_MESSAGE(result);

enum wire_fail_class {
	WIRE_FAIL_UNSUPPORTED, /* an option or message that the node refuses */
	WIRE_FAIL_TOOLCHAIN, /* the cell is not (or no longer) there */
	WIRE_FAIL_NODE, /* disk, memory, processes of the node */
	WIRE_FAIL_VOID, /* the result is not to be used: too much output,
			   files read that are not the job's */
	WIRE_FAIL_DEADLINE, /* killed at its deadline */
	WIRE_FAIL_BUSY, /* beyond the node's slots */
	WIRE_FAIL_INPUT, /* the compiler wanted a file that the view lacks */
};

struct wire_fail {
	uint32_t job;
	uint8_t class; /* enum wire_fail_class */
	char *reason; /* INPUT: the file's name */
};

WIRE_MESSAGE(fail);

#endif
