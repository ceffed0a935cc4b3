/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/lock.h - who has a file locked by flock(2).
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

/*
 * "12 (make), 14 (kfarm)": who has a lock on the file that `fd` has open, but
 * for ourselves; "another process" where /proc/locks does not tell.  The
 * caller frees it.
 */
char *lock_holders(int fd);

#endif
