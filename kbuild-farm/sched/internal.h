/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/internal.h - State shared by the modules of the dispatcher.
 *
 * Only sched/unit.c changes the states of units and counts them; only
 * sched/node.c changes the states of nodes and sandboxes.
 */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include "base/list.h"
#include "sched/sched.h"

/*
 * States of a unit.  allowed_transitions[] in sched/unit.c lists the possible
 * changes of state.
 */
enum sched_unit_state {
	SCHED_UNIT_NONE, /* no such unit */
	/* waits until toolchain and object format are SCHED_STATUS_READY */
	SCHED_UNIT_NEW,
	SCHED_UNIT_TO_SCAN, /* waits for its turn to be scanned */
	SCHED_UNIT_SCAN, /* being scanned by a worker */
	SCHED_UNIT_READY, /* waits for a node */
	SCHED_UNIT_REMOTE, /* sent to a node; no result received yet */
	SCHED_UNIT_CHECK, /* a worker verifies the result of `node` */
	SCHED_UNIT_HELD, /* verified; waits until its toolchain is rechecked */
	SCHED_UNIT_TO_LOCAL, /* waits for a local slot */
	SCHED_UNIT_LOCAL, /* its wrapper runs the compiler */
	SCHED_UNIT_DONE, /* its wrapper renames the outputs and exits */
	/* its wrapper has exited, but a worker still uses the unit */
	SCHED_UNIT_LEFT,
	SCHED_UNIT_N_STATES,
};

/* Expected time until a node has a toolchain. */
enum sched_availability {
	SCHED_AVAILABLE_NEVER,
	/*
	 * the wait of a unit can be long, because the toolchain is being
	 * uploaded, the node is slow to connect or reply, or the slot window of
	 * the node is reduced
	 */
	SCHED_AVAILABLE_AFTER_UPLOAD,
	/* the node should reply in max_wait_ms, or runs on the build host */
	SCHED_AVAILABLE_SOON,
	SCHED_AVAILABLE_NOW, /* the node has the toolchain */
	SCHED_AVAILABLE_N_KINDS,
};

#define SCHED_ATTEMPTS_MAX 2 /* concurrent jobs of a unit, on two nodes */

struct sched_node;
struct sched_toolchain;
struct sched_unit;

/*
 * CPU share: the part of a core that a node gives to each of its units.  The
 * speed of the core does not matter: a slow core counts as a whole core.  The
 * share is below one core if units wait for CPU quota, for other processes or
 * for the network.  Initially all zero.
 */
struct sched_cpu_share {
	unsigned n_units; /* current number of units */
	uint64_t since_ms; /* time of the last change of n_units */
	/* sum of the times that units have spent on the node until since_ms */
	uint64_t unit_ms;
	uint64_t cpu_ms;
};

/*
 * Slot window: a node that fails with many concurrent units, for example
 * because it runs out of memory or gives each unit a tenth of a core, may
 * succeed with fewer.  A failure shrinks the node's window.  After the first
 * shrink, 4 consecutive successful units double the window.  Each further
 * shrink doubles the required number of successful units, up to 128, so that a
 * node that can run only two units is not overloaded again and again.
 *
 * A passed probe (a known-answer test) proves less than completed units.  If a
 * node that passed a probe fails again before 4 units have succeeded, this is a
 * relapse, which prolongs its backoff.  All zero: no failure so far.
 */
struct sched_window {
	unsigned max_units; /* limit on concurrent units; 0: the node's slots */
	unsigned n_shrinks; /* shrinks that later successes have not undone */
	unsigned n_relapses;
	unsigned n_successes; /* consecutive successful units */
};

/* A job of a REMOTE unit on a node. */
struct sched_attempt {
	TAILQ_ENTRY(sched_attempt) node_entry, class_entry;
	struct sched_unit *unit;
	struct sched_node *node;
	unsigned class; /* index in the classes of `node` */
	/*
	 * the dispatcher assumes that the job has run on a core since began_ms;
	 * if false, it assumes that the job has waited on the node since then
	 */
	bool has_core;
	uint64_t began_ms;
	uint64_t sent_ms, progress_ms;
	uint64_t predicted_ms; /* duration predicted when the job was sent */
	double charged_ms; /* charge in sum_second_ms; 0: not charged */
	/* CPU share of `node` when the job was sent */
	struct sched_cpu_share share_at_send;
	uint32_t cpu_ms; /* CPU time, as last reported by the node */
};

