/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/signals.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LAST SIGTERM

/* dash never sets a handler for what was ignored when it began. */
enum mode {
	UNKNOWN,
	DEFAULT,
	CAUGHT,
	IGNORED,
	IGNORED_FOR_GOOD,
};

static char *actions[LAST + 1];
static enum mode modes[LAST + 1];
static unsigned n_actions; /* that are not empty */
static bool expecting;

static volatile sig_atomic_t came[LAST + 1];
static volatile sig_atomic_t any_came;
static volatile sig_atomic_t interrupted;
/* Subshells in this process, and that SIGPIPE came in the innermost. */
static volatile sig_atomic_t contained, pipe_broke;

static const struct {
	const char *name;
	int sig;
} names[] = {
	{ "EXIT", SHELL_TRAP_EXIT }, { "HUP", SIGHUP },   { "INT", SIGINT },
	{ "QUIT", SIGQUIT },         { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE },         { "ALRM", SIGALRM }, { "TERM", SIGTERM },
};

int shell_trap_number(const char *name)
{
	long number;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcasecmp(name, names[i].name))
			return names[i].sig;
		if (!str_number(name, 0, LAST, &number) &&
		    number == names[i].sig)
			return names[i].sig;
	}
	return -1;
}

/* Of what we wrote ourselves the kernel tells us in our own name. */
static bool is_own(const siginfo_t *info)
{
	return info->si_code == SI_USER && info->si_pid == getpid();
}

static void note_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGPIPE && contained) {
		if (is_own(info)) {
			pipe_broke = 1;
			return;
		}
		/* Somebody sent it: the shell of dash has it, too. */
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
		return;
	}
	if (sig == SIGINT && !actions[sig]) {
		interrupted = 1;
		return;
	}
	came[sig] = 1;
	any_came = 1;
}

static enum mode mode_at_start(int sig)
{
	struct sigaction now;

	if (!sigaction(sig, NULL, &now) && now.sa_handler == SIG_IGN)
		return IGNORED_FOR_GOOD;
	return UNKNOWN;
}

static void set_mode(int sig, enum mode mode)
{
	struct sigaction act = { .sa_sigaction = note_signal };

	if (modes[sig] == UNKNOWN)
		modes[sig] = mode_at_start(sig);
	if (modes[sig] == IGNORED_FOR_GOOD || modes[sig] == mode)
		return;
	if (mode == CAUGHT)
		act.sa_flags = SA_SIGINFO;
	else
		act.sa_handler = mode == IGNORED ? SIG_IGN : SIG_DFL;
	sigfillset(&act.sa_mask);
	sigaction(sig, &act, NULL);
	modes[sig] = mode;
}

static enum mode mode_of_action(int sig)
{
	if (actions[sig])
		return *actions[sig] ? CAUGHT : IGNORED;
	return sig == SIGINT && expecting ? CAUGHT : DEFAULT;
}

void shell_trap_set(int sig, const char *action)
{
	char *copy = action ? xstrdup(action) : NULL;

	if (actions[sig] && *actions[sig])
		n_actions--;
	if (copy && *copy)
		n_actions++;
	free(actions[sig]);
	actions[sig] = copy;
	if (sig != SHELL_TRAP_EXIT)
		set_mode(sig, mode_of_action(sig));
}

bool shell_traps_any(void)
{
	return n_actions > 0;
}

bool shell_traps_of_signals(void)
{
	const char *at_exit = actions[SHELL_TRAP_EXIT];

	return n_actions > (at_exit && *at_exit);
}

void shell_traps_forget(void)
{
	for (int sig = 0; sig <= LAST; sig++) {
		if (actions[sig] && *actions[sig])
			shell_trap_set(sig, NULL);
		came[sig] = 0;
	}
	any_came = 0;
	n_actions = 0;
	pipe_broke = 0;
	contained = 0;
	if (modes[SIGPIPE] == CAUGHT)
		set_mode(SIGPIPE, DEFAULT);
}

char *shell_trap_take_exit(void)
{
	char *action = actions[SHELL_TRAP_EXIT];

	actions[SHELL_TRAP_EXIT] = NULL;
	if (action && *action)
		n_actions--;
	return action;
}

int shell_signal_pending(void)
{
	if (any_came) {
		for (int sig = 1; sig <= LAST; sig++) {
			if (came[sig])
				return sig;
		}
	}
	return 0;
}

bool shell_signals_came(void)
{
	bool any = any_came;

	any_came = 0;
	return any;
}

int shell_signal_take(const char **action)
{
	int sig = 1;

	while (sig <= LAST && !came[sig])
		sig++;
	if (sig > LAST)
		return 0;
	came[sig] = 0;
	*action = actions[sig] ? actions[sig] : "";
	return sig;
}

void shell_signals_expect(void)
{
	if (expecting)
		return;
	expecting = true;
	if (!actions[SIGINT])
		set_mode(SIGINT, CAUGHT);
}

void shell_signals_settle(void)
{
	if (!interrupted)
		return;
	signal(SIGINT, SIG_DFL);
	raise(SIGINT);
}

void shell_signals_default(void)
{
	for (int sig = 1; sig <= LAST; sig++) {
		if (modes[sig] == CAUGHT)
			signal(sig, SIG_DFL);
	}
}

void shell_signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

void shell_signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

void shell_signals_contain(void)
{
	contained++;
	if (modes[SIGPIPE] != IGNORED)
		set_mode(SIGPIPE, CAUGHT);
}

bool shell_signals_contain_end(void)
{
	bool broke = pipe_broke;

	pipe_broke = 0;
	if (!--contained)
		set_mode(SIGPIPE, mode_of_action(SIGPIPE));
	return broke;
}

bool shell_signals_pipe_broke(void)
{
	return pipe_broke;
}
