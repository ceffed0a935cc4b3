/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/indent.h - what gcc does not say of a text with linemarkers.
 *
 * -Wmisleading-indentation, a part of -Wall, is silent once gcc has seen a
 * linemarker, so a warning of a local compile would be lost.  Where a job's
 * flags leave it on, its text is parsed once more without linemarkers.
 *
 * gcc looks the lines of each suspect up in the file, from one of a hundred
 * places that it remembers: slow in a file of 100,000 lines.  So the text is
 * cut into files of some hundred lines, where one file ended before too:
 *
 *	check.i: #include "c0.i"
 *	         #include "c1.i" ...
 */
#ifndef AGENT_INDENT_H
#define AGENT_INDENT_H

#include "base/err.h"
#include "wire/msg.h"

#include <stdbool.h>

/* Is the client in doubt, and do the job's flags leave the warning on? */
bool agent_indent_wanted(const struct wire_job *m);
/*
 * Write the files for the text in `dir`, which no process changes meanwhile.
 * 0, or a negative errno with `err` set.
 */
int agent_indent_prepare(const char *dir, const struct wire_job *m,
			 struct err *err);
/*
 * The command line of the check, run in that directory: any word that it
 * says, and any other status than 0, is one that the compile did not say.
 * As agent_argv_build().
 */
int agent_indent_argv(struct strv *argv, const char *driver,
		      const struct wire_job *m, struct err *err);

#endif
