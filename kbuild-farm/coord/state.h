/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/state.h - what the files of this room share: the coordinator itself
 * and its jobs.
 */
#ifndef COORD_STATE_H
#define COORD_STATE_H

#include "base/child.h"
#include "base/list.h"
#include "base/pool.h"
#include "coord/coord.h"
#include "coord/examine.h"
#include "inputs/find.h"
#include "inputs/reference.h"
#include "options/command.h"
#include "peer/farm.h"
#include "peer/job.h"
#include "wire/cc.h"
#include "wire/frame.h"

#include <stdatomic.h>

struct coord_client;
struct coord_node;
struct inputs_language;
struct inputs_reference;
struct inputs_toolchain;

/*
 *	TOOLCHAIN -> WAIT_SCAN -> SCAN -> READY -> AWAY -> CHECK -> DONE
 *	     |           |          |       |        |       |
 *	     \___________\__________\_______\________\_______\-> WAIT_LOCAL
 *								 -> LOCAL
 * READY and AWAY alternate while other nodes are tried.  A hedge (a compile
 * of the same unit by the coordinator) may run beside READY and AWAY.
 */
enum coord_job_state {
	JOB_TOOLCHAIN, /* its compiler is being listed */
	JOB_WAIT_SCAN, /* waits for its turn to be scanned */
	JOB_SCAN, /* on a worker thread */
	JOB_READY, /* waits for a node */
	JOB_AWAY, /* on job->peer */
	JOB_CHECK, /* its answer is on a worker thread */
	JOB_WAIT_LOCAL, /* waits for a local slot */
	JOB_LOCAL, /* its wrapper became the compiler */
	JOB_DONE, /* CC_DONE was sent; the wrapper renames and ends */
};

#define COORD_TRIES 3 /* nodes that a job is given to, at most */

struct coord_job {
	struct pool_work work; /* first: see coord_job_of() */
	TAILQ_ENTRY(coord_job) link;
	struct coord *coord;
	struct coord_client *client;
	uint32_t id;
	enum coord_job_state state;
	bool working; /* a thread has it */
	bool orphan; /* and its wrapper has gone: freed when that ends */
	uint64_t came_ms;

	struct wire_cc_job ask;
	struct options_command compile; /* borrows from `ask` */
	char *object, *object_tmp; /* as the wrapper spells them */
	char *dep, *dep_tmp; /* NULL: no dependency file */
	const char *why; /* of WAIT_LOCAL and LOCAL; a literal */

	struct inputs_toolchain *toolchain;
	struct inputs_reference *reference;
	struct inputs_search *search; /* of SCAN */
	struct inputs_result inputs;
	unsigned rescans; /* after something was missing or changed */

	uint32_t number; /* of AWAY: its name on the node */
	struct coord_node *node; /* of AWAY */
	struct coord_node *tried[COORD_TRIES];
	unsigned n_tried;
	struct peer_answer answer; /* of CHECK */
	struct coord_node *answered; /* of CHECK: whose answer it is */
	struct coord_examination examination; /* of CHECK */
	bool held; /* CHECK: until its toolchain is known again */
	uint32_t cpu_ms; /* as the last beat said */
	uint64_t first_sent_ms, progress_ms;

	struct child *hedge;
	char *hedge_object, *hedge_dep, *hedge_log; /* its temporaries */
	bool was_hedged;
};

TAILQ_HEAD(coord_job_list, coord_job);

struct coord_reasons {
	struct coord_reason *v;
	size_t n;
};

struct coord {
	struct event_base *base;
	char *socket;
	char *silent; /* wire_cc_silent_file() */
	char *work;
	mode_t umask;
	unsigned local_slots;
	coord_event_sink *sink;
	void *sink_ctx;
	void (*away)(void *ctx, unsigned n); /* may be NULL */
	void *away_ctx;
	uint64_t began_ms;

	struct children *children;
	struct pool *pool;
	struct inputs inputs;
	struct peer_farm farm; /* what the nodes share */
	char *canary_db, *data; /* see struct coord_setup */
	enum wire_codec codec; /* of what is packed for all nodes */
	unsigned patience_ms; /* see struct coord_setup */
	bool no_remote; /* the user wants no node */
	atomic_bool ending; /* for the threads: leave what is not done */
	struct event *listener;
	struct event *tick; /* every second */
	struct event *kick; /* coord_sched_run(), soon */
	struct event *ready_timer;
	void (*ready)(void *ctx);
	void *ready_ctx;

	struct coord_job_list jobs; /* in order of arrival */
	TAILQ_HEAD(, coord_client) clients;
	struct inputs_toolchains toolchains;
	struct coord_node **nodes;
	size_t n_nodes;

	uint32_t next_job;
	unsigned next_work; /* numbers the files in `work` */
	unsigned locals; /* jobs in LOCAL, and hedges */
	unsigned aways; /* jobs in AWAY */

	/* CPU time of a node per KiB, a moving mean; 0: unknown */
	double ms_per_kib;

	unsigned remote, local, retried, duplicated;
	uint64_t scan_us, list_us, check_us; /* of the worker threads */
	struct coord_reasons reasons;
	struct coord_node_stats *node_stats;
};

/* Run the scheduler from the loop, once for any number of calls. */
void coord_kick(struct coord *c);
/* One job more (1) or less (-1) is on a node. */
void coord_count_away(struct coord *c, int change);
/* Tell the sink about a job; `reason` may be NULL. */
void coord_emit_job(struct coord_job *job, enum event_job_state state,
		    const char *node, const char *reason);
/* Tell the sink about a node: its state and why. */
void coord_emit_node(struct coord *c, const char *node, const char *state,
		     const char *reason);
/* Count one more job that ran here because of `why`. */
void coord_count_reason(struct coord_reasons *all, const char *why);

#endif
