/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simple command is executed in dash's order, which differs from POSIX:
 * expand the words of the command, expand the words of its redirections except
 * here-documents, apply the redirections, and expand and apply the assignments.
 */
#include "shell/run.h"

#include "base/str.h"
#include "shell/builtin.h"
#include "shell/compile.h"
#include "shell/nm.h"
#include "shell/parse.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/subset.h"
#include "shell/utility.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUBSTITUTION_READ_BYTES 4096

/* --------------------------------------------------------- simple commands */

/* A simple command during its execution. */
struct simple_command {
	const struct shell_ast_node *ast_node;
	/* builtin to run; NULL for a program or an empty command */
	const struct shell_builtin *builtin;
	struct shell_fields fields;
	/*
	 * states of the variables before the temporary assignments, in reverse
	 * order
	 */
	struct shell_saved_var *saved_vars;
	unsigned flags;
	pid_t *started_pid;
};

/*
 * Handle the result of an expansion.  Returns true if an error ends the shell;
 * the error has then been printed, and sh->skip and sh->status are set.
 */
static bool handle_expansion_error(struct shell *sh, int ret)
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
	return c->builtin && c->builtin->id == SHELL_BUILTIN_EXEC;
}

/*
 * Apply the assignments.  They are temporary unless the command has no words or
 * is a special builtin.
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
	ret = ret ? -ret : shell_program_exec(sh, &p, argv);
	sh->status = shell_program_print_error(sh, argv[0], ret);
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

	if (!str_ends(argv[0], "/fixdep") || shell_utility_is_preloaded(sh))
		return false;
	env = shell_program_build_env(sh, argv[0]);
	ret = shell_fixdep_run(argv, str_find_env(env, "KFARM_SOCKET"),
			       STDOUT_FILENO);
	if (ret >= 0)
		*status = ret;
	return ret >= 0;
}

static int run_external(struct shell *sh, const struct simple_command *c)
{
	char **argv = c->fields.v;
	struct shell_program p;
	int ret = shell_program_find(sh, argv[0], &p), status = 0;
	bool last;
	pid_t pid;

	if (ret) {
		shell_print_message(sh, "%s: %s", argv[0],
				    shell_open_error_text(-ret, "not found"));
		return 127;
	}
	last = (c->flags & SHELL_RUN_LAST) && !shell_signals_has_traps();
	if (!c->started_pid &&
	    (shell_utility_run(sh, p.path, argv, &status) ||
	     shell_compile_run(sh, &p, argv, last, &status) ||
	     try_fixdep(sh, argv, &status) ||
	     shell_nm_run_export_check(sh, argv, &status)))
		return status;
	if (last) {
		sh->skip = SHELL_SKIP_EXIT;
		ret = shell_program_exec(sh, &p, argv);
		return sh->status = shell_program_print_error(sh, argv[0], ret);
	}
	pid = shell_program_start(sh, &p, argv, &status);
	if (c->started_pid)
		*c->started_pid = pid;
	else if (pid)
		status = shell_program_wait(pid);
	shell_signals_raise_sigint();
	return status;
}

/*
 * Run a simple command and return its status.  If `started_pid` is not NULL, a
 * program is started without waiting for it: *started_pid is its process ID, or
 * 0 if no program was started.
 */
