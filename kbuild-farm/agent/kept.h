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
 * nobody has flock'ed is removed (store/live.h).  Whoever uses one has its
 * directory flock'ed, shared; to remove or replace it takes an exclusive lock.
 * As in the store nothing is synced: what a power failure tears is found.
 *
 * `kept` is that DIR, which is made for the first toolchain.  Several kfarmd
 * may share it.  Any function may be called on any thread; all of them do
 * file I/O.
 */
#ifndef AGENT_KEPT_H
#define AGENT_KEPT_H

#include "agent/record.h"
#include "store/store.h"
#include "wire/msg.h"

/*
 * All of them, by id; with `verify` each is read and hashed, and what is found
 * is remembered on the disk.  0, or a negative errno: the directory cannot be
 * read; -ECANCELED.
 */
int agent_kept_list(const char *kept, bool verify, const atomic_bool *stop,
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
int agent_kept_lease(const char *kept, const char *id, struct agent_lease *out,
		     struct err *err);
void agent_lease_release(struct agent_lease *l);
/* Its files turned out to be damaged: nobody uses it any more. */
void agent_lease_spoil(const struct agent_lease *l, const char *what);

/* Does it hold `id` with that tree, undamaged as agent_kept_lease() tells? */
bool agent_kept_has(const char *kept, const char *id,
		    const struct digest *tree);
/* Where the toolchain `id` lies; the caller frees it. */
char *agent_kept_path(const char *kept, const char *id);
/*
 * Open the directory `path` and flock(2) it.  A descriptor of what has that
 * name even now; -EBUSY; -ENOENT, -ENOTDIR, ...
 */
int agent_kept_lock(const char *path, int how);

/* -------------------------------------------------------------- reuse */

/* Which content lies where in the kept toolchains. */
struct agent_kept_index;

/* Never fails: what cannot be read is not in it. */
struct agent_kept_index *agent_kept_index(const char *kept);
void agent_kept_index_free(struct agent_kept_index *x);
/*
 * Put a file of that content into the store, pinned.  0; -ENOENT: none has it,
 * or it is not what it was; another error of the store.
 */
int agent_kept_supply(const struct agent_kept_index *x, struct store *store,
		      const struct digest *d, uint64_t size);

#endif
