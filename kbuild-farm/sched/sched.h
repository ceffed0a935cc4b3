/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/sched.h - The dispatcher, a pure machine that assigns units to nodes.
 *
 * The dispatcher holds the state of all units, nodes and toolchains of one
 * build.  The caller feeds events (sched_event) and fetches actions
 * (sched_next_action).  The dispatcher does no I/O and has no clock.  The
 * caller passes the time in milliseconds, and times never decrease.  The same
 * events at the same times yield the same actions.
 *
 *	feed(ev):
 *		sched_event(s, clock_ms(), ev);
 *		while (sched_next_action(s, &a))
 *			carry_out(&a);
 *		set a timer to sched_next_ms(s), which feeds SCHED_EV_TIME
 *
 * The caller fetches all actions of an event before it feeds the next event.
 * Carrying out an action can cause further events, such as a failed send or a
 * lost connection.  The caller queues these events until all actions are
 * fetched, so they can be outdated.  Outdated events are ignored:
 *
 * - SCHED_EV_SEND_FAILED, SCHED_EV_HEARTBEAT, SCHED_EV_OUTPUT, SCHED_EV_RESULT
 *   and SCHED_EV_JOB_FAILED of a unit that is not on that node or has ended;
 * - SCHED_EV_HEDGE_DONE and SCHED_EV_HEDGE_FAILED of a unit without a hedge;
 * - SCHED_EV_NODE_LOST, SCHED_EV_SANDBOX, SCHED_EV_IDS_EXHAUSTED,
 *   SCHED_EV_NODE_SLOTS, SCHED_EV_NODE_CLOCK and SCHED_EV_PROBE_DONE of a
 *   node that is not connected.
 *
 * A unit can be sent to the same node twice.  The caller uses the job number on
 * the wire to ensure that a result belongs to the last SCHED_ACT_SEND.  The
 * caller feeds no events of a connection that was closed or renewed.  Any other
 * event that does not fit the state (allowed_transitions[] in sched/unit.c) is
 * a defect of the caller.  The program then prints the event and the state, and
 * aborts.
 *
 * Units, nodes, toolchains and object formats are numbers.  Unit numbers are
 * dense, never reused, and ascend in the order of arrival.  Expensive units are
 * served first, and units of equal cost in the order of arrival.  The nodes
 * have the numbers 0 to n_nodes - 1; each SCHED_EV_NODE_ADDED adds the next
 * number.  Toolchains and object formats are small numbers, defined by their
 * first use.
 *
 * The life of a unit, with the events of the event stream in quotes:
 *
 *	SCHED_EV_UNIT_ADDED			"queued"
 *	its toolchain and its object format become available
 *	SCHED_ACT_SCAN -> SCHED_EV_SCANNED	"scan"
 *	SCHED_ACT_SEND				"send", if successful
 *	SCHED_EV_RESULT -> SCHED_ACT_VERIFY	"receive"
 *	SCHED_EV_VERIFIED -> SCHED_ACT_DELIVER	"done", by the node
 *	SCHED_EV_UNIT_GONE
 *
 *	and, if the unit is late or would end last, concurrently with its job
 *	SCHED_ACT_SEND, a backup		"run" on the other node
 *	SCHED_EV_RESULT of one node -> SCHED_ACT_CANCEL on the other node
 *
 *	or SCHED_ACT_COMPILE_LOCAL		"run" on "local", with reason
 *	SCHED_EV_UNIT_GONE -> SCHED_ACT_LOCAL_DONE	"done", by "local"
 *
 *	and, if the unit is late, concurrently on the build host
 *	SCHED_ACT_HEDGE				"run" on "local", if successful
 *	SCHED_EV_HEDGE_DONE -> SCHED_ACT_DELIVER	"done", by "local"
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_TRIES_MAX 3 /* maximum number of nodes that try one unit */
/* in place of a node number: the build host */
#define SCHED_LOCAL UINT32_MAX
/* in place of a node number in SCHED_ACT_REPORT_DISABLED */
#define SCHED_ALL_NODES UINT32_MAX

struct sched;

