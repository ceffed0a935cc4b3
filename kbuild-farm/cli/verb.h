/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/verb.h - the verbs of a subcommand that has several: `install` of
 * toolchain, `add` of nodes.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "base/err.h"
#include "base/str.h"

struct cmd; /* cli/cmd.h */

struct cmd_verb {
	const char *name;
	const char *usage; /* what follows the name, with a space; or "" */
	const char *takes; /* options by their long names: "nodes json" */
	size_t least, most; /* words after it */
	const char *help; /* half a line */
};

/* The verb of that name (NULL: none was given), or NULL. */
const struct cmd_verb *cmd_verb_find(const struct cmd *c, const char *name);
/*
 * Read the command line of `c`: its first word is the verb, those after it go
 * to `words`, options to `into` (see args_store()).
 *
 * Returns the verb, where it takes that many words and these options; else NULL
 * with `err` saying what is wrong.
 */
const struct cmd_verb *cmd_verb_parse(const struct cmd *c, char *const *argv,
				      void *into, struct strv *words,
				      struct err *err);
/* "list, json" of those that take `option`; the caller frees it. */
char *cmd_verb_takers(const struct cmd *c, const char *option);

#endif
