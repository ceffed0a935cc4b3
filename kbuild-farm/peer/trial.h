/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/trial.h - nodes are tried as a build would use them, all at once:
 *
 *	they are greeted, and say what they are
 *	how fast bytes come to them is measured, one after the other, so that
 *		they do not share this machine's link meanwhile
 *	a compiler is brought to them as a build brings it, and compiles the
 *		canary (peer/canary-ours.h) there, then the known answer of
 *		inputs/reference.h
 *	and where a burn-in is wanted, all of them compile known sources on all
 *		cores until the time is up.
 *
 * A burn-in finds what a short look does not: the overclock that computes
 * wrongly now and then, the board that is too hot after ten minutes.  A node
 * that is lost meanwhile is dialled again.
 */
#ifndef PEER_TRIAL_H
#define PEER_TRIAL_H

#include "base/digest.h"
#include "node/roster.h"
#include "wire/msg.h"

#include <stdatomic.h>

#define PEER_TRIAL_UNITS 32 /* at most, of what is compiled */

/* What came of the compiles of one kind. */
struct peer_trial_count {
	unsigned asked, right;
	unsigned wrong; /* something else than our compiler made */
	unsigned crashed; /* the compiler there failed, ours did not */
	unsigned damaged; /* the answer was not that of its digest */
	unsigned failed; /* the node could not run it */
	char *first; /* about the first that was not right; NULL: none */
	uint64_t first_ms; /* when that was, of the burn-in */
};

/* The cores of one class, in a burn-in. */
struct peer_trial_class {
	char *name; /* "Cortex-A72", "1512 MHz": told from the others by it */
	unsigned cpus; /* that jobs may run on; 0: not tried */
	struct peer_trial_count burn;
	uint64_t cpu_ms, throttled_ms;
	uint32_t slowest_milli, throttled; /* as of the node */
};

/* A thermal zone. */
struct peer_trial_zone {
	char *name;
	uint32_t hottest_mk;
};

/* What a unit came to, to tell chance from another compiler. */
struct peer_trial_unit {
	unsigned right, wrong;
	struct digest is; /* the first wrong object */
	bool varies; /* not all wrong ones were that */
};

enum peer_trial_link {
	PEER_LINK_UNTRIED,
	PEER_LINK_MEASURED,
	PEER_LINK_LATE, /* not even the first bytes came in time */
};

struct peer_trial_node {
	const struct node_entry *entry; /* borrowed */

	bool up; /* it said hello, and whether it is fit */
	bool fit, is_strange; /* the latter: of another version */
	char *why; /* not up, not fit: the reason */
	unsigned rtt_ms; /* from dialling to that */
	char *software, *layers, *machine, *boot_id;
	unsigned cores, slots;
	char *classes; /* "2 Cortex-A72 at 1800 MHz, 4 ..."; NULL unknown */

	/* As in struct wire_machine. */
	struct digest machine_id;
	uint8_t n_macs;
	struct wire_mac *macs;
	char *clash; /* who else has its key, machine id or MAC; NULL */
	bool barred; /* for that a build gives it no jobs */
	bool has_clock, has_free; /* it says so */
	int64_t clock_ms; /* how far its clock is ahead of ours */
	uint64_t free_mib; /* where its store is */

	enum peer_trial_link link;
	uint64_t link_bits; /* a second; LATE: at most */

	bool has; /* a cell of the compiler */
	char *lacks; /* why not; NULL: it was not tried so far */
	struct peer_trial_count canary, answer, burn;

	/* Of the burn-in. */
	struct peer_trial_unit unit[PEER_TRIAL_UNITS];
	unsigned lost; /* so often the conversation ended */
	unsigned restarts; /* and so often it had another boot id after that */
	char *lost_why; /* the last time */
	uint64_t cpu_ms; /* of its compilers */
	uint32_t hottest_mk, slowest_milli; /* WIRE_HEALTH_UNKNOWN */
	uint64_t throttled_ms; /* it ran below its full clock so long */
	uint32_t throttled; /* CPUs that did at once, at most */
	/* As in MACHINE; NULL: it said nothing, or cannot pin jobs to them. */
	struct peer_trial_class *class;
	unsigned n_classes;
	bool is_whole; /* it has several, and is too old to tell them apart */
	struct peer_trial_zone *zone;
	unsigned n_zones;
};

enum peer_trial_stage {
	PEER_TRIAL_GREET,
	PEER_TRIAL_LINK,
	PEER_TRIAL_COMPILER,
	PEER_TRIAL_CANARY,
	PEER_TRIAL_ANSWER,
	PEER_TRIAL_READY, /* for the burn-in, when the others are */
	PEER_TRIAL_BURN,
	PEER_TRIAL_OVER,
};

struct peer_trial {
	struct peer_trial_node *nodes;
	size_t n;
	const char *driver; /* of the compiler, its absolute path */
	char *const *env;
	const char *work; /* a private directory */
	const char *canary_db, *data; /* see peer/farm.h */
	uint64_t burn_ms; /* 0: no burn-in */
	/* NULL, or called from the loop about five times a second. */
	void (*progress)(void *ctx);
	void *ctx;
	const atomic_bool *cancel; /* NULL, or: true ends it */

	/* How far it is; the stage of a node in stage[]. */
	enum peer_trial_stage *stage;
	unsigned sources, sources_done; /* of the burn-in, compiled here */
	uint64_t burnt_ms; /* of the burn-in; 0 before it */

	/* What came of it. */
	char *compiler_why; /* the compiler could not be tried; NULL */
	bool cancelled;
};

void peer_trial_node_init(struct peer_trial_node *n,
			  const struct node_entry *entry);
void peer_trial_node_release(struct peer_trial_node *n);
/* How many classes of its cores were tried. */
unsigned peer_trial_classes(const struct peer_trial_node *n);
/*
 * Try them.  All that was started has ended on return; what was found is in
 * the nodes, after `cancel` too.  Fails without an event loop or files in
 * `work`.
 */
int peer_trial_run(struct peer_trial *trial, struct err *err);

#endif
