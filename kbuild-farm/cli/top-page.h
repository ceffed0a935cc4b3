/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-page.h - Pages of `kfarm top`.
 *
 * A page is the model of one build, or of the nodes while no build runs.
 * cli/top-sources adds events and lines to pages; the callbacks of struct
 * top_ops, in cli/top-text and cli/cmd-top, show them.
 */
#ifndef CLI_TOP_PAGE_H
#define CLI_TOP_PAGE_H

#include "ui/model.h"

#include <sys/queue.h>
#include <sys/types.h>

struct event_base;

#define TOP_NODES_PID 0 /* instead of a build's pid: the page of the nodes */

struct top_page {
	TAILQ_ENTRY(top_page) entry;
	pid_t pid; /* of the build, or TOP_NODES_PID */
	struct ui_model model;
	bool complete; /* the snapshot was received, or the page has ended */
	bool ended; /* no further events follow */
	char *end_reason; /* why events ended before the build, or NULL */
	/* when clock_ms() was since_ms, the build time was base_ms */
	uint64_t base_ms, since_ms;
	unsigned speed_milli; /* of the build time; 1000: real time */
	void *view_data; /* owned by the callbacks */
};

struct top;

/* Callbacks that report changes of pages; each can be NULL. */
struct top_ops {
	void (*on_page_added)(void *ctx, struct top_page *p);
	/* An event was added to the model. */
	void (*on_page_event)(void *ctx, struct top_page *p,
			      const struct events_event *ev);
	/* An event as JSON, as it was received, without a newline. */
	void (*on_page_line)(void *ctx, struct top_page *p, struct bytes line);
	/* The model was emptied; a new snapshot follows. */
	void (*on_page_reset)(void *ctx, struct top_page *p);
	void (*on_page_ended)(void *ctx, struct top_page *p);
	/* The page is in no list any more and is freed after the call. */
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

/*
 * Add a page whose build time starts at 0 and runs in real time.  Returns the
 * page, which `t` owns.
 */
struct top_page *top_page_add(struct top *t, pid_t pid);
/* Remove and free a page. */
void top_page_remove(struct top *t, struct top_page *p);
/* Remove all pages that have ended; the page of the nodes never ends. */
void top_page_remove_ended(struct top *t);
/*
 * Add an event to the model, and advance the page's clock to the event's time.
 */
void top_page_add_event(struct top *t, struct top_page *p,
			const struct events_event *ev);
/* Pass the JSON line of an event to on_page_line(). */
void top_page_add_line(struct top *t, struct top_page *p, struct bytes line);
/*
 * Add an event that kfarm top has created, and pass it, encoded as a JSON line,
 * to on_page_line().
 */
void top_page_add_made_event(struct top *t, struct top_page *p,
			     const struct events_event *ev);
/* Empty the model before a new snapshot. */
void top_page_reset(struct top *t, struct top_page *p);
/* End a page.  `why` is copied; it is NULL if the build ended normally. */
void top_page_end(struct top *t, struct top_page *p, const char *why);

/*
 * Return the build time in ms, extrapolated from the clock, or the time of the
 * last event if the build or the page has ended.
 */
uint64_t top_page_now_ms(const struct top_page *p);
/* Return true if each page has received its snapshot or has ended. */
bool top_is_complete(const struct top *t);

#endif
