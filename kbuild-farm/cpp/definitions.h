/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/definitions.h - Selection of the definitions that a unit can look up.
 *
 * A *definition header* consists of #define and #undef, possibly inside an
 * include guard, and nearly all of the names are in capitals.  Examples are
 * autoconf.h, utsrelease.h and bounds.h.  A unit depends only on those
 * definitions of such a header that its preprocessor can look up.  For each
 * definition header, cpp_definitions_select() returns a list that includes
 * these definitions.  Two units that have the same command and the same files,
 * except that their definition headers differ, compile to the same result if
 * the lists are equal.
 *
 * A definition is in the list if one of the following is true.
 *
 *   (1) The name contains a lower-case letter or starts with an underscore, or
 *       the compiler checks the definition even if it is not used.  The
 *       compiler checks macros with parameters, and bodies that contain #, a
 *       backslash, an apostrophe, __VA_ or an odd number of quotes.
 *   (2) Another #define or #undef of the unit's definition headers has the same
 *       macro name.
 *   (3) The name occurs in the unit as a word outside comments.  Words count in
 *       all text, directives and strings of the files, even if the compiler
 *       skips them, and in definitions of the command line and of the compiler.
 *       Words also count in the bodies of all macros of definition headers,
 *       even if a macro is not in the list.
 *   (4) The name is a concatenation of an identifier with further identifiers
 *       and numbers that are tokens of the unit, so that ## can form it.  A
 *       decimal number need not be a token, because __COUNTER__ can yield it.
 *       The words of a string are tokens only if the string contains a
 *       parenthesis, because only a macro call in the operand of _Pragma can
 *       use them.  The name in a #define and the parameters of a macro are not
 *       tokens, because they cannot become operands of ##.
 *
 * Why equal lists are sufficient: run the preprocessor on both units in
 * parallel.  The outputs can differ only after the preprocessor has looked up a
 * name that has different definitions in the two units.  Consider the first
 * such name.  Until then, both units have read the same tokens: the files and
 * the command line are equal, and the macros that were expanded are in both
 * lists.  So in both units, the name is a word (3) or was formed from tokens
 * (4).  Each definition of the name is therefore in a list, and the lists
 * differ: a contradiction.
 * #ifdef, `defined', #undef, redefinitions and #pragma push_macro("NAME") look
 * up a word without expanding it.  (2) covers the redefinition of a name that
 * only definition headers contain.
 *
 * A result could also depend on other properties of a definition header.  A
 * unit therefore has no lists in the following cases:
 *
 *   - The debug information contains all macros (-g3), or digests of all files
 *     (clang, DWARF 5).
 *   - The unit is so large that gcc runs out of source locations and omits
 *     columns, which are in debug information and in the data of UBSan.  gcc
 *     reserves 32 locations for each column of a line up to the location
 *     0x50000000, one location for each column up to 0x60000000, and records no
 *     columns beyond 0x60000000 (libcpp/line-map.cc: linemap_line_start,
 *     LINE_MAP_MAX_LOCATION_WITH_COLS).
 *   - A word continues on the next line after a backslash.
 *
 * Messages of the compiler can suggest or show any macro, so the caller must
 * not use the lists for results that contain messages.  Definitions that are
 * not in the list do not affect whether the compiler prints a message: a file
 * is not a definition header if compilers print warnings about its bytes or
 * comments, or if its guard and its first definition have different names.
 */
#ifndef CPP_DEFINITIONS_H
#define CPP_DEFINITIONS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpp_text;
struct cpp_names;
struct buf;

/* The upper-case words of a file, unsorted, with repetitions. */
struct cpp_words {
	uint64_t *hashes; /* the lowest bit is 1 for a token, see (4) */
	size_t n, cap;
	/*
	 * true if a word is __FILE__, __BASE_FILE__, __builtin_FILE or a part
	 * of such a name that includes its F; `hashes` can lack this word
	 */
	bool names_file;
};

/* Record the words of `s`.  `tokens` is true if they are tokens; see (4). */
void cpp_words_add(struct cpp_words *w, const char *s, size_t len, bool tokens);
/* Record the words of a string or a character constant. */
void cpp_words_add_string(struct cpp_words *w, const char *s, size_t len);
/*
 * Record the words of the directives of `t`, except pragmas, and set
 * t->is_definition_header.  `s` is the content of the file.
 */
void cpp_words_add_directives(struct cpp_text *t, const char *s, size_t len);
/*
 * Return an upper limit of the number of source locations that gcc needs for a
 * file if it reserves 32 locations for each column.
 */
uint64_t cpp_words_count_locations(const char *s, size_t len);

/*
 * If cpp_words_count_locations() returns at most this number for all files of a
 * unit together, gcc records all columns of the unit, because the last location
 * is at most 0x50000000 + (CPP_LOCATIONS_MAX - 0x50000000) / 32 = 0x5d800000.
 */
#define CPP_LOCATIONS_MAX UINT64_C(0x200000000)

/* An index of the words of all texts that share a table of names. */
struct cpp_definitions;

struct cpp_definitions *cpp_definitions_new(struct cpp_names *names);
void cpp_definitions_free(struct cpp_definitions *d); /* `d` can be NULL */

/*
 * Select definitions for a unit with the texts `texts`.  If texts[i] is a
 * definition header, lists[i] receives its list, allocated in `arena`; else
 * lists[i] is set to NULL.  A list contains the selected directives in the
 * order of the header, one per line; it includes the #ifndef of an include
 * guard but not the #endif.  Thread-safe.
 */
void cpp_definitions_select(struct cpp_definitions *d,
			    struct cpp_text *const *texts, size_t n,
			    struct arena *arena, const char **lists);

#endif