TAILQ_HEAD(sched_attempts, sched_attempt);

struct sched_unit {
	TAILQ_ENTRY(sched_unit) entry; /* in the list for `state` */
	TAILQ_ENTRY(sched_unit) sent_entry;
	uint32_t number;
	enum sched_unit_state state;
	struct sched_toolchain *toolchain;
	uint32_t object_format;
	/* reason for a local compile, or for the last retry */
	enum reason reason;
	uint64_t added_ms;
	uint32_t cost_ms; /* as in SCHED_EV_UNIT_ADDED */
	/*
	 * sort key in the list for `state`, lowest first: added_ms in state
	 * NEW; added_ms minus a multiple of the cost in TO_SCAN, READY and
	 * TO_LOCAL; 0 in other states
	 */
	int64_t rank_ms;
	uint64_t input_bytes; /* bytes of all inputs */
	bool in_worker; /* being scanned or verified by a worker */
	bool hedged; /* a hedge is running */
	double hedge_charged_ms; /* charge in sum_second_ms; 0: not charged */
	uint64_t hedge_began_ms;
	bool exclusive; /* must not be hedged */
	unsigned steps; /* required tool steps */
	bool in_sent_list; /* is in sent_units of struct sched */
	unsigned n_rescans; /* rescans after an input was missing or changed */
	unsigned n_retries; /* retries on other nodes, and rescans */

	/* class for which the READY unit waits; NULL if it does not wait */
	struct sched_class *waits_for;
	uint64_t reserved_ms; /* share in waits_for->reserved_ms */

	/* jobs of a REMOTE unit; the second one is a backup */
	struct sched_attempt *attempts[SCHED_ATTEMPTS_MAX];
	unsigned n_attempts;
	/*
	 * values of the attempt that ended last.  For a CHECK or HELD unit,
	 * `node` is the node that returned the result.
	 */
	struct sched_node *node;
	struct sched_cpu_share share_at_send;
	uint32_t cpu_ms;
	uint32_t measured_ms; /* cost_ms of SCHED_ACT_DELIVER */
	/* program that failed on `node`, so that the unit runs locally; or 0 */
	unsigned failed;
	struct sched_node *tried_nodes[SCHED_TRIES_MAX];
	unsigned n_tried;
	/* jobs that were lost with their nodes or refused by busy nodes */
	unsigned n_losses;
	uint64_t first_sent_ms;
	uint64_t local_began_ms; /* start of the compile of a LOCAL unit */
	/* verdict about a HELD unit, with its reason and text */
	enum sched_verdict verdict;
	enum reason verdict_reason;
	bool excused; /* as in struct sched_event */
	char *verdict_text;
};

TAILQ_HEAD(sched_units, sched_unit);

/* Executions of a program in a sandbox (sched/disable.h). */
struct sched_program_record {
	unsigned n_failures; /* consecutive failures on the node only */
	bool succeeded; /* at least once */
};

struct sched_sandbox_state {
	enum sched_sandbox sandbox;
	uint64_t requested_ms;
	enum sched_availability availability;
	bool accepting; /* a unit can be sent to the node now */
	unsigned steps; /* tool steps that the sandbox accepts (SCHED_STEP_*) */
	unsigned disabled; /* set of programs */
	/* by the number of the program's bit; these outlive the sandbox */
	struct sched_program_record programs[SCHED_N_PROGRAMS];
};

struct sched_toolchain {
	uint32_t number;
	enum sched_status status;
	enum reason reason; /* reason for SCHED_STATUS_UNUSABLE */
	struct sched_units new_units, to_scan, ready, held;
	struct sched_sandbox_state *sandboxes; /* by node number */
	size_t n_sandboxes;
	/* number of nodes by availability */
	unsigned n_available[SCHED_AVAILABLE_N_KINDS];
	unsigned n_accepting;
	unsigned disabled; /* programs that are disabled on all nodes */
	/*
	 * If one of these is set, the dispatcher must check for each READY unit
	 * whether a node can take it.  has_new_ready is set when a unit becomes
	 * READY; recheck_ready is set when the availability of a node changes.
	 */
	bool has_new_ready, recheck_ready;
};

