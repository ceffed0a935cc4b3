/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/model.h - State of a build, derived from its events.
 *
 * Every view draws from this model.  `kfarm build` passes its events directly
 * to the model; other programs read the events from a file or from the build's
 * socket (events/event.h).  The model does no I/O and reads no clock: `now` is
 * the time since the build began in milliseconds, like ev->at_ms.
 *
 *	ui_model_init(&m);
 *	ui_model_add_event(&m, ev);		for each event
 *	... read the members, and call the functions below
 *	ui_model_release(&m);
 *
 * Memory is bounded: finished jobs are removed, and the constants below and in
 * events/totals.h limit the number of diagnostics, reasons, phases and nodes.
 * All texts are safe for a terminal (base/printable.h); diagnostics contain
 * newlines and tabs.
 *
 * The total number of jobs and the time left are available only if there is a
 * baseline or a count of jobs (ui/estimate.h).
 */
#ifndef UI_MODEL_H
#define UI_MODEL_H

#include "base/map.h"
#include "base/str.h"
#include "events/hub.h"
#include "events/totals.h"
#include "ui/estimate.h"

#include <sys/queue.h>

struct ui_node;

#define UI_DIAG_MAX  (16u << 10) /* bytes of a block of diagnostics */
#define UI_DIAGS     64 /* stored blocks; the oldest are dropped */
#define UI_PHASES    32 /* stored phases; the oldest are dropped */
#define UI_JOBS_MAX  (1u << 17) /* unfinished jobs; more are not shown */
#define UI_SLOTS_MAX 1024 /* slots of a node; more are not shown */
#define UI_SECONDS   60 /* full seconds for which throughput is stored */
/*
 * group of the nodes without a pool or site, and of the nodes whose pool or
 * site got no group because there were already UI_GROUPS_MAX groups
 */
#define UI_GROUP_OTHERS "other nodes"
#define UI_GROUPS_MAX   1024

/* A job that is not finished. */
struct ui_job {
	struct map_entry map_entry; /* in `by_number` */
	TAILQ_ENTRY(ui_job) entry; /* in `open_jobs` */
	int64_t number;
	enum events_job_state state;
	char *file; /* without the tree's directory */
	/* reason for a local execution, owned by `totals`; or NULL */
	const char *reason;
	struct ui_node *node; /* NULL if not assigned */
	unsigned slot; /* index in node->slots */
	bool hedged; /* also executed elsewhere */
	int64_t cost_ms; /* cost in the baseline, or EVENTS_UNKNOWN */
	uint64_t queued_ms; /* time at which the job was queued */
	uint64_t assigned_ms; /* time of the assignment to `node` */
	uint64_t state_ms; /* time of the last change of `state` */
};

struct ui_group;

struct ui_node {
	const struct events_node *reported; /* name, state and counts */
	/* the group whose sums this struct contains; NULL: a node */
	const struct ui_group *group_sums;
	char *pool, *site; /* NULL: none */
	/* names of a relay's members, separated by blanks; NULL: no relay */
	char *members;
	size_t group; /* index in ui_model.groups */
	char *machine; /* uname -m, or NULL */
	/*
	 * state of the toolchain's sandbox on the node, such as "ready", from
	 * the node's last EVENTS_KIND_CELL; or NULL
	 */
	char *sandbox;
	/* each is EVENTS_UNKNOWN if not reported */
	int64_t n_cores, memory, load, other_load, temperature, clock_speed;
	unsigned n_by_state[EVENTS_N_JOB_STATES]; /* number of jobs by state */
	/* sum over n_timed jobs of the time from assignment to end */
	uint64_t total_ms;
	unsigned n_timed;
	uint64_t state_ms; /* time of the last change of reported->state */
	uint64_t last_job_ms; /* time at which a job last began or ended */
	bool has_heartbeat; /* at least one load event was received */
	/*
	 * The node's jobs by slot; NULL for a free slot.  A new job takes the
	 * first free slot.  The job keeps this slot unless the slot is beyond
	 * the reported number of slots.
	 */
	struct ui_job **slots;
	unsigned n_slots; /* length of `slots` */
};

struct ui_phase {
	char *name;
	uint64_t began_ms;
};

struct ui_diag {
	uint64_t at_ms;
	enum events_severity severity;
	char *text; /* NULL if the entry is unused */
	/* number of diagnostics that the baseline lacks, or EVENTS_UNKNOWN */
	int64_t n_new;
};

struct ui_second {
	unsigned n_remote, n_local, n_cached; /* finished jobs */
	uint64_t sent_bytes, received_bytes; /* from the nodes' heartbeats */
};

struct ui_model {
	uint64_t at_ms; /* time of the last event */
	/* time of the snapshot; 0: no snapshot, all events were received */
	uint64_t snapshot_ms;
	bool done;
	int64_t status; /* exit status if `done` */
	/*
	 * Number of lost events.  If it is not 0, counts are too low and
	 * finished jobs may appear to run, so the user should connect again.
	 */
	uint64_t n_dropped;

	/* Properties of the build, "" if unknown. */
	char *program, *goals, *arch, *config, *toolchain, *tree, *dir, *output;
	/* Strings used only by ui_model_snapshot(), "" if unknown. */
	char *toolchain_id, *tree_name, *commit, *release, *series_key;
	bool fresh;
	int64_t pid, began_s, make_jobs, n_local_slots;
	/*
	 * number of this build, from 1, and number of builds of the command;
	 * both are 0 if the command has only one build
	 */
	int64_t build_number, n_builds;

