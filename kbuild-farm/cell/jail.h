/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/jail.h - from a fresh child of the keeper to the job's exec.
 *
 * The order counts.  The child is PID 1 of a PID namespace and still has the
 * cell's capabilities in a mount and an IPC namespace of its own:
 *
 *	0. its CPUs; where there are no user namespaces: a user of its own, with
 *	   these
 *	1. its tmpfs at /.kfarm, its /tmp, and the copy of a file
 *	2. the input, the working directory, descriptors 0 to 2
 *	3. a user namespace of its own, with nobody mapped into it: whatever it
 *	   may there, it may nothing in the cell's, which owns the mounts.  The
 *	   processes of each job are counted there alone (Linux 5.14).  A system
 *	   may let only the superuser make one (unprivileged_userns_clone): then
 *	   the jobs share the cell's, without any capability as well
 *	4. rlimits, the capabilities, Landlock, seccomp
 *	5. "started", and the exec
 *
 * As cell/space.h, this allocates nothing and takes no lock.
 */
#ifndef CELL_JAIL_H
#define CELL_JAIL_H

#include "cell/msg.h"

#include <linux/filter.h>

struct cell_jail_limits {
	uint64_t job_bytes;
	uint32_t job_files;
	uint64_t file_bytes;
	uint64_t memory_bytes;
	uint32_t processes;
};

struct cell_jail {
	int sock;
	uint32_t id;
	char **argv;
	char **env;
	const char *cwd;
	const void *cpus; /* as sched_setaffinity(2) has them; NULL: any */
	size_t cpu_bytes;
	int fd[CELL_MSG_FDS]; /* -1: none */
	const char *copy; /* the name of CELL_MSG_COPY in CELL_OUT */
	bool self_test;
	const struct cell_jail_limits *limits;
	const struct sock_filter *filter;
	size_t filter_n;
	int landlock; /* its ABI */
	bool own_user; /* a user namespace */
	unsigned user; /* whom it becomes where there are none, or 0 */
};

/* Does not return.  What fails is sent as FAILED. */
void cell_jail_run(const struct cell_jail *j) __attribute__((noreturn));

#endif
