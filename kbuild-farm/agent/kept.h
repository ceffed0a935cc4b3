/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/kept.h - the directory of the toolchains that a node keeps.
 *
 *	DIR/ID/toolchain.json	as the build host sent it
 *	DIR/ID/.kfarm		what it consists of (agent/record.h)
 *	DIR/ID/.damage		what of it was found to be damaged
 *	DIR/ID/gcc-13.3.0-nolibc/aarch64-linux/bin/...
 *	DIR/.live/NAME/		what one kfarmd is about to publish or remove
 *
 * A toolchain gets its name by rename, and loses it by rename; so it is whole
 * or not there, whenever kfarmd is killed, and what lies in a .live/NAME that
 * nobody has flock'ed is swept (store/live.h).  Whoever uses one has its
 * directory flock'ed, shared; to remove or replace it takes an exclusive lock.
 * As in the store nothing is synced: what a power failure tears is found.
 *
 * Several kfarmd may share one directory.  Any function may be called on any
 * thread; all of them do file I/O.
 */
#ifndef AGENT_KEPT_H
#define AGENT_KEPT_H

#include "agent/record.h"
#include "agent/view.h"

struct agent_kept;

/* Touches nothing yet: the directory is made for the first toolchain. */
struct agent_kept *agent_tool_stage(const char *dir);
void agent_kept_free(struct agent_kept *k);
const char *agent_kept_dir(const struct agent_kept *k);

/*
 * All of them, by id; with `verify` each is read and hashed, and what is found
 * is remembered on the disk.  0, or a negative errno: the directory cannot be
 * read; -ECANCELED.
 */
int agent_kept_list(struct agent_kept *k, bool verify, const atomic_bool *stop,
		    struct wire_held *out, struct err *err);

/* One in use: locked, with its record. */
struct agent_lease {
	int fd;
	char *dir;
	struct agent_record record;
};

/*
 * Use one.  0; -ENOENT with `err` saying what to do; -EBADMSG: damaged, as far
 * as lstat(2) and earlier verifications tell.
 */
int agent_kept_lease(struct agent_kept *k, const char *id,
		     struct agent_lease *out, struct err *err);
void agent_lease_release(struct agent_lease *l);
/* Its files turned out to be damaged: nobody uses it any more. */
void agent_lease_spoil(const struct agent_lease *l, const char *what);

/* Does it hold `id` with that tree, undamaged as agent_kept_lease() tells? */
bool agent_kept_has(struct agent_kept *k, const char *id,
		    const struct digest *tree);
/* The tree of what is there under that id: zero for nothing. */
void agent_kept_tree(struct agent_kept *k, const char *id, struct digest *out);
/* Remove one: 0; -ENOENT; -EBUSY: somebody uses it. */
int agent_kept_drop(struct agent_kept *k, const char *id, struct err *err);

/* ------------------------------------------------------------- writing */

/* One that is being written, in a directory of its own. */
struct agent_tool_stage;

/* Sweeps first.  -ENOSPC where `bytes` in `files` are more than is free. */
int agent_kept_begin(struct agent_kept *k, struct agent_tool_stage **out,
		     uint64_t bytes, size_t files, struct err *err);
/* Where entries go, by their paths below its directory. */
struct agent_view_target agent_kept_target(struct agent_tool_stage *n);
/*
 * All of it was written: reads it again, and gives it its name, in place of
 * what has it.  0; -EBUSY: that is in use; -EBADMSG: not what `r` says.
 */
int agent_kept_publish(struct agent_tool_stage *n, const struct agent_record *r,
		       const char *json, const atomic_bool *stop,
		       struct err *err);
/* Published or not; removes what is left.  NULL is fine. */
void agent_kept_end(struct agent_tool_stage *n);

/* -------------------------------------------------------------- reuse */

/* Where in the kept toolchains which content is. */
struct agent_kept_index;

/* Never fails: what cannot be read is not in it. */
struct agent_kept_index *agent_kept_index(struct agent_kept *k);
void agent_kept_index_free(struct agent_kept_index *x);
/*
 * Put a file of that content into the store, pinned.  0; -ENOENT: none has it,
 * or it is not what it was; another error of the store.
 */
int agent_kept_supply(const struct agent_kept_index *x, struct store *store,
		      const struct digest *d, uint64_t size);

#endif