/* Cores of a node with equal properties (sched/class.h). */
struct sched_class {
	struct sched_node *node;
	unsigned n_cores; /* at least 1 */
	unsigned capacity; /* as in struct sched_core_class */
	double expected_slowness; /* at full clock */
	double slowness; /* learned, at the present clock */
	double clock; /* present clock relative to the full clock */
	/* slowness at full clock before the clock fell; 0: clock is full */
	double min_slowness;
	unsigned step; /* index of the class's heap in struct sched */
	/* weighted sums over the completed units, as of learned_ms */
	double sum_duration_ms, sum_cost_ms;
	uint64_t learned_ms;
	/* CPU times at full clock and costs of all completed units */
	double total_cpu_ms, total_cost_ms;
	struct sched_attempts jobs; /* in the order in which they were sent */
	unsigned n_jobs;
	/* time at which a core and a slot are expected to be free; 0: now */
	uint64_t free_ms;
	/* predicted duration of all units that wait for this class */
	uint64_t reserved_ms;
	uint64_t start_ms; /* time at which another unit could start; 0: now */
	double load; /* share of the node's slots in use */
	bool in_heap; /* the node is up and can get jobs */
	size_t heap_at;
	uint64_t *ends; /* scratch space for n_cores times */
};

#define SCHED_SLOWNESS_STEPS 81 /* from 1/32 to 32, eight per power of two */

struct sched_class_heap {
	struct sched_class **v;
	size_t n;
};

struct sched_node {
	uint32_t number;
	enum sched_node_state state;
	char *text;
	uint64_t due_ms; /* time of the next dial or probe */
	uint64_t dialed_ms;
	unsigned n_slots, n_busy; /* n_busy: slots in use by non-unit jobs */
	unsigned n_running; /* units on the node, plus n_busy */
	unsigned n_free; /* free slots while the node is up */
	uint64_t busy_until_ms; /* gets no units until this time; 0: not busy */
	bool shared; /* as in SCHED_EV_NODE_SLOTS */
	bool on_build_host; /* SCHED_EV_NODE_LOCAL was received */
	/* contributions to the members of the same names in struct sched */
	unsigned n_usable_cores;
	double usable_speed;
	/* no ids left for paths or flags: no jobs until the next connection */
	bool ids_exhausted;
	bool drained; /* gets no jobs until it is resumed */
	bool reported_draining; /* the last reported state is DRAINING */
	bool removed; /* no longer configured; EXCLUDED when its units end */
	bool was_connected;
	/* the last unit failed on the node, but the unit may be the cause */
	bool suspected;
	/* consecutive faults; the backoff grows with n_faults + n_relapses */
	unsigned n_faults;
	unsigned n_unfit; /* consecutive unfit replies, at most 5 */
	struct sched_window window;
	struct sched_cpu_share share;
	struct sched_class *classes; /* NULL before the first connection */
	unsigned n_classes;
	unsigned n_strikes; /* wrong results in this build */
	unsigned n_jobs, n_errors, n_retries;
	struct sched_attempts jobs; /* jobs of units on this node */
};

struct sched {
	struct sched_setup setup;
	uint64_t now_ms, random_state;
	/*
	 * event that causes the current changes of state, used as the second
	 * index of allowed_transitions[]
	 */
	enum sched_event_kind cause;

	struct sched_node **nodes;
	size_t n_nodes;
	struct sched_toolchain **toolchains;
	size_t n_toolchains;
	enum sched_status *object_formats;
	size_t n_object_formats;
	struct sched_unit **units; /* by number */
	size_t n_units;

	struct sched_units to_local;
	struct sched_units sent_units; /* in the order of their first send */
	unsigned n_by_state[SCHED_UNIT_N_STATES];
	unsigned n_in_workers, n_local_slots_used;
	unsigned n_free_slots; /* free slots of all nodes */
	/* the build host's cores; only the slowness is used */
	struct sched_class local;
	/*
	 * A job is late after late_ratio times its predicted duration.
	 * late_ratio is between 2 and 8, adjusted so that about 2 % of the jobs
	 * are late.
	 */
	double late_ratio;
	double total_cpu_ms, total_cost_ms; /* sums over all classes */
	/* weighted sums of the CPU times and input sizes of completed units */
	double learned_cpu_ms, learned_kib;

