/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/totals.h - Totals of a build's events: jobs, reasons and nodes.
 *
 * The views' model (ui/model.h), the summary, --require-remote and
 * metadata.json use these totals and therefore show equal figures.
 *
 * Memory is bounded by the constants below.  All texts are safe for a terminal
 * (base/printable.h).
 */
#ifndef EVENTS_TOTALS_H
#define EVENTS_TOTALS_H

#include "base/map.h"
#include "events/event.h"

#define EVENTS_NAME_MAX 512 /* bytes of a name or reason */
/*
 * Limit on the reasons for local jobs and on the reasons for tool steps.  Local
 * jobs with further reasons are counted under "other reasons".  Further reasons
 * for tool steps are dropped.
 */
#define EVENTS_REASONS_MAX 256
#define EVENTS_NODES_MAX   4096 /* further nodes are ignored */

/* A reason for local jobs or tool steps. */
struct events_reason {
	char *text;
	unsigned n_jobs;
};

struct events_node {
	struct map_entry entry; /* in `by_name` */
	char *name;
	char *state; /* "" if unknown */
	char *reason; /* or NULL */
	int64_t n_slots; /* EVENTS_UNKNOWN if not reported */
	unsigned n_jobs; /* finished jobs */
	unsigned n_failed; /* faults of the node */
	unsigned n_retries; /* jobs repeated elsewhere after a fault */
	int64_t cpu_ms; /* CPU time of its compilers */
	int64_t sent_bytes, received_bytes; /* in this build */
	void *user_data; /* for the owner of the totals; initially NULL */
};

/* A program that is disabled on nodes (EVENTS_KIND_DISABLED). */
struct events_disabled {
	char *tool;
	char *node; /* NULL: all nodes */
	char *text; /* message of the first failure, or NULL */
	unsigned n_failures; /* at least 1 */
};

struct events_totals {
	unsigned n_remote, n_local; /* finished jobs by location */
	unsigned n_cached; /* finished jobs with cached outputs */
	unsigned n_cached_remote; /* part of n_cached: from the cache server */
	unsigned n_steps; /* tool steps that were offloaded with a job */
	unsigned n_retried; /* repeated executions of jobs */
	unsigned n_hedged; /* jobs that were executed twice */
	unsigned n_warnings, n_errors;
	unsigned n_new_diags; /* diagnostics that the baseline lacks */
	bool has_baseline;
	int64_t cpu_ms, scan_ms; /* of the build host; 0 if not reported */
	/*
	 * Use of the recipe shell.  If make did not use it, n_shell_lines is 0.
	 */
	int64_t n_shell_lines, n_shell_fallbacks, n_shell_compiles,
		n_shell_fixdeps;
	/*
	 * tool steps that were part of a job, and tool steps that the recipe
	 * shell ran itself
	 */
	int64_t n_shell_steps, n_local_steps;
	unsigned n_cached_steps; /* part of n_shell_steps */
	/* Reasons for local jobs by descending n_jobs, which may be 0. */
	struct events_reason *reasons;
	size_t n_reasons;
	/* Reasons for local tool steps; their n_jobs are numbers of steps. */
	struct events_reason *step_reasons;
	size_t n_step_reasons;
	struct events_disabled *disabled;
	size_t n_disabled;
	/*
	 * Nodes in the order in which they were added.  The build host
	 * (EVENTS_LOCAL) is added when its first job has finished.
	 */
	struct events_node **nodes;
	size_t n_nodes;
	struct map by_name; /* the elements of `nodes` by name */
};

/*
 * Free the members of the totals and zero the struct.  A zeroed struct is ready
 * for events_totals_add().
 */
void events_totals_release(struct events_totals *t);

/*
 * Add an event to the totals.  `t` is a struct events_totals, so that the
 * function can serve as an events_event_fn (events/hub.h).
 */
void events_totals_add(void *t, const struct events_event *ev);

/* Return the node called `name`, or NULL if the totals have no such node. */
struct events_node *events_totals_find_node(const struct events_totals *t,
					    const char *name);
/*
 * Return the node called `name`, which is created if needed.  Returns NULL if
 * `name` is NULL, or if a new node would exceed EVENTS_NODES_MAX.
 */
struct events_node *events_totals_need_node(struct events_totals *t,
					    const char *name);
/*
 * Return the totals' copy of the reason `text`.  If there are already
 * EVENTS_REASONS_MAX other reasons, return "other reasons".  The result is
 * valid until events_totals_release().  Returns NULL if `text` is NULL.
 */
const char *events_totals_need_reason(struct events_totals *t,
				      const char *text);

/* Return the number of finished jobs. */
unsigned events_totals_count_done(const struct events_totals *t);
/*
 * Set the numbers of jobs in an event.  A number of cached jobs is set only if
 * it is not 0.
 */
void events_totals_fill_jobs(const struct events_totals *t,
			     struct events_event *ev);
/*
 * Return how many tool steps of the recipe shell ran on nodes (first function)
 * or on the build host (second function).
 */
int64_t events_totals_node_steps(const struct events_totals *t);
int64_t events_totals_local_steps(const struct events_totals *t);

bool events_node_is_local(const struct events_node *n);
bool events_node_is_up(const struct events_node *n);

/*
 * Return a copy of at most `max` bytes of `text` that is safe for a terminal.
 * If `text` is NULL, the copy is "".  `allow` combines flags of
 * base/printable.h.  The caller frees the copy.
 */
char *events_totals_sanitize(const char *text, size_t max, unsigned allow);

#endif
