/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coord/internal.h - State that the modules of the coordinator share. */
#ifndef COORD_INTERNAL_H
#define COORD_INTERNAL_H

#include "coord/coord.h"
#include "inputs/manifest.h"
#include "inputs/toolchain.h"
#include "node/slot-limit.h"
#include "peer/shared.h"
#include "sched/sched.h"

#include <stdatomic.h>
#include <sys/types.h>

struct coord_wrapper_conns;
struct coord_cross_genksyms;
struct coord_unit;
struct inputs_reference_object;
struct inputs_tool;
struct peer;

/* A sampled CPU time and the resulting load. */
struct coord_own_load {
	uint64_t read_ms; /* time of the sample; 0: none yet */
	uint64_t cpu_ms; /* total CPU time at the time of the sample */
	uint64_t milli; /* load since the previous sample, in 1/1000 core */
};

struct coord_node {
	struct coord *coord;
	uint32_t number; /* number in the dispatcher */
	const struct node_entry *entry; /* borrowed from the roster */
	struct peer *peer;
	/* core classes of the node; events SCHED_EV_NODE_FIT point to them */
	struct sched_core_class classes[WIRE_CLASSES_MAX];
	unsigned n_classes;
	/*
	 * the dispatcher may wrongly assume that a sandbox was requested for
	 * each toolchain; report_toolchains() corrects this assumption
	 */
	bool sandbox_state_unknown;
	/*
	 * last reported reason why the node can use no toolchain, "" if the
	 * reason is unknown; NULL if a toolchain is usable or the node has no
	 * session
	 */
	char *no_toolchain_reason;
	unsigned n_test_jobs; /* canaries and known-answer tests in flight */
	unsigned requested_slots; /* requested by the user; 0: not requested */
	/* current restriction of the slots */
	struct node_slot_limit slot_limit;
	struct coord_own_load own_load; /* load by this build on the node */
	/*
	 * CPU time of the jobs in flight, as the current heartbeat reports it
	 */
	uint64_t beat_cpu_ms;
	/*
	 * load that this build causes on the node's machine through other nodes
	 * and the build host
	 */
	uint64_t other_load_milli;
	/* removed from the configuration or, as a pool member, when idle */
	bool removed;
	bool dial_pending; /* dial when the last session's command has ended */
	uint64_t dialed_ms; /* time of the last dial */
	uint64_t busy_ms; /* last time that a pool member was needed */
	/* a session has started, and the node's identity is not checked yet */
	bool identity_unchecked;
	/*
	 * the node is excluded, because two machines have its key or its
	 * machine is configured under two names
	 */
	bool duplicate_key;
	bool conflict_reported; /* the user was warned of such a conflict */
	struct strv boot_ids; /* boot ids reported in this build */
	/* number of correct results of cross-built genksyms on this node */
	atomic_uint n_right;
	/* cross-built tool that gave a wrong result on this node */
	const struct inputs_tool *rejected_tool;
};

/* An event that waits for the dispatcher. */
struct coord_pending_event {
	struct sched_event event;
	char *words; /* owned copy of `event.text`; can be NULL */
};

/* All nodes, including removed ones, and the rosters they borrow from. */
struct coord_node_table {
	struct coord_node **v; /* by their numbers in the dispatcher */
	size_t n;
	const struct node_roster *roster; /* current roster */
	struct node_roster **rosters; /* taken by coord_update_roster() */
	size_t n_rosters;
	/*
	 * a session, a sandbox or the state of a node may have changed since
	 * on_kick() last examined the nodes
	 */
	bool changed;
};

/* State of coord_setup.connects_on_demand. */
struct coord_demand {
	/*
	 * roster whose nodes are not dialed before there is demand; NULL: the
	 * nodes of all rosters are dialed at once
	 */
	const struct node_roster *roster;
	/* no node is up yet, and a node may still come up */
	bool waiting;
	/* compilers to list when the nodes are dialed, and their environment */
	struct strv drivers, env;
};

/* Units and the numbers by which the dispatcher and nodes refer to them. */
struct coord_unit_table {
	struct coord_unit **v; /* by their numbers in the dispatcher */
	size_t n;
	size_t n_dispatched; /* units passed to the dispatcher */
	size_t n_expected; /* as in coord_expect_units(); 0: unknown */
	struct coord_unit **jobs; /* by their job numbers on the wire */
	size_t n_jobs;
	/* numbers of the dispatcher that are assigned so far */
	uint32_t n_toolchains, n_object_formats;
};

