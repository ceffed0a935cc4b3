/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events/simulate.h - Simulated events of a kernel build.
 *
 * Tests, demonstrations and screenshots use these events.  The build runs from
 * the configuration to the artifacts.  The nodes differ in speed.  With at
 * least five nodes, one node gets its toolchain late, one is hot and throttled,
 * and one fails now and then.
 *
 * Equal setups give equal events, because the caller passes the time.
 */
#ifndef EVENTS_SIMULATE_H
#define EVENTS_SIMULATE_H

#include "events/hub.h"

#define EVENTS_SIMULATE_NODES_MAX 4096
#define EVENTS_SIMULATE_RATE_MAX  100000

struct events_simulate_setup {
	uint64_t seed;
	unsigned n_nodes; /* at most EVENTS_SIMULATE_NODES_MAX */
	/* Approximate rate, 1 to EVENTS_SIMULATE_RATE_MAX. */
	unsigned jobs_per_s;
	uint64_t n_jobs; /* 0: as many as finish in one minute at jobs_per_s */
	bool erroneous; /* a compile fails, and the build ends with status 2 */
	bool has_baseline;
};

struct events_simulate;

struct events_simulate *events_simulate_new(
	const struct events_simulate_setup *setup);
/* `s` may be NULL. */
void events_simulate_free(struct events_simulate *s);
/* Return the time of the next event, or UINT64_MAX after the end. */
uint64_t events_simulate_next_ms(const struct events_simulate *s);
/* Emit all events up to and including `until_ms`. */
void events_simulate_run_until(struct events_simulate *s, uint64_t until_ms,
			       events_event_fn *on_event, void *ctx);

#endif
