/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/* A compiler call in a script, with a scripted coordinator in a child. */
#include "../lib/test.h"
#include "shell-fixture.h"

#define COMPILE "gcc -MD -c -o a.o a.c"

/*
 * The compiler that follows the masquerade link in PATH.  The link itself must
 * not be executed.
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

static void reply_done(int fd)
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

TEST(the_coordinator_compiles_and_the_script_continues)
{
	serve(reply_done);
	ck_assert_int_eq(run_script("set -e; " COMPILE "; echo done"), 0);
	expect_file("out", "a.c: warning\ndone\n");
	expect_file("a.o", "object");
	ck_assert(!fs_exists("ran"));
}

static void reply_failed(int fd)
{
	struct wire_cc_job job = read_job(fd);
	struct wire_cc_done m = make_done(job.pid);

	m.status = 1;
	m.object_tmp = m.object = "";
	send_done(fd, &m);
}

TEST(the_script_gets_the_exit_status_of_a_failed_compile)
{
	serve(reply_failed);
	ck_assert_int_eq(run_script(COMPILE " || echo failed $?; exit 3"),
			 3 << 8);
	expect_file("out", "a.c: warning\nfailed 1\n");
	ck_assert(!fs_exists("a.o") && !fs_exists("ran"));
}

TEST(each_compile_of_a_script_is_sent_to_the_coordinator)
{
	int fd = listen_on("sock", 5);

	server = fork();
	if (!server) {
		reply_done(accept(fd, NULL, NULL));
		reply_failed(accept(fd, NULL, NULL));
		reply_done(accept(fd, NULL, NULL));
		_exit(0);
	}
	close(fd);
	ck_assert_int_eq(
		run_script(COMPILE "; " COMPILE "; rm -f a.o; " COMPILE), 0);
	expect_file("a.o", "object");
	ck_assert(!fs_exists("ran"));
}

/* Record whether the object exists when the connection is closed. */
static void reply_local(int fd)
{
	char byte;

	read_job(fd);
	send_frame(fd, WIRE_CC_LOCAL, bytes_str("unknown option"));
	if (!read(fd, &byte, 1))
		put_file("closed", fs_exists("a.o") ? "behind it" : "before");
}

TEST(the_connection_is_closed_when_a_local_compile_has_ended)
{
	serve(reply_local);
	ck_assert_int_eq(run_script("x=1 " COMPILE "; echo $?; until "
				    "test -s closed; do sleep 0.01; "
				    "done; cat closed"),
			 0);
	expect_file("out", "0\nbehind it");
	expect_file("ran", "real -MD -c -o a.o a.c\n");
}

TEST(a_script_of_a_single_local_compile_runs_the_compiler)
{
	serve(reply_local);
	ck_assert_int_eq(run_script(COMPILE), 0);
	expect_file("a.o", "local\n");
}

TEST(a_compiler_call_that_does_not_compile_runs_locally)
{
	ck_assert_int_eq(run_script("gcc -v; echo $?"), 0);
	expect_file("out", "7\n");
	expect_file("ran", "real -v\n");
}

TEST(without_a_coordinator_a_compile_runs_locally)
{
	ck_assert_int_eq(run_script(COMPILE "; echo $?"), 0);
	expect_file("out", "0\n");
	expect_file("a.o", "local\n");
}

static void never_reply(int fd)
{
	make_done(read_job(fd).pid);
	put_file("asked", "");
	pause();
}

static void signal_after_request(pid_t pid, int sig)
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

TEST_RANGE(a_signal_kills_the_shell_and_leaves_no_temporary_files, 0, 3)
{
	int status;
	pid_t pid;

	serve(never_reply);
	pid = start_script(COMPILE "; echo no");
	signal_after_request(pid, signals[_i]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signals[_i]);
	expect_no_temporary(pid);
	expect_file("out", "");
}

TEST(a_signal_during_a_compile_runs_the_trap_of_the_script)
{
	int status;
	pid_t pid;

	serve(never_reply);
	pid = start_script("trap 'rm -f x; trap - TERM; kill -s TERM $$' TERM; "
			   "touch x; " COMPILE "; echo no");
	signal_after_request(pid, SIGTERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	expect_no_temporary(pid);
	ck_assert(!fs_exists("x"));
	expect_file("out", "");
}
