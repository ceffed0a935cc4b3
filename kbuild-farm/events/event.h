/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/event.h - Events of a build and their encoding as lines of JSON.
 *
 * The comments below define each event and the members of struct events_event
 * that it has.  A table in events/event.c defines the JSON names, types and
 * units of the members.  The lists in kfarm-events(5) are generated from this
 * table (`KFARM_UPDATE=1 build/unit/check_events_event`).  The first event of a
 * stream is EVENTS_KIND_STREAM.
 *
 * EVENTS_VERSION changes when an event or a field is removed or changes its
 * meaning.  New events and fields can be added without a new version, because a
 * reader ignores unknown kinds and fields.
 */
#ifndef EVENTS_EVENT_H
#define EVENTS_EVENT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define EVENTS_VERSION 1
/* maximum bytes of a text before JSON escaping; longer texts are cut */
#define EVENTS_TEXT_MAX (64u << 10)
#define EVENTS_LINE_MAX (1u << 20) /* bytes of a line that a reader accepts */
#define EVENTS_UNKNOWN  INT64_MIN /* value of an unknown number */
#define EVENTS_LOCAL    "local" /* node name of the build host */

enum events_kind {
	EVENTS_KIND_STREAM, /* first event: version, program, pid, start_s */
	/*
	 * The build began: command, make_jobs, n_local_slots.  A kernel build
	 * also has arch, config (as given to -k), toolchain, tree, dir, output,
	 * release (such as "6.1.192") and, if available, tree_name (of a
	 * managed tree), commit and toolchain_id.  If one command runs several
	 * builds, the event has build_number, from 1, and n_builds.  The digest
	 * series_key (kernel/series-key.h) identifies comparable builds.
	 * history_id, if known, is the build's number in the history.  The flag
	 * from_scratch means that nothing had been compiled in the directory
	 * before this build.
	 */
	EVENTS_KIND_BUILD,
	/*
	 * A point of the baseline's progress curve: make_jobs, wall_ms,
	 * n_total_jobs, cost_ms.  The baseline is an earlier build that also
	 * began from scratch, with make -j make_jobs.  After wall_ms, it had
	 * finished n_total_jobs jobs, whose total cost was cost_ms.  The last
	 * point is the end of the baseline.  The event is sent only if the
	 * running build began from scratch and has a baseline.
	 */
	EVENTS_KIND_ESTIMATE,
	/*
	 * A phase began.  text: the phase, such as "compile"; activity: the
	 * activity of make, such as "defconfig", or NULL if unknown.
	 */
	EVENTS_KIND_PHASE,
	EVENTS_KIND_ACTIVITY, /* activity: the new activity of make */
	/*
	 * The state of a job changed: job, state, file, node (where the job
	 * runs), reason (why it runs there), hedged (the event reports a second
	 * execution of the job: a backup or a hedge).  EVENTS_JOB_QUEUED has
	 * object and, if the history has it, the predicted cost_ms.
	 * EVENTS_JOB_DONE has remote, member (if the node is a relay),
	 * n_retries, cpu_ms, cost_ms, cached (if the outputs come from the
	 * result cache) and cached_remote (if the cache server had the result).
	 * If the result cache had no result, EVENTS_JOB_DONE has miss, the
	 * cause: "new", "toolchain", "command", "file", "definition" or
	 * "removed" (cache/action.h).  If the job includes a tool step (enum
	 * wire_step_kind), EVENTS_JOB_QUEUED and EVENTS_JOB_DONE have step:
	 * "symbols", "object" or "devicetree".
	 */
	EVENTS_KIND_JOB,
	/*
	 * The state of a node changed: node, text, reason, pool (if the node is
	 * a member of a pool) and site (if a site is configured).  For a relay,
	 * the event has members: the names of the relay's members, separated by
	 * blanks.  After the HELLO message of the node, the event also has
	 * machine, n_slots, n_cores and memory_bytes.
	 */
	EVENTS_KIND_NODE,
	/*
	 * The state of a toolchain on a node: node, toolchain, text; optionally
	 * reason
	 */
	EVENTS_KIND_CELL,
	/*
	 * Load of a node, sent with its heartbeats: node.  Counts since the
	 * build began: n_done, n_failed, n_retries, cpu_ms, sent_bytes,
	 * received_bytes.  Current values: n_running, load_milli, memory_bytes
	 * and, if available, foreign_milli, celsius_milli, speed_milli.  In a
	 * snapshot, which has no events of finished jobs, the event also has
	 * mean_ms.
	 */
	EVENTS_KIND_LOAD,
	/*
	 * Resources used on the build host, sent at the end, after the last
	 * EVENTS_KIND_LOAD of each node: cpu_ms and scan_ms, the part of cpu_ms
	 * for finding the inputs of jobs.  If make used the recipe shell, the
	 * event also has these counts:
	 *  - n_shell_lines: all recipe lines;
	 *  - n_shell_fallbacks: recipe lines run by /bin/sh;
	 *  - n_shell_compiles: compiles that the recipe shell requested without
	 *    starting kfarm-cc;
	 *  - n_shell_fixdeps: fixdep calls done without starting fixdep;
	 *  - n_shell_steps: tool steps that were part of a job; and
	 *  - n_local_steps: tool steps run by the recipe shell.
	 */
	EVENTS_KIND_HOST,
	/*
	 * The number of tool steps (genksyms, objtool, dtc) that ran on the
	 * build host for one reason, sent after EVENTS_KIND_HOST: reason,
	 * n_steps.
	 */
	EVENTS_KIND_STEPS,
	/*
	 * A compiler or the tool of a step was disabled on a node, or on all
	 * nodes if `node` is NULL: tool, node, n_failed (failures on the node
	 * that did not occur on the build host), text (the first message).  If
	 * n_failed is 0, the program is enabled again.
	 */
	EVENTS_KIND_DISABLED,
	/*
	 * A block of diagnostics: severity, text, n_warnings and n_errors.
	 * These numbers count only diagnostics that this build has not printed
	 * before.  If a baseline exists, n_new_diags is the number of these
	 * diagnostics that the baseline lacks.
	 */
	EVENTS_KIND_DIAG,
	/* A line for the user: text; detail is false for a problem. */
	EVENTS_KIND_NOTE,
	/*
	 * Sent at the end for each diagnostic of the build or the baseline:
	 * tool, severity, text, diag_status relative to the baseline and, if
	 * available, file, line, column, flag, object (struct diag).  A
	 * diagnostic of a unit that was not compiled again is carried over from
	 * the baseline.
	 */
	EVENTS_KIND_FOUND,
	/*
	 * Size of an output: name, file_bytes; text_bytes, data_bytes and
	 * bss_bytes unless it is an image
	 */
	EVENTS_KIND_SIZE,
	/*
	 * For a late subscriber, the counts so far: n_remote, n_local,
	 * n_cached, n_cached_remote, n_steps, n_retries, n_hedged, n_warnings,
	 * n_errors, n_new_diags.  If EVENTS_KIND_ESTIMATE was sent, the event
	 * also has cost_ms, the cost of the finished jobs.
	 */
	EVENTS_KIND_COUNTS,
	/* in a snapshot, local jobs with the same reason: reason, n_local */
	EVENTS_KIND_REASON,
	EVENTS_KIND_LIVE, /* end of the snapshot */
	EVENTS_KIND_DROPPED, /* the reader was too slow: n_dropped */
	/*
	 * The build ended: status, n_remote, n_local, n_cached,
	 * n_cached_remote; reason, the error message of kfarm, if kfarm has
	 * found why the build failed; dirty if the tree differs from its
	 * commit; history_id, the build's number in the history.  If a baseline
	 * exists, the event also has n_new_warnings, n_new_errors,
	 * n_removed_diags.
	 */
	EVENTS_KIND_DONE,

