/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/capacity.h - Number of concurrent jobs that the build host supports.
 *
 * A remote job needs resources of the build host, too: processes (its shell,
 * the wrapper, a make for its directory), a socket in kfarm and, with make's
 * -O, a temporary file in make.  RLIMIT_NPROC and pids.max of the control
 * groups limit the processes.  RLIMIT_NOFILE limits the open files: its soft
 * limit applies to make, its hard limit to kfarm.  kfarm also needs descriptors
 * for the connections to the nodes.  The slots of the nodes do not affect the
 * result.
 */
#ifndef KERNEL_CAPACITY_H
#define KERNEL_CAPACITY_H

#include <stddef.h>

/*
 * KERNEL_JOB_TASKS is the number of processes per job.  KERNEL_RESERVE_TASKS
 * processes and KERNEL_RESERVE_FILES files are reserved for kfarm and make,
 * whatever the number of jobs.  Connections to nodes are not included.
 */
#define KERNEL_JOB_TASKS     4
#define KERNEL_RESERVE_TASKS 32
#define KERNEL_RESERVE_FILES 128

/*
 * Lowest RLIMIT_NOFILE with which a build or `kfarm run` starts.  A build with
 * two local slots needs 44 descriptors, plus one or two per node.
 */
#define KERNEL_MIN_FILES 64

struct err;
struct node_roster;

/*
 * Return the number of jobs, at least 1, or UINT_MAX if there is no limit.
 * Unless `why` is NULL, *why is set to a text that names the limit, or to NULL
 * if there is no limit; the caller frees *why.  `n_node_files` is the number of
 * descriptors of all connections to nodes (node_roster_count_files()).  `root`
 * is prepended to /proc and /sys; it is "" except in tests.
 */
unsigned kernel_capacity(char **why, const char *root, size_t n_node_files);

/*
 * Remove nodes and members of pools from the end of `r` until the connections
 * to the rest need at most half of the descriptors above KERNEL_MIN_FILES,
 * because the jobs need descriptors, too.  At least one node remains.  Log a
 * warning if anything is removed.
 */
void kernel_capacity_limit_roster(struct node_roster *r);

/* Return 0, or -EMFILE if RLIMIT_NOFILE is below KERNEL_MIN_FILES. */
int kernel_capacity_check_files(struct err *err);

#endif
