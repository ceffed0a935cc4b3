/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/step.h"

#include "base/str.h"
#include "cc/call.h"
#include "shell/compile.h"
#include "shell/counts.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "wire/cc.h"
#include "wire/msg-job.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------- their options */

/* Options that neither read nor write another file than /dev/null. */
static bool are_genksyms_options(char *const *arg)
{
	static const char *const alone[] = { "-p", "-w", "-q", "-R" };

	for (; *arg; arg++) {
		bool known = false;

		if (!strcmp(*arg, "-r") && arg[1] &&
		    !strcmp(arg[1], "/dev/null")) {
			arg++;
			continue;
		}
		for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
			known |= !strcmp(*arg, alone[i]);
		if (!known)
			return false;
	}
	return true;
}

/* Options that change the object, or what is said of it, and no other file. */
static bool is_objtool_option(const char *arg)
{
	static const char *const alone[] = {
		"--ibt",     "--mcount",         "--mnop",
		"--noinstr", "--no-unreachable", "--orc",
		"--prefix",  "--retpoline",      "--rethunk",
		"--sls",     "--stackval",       "--static-call",
		"--uaccess", "--unret",          "--cfi",
		"--link",    "--module",         "--noabs",
	};

	if (str_starts(arg, "--hacks=") || str_starts(arg, "--prefix="))
		return true;
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
		if (!strcmp(arg, alone[i]))
			return true;
	}
	return false;
}

static bool has_path(const char *program, const char *path)
{
	size_t n = strlen(program), m = strlen(path);

	return str_ends(program, path) && (n == m || program[n - m - 1] == '/');
}

/* --------------------------------------------------------------- commands */

/* Words that come to themselves, and no more of anything. */
static bool is_literal(const struct shell_node *n)
{
	if (n->kind != SHELL_SIMPLE || n->assigns || !n->words)
		return false;
	for (const struct shell_word *w = n->words; w; w = w->next) {
		if (!w->literal)
			return false;
	}
	return true;
}

static char **words_of(struct arena *a, const struct shell_node *n)
{
	size_t count = 0, i = 0;
	char **out;

	for (const struct shell_word *w = n->words; w; w = w->next)
		count++;
	out = arena_alloc(a, (count + 1) * sizeof(*out));
	for (const struct shell_word *w = n->words; w; w = w->next)
		out[i++] = (char *)w->literal;
	out[i] = NULL;
	return out;
}

/* The program, absolute, and `args`; false: not as messages have it. */
static bool make_question(struct shell *sh, enum wire_step_kind kind,
			  char **argv, size_t n_args, struct wire_cc_step *out)
{
	char cwd[PATH_MAX];
	size_t len;
	char *path;

	if (!argv[0] || !strchr(argv[0], '/') || n_args > WIRE_STEP_ARGS)
		return false;
	*out = (struct wire_cc_step){ .kind = (uint8_t)kind,
				      .program = argv[0],
				      .args = { .v = argv + 1, .n = n_args } };
	if (*argv[0] == '/')
		return true;
	if (!getcwd(cwd, sizeof(cwd)) || *cwd != '/')
		return false;
	len = strlen(cwd) + strlen(argv[0]) + 2;
	path = arena_alloc(&sh->arena, len);
	snprintf(path, len, "%s/%s", cwd, argv[0]);
	out->program = path;
	return len <= PATH_MAX;
}

/* ---------------------------------------------------------------- symbols */

/* Only where its output goes may be said of it. */
static bool goes_to_file(const struct shell_redir *r)
{
	return !r || (!r->next && r->fd == STDOUT_FILENO && r->word &&
		      r->word->literal &&
		      (r->kind == SHELL_TO || r->kind == SHELL_APPEND));
}

static bool is_symbols(const struct shell_node *pipe)
{
	const struct shell_node *cpp = pipe->list, *tool = cpp->next;

	return tool && !tool->next && is_literal(cpp) && !cpp->redirs &&
	       is_literal(tool) && goes_to_file(tool->redirs) &&
	       has_path(tool->words->literal, "scripts/genksyms/genksyms");
}

/* False: whoever runs it will say why. */
static bool redirect_output(const struct shell_redir *r,
			    struct shell_put_aside *aside)
{
	int mode = r && r->kind == SHELL_APPEND ? O_APPEND : O_TRUNC;
	int fd;

	shell_put_aside_init(aside);
	if (!r)
		return true;
	fd = open(r->word->literal, O_WRONLY | O_CREAT | O_CLOEXEC | mode,
		  0666);
	if (fd < 0)
		return false;
	shell_redirect_one(aside, STDOUT_FILENO, fd);
	return true;
}

/* True: it has been done. */
static bool ask_for_symbols(struct shell *sh, char **argv,
			    const struct cc_step *step, int *status, int *held)
{
	struct cc_call call;
	enum cc_answer answer = shell_compile_ask(sh, &call, argv, step,
						  status);

	if (answer == CC_ANSWER_LOCAL && call.kept >= 0) {
		*held = shell_redirect_hide(call.kept);
		call.kept = -1;
	}
	cc_call_release(&call);
	return answer == CC_ANSWER_DONE || answer == CC_ANSWER_ENDED;
}

bool shell_step_symbols(struct shell *sh, const struct shell_node *pipe,
			int *status, int *held)
{
	struct shell_put_aside aside;
	struct shell_program p;
	struct wire_cc_step m;
	const struct cc_step step = { .message = &m };
	char **argv, **tool;
	size_t n = 0;
	bool done = false;

	*held = -1;
	if (!is_symbols(pipe) || !shell_counts_wants_steps())
		return false;
	argv = words_of(&sh->arena, pipe->list);
	tool = words_of(&sh->arena, pipe->list->next);
	while (tool[n + 1])
		n++;
	if (!are_genksyms_options(tool + 1) ||
	    !make_question(sh, WIRE_STEP_SYMBOLS, tool, n, &m) ||
	    shell_program_find(sh, argv[0], &p) ||
	    !shell_compile_is_link(sh, &p, argv[0]))
		return false;
	if (redirect_output(pipe->list->next->redirs, &aside))
		done = ask_for_symbols(sh, argv, &step, status, held);
	shell_redirect_undo(&aside, false);
	shell_signals_settle();
	return done;
}

/* ----------------------------------------------------------------- object */

const struct shell_node *shell_step_tool(const struct shell_node *n)
{
	const struct shell_node *tool = n->next;

	return tool && is_literal(n) && !n->redirs && is_literal(tool) &&
			       !tool->redirs &&
			       has_path(tool->words->literal,
					"tools/objtool/objtool") ?
		       tool :
		       NULL;
}

bool shell_step_object(struct shell *sh, const struct shell_node *tool,
		       struct cc_step *out)
{
	struct wire_cc_step *m;
	char **env, **argv;
	size_t n = 0;

	if (!tool || !shell_counts_wants_steps())
		return false;
	argv = words_of(&sh->arena, tool);
	env = shell_program_environment(sh, argv[0]);
	if (str_env(env, "OBJTOOL_ARGS") || str_env(env, "OBJTOOL_VERBOSE"))
		return false;
	for (; argv[n + 1] && argv[n + 2]; n++) {
		if (!is_objtool_option(argv[n + 1]))
			return false;
	}
	if (!argv[n + 1])
		return false;
	m = arena_alloc(&sh->arena, sizeof(*m));
	*out = (struct cc_step){ .message = m, .object = argv[n + 1] };
	return make_question(sh, WIRE_STEP_OBJECT, argv, n, m);
}
