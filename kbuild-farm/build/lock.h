/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/lock.h - one build at a time in one directory.
 *
 * The lock is an flock() on the directory's own descriptor, so nothing of
 * kfarm's lies in it; whose it is stands in the runtime directory, below
 * locks/DEVICE-INODE.
 */
#ifndef BUILD_LOCK_H
#define BUILD_LOCK_H

#include "base/err.h"

struct build_lock {
	int fd;
	char *note;
};

/*
 * Take it.  -EBUSY with `err` naming the process that builds there, which
 * may be the make of a kfarm that was killed.
 */
int build_lock_take(struct build_lock *l, const char *dir, struct err *err);
/* Nothing happens where it was not taken. */
void build_lock_release(struct build_lock *l);

#endif
