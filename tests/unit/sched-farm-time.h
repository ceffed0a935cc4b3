/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sched-farm-time.h - State, probabilities and future events of a farm of
 * unit/sched-farm.h, in the order of virtual time.
 */
#ifndef UNIT_SCHED_FARM_TIME_H
#define UNIT_SCHED_FARM_TIME_H

#include "base/str.h"
#include "sched/sched.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FARM_TOOLCHAINS 3
#define FARM_OBJECTS    3

/* Probabilities are in thousandths. */
struct farm_setup {
	uint64_t seed;
	unsigned nodes, slots, local_slots, units, at_once;
	unsigned scans_max, patience_ms;
	unsigned job_ms, local_ms; /* on average */
	unsigned kill; /* the wrapper exits early */
	unsigned local; /* the unit is local from the start, or by its scan */
	unsigned unsent, fail, stall, swallow; /* for a unit on a node */
	unsigned wrong, changed, verdict_local;
	unsigned touch; /* for a toolchain, during verification */
	unsigned hedge_fails, hedge_bad;
	unsigned die, spoil, wear; /* for a node, each second */
	unsigned unfit, no_cell, never; /* during a handshake */
	unsigned drain; /* each second, a node is drained or resumed */
	unsigned classes; /* another core class of a node, and known costs */
};

enum farm_what {
	FARM_COME,
	FARM_SCANNED,
	FARM_BEAT,
	FARM_ANSWER,
	FARM_FAIL,
	FARM_EXAMINED,
	FARM_HEDGED,
	FARM_LEAVE,
	FARM_GREET,
	FARM_CELL,
	FARM_NODE, /* a second has passed for a node */
	FARM_PROBED,
	FARM_IDLE, /* a node no longer uses its slot itself */
	FARM_ASK, /* a second in which a node can be drained or resumed */
	FARM_KNOWN, /* a toolchain is verified again */
	FARM_OBJECT,
};

/* A future event. */
struct farm_next {
	uint64_t ms, order;
	enum farm_what what;
	uint32_t unit, node, number, extra;
};

struct farm_job {
	bool runs; /* on `node`, with the job number `number` */
	uint32_t node, number;
};

struct farm_unit {
	bool came, left, compiles, delivered, worker, hedge, answered;
	struct farm_job jobs[2]; /* the second one is a backup */
	uint32_t hedge_number;
	unsigned ends;
};

struct farm_node {
	struct sched_core_class classes[3];
	unsigned n_classes;
	bool connected, greeting, probing, up;
	bool drained, drained_once;
	unsigned running, busy;
	uint32_t conversation;
	enum sched_sandbox cell[FARM_TOOLCHAINS];
};

struct farm {
	struct farm_setup setup;
	struct sched *s;
	uint64_t now_ms, fed_ms, random, order, digest;
	uint64_t n_events, n_actions;
	struct farm_next *heap;
	size_t n_heap, heap_room;
	struct sched_event *late; /* occurred while actions are processed */
	size_t n_late, late_room;
	struct farm_unit *units;
	struct farm_node *nodes;
	uint32_t n_came, n_alive, n_gone, next_number;
	unsigned locals, scanning;
	bool touched[FARM_TOOLCHAINS];
	unsigned delivered, compiled, killed, hedges, backups;
};

static uint64_t farm_random(struct farm *f, uint64_t below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random % below;
}

static bool farm_chance(struct farm *f, unsigned thousandths)
{
	return farm_random(f, 1000) < thousandths;
}

static uint64_t farm_about(struct farm *f, uint64_t ms)
{
	return ms / 4 + farm_random(f, ms * 3 / 2 + 1);
}

/* ------------------------------------------------------------ future events */

static bool farm_before(const struct farm_next *a, const struct farm_next *b)
{
	return a->ms < b->ms || (a->ms == b->ms && a->order < b->order);
}

static void farm_swap(struct farm *f, size_t i, size_t j)
{
	struct farm_next t = f->heap[i];

	f->heap[i] = f->heap[j];
	f->heap[j] = t;
}

static void farm_in(struct farm *f, uint64_t ms, struct farm_next next)
{
	size_t i = f->n_heap;

	if (i == f->heap_room) {
		f->heap_room = f->heap_room * 2 + 256;
		f->heap = xrealloc(f->heap, f->heap_room * sizeof(*f->heap));
	}
	next.ms = f->now_ms + ms;
	next.order = f->order++;
	f->heap[f->n_heap++] = next;
	for (; i && farm_before(&f->heap[i], &f->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		farm_swap(f, i, (i - 1) / 2);
}

static struct farm_next farm_pop(struct farm *f)
{
	struct farm_next first = f->heap[0];
	size_t i = 0, least;

	f->heap[0] = f->heap[--f->n_heap];
	for (;;) {
		least = i;
		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++) {
			if (c < f->n_heap &&
			    farm_before(&f->heap[c], &f->heap[least]))
				least = c;
		}
		if (least == i)
			return first;
		farm_swap(f, i, least);
		i = least;
	}
}

#endif
