/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/counts.h - what the shells of one build did, counted.
 *
 * A shell lives for one line, so all of a build share a directory, which
 * $KFARM_SHELL names:
 *
 *	counts	a struct shell_counts, mapped and added to by all of them
 *	handed	a line for each script that was handed on: why, a tab, and the
 *		first 200 bytes of the script, printable
 *
 * Without that directory, or where a file of it is missing, nothing is
 * counted, and nothing else is different.
 */
#ifndef SHELL_COUNTS_H
#define SHELL_COUNTS_H

#include "base/bytes.h"
#include "base/err.h"
#include "shell/why.h"

#define SHELL_COUNTS_VARIABLE "KFARM_SHELL"

enum shell_count {
	SHELL_COUNT_LINES, /* scripts, those handed on among them */
	SHELL_COUNT_HANDED, /* to /bin/sh */
	SHELL_COUNT_COMPILES, /* offered without starting kfarm-cc */
	SHELL_COUNT_FIXDEPS, /* done without starting fixdep */
	SHELL_COUNT_STEPS, /* done with a compile, or in its place */
	SHELL_COUNTS,
};

enum shell_step_why {
#define STEP_WHY(name, words) SHELL_STEP_##name,
#include "shell/step-why-list.h"
#undef STEP_WHY
	SHELL_STEP_WHYS
};

struct shell_counts {
	uint64_t n[SHELL_COUNTS];
	/* Why no step beside a compile is to be asked for (shell/step.h). */
	uint64_t refused; /* an enum shell_step_why, SHELL_STEP_WHYS: none */
	uint64_t here[SHELL_STEP_WHYS]; /* why steps ran here */
};

/* Add one; at most two system calls in the life of a process. */
void shell_counts_add(enum shell_count count);
/* Add one script that is handed on, and say which. */
void shell_counts_add_handed(enum shell_why why, struct bytes script);

/* Add one program beside a compile that is started here. */
void shell_counts_add_step_here(enum shell_step_why why);
/* What people are told of it. */
const char *shell_counts_step_words(enum shell_step_why why);

/*
 * Are steps worth asking for?  Else *why is the reason that counts of those
 * that run here.  Costs what shell_counts_add() does.
 */
bool shell_counts_wants_steps(enum shell_step_why *why);

/* Make the files in `dir`, which is there. */
int shell_counts_make(const char *dir, struct err *err);
/* What was counted in `dir` so far; all 0 where nothing can be read. */
void shell_counts_read(const char *dir, struct shell_counts *out);
/* Steps are worth asking for; they are not at first. */
void shell_counts_want_steps(const char *dir);
/* They are not: `why`. */
void shell_counts_refuse_steps(const char *dir, enum shell_step_why why);
/* And how often scripts were handed on for which reason, as `handed` has it. */
void shell_counts_read_handed(const char *dir,
			      uint64_t n[static SHELL_WHY_COUNT]);

#endif
