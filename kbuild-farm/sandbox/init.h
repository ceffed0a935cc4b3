/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/init.h - The sandbox init and the start of jobs.
 *
 * The sandbox init is PID 1 of the sandbox's PID namespace, so that its end is
 * the end of all jobs.  It waits for messages (sandbox/msg.h) and for the ends
 * of jobs, starts each job as its child, and kills it at its deadline.  It ends
 * when its socket is closed.
 *
 * A job starts as PID 1 of a new PID namespace.  It still has the sandbox's
 * capabilities, in a new mount and IPC namespace.  The order of the steps
 * matters:
 *
 *	0. its CPUs; without user namespaces: its uid, with these capabilities
 *	1. its tmpfs at /.kfarm, its /tmp, and the copied input file
 *	2. the working directory, descriptors 0 to 2
 *	3. a user namespace without mappings: its capabilities there do not
 *	   extend to the sandbox's user namespace, which owns the mounts, and
 *	   its processes are counted separately (Linux 5.14).  If only root can
 *	   make one (unprivileged_userns_clone), the jobs share the sandbox's,
 *	   also without capabilities
 *	4. rlimits, capabilities, Landlock, seccomp
 *	5. STARTED, and the exec
 *
 * Like sandbox/user.h, this code allocates nothing and takes no lock.
 */
#ifndef SANDBOX_INIT_H
#define SANDBOX_INIT_H

#include "sandbox/confine.h"
#include "sandbox/msg.h"
#include "sandbox/user.h"

#include <linux/filter.h>

struct sandbox_job_exec_limits {
	uint64_t job_bytes;
	uint32_t job_files;
	uint64_t file_bytes;
	uint64_t memory_bytes;
	uint32_t max_processes;
};

struct sandbox_job_exec {
	int sock;
	uint32_t id;
	char **argv;
	char **env;
	const char *cwd;
	/* in the format of sched_setaffinity(2); NULL: any */
	const void *cpu_mask;
	size_t cpu_bytes;
	int fds[SANDBOX_MSG_FDS_MAX]; /* -1: none */
	/* name of SANDBOX_MSG_FD_INPUT in SANDBOX_OUT_DIR */
	const char *input_name;
	bool self_test;
	const struct sandbox_job_exec_limits *limits;
	const struct sock_filter *filter;
	size_t n_filter;
	int landlock_abi; /* ABI version, 0: not available */
	bool job_userns; /* the job gets a separate user namespace */
	/* uid of the job if there are no user namespaces, else 0 */
	unsigned job_uid;
};

#define SANDBOX_INIT_JOBS_MAX 1024 /* concurrent jobs */
/* limit on argv and env of a job, in strings */
#define SANDBOX_INIT_STRINGS_MAX 16384

struct sandbox_init_setup {
	int sock;
	bool nproc_per_userns; /* RLIMIT_NPROC counts per user namespace */
	struct sandbox_user_limits namespace_limits;
	struct sandbox_job_exec_limits job_limits;
	struct sock_filter filter[SANDBOX_SECCOMP_OPS_MAX];
	size_t n_filter;
};

/*
 * Run in a fresh fork: enter the namespaces and clone the sandbox init.  Exits
 * with 0 once it exists, with 1 after SETUP_FAILED.
 */
void sandbox_init_main(const struct sandbox_init_setup *setup)
	__attribute__((noreturn));

#endif