	EVENTS_N_KINDS, /* the number of kinds */
};

/*
 * States of a job, in the order in which the job passes through them.  A job
 * can return to EVENTS_JOB_SCAN and EVENTS_JOB_SEND.
 */
enum events_job_state {
	EVENTS_JOB_QUEUED,
	EVENTS_JOB_SCAN, /* its inputs are being found */
	EVENTS_JOB_SEND, /* being sent to a node, or queued on it */
	/*
	 * its compiler runs on the build host, or a heartbeat has reported that
	 * its compiler runs on a node
	 */
	EVENTS_JOB_RUN,
	EVENTS_JOB_RECEIVE, /* its outputs are being received or verified */
	EVENTS_JOB_DONE,
	/*
	 * the client (wrapper or recipe shell) has closed the connection of the
	 * job; can follow any state except EVENTS_JOB_DONE
	 */
	EVENTS_JOB_ABANDONED,

	EVENTS_N_JOB_STATES, /* the number of states */
};

enum events_severity {
	EVENTS_SEV_WARNING,
	EVENTS_SEV_ERROR,
};

/*
 * Texts are borrowed; an absent text is NULL.  An unknown number is
 * EVENTS_UNKNOWN.  events_event_make() sets optional numbers to this value.
 */
struct events_event {
	enum events_kind kind;
	uint64_t at_ms; /* time since the build began */

