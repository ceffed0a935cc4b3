/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/utility-kinds.h - the utilities that shell/utility.h lists.
 *
 * Each returns true, and its status, where it did all that its words say; else
 * what it has not done is in `argv`, for the program.
 */
#ifndef SHELL_UTILITY_KINDS_H
#define SHELL_UTILITY_KINDS_H

#include <stdbool.h>

struct shell;

/* shell/utility-files.c */
bool shell_utility_rm(struct shell *sh, char **argv, int *status);
bool shell_utility_mkdir(struct shell *sh, char **argv, int *status);
bool shell_utility_mv(struct shell *sh, char **argv, int *status);
bool shell_utility_touch(struct shell *sh, char **argv, int *status);
/* shell/utility-text.c */
bool shell_utility_cat(struct shell *sh, char **argv, int *status);
bool shell_utility_cmp(struct shell *sh, char **argv, int *status);
bool shell_utility_echo(struct shell *sh, char **argv, int *status);
bool shell_utility_true(struct shell *sh, char **argv, int *status);
bool shell_utility_false(struct shell *sh, char **argv, int *status);

#endif
