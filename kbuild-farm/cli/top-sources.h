/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-sources.h - Pages of `kfarm top` and their sources.
 *
 * A page is the model of one build, or of the nodes while no build runs.  The
 * sources add events and lines to pages; the callbacks of struct top_ops, in
 * cli/top-text and cli/cmd-top, show them.  A page shows one of
 *  - a running build of this user, found by its socket (kernel/rundir.h);
 *  - the configured nodes while no build runs (TOP_NODES_PID), from their HELLO
 *    and BEAT messages.  kfarm top opens one connection to each node and sends
 *    no job.  If a node is down, kfarm top redials it after 5 s, 10 s, 20 s,
 *    40 s and then once a minute;
 *  - a simulated build (events/simulate.h) or a recording of --json, replayed
 *    at any speed.
 */
#ifndef CLI_TOP_SOURCES_H
#define CLI_TOP_SOURCES_H

#include "base/err.h"
#include "events/simulate.h"
#include "node/roster.h"
#include "ui/model.h"

#include <sys/queue.h>
#include <sys/types.h>

struct event_base;

#define TOP_NODES_PID 0 /* top_page.pid of the page of the nodes */

struct top_page {
	TAILQ_ENTRY(top_page) entry;
	pid_t pid; /* process id of the build, or TOP_NODES_PID */
	struct ui_model model;
	bool complete; /* the snapshot was received, or the page has ended */
	bool ended; /* no further events follow */
	char *end_reason; /* cause of an abnormal end, or NULL */
	/* when clock_ms() was since_ms, the playback position was base_ms */
	uint64_t base_ms, since_ms;
	unsigned speed_milli; /* playback speed; 1000: real time, 0: paused */
	void *view_data; /* owned by the callbacks */
};

struct top;

/* Callbacks that report changes of pages; each can be NULL. */
struct top_ops {
	void (*on_page_added)(void *ctx, struct top_page *p);
	/* An event was added to the model. */
	void (*on_page_event)(void *ctx, struct top_page *p,
			      const struct events_event *ev);
	/*
	 * An event was received, or created by kfarm top.  `line` is the JSON
	 * of the event without a newline.
	 */
	void (*on_page_line)(void *ctx, struct top_page *p, struct bytes line);
	/* The model was emptied; a new snapshot follows. */
	void (*on_page_reset)(void *ctx, struct top_page *p);
	void (*on_page_ended)(void *ctx, struct top_page *p);
	/* The page was removed from the list and is freed after the call. */
	void (*on_page_removed)(void *ctx, struct top_page *p);
};

struct top {
	struct event_base *base;
	const struct top_ops *ops;
	void *ctx;
	TAILQ_HEAD(top_pages, top_page) pages;
	unsigned n_pages;
	int error; /* errno of a failed output, which ended the loop; or 0 */
};

/* Initialize `t` without pages.  `base` and `ops` are borrowed. */
void top_init(struct top *t, struct event_base *base, const struct top_ops *ops,
	      void *ctx);
/* Remove all pages. */
void top_release(struct top *t);

/* End a page.  `why` is copied; it is NULL if the build ended normally. */
void top_page_end(struct top *t, struct top_page *p, const char *why);

/*
 * Return the build time in ms, extrapolated from the clock, or the time of the
 * last event if the build or the page has ended.
 */
uint64_t top_page_now_ms(const struct top_page *p);
/* Return true if each page has received its snapshot or has ended. */
bool top_is_complete(const struct top *t);

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
 * Connect to the builds that have begun since the last call.  If a build has
 * begun, remove the pages of ended builds.  Returns the number of running
 * builds.
 */
unsigned top_builds_refresh(struct top_builds *all);

/*
 * Add the page of the nodes, which also lists the pools, and dial all nodes.
 * The roster is borrowed.
 */
struct top_nodes *top_nodes_new(struct top *t,
				const struct node_roster *roster);
/* Close the connections and remove the page.  `all` can be NULL. */
void top_nodes_free(struct top_nodes *all);
/* Check timeouts and dial nodes that are due; call it once a second. */
void top_nodes_tick(struct top_nodes *all);

struct top_playback_setup {
	const char *file; /* recording; NULL: use `simulate` */
	struct events_simulate_setup simulate;
	unsigned speed_milli; /* thousandths of real time; 0: paused */
	uint64_t start_ms; /* build time at which the replay starts */
	/* Block until a piped recording has reached start_ms. */
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
