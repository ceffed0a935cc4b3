/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/scan.h - Compile lines and their compilers, for `kfarm scan`.
 *
 * The audit of the dependency scanner (tests/audit) also uses this header.
 */
#ifndef CLI_SCAN_H
#define CLI_SCAN_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"
#include "cpp/cpp.h"
#include "options/command.h"

/* A compile line that kbuild has saved or that the user has given. */
struct cli_scan_line {
	char *cwd; /* working directory of the compile */
	struct strv argv;
	struct options_command command; /* argv, parsed; borrows from it */
};

/*
 * Append the words of a shell command up to the first ";", "&" or "|".  Returns
 * 0, or -EINVAL for syntax that a compile line never has: substitutions,
 * redirections, an unclosed quote.
 */
int cli_scan_split_words(struct strv *out, const char *command);
/*
 * Read the compile in `file`, a .cmd file of kbuild in the build directory
 * `build`; both paths are absolute.  Returns 0; -ENOMSG if the file does not
 * contain a compile of one .c, .S or .s file; or another -errno.  `err` is set
 * on failure, and `l` is then empty.
 */
int cli_scan_line_read(struct cli_scan_line *l, const char *build,
		       const char *file, struct err *err);
void cli_scan_line_release(struct cli_scan_line *l);
/*
 * Find the .cmd file of the source or object `name` in the build directory.
 * Returns 0, or -ENOENT with `err` set.  The caller frees *file.
 */
int cli_scan_line_find(char **file, const char *build, const char *name,
		       struct err *err);

/* An identified compiler. */
struct cli_scan_tool {
	char *path; /* absolute path of the driver; NULL on failure */
	/* id of the compiler's manifest; invalid if `path` is NULL */
	struct digest id;
	char *version; /* "12.2.0" */
	bool is_clang;
	char *error_text; /* explains a failure; NULL on success */
};

/* Cache of the compilers that compile lines name.  Any thread can use it. */
struct cli_scan_tools;

struct cli_scan_tools *cli_scan_tools_new(void);
void cli_scan_tools_free(struct cli_scan_tools *t);
/*
 * Return the compiler `name`, which is argv[0] of a compile line in `cwd`.  The
 * first call for a compiler identifies it.  The result is borrowed from `t`.
 */
const struct cli_scan_tool *cli_scan_tools_get(struct cli_scan_tools *t,
					       const char *cwd,
					       const char *name);

#endif
