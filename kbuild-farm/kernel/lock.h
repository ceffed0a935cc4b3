/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/lock.h - one build at a time in one directory.
 *
 * The lock is an flock() on the directory itself, so kfarm leaves no file in
 * it; the holder is named in the runtime directory, in locks/DEVICE-INODE.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "base/err.h"

struct kernel_lock {
	int fd;
	char *note;
};

/*
 * Take it.  -EBUSY with `err` naming the process that builds there, which
 * may be the make of a kfarm that was killed.
 */
int kernel_lock_take(struct kernel_lock *l, const char *dir, struct err *err);
/* Nothing happens where it was not taken. */
void kernel_lock_release(struct kernel_lock *l);

#endif
