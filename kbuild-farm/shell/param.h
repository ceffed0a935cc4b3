/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/param.h - $name and ${name...} in a script, up to the operator.
 */
#ifndef SHELL_PARAM_H
#define SHELL_PARAM_H

#include "shell/lexer.h"

#include <string.h>

static inline bool shell_is_name_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool shell_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool shell_is_special(int c)
{
	return c > 0 && strchr("#?$!-*@", c);
}

/*
 * Take a parameter's name, of one digit only unless `digits`.  Returns it with
 * a NUL behind it, in the text; "" where there is none.
 */
char *shell_param_name(struct shell_lexer *lx, bool digits);

/*
 * What follows ${: name and operator, or all up to the brace.  Does a word
 * follow, and the brace?  What dash knows only when it gets there, or has a
 * message for, is refused.
 */
bool shell_param_read(struct shell_lexer *lx, struct shell_part *part);

#endif
