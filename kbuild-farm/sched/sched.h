/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/sched.h - who compiles what: the dispatcher as a pure machine.
 *
 * It holds the state of all units, nodes and toolchains of one build.  What
 * happened goes in (sched_event), what is to be done comes out
 * (sched_next_action); it does no I/O and knows no clock.  Time is an argument
 * in milliseconds that never goes back, and the same events at the same times
 * give the same actions.
 *
 *	feed(ev):
 *		sched_event(s, clock_ms(), ev);
 *		while (sched_next_action(s, &a))
 *			carry_out(&a);
 *		set a timer to sched_next_ms(s), which feeds SCHED_TIME
 *
 * All actions of an event are taken out before the next is fed.  What happens
 * while they are carried out (a send that fails, a connection that breaks)
 * waits until then; such news may be late, and late news change nothing:
 *  - SCHED_UNSENT, SCHED_BEAT, SCHED_OUTPUT, SCHED_ANSWERED, SCHED_FAILED of a
 *    unit that is not, or no longer, on that node, or that has ended;
 *  - SCHED_UNHEDGED of a unit whose hedge was stopped;
 *  - SCHED_LOST, SCHED_CELL, SCHED_WORN, SCHED_SLOTS and SCHED_PROBED of a
 *    node that is not connected.
 * A unit may be sent to one node twice: that an answer belongs to the last
 * SCHED_SEND is for the caller to know (by the job's number on the wire).  And
 * of a conversation that was hung up or renewed nothing more is fed.  Any
 * other event that does not fit the state is a defect of the caller: the
 * program aborts and names both (the table is in sched/unit.c).
 *
 * Units, nodes, toolchains and kinds of object are numbers.  Those of units
 * are dense, never used twice, and in the order of their arrival, which is the
 * order in which units are served.  Nodes are 0 to n_nodes - 1, and what
 * SCHED_ADDED adds.  Toolchains
 * and kinds of object are small numbers, known by being mentioned.
 *
 * A unit's way, and what the views are told of it:
 *
 *	SCHED_CAME			"queued"
 *	its toolchain and its kind of object become known
 *	SCHED_SCAN -> SCHED_SCANNED	"scan"
 *	SCHED_SEND			"send", when that worked
 *	SCHED_ANSWERED -> SCHED_EXAMINE	"receive"
 *	SCHED_EXAMINED -> SCHED_DELIVER	"done", by the node
 *	SCHED_LEFT
 *
 *	or SCHED_COMPILE		"run" on "local", with the reason
 *	SCHED_LEFT -> SCHED_DONE	"done", by "local"
 *
 *	and beside the way to a node
 *	SCHED_HEDGE			"run" on "local", when that worked
 *	SCHED_HEDGED -> SCHED_DELIVER	"done", by "local"
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHED_TRIES 3 /* nodes that a unit is given to, at most */
#define SCHED_LOCAL UINT32_MAX /* in the place of a node: this machine */

struct sched;

struct sched_setup {
	/* Compiles at once on this machine, hedges too, at first. */
	unsigned local_slots;
	unsigned scans_max; /* units that the workers have at once */
	/*
	 * How long a unit waits for its toolchain to be known, and for a node
	 * to say if it has it, before a free local slot takes it.
	 */
	unsigned patience_ms;
	uint64_t seed; /* of the jitter of rests */
	size_t n_nodes; /* at first; with none every unit is compiled here */
	bool no_remote; /* because the user said so */
};

/* ----------------------------------------------------------------- events */

/* Programs beside a compile (wire/PROTOCOL), as sets of these. */
enum sched_step {
	SCHED_STEP_SYMBOLS = 1,
	SCHED_STEP_OBJECT = 2,
	SCHED_STEP_DEVICETREE = 4,
};

/* What each event means, and which fields of struct sched_event it has. */
enum sched_event_kind {
	SCHED_TIME, /* nothing but time passed */

	/*
	 * A wrapper asks for a compile: unit, toolchain, object, exclusive,
	 * steps: the kind of a program beside it; or `reason`, why it cannot
	 * go to a node, with which the others are not looked at.
	 */
	SCHED_CAME,
	/* Its inputs are known: bytes; or `reason`. */
	SCHED_SCANNED,
	/*
	 * SCHED_SEND could not be carried out: unit, node, reason.  With
	 * REASON_MANY_NAMES another node is tried and this connection renewed;
	 * else it is compiled here.
	 */
	SCHED_UNSENT,
	/* A sign of life: unit, node, cpu_ms, the CPU time so far. */
	SCHED_BEAT,
	/* A piece of its output: unit, node. */
	SCHED_OUTPUT,
	/* All of its answer is there: unit, node, cpu_ms. */
	SCHED_ANSWERED,
	/* The node did not do it: unit, node, fail; words. */
	SCHED_FAILED,
	/*
	 * The answer was examined: unit, verdict; with SCHED_ANSWER_LOCAL
	 * reason, with SCHED_ANSWER_WRONG words.  If its toolchain was touched,
	 * say that first.
	 */
	SCHED_EXAMINED,
	/*
	 * Its hedge ended: unit; reason: REASON_NONE, the outputs can be used;
	 * else it is compiled by its wrapper.  words: the source's name.
	 */
	SCHED_HEDGED,
	/* SCHED_HEDGE could not be carried out: unit.  It comes again. */
	SCHED_UNHEDGED,
	/*
	 * Its wrapper is gone, having compiled, renamed, or given up: unit.
	 * The number is not known any more; only what a worker still has of it
	 * must be reported, by SCHED_SCANNED or SCHED_EXAMINED.
	 */
	SCHED_LEFT,

	/* toolchain, known; with SCHED_BAD reason. */
	SCHED_TOOLCHAIN,
	/* object, known. */
	SCHED_OBJECT,

	/* The answers to SCHED_DIAL: node, slots: it takes jobs. */
	SCHED_FIT,
	/* node, words: it is connected and cannot make a sandbox. */
	SCHED_UNFIT,
	/*
	 * The conversation ended (closed, silent for too long), or did not
	 * begin in time: node, words; greeted: it said hello in this build;
	 * for_good: it speaks another protocol.  Its cells are gone and its
	 * units are not answered.
	 */
	SCHED_LOST,
	/* node, slots; busy: those in use for other things than units. */
	SCHED_SLOTS,
	/* node, toolchain, cell; steps: it takes units with these. */
	SCHED_CELL,
	/* What came of SCHED_PROBE: node, probe; words. */
	SCHED_PROBED,
	/* This connection can name no more: node. */
	SCHED_WORN,
	/*
	 * It is to get no more units, those on it may end: node; and it may
	 * have some again.  At any time, also twice; it stays so whatever
	 * becomes of the connection.
	 */
	SCHED_DRAIN,
	SCHED_RESUME,
	/* There is one node more: node, the next number.  It is dialed. */
	SCHED_ADDED,
	/*
	 * It is not to be used any more: node, words.  Units on it may end;
	 * then it is OUT for good.  Its number stays known.
	 */
	SCHED_REMOVED,
	/*
	 * Something is new about the way to it, so that it is worth to dial it
	 * at once as if it were new, even if it was OUT: node.  Of one that is
	 * connected, or was removed, that changes nothing.
	 */
	SCHED_RETRY,

	/*
	 * slots: compiles at once on this machine from now on, at least 1;
	 * those that run are left to end.
	 */
	SCHED_LOCAL_SLOTS,

	SCHED_EVENTS, /* how many */
};

/* What is known of a toolchain or of a kind of object. */
enum sched_known {
	SCHED_UNKNOWN,
	SCHED_READY,
	SCHED_TOUCHED, /* was READY: is it still the same? */
	SCHED_BAD
};

/* Why a node did not do a unit (wire/msg-job.h has the same classes). */
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
	SCHED_ANSWER_GOOD, /* the outputs are in their temporaries */
	SCHED_ANSWER_WRONG, /* the node answered something false */
	SCHED_ANSWER_LOCAL, /* not to be used, and not the node's fault */
	SCHED_ANSWER_CHANGED, /* its inputs did, meanwhile */
};

