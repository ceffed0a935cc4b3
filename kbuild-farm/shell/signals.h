/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/signals.h - traps, and what a shell does with signals.
 *
 * A trap is run between two commands, by shell/run.c.  SIGINT without a trap
 * ends the shell, but not before the program that it waits for has ended, as
 * dash has it: make may have told that program, too.
 */
#ifndef SHELL_SIGNALS_H
#define SHELL_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* EXIT, the trap that is no signal's. */
#define SHELL_TRAP_EXIT 0

/*
 * The number of "HUP", "EXIT", "15" and those others that a shell may set a
 * trap for here; -1: it is none of them.
 */
int shell_trap_number(const char *name);

/* What is run for it; "": the signal is ignored, NULL: it does what it does. */
void shell_trap_set(int sig, const char *action);
/* Is something run for any?  Then a shell has to stay to see it. */
bool shell_traps_any(void);
/*
 * For any signal?  Then subshells are to be processes: one that comes may be
 * for the shell alone, which waits for their end and then sees to it.
 */
bool shell_traps_of_signals(void);
/* In a subshell: what was ignored stays so, all else is as without traps. */
void shell_traps_forget(void);
/* A copy of what is to be run at the end, now none; NULL: nothing. */
char *shell_trap_take_exit(void);

/* A signal with a trap that came: its number, 0: none did. */
int shell_signal_pending(void);
/* Did any come since this was last asked? */
bool shell_signals_came(void);
/*
 * Take one of those that came: its number and, borrowed, what is to be run for
 * it; 0: there is none.
 */
int shell_signal_take(const char **action);

/* Before the first program is waited for. */
void shell_signals_expect(void);
/* After one has ended: SIGINT that nobody traps ends the shell. */
void shell_signals_settle(void);
/* In a child, before it waits for anything: as they are to a program. */
void shell_signals_default(void);
/* A program is started with none blocked, and no handler runs meanwhile. */
void shell_signals_hold(sigset_t *before);
void shell_signals_release(const sigset_t *before);

/*
 * In a subshell in this process SIGPIPE ends only that; did it?  One that
 * another process sent ends the shell: there is nobody else whom it can be for.
 */
void shell_signals_contain(void);
bool shell_signals_contain_end(void);
bool shell_signals_pipe_broke(void);

#endif
