/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/cmdline.h - Preprocessor view of a compile command.
 */
#ifndef CPP_CMDLINE_H
#define CPP_CMDLINE_H

#include "cpp/lex-directives.h"
#include "options/command.h"

/*
 * Kinds of include directories, in the order of OPTIONS_SCAN_DIR_QUOTE to
 * OPTIONS_SCAN_DIR_AFTER.
 */
enum cpp_dir_kind {
	CPP_DIR_QUOTE,
	CPP_DIR_BRACKET, /* -I */
	CPP_DIR_SYSTEM,
	CPP_DIR_AFTER,
};

struct cpp_cmdline_dir {
	enum cpp_dir_kind kind;
	const char *path;
};

struct cpp_cmdline {
	const struct options_command *command;
	/* borrowed from `command`, like all strings that are not in a strv */
	const char *source;
	/*
	 * the source is assembler that is not preprocessed, such as a .s file;
	 * `mode` is set as for a .S file
	 */
	bool unpreprocessed;
	unsigned mode; /* bits of enum cpp_mode */
	bool nostdinc, freestanding, no_canonical;
	struct cpp_cmdline_dir *dirs;
	size_t n_dirs;
	/* lines "#define X 1" and "#undef X" in the order of their effect */
	struct strv defines;
	struct strv imacros, includes;
	/* Options that can change the results of driver queries. */
	struct strv query_flags;
	bool has_relative_flags; /* query_flags contain relative paths */
	/* Other files that the compiler or the assembler reads. */
	struct strv inputs, asm_files;
	struct strv asm_dirs; /* -I of the assembler only */
	bool alternate; /* --alternate for the assembler */
	/*
	 * The members from here to `has_lang` are collected from all items of
	 * the command.  After the last item, cpp_cmdline_parse() uses most of
	 * them to complete `defines`, `query_flags` and `mode`.
	 */
	struct strv wp_defines;
	struct strv debug;
	bool debug_on; /* the last -g option enables debug information */
	/* the value of a -g option is not a known level or format */
	bool debug_unknown;
	bool debug_macros; /* the debug information may contain all macros */
	bool trigraphs, assembly, std, ansi, has_lang;
	/*
	 * The source is assembler, and the command has -ansi or -std=c90.  With
	 * either option, clang accepts neither line comments nor digraphs in
	 * the source.
	 */
	bool c90_assembly;
	enum reason reason; /* nonzero: not supported */
	const char *detail; /* option, file or variable that causes `reason` */
};

/* Parse a compile command.  If it is not supported, sets l->reason. */
void cpp_cmdline_parse(struct cpp_cmdline *l, const struct options_command *c,
		       char *const *env);
void cpp_cmdline_release(struct cpp_cmdline *l);
/*
 * Get the bits of enum cpp_mode for a value of -std=.  Returns false if `name`
 * is not a C standard of gcc 12 to 16 or clang 14 to 21.  Also returns false
 * for iso9899:199409, which has digraphs but no line comments, because no bit
 * of enum cpp_mode represents this combination.
 */
bool cpp_cmdline_std_mode(const char *name, unsigned *mode);

#endif
