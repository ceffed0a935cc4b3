/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-page.h - what `kfarm top` knows: a page with a model for each build,
 * or for the nodes when nothing is built; and who hears what happens to them.
 *
 * Pages are filled by cli/top-builds, cli/top-nodes or cli/top-play, and shown
 * by cli/top-once and cli/top-show.
 */
#ifndef CLI_TOP_PAGE_H
#define CLI_TOP_PAGE_H

#include "ui/model.h"

#include <sys/queue.h>
#include <sys/types.h>

struct event_base;

#define TOP_NODES 0 /* in the place of a build's pid: the nodes */

struct top_page {
	TAILQ_ENTRY(top_page) link;
	pid_t pid; /* the build's */
	struct ui_model model;
	bool whole; /* the state is there, as far as it can be had */
	bool over; /* nothing more comes */
	char *why; /* what ended it before the build ended, or NULL */
	/* It was base_ms old at since_ms of our clock. */
	uint64_t base_ms, since_ms;
	unsigned speed; /* thousandths of real time */
	void *view; /* of who shows it */
};

struct top;

/* Calls from the loop; any may be NULL. */
struct top_ops {
	void (*came)(void *ctx, struct top_page *p);
	/* The model has it already. */
	void (*told)(void *ctx, struct top_page *p,
		     const struct events_event *ev);
	/* As it came, without a newline. */
	void (*line)(void *ctx, struct top_page *p, struct bytes line);
	/* Its model is empty again. */
	void (*again)(void *ctx, struct top_page *p);
	void (*over)(void *ctx, struct top_page *p);
	void (*gone)(void *ctx, struct top_page *p); /* it is freed now,
							     and in no list */
};

struct top {
	struct event_base *base;
	const struct top_ops *ops;
	void *ctx;
	TAILQ_HEAD(top_pages, top_page) pages;
	unsigned n_pages;
	int error; /* errno of what ended the loop; 0: nothing did */
};

void top_init(struct top *t, struct event_base *base, const struct top_ops *ops,
	      void *ctx);
void top_release(struct top *t);

struct top_page *top_add(struct top *t, pid_t pid);
void top_remove(struct top *t, struct top_page *p);
/* Those that are over; a page of nodes is not. */
void top_remove_over(struct top *t);
/* A sink for what happens there. */
void top_tell(struct top *t, struct top_page *p, const struct events_event *ev);
void top_line(struct top *t, struct top_page *p, struct bytes line);
/* Both, of an event that did not come as a line. */
void top_tell_made(struct top *t, struct top_page *p,
		   const struct events_event *ev);
/* All of it is told once more. */
void top_again(struct top *t, struct top_page *p);
/* `why` is copied; NULL: it came to its end. */
void top_end(struct top *t, struct top_page *p, const char *why);

/* The time of the build, as its events have it. */
uint64_t top_now(const struct top_page *p);
/* Is there no page that lacks something yet? */
bool top_is_whole(const struct top *t);

#endif
