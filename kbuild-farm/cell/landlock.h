/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/landlock.h - what a job can do with files, enforced a second time, by
 * another part of the kernel (landlock(7), by raw system calls): read and
 * execute everything, write below its own directories, connect nowhere.
 */
#ifndef CELL_LANDLOCK_H
#define CELL_LANDLOCK_H

/* The kernel's Landlock: its ABI, 0 where there is none. */
int cell_landlock_abi(void);

/*
 * Confine the calling process for good; no_new_privs must be set.  Below the
 * paths of `writable`, which ends in NULL, it may do anything but make devices,
 * sockets and FIFOs; /dev may be written to.  Safe after a fork.  Returns 0,
 * also where `abi` is 0, or a negative errno.
 */
int cell_landlock_enter(int abi, const char *const *writable);

#endif
