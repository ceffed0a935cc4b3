/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of things is dash's own, which differs from that of POSIX. */
#include "shell/command.h"

#include "base/str.h"
#include "shell/builtin.h"
#include "shell/compile.h"
#include "shell/fixdep.h"
#include "shell/known.h"
#include "shell/nm.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/run.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/step.h"
#include "shell/utility.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A simple command, expanded. */
struct command {
	const struct shell_node *node;
	const struct shell_builtin *builtin; /* NULL: a program, or nothing */
	struct shell_fields fields;
	const char **redirected;
	struct shell_put_aside aside;
	struct shell_saved_var *saved; /* variables, the last one first */
	unsigned flags;
	pid_t *started;
};

bool shell_command_fails(struct shell *sh, int ret)
{
	if (!ret)
		return false;
	if (ret == -EINVAL && !sh->skip)
		shell_fail(sh, "%s", sh->expand.error);
	sh->skip = SHELL_EXIT;
	return true;
}

static bool is_exec(const struct command *c)
{
	return c->builtin && !strcmp(c->builtin->name, "exec");
}

static int expand_command(struct shell *sh, struct command *c)
{
	const struct shell_word *words = c->node->words;
	int ret;

	if (words && words->literal)
		c->builtin = shell_builtin_find(words->literal);
	ret = shell_expand_fields(&sh->expand, words,
				  c->builtin && c->builtin->declares,
				  &c->fields);
	if (!ret && c->node->redirs)
		ret = shell_redirect_expand(sh, c->node->redirs,
					    &c->redirected);
	return ret;
}

static void assign_for_now(struct shell *sh, struct command *c,
			   const char *name, const char *value)
{
	struct shell_saved_var *saved = arena_alloc(&sh->arena, sizeof(*saved));

	saved->next = c->saved;
	c->saved = saved;
	shell_vars_set_for_now(&sh->vars, saved, name, value);
}

/* In front of a special builtin they stay. */
static int assign_all(struct shell *sh, struct command *c)
{
	bool stays = !c->fields.n || (c->builtin && c->builtin->special);

	for (const struct shell_assign *a = c->node->assigns; a; a = a->next) {
		const char *value;
		int ret = shell_expand_value(&sh->expand, a->value, &value);

		if (ret)
			return ret;
		if (!stays)
			assign_for_now(sh, c, a->name, value);
		else
			shell_vars_set(&sh->vars, a->name, value);
		if (stays && is_exec(c) && c->fields.n > 1)
			shell_vars_export(&sh->vars, a->name);
	}
	return 0;
}

static int become_program(struct shell *sh, char **argv)
{
	struct shell_program p;
	int ret = shell_program_find(sh, argv[0], &p);

	sh->skip = SHELL_EXIT;
	if (ret)
		return sh->status = shell_program_explain(sh, argv[0], -ret);
	return sh->status = shell_program_become(sh, &p, argv);
}

static int run_exec(struct shell *sh, const struct command *c)
{
	int status = 0;

	if (c->fields.n > 1) {
		sh->builtin = c->fields.v[0];
		status = become_program(sh, c->fields.v + 1);
		sh->builtin = NULL;
	}
	return status;
}

/* False: it is no fixdep, or is to be run. */
static bool run_fixdep(struct shell *sh, char **argv, int *status)
{
	char **env;
	int ret;

	if (!str_ends(argv[0], "/fixdep"))
		return false;
	env = shell_program_environment(sh, argv[0]);
	ret = shell_fixdep(argv, str_env(env, "KFARM_SOCKET"), STDOUT_FILENO);
	if (ret >= 0)
		*status = ret;
	return ret >= 0;
}

/* And what comes behind it, where that is a part of it. */
static bool run_compile(struct shell *sh, const struct shell_program *p,
			char **argv, bool last, int *status)
{
	struct cc_step step;
	bool has = shell_step_object(sh, sh->tool, &step);
	bool is = shell_compile(sh, p, argv, last, has ? &step : NULL, status);

	if (!is && sh->tool)
		sh->step_why = SHELL_STEP_ALONE;
	return is;
}

static int run_program(struct shell *sh, const struct command *c)
{
	char **argv = c->fields.v;
	struct shell_program p;
	int ret = shell_program_find(sh, argv[0], &p), status;
	bool last;
	pid_t pid;

	if (ret) {
		shell_say(sh, "%s: %s", argv[0],
			  shell_open_words(-ret, "not found"));
		return 127;
	}
	last = (c->flags & SHELL_LAST) && !shell_traps_any();
	if (!c->started && (shell_utility(sh, p.path, argv, &status) ||
			    run_compile(sh, &p, argv, last, &status) ||
			    run_fixdep(sh, argv, &status) ||
			    shell_nm_script(sh, argv, &status)))
		return status;
	if (last) {
		sh->skip = SHELL_EXIT;
		return sh->status = shell_program_become(sh, &p, argv);
	}
	pid = shell_program_start(sh, &p, argv, &status);
	if (c->started)
		*c->started = pid;
	else if (pid)
		status = shell_program_wait(pid);
	shell_signals_settle();
	return status;
}

static int run_expanded(struct shell *sh, const struct command *c)
{
	if (!c->fields.n)
		return sh->substituted;
	if (is_exec(c))
		return run_exec(sh, c);
	if (c->builtin)
		return shell_builtin_run(sh, c->builtin, c->fields.v);
	return run_program(sh, c);
}

static void restore_vars(struct shell *sh, struct command *c)
{
	for (; c->saved; c->saved = c->saved->next)
		shell_vars_restore(&sh->vars, c->saved);
}

static int do_command(struct shell *sh, struct command *c)
{
	int status = 2;

	if (shell_redirect(sh, c->node->redirs, c->redirected, &c->aside)) {
		if (c->builtin && c->builtin->special) {
			sh->skip = SHELL_EXIT;
			sh->status = status;
		}
	} else if (shell_command_fails(sh, assign_all(sh, c))) {
		status = sh->status;
	} else {
		status = run_expanded(sh, c);
	}
	if (c->node->redirs)
		shell_redirect_undo(&c->aside, is_exec(c));
	restore_vars(sh, c);
	return status;
}

int shell_command(struct shell *sh, const struct shell_node *n, unsigned flags,
		  pid_t *started)
{
	struct command c = { .node = n, .flags = flags, .started = started };
	struct arena_mark mark = arena_mark(&sh->arena);
	int status;

	sh->line = n->line;
	sh->substituted = 0;
	if (started)
		*started = 0;
	shell_put_aside_init(&c.aside);
	if (shell_command_fails(sh, expand_command(sh, &c)))
		status = sh->status;
	else
		status = do_command(sh, &c);
	arena_rewind(&sh->arena, mark);
	return status;
}
