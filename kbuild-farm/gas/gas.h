/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gas/gas.h - Discovery of files that the assembler reads.
 *
 * All assembler text of a unit is executed as GNU as would do it: labels,
 * comments, macros and repetitions are processed.  Instructions are ignored.
 * Where the behaviour of GNU as cannot be determined, for example at an .if on
 * a label's address, both branches are executed.  The result can therefore name
 * too many files but never too few.  If files could be missing, the result is
 * undecided.
 *
 * gas.c expands asm templates, scrub.c processes characters, macro.c expands
 * macros, expr.c evaluates expressions, and run.c executes statements and
 * conditionals.  The rules are those of gas/app.c, macro.c, read.c, cond.c and
 * expr.c in binutils, and of gas/config/tc-*.c for characters.
 */
#ifndef GAS_GAS_H
#define GAS_GAS_H

#include "base/str.h"

struct gas_scanner;

enum gas_text_kind {
	/*
	 * The whole text of a source file.  Line markers such as # 1 "x.S" are
	 * optional.
	 */
	GAS_TEXT_SOURCE,
	/*
	 * The template string of an asm() with operands, with C's quotes and
	 * escapes already removed.  The compiler interprets %0, %[name] and
	 * {a|b} in it.
	 */
	GAS_TEXT_TEMPLATE,
	/* The string of an asm() without operands, assembled literally. */
	GAS_TEXT_BASIC,
	/*
	 * Text that the compiler copies into a generated assembler statement,
	 * such as the name of a section or a symbol.
	 */
	GAS_TEXT_RAW,
};

struct gas_setup {
	/* from gas_scrub_detect_arch(); NULL if unknown */
	const char *architecture;
	bool alternate; /* the assembler's option --alternate is given */
};

struct gas_result {
	struct strv incbins; /* file names as written, without duplicates */
	struct strv includes; /* .include files; the caller adds their text */
	/*
	 * names of files in .file directives; with --MD, GNU as lists these
	 * files, but does not read them
	 */
	struct strv source_names;
	char *undecided; /* why the files could not be determined, or NULL */
};

/*
 * Derive the architecture of a compiler from its predefined macros.  Returns
 * NULL if no architecture matches.
 */
const char *gas_scrub_detect_arch(bool (*is_defined)(void *ctx,
						     const char *macro),
				  void *ctx);

/* Create a scanner.  `setup` is not used after the call. */
struct gas_scanner *gas_scanner_new(const struct gas_setup *setup);
void gas_scanner_free(struct gas_scanner *a);

/*
 * Add a text, which is copied.  An assembler source is one GAS_TEXT_SOURCE; a C
 * source consists of any number of texts of the other kinds.  The text of an
 * .include file is another GAS_TEXT_SOURCE.
 */
void gas_scanner_add_text(struct gas_scanner *a, const char *s, size_t len,
			  enum gas_text_kind kind);

/*
 * Find the files that are named in the texts added so far.  The caller can then
 * add the texts of the .include files and call again.  Release `out` with
 * gas_result_release().
 */
void gas_scanner_find_files(struct gas_scanner *a, struct gas_result *out);
void gas_result_release(struct gas_result *out);

#endif
