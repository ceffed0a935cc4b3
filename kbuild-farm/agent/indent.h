/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/indent.h - what gcc does not say of a text with linemarkers.
 *
 * -Wmisleading-indentation, a part of -Wall, is silent once gcc has seen a
 * linemarker, so a warning of a local compile would be lost.  Where a job's
 * flags leave it on, its text is parsed once more without linemarkers: where
 * one was there is an empty line.
 */
#ifndef AGENT_INDENT_H
#define AGENT_INDENT_H

#include "agent/argv.h"
#include "base/err.h"

#include <stdbool.h>

/* The name that the text of the check has in its directory. */
#define AGENT_INDENT_FILE "check.i"

/* Is the client in doubt, and do the job's flags leave the warning on? */
bool agent_indent_wanted(const struct agent_compile *c);
/*
 * Make the check's text of the one in `text_fd`: a descriptor in *out, which
 * the caller closes.  0, or a negative errno with `err` set.
 */
int agent_indent_prepare(int text_fd, int *out, struct err *err);
/*
 * The command line of the check, run beside that file: any word that it
 * says, and any other status than 0, is one that the compile did not say.
 * As agent_argv_build().
 */
int agent_indent_argv(struct strv *argv, const struct agent_compile *c,
		      struct err *err);

#endif
