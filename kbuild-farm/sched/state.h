/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/state.h - what the files of this room share.  Who may change what:
 * unit.c the units and their counts, node.c the nodes and the cells.
 */
#ifndef SCHED_STATE_H
#define SCHED_STATE_H

#include "base/list.h"
#include "sched/cost.h"
#include "sched/sched.h"
#include "sched/share.h"
#include "sched/window.h"

/* The table of what moves a unit from one to another is in sched/unit.c. */
enum sched_unit_state {
	UNIT_NONE, /* not known */
	UNIT_NEW, /* its toolchain or kind of object is not known yet */
	UNIT_TO_SCAN, /* waits for its turn to be scanned */
	UNIT_SCAN, /* a worker has it */
	UNIT_READY, /* waits for a node */
	UNIT_REMOTE, /* on `node` */
	UNIT_CHECK, /* a worker has the answer of `node` */
	UNIT_HELD, /* examined; until its toolchain is known again */
	UNIT_TO_LOCAL, /* waits for a local slot */
	UNIT_LOCAL, /* its wrapper became the compiler */
	UNIT_DONE, /* its wrapper renames the outputs and ends */
	UNIT_LEFT, /* its wrapper is gone, a worker still has it */
	UNIT_STATES,
};

/* What can be expected of a node for a toolchain. */
enum sched_available {
	AVAILABLE_NEVER,
	AVAILABLE_SHIPPING, /* its bytes, or the node itself, take a while */
	AVAILABLE_SOON, /* within a few seconds it is there, or it is not */
	AVAILABLE_NOW, /* it has the toolchain */
	AVAILABLE_KINDS,
};

struct sched_node;
struct sched_toolchain;

struct sched_unit {
	TAILQ_ENTRY(sched_unit) link; /* in the list of its state */
	TAILQ_ENTRY(sched_unit) sent_link;
	uint32_t number;
	enum sched_unit_state state;
	struct sched_toolchain *toolchain;
	uint32_t object;
	enum reason why; /* why local; or of the last retry */
	uint64_t came_ms;
	uint64_t bytes; /* of its inputs */
	bool working; /* a worker has it */
	bool hedged; /* a hedge runs */
	bool exclusive; /* none may */
	unsigned steps; /* beside it: not every cell takes them */
	bool sent; /* is in the list of those */
	unsigned rescans; /* after something was missing or changed */
	unsigned retries; /* how often it was begun anew */

	struct sched_node *node; /* of REMOTE, CHECK and HELD */
	struct sched_node *tried[SCHED_TRIES];
	unsigned n_tried;
	uint64_t first_sent_ms, progress_ms;
	struct sched_share since; /* what `node` had given when it was sent */
	uint32_t cpu_ms; /* as the last beat, or the answer, said */
	enum sched_verdict verdict; /* of HELD, with its reason and words */
	enum reason verdict_reason;
	char *words;
};

TAILQ_HEAD(sched_units, sched_unit); /* in the order of arrival */

struct sched_cell_state {
	enum sched_cell cell;
	uint64_t asked_ms;
	enum sched_available available;
	bool open; /* takes a unit now */
	unsigned steps; /* also one that has these, as far as was said */
};

struct sched_toolchain {
	enum sched_known known;
	enum reason why; /* of SCHED_BAD */
	struct sched_units fresh, to_scan, ready, held;
	struct sched_cell_state *cell; /* by node */
	size_t n_cells;
	unsigned n_available[AVAILABLE_KINDS]; /* how many nodes, by kind */
	unsigned n_open;
	bool review; /* those that are READY: no node may be left */
};

struct sched_node {
	uint32_t number;
	enum sched_node_state state;
	char *words;
	uint64_t due_ms; /* of the next dial or probe */
	uint64_t dialed_ms;
	unsigned slots, busy;
	unsigned running; /* units and `busy` */
	unsigned free; /* slots, while it is up */
	bool worn; /* no jobs until it is renewed */
	bool drained; /* none until it is resumed */
	bool draining; /* it was told as that: it has units */
	bool removed; /* drained, and OUT when its units have ended */
	bool connected_before;
	bool suspected; /* the last unit failed, perhaps by its own fault */
	unsigned faults; /* in a row; with relapses: how long it rests */
	struct sched_window window;
	struct sched_share share;
	unsigned strikes; /* wrong answers in this build */
	unsigned jobs, errors, retries;
	struct sched_units units; /* that are REMOTE on it */
};

struct sched {
	struct sched_setup setup;
	uint64_t now_ms, random;
	enum sched_event_kind by; /* what moves units */

	struct sched_node **nodes;
	size_t n_nodes;
	struct sched_toolchain **toolchains;
	size_t n_toolchains;
	enum sched_known *objects;
	size_t n_objects;
	struct sched_unit **units; /* by number */
	size_t n_units;

	struct sched_units to_local;
	struct sched_units sent; /* by their first send */
	unsigned n_in[UNIT_STATES];
	unsigned workers, locals;
	unsigned free_slots; /* of nodes */
	struct sched_cost cost;

	uint64_t due_ms; /* of nodes and cells; not later */
	uint64_t watch_ms; /* when those that were sent are looked at */

	struct sched_action *actions;
	size_t n_actions, n_taken, actions_cap;
};

/* What an event changes at once, before units take their next steps. */
void sched_handle(struct sched *s, const struct sched_event *ev);
/* Append an action; its words are copied. */
void sched_act(struct sched *s, const struct sched_action *a);
/* Forget all actions. */
void sched_act_reset(struct sched *s);
/* Ends the program: `what` cannot happen to something that is `state`. */
void sched_impossible(const char *what, const char *state, uint32_t number)
	__attribute__((noreturn));

#endif
