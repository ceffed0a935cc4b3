/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/pool.h - Pools: commands that start nodes while a build needs them.
 *
 * A *pool* is a section [pool "NAME"] of the configuration.  Each execution of
 * its command starts one *member*, a node that speaks the protocol on the
 * command's stdin and stdout and exits when they are closed.  Member K of pool
 * NAME is the node "NAME/K"; no configured node can have such a name.
 *
 * The number of members follows from the work that is left (struct
 * node_pool_work).  If a member takes S to start, the present slots complete
 * some of the work during S, so new members can only do the rest.  Each start
 * is also a cost for the engine that runs the members (such as slurm).  kfarm
 * therefore starts only as many members as the rest keeps busy for another S,
 * but at least for NODE_POOL_RUN_MS:
 *
 *	slots = (work - present slots * S) / max(S, NODE_POOL_RUN_MS)
 *		- present slots
 *
 * S is an average over earlier members of the pool, and a new member is
 * expected to have the slots of the newest earlier member.  kfarm caches both
 * values in a file.  S includes the wait for a free machine, so one long wait
 * could exclude a pool from later builds.  Therefore each day halves the excess
 * of S over the default of 10 s.
 */
#ifndef NODE_POOL_H
#define NODE_POOL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct node_entry;
struct pool;

/* A member should be busy for at least this time. */
#define NODE_POOL_RUN_MS 5000
/*
 * Time limit for the start of a member.  The limit is long, because the command
 * may wait until the engine (such as slurm) has a free machine.
 */
#define NODE_POOL_START_MAX_S 600
/*
 * To end a member, kfarm closes the command's stdin.  If the command still runs
 * after NODE_POOL_TERM_MS, kfarm sends SIGTERM to its process group; after
 * NODE_POOL_KILL_MS, kfarm sends SIGKILL.  A command whose kfarmd has not sent
 * HELLO yet gets SIGTERM at once.
 */
#define NODE_POOL_TERM_MS 5000
#define NODE_POOL_KILL_MS 10000

struct node_pool {
	char *name;
	char *start; /* command, executed by /bin/sh */
	unsigned min, max; /* limits on the number of members */
	unsigned slots; /* configured limit per member; 0: computed */
	unsigned weight; /* share of the demand, relative to other pools */
	uint64_t idle_ms; /* a member without jobs ends after this time */
	bool drained; /* no member starts, and members get no jobs */
	/* the nodes NAME/1 to NAME/max */
	struct node_entry *members;
	/* expected for a new member; see node_pool_learn() */
	bool learned; /* from an earlier member */
	uint64_t start_ms;
	unsigned member_slots;
};

/* The remaining work of a build, and the slots that can do it. */
struct node_pool_work {
	uint64_t cost_ms; /* CPU time */
	unsigned n_units;
	/* slots of the build host and of nodes that belong to no pool */
	unsigned n_slots;
};

/*
 * Load the section [pool "NAME"].  On success, `p` owns copies.  Returns 0, or
 * -EINVAL with `err` naming pool, file and line; `p` must then be released,
 * too.
 */
int node_pool_load(struct node_pool *p, const struct conf *c, const char *name,
		   struct err *err);
void node_pool_release(struct node_pool *p);

/*
 * Return how many slots the members should have together if a member takes
 * `start_ms` to start.  The result never exceeds the number of units.
 */
unsigned node_pool_wanted_slots(const struct node_pool_work *work,
				uint64_t start_ms);
/*
 * Store in counts[i] how many members pool v[i] should have, from its minimum
 * to its maximum, or 0 if it is drained.  The wanted slots are divided among
 * the pools in proportion to their weights.  n_down[i] is the number of members
 * of v[i] that failed and wait for another attempt.  These members do no work,
 * and the pool gets no further members until they are up.
 */
void node_pool_distribute(const struct node_pool *v, size_t n,
			  const struct node_pool_work *work,
			  const unsigned *n_down, unsigned *counts);

/*
 * Read start_ms and member_slots of each pool from ~/.cache/kfarm/pools.json.
 * A pool that the file lacks, or whose command has changed, keeps the defaults:
 * 10 s and 4 slots.  If `slots` is set, member_slots remains equal to `slots`.
 */
void node_pool_read_learned(struct node_pool *v, size_t n);
/*
 * Record that a member of `p` with `slots` slots was up `start_ms` after its
 * start.  `slots` replaces the stored number of slots.  `start_ms` has a weight
 * of one third in the average of the start time; the first value replaces the
 * default.  `p` can be NULL.  A thread of `threads` writes the file; if
 * `threads` is NULL, the caller's thread writes it.  A damaged file is
 * replaced.  Any other file that cannot be read or written is not an error, and
 * remains unchanged.
 */
void node_pool_learn(struct node_pool *p, struct pool *threads,
		     uint64_t start_ms, unsigned slots);

#endif