struct sched_setup {
	/* Initial number of concurrent local compiles, including hedges. */
	unsigned n_local_slots;
	/*
	 * Initial number of local slots that compile units while all nodes are
	 * busy.
	 */
	unsigned n_spare_slots;
	/* maximum number of units that the workers scan or verify at a time */
	unsigned max_scans;
	/*
	 * Longest time that a unit waits for the nodes to report whether they
	 * have its toolchain.  After this time, the unit can take a free local
	 * slot.  The identification of the toolchain is work of the build host
	 * and always ends with SCHED_EV_TOOLCHAIN, so it has no time limit.
	 */
	unsigned max_wait_ms;
	uint64_t seed; /* for the random part of the backoff times */
	/* initial number of nodes; without nodes all units run locally */
	size_t n_nodes;
	bool remote_disabled; /* the user disabled the nodes */
};

/* Tool steps of a compile (kfarm-protocol(7)), as a bit set. */
enum sched_step {
	SCHED_STEP_SYMBOLS = 1,
	SCHED_STEP_OBJECT = 2,
	SCHED_STEP_DEVICETREE = 4,
};

/* the compiler, in a set of programs that also contains SCHED_STEP_* */
#define SCHED_COMPILER   8
#define SCHED_N_PROGRAMS 4 /* bits of such a set */

/* Cores of a node with equal properties. */
struct sched_core_class {
	unsigned n_cores;
	/*
	 * speed as the kernel of the node reports it, usually 1024 for the
	 * fastest class of a node; 0 if unknown
	 */
	unsigned capacity;
	/*
	 * clock limit in thousandths of the maximum clock, lower if the cores
	 * are throttled; 0 if unknown
	 */
	unsigned clock_milli;
};

/* Events, with the fields of struct sched_event that each one uses. */
enum sched_event_kind {
	SCHED_EV_TIME, /* only time has passed */

	/*
	 * A wrapper requests a compile: unit, toolchain, object_format,
	 * exclusive, steps, cost_ms; or only unit and `reason` if the unit
	 * cannot be offloaded.
	 */
	SCHED_EV_UNIT_ADDED,
	/*
	 * The scan ended: unit, input_bytes; or unit and `reason` if it failed.
	 */
	SCHED_EV_SCANNED,
	/*
	 * SCHED_ACT_SEND failed: unit, node, reason.  REASON_MANY_NAMES means
	 * that the connection has no ids left for new paths or flags.  The
	 * connection is then renewed, and another node is tried.  With any
	 * other reason, the unit is compiled locally.
	 */
	SCHED_EV_SEND_FAILED,
	/* Heartbeat of a job: unit, node, cpu_ms (CPU time so far). */
	SCHED_EV_HEARTBEAT,
	/* A piece of the output was received: unit, node. */
	SCHED_EV_OUTPUT,
	/* The result was received completely: unit, node, cpu_ms. */
	SCHED_EV_RESULT,
	/*
	 * The node could not complete the job: unit, node, fail, text; retry_ms
	 * with SCHED_FAIL_BUSY.  The node gets no unit for retry_ms; a time
	 * over 5 s counts as 5 s.
	 */
	SCHED_EV_JOB_FAILED,
	/*
	 * The result was verified: unit, verdict; reason and failed with
	 * SCHED_VERDICT_UNUSABLE, text and excused with SCHED_VERDICT_WRONG.
	 * If the unit's toolchain was modified, feed SCHED_EV_TOOLCHAIN first.
	 */
	SCHED_EV_VERIFIED,
	/*
	 * The hedge (a concurrent local compile) ended: unit, reason, text (the
	 * name of the source file).  The reason is REASON_NONE if the outputs
	 * of the hedge are usable; otherwise the wrapper compiles the unit.
	 */
	SCHED_EV_HEDGE_DONE,
	/* SCHED_ACT_HEDGE failed: unit.  The hedge will be retried. */
	SCHED_EV_HEDGE_FAILED,
	/*
	 * The wrapper has exited after compiling, delivering or giving up:
	 * unit, compiled.  The number is then invalid, with one exception: if a
	 * worker is still scanning or verifying the unit, the caller must later
	 * feed SCHED_EV_SCANNED or SCHED_EV_VERIFIED with this number.
	 */
	SCHED_EV_UNIT_GONE,

	/*
	 * The status of a toolchain changed: toolchain, status; reason with
	 * SCHED_STATUS_UNUSABLE.
	 */
	SCHED_EV_TOOLCHAIN,
	/* The status of an object format changed: object_format, status. */
	SCHED_EV_OBJECT_FORMAT,

