/* SPDX-License-Identifier: GPL-2.0-or-later */
/* admin/test-state.h - State of a running node test. */
#ifndef ADMIN_TEST_STATE_H
#define ADMIN_TEST_STATE_H

#include "admin/node-test.h"
#include "peer/canary.h"
#include "peer/peer.h"

/*
 * Sizes of the files for measuring bandwidth.  The large file is sent only if
 * the small one was transferred quickly.
 */
#define ADMIN_TEST_STATE_SMALL_BYTES (256u << 10)
#define ADMIN_TEST_STATE_LARGE_BYTES (4u << 20)

/*
 * A unit of the canary or the burn-in that is in flight on a node.  The correct
 * result of the unit is known.
 */
struct admin_test_state_job {
	uint32_t number;
	const struct peer_canary *canary;
	size_t unit;
	int class; /* core class; -1: any */
};

/* A tested node. */
struct admin_test_state_node {
	struct admin_test_state *trial;
	struct admin_node_test_result *result;
	struct peer *peer;
	enum admin_node_test_stage stage;
	uint64_t progress_ms; /* start of the stage, or last progress */
	uint64_t compiler_start_ms; /* start of the upload; 0: not yet */
	uint64_t canary_start_ms; /* start of the first unit; 0: not yet */
	/* redial_ms: time of the loss or last failed dial; 0: connected */
	uint64_t dialled_ms, redial_ms;
	unsigned n_measured; /* transfers that have succeeded or failed */
	bool measuring;
	uint64_t sent_bytes; /* bytes sent when progress_ms was set */
	size_t next_unit; /* index of the next unit to send */
	/* bit I: unit I of the canary is in flight or has an outcome */
	uint64_t sent_units;
	/* next_unit could not be sent and is counted as failed */
	bool unsent_counted;
	bool known_answer_sent;
	struct admin_test_state_job *jobs;
	size_t n_jobs;
	uint64_t health_ms; /* time of the last health report */
	bool jobs_pinned; /* jobs of this session are pinned to classes */
};

/* The whole test, with the objects that all nodes share. */
struct admin_test_state {
	struct admin_node_test *test;
	struct peer_shared shared;
	struct inputs_toolchains toolchains;
	struct inputs_toolchain *tc;
	const struct inputs_reference_object *reference;
	struct peer_canary *canary, *burn_in;
	enum wire_codec codec;
	struct event *kick, *tick;
	struct admin_test_state_node *nodes;
	size_t n_nodes;
	struct admin_test_state_node *measured_node; /* NULL: none */
	bool compiler_added; /* the compiler was added to `shared` */
	uint64_t burn_in_start_ms;
};

/*
 * The callbacks of the test's peers.  The `ctx` of a peer is its struct
 * admin_test_state_node, and `shared.ctx` is the struct admin_test_state.
 */
extern const struct peer_ops admin_test_state_ops;

/* Advance all nodes.  Call it from the loop, never from a peer callback. */
void admin_test_stage_advance(struct admin_test_state *t, uint64_t now_ms);

#endif
