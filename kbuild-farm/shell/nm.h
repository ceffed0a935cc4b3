/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/nm.h - Symbol queries that kbuild makes with nm(1).
 *
 * These commands are answered from the object itself, if GNU nm and LLVM nm
 * give the same answer:
 *
 *	nm FILE 2>/dev/null | grep -q __ksymtab		(and similar)
 *	scripts/check-local-export FILE			(of Linux 6.1)
 *
 * check-local-export is answered only if it would print nothing.
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
 * Return whether a symbol's name contains `text`, or begins with it if
 * `is_prefix`.  Symbols for sections and source files do not count, because nm
 * does not print them.
 */
enum shell_tristate shell_object_symbols_find(const char *file,
					      const char *text, bool is_prefix);
/*
 * Return YES if each exported name belongs to a global symbol.  A symbol
 * __ksymtab_X exports the name X.  Otherwise returns UNKNOWN, because the
 * script must run to print its message.
 */
enum shell_tristate shell_object_symbols_check_exports(const char *file);

/*
 * Answer an nm pipeline.  Returns true with grep's status in *status, or false
 * if the pipeline must run.
 */
bool shell_nm_run_pipe(struct shell *sh, const struct shell_ast_node *pipe,
		       int *status);
/*
 * Answer a call of scripts/check-local-export.  Returns true with its status,
 * or false if the script must run.
 */
bool shell_nm_run_export_check(struct shell *sh, char *const *argv,
			       int *status);

#endif
