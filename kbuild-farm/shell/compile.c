/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/compile.h"

#include "base/buf.h"
#include "base/str.h"
#include "cc/job.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/stats.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RECEIVE_BYTES 65536

/*
 * Return true if `out` is a regular file and file sizes are not limited, so
 * that a write can fail only because the disk is full.
 */
static bool is_regular_output(int out)
{
	struct rlimit limit;
	struct stat st;

	return !fstat(out, &st) && S_ISREG(st.st_mode) &&
	       !getrlimit(RLIMIT_FSIZE, &limit) &&
	       limit.rlim_cur == RLIM_INFINITY;
}

static int connect_to_coordinator(const char *path)
{
	/* A coordinator that sends nothing within this time counts as dead. */
	const struct timeval tv = { .tv_sec = CC_COORD_TIMEOUT_MS / 1000 };
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
	const struct wire_cc_fixdep ask = { .cwd = getcwd(cwd, sizeof(cwd)),
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
	return sent;
}

static bool receive_more(int fd, struct buf *in)
{
	ssize_t n;

	if (buf_reserve(in, RECEIVE_BYTES))
		return false;
	do {
		n = recv(fd, in->data + in->len, in->cap - in->len - 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	return true;
}

/*
 * Receive frames until the reply.  Returns true if it is CC_FIXED; its header
 * and body are then at the start of `in`.
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

/*
 * Request fixdep's output from the coordinator and write it to `out`.  Returns
 * fixdep's exit status, after printing fixdep's message if the disk is full; -1
 * if there is no reply.
 */
static int request_fixdep_output(int fd, char *const *argv, int out)
{
	static const char full[] =
		"fixdep: not all data was written to the output\n";
	struct buf in = { 0 }, text = { 0 };
	struct wire_frame frame;
	struct wire_cc_fixed m;
	int status = -1;

	if (send_fixdep_request(fd, argv) &&
	    receive_fixdep_reply(fd, &in, &frame) &&
	    !wire_cc_fixed_decode(
		    &m, bytes_of(in.data + WIRE_FRAME_SIZE, frame.body_len))) {
		buf_add_bytes(&text, m.before_command);
		buf_add_str(&text, argv[3]);
		buf_add_bytes(&text, m.after_command);
		status = shell_write_all(out, text.data, text.len) != 0;
		buf_release(&text);
		if (status)
			shell_write_all(STDERR_FILENO, full, sizeof(full) - 1);
	}
	buf_release(&in);
	return status;
}

int shell_fixdep_run(char *const *argv, const char *socket, int out)
{
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
	if (fd >= 0) {
		status = request_fixdep_output(fd, argv, out);
		close(fd);
	}
	if (status >= 0)
		shell_stats_add(SHELL_STAT_FIXDEPS);
	free(stalled);
	return status;
}

/*
 * Copy a list of strings for cc_call_begin(), which modifies its arguments and
 * environment.
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
 * Run the compiler in a child and return its status.  The child locks the local
 * slot, unless this process already holds it for a tool step.
 */
static int run_call_in_child(struct shell *sh, const struct cc_call *call)
{
	pid_t pid;

	shell_signals_catch_sigint();
	pid = fork();
	if (!pid) {
		shell_signals_set_default();
		_exit(cc_call_exec(call));
	}
	if (pid < 0)
		return shell_fail(sh, "Cannot fork");
	return shell_program_wait(pid);
}

bool shell_compile_is_wrapper(struct shell *sh, const struct shell_program *p,
			      const char *name)
{
	const char *links = str_find_env(shell_program_build_env(sh, name),
					 "KFARM_LINKS");
	const char *file = links && *links ? str_skip_dir(p->path, links) :
					     NULL;

	return file && !strchr(file, '/');
}

enum cc_job_outcome shell_compile_request(struct shell *sh,
					  struct cc_call *call, char **argv,
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

int shell_compile_hold_slot(struct cc_call *call)
{
	int fd = cc_call_take_slot(call);

	if (fd < 0)
		return -1;
	fd = shell_redirect_move_high(fd);
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	return fd;
}

bool shell_compile_run(struct shell *sh, const struct shell_program *p,
		       char **argv, bool last, const struct cc_tool_step *step,
		       int *status)
{
	struct cc_call call;
	enum cc_job_outcome outcome;

	if (!shell_compile_is_wrapper(sh, p, argv[0]))
		return false;
	outcome = shell_compile_request(sh, &call, argv, step, status);
	if (step)
		sh->step_reason = call.has_step ? SHELL_STEP_REASON_JOB :
						  SHELL_STEP_REASON_OPTION;
	if (outcome == CC_JOB_DONE || outcome == CC_JOB_SIGNALLED)
		;
	else if (last)
		*status = cc_call_exec(&call);
	else {
		if (call.has_step)
			sh->slot_fd = shell_compile_hold_slot(&call);
		*status = run_call_in_child(sh, &call);
	}
	if (outcome == CC_JOB_DONE && call.has_step && !*status)
		sh->tool_offloaded = sh->pending_tool;
	cc_call_release(&call);
	shell_signals_raise_sigint();
	return true;
}
