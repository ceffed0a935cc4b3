/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/table.h - every option of gcc and clang that kfarm knows.
 *
 * One table serves the wrapper (is this a job, and one for a node?), the
 * coordinator (which options go to a node) and the node (which
 * options it lets near a compiler).  What is not in it is unknown, and an
 * unknown option makes a compile local.  The lines are in the .inc files.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "base/reason.h"

#include <stdbool.h>
#include <stddef.h>

/* How an option takes its argument. */
enum options_form {
	OPTIONS_ALONE, /* -c */
	OPTIONS_JOINED, /* -O2, -std=gnu11: name, then the value */
	OPTIONS_SEPARATE, /* --param X, -Xassembler X */
	OPTIONS_EITHER, /* -I DIR or -IDIR */
};

/* What an option means for a compile on another machine. */
enum options_use {
	OPTIONS_USE_MODE, /* -c -S -E -M -MM -fsyntax-only: what is made */
	OPTIONS_USE_OUTPUT, /* -o */
	OPTIONS_USE_LANG, /* -x */
	OPTIONS_USE_CODE, /* changes the object, reads no file */
	OPTIONS_USE_CPP, /* only the preprocessor's */
	OPTIONS_USE_MAKE_DEPS, /* -MD -MMD */
	OPTIONS_USE_DEP_FILE, /* -MF */
	OPTIONS_USE_DEP_TARGET, /* -MT -MQ */
	OPTIONS_USE_DEP_PHONY, /* -MP */
	OPTIONS_USE_WP, /* -Wp,...: looked into */
	OPTIONS_USE_WA, /* -Wa,... and -Xassembler: looked into */
	OPTIONS_USE_LINK, /* only the linker's: no effect with -c */
	OPTIONS_USE_DEBUG, /* -g... */
	OPTIONS_USE_LOCAL, /* such a compile stays local: `why` */
	OPTIONS_USE_QUERY, /* --version, -print-*, -dumpmachine: no compile */
};

/* What an option means to the search for the files that a unit reads. */
enum options_scan {
	OPTIONS_SCAN_REFUSE, /* such a unit is not scanned */
	OPTIONS_SCAN_ASK, /* the compiler's own answers may depend on it */
	OPTIONS_SCAN_ASK_PATH, /* the same, and its value is a path */
	OPTIONS_SCAN_UNASKED, /* no macro and no operator knows of it */
	OPTIONS_SCAN_DROP, /* it means nothing to the preprocessor */
	OPTIONS_SCAN_DEBUG,
	OPTIONS_SCAN_TARGET,
	OPTIONS_SCAN_DEFINE,
	OPTIONS_SCAN_UNDEFINE,
	OPTIONS_SCAN_DIR_QUOTE, /* a directory to search: for "x.h" only */
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

/* A file that a compile writes beside its object (options/output.h). */
enum options_side {
	OPTIONS_SIDE_NONE,
	OPTIONS_SIDE_NAME, /* none, but the object's name is in the object */
	OPTIONS_SIDE_SU, /* stack usage */
	OPTIONS_SIDE_GCNO, /* notes for gcov, beside the name */
	OPTIONS_SIDE_DWO, /* split debug information */
	OPTIONS_SIDE_CI, /* callgraph */
	OPTIONS_SIDE_RECORD, /* optimizations, for programs */
	OPTIONS_SIDE_RECORD_FILE, /* the same in the file of the value */
	OPTIONS_SIDE_INFO, /* the same for people, in the file behind '=' */
	OPTIONS_SIDE_DATABASE, /* clang's -MJ: the line as JSON */
	OPTIONS_SIDES,
};

struct options_entry {
	const char *name; /* as written, up to the value: "-std=", "-I" */
	unsigned char form; /* enum options_form */
	unsigned char use; /* enum options_use */
	unsigned char scan; /* enum options_scan */
	unsigned char side; /* enum options_side */
	enum reason why; /* OPTIONS_USE_LOCAL: the counted reason */
	/*
	 * What the value may be made of, as in tr(1): "a-z0-9_"; "": nothing.
	 * NULL: no value is ever sent to a node; and neither is the option, but
	 * for OPTIONS_USE_CODE, OPTIONS_USE_WP and OPTIONS_USE_WA.
	 */
	const char *charset;
};

/* Longest value of an option that a node takes. */
#define OPTIONS_VALUE_MAX 4096

/*
 * The entry for one word of a command line: the longest name that the word
 * starts with and whose form allows it.  NULL: unknown.
 */
const struct options_entry *options_find(const char *word);
/* The entry with exactly this name, or NULL. */
const struct options_entry *options_named(const char *name);
/* For the tests and the fuzzers: entry `i`, NULL past the end. */
const struct options_entry *options_entry(size_t i);

/* Is `value` made of the bytes in `set` alone, and not too long? */
bool options_charset_ok(const char *set, const char *value, size_t len);
/* May a node get this option with this value? */
bool options_value_ok(const struct options_entry *e, const char *value);
/*
 * Is this a level, format or detail of -g that is known to write no file of
 * its own?  Letters alone would let -gsplit-dwarf and -gcc-toolchain pass.
 */
bool options_debug_ok(const char *value);

#endif
