/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/*
 * The recipe shell's part of the fixdep exchange, with a scripted coordinator.
 */
#include "../lib/busy.h"
#include "../lib/test.h"

#include "cc/job.h"
#include "shell/compile.h"

#include "shell/script.h"
#include "wire/cc.h"
#include "wire/frame.h"
#include "wire/limits.h"

#include <sys/socket.h>
#include <sys/un.h>

static char dir[64];
static char *socket_path, *out_path;
static pid_t server;

static char *call[] = { "./scripts/basic/fixdep", "a/.x.o.d", "a/x.o",
			"gcc -c 'a'", NULL };

static void setup(void)
{
	strcpy(dir, "/tmp/kfarm-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	socket_path = xasprintf("%s/socket", dir);
	out_path = xasprintf("%s/out", dir);
	server = 0;
}

static void teardown(void)
{
	struct err err;

	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	ck_assert_int_eq(chdir("/"), 0);
	fs_remove(dir, &err);
	free(socket_path);
	free(out_path);
}

static void send_frame(int fd, uint16_t type, struct bytes body)
{
	struct wire_frame f = { .type = type,
				.codec = WIRE_PLAIN,
				.body_len = (uint32_t)body.len,
				.raw_len = (uint32_t)body.len };
	uint8_t head[WIRE_FRAME_SIZE];

	wire_frame_encode(head, &f);
	if (write(fd, head, sizeof(head)) < 0 ||
	    (body.len && write(fd, body.data, body.len) < 0))
		_exit(1);
}

/* Receive a request, which must match `call`. */
static void expect_request(int fd)
{
	uint8_t in[4096];
	ssize_t n = read(fd, in, sizeof(in));
	struct wire_cc_fixdep request;
	struct wire_frame f;
	char cwd[4096];

	if (n < WIRE_FRAME_SIZE || wire_frame_decode(&f, in) ||
	    f.type != WIRE_CC_FIXDEP ||
	    wire_cc_fixdep_decode(&request,
				  bytes_of(in + WIRE_FRAME_SIZE, f.body_len)) ||
	    strcmp(request.root, wire_cc_root()) ||
	    strcmp(request.cwd, getcwd(cwd, sizeof(cwd))) ||
	    strcmp(request.program, call[0]) ||
	    strcmp(request.depfile, call[1]) || strcmp(request.target, call[2]))
		_exit(1);
	wire_cc_fixdep_release(&request);
}

static void reply_fixed(int fd)
{
	char *rest = xasprintf("%0*d", 600000, 7);
	const struct wire_cc_fixed m = { bytes_str("cmd_a/x.o := "),
					 bytes_str(rest) };
	struct buf body = { 0 };

	expect_request(fd);
	send_frame(fd, WIRE_CC_BEAT, bytes_str(""));
	wire_cc_fixed_encode(&body, &m);
	send_frame(fd, WIRE_CC_FIXED, buf_bytes(&body));
}

static void reply_local(int fd)
{
	expect_request(fd);
	send_frame(fd, WIRE_CC_LOCAL, bytes_str("unknown version of fixdep"));
}

static void reply_garbage(int fd)
{
	expect_request(fd);
	send_frame(fd, WIRE_CC_FIXED, bytes_str("x"));
}

static void reply_half_frame(int fd)
{
	static const uint8_t half[WIRE_FRAME_SIZE / 2];

	expect_request(fd);
	if (write(fd, half, sizeof(half)) < 0)
		_exit(1);
}

static void close_connection(int fd)
{
	(void)fd;
}

static void serve(void reply(int fd))
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ready[2];
	char byte;

	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(pipe(ready), 0);
	server = fork();
	if (!server) {
		/* SO_PEERCRED names the process that calls listen(). */
		ck_assert_int_eq(listen(fd, 8), 0);
		close(ready[1]);
		close(ready[0]);
		reply(accept(fd, NULL, NULL));
		_exit(0);
	}
	close(fd);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
}

static int run(char *const *argv)
{
	int fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status = shell_fixdep_run(argv, socket_path, fd);

	close(fd);
	return status;
}

