/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/limits.h - Number of concurrent jobs per node, and make's -j.
 *
 *	slots(node)  = cores + ceil(cores / 4) for queue-ahead, capped
 *			- at NODE_SLOTS_MAX, whatever the node reports,
 *			- by memory, if it does not suffice for all cores:
 *			  NODE_BASE_MIB for the system, NODE_JOB_MIB for
 *			  the first job, NODE_NEXT_JOB_MIB for each further
 *			  job (queued jobs need no memory yet),
 *			- by `slots =` of its configuration,
 *			- by --slots of its kfarmd
 *	now          = slots(node) without the cores that heat or other
 *		       processes take, and at most the jobs that fit
 *		       into free memory
 *	local slots  = cores of the build host, minus one core per
 *		       NODE_CORES_PER_FEEDER cores of the nodes.  These
 *		       cores run make, ld, modpost and objtool, and send
 *		       jobs.  A single node takes at most half of the build
 *		       host's cores, because the number of cores that it
 *		       reports is not verified.  Each local slot needs
 *		       NODE_JOB_MIB, because ld and objtool need more
 *		       memory than a compiler.
 *	-j           = sum of slots(node) + local slots
 *
 * Cores are those that affinity, cpuset and cgroup quota permit; threads of a
 * core count as cores.  The preload of icecream is 1 + floor(cores / 4): it
 * is 1 more than the queue-ahead if cores is a multiple of 4, otherwise equal.
 */
#ifndef NODE_LIMITS_H
#define NODE_LIMITS_H

#include "sched/sched.h"
#include "wire/msg.h"

/*
 * Measured with wait4(2): Linux 6.1 for arm64 by gcc 12, 433 compiles of
 * tinyconfig and 453 of defconfig (kernel, mm, ext4, btrfs, net/core, ipv4).
 * Peaks in MiB:
 *
 *		median	95 %	99 %	largest
 *	tinyconfig	78	111	130	137
 *	defconfig	112	169	208	245 (net/core/filter.c)
 *
 * The next table shows for defconfig the largest sum of the peaks of N
 * consecutive compiles, as if all peaks coincided.  Of each peak, 18 to 26 MiB
 * are the compiler's program file, which all compilers share; "shared" counts
 * it once.  The last column is the memory that the constants below reserve.
 *
 *	N	sum	shared	256 + (N - 1) * 144
 *	2	411	393	400
 *	3	628	592	544
 *	4	739	685	688
 *	6	1032	942	976
 *	8	1337	1211	1264
 *	12	1903	1705	1840
 *	16	2423	2153	2416
 *
 * The slots of a node are limited by its total memory, less NODE_BASE_MIB for
 * the system (144 MiB on an idle board with 1 GiB of memory), kfarmd, and the
 * headers and sources in a sandbox.  During a build, the slots are also limited
 * by the node's free memory, less NODE_SANDBOX_MIB for kfarmd and a sandbox.
 * Free memory already excludes the memory that the system uses.  If the
 * reserved memory is too small, the node's slots are restricted
 * (node/slot-limit.h), and a job that fails for lack of memory moves to another
 * node.
 */
#define NODE_JOB_MIB      256
#define NODE_NEXT_JOB_MIB 144
#define NODE_BASE_MIB     256
#define NODE_SANDBOX_MIB  64 /* for kfarmd and a sandbox */
/*
 * A node reports its number of cores, which is not verified, so its slots need
 * an upper limit.
 */
#define NODE_SLOTS_MAX 1024
/*
 * Number of node cores that one build host core of similar speed can supply
 * with jobs.  An arm64 tinyconfig takes 141.2 s of CPU time.  If nodes execute
 * all compiles, the build host still uses 15.8 s of this time
 * (tests/bench/FIGURES.md).  The nodes thus use 125.4 s, which is 7.9 s for
 * each second of the build host.
 */
#define NODE_CORES_PER_FEEDER 8

struct node_limit {
	unsigned slots; /* at least 1 */
	char *reason; /* for display: "2 cores + 1 queued ahead" */
};

/*
 * Compute the slots of a node, without the restrictions of its present load
 * that node_limit_now() applies.  `m` describes the node's machine, and is NULL
 * or zeroed if the machine is unknown.  `configured` is the value of the
 * setting `slots`, or 0 if it is not set.  The caller frees out->reason.
 */
void node_limit(struct node_limit *out, const struct wire_inventory *inv,
		const struct wire_machine *m, unsigned configured);
/*
 * Return how many of `slots` the node should have at present, at least 1.
 * `own_jobs` is the number of the node's jobs for this build.  The memory of
 * these jobs counts as available, because it becomes free when they end.  If
 * `why` is not NULL, *why receives the reason for a restriction, or NULL; the
 * caller frees *why.
 */
unsigned node_limit_now(unsigned slots, const struct wire_inventory *inv,
			const struct wire_health *h, unsigned own_jobs,
			char **why);
/* Halve the slots, to at least 1, for a build with a low weight. */
void node_limit_halve(struct node_limit *l);
/*
 * Return the maximum number of slots that the user can request during a build:
 * the smallest of twice the cores, the limit of kfarmd, and NODE_SLOTS_MAX.
 * Twice the cores suffice, because a node runs one compiler per core and one
 * queued job per core hides the latency.
 */
unsigned node_limit_max(const struct wire_inventory *inv);
/*
 * Compute the local slots of a build host.  `counted_cores` is the sum of
 * node_limit_counted_cores() for the nodes that it serves, 0 if no node is up.
 */
void node_limit_local(struct node_limit *out, const struct wire_inventory *inv,
		      unsigned counted_cores);
/*
 * Return the number of a node's `cores` to include in `counted_cores` of
 * node_limit_local_slots().  `slots` is the number of local slots without
 * nodes.  The result is limited, so that a single node reduces the local slots
 * by at most half.
 */
unsigned node_limit_counted_cores(unsigned slots, unsigned cores);
/* Return the number of local slots; `slots` is their number without nodes. */
unsigned node_limit_local_slots(unsigned slots, unsigned counted_cores);

/*
 * Store the core classes of a node for SCHED_EV_NODE_FIT in `out`, which has
 * WIRE_CLASSES_MAX elements.  These are the classes of `machine` if no CPU
 * quota limits the node as a whole, otherwise one class of all cores.
 * `machine` is NULL if jobs cannot be pinned to a class.  Returns the number of
 * classes.
 */
unsigned node_limit_core_classes(struct sched_core_class *out,
				 const struct wire_inventory *inventory,
				 const struct wire_machine *machine);

#endif
