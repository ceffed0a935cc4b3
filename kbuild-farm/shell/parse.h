/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/parse.h - Parser for shell scripts as dash 0.5.12 reads them.
 *
 * The grammar is POSIX.1-2018, XCU 2.10; where the standard leaves a choice,
 * the parser follows dash.  The parser rejects a script that dash might read
 * differently; the recipe shell then leaves the whole script to /bin/sh.
 */
#ifndef SHELL_PARSE_H
#define SHELL_PARSE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "shell/ast.h"
#include "shell/stats.h"

/*
 * Parse a whole script.
 *
 * Returns 0 and stores the commands, or NULL if there are none, in *out; they
 * lie in `a`.  Returns -ENOTSUP with the reason in *why if /bin/sh must run the
 * script.
 */
int shell_parse_script(struct arena *a, struct bytes text,
		       const struct shell_ast_node **out,
		       enum shell_fallback_reason *why);

/* Return true if the word is a keyword such as "if" or "{". */
bool shell_parse_is_keyword(const char *word);

#endif
