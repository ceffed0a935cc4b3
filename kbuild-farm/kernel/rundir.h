/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/rundir.h - the private directory of one running build.
 *
 *	$XDG_RUNTIME_DIR/kfarm/PID/
 *		bin/	NAME -> kfarm-cc, in front of PATH; with real/,
 *		real/	see kernel/links.h
 *		slots/	0 to N-1: the local slots, by flock
 *		shell/	make's shell, see kernel/shell.h
 *		work/	the coordinator's
 *		socket	where kfarm-cc finds the coordinator
 *		events	where others of this user see what happens
 *			(events/server.h)
 *		make	make's own process, once it runs: its number, when it
 *			started, and whose numbers these are
 *
 * It is locked, by flock(2) on itself, while its kfarm runs: builds of several
 * containers may share it, where no number of a process tells whether it runs.
 * Where PID is taken, by one of another container or by a make whose kfarm was
 * killed, it is PID.1, PID.2 ...
 *
 * It outlives a killed kfarm as long as that kfarm's make runs, and is
 * removed by the next build after that; a make of another container, which
 * cannot be seen from here, is taken to run for a day.
 */
#ifndef KERNEL_RUNDIR_H
#define KERNEL_RUNDIR_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct kernel_rundir {
	char *dir;
	int lock; /* of the directory */
	char *links, *slots, *shell, *work, *socket, *events;
};

/* Make it with `n_slots` slot files; removes those of dead builds. */
int kernel_rundir_make(struct kernel_rundir *r, unsigned n_slots,
		       struct err *err);
/* Note the process that make is, so that others know the build goes on. */
void kernel_rundir_note_make(const struct kernel_rundir *r, pid_t make);
/* Whose directory is called "PID" or "PID.N"; 0: it is no directory of a build.
 */
pid_t kernel_rundir_pid(const char *name);
/* Does the kfarm still run whose directory `dir` is? */
bool kernel_rundir_runs(const char *dir);
/* The make of the kfarm `pid` if that one still runs, else 0. */
pid_t kernel_rundir_make_of(pid_t pid);
/* Removes the directory. */
void kernel_rundir_release(struct kernel_rundir *r);

#endif
