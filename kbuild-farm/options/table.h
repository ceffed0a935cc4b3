/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/table.h - every option of gcc and clang that kfarm knows.
 *
 * One table serves the wrapper (is this a job, and one for a node?), the
 * coordinator (which options preprocess, which compile) and the node (which
 * options it lets near a compiler).  What is not in it is unknown, and an
 * unknown option makes a compile local.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

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
	OPTIONS_MODE, /* -c -S -E -M -MM -###: what is made */
	OPTIONS_OUTPUT, /* -o */
	OPTIONS_LANG, /* -x */
	OPTIONS_CODE, /* changes the object, reads no file: goes to the node */
	OPTIONS_CPP, /* only the preprocessor's: stays on the build host */
	OPTIONS_DEPS, /* -MD -MMD -MF -MT ...: stays on the build host */
	OPTIONS_LIST, /* -Wp,... and -Wa,...: looked into */
	OPTIONS_LINK, /* only the linker's: no effect with -c */
	OPTIONS_LOCAL, /* such a compile stays local: `why` */
	OPTIONS_QUERY, /* --version, -print-*, -dumpmachine: no compile */
};

struct options_entry {
	const char *name; /* as written, up to the value: "-std=", "-I" */
	unsigned char form; /* enum options_form */
	unsigned char use; /* enum options_use */
	const char *why; /* OPTIONS_LOCAL: the counted reason */
	/*
	 * What the value of a JOINED option may be made of; NULL: it is text
	 * (a path, a macro) that is never sent to a node as CODE.
	 */
	const char *charset;
};

/*
 * The entry for one word of a command line: the longest name that the word
 * starts with and whose form allows it.  NULL: unknown.
 */
const struct options_entry *options_find(const char *word);
/* For the tests and the fuzzers: entry `i`, NULL past the end. */
const struct options_entry *options_entry(size_t i);

#endif
