/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/pragma.h - Classification of pragmas that affect macros or files.
 *
 * #pragma GCC target, optimize and similar pragmas change gcc's predefined
 * macros.  Before release 13, gcc -E does not apply these changes, so the
 * driver query compiles instead of preprocessing: with -gdwarf-2 -g3, gcc lists
 * each definition with its line in .debug_macinfo.
 */
#ifndef CPP_PRAGMA_H
#define CPP_PRAGMA_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct cpp_lexer;

enum cpp_pragma {
	CPP_PRAGMA_OTHER, /* no effect on macros or files */
	CPP_PRAGMA_ONCE,
	CPP_PRAGMA_PUSH_MACRO,
	CPP_PRAGMA_POP_MACRO,
	CPP_PRAGMA_SYSTEM_HEADER,
	CPP_PRAGMA_OPTIONS, /* can change predefined macros */
	CPP_PRAGMA_UNKNOWN, /* relevant but not supported */
};

/* Classify the pragma whose text after "#pragma" is `s`. */
enum cpp_pragma cpp_pragma_classify(const char *s, size_t len);

/*
 * Return X of push_macro("X") or pop_macro("X"), or NULL.  X is inside `s` and
 * has *name_len bytes.
 */
const char *cpp_pragma_macro_name(const char *s, size_t len, size_t *name_len);

/*
 * Find the first occurrence of each pragma word ("once", "GCC", ...).  Call
 * this before lines are read.
 */
void cpp_pragma_find_words(struct cpp_lexer *l);
/*
 * Ignore the pragma words ("once", "GCC", ...) between `from` and l->p, because
 * this part of the file is not code.  Mark the words found before `from`.
 */
void cpp_pragma_skip_words(struct cpp_lexer *l, const uint8_t *from);
/* Mark the word _Pragma at `s`, or a part of it that ## can complete. */
void cpp_pragma_mark_operator(struct cpp_lexer *l, const char *s,
			      const char *end);

/*
 * Remove the pragmas that a pop_options at the end of the list undoes.
 *
 * `pragmas` lists the pragmas of a unit in order, as "GCC target(\"avx2\")".
 * If the last pragma is a pop_options that has a matching push_options, the
 * function removes both and all pragmas between them.
 */
void cpp_pragma_options_prune(struct strv *pragmas);

/* Return all pragmas in one line as a key.  The caller frees it. */
char *cpp_pragma_options_key(const struct strv *pragmas);

/* Append the source that the compiler reads to apply `pragmas`. */
void cpp_pragma_options_add_source(struct buf *source,
				   const struct strv *pragmas);

/*
 * Parse gcc's assembler output for the source of
 * cpp_pragma_options_add_source().
 *
 * Appends the changes of the last pragma as #define and #undef lines.  Returns
 * 0, or -EPROTO if the output lists no macros.
 */
int cpp_pragma_options_parse(const char *output, struct buf *changes);

#endif