static int run_simple(struct shell *sh, const struct shell_ast_node *n,
		      unsigned flags, pid_t *started_pid)
{
	struct simple_command c = { .ast_node = n,
				    .flags = flags,
				    .started_pid = started_pid };
	struct arena_mark mark = arena_mark(&sh->arena);
	const struct shell_word *words = n->words;
	const char **redir_words = NULL;
	struct shell_saved_fds aside;
	int ret, status = 2;

	sh->line = n->line;
	sh->substitution_status = 0;
	if (started_pid)
		*started_pid = 0;
	shell_redirect_init_saved(&aside, &sh->closed_fds);
	if (words && words->literal)
		c.builtin = shell_builtin_find(words->literal);
	ret = shell_expand_fields(&sh->expand, words,
				  c.builtin && c.builtin->expands_assignments,
				  &c.fields);
	if (!ret && n->redirs)
		ret = shell_redirect_expand(sh, n->redirs, &redir_words);

	if (handle_expansion_error(sh, ret)) {
		status = sh->status;
	} else if (shell_redirect_apply(sh, n->redirs, redir_words, &aside)) {
		if (c.builtin && c.builtin->special) {
			sh->skip = SHELL_SKIP_EXIT;
			sh->status = status;
		}
	} else if (handle_expansion_error(sh, apply_assignments(sh, &c))) {
		status = sh->status;
	} else if (!c.fields.n) {
		status = sh->substitution_status;
	} else if (is_exec_builtin(&c)) {
		status = run_exec_builtin(sh, &c);
	} else if (c.builtin) {
		status = shell_builtin_run(sh, c.builtin, c.fields.v);
	} else {
		status = run_external(sh, &c);
	}

	if (n->redirs)
		shell_redirect_restore(&aside, is_exec_builtin(&c));
	for (; c.saved_vars; c.saved_vars = c.saved_vars->next)
		shell_vars_restore(&sh->vars, c.saved_vars);
	arena_rewind(&sh->arena, mark);
	return status;
}

/* --------------------------------------------------------------- pipelines */

/* One command of a pipeline. */
struct pipeline_element {
	const struct shell_ast_node *ast_node;
	int in_fd, out_fd; /* pipe ends, or -1 to inherit stdin or stdout */
	pid_t pid; /* 0 if no process runs */
	int status;
};

static void close_element_fds(struct pipeline_element *e)
{
	if (e->in_fd >= 0)
		close(e->in_fd);
	if (e->out_fd >= 0)
		close(e->out_fd);
	e->in_fd = e->out_fd = -1;
}

/*
 * Use the element's pipe ends as standard input and output until the caller
 * restores `aside`.
 */
static void connect_element_fds(struct pipeline_element *e,
				struct shell_saved_fds *aside)
{
	shell_redirect_init_saved(aside, NULL);
	if (e->in_fd >= 0)
		shell_redirect_fd(aside, STDIN_FILENO, e->in_fd);
	if (e->out_fd >= 0)
		shell_redirect_fd(aside, STDOUT_FILENO, e->out_fd);
	e->in_fd = e->out_fd = -1;
}

/*
 * Run an element as a subshell in a child created by fork.  `other_end` is the
 * read end of the element's output pipe, or -1.  `in_process` is the element
 * that runs in this process, or NULL.  The child closes `other_end` and the
 * pipe ends of `in_process`: copies that stay open in the child would delay the
 * end of file for other elements.
 */
static void fork_element(struct shell *sh, struct pipeline_element *e,
			 struct pipeline_element *in_process, int other_end,
			 unsigned flags)
{
	shell_signals_defer_sigint();
	e->pid = fork();
	if (!e->pid) {
		struct shell_saved_fds aside;

		if (other_end >= 0)
			close(other_end);
		if (in_process)
			close_element_fds(in_process);
		connect_element_fds(e, &aside);
		shell_redirect_restore(&aside, true);
		shell_signals_reset_traps();
		sh->subshell_depth = 0;
		sh->capture = NULL;
		shell_run_node(sh, e->ast_node, flags | SHELL_RUN_LAST);
		_exit(shell_run_exit_trap(sh));
	}
	close_element_fds(e);
	if (e->pid < 0) {
		e->pid = 0;
		e->status = shell_fail(sh, "Cannot fork");
	}
}

/*
 * Run a command as a subshell in this process and return its status.
 * shell_subset_is_pure() must be true for the command.
 */
