/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/fixdep.h - fixdep of a kernel's tree, without starting it.
 *
 *	scripts/basic/fixdep DEPFILE TARGET COMMAND >.TARGET.cmd
 *
 * The coordinator says what it prints: inputs/fixdep.h.
 */
#ifndef SHELL_FIXDEP_H
#define SHELL_FIXDEP_H

/*
 * Do what the program argv[0] with these arguments would do, its stdout being
 * the descriptor `out`; `socket` is the coordinator's, or NULL.  Its exit
 * status; or -1 with nothing done, where it is to be run: it is no fixdep, or
 * an unknown one, `out` is no plain file, there is no coordinator, or the
 * program would complain of its arguments.
 */
int shell_fixdep(char *const *argv, const char *socket, int out);

#endif
