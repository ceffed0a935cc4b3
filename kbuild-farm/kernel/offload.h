/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/offload.h - Offloading of one command's compiles to nodes.
 *
 * A struct kernel_offload owns the run directory, the masquerade directory in
 * front of PATH, the local slots, the coordinator and the jobserver of one
 * `kfarm build` or `kfarm run`.  Callers proceed in this order:
 * kernel_offload_init(), _make_dirs(), _open(), _wait_nodes(),
 * _start_jobserver(), then the command itself; _close() and _release() at the
 * end.
 *
 * Results of probes (compiler calls that only test a feature or version) are
 * stored in CACHE/probes and shared by all runs.  Each result relies on a list
 * of the files on which the compiler depends.  A thread updates these lists;
 * until the list of a compiler is complete, its probes are executed.
 *
 * If `kfarm nodes` or the user changes the configured nodes during a run, the
 * change takes effect within two seconds.
 */
#ifndef KERNEL_OFFLOAD_H
#define KERNEL_OFFLOAD_H

#include "base/err.h"
#include "base/str.h"
#include "events/hub.h"
#include "events/totals.h"
#include "history/read.h"
#include "kernel/jobserver.h"
#include "kernel/rundir.h"
#include "kernel/shell.h"
#include "node/roster.h"

#include <stdint.h>

struct task;
struct cache_remote;
struct coord;
struct event_base;
struct kernel_roster_watch;
struct events_server;
struct history_recorder;

/* maximum number of points in a progress curve */
#define KERNEL_OFFLOAD_CURVE_POINTS 50

/* Job costs of the baseline build; empty when zeroed. */
struct kernel_offload_estimate {
	struct history_costs costs;
	bool has_curve; /* a progress curve was published */
};

/*
 * Look up the baseline of `build` by its series key, load the baseline's job
 * costs and publish its progress curve as EVENTS_KIND_ESTIMATE.  Nothing is
 * published unless `build` starts from scratch and the history has a successful
 * build that also started from scratch.  A read error counts as a missing
 * baseline.
 */
void kernel_offload_report_estimate(struct kernel_offload_estimate *e,
				    struct history *h,
				    const struct events_event *build,
				    struct events_hub *hub);
/*
 * Return the CPU time of the object's compile in the baseline, in ms, or
 * EVENTS_UNKNOWN.  `e` is a struct kernel_offload_estimate.
 */
int64_t kernel_offload_job_cost_ms(void *e, const char *object);
/* Free the job costs. */
void kernel_offload_estimate_release(struct kernel_offload_estimate *e);

struct kernel_offload_probes {
	char *dir; /* CACHE/probes; NULL if probe results are not stored */
	/*
	 * compilers whose dependency lists are updated, and their environment
	 */
	struct strv drivers, env;
	struct task *task; /* the thread that updates the lists, or NULL */
};

/*
 * Open the probe cache and start a thread that updates dependency lists: those
 * of `drivers` (absolute paths) under the environment `env`, and those of other
 * compilers for which a wrapper requested a list.  Does nothing if the cache is
 * not writable.
 */
void kernel_offload_open_probes(struct kernel_offload_probes *p,
				char *const *drivers, char *const *env);
/* Wait for the thread and release the storage. */
void kernel_offload_release_probes(struct kernel_offload_probes *p);

struct kernel_offload {
	struct kernel_rundir rundir;
	char *masquerade_dir; /* masquerade directory, first in PATH */
	struct kernel_shell shell; /* recipe shell for make */
	struct kernel_offload_probes probes; /* probe cache */
	struct cache *cache; /* the result cache; NULL: not used */
	/* the command names ccache or a similar program before a compiler */
	bool launched;
	struct cache_remote *remote_cache; /* on a server; NULL: not used */
	struct coord *coord; /* NULL until kernel_offload_open() */
	bool has_nodes; /* the roster has nodes */
	bool connects_on_demand; /* coord_setup.connects_on_demand */
	/* concurrent compiles on the build host when no node is up */
	unsigned local_slots;
	/*
	 * concurrent make jobs that the build host supports (kernel/capacity.h)
	 */
	unsigned job_capacity;
	/*
	 * recipes that wait for a node's result or for a local slot, as
	 * reported by the coordinator
	 */
	unsigned n_waiting;
	struct kernel_jobserver jobserver; /* broker_pid is 0 if none runs */
	const struct node_roster *roster;
	struct events_hub *hub; /* borrowed; receives every event */
	struct events_subscriber totals_consumer;
	struct events_totals totals; /* totals of all events since the start */
	/* applies configuration changes; or NULL */
	struct kernel_roster_watch *roster_watch;
	/*
	 * CPU time of this process and its children to subtract from the
	 * reported load (kernel_offload_exclude_used_cpu())
	 */
	uint64_t excluded_cpu_us;
	struct events_server *server; /* event socket for other processes */
	/* NULL before kernel_offload_report_start() */
	struct history_recorder *history_record;
	struct kernel_offload_estimate estimate; /* job costs of the baseline */
	struct strv notes; /* published notes about the history */
	bool nodes_settled; /* every node is up or has failed */
};

