/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/capacity.h - Number of concurrent jobs that the build host supports.
 *
 * A remote job also needs processes on the build host (its shell, the wrapper,
 * a make for its directory), a socket in kfarm and, with make's -O, a temporary
 * file in make.  RLIMIT_NPROC and pids.max of the control groups limit the
 * processes.  RLIMIT_NOFILE limits the open files of each process.  The slots
 * of the nodes do not affect the result.
 */
#ifndef KERNEL_CAPACITY_H
#define KERNEL_CAPACITY_H

/*
 * Processes per job; processes and files that kfarm, make and the connections
 * to the nodes need in addition.
 */
#define KERNEL_JOB_TASKS     4
#define KERNEL_RESERVE_TASKS 32
#define KERNEL_RESERVE_FILES 128

/* A build with two local slots needs 44 descriptors, plus a few per node. */
#define KERNEL_MIN_FILES 64

struct err;

/*
 * Return the number of jobs, at least 1, or UINT_MAX if there is no limit.
 * Unless `why` is NULL, *why is set to a text that names the limit, or to NULL
 * if there is no limit; the caller frees *why.  `root` is prepended to /proc
 * and /sys; it is "" except in tests.
 */
unsigned kernel_capacity(char **why, const char *root);

/* Return 0, or -EMFILE if RLIMIT_NOFILE is below KERNEL_MIN_FILES. */
int kernel_capacity_check_files(struct err *err);

#endif
