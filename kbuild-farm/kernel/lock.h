/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/lock.h - Exclusive lock of a build directory.
 *
 * The lock is an flock() on the directory itself, so kfarm leaves no file in
 * it.  The file locks/DEVICE-INODE in the runtime directory has the PID of the
 * holder.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "base/err.h"

struct kernel_lock {
	int fd;
	char *holder_path;
};

/*
 * Lock the directory `dir`.  Returns 0; -EBUSY with `err` naming the process
 * that uses the directory, which can be the make of a killed kfarm; or another
 * negative errno.
 */
int kernel_lock_take(struct kernel_lock *l, const char *dir, struct err *err);
/* Unlock the directory. Does nothing if the lock is not held. */
void kernel_lock_release(struct kernel_lock *l);

#endif
