/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/spawn.h - other programs: start them, ask them something.
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * What to start.  argv[0] is found through PATH of `env` when it has no
 * slash.  Descriptors other than 0 to 2 are not passed on, but for `pass`.
 */
struct spawn {
	char *const *argv;
	const char *program; /* the file to run; NULL: argv[0] */
	char *const *env; /* NULL: ours */
	const char *cwd; /* NULL: ours */
	int fd[3]; /* becomes 0, 1, 2; -1 is /dev/null */
	const int *pass; /* passed on as they are, up to a -1; NULL: none */
	/*
	 * As the caller's caller would start it: descriptors without
	 * FD_CLOEXEC are passed on, and ignored signals (but SIGPIPE) stay so.
	 */
	bool as_we_were;
	bool own_group; /* a process group of its own */
	bool dies_with_us; /* SIGKILL when the starting thread ends */
	unsigned cpu_seconds; /* RLIMIT_CPU, 0: none */
	unsigned long file_mib; /* RLIMIT_FSIZE, 0: none */
	unsigned long memory_mib; /* RLIMIT_AS, 0: none */
};

/*
 * Start it (vfork: the caller stands still until the exec is done).
 * Returns 0 with *pid, or a negative errno with the program named in `err`,
 * also when the exec itself failed.
 */
int spawn_start(const struct spawn *what, pid_t *pid, struct err *err);

/*
 * Is the signal ignored by this process?  Who started it so, as nohup(1) and a
 * shell's & do, wants that to stay.
 */
bool spawn_ignores(int number);

/* Wait for `pid`: its wait status. */
int spawn_wait(pid_t pid);

/* When a program is killed. */
struct spawn_limits {
	size_t max; /* bytes of each output: -EMSGSIZE */
	unsigned timeout_ms; /* -ETIMEDOUT */
	const void *stop; /* -EINTR once this atomic_bool is true; or NULL */
};

/*
 * Run a program in a group of its own to its end, its stdout appended to `out`
 * and its stderr to `err_out` (NULL: dropped).  Returns 0 with the wait status
 * in *status, what ended it above, or what spawn_start() returned.
 */
int spawn_collect(const struct spawn *what, const struct spawn_limits *limits,
		  struct buf *out, struct buf *err_out, int *status,
		  struct err *err);
/* The same of stdout alone, and never stopped. */
int spawn_capture(const struct spawn *what, size_t max, unsigned timeout_ms,
		  struct buf *out, int *status, struct err *err);

/*
 * The first line of what a program prints within `timeout_ms`, in *out: the
 * caller frees it, NULL when the program fails.  Returns as spawn_capture().
 */
int spawn_first_line(char *const *argv, char *const *env, unsigned timeout_ms,
		     char **out, struct err *err);

/* "exit status 2" or "killed by signal 9 (Killed)"; the caller frees it. */
char *spawn_status_text(int wait_status);

#endif
