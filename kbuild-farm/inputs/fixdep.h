/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/fixdep.h - what scripts/basic/fixdep of Linux prints.
 *
 *	fixdep DEPFILE TARGET COMMAND
 *
 * makes of a compiler's dependency list the variables that kbuild keeps in
 * .TARGET.cmd, with $(wildcard include/config/SYMBOL) for each CONFIG_ symbol
 * that one of the files names.  Of each file its symbols are remembered.
 *
 * Which fixdep that is decides its source's digest: those of 6.1 and of 6.12
 * are known.  Any other, and whatever makes fixdep complain, is for the
 * program itself.
 */
#ifndef INPUTS_FIXDEP_H
#define INPUTS_FIXDEP_H

#include "base/buf.h"
#include "base/err.h"
#include "inputs/seen.h"
#include "inputs/symbols.h"

enum inputs_fixdep_kind {
	INPUTS_FIXDEP_UNKNOWN,
	INPUTS_FIXDEP_6_1, /* 6.1's */
	INPUTS_FIXDEP_6_12, /* 6.12's */
};

/*
 * Which one the program at `path` is: by what it was built from, which stands
 * in .fixdep.cmd beside it, seen from `cwd`.  The program must be no older.
 */
enum inputs_fixdep_kind inputs_fixdep_kind(const char *cwd, const char *path);

struct inputs_fixdep_call {
	enum inputs_fixdep_kind kind;
	const char *cwd; /* absolute: where it is started */
	const char *depfile, *target; /* its arguments */
	struct inputs_seen *seen; /* what of its files; NULL: nothing */
};

/*
 * What it prints in front of COMMAND, and behind it, appended to `head` and
 * `rest`.  0, or a negative errno where the program would complain, or is not
 * understood.
 */
int inputs_fixdep_text(struct inputs_symbol_table *t,
		       const struct inputs_fixdep_call *call, struct buf *head,
		       struct buf *rest, struct err *err);

/*
 * The same for a program and its arguments, with all that is remembered of
 * programs and of files.  Any number of threads may call.
 *
 * Of a unit whose answer was just found to be right inputs_fixdep_saw() is told
 * what its compile read: see inputs/seen.h.
 */
struct inputs_fixdep;

struct inputs_fixdep *inputs_fixdep_new(void);
/* NULL is fine. */
void inputs_fixdep_free(struct inputs_fixdep *f);
void inputs_fixdep_saw(struct inputs_fixdep *f, const struct inputs_manifest *m,
		       const char *cwd, const char *depfile);
int inputs_fixdep_run(struct inputs_fixdep *f, const char *program,
		      const char *cwd, const char *depfile, const char *target,
		      struct buf *head, struct buf *rest, struct err *err);

#endif
