/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/view.h - one VIEW, from its message until its files are in a cell
 * or a directory.
 *
 *	agent_view_look()	which blobs are here?  Those are pinned.
 *	agent_view_ask()	the rest is wanted of the client
 *	agent_view_apply()	all are here: they are copied to their place
 *
 * A blob may turn out to be damaged while it is copied; then _apply() says
 * so, _ask() wants it once more, and _apply() goes on where it was.
 *
 * _look() and _apply() take long for many entries or bytes; they may run on
 * any thread, as long as nothing else touches the view meanwhile.  The rest
 * belongs to the event loop.
 */
#ifndef AGENT_VIEW_H
#define AGENT_VIEW_H

#include "agent/blob.h"
#include "base/err.h"
#include "base/list.h"
#include "wire/msg.h"
#include "wire/paths.h"

#include <stdatomic.h>

struct agent_view;

TAILQ_HEAD(agent_view_queue, agent_view);

/* One entry of it. */
struct agent_view_entry {
	struct agent_want want;
	struct agent_view *view;
	const char *path; /* borrowed from whoever made the view */
	bool pinned;
	bool lacks; /* its blob is not here, and was not asked for yet */
	uint8_t damaged; /* how often it was */
};

struct agent_view {
	TAILQ_ENTRY(agent_view) link;
	struct wire_view m;
	struct agent_view_entry *entries; /* m.n of them */
	struct store *store;
	size_t missing; /* blobs that are on their way */
	size_t next; /* the entry to be applied */
	bool looked;
	int failed; /* a blob cannot be had: a negative errno */
	/* A blob came, or will not; from agent_blobs_take(). */
	void (*changed)(void *ctx);
	void *ctx;
	atomic_bool *stop; /* true: _look() and _apply() return early */
};

/*
 * Takes over `m`, whose content then is the view's.  NULL with `err` set when
 * it names a path that has no number; then `m` is the caller's still.
 */
struct agent_view *agent_view_new(struct wire_view *m,
				  const struct wire_intern *paths,
				  struct store *store, struct err *err);
/* Waits for no blob any more; fine while a thread is at work. */
void agent_view_forget(struct agent_view *v);
/* The same, and unpins what is pinned. */
void agent_view_free(struct agent_view *v);

/* Bytes of all files in it. */
uint64_t agent_view_bytes(const struct agent_view *v);
/*
 * Would that many bytes of files in a cell leave this node memory to compile
 * with?  0, or -ENOMEM with `err` set.
 */
int agent_view_room(uint64_t bytes, struct err *err);
/* Is so little to be done that a thread of its own costs more? */
bool agent_view_small(const struct agent_view *v);

/* 0, or a negative errno with `err` set: the store does not work. */
int agent_view_look(struct agent_view *v, struct err *err);
/*
 * Want what is lacked; `need` gets what the client has to be asked for, in
 * order, and may be empty.  0; -EPROTO with `err` set when the conversation is
 * over; another error when this view cannot be had.
 */
int agent_view_ask(struct agent_view *v, struct agent_blobs *blobs,
		   struct wire_need *need, struct err *err);
/*
 * Puts an entry at its place: 0, or why not.  `fd` holds the bytes of a file,
 * which were verified; else it is -1.
 */
typedef int agent_view_put_fn(void *ctx, const char *path,
			      const struct wire_inode *inode, int fd,
			      struct err *err);

/*
 * 0; -EBADMSG: a blob was damaged, and agent_view_ask() comes next; or why an
 * entry is not taken, with `err` set.
 */
int agent_view_apply(struct agent_view *v, agent_view_put_fn *put, void *ctx,
		     struct err *err);

/*
 * Is the toolchain that these views brought the one that `m` says it is?  0,
 * or -EINVAL with `err` set.  Any thread.
 */
int agent_view_check_identity(const struct agent_view_queue *views,
			      const struct wire_cell *m, struct err *err);
/*
 * Of a cell with a toolchain of the node's own: where its driver lies once the
 * links that the views brought are followed.  The caller frees it.
 */
char *agent_view_driver(const struct agent_view_queue *views,
			const struct wire_cell *m);

#endif
