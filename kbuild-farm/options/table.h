/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/table.h - Options of gcc and clang that kfarm supports.
 *
 * One table serves the wrapper (is this a unit, and can a node compile it?),
 * the coordinator (which options are sent to a node) and the node (which
 * options it passes to a compiler).  An option that is not in the table makes a
 * compile local.  The rows are in the .inc files.  The words of -Wp and -Wa
 * lists have tables of their own.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>

/* How an option takes its argument. */
enum options_form {
	OPTIONS_FORM_ALONE, /* -c: no value */
	OPTIONS_FORM_JOINED, /* -O2, -std=gnu11: name, then the value */
	/* --param X, -Xassembler X: value in the next word */
	OPTIONS_FORM_SEPARATE,
	OPTIONS_FORM_EITHER, /* -I DIR or -IDIR */
};

/* Effect of an option on remote compilation. */
enum options_use {
	OPTIONS_USE_MODE, /* -c -S -E -M -MM -fsyntax-only: kind of output */
	OPTIONS_USE_OUTPUT, /* -o */
	OPTIONS_USE_LANG, /* -x */
	OPTIONS_USE_CODE, /* changes the object and reads no file */
	OPTIONS_USE_CPP, /* affects only the preprocessor */
	OPTIONS_USE_MAKE_DEPS, /* -MD -MMD */
	OPTIONS_USE_DEP_FILE, /* -MF */
	OPTIONS_USE_DEP_TARGET, /* -MT -MQ */
	OPTIONS_USE_DEP_PHONY, /* -MP */
	OPTIONS_USE_WP, /* -Wp,...: each word is examined */
	OPTIONS_USE_WA, /* -Wa,... and -Xassembler: each word is examined */
	OPTIONS_USE_LINK, /* linker only: no effect with -c */
	OPTIONS_USE_DEBUG, /* -g... */
	OPTIONS_USE_LOCAL, /* the compile runs locally for `reason` */
	/* --version, -print-*, -dumpmachine: no compilation */
	OPTIONS_USE_QUERY,
};

/*
 * Effect of an option on the dependency scanner.  The scanner runs the driver
 * to find predefined macros, operators and include directories (a driver
 * query).
 */
enum options_scan {
	OPTIONS_SCAN_REFUSE, /* the unit is not scannable */
	/* passed to driver queries, because it can change their results */
	OPTIONS_SCAN_ASK,
	OPTIONS_SCAN_ASK_PATH, /* like ASK, and the value is a path */
	/*
	 * changes no macro and no operator, so it is not passed to driver
	 * queries
	 */
	OPTIONS_SCAN_UNASKED,
	OPTIONS_SCAN_DROP, /* no effect on the preprocessor */
	OPTIONS_SCAN_DEBUG,
	OPTIONS_SCAN_TARGET,
	OPTIONS_SCAN_DEFINE,
	OPTIONS_SCAN_UNDEFINE,
	OPTIONS_SCAN_DIR_QUOTE, /* directory searched only for #include "x.h" */
	OPTIONS_SCAN_DIR_BRACKET,
	OPTIONS_SCAN_DIR_SYSTEM,
	OPTIONS_SCAN_DIR_AFTER,
	OPTIONS_SCAN_INCLUDE,
	OPTIONS_SCAN_IMACROS,
	OPTIONS_SCAN_NOSTDINC,
	OPTIONS_SCAN_NO_CANONICAL,
	OPTIONS_SCAN_LANG,
	OPTIONS_SCAN_STD,
	OPTIONS_SCAN_ANSI,
	OPTIONS_SCAN_TRIGRAPHS,
	OPTIONS_SCAN_FREESTANDING,
	OPTIONS_SCAN_HOSTED,
	OPTIONS_SCAN_WP, /* words for the preprocessor */
	OPTIONS_SCAN_WA, /* words for the assembler */
	OPTIONS_SCAN_SEED,
	OPTIONS_SCAN_INPUT, /* a file that the compiler reads */
};

