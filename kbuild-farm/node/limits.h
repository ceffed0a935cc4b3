/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/limits.h - how many jobs a node gets at once, and make's -j.
 *
 *	slots(node) = cores + ceil(cores / 4) queued ahead,
 *		      capped at NODE_SLOTS_MAX, whatever the node claims,
 *		      by memory, if it has not enough for all cores, where
 *		      NODE_BASE_MIB stay with the system, one job may need
 *		      NODE_JOB_MIB and each other one NODE_MORE_MIB (jobs
 *		      queued ahead need none yet),
 *		      by `slots =` of its configuration,
 *		      and by the limit that its kfarmd was started with
 *	now	    = that, with as many cores less as heat takes and others
 *		      keep busy, and with no more jobs than free memory has
 *		      room for
 *	local slots = the build host's cores, less one for each NODE_FED_CORES
 *		      of the nodes: what make, ld, modpost, objtool and the
 *		      feeding of the nodes take here.  No one node takes more
 *		      than half of them: nobody has checked what it claims.
 *		      By memory each has NODE_JOB_MIB: ld and objtool need more
 *	-j          = sum of slots(node) + local slots
 *
 * Cores are what the affinity, the cpuset and the quota of a control group
 * leave; threads of a core count.  (design.md, section 9; the queue-ahead is
 * icecream's preload of 1 + cores/4 without the 1.)
 */
#ifndef NODE_LIMITS_H
#define NODE_LIMITS_H

#include "wire/msg.h"

/*
 * Measured with wait4(2): Linux 6.1 for arm64 by gcc 12, 433 compiles of
 * tinyconfig and 453 of defconfig (kernel, mm, ext4, btrfs, net/core, ipv4).
 * Peaks, in MiB:
 *
 *			median	95 %	99 %	largest
 *	tinyconfig	78	111	130	137
 *	defconfig	112	169	208	245 (net/core/filter.c)
 *
 * and of defconfig the largest sum of N peaks of compiles that make starts one
 * after the other, as if all were at their peak at once; 18 to 26 of each are
 * the compiler's file, which is there once ("shared"):
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
 * The base is what a board of 1 GiB has in use while it idles (144), kfarmd,
 * headers and sources in a cell; what is free has to do for the latter.  Where
 * all that is too little, a node is lowered (node/live.h), and what fails for
 * lack of memory is another node's job.
 */
#define NODE_JOB_MIB  256
#define NODE_MORE_MIB 144
#define NODE_BASE_MIB 256
#define NODE_CELL_MIB 64 /* of these for kfarmd and a cell */
/* A node has said how many cores it has; nobody has checked it. */
#define NODE_SLOTS_MAX 1024
/*
 * So many cores of nodes keep one like them busy here: of arm64 tinyconfig's
 * 141.2 s of CPU 15.8 stay on a build host whose nodes compile everything
 * (tests/bench/FIGURES.md), so 7.9 s go to nodes for each of these.
 */
#define NODE_FED_CORES 8

struct node_limit {
	unsigned slots; /* at least 1 */
	char *why; /* in words: "2 cores + 1 queued ahead" */
};

/*
 * What it gets while nothing is in its way.  `m` NULL or zeroed: it never said.
 * `configured`: `slots =`, 0 for none.  The caller frees out->why.
 */
void node_limit(struct node_limit *out, const struct wire_inventory *inv,
		const struct wire_machine *m, unsigned configured);
/*
 * How many of `slots` it should have as it does now, at least 1.  `ours` of
 * its jobs are our own: the memory that these take comes back.  *why (NULL: not
 * asked) is in words what is in the way, or NULL; the caller frees it.
 */
unsigned node_limit_now(unsigned slots, const struct wire_inventory *inv,
			const struct wire_health *h, unsigned ours, char **why);
/* Half of it, at least 1; what a nightly build uses at most. */
void node_limit_halve(struct node_limit *l);
/*
 * What a person may raise it to during a build: twice the cores, as no more
 * compilers run at once than there are, and one that waits for each is what
 * hides the way there; what kfarmd was limited to; and NODE_SLOTS_MAX.
 */
unsigned node_limit_most(const struct wire_inventory *inv);
/*
 * What the build host compiles itself, whose nodes have `fed` cores in all:
 * 0 where there are none, or none is up.
 */
void node_limit_local(struct node_limit *out, const struct wire_inventory *inv,
		      unsigned fed);
/*
 * How many of a node's cores count to `fed` for a host of `slots`, without
 * nodes.
 */
unsigned node_limit_fed(unsigned slots, unsigned cores);
/* The same as a number, of what the host has without nodes. */
unsigned node_limit_beside(unsigned slots, unsigned fed);

#endif
