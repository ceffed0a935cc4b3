/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/rundir.h - Private directory of one running build.
 *
 * The directory is BASE/PID.  BASE is $XDG_RUNTIME_DIR/kfarm or, without this
 * variable, /tmp/kfarm-UID.  If /tmp/kfarm-UID cannot be used, BASE is
 * ~/.cache/kfarm/run.  The directory contains:
 *
 *	bin/	links NAME -> kfarm-cc, in front of PATH
 *	real/	links to the compilers (kernel/masquerade.h)
 *	slots/	files 0 to N-1: the local slots, taken by flock
 *	shell/	recipe shell, see kernel/shell.h
 *	work/	working files of the coordinator
 *	socket	socket of the coordinator for kfarm-cc
 *	events	socket with events for the user's other processes
 *		(events/server.h)
 *	make	note about the running make, or the command of `kfarm run`:
 *		PID, start time, PID namespace
 *
 * kfarm holds an flock(2) on the directory while it runs.  A lock is needed
 * because builds in several containers can share BASE, and kfarm cannot check
 * whether a process of another container runs.  If another container or the
 * make of a killed kfarm uses BASE/PID, the directory is named PID.1, PID.2 ...
 *
 * If kfarm is killed, its directory remains.  A later build removes the
 * directory if the make of the killed kfarm has ended.  A make in another
 * container is not visible, so it is assumed to run for a day.
 */
#ifndef KERNEL_RUNDIR_H
#define KERNEL_RUNDIR_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/*
 * A process recorded in the file "make" or in a file of kernel/builddir.h.  The
 * start time distinguishes it from a later process with the same PID.
 */
struct kernel_rundir_note {
	int pid;
	unsigned long long start; /* process_start_ticks() */
	unsigned long long namespace_id; /* inode of the PID namespace */
	time_t mtime; /* mtime of the file */
};

/* Read a note.  Returns false with *n zeroed if the file has no valid note. */
bool kernel_rundir_note_read(const char *path, struct kernel_rundir_note *n);
/*
 * Write a note about the running process `pid`.  Errors are ignored: without
 * the note, other builds only fail to detect the process.
 */
void kernel_rundir_note_write(const char *path, pid_t pid);
/*
 * Return true if the process still runs.  A process in another PID namespace
 * cannot be checked and counts as ended.
 */
bool kernel_rundir_note_is_running(const struct kernel_rundir_note *n);

struct kernel_rundir {
	char *dir;
	int lock_fd; /* holds the lock of the directory */
	char *masquerade, *slots, *shell, *work, *socket, *events; /* paths */
};

/*
 * Create the directory with `n_slots` slot files and remove directories of
 * builds that no longer run.  Returns 0 or a negative errno with `err` set.
 */
int kernel_rundir_create(struct kernel_rundir *r, unsigned n_slots,
			 struct err *err);
/*
 * Record the process `make`, which can also be the command of `kfarm run`, so
 * that other builds can detect it after this kfarm was killed.
 */
void kernel_rundir_note_make(const struct kernel_rundir *r, pid_t make);
/* Return the PID in a directory name "PID" or "PID.N", or 0 for other names. */
pid_t kernel_rundir_parse_pid(const char *name);
/*
 * Append the paths of the run directories of all builds of the user, inside and
 * outside of login sessions (fs_runtime_dirs()).
 */
void kernel_rundir_list(struct strv *out);
/* Return true if the kfarm that owns the run directory `dir` still runs. */
bool kernel_rundir_is_active(const char *dir);
/* Return the PID of the make that kfarm `pid` started, or 0 if it has ended. */
pid_t kernel_rundir_make_pid(pid_t pid);
/* Remove the directory and free its paths. */
void kernel_rundir_release(struct kernel_rundir *r);

#endif
