/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/run.h"

#include "shell/command.h"
#include "shell/known.h"
#include "shell/parse.h"
#include "shell/pipe.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/step.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a trap is to do was looked at when it was set. */
static void run_action(struct shell *sh, const char *action)
{
	const struct shell_node *list = NULL;
	struct arena_mark mark = arena_mark(&sh->arena);
	int before = sh->trap_status;
	enum shell_why why;

	if (sh->trap_status < 0)
		sh->trap_status = sh->status;
	if (!shell_parse(&sh->arena, bytes_str(action), &list, &why))
		shell_run(sh, list, 0);
	if (sh->skip != SHELL_EXIT)
		sh->status = sh->trap_status;
	sh->trap_status = before;
	arena_rewind(&sh->arena, mark);
}

/* A subshell has no traps: in this process such a signal ends only that. */
static void run_traps(struct shell *sh)
{
	const char *action;

	shell_signals_settle();
	if (sh->contained) {
		int sig = shell_signals_pipe_broke() ? SIGPIPE :
						       shell_signal_pending();

		if (sig && !sh->skip) {
			sh->status = 128 + sig;
			sh->skip = SHELL_EXIT;
		}
		return;
	}
	if (sh->skip || !shell_signals_came())
		return;
	while (!sh->skip && shell_signal_take(&action)) {
		char *copy = arena_copy(&sh->arena, action, strlen(action));

		run_action(sh, copy);
	}
}

int shell_run_end(struct shell *sh)
{
	char *action = shell_trap_take_exit();

	if (action) {
		sh->skip = SHELL_GO_ON;
		sh->trap_status = -1;
		run_action(sh, action);
		free(action);
	}
	return sh->status;
}

void shell_run_in_child(struct shell *sh, const struct shell_node *n,
			unsigned flags)
{
	shell_traps_forget();
	sh->contained = 0;
	sh->capture = NULL;
	shell_run(sh, n, flags | SHELL_LAST);
	_exit(shell_run_end(sh));
}

int shell_run_contained(struct shell *sh, const struct shell_node *n,
			unsigned flags)
{
	unsigned loops = sh->loops;
	int status, sig;

	sh->contained++;
	shell_signals_contain();
	status = shell_run(sh, n, flags & SHELL_TESTED);
	sh->skip = SHELL_GO_ON;
	sh->contained--;
	sh->loops = loops;
	sig = shell_signal_pending();
	if (shell_signals_contain_end())
		status = 128 + SIGPIPE;
	else if (sig && !sh->contained)
		shell_program_tell_signal(sig, false);
	return status;
}

static int run_subshell_here(struct shell *sh, const struct shell_node *n,
			     const char **words, unsigned flags)
{
	struct shell_put_aside aside;
	int status;

	shell_put_aside_init(&aside);
	status = shell_redirect(sh, n->redirs, words, &aside);
	if (!status)
		status = shell_run_contained(sh, n->left, flags);
	shell_redirect_undo(&aside, false);
	return status;
}

/* For good: in a child, or at the end. */
static int run_subshell_body(struct shell *sh, const struct shell_node *n,
			     const char **words, unsigned flags)
{
	shell_traps_forget();
	if (shell_redirect(sh, n->redirs, words, NULL)) {
		sh->skip = SHELL_EXIT;
		return sh->status = 2;
	}
	return shell_run(sh, n->left, flags | SHELL_LAST);
}

static int run_subshell(struct shell *sh, const struct shell_node *n,
			unsigned flags)
{
	const char **words;
	pid_t pid;
	int status;

	sh->line = n->line;
	if (shell_command_fails(sh,
				shell_redirect_expand(sh, n->redirs, &words)))
		return sh->status;
	if ((flags & SHELL_LAST) && !shell_traps_any())
		return run_subshell_body(sh, n, words, flags);
	if (shell_known_pure(n) && shell_known_pure(n->left) &&
	    !shell_traps_of_signals())
		return run_subshell_here(sh, n, words, flags);
	shell_signals_expect();
	pid = fork();
	if (!pid) {
		sh->contained = 0;
		sh->capture = NULL;
		run_subshell_body(sh, n, words, flags);
		_exit(shell_run_end(sh));
	}
	if (pid < 0)
		return shell_fail(sh, "Cannot fork");
	status = shell_program_wait(pid);
	return status;
}

/* A compound command with redirections; *minds: set -e minds the status. */
static int run_redirected(struct shell *sh, const struct shell_node *n,
			  unsigned flags, bool *minds)
{
	struct shell_put_aside aside;
	const char **words;
	int status;

	sh->line = n->line;
	if (shell_command_fails(sh,
				shell_redirect_expand(sh, n->redirs, &words)))
		return sh->status;
	shell_put_aside_init(&aside);
	status = shell_redirect(sh, n->redirs, words, &aside);
	*minds = status;
	if (!status)
		status = shell_run(sh, n->left, flags & SHELL_TESTED);
	shell_redirect_undo(&aside, false);
	return status;
}

/* One loop is left, or gone on with: does this one end? */
static bool leaves_loop(struct shell *sh)
{
	enum shell_skip skip = sh->skip;

	if (skip == SHELL_GO_ON)
		return false;
	if (skip == SHELL_EXIT || --sh->skip_levels > 0)
		return true;
	sh->skip = SHELL_GO_ON;
	return skip == SHELL_BREAK;
}

