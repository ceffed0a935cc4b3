/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/step.h"

#include "base/str.h"
#include "cc/call.h"
#include "shell/compile.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/stats.h"
#include "shell/tool-line.h"
#include "wire/cc.h"
#include "wire/msg.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --------------------------------------------------------------- commands */

/*
 * Return true for a command that consists only of literal words and
 * redirections.
 */
static bool is_literal_command(const struct shell_ast_node *n)
{
	if (n->kind != SHELL_AST_SIMPLE || n->assigns || !n->words)
		return false;
	for (const struct shell_word *w = n->words; w; w = w->next) {
		if (!w->literal)
			return false;
	}
	return true;
}

static char **literal_argv(struct arena *a, const struct shell_ast_node *n)
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

/*
 * Fill in the program, made absolute, and its arguments.  Returns false if the
 * message cannot hold them.
 */
static bool fill_step_request(struct shell *sh, enum wire_step_kind kind,
			      char **argv, size_t n_args,
			      struct wire_cc_step *out)
{
	char cwd[PATH_MAX];
	size_t len;
	char *path;

	if (!argv[0] || !strchr(argv[0], '/') || n_args > WIRE_STEP_ARGS_MAX)
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

/* ------------------------------------------------ genksyms of a source file */

/* Return true if stdout goes to a literal file or is not redirected. */
static bool has_file_output(const struct shell_redir *r)
{
	return !r || (!r->next && r->fd == STDOUT_FILENO && r->word &&
		      r->word->literal &&
		      (r->kind == SHELL_REDIR_OUTPUT ||
		       r->kind == SHELL_REDIR_APPEND));
}

static const char *literal_program(const struct shell_ast_node *n)
{
	return n->kind == SHELL_AST_SIMPLE && n->words ? n->words->literal :
							 NULL;
}

static bool ends_in_genksyms(const struct shell_ast_node *pipe)
{
	const struct shell_ast_node *n = pipe->list;
	const char *program;

	while (n->next)
		n = n->next;
	program = literal_program(n);
	return program && shell_tool_line_is_genksyms(program);
}

/* Returns false without a message: the local execution prints the error. */
static bool redirect_stdout_to_file(const struct shell_redir *r,
				    struct shell_saved_fds *aside)
{
	int mode = r && r->kind == SHELL_REDIR_APPEND ? O_APPEND : O_TRUNC;
	int fd;

	shell_redirect_init_saved(aside);
	if (!r)
		return true;
	fd = open(r->word->literal, O_WRONLY | O_CREAT | O_CLOEXEC | mode,
		  0666);
	if (fd < 0)
		return false;
	shell_redirect_fd(aside, STDOUT_FILENO, fd);
	return true;
}

/*
 * Return true if all options of genksyms are supported: none reads or writes a
 * file other than /dev/null.
 */
static bool supports_genksyms_options(char *const *arg)
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

/*
 * Build the request for `cpp` and the genksyms after it.  Returns false with
 * the reason in sh->step_reason.
 */
static bool make_genksyms_request(struct shell *sh,
				  const struct shell_ast_node *cpp,
				  struct wire_cc_step *out)
{
	struct shell_program p;
	const char *compiler;
	char **tool;
	size_t n = 0;

	sh->step_reason = SHELL_STEP_REASON_LINE;
	if (!cpp->next || cpp->next->next || !is_literal_command(cpp) ||
	    cpp->redirs || !is_literal_command(cpp->next) ||
	    !has_file_output(cpp->next->redirs))
		return false;
	if (!shell_stats_are_steps_enabled(&sh->step_reason))
		return false;
	sh->step_reason = SHELL_STEP_REASON_OPTION;
	tool = literal_argv(&sh->arena, cpp->next);
	while (tool[n + 1])
		n++;
	if (!supports_genksyms_options(tool + 1))
		return false;
	sh->step_reason = SHELL_STEP_REASON_LINE;
	compiler = literal_program(cpp);
	return fill_step_request(sh, WIRE_STEP_SYMBOLS, tool, n, out) &&
	       !shell_program_find(sh, compiler, &p) &&
	       shell_compile_is_wrapper(sh, &p, compiler);
}

/* Request the step from the coordinator.  Returns true if it was executed. */
static bool request_genksyms(struct shell *sh, char **argv,
			     const struct cc_tool_step *step, int *status,
			     struct shell_step_resources *held)
{
	struct cc_call call;
	enum cc_job_outcome outcome = shell_compile_request(sh, &call, argv,
							    step, status);