static int run_without_fork(struct shell *sh, const struct shell_ast_node *n,
			    unsigned flags)
{
	unsigned loops = sh->loop_depth;
	int status, sig;

	sh->subshell_depth++;
	shell_signals_enter_subshell();
	status = shell_run_node(sh, n, flags & SHELL_RUN_TESTED);
	sh->skip = SHELL_SKIP_NONE;
	sh->subshell_depth--;
	sh->loop_depth = loops;
	sh->closed_fds = 0;
	sig = shell_signals_pending();
	if (shell_signals_leave_subshell())
		status = 128 + SIGPIPE;
	else if (sig && !sh->subshell_depth)
		shell_program_print_signal(sig, false);
	return status;
}

static void run_in_process(struct shell *sh, struct pipeline_element *e,
			   unsigned flags)
{
	struct shell_saved_fds aside;

	connect_element_fds(e, &aside);
	e->status = run_without_fork(sh, e->ast_node, flags);
	shell_redirect_restore(&aside, false);
}

/*
 * Return true if every subshell needs its own process: a signal has a trap
 * (shell/signals.h), or sh->closed_fds is not 0.  In the second case, a
 * redirection in a subshell of this process could close a descriptor that the
 * shell still uses.
 */
static bool needs_fork(const struct shell *sh)
{
	return sh->closed_fds || shell_signals_has_signal_traps();
}

/*
 * Choose the element that runs in this process, or return NULL.  The first
 * choice is a command that would otherwise need a fork; the second is a program
 * that shell/utility.h implements.
 */
static struct pipeline_element *choose_in_process(const struct shell *sh,
						  struct pipeline_element *e,
						  size_t n)
{
	if (needs_fork(sh))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!shell_subset_is_program(e[i].ast_node) &&
		    shell_subset_is_pure(e[i].ast_node))
			return &e[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (shell_subset_is_program(e[i].ast_node) &&
		    shell_utility_exists(e[i].ast_node->words->literal))
			return &e[i];
	}
	return NULL;
}

/* Create a pipe with descriptors above those that a script can redirect. */
static int open_high_pipe(int ends[2])
{
	int low[2];

	if (pipe2(low, O_CLOEXEC))
		return -errno;
	ends[0] = shell_redirect_move_high(low[0]);
	ends[1] = shell_redirect_move_high(low[1]);
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return -EMFILE;
}

/*
 * Start all elements except `here`, which the caller runs in this process.
 * `here` can be NULL.  The first element reads from the descriptor `before`, or
 * from stdin if `before` is -1.  Each other element reads from its predecessor.
 * Returns 0, or status 2 after printing an error.
 */
static int start_elements(struct shell *sh, struct pipeline_element *e,
			  size_t n, int before, struct pipeline_element *here,
			  unsigned flags)
{
	struct shell_saved_fds aside;

	for (size_t i = 0; i < n; i++) {
		int ends[2] = { -1, -1 };

		if (i + 1 < n && open_high_pipe(ends)) {
			if (before >= 0)
				close(before);
			return shell_fail(sh, "Pipe call failed");
		}
		e[i].in_fd = before;
		e[i].out_fd = ends[1];
		before = ends[0];
		if (&e[i] == here)
			continue;
		if (sh->closed_fds || !shell_subset_is_program(e[i].ast_node)) {
			fork_element(sh, &e[i], here, ends[0], flags);
			continue;
		}
		/*
		 * Start the program without a fork of the shell.  Every element
		 * of a pipeline is a subshell, so undo changes to the state of
		 * the shell afterwards.
		 */
		connect_element_fds(&e[i], &aside);
		e[i].status = run_simple(sh, e[i].ast_node, 0, &e[i].pid);
		shell_redirect_restore(&aside, false);
		sh->closed_fds = 0;
		sh->skip = SHELL_SKIP_NONE;
	}
	return 0;
}

static int wait_for_elements(struct pipeline_element *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (e[i].pid)
			e[i].status = shell_program_wait(e[i].pid);
	}
	shell_signals_raise_sigint();
	return e[n - 1].status;
}

