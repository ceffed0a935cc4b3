/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/node.h - a script, parsed.
 *
 * All of it lies in one arena (base/arena.h) and does not change once it is
 * made, so that children made by fork read it too.  Lists are chained by
 * `next`; an empty one is NULL.  Strings end with a NUL, but for the text of
 * a part.
 *
 * A word is made of parts: `a"$b"'c d'` is the text a, the parameter b,
 * quoted, and the text "c d", quoted.  shell/expand.h makes fields of words.
 */
#ifndef SHELL_NODE_H
#define SHELL_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shell_part_kind {
	SHELL_TEXT,
	SHELL_PARAM, /* $name, ${name}, ${name:-word} ... */
	SHELL_COMMANDS, /* $(list), `list` */
};

/* What stands behind the name in ${name...}. */
enum shell_param_op {
	SHELL_VALUE, /* nothing: ${name} */
	SHELL_LENGTH, /* ${#name} */
	SHELL_DEFAULT, /* - */
	SHELL_ASSIGN, /* = */
	SHELL_ERROR, /* ? */
	SHELL_ALTERNATIVE, /* + */
	SHELL_CUT_SUFFIX, /* % */
	SHELL_CUT_LONG_SUFFIX, /* %% */
	SHELL_CUT_PREFIX, /* # */
	SHELL_CUT_LONG_PREFIX, /* ## */
};

struct shell_part {
	const struct shell_part *next;
	enum shell_part_kind kind;
	bool quoted; /* by ", ' or a backslash */
	/* TEXT; a quoted one of no length is where "" or '' begins or ends. */
	const char *text;
	size_t len;
	/* PARAM */
	const char
		*name; /* also "@", "*", "#", "?", "-", "$", "!", "0", "12" */
	enum shell_param_op op;
	bool colon; /* :- and its like: empty is as good as unset */
	const struct shell_word *word; /* behind the operator */
	/* COMMANDS; NULL where there are none */
	const struct shell_node *list;
};

struct shell_word {
	const struct shell_word *next;
	/* NULL where all of it is `literal`, and nothing is quoted. */
	const struct shell_part *parts;
	/*
	 * What the word comes to where nothing in it is expanded, quotes gone:
	 * one field, this.  NULL where parts have to be looked at: parameters,
	 * commands, a tilde, an unquoted * ? [].
	 */
	const char *literal;
	/* Unquoted, it begins as NAME=: `export` expands it as an assignment.
	 */
	bool assignment;
};

struct shell_assign {
	const struct shell_assign *next;
	const char *name;
	const struct shell_word *value;
};

enum shell_redir_kind {
	SHELL_FROM, /* < */
	SHELL_TO, /* > */
	SHELL_APPEND, /* >> */
	SHELL_CLOBBER, /* >| */
	SHELL_FROM_TO, /* <> */
	SHELL_DUP, /* >& and <& */
	SHELL_HERE, /* << and <<- */
};

#define SHELL_CLOSE (-1)

struct shell_redir {
	const struct shell_redir *next;
	enum shell_redir_kind kind;
	int fd; /* what is redirected, 0 to 9 */
	/* DUP where `word` is NULL: 0 to 9, or SHELL_CLOSE */
	int from;
	/*
	 * The file; for DUP what becomes a digit or "-" by expansion; for HERE
	 * the document, its text quoted, shell_expand_text() is for it.
	 */
	const struct shell_word *word;
};

enum shell_node_kind {
	SHELL_SIMPLE, /* assignments, words, redirections */
	SHELL_PIPE, /* a | b | c: `list` */
	SHELL_NOT, /* ! `left` */
	SHELL_AND, /* `left` && `right` */
	SHELL_OR, /* `left` || `right` */
	SHELL_LIST, /* a; b; c: `list`, two at least */
	SHELL_SUBSHELL, /* ( `left` ), `redirs` */
	/* Any compound command with `redirs`; { } without is what is in it. */
	SHELL_REDIRECTED,
	SHELL_IF, /* if `test`; then `left`; else `right`; fi */
	SHELL_CASE, /* case `words` in `items` */
	SHELL_FOR, /* for `name` in `words`; do `left`; done */
	SHELL_WHILE, /* while `test`; do `left`; done */
	SHELL_UNTIL,
};

/* One branch of a case. */
struct shell_item {
	const struct shell_item *next;
	const struct shell_word *patterns;
	const struct shell_node *body; /* NULL: empty */
};

struct shell_node {
	const struct shell_node *next; /* in a PIPE or LIST */
	enum shell_node_kind kind;
	unsigned line; /* of the script, from 1: what dash's messages say */
	const struct shell_assign *assigns;
	const struct shell_word *words;
	const struct shell_redir *redirs;
	const struct shell_node *list;
	const struct shell_node *test;
	const struct shell_node *left;
	const struct shell_node *right;
	const char *name;
	const struct shell_item *items;
};

#endif