	struct ui_phase phases[UI_PHASES]; /* the last is the current phase */
	unsigned n_phases;

	TAILQ_HEAD(, ui_job) open_jobs; /* unfinished jobs, oldest first */
	struct map by_number; /* the jobs of `open_jobs`, by number */
	unsigned n_jobs; /* length of `open_jobs` */
	unsigned n_by_state[EVENTS_N_JOB_STATES]; /* `open_jobs` by state */
	char *last_file; /* file of the job that finished last, or "" */
	char *activity; /* what make does in the current phase, or "" */

	struct events_totals totals; /* counts of jobs, reasons, diagnostics */
	struct ui_estimate estimate;

	/*
	 * The nodes in order of appearance, except that EVENTS_LOCAL, if
	 * present, is the first.
	 */
	struct ui_node **nodes;
	size_t n_nodes;
	/*
	 * Names of the groups of nodes: UI_GROUP_OTHERS, then "pool NAME" or
	 * "site NAME" for each pool and site that a node had, at most
	 * UI_GROUPS_MAX.  Members of a pool are not in the group of their site.
	 */
	struct strv groups;

	/*
	 * A ring of the last UI_DIAGS blocks of diagnostics.  Block i of the
	 * build is at i % UI_DIAGS.  n_diags counts all blocks of the build.
	 */
	struct ui_diag diags[UI_DIAGS];
	uint64_t n_diags;

	/*
	 * A ring of the throughput of each second.  Second i of the build is at
	 * i % (UI_SECONDS + 1); `current_second` is the latest.
	 */
	uint64_t current_second;
	struct ui_second seconds[UI_SECONDS + 1];
};

void ui_model_init(struct ui_model *m);
void ui_model_release(struct ui_model *m);

/*
 * Update the model with an event.  This is an events_event_fn (events/hub.h),
 * and `m` is a struct ui_model.
 */
void ui_model_add_event(void *m, const struct events_event *ev);
/*
 * Emit events that put another model into the same state, except for the past
 * throughput, the times at which jobs changed state, and the slots of jobs.
 * This is an events_snapshot_fn, and `m` is a struct ui_model.
 */
void ui_model_snapshot(void *m, events_event_fn *on_event, void *ctx);

/*
 * Append a short description of the build: the architecture, or "2/3 arm64
 * defconfig" for one of several builds.
 */
void ui_model_add_label(const struct ui_model *m, struct buf *out);
/*
 * Return the name of the current phase, such as "compile", or "start" before
 * the first phase.
 */
const char *ui_model_phase(const struct ui_model *m);
/* Append the phase and the activity, such as "prepare: host programs". */
void ui_model_add_phase(const struct ui_model *m, struct buf *out);
/* Return the number of finished jobs. */
unsigned ui_model_count_done(const struct ui_model *m);
/*
 * Predict the rest of the build.  Returns false if there is no prediction
 * (ui_estimate_predict()) or the build has ended.
 */
bool ui_model_predict(const struct ui_model *m, uint64_t now,
		      struct ui_prediction *out);
/* Return the number of unfinished jobs that are not queued. */
unsigned ui_model_count_running(const struct ui_model *m);
/*
 * Return the number of present nodes, without the build host, and set *n_up to
 * the number of these nodes that are up.
 */
unsigned ui_model_count_nodes(const struct ui_model *m, unsigned *n_up);
/* Return the node of that name, or NULL. */
struct ui_node *ui_model_find_node(const struct ui_model *m, const char *name);
/*
 * Return the number of finished jobs per second, in thousandths.  The rate is
 * the mean over the last `seconds` full seconds before `now`, limited to
 * UI_SECONDS and to the age of the build or the subscription.  Returns 0 in the
 * first second of the build.  In the first seconds of a late subscription,
 * returns the mean since the build began.
 */
unsigned ui_model_rate_milli(const struct ui_model *m, uint64_t now,
			     unsigned seconds);
/*
 * Return the throughput `ago` seconds before the second of `now`; all zero if
 * the model does not store that second.
 */
const struct ui_second *ui_model_second(const struct ui_model *m, uint64_t now,
					unsigned ago);

/* Return true if the node is the build host (EVENTS_LOCAL). */
bool ui_node_is_local(const struct ui_node *n);
/*
 * Return false for a node that was removed.  Also returns false for a pool,
 * which is listed like a node while no build runs.
 */
bool ui_node_is_present(const struct ui_node *n);
/* Return true if the node is connected and accepts jobs. */
bool ui_node_is_up(const struct ui_node *n);
/*
 * Return the number of slots to draw.  This is the reported number, limited to
 * UI_SLOTS_MAX for a node.  If no number was reported, this is the number of
 * slots that jobs have used so far.
 */
unsigned ui_node_count_slots(const struct ui_model *m, const struct ui_node *n);
/* Return the number of unfinished jobs of a node or a group. */
unsigned ui_node_count_jobs(const struct ui_node *n);
/*
 * Return how long the node has been up without a job, or 0 if it is not up or
 * has a job.
 */
uint64_t ui_node_idle_ms(const struct ui_node *n, uint64_t now);
/*
 * Return the mean time from a job's assignment to its end on the node, or 0 if
 * no job has finished.
 */
uint64_t ui_node_mean_ms(const struct ui_node *n);

#endif
