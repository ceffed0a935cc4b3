/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/coord.h - The coordinator: dispatches compiles to nodes.
 *
 * The coordinator runs inside `kfarm build`.  It accepts jobs from kfarm-cc,
 * sends them to nodes, and reports where each job was compiled.  It runs on one
 * libevent base, whose loop the caller runs; a small thread pool scans inputs
 * and verifies results.  HACKING.md describes the life of a job.
 */
#ifndef COORD_COORD_H
#define COORD_COORD_H

#include "events/hub.h"
#include "node/roster.h"
#include "wire/msg.h"

struct cache;
struct cache_remote;
struct event_base;
struct coord;
struct peer_benchmark;

struct coord_setup {
	struct event_base *base;
	const char *socket_path; /* Unix socket to create */
	const char *work_dir; /* private directory for temporary files */
	/*
	 * If the roster is empty, all jobs run locally.  It must outlive the
	 * coordinator if it has nodes or if `connects_on_demand` is set.
	 */
	const struct node_roster *roster;
	/*
	 * Dial the nodes only when the build has requested as many uncached
	 * jobs as there are local slots, and at least two jobs.  A build of a
	 * few jobs thus never connects.  Until the nodes are dialed, all jobs
	 * run locally.  After that, until the first node is up, a job still
	 * runs locally if a local slot is free.
	 */
	bool connects_on_demand;
	/*
	 * Number of concurrent compiles on the build host while it serves no
	 * nodes (node/limits.h).  0 is treated as 1.
	 */
	unsigned local_slots;
	/* NULL-terminated list of source and build directories; can be NULL. */
	char *const *trees;
	/*
	 * Longest time in ms for which a job waits until the nodes report
	 * whether they have its toolchain.  After this time, the job can take a
	 * free local slot.  0 selects 1 s.  A job waits for a node on the build
	 * host without a time limit.
	 */
	unsigned toolchain_wait_ms;
	/*
	 * File of canary results (peer/canary-db.h).  If it is NULL, only nodes
	 * that can run the local compiler get jobs.
	 */
	const char *canary_db;
	/* Data directory with the installed toolchains; can be NULL. */
	const char *data_dir;
	/*
	 * If it is not NULL, the coordinator measures compilers on the nodes
	 * and takes no jobs.
	 */
	struct peer_benchmark *benchmark;
	/* Directory of the probe cache and of the scan cache; can be NULL. */
	const char *cache_dir;
	/* Cache of the results of earlier compiles, borrowed; can be NULL. */
	struct cache *cache;
	/* Do not store results of the build host in `cache`. */
	bool caches_only_remote;
	/* Results on a cache server, borrowed; NULL unless `cache` is set. */
	struct cache_remote *remote_cache;
	/*
	 * Called for each job that makes an object, before the event
	 * EVENTS_JOB_QUEUED.  `object` is the path as make spells it.  Can be
	 * NULL.
	 */
	void (*on_object)(void *ctx, const char *object);
	void *object_ctx;
	/*
	 * Called for jobs whose commands name ccache or a similar program
	 * before the compiler.  Can be NULL.
	 */
	void (*on_launcher)(void *ctx);
	void *launcher_ctx;
	/*
	 * Receives events about jobs and nodes, and passes the user's requests
	 * to the coordinator; can be NULL.
	 */
	struct events_hub *hub;
	/*
	 * Return the CPU time in ms that compiling an object took in an earlier
	 * build, or EVENTS_UNKNOWN.  The event EVENTS_JOB_QUEUED contains this
	 * time, and the dispatcher uses it as the cost of the unit.  The
	 * callback can be NULL.
	 */
	int64_t (*cost_ms)(void *ctx, const char *object);
	void *cost_ctx;
	/*
	 * Called with the number of recipes that make can run in addition to
	 * the local slots (coord_extra_recipes()), whenever this number
	 * changes.  Can be NULL.
	 */
	void (*on_waiting_changed)(void *ctx, unsigned n);
	void *waiting_ctx;
	/*
	 * Called with the tool steps (SCHED_STEP_*) that the wrappers can
	 * request together with their compiles, and with those that are
	 * disabled on a node, whenever these sets change.  Wrappers can request
	 * a step while a node accepts the step, while kfarm cross-builds a
	 * genksyms and, if `cache` is set, while no node is up.  They request
	 * no steps before the first call or if this callback is NULL.
	 */
	void (*on_steps_changed)(void *ctx, unsigned wanted, unsigned disabled);
	void *steps_ctx;
};

/*
 * Create the socket and start to dial the nodes, unless they are dialed on
 * demand.  Returns 0 or -errno with `err` set.
 */
int coord_new(struct coord **out, const struct coord_setup *setup,
	      struct err *err);
/*
 * Announce a compiler that the build will use.  The coordinator then lists the
 * files of the compiler and requests sandboxes before the first job.  If the
 * nodes are dialed on demand, it does so when it dials the nodes.  `driver` is
 * an absolute path, and `env` is the environment of the build.
 */
void coord_announce_compiler(struct coord *c, const char *driver,
			     char *const *env);
/*
 * Set the number of units that make is expected to request in the whole build.
 * The number is unknown if `n_units` is not positive, for example
 * EVENTS_UNKNOWN.
 */
void coord_expect_units(struct coord *c, int64_t n_units);
/*
 * Replace the configured nodes.  Takes ownership of the contents of `roster`,
 * which is empty on return.  New nodes are dialed, removed nodes get no more
 * jobs, an unconnected node with another address or key is dialed again, and
 * changes of `drain` and `slots` take effect.
 */
void coord_update_roster(struct coord *c, struct node_roster *roster);
/*
 * Call `ready` once from the loop, as soon as every node is up or has failed,
 * but after `limit_ms` at the latest.  Once a node is up, the wait for the
 * other nodes is short, because a dead machine would never answer.
 */
void coord_when_ready(struct coord *c, unsigned limit_ms,
		      void (*ready)(void *ctx), void *ctx);
/* Return the number of slots of all nodes that are up. */
unsigned coord_remote_slots(const struct coord *c);
/*
 * Return the current number of local slots.  The build host gives up some of
 * them to serve the nodes that are up.
 */
unsigned coord_local_slots(const struct coord *c);
/* Return true if any job is unfinished. */
bool coord_is_busy(const struct coord *c);
/*
 * Report the compiles that wrappers ran locally because the coordinator did not
 * respond, unless they have been reported.  The coordinator itself calls this
 * function once a second.
 */
void coord_report_unanswered_jobs(struct coord *c);
/* Report the load of each node (EVENTS_KIND_LOAD) for the last time. */
void coord_report_final_loads(const struct coord *c);
/*
 * Return the CPU time in microseconds spent on finding, listing and checking
 * inputs.
 */
uint64_t coord_scan_us(const struct coord *c);
/* Cancel all jobs, terminate all children and remove the socket. */
void coord_free(struct coord *c);

#endif
