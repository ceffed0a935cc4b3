/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/event.h - what is told of a build, and how it is written: one JSON
 * object a line, the first of them EVENTS_STREAM.
 *
 * What each event means, and which members of struct events_event it has, is
 * said here; their names, types and units on paper are in events/event.c, in a
 * table from which kfarm-events(5) is made too
 * (`KFARM_UPDATE=1 build/unit/check_events_event`).
 *
 * EVENTS_VERSION changes when an event or a field is taken away or gets
 * another meaning.  Events and fields may be added without: a reader leaves
 * alone what it does not know.
 */
#ifndef EVENTS_EVENT_H
#define EVENTS_EVENT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENTS_VERSION  1
#define EVENTS_TEXT_MAX (64u << 10) /* bytes of a text on paper, then cut */
#define EVENTS_LINE_MAX (1u << 20) /* of a line that is read */
#define EVENTS_UNKNOWN  INT64_MIN /* a number that nobody knows */
#define EVENTS_LOCAL    "local" /* this machine in the place of a node */

enum events_kind {
	EVENTS_STREAM, /* first: version, program, pid, began_s */
	/*
	 * A build began: what, jobs, local_slots; and of a kernel arch,
	 * config (as -k has it), toolchain, tree, dir, output, release (as
	 * "6.1.192"), and if known tree_name (of a managed tree), commit,
	 * toolchain_id; of one of several of a command number, from 1, and of,
	 * how many.  key (kernel/key.h) is that of builds which are comparable;
	 * fresh: nothing was compiled in the directory yet.
	 */
	EVENTS_BUILD,
	/*
	 * It begins from nothing, as the last build of the same key did, which
	 * had make's jobs: a point in the course of that one.  After wall_ms
	 * so many of its jobs, total, were done, of cost_ms; what is told last
	 * is all of it.  Not told where there was none: nobody knows a total
	 * then.
	 */
	EVENTS_ESTIMATE,
	EVENTS_PHASE, /* text: see events_phase_of() of kernel/phase.h */
	/*
	 * A job is in another state: job, state, file, and where it is:
	 * node; reason, why there; beside, it is on its node as well.
	 * EVENTS_QUEUED has object, and after EVENTS_ESTIMATE cost_ms, what it
	 * cost then; EVENTS_JOB_DONE remote, retries (how often it was begun
	 * anew), cpu_ms.  Both have step, "symbols", "object" or "devicetree",
	 * of a job that stands for a step of kbuild, too (wire/msg-job.h).
	 */
	EVENTS_JOB,
	/*
	 * A node is in another state: node, text, reason; and of one that said
	 * hello machine, slots, cores, memory.
	 */
	EVENTS_NODE,
	/* A toolchain on a node: node, toolchain, text; reason, if there is one
	 */
	EVENTS_CELL,
	/*
	 * How a node does, with its beats: node, and since the build began
	 * jobs_done, failed, retries, cpu_ms, sent, received; now running,
	 * load, memory, and foreign, celsius, speed if it knows.
	 */
	EVENTS_LOAD,
	/*
	 * At the end, behind the last EVENTS_LOAD of each node: what this
	 * machine spent: cpu_ms, and of that scan_ms for the inputs of jobs;
	 * and where make has kfarm's shell: shell_lines of recipes, of these
	 * shell_handed to /bin/sh; shell_compiles, shell_fixdeps and
	 * shell_steps in it, and shell_steps_here that ran on this machine.
	 */
	EVENTS_HOST,
	EVENTS_STEPS, /* behind it, why these ran here: reason, steps */
	/*
	 * A block of diagnostics: severity, text; those not said before in
	 * this build: warnings, errors; of these an earlier one had not
	 * new_diags, where there is one to compare with.
	 */
	EVENTS_DIAG,
	EVENTS_NOTE, /* a line for people: text */
	/*
	 * At the end, each diagnostic that was said, that stands, or that is
	 * gone: tool, severity, text, how it stands to the earlier build, and
	 * where they are known file, line, column, flag, object (diag/diag.h).
	 */
	EVENTS_FOUND,
	/* The size of what was made: name, file_bytes; text_bytes, data_bytes,
	   bss_bytes of what is no image */
	EVENTS_SIZE,
	/*
	 * For one that came later, the counts so far: remote, local, steps,
	 * retries, beside_n, warnings, errors, new_diags; after EVENTS_ESTIMATE
	 * cost_ms of the jobs that are done.
	 */
	EVENTS_COUNTS,
	EVENTS_REASON, /* and why jobs were local: reason, local */
	EVENTS_LIVE, /* and the end of what was before it came */
	EVENTS_DROPPED, /* its reader was too slow: dropped */
	/*
	 * The build ended: status, remote, local; dirty, if the tree differs
	 * from its commit; history, its number there (history/read.h);
	 * where there was an earlier one to compare with new_warnings,
	 * new_errors, gone.
	 */
	EVENTS_DONE,

