/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/probe.h - Recognition of compiler probes, whose results can be
 * cached.
 *
 * The result of a probe depends only on its words, the environment, the working
 * directory, standard input and the compiler's own files.  A probe writes to
 * stdout and stderr, and to at most one file.  cc/call.c caches the result.
 * Examples are kbuild's cc-option (-c, -S or -E of /dev/null or of standard
 * input), --version and -print-file-name=NAME.
 *
 * Depends only on libc because the wrapper uses it.
 */
#ifndef OPTIONS_PROBE_H
#define OPTIONS_PROBE_H

#include "base/bytes.h"
#include "options/command.h"

/* a command with longer standard input is not a probe */
#define OPTIONS_PROBE_INPUT_MAX_BYTES (16u << 10)

struct options_probe {
	bool query; /* --version and similar: no compilation */
	bool reads_stdin;
	bool reads_null; /* /dev/null is the input or the output */
	/*
	 * An option is not in the table, or may read a file.  The command is a
	 * probe only if the compiler rejects this option.
	 */
	bool must_be_rejected;
	const char *output; /* path of the output file, or NULL; borrowed */
	unsigned output_index; /* index in argv of the word with `output` */
};

/* Return true if the diagnostics report an unknown option. */
bool options_probe_is_rejected(struct bytes text);

/*
 * Return true if the command's words make it a probe.  See also
 * `must_be_rejected`.
 */
bool options_probe_parse(struct options_probe *p,
			 const struct options_command *c);
/*
 * Return true if the text may be the input of a probe.  The text must contain
 * none of __DATE__, __TIME__ and __TIMESTAMP__, no line marker, and no word
 * that reads another file, not even in pieces such as "inc" "bin".  The text
 * must not contain the means to form such a word either: the definition of a
 * macro, ##, a continued line, an octal or hexadecimal escape, a macro or
 * comment between two strings, or, in inline assembly, {a|b} alternatives and
 * operands next to a letter.  Text that is longer than
 * OPTIONS_PROBE_INPUT_MAX_BYTES is rejected.
 */
bool options_probe_is_pure_text(struct bytes text);

#endif
