/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/dest.h - where the VIEWs of one number go: a cell (agent/cell.h), or
 * a directory (agent/bundle.h).
 *
 *	FILLING -> READY -> GONE
 *	       \-> GONE
 *
 * Each VIEW waits in a queue until the client has sent the blobs that it
 * lacks and those before it are applied.  Opening the destination, looking for
 * the blobs of a view and applying it are done on a thread, one at a time,
 * unless they are little; views that wait for blobs do not keep the next ones
 * from being looked at, so that the client is asked early.
 *
 * Whatever goes wrong ends it: refused before it was ready, lost after that.
 */
#ifndef AGENT_DEST_H
#define AGENT_DEST_H

#include "agent/view.h"
#include "wire/msg.h"
#include "wire/paths.h"

/* Of one destination: views, and entries in them, that are not applied yet. */
#define AGENT_DEST_VIEWS   4096
#define AGENT_DEST_ENTRIES (1u << 20)

struct agent;
struct agent_dest;

TAILQ_HEAD(agent_dest_list, agent_dest);

/* What it says to its client; the calls come from the loop. */
struct agent_dest_ops {
	/* A message, whose body is to be released. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/* The conversation is over; may call agent_dest_close(). */
	void (*refuse)(void *ctx, const char *why);
	/* It frees itself now. */
	void (*gone)(void *ctx, struct agent_dest *p);
};

/*
 * A kind of destination.  Those that return an int may be called on a thread,
 * but take(): 0, or a negative errno with `err` set, and the destination is
 * gone.
 */
struct agent_dest_kind {
	const char *name; /* for the log */
	/*
	 * All of it or nothing: no blob is asked for before its toolchain is
	 * complete, SHUT ends it at once, and it is gone when it is ready.
	 */
	bool is_whole;
	int (*open)(struct agent_dest *p, struct err *err);
	void (*opened)(struct agent_dest *p); /* the loop; may be NULL */
	/* A view came; the loop. */
	int (*take)(struct agent_dest *p, const struct agent_view *v,
		    struct err *err);
	/* All of the toolchain came; may be NULL. */
	int (*judge)(struct agent_dest *p, struct err *err);
	/* NULL: agent_view_look(). */
	int (*look)(struct agent_dest *p, struct agent_view *v,
		    struct err *err);
	/* As agent_view_apply(). */
	int (*apply)(struct agent_dest *p, struct agent_view *v,
		     struct err *err);
	/* All of the toolchain is applied; fills `detail`. */
	int (*finish)(struct agent_dest *p, struct err *err);
	/* It is ready or gone, or a view was applied; the loop; or NULL. */
	void (*changed)(struct agent_dest *p);
	bool (*is_used)(const struct agent_dest *p); /* NULL: never */
	void (*free)(struct agent_dest *p);
};

struct agent_dest {
	TAILQ_ENTRY(agent_dest) link; /* of its client's */
	const struct agent_dest_kind *kind;
	struct agent *agent;
	uint32_t number;
	struct agent_blobs *blobs; /* NULL once the client left */
	const struct agent_dest_ops *ops;
	void *ops_ctx;
	struct event *step;
	enum {
		AGENT_DEST_FILLING,
		AGENT_DEST_READY,
		AGENT_DEST_GONE
	} state;
	bool shut;
	char detail[DIGEST_HEX]; /* of HAVE, once it is ready */

	struct agent_view_queue queue; /* not applied yet */
	unsigned n_queue;
	size_t n_entries; /* in the queue */
	struct agent_view_queue toolchain; /* applied */
	uint32_t last; /* numbers of views: that came, that is applied */
	uint32_t applied;
	bool complete, judged; /* all of the toolchain came */
	uint64_t at; /* clock_ms() when something of it was done last */

	/* What the thread does, or did. */
	struct task *task;
	int (*work)(struct agent_dest *p, struct err *err);
	void (*after)(struct agent_dest *p);
	struct agent_view *view;
	int ret;
	struct err err;
	atomic_bool stop;
};

/* The first member of what the caller allocated; opens it at once. */
void agent_dest_init(struct agent_dest *p, const struct agent_dest_kind *kind,
		     struct agent *a, uint32_t number,
		     struct agent_blobs *blobs,
		     const struct agent_dest_ops *ops, void *ctx);
/*
 * The client left: nothing is said any more, nothing waited for, and it goes
 * as soon as its users and its thread allow.
 */
void agent_dest_close(struct agent_dest *p);
/* The client wants no more of it: it goes when nobody uses it. */
void agent_dest_shut(struct agent_dest *p);
/* It is of no use any more, and the client is told so. */
void agent_dest_fail(struct agent_dest *p, const char *why);
/* Look again whether it can go; from the loop. */
void agent_dest_wake(struct agent_dest *p);

/* To be called now and then: fails one whose files do not come. */
void agent_dest_check(struct agent_dest *p);
/* Is it neither shut nor gone?  Perhaps not ready yet. */
bool agent_dest_open(const struct agent_dest *p);
/*
 * A VIEW for it, whose content then is the destination's.  0, also when it is
 * gone already; -EPROTO with `err` set when the conversation is over.
 */
int agent_dest_view(struct agent_dest *p, struct wire_view *m,
		    const struct wire_intern *paths, struct err *err);

#endif
