/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/subset.h - The subset of scripts that run exactly as in dash.
 */
#ifndef SHELL_SUBSET_H
#define SHELL_SUBSET_H

#include "base/arena.h"
#include "shell/ast.h"
#include "shell/stats.h"
#include "shell/vars.h"

#include <stdbool.h>

/*
 * Check a whole script before any command runs.  `vars` are the initial
 * variables.  Trap actions are parsed in `a`, which is rewound afterwards.
 * Returns 0, or -ENOTSUP with the reason in *why if /bin/sh must run the
 * script.
 */
int shell_subset_check(struct arena *a, const struct shell_vars *vars,
		       const struct shell_ast_node *list,
		       enum shell_fallback_reason *why);

/*
 * Return true if the command does not change the state of the shell.  Such a
 * command can run as a subshell without its own process.
 */
bool shell_subset_is_pure(const struct shell_ast_node *n);
/*
 * Return true for a simple command that consists only of literal words and
 * redirections.
 */
bool shell_subset_is_literal(const struct shell_ast_node *n);
/*
 * Return true if the command starts a program and, as part of a pipeline, needs
 * no shell process of its own.
 */
bool shell_subset_is_program(const struct shell_ast_node *n);
/*
 * Return true if the command consists only of builtins that print to the
 * unchanged standard output.
 */
bool shell_subset_is_print_only(const struct shell_ast_node *n);

#endif
