/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/trial-state.h - a trial under way, for peer/trial*.c alone.
 */
#ifndef PEER_TRIAL_STATE_H
#define PEER_TRIAL_STATE_H

#include "peer/canary-ours.h"
#include "peer/peer.h"
#include "peer/trial.h"

/* To measure a link with: the second ones where the first came fast. */
#define TRIAL_SMALL_BYTES (256u << 10)
#define TRIAL_LARGE_BYTES (4u << 20)

/* A known unit that is out on a node. */
struct trial_job {
	uint32_t number;
	const struct peer_canary *set;
	size_t unit;
	int class; /* whose cores it is on; -1: any */
	uint64_t sent_ms;
};

/* A node that is tried. */
struct trial_node {
	struct trial *trial;
	struct peer_trial_node *is;
	struct peer *peer;
	enum peer_trial_stage stage;
	uint64_t since_ms; /* in this stage, or since something came of it */
	uint64_t compiler_ms; /* when it began to be sent; 0: not yet */
	uint64_t canary_ms; /* when its first unit went; 0: not yet */
	uint64_t dialled_ms, redial_ms; /* the latter 0: it is not down */
	unsigned measured; /* files that came */
	bool measuring, lacks_now;
	uint64_t sent_bytes; /* when last looked */
	size_t next; /* the unit to be sent */
	bool probing;
	struct trial_job *jobs;
	size_t n_jobs;
	uint64_t tick_ms; /* of the last health */
	bool pins; /* now: jobs can be for one class */
};

struct trial {
	struct peer_trial *is;
	struct peer_farm farm;
	struct inputs_toolchains toolchains;
	struct inputs_toolchain *tc;
	const struct inputs_reference *reference;
	struct peer_canary *canary, *burn;
	enum wire_codec codec;
	struct event *kick, *tick;
	struct trial_node *nodes;
	size_t n;
	struct trial_node *measuring; /* NULL: nobody's turn */
	bool added; /* the compiler, to the farm */
	uint64_t burn_began_ms;
};

#endif