static void expect_empty_output(void)
{
	struct buf text = { 0 };
	struct err err;

	must(fs_read(out_path, 100, &text, &err));
	ck_assert_uint_eq(text.len, 0);
	buf_release(&text);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(the_reply_of_the_coordinator_is_printed_like_fixdep_output)
{
	char *want = xasprintf("cmd_a/x.o := gcc -c 'a'%0*d", 600000, 7);
	struct buf text = { 0 };
	struct err err;
	int status;

	serve(reply_fixed);
	ck_assert_int_eq(run(call), 0);
	must(fs_read(out_path, 1 << 20, &text, &err));
	ck_assert_str_eq(buf_str(&text), want);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_int_eq(status, 0);
	server = 0;
	buf_release(&text);
	free(want);
}

static void reply_busily(int fd)
{
	be_busy(CC_COORD_TIMEOUT_MS + 2500);
	reply_fixed(fd);
}

TEST(a_busy_coordinator_is_awaited)
{
	serve(reply_busily);
	ck_assert_int_eq(run(call), 0);
}

static void (*const failures[])(int fd) = { reply_local, reply_garbage,
					    reply_half_frame,
					    close_connection };

TEST_EACH(without_a_valid_reply_fixdep_must_run, failures)
{
	serve(*row);
	ck_assert_int_eq(run(call), -1);
	expect_empty_output();
}

TEST(without_a_coordinator_fixdep_must_run)
{
	int fd = open(out_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(run(call), -1);
	ck_assert_int_eq(shell_fixdep_run(call, NULL, fd), -1);
	close(fd);
	expect_empty_output();
}

TEST(with_a_stalled_coordinator_fixdep_must_run)
{
	char *stalled = wire_cc_stalled_path(socket_path);
	struct err err;

	serve(reply_fixed);
	must(fs_write(stalled, bytes_str(""), 0600, &err));
	ck_assert_int_eq(run(call), -1);
	free(stalled);
}

TEST(unsupported_calls_and_output_to_a_pipe_are_not_handled)
{
	static char *other[] = { "scripts/basic/fixdep2", "a", "b", "c", NULL };
	static char *few[] = { "scripts/basic/fixdep", "a", "b", NULL };
	static char *many[] = {
		"scripts/basic/fixdep", "a", "b", "c", "d", NULL
	};
	int pipe_fd[2];

	serve(reply_fixed);
	ck_assert_int_eq(run(other), -1);
	ck_assert_int_eq(run(few), -1);
	ck_assert_int_eq(run(many), -1);
	ck_assert_int_eq(pipe(pipe_fd), 0);
	ck_assert_int_eq(shell_fixdep_run(call, socket_path, pipe_fd[1]), -1);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

TEST(a_write_error_is_reported_with_the_message_of_fixdep)
{
	int err[2], out = open(out_path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	int saved_stderr = dup(STDERR_FILENO), status;
	char message[100] = { 0 };

	/* An unwritable descriptor fails like a full disk. */
	serve(reply_fixed);
	ck_assert_int_eq(pipe(err), 0);
	dup2(err[1], STDERR_FILENO);
	status = shell_fixdep_run(call, socket_path, out);
	dup2(saved_stderr, STDERR_FILENO);
	ck_assert_int_eq(status, 1);
	ck_assert_int_gt(read(err[0], message, sizeof(message) - 1), 0);
	ck_assert_str_eq(message,
			 "fixdep: not all data was written to the output\n");
	close(saved_stderr);
	close(err[0]);
	close(err[1]);
	close(out);
}

/* Run a recipe line with fixdep in `dir`, where the program prints "real". */
static void run_line(void)
{
	static const char line[] =
		"set -e; ./scripts/basic/fixdep a/.x.o.d a/x.o "
		"'gcc -c '\\''a'\\''' > out; rm -f a/.x.o.d";
	struct shell_script script = { .text = line, .name = "/bin/sh" };
	enum shell_fallback_reason why;
	pid_t pid = fork();
	int status;

	if (!pid) {
		setenv("KFARM_SOCKET", socket_path, 1);
		_exit(shell_script_run(&script, environ, &why));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void make_program(void)
{
	static const char text[] = "#!/bin/sh\necho real\n";
	struct err err;

	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("scripts", 0700) | mkdir("scripts/basic", 0700),
			 0);
	must(fs_write("scripts/basic/fixdep", bytes_str(text), 0700, &err));
}

static void expect_start(const char *want)
{
	struct buf text = { 0 };
	struct err err;

	must(fs_read("out", 1 << 20, &text, &err));
	ck_assert_msg(str_starts(buf_str(&text), want), "%.60s",
		      buf_str(&text));
	buf_release(&text);
}

TEST(a_recipe_line_uses_the_reply_instead_of_running_fixdep)
{
	make_program();
	serve(reply_fixed);
	run_line();
	expect_start("cmd_a/x.o := gcc -c 'a'0000");
}

TEST(a_recipe_line_runs_fixdep_if_the_coordinator_cannot)
{
	make_program();
	run_line();
	expect_start("real\n");
	serve(reply_local);
	run_line();
	expect_start("real\n");
}

/* fakeroot and similar tools replace functions of the program. */
TEST(ld_preload_in_the_environment_makes_a_line_run_fixdep)
{
	make_program();
	serve(reply_fixed);
	setenv("LD_PRELOAD", "", 1);
	run_line();
	expect_start("real\n");
	unsetenv("LD_PRELOAD");
	run_line();
	expect_start("cmd_a/x.o := gcc -c 'a'0000");
}