	struct sched_class_heap classes[SCHED_SLOWNESS_STEPS];
	unsigned n_added_units; /* requested so far */
	uint64_t first_added_ms; /* arrival of the first offloadable unit */
	unsigned n_expected_units; /* as in SCHED_EV_EXPECTED_UNITS */
	double sum_cost_ms; /* predicted cost of the scanned units */
	/*
	 * Core time of second executions of units whose jobs make progress.  An
	 * execution is charged with its predicted duration when it starts.  At
	 * its end, the actual duration replaces this charge.
	 */
	double sum_second_ms;
	unsigned n_costs; /* number of scanned units with a predicted cost */
	/* local compiles that have ended, and the sum of their durations */
	unsigned n_local_ends;
	uint64_t sum_local_ms;
	/* sums for the nodes that are up and can get jobs */
	unsigned n_usable_cores;
	double usable_speed; /* cost in ms that these cores complete per ms */
	/*
	 * core time of the usable cores, busy or idle, while sent_units is not
	 * empty
	 */
	double sum_core_ms;
	unsigned n_waiting_units; /* READY units that wait for a class */
	uint64_t next_choice_ms; /* when waiting units choose a class again */

	uint64_t due_ms; /* no timeout of a node is earlier than this time */
	uint64_t hedge_check_ms; /* time of the next check for late units */

	struct sched_action *actions;
	size_t n_actions, n_taken, cap_actions;
};

/* Return the last job of a REMOTE unit, or NULL for any other unit. */
static inline const struct sched_attempt *sched_last_attempt(
	const struct sched_unit *u)
{
	return u->n_attempts ? u->attempts[u->n_attempts - 1] : NULL;
}

static inline bool sched_was_tried(const struct sched_unit *u, uint32_t node)
{
	for (unsigned i = 0; i < u->n_tried; i++) {
		if (u->tried_nodes[i]->number == node)
			return true;
	}
	return false;
}

/*
 * Return true if the sandbox accepts the unit's tool steps and they are not
 * disabled.  The state of the sandbox is not considered.
 */
static inline bool sched_has_needed_steps(const struct sched_unit *u,
					  const struct sched_sandbox_state *c)
{
	return !(u->steps & (~c->steps | c->disabled));
}

/* Append an action; its text is copied. */
void sched_add_action(struct sched *s, const struct sched_action *a);
/*
 * Abort the program: `what` cannot happen to the object `number` in state
 * `state`.
 */
void sched_abort_impossible(const char *what, const char *state,
			    uint32_t number) __attribute__((noreturn));

/* At time now_ms, add `change` to the number of units on the node. */
void sched_share_add_units(struct sched_cpu_share *s, uint64_t now_ms,
			   int change);
/*
 * Return the CPU share in thousandths of a core since `from`, an earlier copy
 * of `s`, was made.  The first function returns the share of all units
 * together, the second the average share of a unit.  Both return UINT_MAX if no
 * time has passed.
 */
unsigned sched_share_total_milli(const struct sched_cpu_share *s,
				 const struct sched_cpu_share *from,
				 uint64_t now_ms);
unsigned sched_share_per_unit_milli(const struct sched_cpu_share *s,
				    const struct sched_cpu_share *from,
				    uint64_t now_ms);

/* Return how many of the node's slots can be used. */
unsigned sched_window_limit(const struct sched_window *w, unsigned slots);
/*
 * After a failure on a node with `slots` slots, shrink the window to max_units,
 * but not below 1.  Returns true if the window became smaller.
 */
bool sched_window_shrink(struct sched_window *w, unsigned slots,
			 unsigned max_units);
/* Record a passed probe. */
void sched_window_add_probe(struct sched_window *w);
/*
 * Record a successful unit.  Returns true if this makes all slots available
 * again.
 */
bool sched_window_add_success(struct sched_window *w, unsigned slots);
/*
 * Return true if the node may run only one unit at a time, has passed a probe,
 * and has completed no unit since the probe or the last shrink of its window.
 */
bool sched_window_is_trial(const struct sched_window *w, unsigned slots);

#endif