	/*
	 * SCHED_ACT_DIAL succeeded and the node accepts jobs: node, n_slots,
	 * classes, n_classes.
	 */
	SCHED_EV_NODE_FIT,
	/* The node is connected but cannot make a sandbox: node, text. */
	SCHED_EV_NODE_UNFIT,
	/*
	 * The connection was closed, was silent for too long, or was not
	 * established in time: node, text, hello_received (the node sent HELLO
	 * in this build), permanent.  If `permanent` is set, the node is not
	 * dialed again, for example because it uses another protocol version.
	 * The node's sandboxes are lost, and its units get no result.
	 */
	SCHED_EV_NODE_LOST,
	/*
	 * The slots of a node changed: node, n_slots, shared (true if other
	 * build hosts use the node, too; jobs may then have to wait on the
	 * node), n_busy (slots in use for jobs that are not units).
	 */
	SCHED_EV_NODE_SLOTS,
	/*
	 * The clock limits of a node changed: node, classes and n_classes as in
	 * SCHED_EV_NODE_FIT.
	 */
	SCHED_EV_NODE_CLOCK,
	/*
	 * The state of a sandbox changed: node, toolchain, sandbox, steps (the
	 * tool steps that the sandbox accepts).
	 */
	SCHED_EV_SANDBOX,
	/*
	 * SCHED_ACT_PROBE ended: node, probe; text with SCHED_PROBE_WRONG and
	 * SCHED_PROBE_FAILED.
	 */
	SCHED_EV_PROBE_DONE,
	/* The connection has no ids left for new paths or flags: node. */
	SCHED_EV_IDS_EXHAUSTED,
	/*
	 * The user drains or resumes a node: node.  A drained node gets no more
	 * units; its running units continue.  Both events are accepted at any
	 * time and repeatedly; the setting survives the loss of the connection.
	 */
	SCHED_EV_NODE_DRAIN,
	SCHED_EV_NODE_RESUME,
	/* A node with the next number was added: node.  It will be dialed. */
	SCHED_EV_NODE_ADDED,
	/*
	 * The node was removed from the configuration: node, text.  The node
	 * is EXCLUDED permanently when its running units have ended.  Its
	 * number stays valid.
	 */
	SCHED_EV_NODE_REMOVED,
	/*
	 * The node's address or key has changed: node.  If the node was
	 * EXCLUDED because another node has the same key, the caller also feeds
	 * this event when the configuration changes.  The node is dialed at
	 * once like a new node, even if it is EXCLUDED.  The event has no
	 * effect on a node that is connected or was removed.
	 */
	SCHED_EV_NODE_RETRY,
	/*
	 * The node runs on the build host: node.  Until it replies, units wait
	 * without a time limit, because a local compile would compete with the
	 * node for the same processors.  SCHED_EV_NODE_LOST follows if the node
	 * does not work.
	 */
	SCHED_EV_NODE_LOCAL,

	/*
	 * The number of concurrent local compiles changed: n_slots, at least 1,
	 * and n_spare, the number of slots that compile units while all nodes
	 * are busy.  Compiles that are running continue.
	 */
	SCHED_EV_LOCAL_SLOTS,
	/*
	 * The expected number of units of the whole build changed to n_units,
	 * which is 0 if the number is unknown.
	 */
	SCHED_EV_EXPECTED_UNITS,

	SCHED_EV_N_KINDS, /* number of kinds */
};

/* Status of a toolchain or an object format. */
enum sched_status {
	SCHED_STATUS_UNKNOWN,
	SCHED_STATUS_READY,
	SCHED_STATUS_UNVERIFIED, /* was READY, and must be rechecked */
	SCHED_STATUS_UNUSABLE
};

/* Failure classes of a job, as in wire/msg.h. */
enum sched_fail {
	SCHED_FAIL_UNSUPPORTED,
	SCHED_FAIL_TOOLCHAIN,
	SCHED_FAIL_NODE,
	SCHED_FAIL_VOID,
	SCHED_FAIL_DEADLINE,
	SCHED_FAIL_BUSY,
	SCHED_FAIL_INPUT,
};

enum sched_verdict {
	SCHED_VERDICT_VALID, /* the outputs are in their temporary files */
	SCHED_VERDICT_WRONG, /* the node returned a wrong result */
	SCHED_VERDICT_UNUSABLE, /* not usable, through no fault of the node */
	/* the inputs have changed since the scan */
	SCHED_VERDICT_INPUTS_CHANGED,
};

/*
 * State of a toolchain on a node.  The dispatcher itself sets REQUESTED at
 * SCHED_EV_NODE_FIT (for all toolchains on this node) and at the first
 * SCHED_EV_TOOLCHAIN of a toolchain (for this toolchain on all connected
 * nodes).  The caller then requests these sandboxes, or reports another state
 * at once.
 */