/* Events that wait for the dispatcher, the oldest first. */
struct coord_event_queue {
	struct coord_pending_event *v;
	size_t n, cap;
};

struct coord_timers {
	struct event *kick; /* calls coord_dispatch() soon */
	struct event *sched; /* expires at the dispatcher's next timeout */
	uint64_t sched_ms; /* time for which `sched` is set, or UINT64_MAX */
	struct event *tick; /* expires every second */
	struct event *ready; /* ends coord_when_ready() */
};

/* The caller of coord_when_ready(). */
struct coord_ready {
	void (*on_ready)(void *ctx); /* NULL: not waiting */
	void *ctx;
	uint64_t end_ms; /* time for which timers.ready is set */
	/*
	 * number of slots of all nodes that were up at the last check; if the
	 * number has increased since then, another node is up
	 */
	unsigned n_slots;
};

/* State of the offloading of tool steps. */
struct coord_steps {
	bool enabled; /* the configuration allows to offload tool steps */
	/* values last passed to on_steps_changed() */
	unsigned wanted, disabled;
	/* the set of tool steps that a node accepts may have changed */
	bool dirty;
	/* one for each host architecture (coord/tool-step.h) */
	struct coord_cross_genksyms **cross_genksyms;
	size_t n_cross_genksyms;
	char *last_cwd; /* working directory of the last compile */
	/*
	 * message of the first failure of each program that failed only on a
	 * node, by the number of the program's bit; NULL: no failure
	 */
	char *failure_texts[SCHED_N_PROGRAMS];
};

/* Statistics, and the last reported values. */
struct coord_stats {
	uint64_t start_ms;
	uint64_t scan_us, check_us; /* CPU time of worker threads */
	struct coord_own_load own_load; /* load by kfarm itself */
	/* value last passed to on_waiting_changed() */
	unsigned reported_waiting;
	/* values last sent to the dispatcher */
	unsigned local_slots, spare_slots;
};

struct coord {
	struct event_base *base;
	/*
	 * copy of the caller's set-up; its strings and `trees` must not be used
	 * after coord_new() has returned, because the caller can free them
	 */
	struct coord_setup setup;
	/* copies of strings of the set-up, for use after coord_new() */
	char *work_dir, *canary_db, *data_dir;
	char *root; /* wire_cc_root() of the coordinator */
	mode_t umask;
	bool local_when_busy; /* as in the roster */
	char *boot_id; /* boot id of the build host */
	unsigned next_file_number; /* used in file names in `work_dir` */
	/* the build is ending, and all work is cancelled; threads read this */
	atomic_bool ending;

	struct children *children;
	struct coord_hedge *stopped_hedges; /* not reaped yet */
	struct pool *pool;
	struct inputs inputs;
	struct inputs_fixdep *fixdep;
	struct inputs_tool_cache *tools;
	struct inputs_toolchains toolchains;
	struct peer_shared shared; /* state shared by the nodes */
	char *top; /* initial working directory; "/" if it is unknown */
	/* strongest codec of a node; each blob is packed once for all nodes */
	enum wire_codec codec;
	struct coord_wrapper_conns *wrapper_conns;

	struct sched *sched;
	struct coord_event_queue queue;
	struct coord_node_table nodes;
	struct coord_demand demand;
	struct coord_unit_table units;
	struct coord_timers timers;
	struct coord_ready ready;
	struct coord_steps steps;
	struct coord_stats stats;
};

/*
 * Return the number of recipes that make can run in addition to the local
 * slots.  `local` is the number of local slots that the build host has when it
 * serves no nodes.
 *
 * A recipe is extra while its compile runs on a node, because it then costs the
 * build host nothing.  The result counts all such recipes.  If there are remote
 * slots, it also counts
 *
 *   - the recipes that wait for a local slot; otherwise a few slow compiles
 *     would keep make from starting compiles for nodes.  The number counted is
 *     limited to the number of remote slots or to 64, whichever is larger,
 *     because each waiting recipe occupies processes;
 *   - one more recipe if local compiles occupy all local slots, because a node
 *     may execute the compile of this recipe.
 */
unsigned coord_extra_recipes(const struct sched_counts *f, unsigned local);

#endif
