/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history/read.h - Builds, their details and compile times in the history.
 *
 * Strings are stored as received, so callers pass them through base/printable.h
 * before display.  A missing string is NULL.  Numbers have the meaning of the
 * fields in events/event.h and are not negative unless noted.  Functions that
 * take an `err` return 0, or a negative errno with `err` set: -EUCLEAN if the
 * file is damaged, -EBUSY if it is locked, or another errno.
 */
#ifndef HISTORY_READ_H
#define HISTORY_READ_H

#include "base/buf.h"
#include "base/map.h"
#include "base/record.h"
#include "history/db.h"

#include <stdbool.h>
#include <stddef.h>

enum history_state {
	HISTORY_STATE_RUNNING,
	HISTORY_STATE_GOOD, /* exit status 0, or 101 of `kfarm build` */
	HISTORY_STATE_FAILED,
	HISTORY_STATE_INTERRUPTED, /* by a signal */
	HISTORY_STATE_KILLED, /* the process exited without a result */

	HISTORY_N_STATES,
};

/* Return "running", "good", "failed", "stopped" or "killed". */
const char *history_state_word(enum history_state state);
/* Return the state named `word`, or -1 if no state has this name. */
int history_state_parse(const char *word);

struct history_build {
	int64_t number; /* from 1; unique and never reused; 0: not known yet */
	bool recorded; /* the history has a row with this number */
	char *series_key; /* 64 hexadecimal digits; NULL: no series */
	char *command; /* targets, or the command of kfarm run */
	char *arch, *config, *toolchain, *toolchain_id;
	char *tree; /* name of a managed tree, else source directory */
	char *source; /* source directory */
	char *dir, *output; /* build directory, output directory */
	/* the next build with the same output directory, or 0 */
	int64_t output_successor;
	char *commit, *release; /* `release` is, for example, "6.1.192" */
	enum history_state state;
	int64_t status; /* exit status of a finished build */
	char *cause; /* error message of kfarm; NULL if only make failed */
	int64_t start_s, wall_ms;
	/* CPU time on the build host; scan_ms is the part for finding inputs */
	int64_t host_ms, scan_ms;
	int64_t cpu_ms; /* sum of all units, local and remote */
	int64_t n_make_jobs, n_local_slots; /* n_make_jobs: -j of make */
	/* n_jobs: the sum of n_remote, n_local and n_cached */
	int64_t n_jobs, n_remote, n_local, n_cached, n_cached_remote, n_retried,
		n_hedged;
	/*
	 * numbers of tool steps (genksyms, objtool, dtc) that ran on nodes and
	 * on the build host
	 */
	int64_t n_steps, n_local_steps;
	int64_t n_warnings, n_errors; /* diagnostics in the log */
	/* -1: no comparison with a baseline */
	int64_t n_new_warnings, n_new_errors, n_removed_diags;
	/* the build directory contained no compiled files at the start */
	bool from_scratch;
	bool dirty; /* the worktree differs from the commit */
	/*
	 * the history still contains the units (has_units), or the diagnostics
	 * and sizes (has_details); see the bounds in history/db.h
	 */
	bool has_units, has_details;
};

/* State of a build's output directory. */
enum history_output {
	HISTORY_OUTPUT_NONE, /* the build had no output directory */
	HISTORY_OUTPUT_PRESENT,
	HISTORY_OUTPUT_REMOVED,
	/* the build `output_successor` replaced the files */
	HISTORY_OUTPUT_REPLACED,
};

/*
 * Return true if the diagnostics of the build were counted.  `kfarm run` leaves
 * the output of its command to the terminal and does not read it.
 */
bool history_has_log(const struct history_build *b);
/* Return the state of a build's output directory. */
enum history_output history_output_state(const struct history_build *b);
/* Return "present", "removed" or "replaced"; NULL for HISTORY_OUTPUT_NONE. */
const char *history_output_word(enum history_output state);
/*
 * Append " (removed)" or " (replaced by build N)" if the files of the build no
 * longer exist in its output directory.
 */
void history_output_add_note(struct buf *out, const struct history_build *b);

/* Copy a build with its strings; *to needs history_build_release(). */
void history_build_copy(struct history_build *to,
			const struct history_build *from);
/* Free the strings and zero *b. */
void history_build_release(struct history_build *b);