/*
 * A toolchain on a node.  With SCHED_FIT all that are known, and with
 * SCHED_TOOLCHAIN all nodes that are connected, count as ASKED: the caller asks
 * for the cell, or says at once what else it is.
 */
enum sched_cell {
	SCHED_CELL_NONE, /* not asked for, refused, lost, or over */
	SCHED_CELL_ASKED, /* its answer may come at once, or after bytes */
	SCHED_CELL_SHIPPING, /* it lacks bytes, or is being found out */
	SCHED_CELL_READY,
	/* As NONE, and its units are cancelled: their inputs changed. */
	SCHED_CELL_SPOILED,
};

enum sched_probe {
	SCHED_PROBE_RIGHT,
	SCHED_PROBE_WRONG,
	SCHED_PROBE_FAILED, /* the node did not do it: words */
	SCHED_PROBE_IMPOSSIBLE, /* nothing is known to ask it; not now */
};

/* `words` are borrowed for the call. */
struct sched_event {
	enum sched_event_kind kind;
	uint32_t unit, node, toolchain, object;
	enum reason reason;
	enum sched_known known;
	enum sched_fail fail;
	enum sched_verdict verdict;
	enum sched_cell cell;
	enum sched_probe probe;
	uint64_t bytes; /* of all that it reads */
	uint32_t cpu_ms;
	unsigned slots, busy;
	bool greeted, for_good;
	bool exclusive; /* two compiles of it would write the same files */
	unsigned steps; /* SCHED_STEP_*: only a cell that takes them all gets it
			 */
	const char *words;
};