enum sched_sandbox {
	SCHED_SANDBOX_NONE, /* not requested, rejected, lost or ended */
	/* the node will report READY at once or after an upload */
	SCHED_SANDBOX_REQUESTED,
	/*
	 * blobs are missing on the node, a test compile has not passed yet, or
	 * the caller has not yet decided which build of the compiler the node
	 * runs
	 */
	SCHED_SANDBOX_UPLOADING,
	SCHED_SANDBOX_READY,
	/*
	 * Like NONE.  In addition, the dispatcher cancels and rescans the units
	 * in the sandbox, because their inputs changed.
	 */
	SCHED_SANDBOX_STALE,
};

enum sched_probe {
	SCHED_PROBE_PASSED,
	SCHED_PROBE_WRONG,
	SCHED_PROBE_FAILED, /* the node could not complete the test */
	SCHED_PROBE_IMPOSSIBLE, /* no known-answer test is available now */
};

/* `text` and `classes` are borrowed until the event has been applied. */
struct sched_event {
	enum sched_event_kind kind;
	uint32_t unit, node, toolchain, object_format;
	enum reason reason;
	enum sched_status status;
	enum sched_fail fail;
	enum sched_verdict verdict;
	enum sched_sandbox sandbox;
	enum sched_probe probe;
	uint64_t input_bytes; /* bytes of all inputs */
	/* predicted CPU time of the unit in ms; 0: unknown */
	uint32_t cost_ms;
	uint32_t cpu_ms;
	/* time for which a busy node accepts no unit; 0: unknown */
	uint32_t retry_ms;
	unsigned n_slots, n_busy, n_spare;
	unsigned n_units;
	/*
	 * core classes to which the node can restrict jobs.  A node that cannot
	 * restrict jobs has one class with all cores.  n_classes is 0 if the
	 * cores are unknown.
	 */
	const struct sched_core_class *classes;
	unsigned n_classes;
	bool hello_received, permanent, shared;
	bool excused; /* verdict WRONG, but the node is not to blame */
	bool exclusive; /* two concurrent compiles would write the same files */
	/* the local compile, with its tool step, is known to have succeeded */
	bool compiled;
	/*
	 * program that failed on the node: one of SCHED_STEP_* or
	 * SCHED_COMPILER; 0: no program
	 */
	unsigned failed;
	/* SCHED_STEP_* that the unit needs or that the sandbox accepts */
	unsigned steps;
	const char *text;
};

/* Actions, with the fields of struct sched_action that each one uses. */
enum sched_action_kind {
	SCHED_ACT_SCAN, /* unit: determine its inputs on a worker */
	/*
	 * unit, node, deadline_ms (time limit of the job), cost_ms (predicted),
	 * pinned, class, backup: send the unit to the node, which restricts the
	 * job to cores of `class` if `pinned` is set.  If `backup` is set,
	 * another node executes the unit as well.
	 */
	SCHED_ACT_SEND,
	SCHED_ACT_CANCEL, /* unit, node: the job is no longer needed */
	SCHED_ACT_VERIFY, /* unit, node: verify the result on a worker */
	SCHED_ACT_COMPILE_LOCAL, /* unit, reason: let its wrapper compile it */
	SCHED_ACT_HEDGE, /* unit (never exclusive): compile it locally, too */
	SCHED_ACT_STOP_HEDGE, /* unit: kill its hedge */
	/*
	 * unit, node (or SCHED_LOCAL with `reason`), n_retries, cost_ms:
	 * deliver the outputs to the wrapper
	 */
	SCHED_ACT_DELIVER,
	/* unit, reason, n_retries, cost_ms: the local compile ended */
	SCHED_ACT_LOCAL_DONE,
	/* node: connect; SCHED_EV_NODE_FIT, _UNFIT or _LOST follows */
	SCHED_ACT_DIAL,
	SCHED_ACT_DISCONNECT, /* node: disconnect permanently */
	/* node: send BYE and disconnect; SCHED_ACT_DIAL follows */
	SCHED_ACT_RECONNECT,
	SCHED_ACT_PROBE, /* node: send a known-answer test */
	/* node, state, text (the cause, or NULL): report the state */
	SCHED_ACT_REPORT_NODE,
	/*
	 * node (or SCHED_ALL_NODES), toolchain, program, n_failures: report
	 * that the program is disabled on the node after this number of
	 * failures, or enabled again if the number is 0 (sched/disable.h)
	 */
	SCHED_ACT_REPORT_DISABLED,
};

