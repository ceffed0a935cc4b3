/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/sandbox.h - Sandboxes in which the compilers of one build run.
 *
 * A sandbox is made once and serves many concurrent jobs.  Its sandbox init is
 * a small process in private user, mount, PID, IPC, UTS and network namespaces.
 * The root directory of the sandbox is a tmpfs with the input root (the entries
 * that sandbox_put_*() adds, at the client's absolute paths), /dev/null,
 * /dev/zero and /dev/urandom.  Neither sysfs nor a directory of the node is
 * mounted in it.
 *
 * Each job is a child of the sandbox init with PID, mount, IPC and, if
 * possible, user namespaces separate from other jobs.  The job is PID 1 of its
 * namespace and sees no other job, not even in its procfs (sandbox/proc.h).
 * The kernel reports the end of the job only after all processes that the job
 * started have ended.  The job sees the input root read-only, and has two
 * directories on a tmpfs of bounded size:
 *
 *	SANDBOX_OUT_DIR	for its outputs
 *	SANDBOX_TMP_DIR	for temporary files: pass TMPDIR=SANDBOX_TMP_DIR.  /tmp
 *			is the same directory, unless the input root has files
 *			in /tmp
 *
 * A job has no capabilities.  It is confined by no_new_privs, a seccomp filter
 * (sandbox/confine.h), rlimits, and Landlock if the kernel supports it.  If the
 * system refuses user namespaces, a kfarmd that runs as root works without them
 * and gives each job a separate uid.
 *
 * Threads: sandbox_put_*(), sandbox_remove_path() and sandbox_freeze() can be
 * called on any thread, one call per sandbox at a time.  sandbox_new(),
 * sandbox_check() and sandbox_free() can be called on any thread.  All other
 * functions on a sandbox and its runs must be called on the event loop's
 * thread; another thread can edit the input root concurrently.
 *
 * The sandbox init is a fork of a program with threads, so it calls only
 * functions that are safe after such a fork.  It is a grandchild of kfarmd,
 * which called sandbox_new(), and the process between them has exited.  If
 * kfarmd is a subreaper, it becomes the parent of the sandbox init and reaps
 * it; otherwise the init of the node does.  When kfarmd exits, the kernel
 * closes kfarmd's end of the socket to the sandbox init, and the sandbox init
 * exits.  If kfarmd is the parent, PR_SET_PDEATHSIG also ends the sandbox init.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANDBOX_OUT_DIR "/.kfarm/out"
#define SANDBOX_TMP_DIR "/.kfarm/tmp"

/* limit on a path in the input root, in bytes */
#define SANDBOX_PATH_MAX 4096
/*
 * Limit on argv, env, cwd, input_name and the argument of `prepare` of a job,
 * in bytes.
 */
#define SANDBOX_ARGS_MAX  (128 << 10)
#define SANDBOX_ROOTS_MAX 16
/* limit on the argument of `prepare`, in bytes */
#define SANDBOX_PREPARE_MAX 2048

struct sandbox_check {
	bool usable; /* all required layers are effective */
	/*
	 * The names of the effective layers, separated by spaces.  The required
	 * layers are user (or uid: without user namespaces, root gives each job
	 * a separate uid), mount, pid, ipc, net, pivot_root, capabilities,
	 * no_new_privs, seccomp and rlimits.  The optional layers are uts (the
	 * node's host name is hidden), proc (each job has a procfs), job-user
	 * (a user namespace per job) and landlock-ABI, where ABI is a number.
	 */
	char layers[1000];
	/* the missing required layer and how to enable it; "" if usable */
	char reason[1000];
};

/*
 * Check whether jobs can run: make a sandbox, run a job that tries to escape
 * from it, and free the sandbox.  Takes about 10 ms, at most about 20 s.
 */
void sandbox_check(struct sandbox_check *out);

struct sandbox;
struct sandbox_run;

/*
 * Limits; 0 selects the default.  The input root and all files of jobs are in
 * memory.
 */
struct sandbox_limits {
	/*
	 * Size of the input root in bytes; each file takes at least 4 KiB.
	 * Default: 8 GiB or half of the machine's memory, whichever is smaller.
	 */
	uint64_t input_root_bytes;
	/* number of files, links and directories; default 2^20 */
	uint32_t input_root_files;
	/*
	 * Total size of a job's two directories in bytes.  Default: 1 GiB or an
	 * eighth of the machine's memory, whichever is smaller.
	 */
	uint64_t job_bytes;
	uint32_t job_files; /* files and directories of a job; default 4096 */
	/* size of a file that a job writes; default 256 MiB */
	uint64_t file_bytes;
	uint64_t memory_bytes; /* address space of a process; default 8 GiB */
	/*
	 * Processes per job; default 64.  If jobs have neither separate user
	 * namespaces nor separate uids, a fixed limit on the processes of the
	 * user replaces this limit.
	 */
	uint32_t max_processes;
};

struct sandbox_setup {
	/*
	 * The client's directories that sandbox_new() creates in the input
	 * root: at most SANDBOX_ROOTS_MAX absolute paths in normal form,
	 * terminated by NULL.  NULL: none.
	 */
	const char *const *client_roots;
	struct sandbox_limits limits;
	/*
	 * Called once when the sandbox init has died, from
	 * sandbox_handle_messages(), after on_done() with SANDBOX_END_LOST for
	 * every run.  May call sandbox_free().
	 */
	void (*on_lost)(void *ctx, const char *why);
	void *ctx;
};

/*
 * Make a sandbox.  Returns 0; -EPERM, -ENOSYS or another negative errno, with
 * the missing layer and how to enable it in `err`; -EINVAL if client_roots has
 * a path that is not in normal form, or too many paths.  Blocks for about 5 ms,
 * at most 10 s.
 */
int sandbox_new(struct sandbox **out, const struct sandbox_setup *setup,
		struct err *err);
/*
 * Kill all jobs, without calling on_done() or on_lost(), and free the sandbox
 * and its remaining runs.  Does not wait: the kernel dismantles the sandbox
 * when its init exits.  No thread may be editing the input root.  NULL is
 * allowed.
 */
void sandbox_free(struct sandbox *cell);

/*
 * Return the layers of this sandbox, named as in struct sandbox_check.  The
 * string is borrowed.
 */
const char *sandbox_layers(const struct sandbox *cell);

/*
 * Return the descriptor to poll: when it is readable, call
 * sandbox_handle_messages().
 */
int sandbox_fd(const struct sandbox *cell);
/*
 * Handle pending messages of the sandbox init and of jobs, and call on_done()
 * and on_lost().  Never blocks.
 */
void sandbox_handle_messages(struct sandbox *cell);

/*
 * Editing of the input root.  Paths are absolute and in normal form: no "//",
 * no "." or "..", no trailing slash, at most SANDBOX_PATH_MAX bytes.  An
 * existing entry is replaced; if it is a directory, its content is removed as
 * well.  Missing parents are created.  The new entry appears atomically.  All
 * functions return 0 or
 *
 *	-EINVAL		the path is not in normal form, or the target of a
 *			symbolic link is invalid
 *	-EPERM		the path is frozen, or is /dev, a device node, /.kfarm,
 *			/proc, or a path below /.kfarm or /proc
 *	-ELOOP		a parent is a symbolic link
 *	-ENOTDIR	a parent is a file
 *	-ENOSPC		a limit of the input root is reached
 *	-EIO, ...	reading `fd` failed
 *
 * with `err` set.  On failure the input root is unchanged except for created
 * parents.
 */

/*
 * Copy the first `size` bytes of `fd` into a file; the position of `fd` is
 * neither used nor changed.  `mtime_ns` is in ns since 1970.  Returns -EIO if
 * `fd` has fewer bytes.  A file that begins with "#!" is never executable.
 */
int sandbox_put_file(struct sandbox *cell, const char *path, int fd,
		     uint64_t size, bool executable, int64_t mtime_ns,
		     struct err *err);
/* Create a symbolic link.  `target` is stored as given and need not exist. */
int sandbox_put_symlink(struct sandbox *cell, const char *path,
			const char *target, struct err *err);
/* Create a directory; an existing directory is left unchanged. */
int sandbox_put_dir(struct sandbox *cell, const char *path, struct err *err);
/* Remove `path` including its content.  A missing path is not an error. */
int sandbox_remove_path(struct sandbox *cell, const char *path,
			struct err *err);
/*
 * Freeze the toolchain: the entries added so far, and the directories above
 * them, can no longer be replaced or removed.  If `driver`, the path of the
 * compiler, is not NULL, /proc/self/exe of jobs without a procfs becomes a link
 * to the real path of the compiler.  ld.so needs this link for $ORIGIN, and
 * clang needs it to find its resource directory.  Returns -ENOENT if `driver`
 * does not exist.
 */
int sandbox_freeze(struct sandbox *cell, const char *driver, struct err *err);

enum sandbox_end_cause {
	SANDBOX_END_EXITED, /* exited, or ended by a signal; see `status` */
	SANDBOX_END_DEADLINE, /* killed at its deadline */
	SANDBOX_END_CANCELLED, /* killed by sandbox_run_kill() */
	/* could not be started; `detail` has the reason */
	SANDBOX_END_NOT_STARTED,
	SANDBOX_END_LOST, /* the sandbox init has died */
};

/*
 * The end of a job.  All of its processes have ended, or are about to end if
 * the cause is SANDBOX_END_LOST.  The caller can read their output from the
 * pipes up to the end of file.
 */
struct sandbox_end {
	enum sandbox_end_cause cause;
	/*
	 * Wait status of argv[0].  Signals that a job sends to itself do not
	 * kill it, because it is PID 1.  After an ineffective SIGABRT, abort()
	 * executes an invalid instruction, so a signal such as SIGSEGV or
	 * SIGILL ends the job.
	 */
	int status;
	/*
	 * CPU time of all processes of the job, except those that were still
	 * running when argv[0] ended.
	 */
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib; /* peak memory of the largest process */
	/* with NOT_STARTED: errno, for example ENOENT for argv[0] or cwd */
	int error;
	/* with NOT_STARTED: for example "cwd /x: No such file or directory" */
	char detail[200];
};

struct sandbox_job {
	char *const *argv; /* argv[0] is an absolute path in the input root */
	char *const *env; /* complete environment; add TMPDIR=SANDBOX_TMP_DIR */
	/* a path in the input root, or SANDBOX_OUT_DIR or SANDBOX_TMP_DIR */
	const char *cwd;
	/*
	 * Working time (base/work-timer.h) after which
	 * sandbox_run_check_deadline() kills the job; 0: unlimited.
	 */
	uint32_t deadline_ms;
	/*
	 * Descriptors of stdin and stdout, which the caller can close after the
	 * call.  A stdin_fd of -1 selects /dev/null; a stdout_fd of 0 selects
	 * a new pipe (sandbox_run_pipe()).
	 */
	int stdin_fd;
	int stdout_fd;
	/*
	 * If not NULL, SANDBOX_OUT_DIR initially contains a file of this name
	 * (a single component) with the content of input_fd, whose position is
	 * not used.
	 */
	const char *input_name;
	int input_fd;
	/*
	 * Called in the process of the job while it still has the capabilities
	 * of the sandbox init, to set scheduling attributes such as the CPU
	 * affinity.  The argument is a copy of `prepare_bytes` bytes (at most
	 * SANDBOX_PREPARE_MAX) at `prepare_arg`.  The process is a fork of a
	 * program with threads, so the function may only make system calls.  It
	 * returns NULL, or the name of the failed system call with errno set;
	 * the job is then NOT_STARTED.  `prepare` can be NULL.
	 */
	const char *(*prepare)(const void *arg);
	const void *prepare_arg;
	size_t prepare_bytes;
	/*
	 * Called once when the job has ended or could not be started, from
	 * sandbox_handle_messages().  May call sandbox_run_free().
	 */
	void (*on_done)(void *ctx, struct sandbox_run *run,
			const struct sandbox_end *end);
	void *ctx;
};

/*
 * Start a job.  Of the members of `job`, only on_done and ctx are used after
 * the call.
 *
 * Returns 0 with the run in *out; later, sandbox_handle_messages() calls
 * on_done().  Returns -E2BIG if argv, env, cwd, input_name and the
 * argument of `prepare` together exceed SANDBOX_ARGS_MAX, or if argv and env
 * have too many strings; -EINVAL for an empty argv or an invalid input_name;
 * -EMFILE if no descriptor is available.  Returns -EPIPE if the sandbox init
 * has died, or has been killed because it did not accept the message; on_lost()
 * then follows, unless it was already called.
 */
int sandbox_start_job(struct sandbox *cell, const struct sandbox_job *job,
		      struct sandbox_run **out, struct err *err);
/*
 * Return the read end of the job's stdout (`which` is 0) or stderr (1).  The
 * descriptor is non-blocking and is closed by sandbox_run_free().  The caller
 * must read both pipes while the job runs, because the job blocks on a full
 * pipe.  Returns -1 for the stdout of a job that was started with a stdout_fd.
 */
int sandbox_run_pipe(const struct sandbox_run *run, int which);
/*
 * Return the CPU time of all processes of the job so far in milliseconds, or 0
 * if it is unavailable.
 */
uint32_t sandbox_run_cpu_ms(const struct sandbox_run *run);
/*
 * Kill the job if its deadline has passed; on_done() is called afterwards.
 * Call this function once a second for each job with a deadline.  A paused job
 * is not killed.
 */
void sandbox_run_check_deadline(struct sandbox_run *run);
/* Kill all processes of the job; on_done() is called afterwards. */
void sandbox_run_kill(struct sandbox_run *run);
/*
 * Stop the processes of the job, or continue them.  Stopped processes retain
 * their memory.  The time for which a job is stopped counts neither as wall
 * time nor towards the deadline.  A process of the job cannot evade the stop,
 * because the seccomp filter prevents it from leaving the job's process group.
 */
void sandbox_run_set_paused(struct sandbox_run *run, bool paused);
/*
 * Open SANDBOX_OUT_DIR/name for reading, after on_done().  Returns a descriptor
 * that the caller closes, with the file's size in *size; -ENOENT if the file
 * does not exist; -EPERM if it is not a regular file or has a second hard link;
 * -EBUSY before on_done(); or another negative errno.  `name` is a single
 * component.  No process can change the file any more, unless the cause of the
 * end was SANDBOX_END_LOST.
 */
int sandbox_run_open_output(struct sandbox_run *run, const char *name,
			    uint64_t *size);
/*
 * Free a run and its output files.  A running job is killed, and on_done() is
 * not called.  NULL is allowed.
 */
void sandbox_run_free(struct sandbox_run *run);

#endif
