/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/param.h"

#include <string.h>

char *shell_param_name(struct shell_lexer *lx, bool digits)
{
	char *name = lx->text;
	int c = shell_lexer_ahead(lx);

	if (shell_is_name_start(c)) {
		do {
			*lx->text++ = (char)c;
			lx->p++;
			c = shell_lexer_ahead(lx);
		} while (shell_is_name_start(c) || shell_is_digit(c));
	} else if (shell_is_digit(c)) {
		do {
			*lx->text++ = (char)c;
			lx->p++;
			c = shell_lexer_ahead(lx);
		} while (digits && shell_is_digit(c));
	} else if (shell_is_special(c)) {
		*lx->text++ = (char)c;
		lx->p++;
	}
	*lx->text++ = '\0';
	return name;
}

static enum shell_param_op doubled(struct shell_lexer *lx, char c,
				   enum shell_param_op one,
				   enum shell_param_op two)
{
	if (shell_lexer_ahead(lx) != c)
		return one;
	lx->p++;
	return two;
}

static enum shell_param_op param_operator(struct shell_lexer *lx,
					  struct shell_part *part)
{
	int c = shell_lexer_ahead(lx);

	if (c == ':') {
		part->colon = true;
		lx->p++;
		c = shell_lexer_ahead(lx);
	}
	lx->p += c >= 0;
	if (c == '-')
		return SHELL_DEFAULT;
	if (c == '=')
		return SHELL_ASSIGN;
	if (c == '?')
		return SHELL_ERROR;
	if (c == '+')
		return SHELL_ALTERNATIVE;
	if (c == '%' && !part->colon)
		return doubled(lx, '%', SHELL_CUT_SUFFIX,
			       SHELL_CUT_LONG_SUFFIX);
	if (c == '#' && !part->colon)
		return doubled(lx, '#', SHELL_CUT_PREFIX,
			       SHELL_CUT_LONG_PREFIX);
	return SHELL_VALUE;
}

/* ${#: a length where a name follows, else the parameter #. */
static bool is_length(struct shell_lexer *lx)
{
	struct shell_lexer ahead = *lx;
	int c;

	ahead.p++;
	c = shell_lexer_ahead(&ahead);
	if (shell_is_name_start(c) || shell_is_digit(c))
		return true;
	if (!shell_is_special(c))
		return false;
	ahead.p++;
	return shell_lexer_ahead(&ahead) == '}';
}

static bool has_odd_operand(const struct shell_part *part)
{
	char c = part->name[0];

	if (part->op == SHELL_ASSIGN)
		return !shell_is_name_start(c);
	/* Separated by what no pattern knows. */
	return part->op >= SHELL_CUT_SUFFIX && (c == '@' || c == '*');
}

bool shell_param_read(struct shell_lexer *lx, struct shell_part *part)
{
	if (shell_lexer_ahead(lx) == '#' && is_length(lx)) {
		lx->p++;
		part->op = SHELL_LENGTH;
	}
	part->name = shell_param_name(lx, true);
	if (part->name[0] && shell_lexer_ahead(lx) == '}') {
		lx->p++;
		return false;
	}
	if (part->name[0] && part->op != SHELL_LENGTH) {
		part->op = param_operator(lx, part);
		if (part->op >= SHELL_DEFAULT && !has_odd_operand(part))
			return true;
	}
	shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
	return false;
}
