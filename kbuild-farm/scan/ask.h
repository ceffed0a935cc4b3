/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/ask.h - what only the compiler knows: its own macros, directories and
 * operators.  Asked once per (toolchain, language, flags), kept in memory
 * and, between runs, in a directory.
 */
#ifndef SCAN_ASK_H
#define SCAN_ASK_H

#include "scan/deps.h"
#include "scan/lex.h"
#include "scan/line.h"

struct scan_answers;

/* One compiler with one set of flags; never changed once it is returned. */
struct scan_dialect {
	struct scan_text *macros; /* as directives */
	struct scan_def builtin[WORDS]; /* of the names that are built in */
	size_t n_builtin;
	bool is_clang;
	bool no_raw; /* R"(...)" is no string */
};

struct scan_answers *scan_answers_new(const struct scan_setup *setup,
				      struct scan_names *names);
void scan_answers_free(struct scan_answers *a);

/*
 * The compiler as this line uses it; owned by `a`.  NULL with *why and
 * *detail (the caller frees it) when it would not answer.
 */
struct scan_dialect *scan_answers_dialect(struct scan_answers *a,
					  const struct scan_unit *unit,
					  const struct scan_line *line,
					  enum reason *why, char **detail);

/*
 * Its own include directories, in order; those that did not exist when it
 * was asked are in `absent`: when one is there now, ask again with `again`.
 * 0 or negative with *why.
 */
int scan_dialect_dirs(struct scan_answers *a, struct scan_dialect *dialect,
		      const struct scan_unit *unit,
		      const struct scan_line *line, bool again,
		      const struct strv **dirs, const struct strv **absent,
		      enum reason *why);

/*
 * What OP(TEXT) is, e.g. __has_attribute(noreturn).  `near`: the file that
 * asks, or NULL; what else it asks for is answered by the same compiler run.
 */
int scan_dialect_operator(struct scan_answers *a, struct scan_dialect *dialect,
			  const struct scan_unit *unit,
			  const struct scan_line *line, enum scan_word op,
			  const char *text, const struct scan_text *near,
			  long long *value, enum reason *why);

/*
 * What the last of these pragmas, each "GCC target(...)" or the like, changes
 * in gcc's macros after all others: directives, owned by `dialect`.  NULL with
 * *why and *detail (the caller frees it) when it would not answer.
 */
struct scan_text *scan_dialect_options(struct scan_answers *a,
				       struct scan_dialect *dialect,
				       const struct scan_unit *unit,
				       const struct scan_line *line,
				       const struct strv *pragmas,
				       enum reason *why, char **detail);

/* How often a compiler was started. */
uint64_t scan_answers_asked(struct scan_answers *a);

#endif
