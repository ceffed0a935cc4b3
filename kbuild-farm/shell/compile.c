/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/compile.h"

#include "base/buf.h"
#include "base/socket.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"
#include "base/work-timer.h"
#include "cc/call.h"
#include "cc/job.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/stats.h"
#include "shell/subset.h"
#include "shell/utility.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/limits.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ------------------------------------------------------------------ fixdep */

#define RECEIVE_BYTES 65536

/*
 * Return true if a write to `out` can fail only because the disk is full: `out`
 * is a regular file, and file sizes are not limited.
 */
static bool is_regular_output(int out)
{
	struct stat st;

	return !fstat(out, &st) && S_ISREG(st.st_mode) &&
	       !shell_utility_is_output_limited();
}

static int connect_to_coordinator(const char *path)
{
	/* receive_more() takes a sample of the work timer after this time. */
	const struct timeval tv = { .tv_sec = 1 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_fixdep_request(int fd, char *const *argv)
{
	uint8_t head[WIRE_FRAME_SIZE] = { 0 };
	char cwd[PATH_MAX];
	struct wire_frame frame = { .type = WIRE_CC_FIXDEP,
				    .codec = WIRE_PLAIN };
	const struct wire_cc_fixdep ask = { .root = wire_cc_root(),
					    .cwd = getcwd(cwd, sizeof(cwd)),
					    .program = argv[0],
					    .depfile = argv[1],
					    .target = argv[2] };
	struct buf out = { 0 };
	bool sent = false;

	buf_add(&out, head, sizeof(head));
	if (ask.cwd) {
		wire_cc_fixdep_encode(&out, &ask);
		frame.body_len = (uint32_t)(out.len - sizeof(head));
		frame.raw_len = frame.body_len;
		wire_frame_encode(out.data, &frame);
		sent = send(fd, out.data, out.len, MSG_NOSIGNAL) ==
		       (ssize_t)out.len;
	}
	buf_release(&out);
	free(ask.root);
	return sent;
}

/* Returns false if the coordinator counts as dead (CC_COORD_TIMEOUT_MS). */
static bool receive_more(int fd, struct buf *in)
{
	struct work_timer silence;
	ssize_t n;

	if (buf_reserve(in, RECEIVE_BYTES))
		return false;
	work_timer_start(&silence, socket_peer_pid(fd), WORK_TIMER_PROCESS,
			 CC_COORD_TIMEOUT_MS);
	do {
		n = recv(fd, in->data + in->len, in->cap - in->len - 1, 0);
	} while (n < 0 &&
		 (errno == EINTR ||
		  (errno == EAGAIN && !work_timer_has_expired(&silence))));
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	return true;
}

/*
 * Receive frames up to the reply.  Returns true if the reply is CC_FIXED; its
 * header and body are then at the start of `in`.
 */
static bool receive_fixdep_reply(int fd, struct buf *in,
				 struct wire_frame *frame)
{
	for (;;) {
		while (in->len < WIRE_FRAME_SIZE) {
			if (!receive_more(fd, in))
				return false;
		}
		if (wire_frame_decode(frame, in->data) ||
		    frame->codec != WIRE_PLAIN)
			return false;
		while (in->len < WIRE_FRAME_SIZE + frame->body_len) {
			if (!receive_more(fd, in))
				return false;
		}
		if (frame->type != WIRE_CC_BEAT)
			return frame->type == WIRE_CC_FIXED;
		buf_consume(in, WIRE_FRAME_SIZE + frame->body_len);
	}
}

int shell_fixdep_run(char *const *argv, const char *socket, int out)
{
	static const char full[] =
		"fixdep: not all data was written to the output\n";
	struct buf in = { 0 }, text = { 0 };
	struct wire_frame frame;
	struct wire_cc_fixed m;
	char *stalled;
	int fd = -1, status = -1, n = 0;

	while (argv[n])
		n++;
	if (!socket || n != 4 || !str_ends(argv[0], "scripts/basic/fixdep") ||
	    !is_regular_output(out))
		return -1;
	stalled = wire_cc_stalled_path(socket);
	if (access(stalled, F_OK))
		fd = connect_to_coordinator(socket);
	free(stalled);
	if (fd < 0)
		return -1;
	if (send_fixdep_request(fd, argv) &&
	    receive_fixdep_reply(fd, &in, &frame) &&
	    !wire_cc_fixed_decode(
		    &m, bytes_of(in.data + WIRE_FRAME_SIZE, frame.body_len))) {
		buf_add_bytes(&text, m.before_command);
		buf_add_str(&text, argv[3]);
		buf_add_bytes(&text, m.after_command);
		status = bytes_write(out, buf_bytes(&text)) != 0;
		buf_release(&text);
		if (status)
			bytes_write(STDERR_FILENO, bytes_str(full));
		shell_stats_add(SHELL_STAT_FIXDEPS);
	}
	buf_release(&in);
	close(fd);
	return status;
}

/* ---------------------------------------------------------------- requests */

/*
 * Copy a list, but not its strings, for cc_call_begin(), which modifies the
 * lists of arguments and of variables.
 */
static char **copy_string_list(struct arena *a, char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list[n])
		n++;
	copy = arena_alloc(a, (n + 1) * sizeof(*copy));
	return memcpy(copy, list, (n + 1) * sizeof(*copy));
}

/*
 * Return true if the command `name`, found as the file `p`, is a program in the
 * masquerade directory $KFARM_LINKS or a launcher such as /usr/bin/ccache.
 * Returns false if KFARM_LINKS is not set.
 */
static bool is_wrapper(struct shell *sh, const struct shell_program *p,
		       const char *name)
{
	const char *links = str_find_env(shell_program_build_env(sh, name),
					 "KFARM_LINKS");
	const char *file = links && *links ? str_skip_dir(p->path, links) :
					     NULL;

	if (links && *links && which_is_wrapper_name(str_base(name)))
		return which_is_executable(p->path);
	return file && !strchr(file, '/');
}

/*
 * Begin a call for which is_wrapper() is true.  `step` is the tool step to
 * execute with the call, or NULL.  Returns the result of cc_call_begin().
 */
static enum cc_job_outcome begin_call(struct shell *sh, struct cc_call *call,
				      char **argv,
				      const struct cc_tool_step *step,
				      int *status)
{
	char **env = shell_program_build_env(sh, argv[0]);
	enum cc_job_outcome outcome;

	argv = copy_string_list(&sh->arena, argv);
	env = copy_string_list(&sh->arena, env);
	outcome = cc_call_begin(call, argv, env, step, status);
	if (call->is_offered && (!step || cc_tool_step_has_compile(step)))
		shell_stats_add(SHELL_STAT_COMPILES);
	if (call->has_step && outcome == CC_JOB_DONE)
		shell_stats_add(SHELL_STAT_STEPS);
	return outcome;
}

/*
 * Take a local slot for a compile that runs locally.  Returns a descriptor
 * above those that a script can redirect, or -1.  The descriptor is not closed
 * on exec, so every program that starts while the descriptor is open also holds
 * the slot.
 */
static int hold_slot(struct cc_call *call)
{
	int fd = cc_call_take_slot(call);

	if (fd < 0)
		return -1;
	fd = shell_redirect_move_high(fd);
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	return fd;
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
 * Store the absolute path of argv[0] and its `n_args` arguments in the request
 * `out`.  Returns false if argv[0] has no slash or the request cannot hold the
 * path and the arguments.
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

/*
 * Return true if there is no redirection, or if the only redirection writes
 * stdout to a file with a literal name.
 */
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
	return program && shell_program_tool(program) == SHELL_TOOL_GENKSYMS;
}

/*
 * Redirect stdout if `r` is not NULL.  Returns false on an error, but prints no
 * message, because the local execution fails in the same way and prints one.
 */
static bool redirect_stdout_to_file(const struct shell_redir *r,
				    struct shell_saved_fds *aside)
{
	int mode = r && r->kind == SHELL_REDIR_APPEND ? O_APPEND : O_TRUNC;
	int fd;

	shell_redirect_init_saved(aside, NULL);
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
 * Return true if genksyms has only supported arguments: options that neither
 * read nor write a file, and `-r /dev/null`.
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
		for (size_t i = 0; i < ARRAY_SIZE(alone); i++)
			known |= !strcmp(*arg, alone[i]);
		if (!known)
			return false;
	}
	return true;
}

