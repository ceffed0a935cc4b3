/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/state.h - the coordinator itself: what the files of this room share.
 */
#ifndef COORD_STATE_H
#define COORD_STATE_H

#include "coord/coord.h"
#include "inputs/manifest.h"
#include "inputs/toolchain.h"
#include "node/live.h"
#include "peer/farm.h"
#include "sched/sched.h"

#include <stdatomic.h>
#include <sys/types.h>

struct coord_clients;
struct coord_counterpart;
struct coord_unit;
struct inputs_reference;
struct inputs_tool;
struct peer;

/* CPU time that was used, and how much at once. */
struct coord_use {
	uint64_t read_ms; /* when; 0: never */
	uint64_t cpu_ms; /* until then */
	uint64_t milli; /* thousandths of a core since it was read before */
};

struct coord_node {
	struct coord *coord;
	uint32_t number; /* in sched/ */
	const struct node_entry *entry; /* borrowed from the roster */
	struct peer *peer;
	bool unsure; /* sched/ may believe that it was asked for a cell */
	char *lacks; /* why it has no toolchain, as was told; or NULL */
	unsigned busy; /* its jobs that are none of the build's */
	unsigned asked_slots; /* by a person; 0: not */
	struct node_live live; /* what is in its way now */
	struct coord_use use; /* by jobs of this build */
	uint64_t beat_cpu_ms; /* of those that its beat named so far */
	uint64_t beside_milli; /* by the rest of the build on its machine */
	bool removed; /* the configuration has it no more */
	bool unknown; /* who it is was not looked at yet (coord/identity.h) */
	bool barred; /* two machines have its key, or it is there twice */
	bool clashed; /* what is wrong with that was told */
	struct strv boots; /* boot ids that it had in this build */
	atomic_uint
		right; /* its answers of tools for its host that were ours */
	const struct inputs_tool
		*refused; /* such a tool that was wrong there */
};

/* What waits to be told to sched/. */
struct coord_news {
	struct sched_event event;
	char *words; /* its own copy; may be NULL */
};

struct coord {
	struct event_base *base;
	struct coord_setup setup; /* borrows what outlives coord_new() */
	char *work, *canary_db, *data; /* copies of what may not */
	mode_t umask;
	unsigned waiting; /* what it was told last */
	unsigned local_slots; /* the same of sched/ */
	char *boot_id; /* of this machine */
	struct coord_use use; /* by kfarm itself */
	uint64_t began_ms;
	atomic_bool ending; /* leave what is not done; for the threads too */

	struct children *children;
	struct coord_hedge *stopped; /* hedges that are not reaped yet */
	struct pool *pool;
	struct inputs inputs;
	struct inputs_fixdep *fixdep;
	struct inputs_tools *tools;
	struct inputs_toolchains toolchains;
	struct peer_farm farm; /* what the nodes share */
	enum wire_codec codec; /* of what is packed for all nodes */
	struct coord_clients *clients;
	struct coord_node **nodes; /* by their numbers in sched/ */
	size_t n_nodes;
	struct node_roster **rosters; /* that coord_follow() took */
	size_t n_rosters;

	struct sched *sched;
	struct coord_news *news;
	size_t n_news, cap_news;
	struct event *kick; /* coord_dispatch(), soon */
	struct event *timer; /* when sched/ has something to do */
	uint64_t timer_ms; /* UINT64_MAX: it is not set */
	struct event *tick; /* every second */
	struct event *ready_timer;
	struct coord_counterpart **counterparts; /* one for each host */
	size_t n_counterparts;
	char *seen_cwd; /* of the last compile */
	bool other_steps; /* those that nodes take: sched/ is to be told */
	bool takes_steps; /* may they be? */
	bool steps; /* they are wanted, as was told */
	void (*ready)(void *ctx);
	void *ready_ctx;
	unsigned ready_slots; /* of the nodes that were up then */

	uint32_t n_listed, n_kinds; /* toolchains and kinds with a number */
	/* By their numbers in sched/: */
	struct coord_unit **units;
	size_t n_units;
	/* By their numbers on the wire: */
	struct coord_unit **jobs;
	size_t n_jobs;

	unsigned next_work; /* numbers the files in `work` */
	uint64_t scan_us, check_us; /* of the worker threads */
};

#endif
