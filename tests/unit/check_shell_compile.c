/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/* A compiler call in a script, with a scripted coordinator in a child. */
#include "../lib/test.h"
#include "shell-fixture.h"

#define COMPILE "gcc -MD -c -o a.o a.c"

/*
 * A compiler after the masquerade link in PATH, which must never start itself.
 */
static const char compiler[] = "#!/bin/sh\n"
			       "echo real $* $KFARM_SOCKET$KFARM_LINKS >>ran\n"
			       "[ \"$1\" != -v ] || exit 7\n"
			       "sleep 0.3\n"
			       "echo local >a.o\n";

static void make_compilers(void)
{
	static const char link[] = "#!/bin/sh\necho the link >>ran\n";

	put_program("links/gcc", link);
	put_program("real/gcc", compiler);
}

static void answer_done(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	send_done(fd, &m);
}

static void setup_compilers(void)
{
	setup();
	make_compilers();
}

FIXTURE(setup_compilers, teardown);
TIMEOUT(60);

TEST(the_shell_asks_and_goes_on)
{
	serve(answer_done);
	ck_assert_int_eq(run_script("set -e; " COMPILE "; echo done"), 0);
	expect_file("out", "a.c: warning\ndone\n");
	expect_file("a.o", "object");
	ck_assert(!fs_exists("ran"));
}

static void answer_failed(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	m.status = 1;
	m.object_tmp = m.object = "";
	send_done(fd, &m);
}

TEST(a_failed_compile_is_one_to_the_script)
{
	serve(answer_failed);
	ck_assert_int_eq(run_script(COMPILE " || echo failed $?; exit 3"),
			 3 << 8);
	expect_file("out", "a.c: warning\nfailed 1\n");
	ck_assert(!fs_exists("a.o") && !fs_exists("ran"));
}

TEST(several_are_asked_in_one_script)
{
	int fd = listen_on("sock", 5);

	server = fork();
	if (!server) {
		answer_done(accept(fd, NULL, NULL));
		answer_failed(accept(fd, NULL, NULL));
		answer_done(accept(fd, NULL, NULL));
		_exit(0);
	}
	close(fd);
	ck_assert_int_eq(
		run_script(COMPILE "; " COMPILE "; rm -f a.o; " COMPILE), 0);
	expect_file("a.o", "object");
	ck_assert(!fs_exists("ran"));
}

/* The connection is closed when that compile has ended. */
static void answer_local(int fd)
{
	char byte;

	read_job(fd);
	send_frame(fd, WIRE_CC_LOCAL, bytes_str("unknown option"));
	if (!read(fd, &byte, 1))
		put_file("closed", fs_exists("a.o") ? "behind it" : "before");
}

TEST(a_local_compile_holds_the_socket_and_not_the_shell)
{
	serve(answer_local);
	ck_assert_int_eq(run_script("x=1 " COMPILE "; echo $?; until "
				    "test -s closed; do sleep 0.01; "
				    "done; cat closed"),
			 0);
	expect_file("out", "0\nbehind it");
	expect_file("ran", "real -MD -c -o a.o a.c\n");
}

TEST(the_last_one_takes_the_shells_place)
{
	serve(answer_local);
	ck_assert_int_eq(run_script(COMPILE), 0);
	expect_file("a.o", "local\n");
}

TEST(what_is_no_compile_asks_nobody)
{
	ck_assert_int_eq(run_script("gcc -v; echo $?"), 0);
	expect_file("out", "7\n");
	expect_file("ran", "real -v\n");
}

TEST(without_a_coordinator_it_is_compiled_here)
{
	ck_assert_int_eq(run_script(COMPILE "; echo $?"), 0);
	expect_file("out", "0\n");
	expect_file("a.o", "local\n");
}

static void stay_silent(int fd)
{
	make_done(read_job(fd).pid);
	put_file("asked", "");
	pause();
}

static void signal_when_asked(pid_t pid, int sig)
{
	for (int i = 0; i < 3000 && !fs_exists("asked"); i++)
		usleep(20000);
	usleep(50000);
	kill(pid, sig);
}

static void expect_no_temporary(pid_t pid)
{
	char *object = options_output_temp_path("a.o", (unsigned)pid);
	char *dep = options_output_temp_path("a.d", (unsigned)pid);

	ck_assert(!fs_exists(object) && !fs_exists(dep));
	free(object);
	free(dep);
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

TEST_RANGE(a_signal_ends_the_shell_and_leaves_nothing, 0, 3)
{
	int status;
	pid_t pid;

	serve(stay_silent);
	pid = start_script(COMPILE "; echo no");
	signal_when_asked(pid, signals[_i]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
	expect_no_temporary(pid);
	expect_file("out", "");
}

TEST(then_the_scripts_own_trap_is_run)
{
	int status;
	pid_t pid;

	serve(stay_silent);
	pid = start_script("trap 'rm -f x; trap - TERM; kill -s TERM $$' TERM; "
			   "touch x; " COMPILE "; echo no");
	signal_when_asked(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	expect_no_temporary(pid);
	ck_assert(!fs_exists("x"));
	expect_file("out", "");
}