	sh->step_reason = call.has_step ? SHELL_STEP_REASON_JOB :
					  SHELL_STEP_REASON_OPTION;
	if (outcome == CC_JOB_LOCAL && call.coord_fd >= 0) {
		held->socket_fd = shell_redirect_move_high(call.coord_fd);
		call.coord_fd = -1;
	}
	/* one slot for the whole pipeline: the compiler with -E takes none */
	if (outcome == CC_JOB_LOCAL || outcome == CC_JOB_UNAVAILABLE)
		held->slot_fd = shell_compile_hold_slot(&call);
	cc_call_release(&call);
	return outcome == CC_JOB_DONE || outcome == CC_JOB_SIGNALLED;
}

/* ------------------------------------------------------ genksyms of a text */

static bool is_echo_command(const struct shell_ast_node *n)
{
	return n && is_literal_command(n) && !n->redirs &&
	       !strcmp(n->words->literal, "echo");
}

/* Return true for { echo ...; echo ...; PIPELINE; }. */
static bool is_text_group(const struct shell_ast_node *n)
{
	const struct shell_ast_node *made;

	if (n->kind != SHELL_AST_LIST || n->redirs ||
	    !is_echo_command(n->list) || !is_echo_command(n->list->next))
		return false;
	made = n->list->next->next;
	return made && made->kind == SHELL_AST_PIPELINE && !made->next;
}

bool shell_step_needs_text(struct shell *sh, const struct shell_ast_node *pipe)
{
	struct wire_cc_step m;

	return ends_in_genksyms(pipe) && is_text_group(pipe->list) &&
	       make_genksyms_request(sh, pipe->list->next, &m);
}

/*
 * Return true for "#include <FILE>" and for lines of words and parentheses.
 * Such lines have the same meaning in any file and in any C dialect.
 */
static bool is_safe_text_line(const char *s, size_t len)
{
	static const char include[] = "#include <";
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_ (),;";
	size_t skip = strlen(include), end = len;

	if (len > skip + 1 && !memcmp(s, include, skip))
		return s[len - 1] == '>' &&
		       !memchr(s + skip, '>', len - skip - 1) &&
		       !memchr(s, '\\', len) && !memchr(s, '?', len);
	while (end && strchr(plain, s[end - 1]))
		end--;
	return !end;
}

/* Return the text if it can be part of a request, else NULL. */
static char *read_step_text(struct shell *sh, int fd)
{
	struct stat st;
	size_t len;
	char *text;

	if (fstat(fd, &st) || !st.st_size || st.st_size > WIRE_CC_TEXT_MAX)
		return NULL;
	len = (size_t)st.st_size;
	text = arena_alloc(&sh->arena, len + 1);
	if (pread(fd, text, len, 0) != st.st_size || text[len - 1] != '\n')
		return NULL;
	text[len] = '\0';
	for (const char *s = text, *end; *s; s = end + 1) {
		end = strchr(s, '\n');
		if (!end || !is_safe_text_line(s, (size_t)(end - s)))
			return NULL;
	}
	return strlen(text) == len ? text : NULL;
}

bool shell_step_run_genksyms(struct shell *sh,
			     const struct shell_ast_node *pipe, int text_fd,
			     int *status,
			     struct shell_step_resources *resources)
{
	const struct shell_ast_node *cpp = text_fd < 0 ? pipe->list :
							 pipe->list->next;
	struct shell_saved_fds aside;
	struct wire_cc_step m;
	const struct cc_tool_step step = { .message = &m };
	bool done = false;
	char **argv;

	*resources = (struct shell_step_resources){ .socket_fd = -1,
						    .slot_fd = -1 };
	/* shell_step_needs_text() has already set the reason */
	if (!ends_in_genksyms(pipe) || (text_fd < 0 && is_text_group(cpp)) ||
	    !make_genksyms_request(sh, cpp, &m))
		return false;
	m.text = text_fd < 0 ? NULL : read_step_text(sh, text_fd);
	if (text_fd >= 0 && !m.text) {
		sh->step_reason = SHELL_STEP_REASON_LINE;
		return false;
	}
	argv = literal_argv(&sh->arena, cpp);
	if (redirect_stdout_to_file(cpp->next->redirs, &aside))
		done = request_genksyms(sh, argv, &step, status, resources);
	shell_redirect_restore(&aside, false);
	shell_signals_raise_sigint();
	return done;
}

void shell_step_release(const struct shell_step_resources *held)
{
	if (held->socket_fd >= 0)
		close(held->socket_fd);
	if (held->slot_fd >= 0)
		close(held->slot_fd);
}

/* ------------------------------------------------------- objtool and dtc */

const struct shell_ast_node *shell_step_find_tool(
	struct shell *sh, const struct shell_ast_node *n)
{
	const struct shell_ast_node *tool = n->next;
	const char *program = tool ? literal_program(tool) : NULL;

	if (!program || (!shell_tool_line_is_objtool(program) &&
			 !shell_tool_line_is_dtc(program)))
		return NULL;
	sh->step_reason = SHELL_STEP_REASON_LINE;
	return is_literal_command(n) && !n->redirs &&
			       is_literal_command(tool) && !tool->redirs ?
		       tool :
		       NULL;
}

/*
 * Return true if the option affects only the object and the messages, not other
 * files.
 */
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

/* Return true if a node can run objtool with these arguments and variables. */
static bool is_supported_objtool(struct shell *sh, char *const *argv)
{
	char **env = shell_program_build_env(sh, argv[0]);

	if (str_find_env(env, "OBJTOOL_ARGS") ||
	    str_find_env(env, "OBJTOOL_VERBOSE"))
		return false;
	for (size_t i = 1; argv[i] && argv[i + 1]; i++) {
		if (!is_objtool_option(argv[i]))
			return false;
	}
	return true;
}

bool shell_step_make_request(struct shell *sh,
			     const struct shell_ast_node *tool,
			     struct cc_tool_step *out)
{
	bool dtc = tool && shell_tool_line_is_dtc(literal_program(tool));
	struct wire_cc_step *m;
	char **argv;
	size_t n = 0;

	if (!tool)
		return false;
	if (!shell_stats_are_steps_enabled(&sh->step_reason))
		return false;
	sh->step_reason = SHELL_STEP_REASON_OPTION;
	argv = literal_argv(&sh->arena, tool);
	while (argv[n + 1])
		n++;
	if (!n || (!dtc && !is_supported_objtool(sh, argv)))
		return false;
	m = arena_alloc(&sh->arena, sizeof(*m));
	*out = (struct cc_tool_step){ .message = m, .object = argv[n] };
	if (dtc)
		return fill_step_request(sh, WIRE_STEP_DEVICETREE, argv, n, m);
	return fill_step_request(sh, WIRE_STEP_OBJECT, argv, n - 1, m);
}