enum sched_node_state {
	SCHED_NODE_DOWN, /* waiting for the next dial */
	SCHED_NODE_CONNECTING, /* until the node reports whether it is fit */
	SCHED_NODE_UP,
	SCHED_NODE_UNFIT, /* cannot run jobs; dialed again later */
	SCHED_NODE_BACKOFF, /* failed, waiting to be probed */
	SCHED_NODE_PROBATION, /* runs a known-answer test */
	SCHED_NODE_EXCLUDED, /* gets no jobs for the rest of the build */
	/*
	 * For a drained node, these states are reported in place of its actual
	 * state: DRAINING while it still has units, then DRAINED.
	 */
	SCHED_NODE_DRAINING,
	SCHED_NODE_DRAINED,
	SCHED_NODE_REMOVED, /* reported for a removed node */
};

struct sched_action {
	enum sched_action_kind kind;
	uint32_t unit, node;
	enum reason reason;
	uint32_t deadline_ms;
	bool pinned, backup;
	unsigned class; /* index in the classes of SCHED_EV_NODE_FIT */
	unsigned n_retries; /* retries on other nodes, and rescans */
	/* cost of the unit, independent of its core; 0: unknown */
	uint32_t cost_ms;
	enum sched_node_state state;
	uint32_t toolchain;
	unsigned program; /* one of SCHED_STEP_* or SCHED_COMPILER */
	unsigned n_failures;
	const char *text; /* valid until the next event */
};

/* Create a dispatcher for one build. */
struct sched *sched_new(const struct sched_setup *setup);
/* Free the dispatcher; `s` can be NULL. */
void sched_free(struct sched *s);
/* Apply one event at time now_ms.  Times never decrease. */
void sched_event(struct sched *s, uint64_t now_ms,
		 const struct sched_event *ev);
/*
 * Fetch the next action in order.  Returns false if there is no further action.
 */
bool sched_next_action(struct sched *s, struct sched_action *action);
/* Return the time of the next timeout, or UINT64_MAX. */
uint64_t sched_next_ms(const struct sched *s);

/* Counts of the whole build. */
struct sched_counts {
	unsigned n_running; /* units being compiled or verified */
	/* part of n_running: sent to a node, no result received yet */
	unsigned n_remote;
	unsigned n_local; /* part of n_running: compiled by their wrappers */
	unsigned n_queued; /* units that wait or are being scanned */
	/* part of n_queued: waiting for a local slot */
	unsigned n_waiting_local;
	/*
	 * nodes that are being dialed or wait for the first dial, and are not
	 * drained
	 */
	unsigned n_undecided_nodes;
	/*
	 * slots of the nodes that are up and not drained, except nodes on which
	 * a compiler is disabled
	 */
	unsigned n_slots;
	unsigned n_local_slots_used; /* local slots in use */
};

/* Counts of one node. */
struct sched_node_counts {
	enum sched_node_state state;
	/*
	 * cause of the state or, for a node that is up, of its reduced slot
	 * window; NULL if there is no cause; valid until the next event
	 */
	const char *text;
	unsigned n_slots, n_running;
	unsigned n_jobs; /* jobs completed on the node */
	unsigned n_errors; /* faults of the node */
	/* units that were retried elsewhere after a failure on the node */
	unsigned n_retries;
};

/* Fill `out` with the current counts of the build or of one node. */
void sched_counts(const struct sched *s, struct sched_counts *out);
void sched_node_counts(const struct sched *s, uint32_t node,
		       struct sched_node_counts *out);
/*
 * Return the programs (SCHED_STEP_*, SCHED_COMPILER) that are disabled in the
 * sandbox of the toolchain on the node.
 */
unsigned sched_disabled(const struct sched *s, uint32_t node,
			uint32_t toolchain);
/* Return true if the compiler of any toolchain is disabled on the node. */
bool sched_is_compiler_disabled(const struct sched *s, uint32_t node);
/*
 * Return the mean predicted cost in ms of the scanned units.  If no scanned
 * unit has a predicted cost yet, return the mean duration of the local
 * compiles.  Returns 0 if neither is known.
 */
uint64_t sched_mean_cost_ms(const struct sched *s);
/* Return the name of a state for the user: "up", "connecting", "resting" ... */
const char *sched_node_state_name(enum sched_node_state state);

#endif