/*
 * Build the request for the compiler call `cpp` and the call of genksyms after
 * it.  Returns false with the reason in sh->step_reason.
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
	if (!cpp->next || cpp->next->next || !shell_subset_is_literal(cpp) ||
	    cpp->redirs || !shell_subset_is_literal(cpp->next) ||
	    !has_file_output(cpp->next->redirs))
		return false;
	if (!shell_stats_is_step_enabled(WIRE_STEP_SYMBOLS, &sh->step_reason))
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
	       is_wrapper(sh, &p, compiler);
}

/*
 * Request the tool step from the coordinator.  Returns true if the step was
 * executed or a signal ended the wait for it.
 */
static bool request_genksyms(struct shell *sh, char **argv,
			     const struct cc_tool_step *step, int *status,
			     struct shell_step_resources *held)
{
	struct cc_call call;
	enum cc_job_outcome outcome = begin_call(sh, &call, argv, step, status);

	sh->step_reason = call.has_step ? SHELL_STEP_REASON_JOB :
					  SHELL_STEP_REASON_OPTION;
	if (outcome == CC_JOB_LOCAL && call.coord_fd >= 0) {
		held->socket_fd = shell_redirect_move_high(call.coord_fd);
		call.coord_fd = -1;
	}
	/*
	 * A compiler call with -E takes no local slot itself, so take one slot
	 * for the whole pipeline.
	 */
	if (outcome == CC_JOB_LOCAL || outcome == CC_JOB_UNAVAILABLE)
		held->slot_fd = hold_slot(&call);
	cc_call_release(&call);
	return outcome == CC_JOB_DONE || outcome == CC_JOB_SIGNALLED;
}