/*
 * Return the highest build number that the user's history has ever had, or 0 if
 * the history does not exist or cannot be read.
 */
int64_t history_last_number(void);
/*
 * Find a build by number; 0 means the last build.  This and the next
 * three functions return -ENOENT if no build matches.  The caller releases *out
 * even after a failure.
 */
int history_build_find(struct history *h, int64_t number,
		       struct history_build *out, struct err *err);
/*
 * Find the last build with the output directory `output`, an absolute path.
 * The path in the history is canonical or, if an older kfarm recorded it, the
 * path that the user gave.
 */
int history_build_find_output(struct history *h, const char *output,
			      struct history_build *out, struct err *err);
/*
 * Find the last build before `b` in the same series that ended as good or
 * failed.  Interrupted and killed builds do not qualify, because they have not
 * compiled all units.
 */
int history_build_find_baseline(struct history *h,
				const struct history_build *b,
				struct history_build *out, struct err *err);
/*
 * Find the last good build before `b` in the same series whose sizes are in the
 * history.
 */
int history_build_find_sized(struct history *h, const struct history_build *b,
			     struct history_build *out, struct err *err);

/* Criteria for builds.  NULL, 0 and state -1 match every build. */
struct history_filter {
	/* name, path of the source directory, or last part of this path */
	const char *tree;
	const char *arch, *config;
	const char *toolchain; /* "gcc-12" for any version 12, or the id */
	const char *series_key;
	int state; /* enum history_state, or -1 */
	int64_t since_s; /* earliest start */
	unsigned max_builds; /* 0: no limit */
};

/*
 * Called with a build, which is valid during the call.  A nonzero result ends
 * the list.
 */
typedef int history_build_fn(void *ctx, const struct history_build *b);
/*
 * Call on_build() for each build that matches, newest first.  Returns 0,
 * the nonzero result of on_build(), or a negative errno.
 */
int history_build_list(struct history *h, const struct history_filter *f,
		       history_build_fn *on_build, void *ctx, struct err *err);

/* ---- details of a build ---- */

struct history_node {
	/* EVENTS_LOCAL for the build host, which is listed if it ran jobs */
	char *name;
	char *machine, *state, *reason;
	int64_t n_slots, n_jobs, n_failed, n_retries, cpu_ms, sent_bytes,
		received_bytes;
	/*
	 * lowest clock limit during the build, in thousandths of the maximum
	 * clock, and highest temperature in thousandths of a degree Celsius;
	 * 0: unknown
	 */
	int64_t min_speed_milli, max_celsius_milli;
};

struct history_reason {
	char *text;
	int64_t n_jobs;
};

struct history_phase {
	char *name;
	int64_t start_ms, duration_ms;
};

struct history_unit {
	char *object, *file;
	/* index in the arrays of struct history_details, or -1 */
	int64_t node_index, reason_index;
	int64_t job_number; /* from 1 */
	/*
	 * when the job entered each state, in ms since the start of the build;
	 * -1 if the job was never in the state
	 */
	int64_t queued_ms, sent_ms, run_ms, received_ms, done_ms;
	/* CPU time, or elapsed time if run locally; -1 if unknown */
	int64_t cpu_ms;
	/*
	 * cost as in struct history_cost; -1 if unknown.  Only the writer sets
	 * this member.
	 */
	int64_t cost_ms;
	int64_t n_retries;
	bool remote;
	bool cached; /* the outputs came from the result cache */
	bool cached_remote; /* the cache server had the cached result */
	/* cause of a cache miss (cache/action.h); NULL: no miss, or unknown */
	char *miss;
};

/* A program that was disabled on nodes (EVENTS_KIND_DISABLED). */
struct history_disabled {
	char *tool;
	char *node; /* NULL: all nodes */
	char *text; /* message of its first failure, or NULL */
	int64_t n_failures;
};

struct history_size {
	char *name; /* for example "vmlinux" or "fs/fat/fat.ko" */
	int64_t text_bytes, data_bytes, bss_bytes, file_bytes;
};

/* Comparison of a diagnostic with the previous build of the series. */
enum history_diag_status {
	HISTORY_DIAG_NEW,
	HISTORY_DIAG_UNCHANGED,
	/* from the previous build, because the unit was not recompiled */
	HISTORY_DIAG_CARRIED_OVER,
	HISTORY_DIAG_REMOVED, /* only in the previous build */
	HISTORY_DIAG_NO_BASELINE, /* no previous build to compare with */