static struct pipeline_element *list_elements(struct shell *sh,
					      const struct shell_ast_node *n,
					      size_t *count)
{
	struct pipeline_element *out;
	size_t i = 0;

	*count = 0;
	for (const struct shell_ast_node *m = n->list; m; m = m->next)
		(*count)++;
	out = arena_alloc(&sh->arena, *count * sizeof(*out));
	for (const struct shell_ast_node *m = n->list; m; m = m->next)
		out[i++] = (struct pipeline_element){ .ast_node = m,
						      .in_fd = -1,
						      .out_fd = -1 };
	return out;
}

/*
 * Run only the first command of a pipeline.  Returns a file with its output,
 * positioned at the start, or -1 without running the command if no file can be
 * created.
 */
static int capture_first(struct shell *sh, const struct shell_ast_node *n,
			 unsigned flags)
{
	struct pipeline_element e = { .ast_node = n->list, .in_fd = -1 };
	int fd = shell_redirect_move_high(memfd_create("text", MFD_CLOEXEC));

	e.out_fd = fd < 0 ? -1 : shell_redirect_move_high(dup(fd));
	if (e.out_fd < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	flags &= SHELL_RUN_TESTED;
	if (choose_in_process(sh, &e, 1))
		run_in_process(sh, &e, flags);
	else
		fork_element(sh, &e, NULL, -1, flags);
	wait_for_elements(&e, 1);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Run a pipeline and return the status of its last command. */
static int run_pipeline(struct shell *sh, const struct shell_ast_node *n,
			unsigned flags)
{
	struct shell_step_resources held;
	struct pipeline_element *e, *here;
	int ret, status, text = -1;
	size_t count;

	/*
	 * `text` is a file with the output of the first command if the tool
	 * step needs it, else -1.
	 */
	if (shell_step_needs_text(sh, n))
		text = capture_first(sh, n, flags);
	if (shell_step_run_genksyms(sh, n, text, &status, &held)) {
		if (text >= 0)
			close(text);
		return status;
	}
	if (text < 0 && shell_nm_run_pipe(sh, n, &status)) {
		shell_step_release(&held);
		return status;
	}
	e = list_elements(sh, n, &count);
	if (text >= 0) {
		e++;
		count--;
	}
	here = choose_in_process(sh, e, count);

	flags &= SHELL_RUN_TESTED;
	ret = start_elements(sh, e, count, text, here, flags);
	if (here && !ret)
		run_in_process(sh, here, flags);
	if (here)
		close_element_fds(here);
	status = wait_for_elements(e, count);
	shell_step_release(&held);
	return ret ? ret : status;
}

/*
 * Return true if the command is a program or a pipeline of programs.  In a
 * command substitution, the shell starts these programs itself, without a child
 * that runs the whole command.
 */
static bool are_only_programs(const struct shell_ast_node *n)
{
	if (n->kind != SHELL_AST_PIPELINE)
		return shell_subset_is_program(n);
	for (n = n->list; n; n = n->next) {
		if (!shell_subset_is_program(n))
			return false;
	}
	return true;
}

static int run_substitution(struct shell *sh, const struct shell_ast_node *n,
			    struct buf *out)
{
	struct pipeline_element one = { .ast_node = n,
					.in_fd = -1,
					.out_fd = -1 },
				*e = &one;
	struct shell_saved_fds aside;
	int ends[2] = { -1, -1 }, status;
	size_t count = 1;
	ssize_t n_read;

	/* Builtins that do nothing but print to stdout need no pipe. */
	if (!sh->closed_fds && shell_subset_is_print_only(n)) {
		struct buf *before = sh->capture;

		sh->capture = out;
		status = run_without_fork(sh, n, 0);
		sh->capture = before;
		return status;
	}
	if (open_high_pipe(ends))
		return shell_fail(sh, "Pipe call failed");
	if (are_only_programs(n)) {
		if (n->kind == SHELL_AST_PIPELINE)
			e = list_elements(sh, n, &count);
		shell_redirect_init_saved(&aside, NULL);
		shell_redirect_fd(&aside, STDOUT_FILENO, ends[1]);
		start_elements(sh, e, count, -1, NULL, 0);
		shell_redirect_restore(&aside, false);
	} else {
		one.out_fd = ends[1];
		fork_element(sh, &one, NULL, ends[0], 0);
	}
	shell_signals_defer_sigint();
	do {
		if (buf_reserve(out, SUBSTITUTION_READ_BYTES))
			break;
		n_read = read(ends[0], out->data + out->len,
			      SUBSTITUTION_READ_BYTES);
		if (n_read > 0)
			out->len += (size_t)n_read;
	} while (n_read > 0 || (n_read < 0 && errno == EINTR));
	status = wait_for_elements(e, count);
	close(ends[0]);
	return status;
}

int shell_run_command_substitution(void *at, const struct shell_ast_node *list,
				   struct buf *out)
{
	struct shell *sh = at;
	unsigned line = sh->line;
	int before = sh->status, status;

	if (!list)
		return 0;
	status = run_substitution(sh, list, out);
	if (sh->skip)
		return -ECANCELED;
	sh->line = line;
	sh->status = before;
	sh->substitution_status = status;
	return 0;
}

/* Run a trap's action, which shell_subset_check() has accepted. */
static void run_trap_action(struct shell *sh, const char *action)
{
	const struct shell_ast_node *list = NULL;
	struct arena_mark mark = arena_mark(&sh->arena);
	int before = sh->trap_status;
	enum shell_fallback_reason why;

	if (sh->trap_status < 0)
		sh->trap_status = sh->status;
	if (!shell_parse_script(&sh->arena, bytes_str(action), &list, &why))
		shell_run_node(sh, list, 0);
	if (sh->skip != SHELL_SKIP_EXIT)
		sh->status = sh->trap_status;
	sh->trap_status = before;
	arena_rewind(&sh->arena, mark);
}

/*
 * Run the actions of pending traps.  A subshell that runs in this process runs
 * no action, because a subshell has no traps: a pending signal ends the
 * subshell, but not the shell.
 */
static void run_traps(struct shell *sh)
{
	const char *action;

	shell_signals_raise_sigint();
	if (sh->subshell_depth) {
		int sig = shell_signals_is_pipe_broken() ?
				  SIGPIPE :
				  shell_signals_pending();

		if (sig && !sh->skip) {
			sh->status = 128 + sig;
			sh->skip = SHELL_SKIP_EXIT;
		}
		return;
	}
	if (sh->skip || !shell_signals_test_and_clear())
		return;
	while (!sh->skip && shell_signals_take(&action)) {
		char *copy = arena_copy(&sh->arena, action, strlen(action));

		run_trap_action(sh, copy);
	}
}

int shell_run_exit_trap(struct shell *sh)
{
	char *action = shell_signals_take_exit_trap();

	if (action) {
		sh->skip = SHELL_SKIP_NONE;
		sh->trap_status = -1;
		run_trap_action(sh, action);
		free(action);
	}
	return sh->status;
}

/*
 * Turn this process into a subshell and run the subshell's commands.  The
 * process is either a child created for the subshell, or the shell itself if
 * the subshell is its last command.
 */
static int run_subshell_body(struct shell *sh, const struct shell_ast_node *n,
			     const char **words, unsigned flags)
{
	shell_signals_reset_traps();
	if (shell_redirect_apply(sh, n->redirs, words, NULL)) {
		sh->skip = SHELL_SKIP_EXIT;
		return sh->status = 2;
	}
	return shell_run_node(sh, n->left, flags | SHELL_RUN_LAST);
}

static int run_subshell(struct shell *sh, const struct shell_ast_node *n,
			unsigned flags)
{
	struct shell_saved_fds aside;
	const char **words;
	pid_t pid;
	int status;

	sh->line = n->line;
	if (handle_expansion_error(
		    sh, shell_redirect_expand(sh, n->redirs, &words)))
		return sh->status;
	if ((flags & SHELL_RUN_LAST) && !shell_signals_has_traps())
		return run_subshell_body(sh, n, words, flags);
	if (shell_subset_is_pure(n) && shell_subset_is_pure(n->left) &&
	    !needs_fork(sh)) {
		shell_redirect_init_saved(&aside, NULL);
		status = shell_redirect_apply(sh, n->redirs, words, &aside);
		if (!status)
			status = run_without_fork(sh, n->left, flags);
		shell_redirect_restore(&aside, false);
		return status;
	}
	shell_signals_defer_sigint();
	pid = fork();
	if (!pid) {
		sh->subshell_depth = 0;
		sh->capture = NULL;
		run_subshell_body(sh, n, words, flags);
		_exit(shell_run_exit_trap(sh));
	}
	if (pid < 0)
		return shell_fail(sh, "Cannot fork");
	return shell_program_wait(pid);
}

/*
 * Run a compound command with redirections.  Sets *errexit_applies to true if a
 * redirection failed: set -e applies to this failure, but not to the status of
 * the compound command.
 */
static int run_redirected(struct shell *sh, const struct shell_ast_node *n,
			  unsigned flags, bool *errexit_applies)
{
	struct shell_saved_fds aside;
	const char **words;
	int status;

	sh->line = n->line;
	if (handle_expansion_error(
		    sh, shell_redirect_expand(sh, n->redirs, &words)))
		return sh->status;
	shell_redirect_init_saved(&aside, &sh->closed_fds);
	status = shell_redirect_apply(sh, n->redirs, words, &aside);
	*errexit_applies = status;
	if (!status)
		status = shell_run_node(sh, n->left, flags & SHELL_RUN_TESTED);
	shell_redirect_restore(&aside, false);
	return status;
}

/*
 * Return true if break, exit, or a continue that names an outer loop ends the
 * current loop.  Resets sh->skip if only the current loop is affected.
 */
static bool is_loop_left(struct shell *sh)
{
	enum shell_skip skip = sh->skip;

	if (skip == SHELL_SKIP_NONE)
		return false;
	if (skip == SHELL_SKIP_EXIT || --sh->skip_levels > 0)
		return true;
	sh->skip = SHELL_SKIP_NONE;
	return skip == SHELL_SKIP_BREAK;
}

static int run_while(struct shell *sh, const struct shell_ast_node *n,
		     unsigned flags)
{
	int status = 0;

	sh->loop_depth++;
	for (;;) {
		int tested = shell_run_node(sh, n->test, SHELL_RUN_TESTED);

		if (sh->skip) {
			if (is_loop_left(sh))
				break;
			continue;
		}
		if (!tested != (n->kind == SHELL_AST_WHILE))
			break;
		status = shell_run_node(sh, n->left, flags & SHELL_RUN_TESTED);
		if (is_loop_left(sh))
			break;
	}
	sh->loop_depth--;
	return status;
}

static int run_for(struct shell *sh, const struct shell_ast_node *n,
		   unsigned flags)
{
	struct shell_fields fields = { 0 };
	int status = 0;

	sh->line = n->line;
	if (handle_expansion_error(
		    sh,
		    shell_expand_fields(&sh->expand, n->words, false, &fields)))
		return sh->status;
	sh->loop_depth++;
	for (size_t i = 0; i < fields.n; i++) {
		shell_vars_set(&sh->vars, n->name, fields.v[i]);
		status = shell_run_node(sh, n->left, flags & SHELL_RUN_TESTED);
		if (is_loop_left(sh))
			break;
	}
	sh->loop_depth--;
	return status;
}

static int run_case(struct shell *sh, const struct shell_ast_node *n,
		    unsigned flags)
{
	const char *text, *pattern;

	sh->line = n->line;
	if (handle_expansion_error(
		    sh, shell_expand_word(&sh->expand, n->words, &text)))
		return sh->status;
	for (const struct shell_case_item *i = n->items; i; i = i->next) {
		for (const struct shell_word *w = i->patterns; w; w = w->next) {
			int ret = shell_expand_pattern(&sh->expand, w,
						       &pattern);

			if (handle_expansion_error(sh, ret))
				return sh->status;
			if (!shell_match_pattern(pattern, text))
				continue;
			return i->body ? shell_run_node(sh, i->body, flags) : 0;
		}
	}
	return 0;
}

static int run_list(struct shell *sh, const struct shell_ast_node *n,
		    unsigned flags)
{
	int status = 0;

	for (n = n->list; n && !sh->skip; n = n->next) {
		const struct shell_ast_node *tool = shell_step_find_tool(sh, n);
		/* A slot that is held now belongs to the compile before `n`. */
		const bool has_slot = sh->slot_fd >= 0;

		sh->pending_tool = tool;
		status = shell_run_node(
			sh, n, n->next ? flags & SHELL_RUN_TESTED : flags);
		sh->pending_tool = NULL;
		if ((has_slot || sh->skip) && sh->slot_fd >= 0) {
			close(sh->slot_fd);
			sh->slot_fd = -1;
		}
		if (tool && sh->tool_offloaded == tool) {
			sh->tool_offloaded = NULL;
			n = tool;
		}
	}
	return status;
}

int shell_run_node(struct shell *sh, const struct shell_ast_node *n,
		   unsigned flags)
{
	struct arena_mark mark = arena_mark(&sh->arena);
	/* true: with set -e, a status other than 0 ends the shell */
	bool errexit_applies = false;
	int status = 0;

	if (!n || sh->skip)
		return sh->status;
	run_traps(sh);
	if (sh->skip)
		return sh->status;
	switch (n->kind) {
	case SHELL_AST_SIMPLE:
		errexit_applies = true;
		status = run_simple(sh, n, flags, NULL);
		break;
	case SHELL_AST_PIPELINE:
		errexit_applies = true;
		status = run_pipeline(sh, n, flags);
		break;
	case SHELL_AST_SUBSHELL:
		errexit_applies = true;
		status = run_subshell(sh, n, flags);
		break;
	case SHELL_AST_REDIRECTED:
		status = run_redirected(sh, n, flags, &errexit_applies);
		break;
	case SHELL_AST_NOT:
		status = shell_run_node(sh, n->left, SHELL_RUN_TESTED);
		if (!sh->skip)
			status = !status;
		break;
	case SHELL_AST_AND:
	case SHELL_AST_OR:
		status = shell_run_node(sh, n->left, SHELL_RUN_TESTED);
		if (!sh->skip && !status != (n->kind == SHELL_AST_OR))
			status = shell_run_node(sh, n->right, flags);
		break;
	case SHELL_AST_LIST:
		status = run_list(sh, n, flags);
		break;
	case SHELL_AST_IF:
		status = shell_run_node(sh, n->test, SHELL_RUN_TESTED);
		if (sh->skip)
			break;
		if (!status)
			status = shell_run_node(sh, n->left, flags);
		else
			status = n->right ?
					 shell_run_node(sh, n->right, flags) :
					 0;
		break;
	case SHELL_AST_CASE:
		status = run_case(sh, n, flags);
		break;
	case SHELL_AST_FOR:
		status = run_for(sh, n, flags);
		break;
	case SHELL_AST_WHILE:
	case SHELL_AST_UNTIL:
		status = run_while(sh, n, flags);
		break;
	}
	arena_rewind(&sh->arena, mark);
	if (sh->skip == SHELL_SKIP_EXIT)
		return sh->status;
	sh->status = status;
	run_traps(sh);
	if (sh->errexit && errexit_applies && status &&
	    !(flags & SHELL_RUN_TESTED) && !sh->skip)
		sh->skip = SHELL_SKIP_EXIT;
	return sh->status;
}