/* ---------------------------------------------------------------- actions */

enum sched_action_kind {
	SCHED_SCAN, /* unit: find its inputs, on a worker */
	SCHED_SEND, /* unit, node; deadline_ms: when the node is to stop it */
	SCHED_CANCEL, /* unit, node: it is of no use any more */
	SCHED_EXAMINE, /* unit, node: look at its answer, on a worker */
	SCHED_COMPILE, /* unit, reason: its wrapper is to compile it */
	SCHED_HEDGE, /* unit, not exclusive: compile it here beside its node */
	SCHED_STOP_HEDGE, /* unit */
	/*
	 * unit; node, or SCHED_LOCAL with `reason`: its wrapper gets the
	 * outputs; retries
	 */
	SCHED_DELIVER,
	SCHED_DONE, /* unit, reason: its compile here ended; retries */
	SCHED_DIAL, /* node: connect; SCHED_FIT, _UNFIT or _LOST follows */
	SCHED_HANG_UP, /* node: for good */
	SCHED_RENEW, /* node: say goodbye, hang up; SCHED_DIAL follows */
	SCHED_PROBE, /* node: a unit whose answer is known */
	SCHED_NODE, /* node, state: tell the views; words: why, or NULL */
};

enum sched_node_state {
	SCHED_NODE_DOWN, /* waits for its next dial */
	SCHED_NODE_GREETING, /* until it says if it is fit */
	SCHED_NODE_UP,
	SCHED_NODE_UNFIT, /* connected, and gets no jobs */
	SCHED_NODE_RESTING, /* failed, waits to be probed */
	SCHED_NODE_PROVING, /* has a unit whose answer is known */
	SCHED_NODE_OUT, /* for the rest of the build */
	/*
	 * What is told of a drained node, whatever it is beneath: it has units
	 * that may end, or none.
	 */
	SCHED_NODE_DRAINING,
	SCHED_NODE_DRAINED,
};

struct sched_action {
	enum sched_action_kind kind;
	uint32_t unit, node;
	enum reason reason;
	uint32_t deadline_ms;
	unsigned retries; /* how often it was begun anew */
	enum sched_node_state state;
	const char *words; /* until the next event */
};

/* ------------------------------------------------------------------ calls */

struct sched *sched_new(const struct sched_setup *setup);
/* NULL is fine. */
void sched_free(struct sched *s);
void sched_event(struct sched *s, uint64_t now_ms,
		 const struct sched_event *ev);
/* The next thing to do, in order; false: that was all. */
bool sched_next_action(struct sched *s, struct sched_action *action);
/* When something falls due by time alone; UINT64_MAX: never. */
uint64_t sched_next_ms(const struct sched *s);

struct sched_figures {
	unsigned running; /* compiled or examined; `remote_now` on nodes */
	unsigned queued, remote_now;
	unsigned here; /* of `running`, by their wrappers */
	unsigned waiting; /* of `queued`, for a local slot */
	unsigned undecided; /* nodes neither up, lost nor drained yet */
	unsigned slots; /* of the nodes that are up, and not drained */
	unsigned locals; /* local slots in use */
};

struct sched_node_figures {
	enum sched_node_state state;
	const char *words; /* why it is not up, until the next event; or NULL */
	unsigned slots, running;
	unsigned jobs; /* done there */
	unsigned errors; /* node faults */
	unsigned retries; /* units that went elsewhere after it failed them */
};

void sched_figures(const struct sched *s, struct sched_figures *out);
void sched_node_figures(const struct sched *s, uint32_t node,
			struct sched_node_figures *out);
/* As views show it: "up", "connecting", "resting" ... */
const char *sched_node_state_name(enum sched_node_state state);

#endif
