/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of expansion, redirection and assignment is dash's, which differs
 * from POSIX.
 */
#include "shell/command.h"

#include "base/str.h"
#include "shell/builtin.h"
#include "shell/compile.h"
#include "shell/nm.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/run.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/step.h"
#include "shell/subset.h"
#include "shell/utility.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A simple command during its execution. */
struct simple_command {
	const struct shell_ast_node *ast_node;
	/* NULL for a program or an empty command */
	const struct shell_builtin *builtin;
	struct shell_fields fields;
	const char **redir_words;
	struct shell_saved_fds saved_fds;
	/* previous values of variables, in reverse order */
	struct shell_saved_var *saved_vars;
	unsigned flags;
	pid_t *started_pid;
};

bool shell_command_handle_error(struct shell *sh, int ret)
{
	if (!ret)
		return false;
	if (ret == -EINVAL && !sh->skip)
		shell_fail(sh, "%s", sh->expand.error);
	sh->skip = SHELL_SKIP_EXIT;
	return true;
}

static bool is_exec_builtin(const struct simple_command *c)
{
	return c->builtin && !strcmp(c->builtin->name, "exec");
}

/*
 * Apply the assignments.  They are temporary unless there is no command, or the
 * command is a special builtin.
 */
static int apply_assignments(struct shell *sh, struct simple_command *c)
{
	bool stays = !c->fields.n || (c->builtin && c->builtin->special);

	for (const struct shell_assign *a = c->ast_node->assigns; a;
	     a = a->next) {
		const char *value;
		int ret = shell_expand_assignment(&sh->expand, a->value,
						  &value);

		if (ret)
			return ret;
		if (!stays) {
			struct shell_saved_var *saved = arena_alloc(
				&sh->arena, sizeof(*saved));

			saved->next = c->saved_vars;
			c->saved_vars = saved;
			shell_vars_set_temporary(&sh->vars, saved, a->name,
						 value);
			continue;
		}
		shell_vars_set(&sh->vars, a->name, value);
		if (is_exec_builtin(c) && c->fields.n > 1)
			shell_vars_export(&sh->vars, a->name);
	}
	return 0;
}

static int run_exec_builtin(struct shell *sh, const struct simple_command *c)
{
	char **argv = c->fields.v + 1;
	struct shell_program p;
	int ret;

	if (c->fields.n < 2)
		return 0;
	sh->builtin = c->fields.v[0];
	ret = shell_program_find(sh, argv[0], &p);
	sh->skip = SHELL_SKIP_EXIT;
	sh->status = ret ? shell_program_print_error(sh, argv[0], -ret) :
			   shell_program_exec_or_report(sh, &p, argv);
	sh->builtin = NULL;
	return sh->status;
}

/*
 * Run fixdep without starting a process.  Returns false if the command is not
 * fixdep or if the program must be started.
 */
static bool try_fixdep(struct shell *sh, char **argv, int *status)
{
	char **env;
	int ret;

	if (!str_ends(argv[0], "/fixdep"))
		return false;
	env = shell_program_build_env(sh, argv[0]);
	ret = shell_fixdep_run(argv, str_find_env(env, "KFARM_SOCKET"),
			       STDOUT_FILENO);
	if (ret >= 0)
		*status = ret;
	return ret >= 0;
}

/*
 * Run a compile, together with the following tool step if that belongs to it.
 * Returns false if the command is not a compiler call.
 */
static bool try_compile(struct shell *sh, const struct shell_program *p,
			char **argv, bool last, int *status)
{
	struct cc_tool_step step;
	bool has = shell_step_make_request(sh, sh->pending_tool, &step);
	bool is = shell_compile_run(sh, p, argv, last, has ? &step : NULL,
				    status);

	if (!is && sh->pending_tool)
		sh->step_reason = SHELL_STEP_REASON_ALONE;
	return is;
}

static int run_external(struct shell *sh, const struct simple_command *c)
{
	char **argv = c->fields.v;
	struct shell_program p;
	int ret = shell_program_find(sh, argv[0], &p), status;
	bool last;
	pid_t pid;

	if (ret) {
		shell_print_message(sh, "%s: %s", argv[0],
				    shell_open_error_text(-ret, "not found"));
		return 127;
	}
	last = (c->flags & SHELL_RUN_LAST) && !shell_signals_has_traps();
	if (!c->started_pid && (shell_utility_run(sh, p.path, argv, &status) ||
				try_compile(sh, &p, argv, last, &status) ||
				try_fixdep(sh, argv, &status) ||
				shell_nm_run_export_check(sh, argv, &status)))
		return status;
	if (last) {
		sh->skip = SHELL_SKIP_EXIT;
		return sh->status = shell_program_exec_or_report(sh, &p, argv);
	}
	pid = shell_program_start(sh, &p, argv, &status);
	if (c->started_pid)
		*c->started_pid = pid;
	else if (pid)
		status = shell_program_wait(pid);
	shell_signals_raise_sigint();
	return status;
}

static int run_with_redirections(struct shell *sh, struct simple_command *c)
{
	int status = 2;

	if (shell_redirect_apply(sh, c->ast_node->redirs, c->redir_words,
				 &c->saved_fds)) {
		if (c->builtin && c->builtin->special) {
			sh->skip = SHELL_SKIP_EXIT;
			sh->status = status;
		}
	} else if (shell_command_handle_error(sh, apply_assignments(sh, c))) {
		status = sh->status;
	} else if (!c->fields.n) {
		status = sh->substitution_status;
	} else if (is_exec_builtin(c)) {
		status = run_exec_builtin(sh, c);
	} else if (c->builtin) {
		status = shell_builtin_run(sh, c->builtin, c->fields.v);
	} else {
		status = run_external(sh, c);
	}
	if (c->ast_node->redirs)
		shell_redirect_restore(&c->saved_fds, is_exec_builtin(c));
	for (; c->saved_vars; c->saved_vars = c->saved_vars->next)
		shell_vars_restore(&sh->vars, c->saved_vars);
	return status;
}

int shell_command_run(struct shell *sh, const struct shell_ast_node *n,
		      unsigned flags, pid_t *started_pid)
{
	struct simple_command c = { .ast_node = n,
				    .flags = flags,
				    .started_pid = started_pid };
	struct arena_mark mark = arena_mark(&sh->arena);
	const struct shell_word *words = n->words;
	int ret, status;

	sh->line = n->line;
	sh->substitution_status = 0;
	if (started_pid)
		*started_pid = 0;
	shell_redirect_init_saved(&c.saved_fds);
	if (words && words->literal)
		c.builtin = shell_builtin_find(words->literal);
	ret = shell_expand_fields(&sh->expand, words,
				  c.builtin && c.builtin->expands_assignments,
				  &c.fields);
	if (!ret && n->redirs)
		ret = shell_redirect_expand(sh, n->redirs, &c.redir_words);
	if (shell_command_handle_error(sh, ret))
		status = sh->status;
	else
		status = run_with_redirections(sh, &c);
	arena_rewind(&sh->arena, mark);
	return status;
}
