/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/probe.h - command lines that only ask the compiler something.
 *
 * A probe's answer depends on its words, the environment, the working
 * directory, its standard input and the compiler's own files, on nothing else
 * in the file system, and what it writes is at most one output and what it
 * says: so it may be remembered (cc/probe.h).  kbuild's cc-option and its like
 * are some: -c, -S or -E of /dev/null or of standard input, --version,
 * -print-file-name=NAME.
 *
 * libc only (the wrapper uses it).
 */
#ifndef OPTIONS_PROBE_H
#define OPTIONS_PROBE_H

#include "base/bytes.h"
#include "options/command.h"

/* More of standard input than this is no probe. */
#define OPTIONS_PROBE_INPUT_MAX (16u << 10)

struct options_probe {
	bool query; /* --version and its like: nothing is compiled */
	bool reads_stdin;
	bool reads_null; /* /dev/null is its input, or its output */
	/*
	 * A word of it is known to no table, or may read a file: it is a probe
	 * where the compiler says that it does not know that word.
	 */
	bool to_be_refused;
	const char *output; /* the file that it writes, or NULL; borrowed */
	unsigned output_at; /* the word of argv that has it as its end */
};

/* Does the compiler say in `text` that it does not know a word? */
bool options_probe_refused(struct bytes text);

/*
 * Is this a probe, as far as its words tell?  One that may read or write
 * another file makes it none, if the compiler knows it.
 */
bool options_probe_parse(struct options_probe *p,
			 const struct options_command *c);
/*
 * May this text stand in a probe's input?  What could name another file, or
 * the time, may not, in whatever pieces it comes.
 */
bool options_probe_text_ok(struct bytes text);

#endif
