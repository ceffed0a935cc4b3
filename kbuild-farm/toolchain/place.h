/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/place.h - DATA/toolchains, and how directories come into it and
 * go from it: whole, by one rename.
 *
 *	ID/		what is there
 *	.live/PID.N/	a process makes or removes something (store/live.h)
 *	.lock.ID	flock'ed by who is about to make ID
 */
#ifndef TOOLCHAIN_PLACE_H
#define TOOLCHAIN_PLACE_H

#include "store/live.h"

#include <stdbool.h>

/* A zeroed one is none. */
struct toolchain_place {
	char *path; /* DATA/toolchains */
	int dir, live; /* descriptors */
	int private; /* our private directory's, locked; -1: not made yet */
	char name[STORE_LIVE_NAME_MAX];
};

/* Opened, made when it is missing; leftovers are removed. */
int toolchain_place_open(struct toolchain_place *p, const char *data,
			 struct err *err);
/* What lies in the private directory still is removed. */
void toolchain_place_close(struct toolchain_place *p);

/* The absolute path of NAME in the private directory, which is made with the
 * first call.  NULL with `err` set; the caller frees it. */
char *toolchain_place_private(struct toolchain_place *p, const char *name,
			      struct err *err);
/*
 * Rename NAME of the private directory to ID.  All of it is on disk before,
 * and the name after.  `replace`: what has that name is removed.  -EEXIST.
 */
int toolchain_place_publish(struct toolchain_place *p, const char *name,
			    const char *id, bool replace, struct err *err);
/* Rename ID into the private directory and remove it. */
int toolchain_place_remove(struct toolchain_place *p, const char *id,
			   struct err *err);

/*
 * Be the only one to make ID, until the descriptor is unlocked.  -EAGAIN:
 * another is, ask again later.
 */
int toolchain_place_lock(struct toolchain_place *p, const char *id,
			 struct err *err);
void toolchain_place_unlock(struct toolchain_place *p, const char *id, int fd);

#endif
