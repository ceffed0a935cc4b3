/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/signals.h"

#include "base/str.h"
#include "base/vec.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SIGNAL_MAX SIGTERM

/*
 * Handling of a signal.  As in dash, the handling of a signal that was ignored
 * when the shell started never changes.
 */
enum signal_mode {
	MODE_UNKNOWN,
	MODE_DEFAULT,
	MODE_CAUGHT,
	MODE_IGNORED,
	MODE_IGNORED_AT_START,
};

static char *trap_actions[SIGNAL_MAX + 1];
static enum signal_mode signal_modes[SIGNAL_MAX + 1];
static unsigned n_trap_actions; /* number of non-empty trap actions */
static bool sigint_caught;

static volatile sig_atomic_t pending_signals[SIGNAL_MAX + 1];
static volatile sig_atomic_t any_pending;
static volatile sig_atomic_t sigint_received, sigint_deferred;
/*
 * The number of enclosing subshells in this process, and whether SIGPIPE
 * arrived in the innermost one.
 */
static volatile sig_atomic_t in_process_subshells, pipe_broken;

static const struct {
	const char *name;
	int sig;
} trap_names[] = {
	{ "EXIT", SHELL_SIGNALS_EXIT_TRAP },
	{ "HUP", SIGHUP },
	{ "INT", SIGINT },
	{ "QUIT", SIGQUIT },
	{ "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE },
	{ "ALRM", SIGALRM },
	{ "TERM", SIGTERM },
};

int shell_signals_trap_number(const char *name)
{
	long number;

	for (size_t i = 0; i < ARRAY_SIZE(trap_names); i++) {
		if (!strcasecmp(name, trap_names[i].name))
			return trap_names[i].sig;
		if (!str_parse_number(name, 0, SIGNAL_MAX, &number) &&
		    number == trap_names[i].sig)
			return trap_names[i].sig;
	}
	return -1;
}

static void handle_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGPIPE && in_process_subshells) {
		/*
		 * If a write of this process raises SIGPIPE, the kernel names
		 * this process as the sender.
		 */
		if (info->si_code == SI_USER && info->si_pid == getpid()) {
			pipe_broken = 1;
			return;
		}
		/* SIGPIPE from another process ends the shell, as in dash. */
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
		return;
	}
	if (sig == SIGINT && !trap_actions[sig]) {
		sigint_received = 1;
		if (!sigint_deferred)
			shell_signals_raise_sigint();
		return;
	}
	pending_signals[sig] = 1;
	any_pending = 1;
}

static void set_signal_mode(int sig, enum signal_mode mode)
{
	struct sigaction act = { .sa_sigaction = handle_signal }, now;

	if (signal_modes[sig] == MODE_UNKNOWN && !sigaction(sig, NULL, &now) &&
	    now.sa_handler == SIG_IGN)
		signal_modes[sig] = MODE_IGNORED_AT_START;
	if (signal_modes[sig] == MODE_IGNORED_AT_START ||
	    signal_modes[sig] == mode)
		return;
	if (mode == MODE_CAUGHT)
		act.sa_flags = SA_SIGINFO;
	else
		act.sa_handler = mode == MODE_IGNORED ? SIG_IGN : SIG_DFL;
	sigfillset(&act.sa_mask);
	sigaction(sig, &act, NULL);
	signal_modes[sig] = mode;
}

static enum signal_mode mode_of_trap(int sig)
{
	if (trap_actions[sig])
		return *trap_actions[sig] ? MODE_CAUGHT : MODE_IGNORED;
	return sig == SIGINT && sigint_caught ? MODE_CAUGHT : MODE_DEFAULT;
}

void shell_signals_set_trap(int sig, const char *action)
{
	char *copy = action ? xstrdup(action) : NULL;

	if (trap_actions[sig] && *trap_actions[sig])
		n_trap_actions--;
	if (copy && *copy)
		n_trap_actions++;
	free(trap_actions[sig]);
	trap_actions[sig] = copy;
	if (sig != SHELL_SIGNALS_EXIT_TRAP)
		set_signal_mode(sig, mode_of_trap(sig));
}

bool shell_signals_has_traps(void)
{
	return n_trap_actions > 0;
}

bool shell_signals_has_signal_traps(void)
{
	const char *at_exit = trap_actions[SHELL_SIGNALS_EXIT_TRAP];

	return n_trap_actions > (at_exit && *at_exit);
}

void shell_signals_reset_traps(void)
{
	for (int sig = 0; sig <= SIGNAL_MAX; sig++) {
		if (trap_actions[sig] && *trap_actions[sig])
			shell_signals_set_trap(sig, NULL);
		pending_signals[sig] = 0;
	}
	any_pending = 0;
	n_trap_actions = 0;
	pipe_broken = 0;
	in_process_subshells = 0;
	if (signal_modes[SIGPIPE] == MODE_CAUGHT)
		set_signal_mode(SIGPIPE, MODE_DEFAULT);
	/*
	 * End a deferral of SIGINT: the parent waits for children, but this
	 * subshell does not.
	 */
	shell_signals_raise_sigint();
}

char *shell_signals_take_exit_trap(void)
{
	char *action = trap_actions[SHELL_SIGNALS_EXIT_TRAP];

	trap_actions[SHELL_SIGNALS_EXIT_TRAP] = NULL;
	if (action && *action)
		n_trap_actions--;
	return action;
}

int shell_signals_pending(void)
{
	if (any_pending) {
		for (int sig = 1; sig <= SIGNAL_MAX; sig++) {
			if (pending_signals[sig])
				return sig;
		}
	}
	return 0;
}

bool shell_signals_test_and_clear(void)
{
	bool any = any_pending;

	any_pending = 0;
	return any;
}

int shell_signals_take(const char **action)
{
	int sig = 1;

	while (sig <= SIGNAL_MAX && !pending_signals[sig])
		sig++;
	if (sig > SIGNAL_MAX)
		return 0;
	pending_signals[sig] = 0;
	*action = trap_actions[sig] ? trap_actions[sig] : "";
	return sig;
}

void shell_signals_defer_sigint(void)
{
	sigint_deferred = 1;
	if (sigint_caught)
		return;
	sigint_caught = true;
	if (!trap_actions[SIGINT])
		set_signal_mode(SIGINT, MODE_CAUGHT);
}

void shell_signals_raise_sigint(void)
{
	sigint_deferred = 0;
	if (!sigint_received)
		return;
	signal(SIGINT, SIG_DFL);
	raise(SIGINT);
}

void shell_signals_set_default(void)
{
	for (int sig = 1; sig <= SIGNAL_MAX; sig++) {
		if (signal_modes[sig] == MODE_CAUGHT)
			signal(sig, SIG_DFL);
	}
}

void shell_signals_enter_subshell(void)
{
	in_process_subshells++;
	if (signal_modes[SIGPIPE] != MODE_IGNORED)
		set_signal_mode(SIGPIPE, MODE_CAUGHT);
}

bool shell_signals_leave_subshell(void)
{
	bool broke = pipe_broken;

	pipe_broken = 0;
	if (!--in_process_subshells)
		set_signal_mode(SIGPIPE, mode_of_trap(SIGPIPE));
	return broke;
}

bool shell_signals_is_pipe_broken(void)
{
	return pipe_broken;
}