/* ------------------------------------------------------ genksyms of a text */

static bool is_echo_command(const struct shell_ast_node *n)
{
	return n && shell_subset_is_literal(n) && !n->redirs &&
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
 * Return true for "#include <FILE>" and for lines that contain only words,
 * spaces, parentheses, commas and semicolons.  Such lines have the same meaning
 * in any file and in any C dialect.
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

/* Return the text in the file `fd` if a request can contain it, else NULL. */
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
	/*
	 * A request cannot contain a group of echo commands, only the text that
	 * the group prints.  If the text of a group is missing (`text_fd` is
	 * -1), shell_step_needs_text() has already set sh->step_reason.
	 */
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
	const struct shell_ast_node *next = n->next;
	const char *program = next ? literal_program(next) : NULL;
	enum shell_tool tool = program ? shell_program_tool(program) :
					 SHELL_TOOL_NONE;

	if (tool != SHELL_TOOL_OBJTOOL && tool != SHELL_TOOL_DTC)
		return NULL;
	sh->step_reason = SHELL_STEP_REASON_LINE;
	if (!shell_subset_is_literal(n) || n->redirs ||
	    !shell_subset_is_literal(next) || next->redirs)
		return NULL;
	return next;
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
	for (size_t i = 0; i < ARRAY_SIZE(alone); i++) {
		if (!strcmp(arg, alone[i]))
			return true;
	}
	return false;
}

/* Return true if nodes support these arguments and environment of objtool. */
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

/*
 * Build the request for the step `tool`, which can be NULL.  Returns false if
 * no step can be requested.  *out points into the shell's arena.
 */
static bool make_tool_request(struct shell *sh,
			      const struct shell_ast_node *tool,
			      struct cc_tool_step *out)
{
	struct wire_cc_step *m;
	char **argv;
	size_t n = 0;
	bool dtc;

	if (!tool)
		return false;
	dtc = shell_program_tool(literal_program(tool)) == SHELL_TOOL_DTC;
	if (!shell_stats_is_step_enabled(dtc ? WIRE_STEP_DEVICETREE :
					       WIRE_STEP_OBJECT,
					 &sh->step_reason))
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

/* ----------------------------------------------------------- compiler calls */

/*
 * Run the compiler in a child and return its status.  The child locks the local
 * slot, unless this process already holds it for a tool step.
 */
static int run_call_in_child(struct shell *sh, const struct cc_call *call)
{
	pid_t pid;

	shell_signals_defer_sigint();
	pid = fork();
	if (!pid) {
		shell_signals_set_default();
		_exit(cc_call_exec(call));
	}
	if (pid < 0)
		return shell_fail(sh, "Cannot fork");
	return shell_program_wait(pid);
}

bool shell_compile_run(struct shell *sh, const struct shell_program *p,
		       char **argv, bool last, int *status)
{
	struct cc_tool_step step;
	struct cc_call call;
	enum cc_job_outcome outcome;
	bool has_step, local;

	if (!is_wrapper(sh, p, argv[0])) {
		if (sh->pending_tool)
			sh->step_reason = SHELL_STEP_REASON_ALONE;
		return false;
	}
	has_step = make_tool_request(sh, sh->pending_tool, &step);
	outcome = begin_call(sh, &call, argv, has_step ? &step : NULL, status);
	if (has_step)
		sh->step_reason = call.has_step ? SHELL_STEP_REASON_JOB :
						  SHELL_STEP_REASON_OPTION;
	local = outcome == CC_JOB_LOCAL || outcome == CC_JOB_UNAVAILABLE;
	if (local && last) {
		*status = cc_call_exec(&call);
	} else if (local) {
		if (call.has_step)
			sh->slot_fd = hold_slot(&call);
		*status = run_call_in_child(sh, &call);
	}
	if (outcome == CC_JOB_DONE && call.has_step && !*status)
		sh->tool_offloaded = sh->pending_tool;
	cc_call_release(&call);
	shell_signals_raise_sigint();
	return true;
}
