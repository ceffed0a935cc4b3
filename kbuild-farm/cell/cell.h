/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/cell.h - a sandbox for the compilers of one build: made once, serving
 * many jobs at once.
 *
 * A cell is a small process, the keeper, in user, mount, PID, IPC, UTS and
 * network namespaces of its own.  Its root is a tmpfs that holds the view
 * (what cell_put_file() and the like put there, at the client's absolute
 * paths), /dev/null, /dev/zero, /dev/urandom, and nothing else: no /proc, no
 * /sys, no directory of the node.  Each job is a child of the keeper with PID,
 * mount, IPC and user namespaces of its own: it is PID 1 there, sees no other
 * job, and all that it started is gone when it has ended.  It sees the view
 * read-only, and has two directories of its own on a tmpfs of bounded size:
 *
 *	CELL_OUT	for what it is to make
 *	CELL_TMP	for temporaries: give it TMPDIR=CELL_TMP.  It is /tmp
 *			too, unless the view has something below /tmp
 *
 * Where user namespaces are refused, root's kfarmd does without: each job is a
 * user of its own.  It has no capabilities, no_new_privs, a seccomp filter
 *(cell/seccomp.h), rlimits, and Landlock where the kernel has it.
 *
 * Threads: the cell_put functions, cell_remove() and cell_freeze() of one cell
 * may be called on any thread, but not two at a time.  Everything else about
 * a cell and its runs belongs to one thread, the loop's; both may go on at
 * once.  cell_new(), cell_check() and cell_free() may be called on any thread.
 * The keeper is forked and does only what is safe in a fork of a program with
 * threads.  It ends with us: when its socket closes, and by PR_SET_PDEATHSIG
 * where we are its subreaper.  It is never our child to wait for: it goes to
 * the subreaper (kfarmd itself) or to init.
 */
#ifndef CELL_CELL_H
#define CELL_CELL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CELL_OUT "/.kfarm/out"
#define CELL_TMP "/.kfarm/tmp"

#define CELL_PATH_MAX  4096 /* bytes of a path in the view */
#define CELL_ARGS_MAX  (128 << 10) /* bytes of argv, env and cwd of a job */
#define CELL_ROOTS_MAX 16
#define CELL_CPU_WORDS 128 /* 64 CPUs each */

/* ------------------------------------------------------------- fitness */

struct cell_check {
	bool fit; /* every required layer holds */
	/*
	 * The layers that hold: user (or uid: no user namespaces are to be
	 * had, and root makes each job a user of its own) mount pid ipc uts
	 * net pivot_root
	 * capabilities no_new_privs seccomp rlimits, which are required, and
	 * job-user (a user namespace per job) and landlock-ABI.
	 */
	char layers[1000];
	/* The required layer that is missing and how to enable it, or "". */
	char why[1000];
};

/*
 * Can jobs run here?  Makes a cell, runs a job in it that tries to get out,
 * and frees it: some 10 ms, at most 10 s.
 */
void cell_check(struct cell_check *out);

/* ---------------------------------------------------------------- cells */

struct cell;
struct cell_run;

/* Zero means the default; all of it is memory, by and by. */
struct cell_limits {
	/*
	 * Of the view in all, 4 KiB a file at least: 8 GiB, or half of this
	 * machine's memory.
	 */
	uint64_t view_bytes;
	uint32_t view_files; /* files, links and directories; 2^20 */
	/* What a job can write in all: 1 GiB, or an eighth of the memory. */
	uint64_t job_bytes;
	uint32_t job_files; /* 4096 */
	uint64_t file_bytes; /* one file that it writes; 256 MiB */
	uint64_t memory_bytes; /* address space of one process; 8 GiB */
	uint32_t processes; /* of one job (Linux 5.14 and later); 64 */
};

struct cell_setup {
	/*
	 * The client's directories, which are made in the view: absolute and
	 * in normal form, ends in NULL, at most CELL_ROOTS_MAX; NULL: none.
	 */
	const char *const *roots;
	struct cell_limits limits;
	/*
	 * The keeper is gone, from cell_read(), once.  Every run has had its
	 * done() by then, with CELL_END_LOST.  May call cell_free().
	 */
	void (*lost)(void *ctx, const char *why);
	void *ctx;
};

/*
 * Make a cell.  Returns 0; -EPERM, -ENOSYS, ... with the layer that is missing
 * and how to enable it in `err`; -EINVAL for a root that is not in normal
 * form.  Blocks for some 5 ms, at most 10 s.
 */
int cell_new(struct cell **out, const struct cell_setup *setup,
	     struct err *err);
/*
 * Kills all of its jobs, without calling done() or lost(), and frees the runs
 * that are left.  Does not wait: the kernel takes the cell apart on the
 * keeper's time.  No thread may be editing the view.  NULL is nothing.
 */
void cell_free(struct cell *cell);

/* The layers of this cell, as cell_check() names them; borrowed. */
const char *cell_layers(const struct cell *cell);

/* Wait for this to become readable, then call cell_read(). */
int cell_fd(const struct cell *cell);
/* Takes what the keeper says and calls done() and lost(); never blocks. */
void cell_read(struct cell *cell);

/* ----------------------------------------------------------------- view */

