/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin/node-test.h - Concurrent test of nodes, which uses them like a build.
 *
 *	1. connection: the messages HELLO, FIT and MACHINE
 *	2. bandwidth, one node after the other, so that they do not share
 *	   the link of the build host
 *	3. upload of a compiler, the canary (peer/canary.h), and a
 *	   known-answer test (inputs/toolchain.h)
 *	4. optionally a burn-in: sources whose objects are known are compiled
 *	   on all cores for the requested time
 *
 * A burn-in finds rare faults: an overclocked board that occasionally
 * miscomputes, or a board that overheats after ten minutes.  A node that is
 * lost during the burn-in is dialed again.
 */
#ifndef ADMIN_NODE_TEST_H
#define ADMIN_NODE_TEST_H

#include "base/digest.h"
#include "node/roster.h"
#include "wire/msg.h"

#include <stdatomic.h>

#define ADMIN_NODE_TEST_UNITS_MAX 32 /* maximum number of burn-in units */

/* Outcomes of one kind of compile. */
struct admin_node_test_count {
	unsigned n_sent; /* units sent, and units that could not be sent */
	unsigned n_right;
	unsigned n_wrong; /* object differs from the local one */
	unsigned n_crashed; /* compiler failed on the node only */
	unsigned n_damaged; /* peer_job_result_check() failed */
	unsigned n_failed; /* unit not sent, or no result from the node */
	char *first_error; /* text of the first failure; NULL: none */
	/* time from the start of the burn-in to the first failure */
	uint64_t first_error_ms;
};

/* Results of one core class in a burn-in. */
struct admin_node_test_class {
	char *name; /* for example "Cortex-A72" or "1512 MHz" */
	unsigned n_cpus; /* CPUs that jobs can use; 0: not tested */
	struct admin_node_test_count burn_in;
	uint64_t cpu_ms, throttled_ms;
	/* as in struct admin_node_test_result */
	uint32_t min_speed_milli, max_throttled;
};

/* A thermal zone. */
struct admin_node_test_zone {
	char *name;
	uint32_t max_mk;
};

/*
 * Outcomes of one unit.  If all objects of a unit are wrong and equal to each
 * other, the node probably has a different compiler.
 */
struct admin_node_test_unit {
	unsigned n_right, n_wrong;
	struct digest wrong_digest; /* first wrong object */
	bool inconsistent; /* the wrong objects differ from each other */
};

enum admin_node_test_bandwidth {
	ADMIN_NODE_TEST_BANDWIDTH_UNTESTED,
	ADMIN_NODE_TEST_BANDWIDTH_MEASURED,
	/* the first file was not transferred in time */
	ADMIN_NODE_TEST_BANDWIDTH_TIMEOUT,
};

enum admin_node_test_stage {
	ADMIN_NODE_TEST_STAGE_HELLO,
	ADMIN_NODE_TEST_STAGE_BANDWIDTH,
	ADMIN_NODE_TEST_STAGE_COMPILER,
	ADMIN_NODE_TEST_STAGE_CANARY,
	ADMIN_NODE_TEST_STAGE_KNOWN_ANSWER,
	ADMIN_NODE_TEST_STAGE_READY, /* waits until the other nodes are ready */
	ADMIN_NODE_TEST_STAGE_BURN_IN,
	ADMIN_NODE_TEST_STAGE_FINISHED,
};

struct admin_node_test_result {
	const struct node_entry *entry; /* borrowed */

	bool up; /* HELLO and FIT were received in at least one session */
	/* incompatible: build host and node have no common protocol version */
	bool fit, incompatible;
	char *error; /* why the node is not up or not fit */
	unsigned rtt_ms; /* time from dialing to HELLO */
	char *software, *layers, *machine, *boot_id;
	/* node and build host are the same machine; set by the caller */
	bool is_build_host;
	unsigned cores, slots;
	char *class_text; /* "2 Cortex-A72 at 1800 MHz, 4 ..."; NULL: unknown */

	/* As in struct wire_machine. */
	struct digest machine_id;
	uint8_t n_macs;
	struct wire_mac *macs;
	/* text about a node with the same key, machine id or MAC; or NULL */
	char *duplicate_text;
	bool excluded; /* a duplicate to which a build gives no jobs */
	/* whether the node reports its clock and its free space */
	bool has_clock, has_free;
	int64_t clock_offset_ms; /* node's clock minus local clock */
	uint64_t free_mib; /* free space of the node's store */

	enum admin_node_test_bandwidth bandwidth;
	uint64_t bits_per_s; /* after a timeout, an upper bound */

	bool has_compiler; /* the compiler is ready in a sandbox */
	char *missing_reason; /* why the compiler is not ready; or NULL */
	struct admin_node_test_count canary, known_answer, burn_in;

	/* the stage in which the session was lost; HELLO: none */
	enum admin_node_test_stage lost_stage;
	char *lost_reason; /* reason for the last loss */

	/* Burn-in. */
	struct admin_node_test_unit units[ADMIN_NODE_TEST_UNITS_MAX];
	unsigned n_lost; /* number of lost sessions */
	unsigned n_restarts; /* losses after which the boot id had changed */
	uint64_t cpu_ms; /* CPU time of the compilers */
	/*
	 * maximum temperature and minimum clock in HEALTH messages;
	 * WIRE_HEALTH_UNKNOWN: not reported
	 */
	uint32_t max_mk, min_speed_milli;
	uint64_t throttled_ms; /* time with a clock reduced by cooling */
	uint32_t max_throttled; /* maximum number of throttled CPUs */
	/*
	 * One result per core class, in the order of the message MACHINE; NULL
	 * if the classes are unknown or the node cannot pin jobs.
	 */
	struct admin_node_test_class *class_results;
	unsigned n_classes;
	/* the node has several classes but cannot pin jobs */
	bool classes_merged;
	struct admin_node_test_zone *zones;
	unsigned n_zones;
};

struct admin_node_test {
	struct admin_node_test_result *nodes;
	size_t n_nodes;
	const char *driver; /* absolute path of the compiler */
	char *const *env;
	const char *work_dir; /* private directory */
	const char *canary_db, *data_dir; /* see struct peer_shared */
	uint64_t burn_in_ms; /* 0: no burn-in */
	/* Called from the loop about five times a second; can be NULL. */
	void (*on_progress)(void *ctx);
	void *ctx;
	const atomic_bool *cancel; /* ends the test once true; can be NULL */

	/* Progress: the stage of each node. */
	enum admin_node_test_stage *stages;
	/* number of burn-in sources, in total and compiled locally so far */
	unsigned n_sources, n_sources_done;
	uint64_t burn_in_elapsed_ms; /* 0 before the burn-in */

	/* Results. */
	char *compiler_error; /* why the compiler cannot be tested; or NULL */
	bool cancelled;
};

/* Initialize an empty result for a node; `entry` is borrowed. */
void admin_node_test_result_init(struct admin_node_test_result *n,
				 const struct node_entry *entry);
/* Free the texts and arrays of a result; its entry stays set. */
void admin_node_test_result_release(struct admin_node_test_result *n);
/* Return the number of core classes that were tested. */
unsigned admin_node_test_count_classes(const struct admin_node_test_result *n);
/*
 * Test the nodes and block until all sessions have ended.  The results are in
 * trial->nodes, even if *trial->cancel ended the test.  Returns 0, or -ENOMEM
 * with `err` set if no event loop can be created.
 */
int admin_node_test_run(struct admin_node_test *trial, struct err *err);

#endif
