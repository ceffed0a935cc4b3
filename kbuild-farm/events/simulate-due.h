/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/simulate-due.h - what comes when in a simulation: a binary heap.
 */
#ifndef EVENTS_SIMULATE_DUE_H
#define EVENTS_SIMULATE_DUE_H

#include <stddef.h>
#include <stdint.h>

struct simulate_job;

struct simulate_due {
	uint64_t at_ms;
	enum {
		DUE_STEP, /* of the build's script */
		DUE_BEAT, /* of all nodes */
		DUE_NODE,
		DUE_JOB,
	} kind;
	uint32_t node;
	struct simulate_job *job; /* or NULL */
	uint64_t order; /* the list's */
};

/* A zeroed one is empty.  v[0] comes first; free(v) in the end. */
struct simulate_due_list {
	struct simulate_due *v;
	size_t n, cap;
	uint64_t order; /* so many were added */
};

void simulate_due_add(struct simulate_due_list *list, struct simulate_due what);
/* The first; of equal times the one that was added first.  There is one. */
struct simulate_due simulate_due_take(struct simulate_due_list *list);

#endif