static int run_while(struct shell *sh, const struct shell_node *n,
		     unsigned flags)
{
	int status = 0;

	sh->loops++;
	for (;;) {
		int tested = shell_run(sh, n->test, SHELL_TESTED);

		if (sh->skip) {
			if (leaves_loop(sh))
				break;
			continue;
		}
		if (!tested != (n->kind == SHELL_WHILE))
			break;
		status = shell_run(sh, n->left, flags & SHELL_TESTED);
		if (leaves_loop(sh))
			break;
	}
	sh->loops--;
	return status;
}

static int run_for(struct shell *sh, const struct shell_node *n, unsigned flags)
{
	struct shell_fields fields = { 0 };
	int status = 0;

	sh->line = n->line;
	if (shell_command_fails(sh, shell_expand_fields(&sh->expand, n->words,
							false, &fields)))
		return sh->status;
	sh->loops++;
	for (size_t i = 0; i < fields.n; i++) {
		shell_vars_set(&sh->vars, n->name, fields.v[i]);
		status = shell_run(sh, n->left, flags & SHELL_TESTED);
		if (leaves_loop(sh))
			break;
	}
	sh->loops--;
	return status;
}

/* 1: it matches_item, 0: it does not, or negative. */
static int matches_item(struct shell *sh, const struct shell_item *item,
			const char *text)
{
	const char *pattern;

	for (const struct shell_word *w = item->patterns; w; w = w->next) {
		int ret = shell_expand_pattern(&sh->expand, w, &pattern);

		if (ret)
			return ret;
		if (shell_match(pattern, text))
			return 1;
	}
	return 0;
}

static int run_case(struct shell *sh, const struct shell_node *n,
		    unsigned flags)
{
	const char *text;

	sh->line = n->line;
	if (shell_command_fails(
		    sh, shell_expand_word(&sh->expand, n->words, &text)))
		return sh->status;
	for (const struct shell_item *i = n->items; i; i = i->next) {
		int ret = matches_item(sh, i, text);

		if (ret < 0) {
			shell_command_fails(sh, ret);
			return sh->status;
		}
		if (ret)
			return i->body ? shell_run(sh, i->body, flags) : 0;
	}
	return 0;
}

static int run_if(struct shell *sh, const struct shell_node *n, unsigned flags)
{
	int status = shell_run(sh, n->test, SHELL_TESTED);

	if (sh->skip)
		return status;
	if (!status)
		return shell_run(sh, n->left, flags);
	return n->right ? shell_run(sh, n->right, flags) : 0;
}

static int run_and_or(struct shell *sh, const struct shell_node *n,
		      unsigned flags)
{
	int status = shell_run(sh, n->left, SHELL_TESTED);

	if (sh->skip || !status == (n->kind == SHELL_OR))
		return status;
	return shell_run(sh, n->right, flags);
}

static void leave_slot(struct shell *sh)
{
	if (sh->slot >= 0)
		close(sh->slot);
	sh->slot = -1;
}

static int run_list(struct shell *sh, const struct shell_node *n,
		    unsigned flags)
{
	int status = 0;

	for (n = n->list; n && !sh->skip; n = n->next) {
		const struct shell_node *tool = shell_step_tool(sh, n);
		const bool has_slot = sh->slot >= 0; /* of the one before */

		sh->tool = tool;
		status = shell_run(sh, n,
				   n->next ? flags & SHELL_TESTED : flags);
		sh->tool = NULL;
		if (has_slot || sh->skip)
			leave_slot(sh);
		if (tool && sh->tool_done == tool) {
			sh->tool_done = NULL;
			n = tool;
		}
	}
	return status;
}

static int run_not(struct shell *sh, const struct shell_node *n)
{
	int status = shell_run(sh, n->left, SHELL_TESTED);

	return sh->skip ? status : !status;
}

/* *minds: does set -e mind the status of this kind? */
static int run_kind(struct shell *sh, const struct shell_node *n,
		    unsigned flags, bool *minds)
{
	switch (n->kind) {
	case SHELL_SIMPLE:
		*minds = true;
		return shell_command(sh, n, flags, NULL);
	case SHELL_PIPE:
		*minds = true;
		return shell_pipe(sh, n, flags);
	case SHELL_SUBSHELL:
		*minds = true;
		return run_subshell(sh, n, flags);
	case SHELL_REDIRECTED:
		return run_redirected(sh, n, flags, minds);
	case SHELL_NOT:
		return run_not(sh, n);
	case SHELL_AND:
	case SHELL_OR:
		return run_and_or(sh, n, flags);
	case SHELL_LIST:
		return run_list(sh, n, flags);
	case SHELL_IF:
		return run_if(sh, n, flags);
	case SHELL_CASE:
		return run_case(sh, n, flags);
	case SHELL_FOR:
		return run_for(sh, n, flags);
	case SHELL_WHILE:
	case SHELL_UNTIL:
		return run_while(sh, n, flags);
	}
	return 0;
}

int shell_run(struct shell *sh, const struct shell_node *n, unsigned flags)
{
	struct arena_mark mark = arena_mark(&sh->arena);
	bool minds = false;
	int status;

	if (!n || sh->skip)
		return sh->status;
	run_traps(sh);
	if (sh->skip)
		return sh->status;
	status = run_kind(sh, n, flags, &minds);
	arena_rewind(&sh->arena, mark);
	if (sh->skip == SHELL_EXIT)
		return sh->status;
	sh->status = status;
	run_traps(sh);
	if (sh->errexit && minds && status && !(flags & SHELL_TESTED) &&
	    !sh->skip)
		sh->skip = SHELL_EXIT;
	return sh->status;
}