	const char *command; /* make's goals, or the user's command */
	const char *arch, *config, *toolchain, *tree, *dir, *output;
	const char *tree_name, *commit, *release, *series_key, *toolchain_id;
	const char *program;
	const char *file, *object; /* as spelled in the compiler's command */
	const char *node; /* name of the node; for a job also EVENTS_LOCAL */
	const char *member; /* the relay's member that executed the job */
	const char *pool, *site, *members; /* of the node */
	const char *machine; /* uname -m of the node */
	const char *reason;
	const char *step;
	const char *miss; /* why the result cache had no result */
	const char *text;
	const char *activity;
	const char *name, *tool, *flag, *diag_status;

	enum events_job_state state;
	enum events_severity severity;
	bool remote; /* a node compiled the object */
	bool cached; /* the outputs come from the result cache */
	bool cached_remote; /* the cache server had the cached result */
	bool hedged; /* a second execution of the job: a backup or a hedge */
	bool from_scratch, dirty, detail;

	int64_t version, pid, start_s;
	int64_t job; /* number of the job, from 1 */
	/* make's -j; maximum number of concurrent local compiles */
	int64_t make_jobs, n_local_slots;
	/*
	 * if a command runs several builds: number of this build, from 1, and
	 * total number of builds
	 */
	int64_t build_number, n_builds;
	int64_t history_id; /* number of a build in the history */
	int64_t n_slots, n_cores, n_running, n_done, n_failed;
	int64_t n_local, n_retries, n_hedged; /* numbers of jobs */
	int64_t n_warnings, n_errors;
	/* numbers of diagnostics */
	int64_t n_new_diags, n_new_warnings, n_new_errors, n_removed_diags;
	int64_t line, column;
	int64_t text_bytes, data_bytes, bss_bytes, file_bytes;
	int64_t n_remote, n_cached, n_cached_remote;
	int64_t status; /* exit status */
	int64_t n_dropped; /* number of events */
	int64_t sent_bytes, received_bytes, memory_bytes;
	int64_t cpu_ms, scan_ms;
	int64_t n_shell_lines, n_shell_fallbacks, n_shell_compiles,
		n_shell_fixdeps;
	int64_t n_shell_steps, n_local_steps;
	/* local tool steps in EVENTS_KIND_STEPS, else offloaded tool steps */
	int64_t n_steps;
	/* see EVENTS_KIND_ESTIMATE */
	int64_t n_total_jobs;
	int64_t cost_ms; /* CPU time of compiles */
	int64_t mean_ms; /* mean duration of a job */
	int64_t wall_ms;
	/* In thousandths: */
	int64_t load_milli; /* load average of one minute */
	int64_t foreign_milli; /* cores used outside kfarmd and its jobs */
	int64_t celsius_milli; /* hottest sensor */
	/* clock rate relative to the maximum; 1000: not throttled */
	int64_t speed_milli;
};

/* Return a zeroed event whose optional numbers are EVENTS_UNKNOWN. */
struct events_event events_event_make(enum events_kind kind);

/* Encoding */

struct record;

/*
 * Return the table of the members that follow "t" and "event" in an event of
 * this kind.
 */
const struct record *events_record(enum events_kind kind);
const char *events_kind_name(enum events_kind kind);

/* Append the event as one line with its newline. */
void events_encode(struct buf *out, const struct events_event *ev);

/* A decoded event, which owns the texts of `ev`. */
struct events_parsed {
	struct events_event ev;
	void *json;
};

/*
 * Decode a line with or without its newline.  Returns 0; -ENOMSG for an unknown
 * kind, which the caller ignores; or -EPROTO or -EMSGSIZE with `err` set.
 * Numbers must have the types in the table of events_record().  Integers and
 * at_ms must not be negative; the absolute value of a member in thousandths,
 * such as at_ms, must be less than 2^53.  Missing fields are 0, NULL or
 * EVENTS_UNKNOWN.  If the function returns 0, the caller must call
 * events_parsed_release().
 */
int events_decode(struct events_parsed *out, struct bytes line,
		  struct err *err);
void events_parsed_release(struct events_parsed *read);

#endif
