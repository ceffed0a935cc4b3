/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/nm.h - Symbol queries that kbuild makes with nm(1).
 *
 * The shell answers these commands from the object itself if GNU nm and LLVM nm
 * give the same answer:
 *
 *	nm FILE 2>/dev/null | grep -q __ksymtab		(and similar)
 *	scripts/check-local-export FILE			(of Linux 6.1)
 *
 * The shell answers check-local-export only if the script would print nothing.
 */
#ifndef SHELL_NM_H
#define SHELL_NM_H

#include "shell/ast.h"

#include <stdbool.h>

struct shell;

enum shell_tristate {
	SHELL_TRISTATE_NO,
	SHELL_TRISTATE_YES,
	SHELL_TRISTATE_UNKNOWN, /* the programs must run */
};

/*
 * Return YES if the name of a symbol contains `text`, or begins with `text` if
 * `is_prefix` is set; NO if no name does; UNKNOWN if the file is not a
 * supported object.  Symbols for sections and source files do not count,
 * because nm does not print them.
 */
enum shell_tristate shell_object_symbols_find(const char *file,
					      const char *text, bool is_prefix);
/*
 * Return YES if it is certain that no symbol with an exported name is local.  A
 * symbol __ksymtab_X exports the name X.  Otherwise return UNKNOWN; the script
 * check-local-export must then run, because it may print a message.
 */
enum shell_tristate shell_object_symbols_check_exports(const char *file);

/*
 * Answer an nm pipeline.  Returns true with grep's status in *status, or false
 * if the pipeline must run.
 */
bool shell_nm_run_pipe(struct shell *sh, const struct shell_ast_node *pipe,
		       int *status);
/*
 * Answer a call of scripts/check-local-export.  Returns true with *status set
 * to 0, or false if `argv` is not such a call or the script must run.
 */
bool shell_nm_run_export_check(struct shell *sh, char *const *argv,
			       int *status);

#endif
