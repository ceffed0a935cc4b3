/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-sources.h - Sources of the pages of `kfarm top`.
 *
 * A page shows one of
 *  - a running build of this user, found by its socket (kernel/rundir.h);
 *  - the configured nodes while no build runs (TOP_NODES_PID), from their HELLO
 *    and BEAT messages.  kfarm top opens one connection to each node and sends
 *    no job.  It dials a node that is down again after 5 s, 10 s, 20 s, 40 s
 *    and then once a minute;
 *  - a simulated build (events/simulate.h) or a recording of --json, replayed
 *    at any speed.
 */
#ifndef CLI_TOP_SOURCES_H
#define CLI_TOP_SOURCES_H

#include "base/err.h"
#include "cli/top-page.h"
#include "events/simulate.h"
#include "node/roster.h"

struct top_builds;
struct top_nodes;
struct top_playback;

#define TOP_BUILDS_MAX 64

/*
 * Prepare the search for running builds.  Returns 0, or -errno with `err` set
 * if the runtime directory cannot be used.
 */
int top_builds_new(struct top_builds **out, struct top *t, struct err *err);
/*
 * Close the connections to the builds.  The pages remain until top_release().
 * `all` can be NULL.
 */
void top_builds_free(struct top_builds *all);
/*
 * Connect to the builds that have begun since the last call.  A new build
 * removes the pages of ended builds.  Returns the number of running builds.
 */
unsigned top_builds_refresh(struct top_builds *all);

/* Add the page of the nodes and dial all of them.  The roster is borrowed. */
struct top_nodes *top_nodes_new(struct top *t,
				const struct node_roster *roster);
/* Close the connections and remove the page.  `all` can be NULL. */
void top_nodes_free(struct top_nodes *all);
/* Check timeouts and dial nodes that are due; call it once a second. */
void top_nodes_tick(struct top_nodes *all);

struct top_playback_setup {
	const char *file; /* NULL: `simulate` */
	struct events_simulate_setup simulate;
	unsigned speed_milli; /* thousandths of real time; 0: paused */
	uint64_t start_ms; /* build time at which the replay starts */
	/* Block until the events before start_ms have arrived on a pipe. */
	bool wait_for_input;
};

/*
 * Replay the recording or the simulation in the event loop of `t`.  Events up
 * to start_ms are emitted before the function returns.  Returns 0, or a
 * negative errno with `err` set if the file is missing or not a recording.
 */
int top_playback_new(struct top_playback **out, struct top *t,
		     const struct top_playback_setup *setup, struct err *err);
/* Stop the replay; `p` can be NULL.  The page remains. */
void top_playback_free(struct top_playback *p);

#endif