/* Kinds of side outputs (options/command.h). */
enum options_side_kind {
	OPTIONS_SIDE_NONE,
	OPTIONS_SIDE_NAME, /* no file, but the object contains its own name */
	OPTIONS_SIDE_SU, /* stack usage */
	/* notes for gcov; the object can contain its own name */
	OPTIONS_SIDE_GCNO,
	OPTIONS_SIDE_DWO, /* split debug information */
	OPTIONS_SIDE_CI, /* call graph */
	/* optimization record in a machine-readable format */
	OPTIONS_SIDE_RECORD,
	/* optimization record in the file that the option's value names */
	OPTIONS_SIDE_RECORD_FILE,
	/* optimization report as text, in the file named after '=' */
	OPTIONS_SIDE_INFO,
	OPTIONS_SIDE_DATABASE, /* clang's -MJ: the command line as JSON */
	OPTIONS_SIDE_N,
};

struct options_entry {
	const char *name; /* as written, up to the value: "-std=", "-I" */
	unsigned char form; /* enum options_form */
	unsigned char use; /* enum options_use */
	unsigned char scan; /* enum options_scan */
	unsigned char side; /* enum options_side_kind */
	enum reason reason; /* OPTIONS_USE_LOCAL: the reason */
	/*
	 * Characters allowed in the value, as in tr(1): "a-z0-9_"; "" for no
	 * value.  If NULL, a node accepts only three kinds of options:
	 * OPTIONS_USE_CODE without a value, and OPTIONS_USE_WP and
	 * OPTIONS_USE_WA, because their lists are checked word by word.
	 */
	const char *charset;
};

/* Longest option value that a node accepts. */
#define OPTIONS_VALUE_MAX_BYTES 4096

/*
 * Return the entry for a word of a command line, or NULL.  If the names of
 * several entries are prefixes of the word and their forms fit, the entry with
 * the longest name is returned.
 */
const struct options_entry *options_table_find_word(const char *word);
/* Return the entry with this exact name, or NULL. */
const struct options_entry *options_table_find_name(const char *name);
/* Return entry `i`, or NULL past the end.  For tests and fuzzers. */
const struct options_entry *options_entry(size_t i);

/*
 * Return true if `value` has an accepted length and only characters of `set`.
 */
bool options_table_is_in_charset(const char *set, const char *value,
				 size_t len);
/*
 * Return true if `value` has only characters that the entry allows, and if
 * neither the driver nor the assembler reads it as an option or a response
 * file.  The value of -mllvm must begin like one of a few options of LLVM.
 * Returns false if e->charset is NULL.
 */
bool options_table_is_value_allowed(const struct options_entry *e,
				    const char *value);
/*
 * Return true if `value` is in a fixed list of values of -g: levels, formats,
 * details and compressions.  With these values, -g writes no other file.  A
 * character set would also accept -gsplit-dwarf and -gcc-toolchain.
 */
bool options_table_is_debug_allowed(const char *value);

/* Words of -Wp,WORD,WORD and -Wa,WORD,WORD lists. */

/* A word of a list.  It is not NUL-terminated. */
struct options_comma_word {
	const char *s;
	size_t len;
};

/*
 * Get the next word of the list at *rest (the text after "-Wp,").  *rest
 * becomes NULL after the last word.  Returns false if no word is left.
 */
bool options_comma_list_next(const char **rest,
			     struct options_comma_word *word);
bool options_comma_word_equals(const struct options_comma_word *word,
			       const char *s);

/*
 * Return the kind of a word of a -Wp, list: OPTIONS_USE_MAKE_DEPS if its file
 * is the next word, OPTIONS_USE_DEP_TARGET if its target is the next word,
 * OPTIONS_USE_DEP_PHONY, OPTIONS_USE_CPP for -Dx, -Ux and -Ix, or
 * OPTIONS_USE_LOCAL for all other words.
 */
enum options_use options_comma_list_wp_use(
	const struct options_comma_word *word);

/*
 * Return true if each word of a -Wa, list (the text after "-Wa,") affects only
 * code, debug information or warnings.  Words that name files, produce
 * listings, add search directories or print are rejected.
 */
bool options_comma_list_is_wa_allowed(const char *list);
/* Return true if the word after -Xassembler affects only code or warnings. */
bool options_comma_list_is_as_allowed(const char *word, size_t len);

#endif
