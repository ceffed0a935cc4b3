/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/*
 * The recipe shell's part of the fixdep exchange, with a scripted coordinator.
 */
#include "../lib/test.h"

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

/* The request must match `call`. */
static void hear(int fd)
{
	uint8_t in[4096];
	ssize_t n = read(fd, in, sizeof(in));
	struct wire_cc_fixdep ask;
	struct wire_frame f;
	char cwd[4096];

	if (n < WIRE_FRAME_SIZE || wire_frame_decode(&f, in) ||
	    f.type != WIRE_CC_FIXDEP ||
	    wire_cc_fixdep_decode(&ask,
				  bytes_of(in + WIRE_FRAME_SIZE, f.body_len)) ||
	    strcmp(ask.root, wire_cc_root()) ||
	    strcmp(ask.cwd, getcwd(cwd, sizeof(cwd))) ||
	    strcmp(ask.program, call[0]) || strcmp(ask.depfile, call[1]) ||
	    strcmp(ask.target, call[2]))
		_exit(1);
	wire_cc_fixdep_release(&ask);
}

static void answer_all(int fd)
{
	char *rest = xasprintf("%0*d", 600000, 7);
	const struct wire_cc_fixed m = { bytes_str("cmd_a/x.o := "),
					 bytes_str(rest) };
	struct buf body = { 0 };

	hear(fd);
	send_frame(fd, WIRE_CC_BEAT, bytes_str(""));
	wire_cc_fixed_encode(&body, &m);
	send_frame(fd, WIRE_CC_FIXED, buf_bytes(&body));
}

static void answer_local(int fd)
{
	hear(fd);
	send_frame(fd, WIRE_CC_LOCAL, bytes_str("unknown version of fixdep"));
}

static void answer_nonsense(int fd)
{
	hear(fd);
	send_frame(fd, WIRE_CC_FIXED, bytes_str("x"));
}

static void answer_half(int fd)
{
	static const uint8_t half[WIRE_FRAME_SIZE / 2];

	hear(fd);
	if (write(fd, half, sizeof(half)) < 0)
		_exit(1);
}

static void hang_up(int fd)
{
	(void)fd;
}

static void serve(void play(int fd))
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	server = fork();
	if (!server) {
		play(accept(fd, NULL, NULL));
		_exit(0);
	}
	close(fd);
}

static int run(char *const *argv)
{
	int fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status = shell_fixdep_run(argv, socket_path, fd);

	close(fd);
	return status;
}

static void expect_nothing_written(void)
{
	struct buf text = { 0 };
	struct err err;

	must(fs_read(out_path, 100, &text, &err));
	ck_assert_uint_eq(text.len, 0);
	buf_release(&text);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(what_it_would_print_is_printed)
{
	char *want = xasprintf("cmd_a/x.o := gcc -c 'a'%0*d", 600000, 7);
	struct buf text = { 0 };
	struct err err;
	int status;

	serve(answer_all);
	ck_assert_int_eq(run(call), 0);
	must(fs_read(out_path, 1 << 20, &text, &err));
	ck_assert_str_eq(buf_str(&text), want);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_int_eq(status, 0);
	server = 0;
	buf_release(&text);
	free(want);
}

static void (*const poor[])(int fd) = { answer_local, answer_nonsense,
					answer_half, hang_up };

TEST_EACH(without_an_answer_it_is_to_be_run, poor)
{
	serve(*row);
	ck_assert_int_eq(run(call), -1);
	expect_nothing_written();
}

TEST(without_a_coordinator_it_is_to_be_run)
{
	int fd = open(out_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(run(call), -1);
	ck_assert_int_eq(shell_fixdep_run(call, NULL, fd), -1);
	close(fd);
	expect_nothing_written();
}

TEST(a_silent_coordinator_is_not_asked)
{
	char *silent = wire_cc_stalled_path(socket_path);
	struct err err;

	serve(answer_all);
	must(fs_write(silent, bytes_str(""), 0600, &err));
	ck_assert_int_eq(run(call), -1);
	free(silent);
}

TEST(other_calls_are_no_business_of_it)
{
	static char *other[] = { "scripts/basic/fixdep2", "a", "b", "c", NULL };
	static char *few[] = { "scripts/basic/fixdep", "a", "b", NULL };
	static char *many[] = {
		"scripts/basic/fixdep", "a", "b", "c", "d", NULL
	};
	int pipe_fd[2];

	serve(answer_all);
	ck_assert_int_eq(run(other), -1);
	ck_assert_int_eq(run(few), -1);
	ck_assert_int_eq(run(many), -1);
	ck_assert_int_eq(pipe(pipe_fd), 0);
	ck_assert_int_eq(shell_fixdep_run(call, socket_path, pipe_fd[1]), -1);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

TEST(a_full_disk_is_told_in_its_words)
{
	int err[2], out = open(out_path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	int before = dup(STDERR_FILENO), status;
	char words[100] = { 0 };

	/* An unwritable descriptor fails like a full disk. */
	serve(answer_all);
	ck_assert_int_eq(pipe(err), 0);
	dup2(err[1], STDERR_FILENO);
	status = shell_fixdep_run(call, socket_path, out);
	dup2(before, STDERR_FILENO);
	ck_assert_int_eq(status, 1);
	ck_assert_int_gt(read(err[0], words, sizeof(words) - 1), 0);
	ck_assert_str_eq(words,
			 "fixdep: not all data was written to the output\n");
	close(before);
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

TEST(a_line_has_it_done)
{
	make_program();
	serve(answer_all);
	run_line();
	expect_start("cmd_a/x.o := gcc -c 'a'0000");
}

TEST(a_line_runs_it_where_nobody_knows)
{
	make_program();
	run_line();
	expect_start("real\n");
	serve(answer_local);
	run_line();
	expect_start("real\n");
}

/* fakeroot and similar tools replace functions of the program. */
TEST(a_preloaded_library_makes_the_line_run_fixdep)
{
	make_program();
	serve(answer_all);
	setenv("LD_PRELOAD", "", 1);
	run_line();
	expect_start("real\n");
	unsetenv("LD_PRELOAD");
	run_line();
	expect_start("cmd_a/x.o := gcc -c 'a'0000");
}