struct kernel_offload_setup {
	struct event_base *base;
	const char *path; /* PATH whose compilers are masqueraded */
	/* use the permanent masquerade directory, which has no binutils */
	bool permanent;
	bool shell_enabled; /* make gets the recipe shell where possible */
	bool no_probe_cache; /* execute every probe */
	/* borrowed until kernel_offload_close(); NULL: no result cache */
	const struct cache_setup *cache;
	/* the command names ccache or a similar program before a compiler */
	bool launched;
	bool connects_on_demand; /* see coord_setup */
	/*
	 * the command requires a share of remote jobs, so each job waits up to
	 * 10 s, not 1 s, until the nodes report whether they have the toolchain
	 */
	bool nodes_required;
	/* source and build directory, NULL-terminated; may be NULL */
	char *const *tree_dirs;
	/*
	 * names of compilers that the command will call, NULL-terminated; may
	 * be NULL
	 */
	char *const *expected_compilers;
	/* environment of the command, NULL-terminated; may be NULL */
	char *const *env;
	/* see coord_setup; may be NULL */
	void (*on_object)(void *ctx, const char *object);
	void *object_ctx;
};

/*
 * Choose the number of local slots and subscribe to `hub`.  `asked` is the
 * argument of -j, or 0.  `f` must not move afterwards; `roster` is borrowed.
 */
void kernel_offload_init(struct kernel_offload *f,
			 const struct node_roster *roster, unsigned asked,
			 struct events_hub *hub);
/*
 * Exclude the CPU time that the process and its children have used until now
 * from the reported load: earlier builds of the command used it.
 */
void kernel_offload_exclude_used_cpu(struct kernel_offload *f);
/*
 * Publish `build`, start its record in the history and publish the estimate
 * from its baseline.
 */
void kernel_offload_report_start(struct kernel_offload *f,
				 struct events_event *build);
/*
 * Publish the compiles that ran locally because the coordinator did not
 * respond, and the final loads of the nodes and of the build host.  The totals
 * are complete afterwards.
 */
void kernel_offload_report_load(const struct kernel_offload *f);
/*
 * Set the job counts of `done`, record it in the history, write the HTML report
 * to the file `report` (may be NULL), and publish `done`.
 */
void kernel_offload_report_end(struct kernel_offload *f,
			       struct events_event *done, const char *report);
/*
 * Create the run directory with the local slots.  Returns 0 or a negative
 * errno.
 */
int kernel_offload_make_dirs(struct kernel_offload *f, struct err *err);
/*
 * Create the masquerade directory, start the coordinator and open the event
 * socket.  Scripts are not masqueraded: the names of compilers that are scripts
 * are appended to `skipped`.  Returns 0 or a negative errno with `err` set.
 */
int kernel_offload_open(struct kernel_offload *f,
			const struct kernel_offload_setup *setup,
			struct strv *skipped, struct err *err);
/* Append the environment variables that kfarm-cc reads. */
void kernel_offload_add_env(const struct kernel_offload *f, struct strv *out);
/*
 * Run the event loop until every node is up or has failed, or until a time
 * limit has passed.  While no node is up, the limit is 1 s, or 3 s if one of
 * the nodes is not a tls: node.  After a node has come up, the limit of
 * coord_when_ready() applies.  Returns 0, or -EINTR if *stopped becomes a
 * signal number.  Does not wait without nodes.
 */
int kernel_offload_wait_nodes(struct kernel_offload *f, struct event_base *base,
			      const int *stopped);
/* Return the number of nodes that are up and have slots. */
unsigned kernel_offload_nodes_up(const struct kernel_offload *f);
/*
 * Return the maximum number of concurrent compiles on the build host, which
 * depends on the nodes that are up.
 */
unsigned kernel_offload_local_slots(const struct kernel_offload *f);
/*
 * Return make's -j: `asked` if `asked` is not 0.  Otherwise, return the sum of
 * the local slots and the slots of the nodes that are up, but at most the
 * number of jobs that the build host supports (f->job_capacity).
 */
unsigned kernel_offload_job_limit(const struct kernel_offload *f,
				  unsigned asked);
/*
 * Start the jobserver; `asked` is the argument of -j, or 0, and make_release
 * that of kernel_jobserver_make_release().  Returns 0 or a negative errno.
 */
int kernel_offload_start_jobserver(struct kernel_offload *f, unsigned asked,
				   unsigned make_release, struct err *err);
/*
 * Append a value of MAKEFLAGS that announces the jobserver and contains the
 * MAKEFLAGS of `env`.  Does nothing if no jobserver runs.
 */
void kernel_offload_add_makeflags(const struct kernel_offload *f,
				  struct strv *out, char *const *env);
/*
 * Stop the jobserver, then the coordinator with its jobs and the event socket.
 * If results must still be uploaded to the cache server, run the event loop for
 * up to ten seconds until the uploads have finished.  This wait ends early if
 * *stopped becomes a signal number.  `base` can be NULL if
 * kernel_offload_open() was not called.
 */
void kernel_offload_close(struct kernel_offload *f, struct event_base *base,
			  const int *stopped);
/* Remove the run directory and release all storage, including the totals. */
void kernel_offload_release(struct kernel_offload *f);

#endif