	EVENTS_KINDS, /* how many */
};

/* In this order, but that a job may go back to EVENTS_SCAN and EVENTS_SEND. */
enum events_job_state {
	EVENTS_QUEUED,
	EVENTS_SCAN, /* its inputs are being found */
	EVENTS_SEND, /* on its way to a node, or waits there */
	EVENTS_RUN, /* its compiler runs: here; or as a beat of the node said */
	EVENTS_RECEIVE, /* what came out is on its way back, or examined */
	EVENTS_JOB_DONE,
	/* From any of the others: who called the compiler is gone. */
	EVENTS_JOB_LEFT,

	EVENTS_STATES, /* how many */
};

enum events_severity {
	EVENTS_WARNING,
	EVENTS_ERROR,
};

/*
 * Texts are borrowed, and NULL where there is none.  Numbers that may be
 * unknown are EVENTS_UNKNOWN then; events_init() sets those.
 */
struct events_event {
	enum events_kind kind;
	uint64_t at_ms; /* since the build began */

	const char *what; /* targets, or the command */
	const char *arch, *config, *toolchain, *tree, *dir, *output;
	const char *tree_name, *commit, *release, *key, *toolchain_id;
	const char *program;
	const char *file, *object; /* as the compiler's command names them */
	const char *node; /* its name; of a job EVENTS_LOCAL too */
	const char *machine; /* as uname -m there */
	const char *reason;
	const char *step;
	const char *text;
	const char *name, *tool, *flag, *how;

	enum events_job_state state;
	enum events_severity severity;
	bool remote; /* a node made the object */
	bool beside; /* compiled here too, as the node is slow */
	bool fresh, dirty;

	int64_t version, pid, began_s;
	int64_t job; /* its number, from 1 */
	int64_t jobs, local_slots; /* make's -j; compiles at once here */
	int64_t number, of; /* of the builds of one command */
	int64_t history; /* a build's number in the history */
	int64_t slots, cores, running, jobs_done, failed;
	int64_t local, retries, beside_n; /* counts of jobs */
	int64_t warnings, errors;
	int64_t new_diags, new_warnings, new_errors, gone; /* diagnostics */
	int64_t line, column;
	int64_t text_bytes, data_bytes, bss_bytes, file_bytes;
	int64_t remote_n;
	int64_t status; /* the exit status */
	int64_t dropped; /* events */
	int64_t sent, received, memory; /* bytes */
	int64_t cpu_ms, scan_ms;
	int64_t shell_lines, shell_handed, shell_compiles, shell_fixdeps;
	int64_t shell_steps, shell_steps_here;
	int64_t steps; /* of kbuild, that were done with a job */
	int64_t total; /* jobs of another build, as the next */
	int64_t cost_ms; /* CPU time that compiles took then */
	int64_t wall_ms;
	/* In thousandths: */
	int64_t load; /* processes that run or want to, mean of a minute */
	int64_t foreign; /* cores that others than kfarmd keep busy */
	int64_t celsius; /* the hottest sensor */
	int64_t speed; /* of the fastest clock, 1000: not throttled */
};

/* A zeroed one with what may be unknown set to that. */
struct events_event events_new(enum events_kind kind);

/* ------------------------------------------------------------- on paper */

enum events_type {
	EVENTS_TEXT, /* a string */
	EVENTS_WORD, /* one of a few strings */
	EVENTS_NUMBER, /* an integer */
	EVENTS_MILLI, /* a number with three decimals */
	EVENTS_YES, /* true, or left out */
	EVENTS_BOOL, /* true or false */
};

struct events_field {
	const char *name;
	enum events_type type;
	const char *unit; /* for people; NULL: it has none */
	const char *const *words; /* of an EVENTS_WORD, ends in NULL */
	uint16_t at; /* in struct events_event */
	bool may_lack; /* left out when EVENTS_UNKNOWN */
};

/* The fields of an event after "t" and "event", and how many. */
const struct events_field *events_fields(enum events_kind kind, size_t *n);
const char *events_kind_name(enum events_kind kind);

/* Append the event as one line, with its newline. */
void events_encode(struct buf *out, const struct events_event *ev);

/* An event that was read; it holds the texts of `ev`. */
struct events_read {
	struct events_event ev;
	void *holder;
};

/*
 * Read a line, with or without its newline.  Returns 0; -ENOMSG for an event
 * of a kind that is not known, which is to be left alone; or -EPROTO or
 * -EMSGSIZE with `err` set.  Numbers are those of the table's types, not
 * negative, times at most 2^53 ms.  Fields that lack are 0, NULL or
 * EVENTS_UNKNOWN.  After 0 the caller releases it.
 */
int events_decode(struct events_read *out, struct bytes line, struct err *err);
void events_read_release(struct events_read *read);

#endif