	HISTORY_N_DIAG_STATUSES,
};

/* Return "new", "same", "carried", "gone" or "first". */
const char *history_diag_status_word(enum history_diag_status how);
/*
 * Return the status named `word`, or HISTORY_DIAG_NO_BASELINE if `word` is
 * unknown or NULL.
 */
enum history_diag_status history_diag_status_parse(const char *word);

struct history_diag {
	char *tool, *severity; /* names as in diag/diag.h */
	char *file, *flag, *text, *object; /* NULL if absent */
	int64_t line, column; /* from 1; 0: unknown */
	enum history_diag_status status;
};

/*
 * Details of one build.  An array is empty until the history_read_*() function
 * for its kind is called.
 */
struct history_details {
	struct history_node *nodes;
	struct history_reason *reasons;
	/*
	 * why tool steps (genksyms, objtool, dtc) ran on the build host; n_jobs
	 * of each entry counts steps
	 */
	struct history_reason *step_reasons;
	struct history_disabled *disabled;
	struct history_phase *phases;
	struct history_unit *units;
	struct history_size *sizes;
	struct history_diag *diags;
	size_t n_nodes, n_reasons, n_step_reasons, n_disabled, n_phases;
	size_t n_units, n_sizes, n_diags;
};

/*
 * Tables of the members that are columns of the history and keys in the JSON of
 * the report.  history_build_record contains the members of struct
 * history_build that are recorded at the start of a build,
 * history_result_record those that are recorded at its end.  The other tables
 * describe the details of a build.
 */
extern const struct record history_build_record, history_result_record;
extern const struct record history_phase_record, history_node_record;
extern const struct record history_unit_record, history_diag_record;
extern const struct record history_disabled_record;

/* Free all arrays; *d is then empty. */
void history_details_release(struct history_details *d);
/*
 * Read one kind of details of a build; history_read_units() reads the units,
 * the nodes and the reasons.  Existing details of the kind in *d are freed
 * first.
 */
int history_read_step_reasons(struct history *h, int64_t build,
			      struct history_details *d, struct err *err);
int history_read_disabled(struct history *h, int64_t build,
			  struct history_details *d, struct err *err);
int history_read_phases(struct history *h, int64_t build,
			struct history_details *d, struct err *err);
int history_read_units(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);
int history_read_sizes(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);
/* Read the diagnostics, sorted by status in the order of the enum. */
int history_read_diags(struct history *h, int64_t build,
		       struct history_details *d, struct err *err);

/* ---- compile times of the builds of a series ---- */

/* Cost of an object in the last build that compiled it. */
struct history_cost {
	struct map_entry entry; /* entry in `by_object` */
	const char *object, *file; /* names from the event EVENTS_JOB_QUEUED */
	/*
	 * CPU time on an average core of the farm, or on the core that compiled
	 * the object if the relative speed of that core was unknown
	 */
	int64_t cpu_ms;
	int64_t wall_ms; /* elapsed time of the compiler */
};

/* A unit of the build `baseline` of struct history_costs. */
struct history_completion {
	int64_t done_ms; /* end of the compile, since the start of the build */
	int64_t cpu_ms;
};

/* Costs of a series.  Empty when zeroed. */
struct history_costs {
	struct history_cost *costs;
	size_t n_costs;
	struct map by_object; /* struct history_cost, by object */
	char *strings; /* storage of the object and file names */
	/*
	 * last good build from scratch in which at most one job was cached per
	 * ten executed jobs; number 0 if no such build exists
	 */
	struct history_build baseline;
	/* units of the baseline, sorted by done_ms */
	struct history_completion *completions;
	size_t n_completions;
};

/*
 * Read the known costs of the series `series_key`.  If this series has no
 * costs, read instead the costs of the series that has the most costs among all
 * series for the architecture `arch`.  The baseline is always a build of
 * `series_key`.  Returns 0 or a negative errno.  The caller releases `out` even
 * after a failure.
 */
int history_costs_load(struct history *h, const char *series_key,
		       const char *arch, struct history_costs *out,
		       struct err *err);
/* Free the costs and zero *c. */
void history_costs_release(struct history_costs *c);
/* Return the cost of an object, or NULL if it is unknown. */
const struct history_cost *history_cost_find(const struct history_costs *c,
					     const char *object);

#endif
