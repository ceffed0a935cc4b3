/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/scan.h - what the parts of `kfarm scan` share.
 */
#ifndef CLI_SCAN_H
#define CLI_SCAN_H

#include "base/digest.h"
#include "base/str.h"
#include "scan/deps.h"

#include <stdio.h>

/* ---- scan-tool.c: the compilers that compile lines name ---- */

struct cli_scan_tool {
	char *path; /* of the driver, absolute; NULL: `why` says */
	struct digest id;
	char *why;
};

struct cli_scan_tools;

struct cli_scan_tools *cli_scan_tools_new(void);
void cli_scan_tools_free(struct cli_scan_tools *t);
/*
 * The compiler `name` (argv[0] of a line that runs in `cwd`), identified
 * once; from any thread.  Lives as long as `t`.
 */
const struct cli_scan_tool *cli_scan_tools_get(struct cli_scan_tools *t,
					       const char *cwd,
					       const char *name);

/* ---- scan-line.c: the compile lines that kbuild remembers ---- */

struct cli_scan_line {
	char *cwd; /* where make ran it */
	struct strv argv;
	struct options_command command; /* argv, read */
};

/*
 * The words of a shell command up to the first ";", "&&" or the like.
 * -EINVAL for what a compile line never has: substitutions, redirections,
 * quotes that do not end.
 */
int cli_scan_words(struct strv *out, const char *command);
/*
 * The compile in `file`, a .cmd file of kbuild's below the build directory
 * `build` (both absolute).  Returns 0; -ENOMSG when the file holds no compile
 * of one .c, .S or .s file; another negative errno with `err` set.
 */
int cli_scan_line_read(struct cli_scan_line *l, const char *build,
		       const char *file, struct err *err);
void cli_scan_line_release(struct cli_scan_line *l);
/* The .cmd file of a source or an object; the caller frees it. */
int cli_scan_line_find(char **file, const char *build, const char *name,
		       struct err *err);

/* ---- scan-print.c: one unit ---- */

/* A unit and what came of it; all borrowed. */
struct cli_scan_result {
	const char *name; /* as the user called it */
	const char *cwd;
	const char *compiler;
	const struct scan_closure *closure;
	uint64_t us;
};

void cli_scan_print_text(FILE *out, const struct cli_scan_result *r);
/* A JSON object in a line of its own. */
void cli_scan_print_json(FILE *out, const struct cli_scan_result *r);
/*
 * The chain of includes that leads to `header`: a path as the compiler
 * spells it, the end of one, or any path to the same file.  -ENOENT when the
 * unit does not read it.
 */
int cli_scan_print_why(FILE *out, const struct cli_scan_result *r,
		       const char *header);

#endif
