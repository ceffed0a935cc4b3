/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/spawn.h - Start of programs and collection of their output. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * A program to start.  If the name of its file (`program`, else argv[0]) has no
 * slash, the file is searched for in PATH of `env`.  Descriptors other than 0
 * to 2 and `passed_fds` are closed, unless `transparent` is set.
 */
struct spawn {
	char *const *argv;
	const char *program; /* the file to execute; NULL for argv[0] */
	char *const *env; /* NULL for the caller's environment */
	const char *cwd; /* NULL for the caller's working directory */
	int stdio_fds[3]; /* become 0, 1 and 2; -1 for /dev/null */
	/* descriptors that the program inherits, ended by -1; or NULL */
	const int *passed_fds;
	/*
	 * Start the program as the parent of this process would: descriptors
	 * without FD_CLOEXEC are inherited, and signals that are ignored
	 * (except SIGPIPE and SIGXFSZ) remain ignored.
	 */
	bool transparent;
	bool own_group; /* start a new process group */
	/* start a new session, without a terminal and with the same priority */
	bool own_session;
	/* send SIGKILL when the starting thread exits */
	bool killed_with_parent;
	/*
	 * send SIGTERM when the starting thread exits, so that the program can
	 * clean up; `killed_with_parent` takes precedence
	 */
	bool terminated_with_parent;
	unsigned cpu_s; /* RLIMIT_CPU; 0 for no limit */
	unsigned long file_mib; /* RLIMIT_FSIZE; 0 for no limit */
	unsigned long memory_mib; /* RLIMIT_AS; 0 for no limit */
};

/*
 * Raise this process's soft limit on open files to the hard limit.  Call this
 * function before the first thread starts.  spawn_start() restores the earlier
 * limit in each program, because a program may rely on a low limit: select(2)
 * supports only descriptors below 1024.
 */
void spawn_raise_file_limit(void);
/*
 * Undo spawn_raise_file_limit(), if it was called, before an execve(2) that
 * replaces this process.
 */
void spawn_restore_file_limit(void);
/*
 * Return the soft limit on open files of the programs that spawn_start()
 * starts.  RLIM_INFINITY means no limit.
 */
unsigned long long spawn_file_limit(void);

/*
 * Start a program with vfork(), which suspends the calling thread until the
 * exec.  Returns 0 with *pid set, or a negative errno with `err` naming the
 * program, also if the exec failed.
 */
int spawn_start(const struct spawn *what, pid_t *pid, struct err *err);

/*
 * Return true if this process ignores the signal.  A parent that ignores it,
 * such as nohup(1) or a shell's &, expects the child to ignore it as well.
 */
bool spawn_is_ignored(int signal_number);

/*
 * Wait until the child `pid` has exited, at most `ms` milliseconds.  Returns
 * true if it has exited.  Does not reap it.
 */
bool spawn_await_exit(pid_t pid, unsigned ms);
/* Wait for `pid` and return its wait status. */
int spawn_wait(pid_t pid);

/* Limits of a program. If one is exceeded, the program is killed. */
struct spawn_limits {
	/* limit of each output; -EMSGSIZE if it is exceeded */
	size_t max_bytes;
	/*
	 * limit of the working time (base/work-timer.h) of the program and its
	 * descendants; -ETIMEDOUT if it is exceeded
	 */
	unsigned timeout_ms;
	const void *stop; /* an atomic_bool or NULL; -EINTR once it is true */
};

/*
 * Run a program in its own process group until it exits.  Appends its stdout to
 * `out` and its stderr to `err_out`; NULL discards the output.  Of stdio_fds,
 * only the first element is used.  Children that the program leaves behind
 * continue to run, and their later output is lost.
 * Returns 0 with the wait status in *status; the error of the limit that was
 * exceeded; or the error of spawn_start().
 */
int spawn_collect(const struct spawn *what, const struct spawn_limits *limits,
		  struct buf *out, struct buf *err_out, int *status,
		  struct err *err);
/* Like spawn_collect(), but discard stderr and set no `stop` limit. */
int spawn_collect_stdout(const struct spawn *what, size_t max_bytes,
			 unsigned timeout_ms, struct buf *out, int *status,
			 struct err *err);

/*
 * Run a program and store the first line of its stdout in *out.  The caller
 * frees the line.  Returns 0 or an error of spawn_collect_stdout().  *out is
 * NULL after an error, and also if 0 is returned but the program has failed.
 */
int spawn_first_line(char *const *argv, char *const *env, unsigned timeout_ms,
		     char **out, struct err *err);

/*
 * Return a text such as "exit status 2" or "killed by signal 9 (Killed)".  The
 * caller frees it.
 */
char *spawn_status_text(int wait_status);

/*
 * Run `argv` in `cwd` with `env` and stdin from /dev/null.  Appends its stdout
 * to `out` and its stderr to `err_out`.  Safe in any thread.  Returns 0 if the
 * program exits with status 0; -EINVAL, with both outputs valid, if it fails;
 * or an error of spawn_collect().  The limits are two minutes of working
 * time, 64 MiB per output, and `stop` (an atomic_bool or NULL).
 */
int capture_run(void *stop, const char *cwd, char *const *argv,
		char *const *env, struct buf *out, struct buf *err_out,
		struct err *err);

#endif
