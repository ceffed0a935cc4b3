/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/init.h - The sandbox init and the start of jobs.
 *
 * The sandbox init is PID 1 of the sandbox's PID namespace, so that all jobs
 * end when it ends.  It waits for messages (sandbox/msg.h) and for the ends of
 * jobs, and starts each job as its child.  The sandbox init exits when its
 * socket is closed.
 *
 * A job starts as PID 1 of a new PID namespace, in a new mount and IPC
 * namespace, with the capabilities of the sandbox init.  Then it takes these
 * steps, whose order matters:
 *
 *	0. call `prepare` of struct sandbox_job; without user namespaces, change
 *	   to the job's uid and retain the capabilities
 *	1. mount a procfs (sandbox/proc.h), a tmpfs at /.kfarm and a private
 *	   /tmp, and copy the input file
 *	2. set the working directory and descriptors 0 to 2
 *	3. enter a user namespace without mappings.  The kernel counts its
 *	   processes separately, and its capabilities do not extend to the
 *	   mounts, which the sandbox's user namespace owns.  On Linux before
 *	   5.14, if the sandbox has no user namespace, or if only root can
 *	   create one (unprivileged_userns_clone), the job omits this step and
 *	   retains its capabilities until step 4
 *	4. set rlimits, drop all capabilities, apply Landlock and seccomp
 *	5. send STARTED and execute argv[0]
 *
 * Like the code of sandbox/user.h, this code runs in a fork of a program with
 * threads, so it allocates no memory and takes no lock.
 */
#ifndef SANDBOX_INIT_H
#define SANDBOX_INIT_H

#include "sandbox/confine.h"
#include "sandbox/msg.h"
#include "sandbox/proc.h"
#include "sandbox/user.h"

#include <linux/filter.h>

/* Limits of each job; see struct sandbox_limits. */
struct sandbox_job_exec_limits {
	uint64_t job_bytes;
	uint32_t job_files;
	uint64_t file_bytes;
	uint64_t memory_bytes;
	uint32_t max_processes;
};

/* A job that the sandbox init starts. */
struct sandbox_job_exec {
	int sock;
	uint32_t id;
	char **argv;
	char **env;
	const char *cwd;
	const char *(*prepare)(const void *arg); /* see struct sandbox_job */
	const void *prepare_arg;
	/* indexed by enum sandbox_msg_fd; -1: none */
	int fds[SANDBOX_MSG_FDS_MAX];
	/* name of the input file's copy in SANDBOX_OUT_DIR */
	const char *input_name;
	bool self_test;
	const struct sandbox_job_exec_limits *limits;
	const struct sock_filter *filter;
	size_t n_filter;
	int landlock_abi; /* ABI version, 0: not available */
	bool job_userns; /* the job gets a separate user namespace */
	enum sandbox_proc proc;
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
 * Enter the namespaces and clone the sandbox init.  Runs in a child that kfarmd
 * has just forked.  Exits with 0 once the sandbox init exists, or with 1 after
 * sending SETUP_FAILED.
 */
void sandbox_init_main(const struct sandbox_init_setup *setup)
	__attribute__((noreturn));

/*
 * Run the self-test in place of a job's program.  If all layers are effective,
 * the last check ends the process by SIGSYS; otherwise the exit status
 * identifies a layer that is not effective.
 */
void sandbox_init_run_selftest(void) __attribute__((noreturn));
/* Return the name of the layer for an exit status, or NULL. */
const char *sandbox_init_layer_name(int status);

#endif
