/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/proc.h - The procfs of a job.
 *
 * Each job has a procfs of its PID namespace, in which the job is PID 1.  The
 * job sees its own processes, in files that it can only read.  Everything else
 * in /proc describes the node and is hidden.  A node that cannot mount such a
 * procfs runs jobs without it (SANDBOX_PROC_NONE).
 *
 *	1. The sandbox init calls sandbox_proc_prepare() before pivot_root().
 *	2. After pivot_root(), it calls sandbox_proc_choose() once.
 *	3. Each job calls sandbox_proc_mount() while it has capabilities.
 *
 * Like the code of sandbox/user.h, this code runs in a fork of a program with
 * threads, so it allocates no memory and takes no lock.
 */
#ifndef SANDBOX_PROC_H
#define SANDBOX_PROC_H

enum sandbox_proc {
	SANDBOX_PROC_NONE,
	SANDBOX_PROC_SUBSET, /* mounted with subset=pid (Linux 5.8) */
	SANDBOX_PROC_MASKED, /* system files are covered one by one */
};

/*
 * Mount the procfs of the caller's PID namespace on `target`.  The kernel
 * permits a new procfs in a user namespace only if the mount namespace already
 * has one that is completely visible, and pivot_root() removes the procfs of
 * the node.  Does nothing if the kernel denies the mount.
 */
void sandbox_proc_prepare(const char *target);

/*
 * Find the procfs that jobs can have, by mounting it in a child.  Unmounts the
 * procfs of sandbox_proc_prepare() if the result is SANDBOX_PROC_NONE;
 * otherwise jobs cover this procfs.  Returns 0, or -1 with errno set if the
 * procfs cannot be unmounted.
 */
int sandbox_proc_choose(enum sandbox_proc *out);

/*
 * Mount the procfs of the caller's PID namespace at /proc.  /.kfarm must be an
 * empty directory.  Does nothing for SANDBOX_PROC_NONE.  Returns 0, or -1 with
 * errno set.
 */
int sandbox_proc_mount(enum sandbox_proc kind);

#endif
