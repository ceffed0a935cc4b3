/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/signals.h - Traps and signal handling of a shell.
 *
 * Traps run between two commands (shell/run.c).  As in dash, SIGINT without a
 * trap ends the shell.  If the shell waits for a program, the shell ends after
 * the wait, because a terminal sends SIGINT to the program as well.  Otherwise
 * the shell ends at once, even in a blocking system call.
 */
#ifndef SHELL_SIGNALS_H
#define SHELL_SIGNALS_H

#include <stdbool.h>

/* Number of the EXIT trap, which belongs to no signal. */
#define SHELL_SIGNALS_EXIT_TRAP 0

/*
 * Return the number of a trap such as "HUP", "EXIT" or "15", or -1 if the
 * supported subset does not contain the trap.
 */
int shell_signals_trap_number(const char *name);

/*
 * Set the action of a trap.  "" ignores the signal, NULL restores its default.
 */
void shell_signals_set_trap(int sig, const char *action);
/*
 * Return true if any trap has an action.  The shell must then not replace
 * itself by a program, because the program would not run the action.
 */
bool shell_signals_has_traps(void);
/*
 * Return true if a signal trap has an action.  Every subshell then needs its
 * own process: a signal can be sent to the shell alone, and the shell must run
 * the trap only after the subshell has ended.
 */
bool shell_signals_has_signal_traps(void);
/*
 * Reset the traps for a subshell that has its own process: ignored signals stay
 * ignored, the other traps are removed, and pending signals are discarded.
 */
void shell_signals_reset_traps(void);
/*
 * Remove the EXIT trap and return its action, which the caller frees; NULL if
 * no EXIT trap is set.
 */
char *shell_signals_take_exit_trap(void);

/* Return the number of a pending signal with a trap, or 0. */
int shell_signals_pending(void);
/* Return true if a trapped signal arrived since the last call. */
bool shell_signals_test_and_clear(void);
/*
 * Take a pending signal: return its number and store its action, which is
 * borrowed.  Returns 0 if no signal is pending.
 */
int shell_signals_take(const char **action);

/*
 * Defer a SIGINT without a trap until shell_signals_raise_sigint() is called.
 * Call this before the shell starts a child and before it waits for one.
 */
void shell_signals_defer_sigint(void);
/*
 * End the shell if a SIGINT without a trap has been deferred, and stop
 * deferring SIGINT.  Call this after each wait for a program.
 */
void shell_signals_raise_sigint(void);
/*
 * Restore the default of all caught signals in a child that does not continue
 * the script.
 */
void shell_signals_set_default(void);
/*
 * Enter and leave a subshell that runs in this process.  SIGPIPE caused by a
 * write of this process ends only the subshell; then
 * shell_signals_leave_subshell() returns true.  SIGPIPE sent by another process
 * ends the shell, as in dash.
 */
void shell_signals_enter_subshell(void);
bool shell_signals_leave_subshell(void);
/* Return true if SIGPIPE has ended the current subshell in this process. */
bool shell_signals_is_pipe_broken(void);

#endif
