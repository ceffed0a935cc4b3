/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/child.h"

#include "../lib/test.h"
#include "../lib/turn-loop.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "base/task.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static struct event_base *base;
static struct children *all;
static int ended, last_status;
static int n_late_kills; /* signals to a group whose leader was reaped */

/* Replaces the C library's function. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int kill(pid_t pid, int number)
{
	siginfo_t info;

	if (pid < 0 &&
	    waitid(P_PID, (id_t)-pid, &info, WEXITED | WNOHANG | WNOWAIT))
		n_late_kills++;
	return (int)syscall(SYS_kill, pid, number);
}

static void setup(void)
{
	base = event_base_new();
	all = children_new(base);
	ended = 0;
	n_late_kills = 0;
}

static void teardown(void)
{
	children_free(all);
	event_base_free(base);
}

static void on_exit_status(void *ctx, int wait_status, uint64_t cpu_ms)
{
	ck_assert_ptr_eq(ctx, &ended);
	ck_assert_uint_lt(cpu_ms, 5000);
	ended++;
	last_status = wait_status;
}

static struct child *start(const char *script)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct child *child;
	struct err err;

	must(child_start(all, &what, on_exit_status, &ended, &child, &err));
	return child;
}

/* Run the loop until `n` children have ended, for at most a minute. */
static void turn(int n)
{
	uint64_t end = clock_ms() + 60000;

	while (ended < n && clock_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

/* The thread that handles signals during loop_in_thread(). */
static atomic_int handler_tid;

static void note_thread(int number)
{
	(void)number;
	handler_tid = gettid();
}

/* Run a loop with children on a thread of task_each(). */
static void loop_in_thread(void *ctx, size_t i)
{
	struct event_base *theirs = event_base_new();
	struct sigaction sa = { .sa_handler = note_thread }, of_loop;
	struct children *children = children_new(theirs);
	sigset_t blocked;

	(void)i;
	/* Send signals to the process until one was handled. */
	sigaction(SIGCHLD, &sa, &of_loop);
	while (!handler_tid)
		kill(getpid(), SIGCHLD);
	sigaction(SIGCHLD, &of_loop, NULL);
	*(bool *)ctx = handler_tid == gettid();
	children_free(children);
	event_base_free(theirs);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	ck_assert_int_eq(sigismember(&blocked, SIGCHLD), 1);
}

TEST(a_loop_on_a_thread_handles_sigchld_on_that_thread)
{
	bool on_its_thread = false;
	sigset_t blocked;

	for (int i = 0; i < 20; i++) {
		handler_tid = 0;
		task_each(1, 1, loop_in_thread, NULL, &on_its_thread);
		ck_assert(on_its_thread);
	}
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	ck_assert_int_eq(sigismember(&blocked, SIGCHLD), 0);
}

FIXTURE(setup, teardown);

TEST(the_status_of_each_child_is_reported_once)
{
	start("exit 3");
	turn(1);
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(WEXITSTATUS(last_status), 3);
	for (int i = 0; i < 20; i++)
		start("exit 0");
	turn(21);
	ck_assert_int_eq(ended, 21);
}

TEST(a_killed_child_is_not_reported_but_reaped)
{
	/*
	 * As in a build, the sleep is reparented to this process when its shell
	 * dies.
	 */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	child_kill(start("sleep 100 & wait"));
	children_wait(all, 60000);
	turn_loop(base, 20);
	ck_assert_int_eq(ended, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

TEST(children_wait_returns_after_its_timeout)
{
	uint64_t began = clock_ms();

	start("sleep 100");
	children_wait(all, 100);
	ck_assert_uint_ge(clock_ms() - began, 100);
	ck_assert_uint_lt(clock_ms() - began, 60000);
}

/* Start `script` as the leader of a process group, which writes to `fd`. */
static pid_t start_group(const char *script, int fd)
{
	char *argv[] = { "sh", "-c", (char *)script, NULL };
	const struct spawn what = { .argv = argv,
				    .stdio_fds = { -1, fd, -1 },
				    .own_group = true };
	struct err err;
	pid_t pid;

	must(spawn_start(&what, &pid, &err));
	return pid;
}

/*
 * Commands that are ended, with the delays of both signals, and the text that
 * they have written when all of their processes have ended.
 */
static const struct ending {
	const char *script;
	unsigned term_ms, kill_ms;
	const char *want;
} endings[] = {
	/* The command ends by itself. */
	{ "echo a", 60000, 60000, "a\n" },
	/* The command has a trap for SIGTERM. */
	{ "trap 'echo b; exit' TERM; echo r; while :; do sleep .01; done", 0,
	  60000, "r\nb\n" },
	/* The command ignores SIGTERM. */
	{ "trap '' TERM; echo r; sleep 1000", 0, 1, "r\n" },
	{ "echo r; sleep 1000", 60000, 0, "r\n" },
	/* Only a process in the background is left. */
	{ "echo r; sleep 1000 & exit", 60000, 60000, "r\n" },
};

TEST_EACH(children_wait_ends_an_adopted_process_group, endings)
{
	char text[16] = "";
	size_t len = 0;
	int ends[2];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = start_group(row->script, ends[1]);
	close(ends[1]);
	/* Wait until the command has set its trap. */
	ck_assert_int_eq(read(ends[0], text, 1), 1);
	len = 1;
	child_adopt_ending(all, pid, row->term_ms, row->kill_ms);
	ck_assert(children_has(all, pid));
	/* The pipe ends with the last process of the group. */
	children_wait(all, 100000);
	ck_assert(!children_has(all, pid));
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_str_eq(text, row->want);
	/* The kernel can reuse the number of a reaped leader. */
	ck_assert_int_eq(n_late_kills, 0);
	close(ends[0]);
}

TEST(the_loop_ends_an_adopted_process)
{
	pid_t pid = start_group("trap '' TERM; sleep 1000", -1);
	uint64_t end = clock_ms() + 60000;

	child_adopt_ending(all, pid, 1, 20);
	while (children_has(all, pid) && clock_ms() < end)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert(!children_has(all, pid));
}

TEST(an_error_names_a_missing_program)
{
	char *argv[] = { "/nonexistent/cc", NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct child *child;
	struct err err;

	err_is(child_start(all, &what, on_exit_status, &ended, &child, &err),
	       -ENOENT,
	       "start /nonexistent/cc: No such file or "
	       "directory");
}

static void setup_orphans(void)
{
	setup();
	children_reap_orphans(all);
}

static void teardown_orphans(void)
{
	children_wait(all, 500);
	teardown();
}

/* Run the loop until no child is left. */
static bool all_collected(void)
{
	uint64_t deadline = clock_ms() + 60000;
	siginfo_t info;

	while (clock_ms() < deadline) {
		turn_loop(base, 10);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) &&
		    errno == ECHILD)
			return true;
	}
	return false;
}

static void start_orphan(int status)
{
	if (!fork())
		_exit(status);
}

FIXTURE(setup_orphans, teardown_orphans);
TIMEOUT(60);

TEST(directly_forked_children_are_reaped)
{
	for (int i = 0; i < 5; i++)
		start_orphan(3);
	ck_assert(all_collected());
}

TEST(orphaned_grandchildren_are_reaped)
{
	if (!fork()) {
		for (int i = 0; i < 3; i++) {
			if (!fork()) {
				setsid();
				usleep(100000);
				_exit(0);
			}
		}
		_exit(0);
	}
	ck_assert(all_collected());
}

static void ask_in_thread(void *arg)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c",
			 (char *)"sleep 0.1; exit 5", NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err;

	spawn_collect_stdout(&what, 100, 60000, &out, arg, &err);
	buf_release(&out);
}

TEST(children_of_another_thread_are_not_reaped)
{
	int status = 0;
	struct task *t = task_start(ask_in_thread, &status);

	turn_loop(base, 400);
	task_join(t);
	ck_assert_int_eq(WEXITSTATUS(status), 5);
}

TEST(children_wait_returns_when_all_children_have_ended)
{
	uint64_t before = clock_ms();
	int fd[2];
	char c;

	ck_assert_int_eq(pipe(fd), 0);
	if (!fork()) {
		usleep(100000);
		_exit(0);
	}
	close(fd[1]);
	children_wait(all, 100000);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_uint_lt(clock_ms() - before, 60000);
	close(fd[0]);
}

TEST(children_wait_leaves_a_child_running_after_its_timeout)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	children_wait(all, 50);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert(all_collected());
}
