/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/line.h - what a compile's command line means to the preprocessor.
 */
#ifndef SCAN_LINE_H
#define SCAN_LINE_H

#include "options/command.h"
#include "scan/lex.h"

/* In the order of OPTIONS_SCAN_DIR_QUOTE and its like. */
enum scan_path {
	SCAN_PATH_QUOTE,
	SCAN_PATH_BRACKET, /* -I */
	SCAN_PATH_SYSTEM,
	SCAN_PATH_AFTER,
};

struct scan_line_dir {
	enum scan_path where;
	const char *path;
};

struct scan_line {
	const struct options_command *command;
	const char *source; /* borrowed from it, as all strings but lists */
	bool plain; /* .s: no preprocessor at all; `mode` is .S's */
	unsigned mode; /* enum scan_mode */
	bool nostdinc, freestanding, no_canonical;
	struct scan_line_dir *dir;
	size_t n_dir;
	/* "#define X 1", "#undef X" in order. */
	struct strv define;
	struct strv imacros, include;
	/* What the compiler's own answers depend on. */
	struct strv flags;
	bool flags_local; /* among them are relative paths */
	/* Files that the compiler or the assembler reads besides. */
	struct strv input, assembler;
	struct strv asm_dirs; /* -I for the assembler alone */
	bool alternate; /* --alternate for the assembler */
	/* Counted in where the line ends: -Wp,-D..., -g..., and a .S or -x. */
	struct strv wp_define;
	struct strv debug;
	bool debug_on; /* as far as levels and formats of -g say */
	bool debug_others; /* there are words that say neither */
	bool trigraphs, assembly, std, ansi, has_lang;
	bool old_assembly; /* clang: no line comments, no digraphs */
	enum reason why; /* not understood */
	const char *detail; /* the word that it is about, or NULL */
};

/* Never fails: see `why`. */
void scan_line_parse(struct scan_line *l, const struct options_command *c,
		     char *const *env);
void scan_line_release(struct scan_line *l);
/*
 * The bits of enum scan_mode that this value of -std= stands for.  False: it
 * is none of C, none that gcc 12 to 16 or clang 14 to 21 know, or the one of
 * 1994, which has digraphs but no line comments.
 */
bool scan_line_std(const char *name, unsigned *mode);

#endif
