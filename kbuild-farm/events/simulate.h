/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/simulate.h - the events of a build that nobody runs, for tests,
 * demonstrations and screenshots: a kernel from its configuration to its
 * artifacts on nodes of different speed, one of which is idle, one hot and
 * throttled, one failing now and then.
 *
 * It is decided by its set-up alone, and knows no clock: time is told to it.
 */
#ifndef EVENTS_SIMULATE_H
#define EVENTS_SIMULATE_H

#include "events/hub.h"

#define EVENTS_SIMULATE_NODES 4096
#define EVENTS_SIMULATE_RATE  100000

struct events_simulate_setup {
	uint64_t seed;
	unsigned nodes; /* at most EVENTS_SIMULATE_NODES */
	unsigned rate; /* jobs a second, about; 1 to EVENTS_SIMULATE_RATE */
	uint64_t jobs; /* in all; 0: a minute's */
	bool fails; /* one compile has an error, and the build status 2 */
	bool known; /* it was built before */
};

struct events_simulate;

struct events_simulate *events_simulate_new(
	const struct events_simulate_setup *setup);
/* NULL is fine. */
void events_simulate_free(struct events_simulate *s);
/* When the next event comes, in ms of the build; UINT64_MAX: it ended. */
uint64_t events_simulate_next(const struct events_simulate *s);
/* Tell all events until `ms`, that included. */
void events_simulate_until(struct events_simulate *s, uint64_t ms,
			   events_sink *told, void *ctx);

#endif
