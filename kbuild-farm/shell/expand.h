/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/expand.h - fields of words: tildes, parameters, commands, splitting
 * by IFS, names of files, quotes removed; as dash 0.5.12 does it
 * (POSIX.1-2018, XCU 2.6).
 */
#ifndef SHELL_EXPAND_H
#define SHELL_EXPAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "shell/match.h"
#include "shell/node.h"

/* Where values come from; `at` is handed to each callback. */
struct shell_expand {
	struct arena *arena; /* results lie there */
	void *at;
	/*
	 * A variable's value, or that of $? $$ $! $- and $0: borrowed until the
	 * next callback; NULL where it is unset.  Not asked for: @ * # 1 2 ...
	 */
	const char *(*get)(void *at, const char *name);
	/* ${x=word}: 0, or negative where `x` is read-only (which was said). */
	int (*set)(void *at, const char *name, const char *value);
	/*
	 * Run a list in a subshell and add what it prints to `out`; `list` may
	 * be NULL.  0, or negative: the expansion ends with that.
	 */
	int (*commands)(void *at, const struct shell_node *list,
			struct buf *out);
	char *const *args; /* $1 ... */
	size_t n_args;
	bool unset_fails; /* set -u */
	bool no_glob; /* set -f */
	/*
	 * Where a call returned -EINVAL: what dash says behind the line's
	 * number, "x: parameter not set"; in the arena.
	 */
	const char *error;
};

/* In the arena; v[n] is NULL, and there is room for one more before v[0]. */
struct shell_fields {
	char **v;
	size_t n;
	size_t cap;
};

/*
 * All calls return 0, or a negative errno: -EINVAL with `error` set where the
 * shell has to end with status 2, else what a callback returned.
 */

/*
 * Add the fields of all `words` to `out`, which is zeroed at first.  With
 * `declare` those that begin as NAME= are expanded as assignments are: what
 * dash does for export and readonly.
 */
int shell_expand_fields(struct shell_expand *e, const struct shell_word *words,
			bool declare, struct shell_fields *out);
/* One string, never split: a file's name, the word of case. */
int shell_expand_word(struct shell_expand *e, const struct shell_word *word,
		      const char **out);
/* As shell_expand_word(), with tildes behind each colon. */
int shell_expand_value(struct shell_expand *e, const struct shell_word *word,
		       const char **out);
/* A here-document, which may have NUL in it no more than any script. */
int shell_expand_text(struct shell_expand *e, const struct shell_word *word,
		      struct bytes *out);
/* A pattern of case, for shell_match() (shell/match.h). */
int shell_expand_pattern(struct shell_expand *e, const struct shell_word *word,
			 const char **out);

#endif
