/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/compile.h - what one compiler command line asks for.
 *
 * libc only (the wrapper uses it).  All strings of a struct options_compile
 * are borrowed from argv.
 */
#ifndef OPTIONS_COMPILE_H
#define OPTIONS_COMPILE_H

#include "base/buf.h"
#include "base/reason.h"
#include "base/str.h"

enum options_verdict {
	/* No job: exec the real compiler at once (probes, -E, -S, links). */
	OPTIONS_PASS,
	/* A job (-c, one source, one object), but for this machine. */
	OPTIONS_HERE,
	/* A job that a node may do: one .c or .S. */
	OPTIONS_AWAY,
};

enum options_lang {
	OPTIONS_C,
	OPTIONS_ASM
};

struct options_compile {
	enum options_verdict verdict;
	enum reason why; /* OPTIONS_HERE: the reason */
	bool is_clang; /* by the driver's name */
	enum options_lang lang;
	const char *source;
	const char *object; /* the value of -o, or NULL: source's base + .o */
	/*
	 * The dependency file, NULL: none is made.  Not NUL-terminated when
	 * it stands in a -Wp, list: `dep_len` bytes.
	 */
	const char *dep;
	size_t dep_len;
	bool dep_stem; /* -MD without -MF: ".d" follows those bytes */
};

/*
 * Look through argv (argv[0] is the compiler's name).  Never fails: what it
 * does not understand is OPTIONS_PASS or OPTIONS_HERE.
 */
void options_compile_parse(struct options_compile *c, char *const *argv);

/* The object's path: -o, or what gcc makes of the source's name. */
char *options_compile_object(const struct options_compile *c);
/* The dependency file's path, or NULL; the caller frees it. */
char *options_compile_dep(const struct options_compile *c);
/*
 * Where the output `path` is put together for the wrapper `pid`, which
 * renames it: ".NAME.kfarm.PID" beside it.  The caller frees it.
 */
char *options_compile_temporary(const char *path, unsigned pid);

#endif
