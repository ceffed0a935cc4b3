/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/expand.h - Word expansion as in dash 0.5.12.
 *
 * Expansion covers tildes, parameters, command substitution, splitting by IFS,
 * pathnames and quote removal (POSIX.1-2018, XCU 2.6).
 */
#ifndef SHELL_EXPAND_H
#define SHELL_EXPAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "shell/ast.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Settings and callbacks of an expansion.  `ctx` is passed to each callback. */
struct shell_expand {
	struct arena *arena; /* holds the results */
	void *ctx;
	/*
	 * Return the value of a variable, or of $? $$ $! $- or $0, borrowed
	 * until the next callback; NULL if the variable is unset.  The
	 * expansion itself supplies @ * # 1 2 ...
	 */
	const char *(*get)(void *at, const char *name);
	/*
	 * Assign `value` to the variable `name` for ${name=word}.  Returns 0,
	 * or a negative value after printing an error.
	 */
	int (*set)(void *at, const char *name, const char *value);
	/*
	 * Run a list in a subshell and append its output to `out`.  `list` can
	 * be NULL.  Returns 0, or a negative value, which the expansion then
	 * returns.
	 */
	int (*substitute)(void *at, const struct shell_ast_node *list,
			  struct buf *out);
	char *const *args; /* positional parameters from $1 */
	size_t n_args;
	bool nounset; /* set -u */
	bool no_glob; /* set -f */
	/*
	 * The message that dash prints, without the line number, such as "x:
	 * parameter not set".  Set if an expansion function returns -EINVAL.
	 * The message lies in the arena.
	 */
	const char *error;
};

/*
 * Fields in the arena.  If n is 0, v is NULL.  Otherwise v[n] is NULL, and the
 * array has room for one field before v[0].
 */
struct shell_fields {
	char **v;
	size_t n;
	size_t cap;
};

/*
 * The expansion functions return 0; -EINVAL with `error` set if the shell must
 * exit with status 2; or a callback's negative result.  Results lie in the
 * arena.
 */

/*
 * Append the fields of all `words` to `out`, which the caller must have
 * initialized to zero.  With `expand_assignments`, words that begin with NAME=
 * are expanded as assignments, as dash does for export and readonly.
 */
int shell_expand_fields(struct shell_expand *e, const struct shell_word *words,
			bool expand_assignments, struct shell_fields *out);
/*
 * Expand a file name or the word of a case command to one string, without
 * splitting.
 */
int shell_expand_word(struct shell_expand *e, const struct shell_word *word,
		      const char **out);
/* Like shell_expand_word(), but also expand tildes after colons. */
int shell_expand_assignment(struct shell_expand *e,
			    const struct shell_word *word, const char **out);
/* Expand a here-document.  The result contains no NUL. */
int shell_expand_heredoc(struct shell_expand *e, const struct shell_word *word,
			 struct bytes *out);
/* Expand a pattern of a case command for shell_match_pattern(). */
int shell_expand_pattern(struct shell_expand *e, const struct shell_word *word,
			 const char **out);

/*
 * Return true if all of `text` matches the pattern, as in dash: by bytes,
 * independent of the locale.  The special forms are *, ?, [...] and [!...]; a
 * backslash makes the next byte literal.
 */
bool shell_match_pattern(const char *pattern, const char *text);

#endif
