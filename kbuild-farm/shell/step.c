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
#include "shell/tool.h"
#include "wire/cc.h"
#include "wire/msg-job.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static const char *program_of(const struct shell_node *n)
{
	return n->kind == SHELL_SIMPLE && n->words ? n->words->literal : NULL;
}

static bool ends_in_genksyms(const struct shell_node *pipe)
{
	const struct shell_node *n = pipe->list;
	const char *program;

	while (n->next)
		n = n->next;
	program = program_of(n);
	return program && shell_tool_is_genksyms(program);
}

/* The compiler and genksyms, from the former on. */
static bool is_symbols(const struct shell_node *cpp)
{
	const struct shell_node *tool = cpp->next;

	return tool && !tool->next && is_literal(cpp) && !cpp->redirs &&
	       is_literal(tool) && goes_to_file(tool->redirs);
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

/* What is asked; false: sh->step_why says why nothing is. */
static bool asks_for_symbols(struct shell *sh, const struct shell_node *cpp,
			     struct wire_cc_step *out)
{
	struct shell_program p;
	const char *compiler;
	char **tool;
	size_t n = 0;

	sh->step_why = SHELL_STEP_LINE;
	if (!is_symbols(cpp))
		return false;
	if (!shell_counts_wants_steps(&sh->step_why))
		return false;
	sh->step_why = SHELL_STEP_OPTION;
	tool = words_of(&sh->arena, cpp->next);
	while (tool[n + 1])
		n++;
	if (!shell_tool_genksyms_options(tool + 1))
		return false;
	sh->step_why = SHELL_STEP_LINE;
	compiler = program_of(cpp);
	return make_question(sh, WIRE_STEP_SYMBOLS, tool, n, out) &&
	       !shell_program_find(sh, compiler, &p) &&
	       shell_compile_is_link(sh, &p, compiler);
}

/* True: it has been done. */
static bool ask_for_symbols(struct shell *sh, char **argv,
			    const struct cc_step *step, int *status,
			    struct shell_step_held *held)
{
	struct cc_call call;
	enum cc_answer answer = shell_compile_ask(sh, &call, argv, step,
						  status);

	sh->step_why = call.stepped ? SHELL_STEP_JOB : SHELL_STEP_OPTION;
	if (answer == CC_ANSWER_LOCAL && call.kept >= 0) {
		held->socket = shell_redirect_hide(call.kept);
		call.kept = -1;
	}
	/* The compiler behind -E takes none: nobody waits for two. */
	if (answer == CC_ANSWER_LOCAL || answer == CC_ANSWER_NONE)
		held->slot = shell_compile_hold_slot(&call);
	cc_call_release(&call);
	return answer == CC_ANSWER_DONE || answer == CC_ANSWER_ENDED;
}

/* ------------------------------------------------------- symbols of a text */

static bool is_echo(const struct shell_node *n)
{
	return n && is_literal(n) && !n->redirs &&
	       !strcmp(n->words->literal, "echo");
}

/* { echo ...; echo ...; PIPELINE; } */
static bool makes_text(const struct shell_node *n)
{
	const struct shell_node *made;

	if (n->kind != SHELL_LIST || n->redirs || !is_echo(n->list) ||
	    !is_echo(n->list->next))
		return false;
	made = n->list->next->next;
	return made && made->kind == SHELL_PIPE && !made->next;
}

bool shell_step_wants_text(struct shell *sh, const struct shell_node *pipe)
{
	struct wire_cc_step m;

	return ends_in_genksyms(pipe) && makes_text(pipe->list) &&
	       asks_for_symbols(sh, pipe->list->next, &m);
}

/*
 * "#include <FILE>", or words and parentheses.  What it comes to is the same
 * wherever it lies then, and in whatever language of C.
 */
static bool is_plain_line(const char *s, size_t len)
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

/* The text, if it is one that is asked with; else NULL. */
static char *get_text(struct shell *sh, int fd)
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
		if (!end || !is_plain_line(s, (size_t)(end - s)))
			return NULL;
	}
	return strlen(text) == len ? text : NULL;
}

bool shell_step_symbols(struct shell *sh, const struct shell_node *pipe,
			int text, int *status, struct shell_step_held *held)
{
	const struct shell_node *cpp = text < 0 ? pipe->list : pipe->list->next;
	struct shell_put_aside aside;
	struct wire_cc_step m;
	const struct cc_step step = { .message = &m };
	bool done = false;
	char **argv;

	*held = (struct shell_step_held){ .socket = -1, .slot = -1 };
	/* Why no text was made for it is known. */
	if (!ends_in_genksyms(pipe) || (text < 0 && makes_text(cpp)) ||
	    !asks_for_symbols(sh, cpp, &m))
		return false;
	m.text = text < 0 ? NULL : get_text(sh, text);
	if (text >= 0 && !m.text) {
		sh->step_why = SHELL_STEP_LINE;
		return false;
	}
	argv = words_of(&sh->arena, cpp);
	if (redirect_output(cpp->next->redirs, &aside))
		done = ask_for_symbols(sh, argv, &step, status, held);
	shell_redirect_undo(&aside, false);
	shell_signals_settle();
	return done;
}

void shell_step_release(const struct shell_step_held *held)
{
	if (held->socket >= 0)
		close(held->socket);
	if (held->slot >= 0)
		close(held->slot);
}

/* ----------------------------------------------------------------- object */

const struct shell_node *shell_step_tool(struct shell *sh,
					 const struct shell_node *n)
{
	const struct shell_node *tool = n->next;
	const char *program = tool ? program_of(tool) : NULL;

	if (!program ||
	    (!shell_tool_is_objtool(program) && !shell_tool_is_dtc(program)))
		return NULL;
	sh->step_why = SHELL_STEP_LINE;
	return is_literal(n) && !n->redirs && is_literal(tool) &&
			       !tool->redirs ?
		       tool :
		       NULL;
}

/* May a node be asked with these words, and these variables? */
static bool is_usual_objtool(struct shell *sh, char *const *argv)
{
	char **env = shell_program_environment(sh, argv[0]);

	if (str_env(env, "OBJTOOL_ARGS") || str_env(env, "OBJTOOL_VERBOSE"))
		return false;
	for (size_t i = 1; argv[i] && argv[i + 1]; i++) {
		if (!shell_tool_objtool_option(argv[i]))
			return false;
	}
	return true;
}

bool shell_step_object(struct shell *sh, const struct shell_node *tool,
		       struct cc_step *out)
{
	bool dtc = tool && shell_tool_is_dtc(program_of(tool));
	struct wire_cc_step *m;
	char **argv;
	size_t n = 0;

	if (!tool)
		return false;
	if (!shell_counts_wants_steps(&sh->step_why))
		return false;
	sh->step_why = SHELL_STEP_OPTION;
	argv = words_of(&sh->arena, tool);
	while (argv[n + 1])
		n++;
	if (!n || (!dtc && !is_usual_objtool(sh, argv)))
		return false;
	m = arena_alloc(&sh->arena, sizeof(*m));
	*out = (struct cc_step){ .message = m, .object = argv[n] };
	if (dtc)
		return make_question(sh, WIRE_STEP_DEVICETREE, argv, n, m);
	return make_question(sh, WIRE_STEP_OBJECT, argv, n - 1, m);
}
