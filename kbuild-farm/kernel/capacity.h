/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/capacity.h - how many jobs at once this machine can hold, wherever
 * they are compiled.
 *
 * A remote job still has processes here (its shell, the wrapper, a make of its
 * directory) and a socket in kfarm, or a file of make's -O.  RLIMIT_NOFILE,
 * RLIMIT_NPROC and the pids of the control groups limit these.  The slots that
 * nodes claim are another matter.
 */
#ifndef KERNEL_CAPACITY_H
#define KERNEL_CAPACITY_H

/* What one job takes of each, and what kfarm, make and nodes need besides. */
#define KERNEL_JOB_TASKS     4
#define KERNEL_RESERVE_TASKS 32
#define KERNEL_RESERVE_FILES 128

/*
 * At least 1.  *why (NULL: not asked) is the limit in words, for the caller
 * to free.  `root` is prepended to /proc and /sys: "" but for tests.
 */
unsigned kernel_capacity(char **why, const char *root);

#endif