/*
 * Paths are absolute and in normal form: no //, no . or .., no / at the end,
 * at most CELL_PATH_MAX bytes.  What stands at a path is replaced, whatever it
 * is, a directory with all below it; missing parents are made.  The new entry
 * appears in one step, complete.  All of them return 0 or
 *
 *	-EINVAL		not in normal form, or a link with no or a longer target
 *	-EPERM		frozen, or below /.kfarm, or one of the device nodes
 *	-ELOOP		a parent is a symbolic link
 *	-ENOTDIR	a parent is a file
 *	-ENOSPC		a limit of the view
 *	-EIO, ...	reading `fd` failed
 *
 * with `err` set; then the view is as before, but for parents that were made.
 */

/*
 * A copy of the `size` bytes of `fd` from its start (its position is neither
 * used nor moved), with a modification time in ns since 1970.  -EIO when `fd`
 * holds less.
 */
int cell_put_file(struct cell *cell, const char *path, int fd, uint64_t size,
		  bool executable, int64_t mtime_ns, struct err *err);
/* `target` as it is: relative or absolute, in the view, or nowhere. */
int cell_put_link(struct cell *cell, const char *path, const char *target,
		  struct err *err);
/* Leaves a directory that is there as it is. */
int cell_put_dir(struct cell *cell, const char *path, struct err *err);
/* With all below it; 0 when there is nothing. */
int cell_remove(struct cell *cell, const char *path, struct err *err);
/*
 * From now on what was put so far, and the directories above it, can neither
 * be replaced nor removed: that is the toolchain.  `driver` is its compiler,
 * a path in the view: /proc/self/exe becomes a link to where it really lies,
 * which ld.so wants for $ORIGIN and clang to find its resources; NULL: none.
 * -ENOENT when it is not there.
 */
int cell_freeze(struct cell *cell, const char *driver, struct err *err);

/* ----------------------------------------------------------------- jobs */

enum cell_end_why {
	CELL_END_ITSELF, /* look at `status` */
	CELL_END_DEADLINE, /* killed: time was up */
	CELL_END_KILLED, /* cell_kill() */
	CELL_END_FAILED, /* could not be started: `detail` says why */
	CELL_END_LOST, /* the keeper is gone */
};

/*
 * How a job ended.  All of its processes are gone; what they wrote into the
 * pipes is there to be read to the end of file.
 */
struct cell_end {
	enum cell_end_why why;
	/*
	 * As waitpid() gave it, of argv[0].  As PID 1 it is not killed by
	 * signals of its own: abort() ends it with SIGSEGV or SIGILL.
	 */
	int status;
	/* Of all its processes; what was running when it was killed is lost. */
	uint32_t cpu_ms;
	uint32_t wall_ms;
	uint32_t peak_kib; /* of the largest process */
	int error; /* FAILED: an errno, as ENOENT for no such argv[0] or cwd */
	char detail[200]; /* FAILED: "cwd /x: No such file or directory" */
};

struct cell_job {
	char *const *argv; /* argv[0]: an absolute path in the view */
	char *const *env; /* all of it; put TMPDIR=CELL_TMP there */
	const char *cwd; /* in the view, or CELL_OUT or CELL_TMP */
	uint32_t deadline_ms; /* killed then; 0: never */
	int stdin_fd; /* -1: /dev/null; the caller may close it afterwards */
	int stdout_fd; /* 0: a pipe; the caller may close it, too */
	/*
	 * A file that is in its CELL_OUT from the start, under the name `copy`
	 * (one component): the content of copy_fd, whose position is not used.
	 * NULL: none.
	 */
	const char *copy;
	int copy_fd;
	/*
	 * The CPUs that it may run on, a bit each, CPU 0 the lowest of the
	 * first word: the caller's duty that these are no others than its own.
	 * NULL: those of the caller.  At most CELL_CPU_WORDS.
	 */
	const uint64_t *cpus;
	size_t cpu_words;
	/*
	 * It has ended, or could not start; from cell_read(), once.  May call
	 * cell_run_free().
	 */
	void (*done)(void *ctx, struct cell_run *run,
		     const struct cell_end *end);
	void *ctx;
};

/*
 * Start a job.  Returns 0 with *out, whose done() will be called; -E2BIG above
 * CELL_ARGS_MAX; -EINVAL for a `copy` that is no name; -EMFILE; -EPIPE when the
 * keeper is gone (lost() follows).  Nothing of `job` but `done` and `ctx` is
 * used afterwards.
 */
int cell_start(struct cell *cell, const struct cell_job *job,
	       struct cell_run **out, struct err *err);
/*
 * The reading end of its stdout (0) or stderr (1): non-blocking, closed by
 * cell_run_free().  Read both while it runs, or it waits for you.  -1 for the
 * stdout of one with a stdout_fd.
 */
int cell_run_pipe(const struct cell_run *run, int which);
/* CPU time of all its processes, so far; 0 where that is not to be had. */
uint32_t cell_run_cpu_ms(const struct cell_run *run);
/* Kill it with all its processes; done() follows. */
void cell_kill(struct cell_run *run);
/*
 * Open CELL_OUT/name for reading after done(): a descriptor that the caller
 * closes, with its size in *size.  `name` is one component.  -ENOENT: it made
 * no such file; -EPERM: it is a symbolic link, not a regular file, or has
 * another name too.  No process can change it any more.
 */
int cell_output_open(struct cell_run *run, const char *name, uint64_t *size);
/*
 * What it wrote vanishes.  Before done() it is killed, and done() is not
 * called.  NULL is nothing.
 */
void cell_run_free(struct cell_run *run);

#endif
