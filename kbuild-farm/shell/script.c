/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/script.h"

#include "base/str.h"
#include "shell/counts.h"
#include "shell/direct.h"
#include "shell/hidden.h"
#include "shell/known.h"
#include "shell/parse.h"
#include "shell/pipe.h"
#include "shell/run.h"
#include "shell/shell.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_MIN 128

/* $? $$ $- $0 and variables; no command is ever in the background. */
static const char *get_value(void *at, const char *name)
{
	struct shell *sh = at;
	char *to = sh->number;

	switch (*name) {
	case '?':
		snprintf(sh->number, sizeof(sh->number), "%d", sh->status);
		return sh->number;
	case '$':
		snprintf(sh->number, sizeof(sh->number), "%d", (int)sh->pid);
		return sh->number;
	case '!':
		return NULL;
	case '-':
		/* In the order of dash. */
		if (sh->expand.unset_fails)
			*to++ = 'u';
		if (sh->expand.no_glob)
			*to++ = 'f';
		if (sh->errexit)
			*to++ = 'e';
		*to = '\0';
		return sh->number;
	case '0':
		return sh->name;
	default:
		return shell_vars_get(&sh->vars, name);
	}
}

static int set_value(void *at, const char *name, const char *value)
{
	struct shell *sh = at;

	shell_vars_set(&sh->vars, name, value);
	return 0;
}

/*
 * A copy of `env` without what only make is to see, which is added to
 * `for_make`.
 */
static char **hide_own(struct arena *a, char **env, struct strv *for_make)
{
	static const char *const names[] = { "MAKEFILES=",
					     SHELL_COUNTS_VARIABLE "=" };
	size_t n = 0;
	char **copy;

	while (env[n])
		n++;
	copy = arena_alloc(a, (n + 1) * sizeof(*copy));
	memcpy(copy, env, (n + 1) * sizeof(*copy));
	if (!str_env(env, SHELL_COUNTS_VARIABLE))
		return copy;
	for (size_t i = 0; i < n; i++) {
		if (str_starts(env[i], names[0]) ||
		    str_starts(env[i], names[1]))
			strv_add(for_make, env[i]);
	}
	shell_hidden_clean(copy);
	return copy;
}

static void shell_begin(struct shell *sh, const struct shell_script *script)
{
	sh->name = script->name;
	sh->pid = getpid();
	sh->errexit = script->errexit;
	sh->trap_status = -1;
	sh->slot = -1;
	sh->expand = (struct shell_expand){
		.arena = &sh->arena,
		.at = sh,
		.get = get_value,
		.set = set_value,
		.commands = shell_pipe_substitute,
		.unset_fails = script->nounset,
	};
}

static bool is_unlimited(int resource)
{
	struct rlimit limit;

	return !getrlimit(resource, &limit) && limit.rlim_cur == RLIM_INFINITY;
}

/*
 * Our descriptors lie above those that a script can name, and are more than
 * dash needs; and a file that grows too long, or too much time, ends the
 * program that comes to it, which may be one that is done in the shell itself.
 */
static bool limits_suffice(void)
{
	struct rlimit files;

	return !getrlimit(RLIMIT_NOFILE, &files) &&
	       files.rlim_cur >= DESCRIPTORS_MIN &&
	       is_unlimited(RLIMIT_FSIZE) && is_unlimited(RLIMIT_CPU);
}

/* dash lets all of them in, and when it does is nobody else's matter. */
static bool are_signals_blocked(void)
{
	sigset_t now;

	return sigprocmask(SIG_SETMASK, NULL, &now) || !sigisemptyset(&now);
}

/*
 * What a program does with its parent, it would do with all of us where dash
 * has a process for a subshell: a word for another shell's counts, too.
 */
static bool asks_parent(const char *text)
{
	return strstr(text, "PPID");
}

/* What is to be run; NULL: nothing is in the script. */
static int read_script(struct shell *sh, const struct shell_script *script,
		       char **env, const struct shell_node **list,
		       enum shell_why *why)
{
	int ret;

	if (asks_parent(script->text)) {
		*why = SHELL_WHY_PARENT;
		return -ENOTSUP;
	}
	ret = shell_parse(&sh->arena, bytes_str(script->text), list, why);
	if (ret)
		return ret;
	/* dash has something to say of a directory that is not there. */
	if (!limits_suffice() || are_signals_blocked() ||
	    !shell_vars_init(&sh->vars, env)) {
		*why = SHELL_WHY_OTHER;
		return -ENOTSUP;
	}
	sh->dir = xstrdup(shell_vars_get(&sh->vars, "PWD"));
	return shell_known_check(&sh->arena, &sh->vars, *list, why);
}

static void shell_end(struct shell *sh)
{
	arena_release(&sh->arena);
	shell_vars_release(&sh->vars);
	buf_release(&sh->out);
	free(sh->dir);
}

int shell_script_check(const struct shell_script *script, char **env,
		       enum shell_why *why)
{
	const struct shell_node *list = NULL;
	struct shell sh = { 0 };
	int ret;

	shell_begin(&sh, script);
	ret = read_script(&sh, script, env, &list, why);
	shell_end(&sh);
	return ret;
}

int shell_script_run(const struct shell_script *script, char **env,
		     enum shell_why *why)
{
	const struct shell_node *list = NULL;
	struct strv for_make = { 0 };
	struct shell sh = { 0 };
	char **words = NULL;
	int ret = 0;

	shell_begin(&sh, script);
	if (script->by_make && !str_env(env, "IFS"))
		words = shell_direct_words(&sh.arena, script->text);
	env = hide_own(&sh.arena, env, &for_make);
	sh.for_make = for_make.v;
	if (words) {
		sh.as_is = env;
		ret = shell_direct_run(&sh, words);
	} else {
		ret = read_script(&sh, script, env, &list, why);
		if (!ret) {
			/* Ignored, it would have no program's end told. */
			signal(SIGCHLD, SIG_DFL);
			/* dash waits for the last command, too, and says what
			   signal ended it. */
			shell_run(&sh, list, 0);
			ret = shell_run_end(&sh);
		}
	}
	shell_end(&sh);
	strv_release(&for_make);
	return ret;
}
