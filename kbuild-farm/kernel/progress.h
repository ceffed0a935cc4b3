/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/progress.h - Build phases read from the growing build log.
 *
 * inotify reports that the log has grown, and kfarm reads the log 0.2 s later.
 * kfarm thus reads a busy log at most five times a second, and does not read an
 * idle log.  If inotify is unavailable, for instance because all watches of the
 * user are in use, kfarm reads the log once a second.
 *
 * The phases config, install, package and artifacts are steps of kfarm itself.
 * After config, kfarm runs make, which prints a line ("  LD      vmlinux.o")
 * for each product.  With -Otarget the line appears after the product is
 * finished, so each line announces the phase that follows:
 *
 *	prepare		until the first of the lines below
 *	compile		"CC x.o", but not in scripts/, or the start of such a
 *			compile
 *	link		"AR built-in.a", "AR vmlinux.a", and steps such as
 *			"LD vmlinux" and "KSYMS"
 *	modpost		"LD vmlinux.o", "MODPOST"
 *	modules		"LD [M] x.ko", "CC [M] x.mod.o"
 *	dtbs		"DTC x.dtb", if nothing else is compiled
 *
 * With V=1 or -s make prints no such lines, and the phase "compile" follows
 * "prepare" and remains.
 *
 * The activity states in a few words what make does within a phase.  During
 * "config", the activity is make's target.
 */
#ifndef KERNEL_PROGRESS_H
#define KERNEL_PROGRESS_H

#include "base/err.h"
#include "diag/log.h"

#include <event2/event.h>
#include <stdbool.h>

#define KERNEL_PHASE_CONFIG    "config"
#define KERNEL_PHASE_PREPARE   "prepare"
#define KERNEL_PHASE_COMPILE   "compile"
#define KERNEL_PHASE_LINK      "link"
#define KERNEL_PHASE_MODPOST   "modpost"
#define KERNEL_PHASE_MODULES   "modules"
#define KERNEL_PHASE_DTBS      "dtbs"
#define KERNEL_PHASE_INSTALL   "install"
#define KERNEL_PHASE_PACKAGE   "package"
#define KERNEL_PHASE_ARTIFACTS "artifacts"

struct kernel_progress_stage {
	const char *phase; /* KERNEL_PHASE_* constant; NULL: the same phase */
	/* "host programs"; NULL: unchanged, or unknown in a new phase */
	const char *activity;
};

/* Return the phase and the activity that the log line `line` announces. */
struct kernel_progress_stage kernel_progress_after(const char *line);

/*
 * Return true if the compile of `object` starts the phase "compile".  Objects
 * in scripts/ and in directories named tools belong to host programs.
 */
bool kernel_progress_is_compile(const char *object);

struct kernel_progress {
	struct diag_log *log;
	int fd, watch_id; /* descriptors of the file and of inotify, or -1 */
	struct event *inotify_event; /* NULL if inotify is unavailable */
	struct event *read_timer;
	/*
	 * For kernel_progress_note_directory().  `entered` is the text from
	 * "ing directory" to the end of the program's first line that enters or
	 * leaves a directory.  `last_leaving` is the last "Leaving directory"
	 * line that repeats this directory.  Each can be NULL.
	 */
	char *entered, *last_leaving;
};

/*
 * Watch the file `path` and pass its content, from the start, to `log`.
 * Returns 0 or a negative errno.
 */
int kernel_progress_start(struct kernel_progress *f, struct event_base *base,
			  const char *path, struct diag_log *log,
			  struct err *err);
/* Read the bytes appended since the last read. */
void kernel_progress_read(struct kernel_progress *f);
/*
 * Call this for each line of the log, in order.  Returns true if `line` is an
 * "Entering directory" or "Leaving directory" line for the same directory as
 * the program's first such line.  With -Otarget, make repeats these lines for
 * each target.
 */
bool kernel_progress_note_directory(struct kernel_progress *f,
				    const char *line);
/*
 * Call this when a program that writes the log has ended.  Returns its last
 * line "Leaving directory" for which kernel_progress_note_directory() returned
 * true, or NULL.  The caller frees the line.
 */
char *kernel_progress_end_program(struct kernel_progress *f);
/* Stop watching and close the file. */
void kernel_progress_stop(struct kernel_progress *f);

#endif
