/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/ast.h - Syntax tree of a shell script.
 *
 * The whole tree lies in one arena (base/arena.h) and does not change after the
 * parser has built it.  Lists are chained by `next`; an empty list is NULL.
 * Strings are NUL-terminated, except the text of a part.
 *
 * A word consists of parts: `a"$b"'c d'` is the text a, the quoted parameter b
 * and the quoted text "c d".  shell/expand.h turns words into fields.
 */
#ifndef SHELL_AST_H
#define SHELL_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shell_part_kind {
	SHELL_PART_TEXT,
	SHELL_PART_PARAM, /* $name, ${name}, ${name:-word} ... */
	SHELL_PART_COMMANDS, /* $(list), `list` */
};

/* The operator after the name in ${name...}. */
enum shell_param_op {
	SHELL_OP_VALUE, /* no operator: ${name} */
	SHELL_OP_LENGTH, /* ${#name} */
	SHELL_OP_DEFAULT, /* - */
	SHELL_OP_ASSIGN, /* = */
	SHELL_OP_ERROR, /* ? */
	SHELL_OP_ALTERNATIVE, /* + */
	SHELL_OP_REMOVE_SUFFIX, /* % */
	SHELL_OP_REMOVE_LONG_SUFFIX, /* %% */
	SHELL_OP_REMOVE_PREFIX, /* # */
	SHELL_OP_REMOVE_LONG_PREFIX, /* ## */
};

struct shell_part {
	const struct shell_part *next;
	enum shell_part_kind kind;
	/*
	 * The part is quoted by ", ' or a backslash.  An expansion in the
	 * operand of a quoted ${...} counts as quoted only if the operand
	 * itself quotes the expansion: in "${x=$y}", $y is not quoted.
	 */
	bool quoted;
	/*
	 * Text of a TEXT part.  Even an empty quoted string such as '' is a
	 * field, so a quoted part of length 0 marks the position of an opening
	 * or closing quote.
	 */
	const char *text;
	size_t len;
	/* Fields of a PARAM part. */
	/* name of a variable, a number, or one of @ * # ? - $ ! */
	const char *name;
	enum shell_param_op op;
	/*
	 * the operator has a colon, as in :-, so an empty value counts as unset
	 */
	bool colon;
	const struct shell_word *word; /* operand of the operator */
	/* Commands of a COMMANDS part; NULL if the list is empty. */
	const struct shell_ast_node *list;
};

struct shell_word {
	const struct shell_word *next;
	/* NULL if the whole word is `literal` and no part of it is quoted */
	const struct shell_part *parts;
	/*
	 * The value, without quotes, of a word that needs no expansion; such a
	 * word is exactly one field.  NULL if the parts must be expanded,
	 * because the word contains a parameter, a command substitution, a
	 * tilde or an unquoted pattern: * or ? or [...].
	 */
	const char *literal;
	/*
	 * The word begins with an unquoted NAME=, so `export` expands it as an
	 * assignment.
	 */
	bool assignment;
};

struct shell_assign {
	const struct shell_assign *next;
	const char *name;
	const struct shell_word *value;
};

enum shell_redir_kind {
	SHELL_REDIR_INPUT, /* < */
	SHELL_REDIR_OUTPUT, /* > */
	SHELL_REDIR_APPEND, /* >> */
	SHELL_REDIR_CLOBBER, /* >| */
	SHELL_REDIR_READ_WRITE, /* <> */
	SHELL_REDIR_DUP, /* >& and <& */
	SHELL_REDIR_HEREDOC, /* << and <<- */
};

#define SHELL_REDIR_CLOSE_FD (-1)

struct shell_redir {
	const struct shell_redir *next;
	enum shell_redir_kind kind;
	int fd; /* redirected descriptor, 0 to 9 */
	/*
	 * For DUP without `word`: the descriptor to duplicate, 0 to 9, or
	 * SHELL_REDIR_CLOSE_FD.
	 */
	int source_fd;
	/*
	 * The file name.  For DUP, a word that expands to a digit or "-".  For
	 * HEREDOC, the document as a word whose text is quoted;
	 * shell_expand_heredoc() expands it.
	 */
	const struct shell_word *word;
};

enum shell_ast_kind {
	SHELL_AST_SIMPLE, /* assignments, words, redirections */
	SHELL_AST_PIPELINE, /* a | b | c: `list` */
	SHELL_AST_NOT, /* ! `left` */
	SHELL_AST_AND, /* `left` && `right` */
	SHELL_AST_OR, /* `left` || `right` */
	SHELL_AST_LIST, /* a; b; c: `list`, at least two nodes */
	SHELL_AST_SUBSHELL, /* ( `left` ) with `redirs` */
	/*
	 * Compound command `left` with `redirs`.  A group { } without
	 * redirections has no node of its own.
	 */
	SHELL_AST_REDIRECTED,
	SHELL_AST_IF, /* if `test`; then `left`; else `right`; fi */
	SHELL_AST_CASE, /* case `words` in `items` */
	SHELL_AST_FOR, /* for `name` in `words`; do `left`; done */
	SHELL_AST_WHILE, /* while `test`; do `left`; done */
	SHELL_AST_UNTIL,
};

/* One branch of a case command. */
struct shell_case_item {
	const struct shell_case_item *next;
	const struct shell_word *patterns;
	const struct shell_ast_node *body; /* NULL if the branch is empty */
};

struct shell_ast_node {
	/* next command of a PIPELINE or LIST */
	const struct shell_ast_node *next;
	enum shell_ast_kind kind;
	unsigned line; /* line in the script, from 1, as in dash's messages */
	const struct shell_assign *assigns;
	const struct shell_word *words;
	const struct shell_redir *redirs;
	const struct shell_ast_node *list;
	const struct shell_ast_node *test;
	const struct shell_ast_node *left;
	const struct shell_ast_node *right;
	const char *name;
	const struct shell_case_item *items;
};

#endif
