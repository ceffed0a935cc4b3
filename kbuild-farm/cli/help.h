/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/help.h - what --help prints, made of the tables of the commands.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/cmd.h"

/* All commands (a list that ends in NULL), a line each. */
void help_all(FILE *out, const struct cmd *const *commands);
/*
 * One command with its options and verbs; with `verb` (may be NULL), the name
 * of one of these, what concerns that alone.
 */
void help_one(FILE *out, const struct cmd *c, const char *verb);

#endif
