/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "base/clock.h"
#include "kernel/supervisor.h"

#include "../lib/test.h"
#include "kernel-tree.h"

#include <sys/time.h>

static struct kernel_supervisor m;
static struct event_base *base;
static struct err err;

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void set_up(void)
{
	tree_set_up();
	base = event_base_new();
	err = (struct err){ 0 };
	must(kernel_supervisor_init(&m, base, &err));
}

static void tear_down(void)
{
	kernel_supervisor_release(&m);
	event_base_free(base);
	tree_tear_down();
}

static int run(const char *command, int *status)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char *)command, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };

	return kernel_supervisor_run(&m, &what, status, &err);
}

/* Send a signal to this process after `ms`. */
static void later(int number, unsigned ms)
{
	if (fork())
		return;
	usleep(ms * 1000);
	kill(getppid(), number);
	_exit(0);
}

/* Return a number of seconds for sleep(1) that no other test uses. */
static int own_second(void)
{
	return 1000000 + (int)getpid();
}

/* Count the processes that sleep for this number of seconds. */
static unsigned sleeping(void)
{
	char *command = xasprintf("ps -eo args= | grep -c '^sleep %d$'",
				  own_second());
	FILE *f = popen(command, "r");
	unsigned n = 0;

	ck_assert_int_eq(fscanf(f, "%u", &n), 1);
	pclose(f);
	free(command);
	return n;
}

FIXTURE(set_up, tear_down);

TEST(the_exit_status_comes_back)
{
	int status = 0;

	ck_assert_int_eq(run("exit 7", &status), 0);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_assert_int_eq(run("kill -9 $$", &status), 0);
	ck_assert_int_eq(WTERMSIG(status), 9);
}

/* Return when the child has ended, without taking its status. */
static void await_end(evutil_socket_t fd, short what, void *arg)
{
	siginfo_t info;

	(void)fd;
	(void)what;
	(void)arg;
	/*
	 * The signal of the child can interrupt the call.  If the child ended
	 * before the loop began, its status was taken already.
	 */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) && errno == EINTR)
		continue;
}

TEST(a_signal_that_also_ends_make_is_not_overlooked)
{
	struct event *timer = evtimer_new(base, await_end, NULL);
	int status = 0;

	evtimer_add(timer, &(struct timeval){ 0 });
	ck_assert_int_eq(run("kill -INT $PPID; exit 2", &status), -EINTR);
	event_free(timer);
}

TEST(a_program_that_is_not_there_is_an_error)
{
	char *argv[] = { (char[]){ "/nonexistent" }, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	int status = 0;

	ck_assert_int_eq(kernel_supervisor_run(&m, &what, &status, &err),
			 -ENOENT);
	text_has(err.text, "/nonexistent");
	ck_assert_int_eq(run("true", &status), 0);
}

TEST(what_it_prints_is_captured_up_to_a_limit)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char[]){ "echo one; echo two >&2; echo three" },
			 NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	int status = 1;

	must(kernel_supervisor_capture(&m, &what, 100, &out, &status, &err));
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(buf_str(&out), "one\nthree\n");
	buf_release(&out);
}

TEST(stdin_is_dev_null_and_the_group_is_its_own)
{
	int status = 1;

	ck_assert_int_eq(run("test -z \"$(cat)\" && "
			     "test $(ps -o pgid= -p $$) = $$",
			     &status),
			 0);
	ck_assert_int_eq(status, 0);
}

/* Like make, which removes incomplete files. */
TEST(what_a_killed_make_has_started_is_asked_to_end)
{
	char *command = xasprintf(
		"cd %s; (trap 'echo >asked; exit' TERM; echo >ready; "
		"while :; do sleep 0.01; done) & "
		"until test -e ready; do sleep 0.01; done; kill -KILL $$",
		top);
	int status = 0;

	ck_assert_int_eq(run(command, &status), 0);
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	ck_assert(stands("asked"));
	free(command);
}

TEST_EACH(a_signal_ends_the_group_at_once, ends)
{
	uint64_t began = clock_ms();
	char *command = xasprintf("sleep %d & sleep %d", own_second(),
				  own_second());
	int status = 0;

	later(*row, 100);
	ck_assert_int_eq(run(command, &status), -EINTR);
	ck_assert_int_eq(m.stop_signal, *row);
	ck_assert_uint_lt(clock_ms() - began, 60000);
	kernel_supervisor_kill_descendants();
	ck_assert_uint_eq(sleeping(), 0);
	/* No further command is started. */
	ck_assert_int_eq(run("true", &status), -EINTR);
	free(command);
}

TEST_EACH(a_signal_that_was_ignored_before_ends_nothing, ends)
{
	char *command = xasprintf("kill -%d $PPID; sleep 0.1; exit 3", *row);
	int status = 0;

	kernel_supervisor_release(&m);
	signal(*row, SIG_IGN);
	must(kernel_supervisor_init(&m, base, &err));
	ck_assert_int_eq(run(command, &status), 0);
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	ck_assert_int_eq(m.stop_signal, 0);
	free(command);
}

TEST(one_that_does_not_listen_is_killed_within_a_second)
{
	uint64_t began = clock_ms();
	char *command = xasprintf("trap '' INT TERM HUP; setsid sleep %d & "
				  "while :; do sleep 0.1; done",
				  own_second());
	int status = 0;

	later(SIGINT, 100);
	ck_assert_int_eq(run(command, &status), -EINTR);
	kernel_supervisor_kill_descendants();
	ck_assert_uint_lt(clock_ms() - began, 60000);
	ck_assert_uint_eq(sleeping(), 0);
	free(command);
}

/* Return how long a make that ignores signals runs after two of them. */
static uint64_t killed_after(void)
{
	uint64_t began = clock_ms();
	int status = 0;

	later(SIGINT, 100);
	later(SIGINT, 150);
	ck_assert_int_eq(
		run("trap '' INT TERM; while :; do sleep 0.1; done", &status),
		-EINTR);
	return clock_ms() - began;
}

/*
 * After one signal it would be a second.  Take the best of some tries, because
 * the machine can be busy.
 */
TEST(a_second_signal_kills_at_once)
{
	uint64_t best = killed_after();

	for (int i = 0; i < 20 && best >= 900; i++) {
		uint64_t took;

		tear_down();
		set_up();
		took = killed_after();
		best = took < best ? took : best;
	}
	ck_assert_uint_lt(best, 900);
}

TEST(sigpipe_ends_nothing)
{
	int ends_of[2];

	ck_assert_int_eq(pipe(ends_of), 0);
	close(ends_of[0]);
	ck_assert_int_eq(write(ends_of[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(ends_of[1]);
}

static void raise_flag(evutil_socket_t fd, short what, void *ctx)
{
	bool *flag = ctx;

	(void)fd;
	(void)what;
	*flag = true;
}

TEST(the_loop_goes_on_meanwhile)
{
	static const struct timeval soon = { .tv_usec = 50000 };
	bool flag = false;
	struct event *ev = evtimer_new(base, raise_flag, &flag);
	int status = 0;

	evtimer_add(ev, &soon);
	ck_assert_int_eq(run("sleep 0.3", &status), 0);
	ck_assert(flag);
	flag = false;
	evtimer_add(ev, &soon);
	ck_assert_int_eq(kernel_supervisor_wait(&m, &flag), 0);
	ck_assert(flag);
	event_free(ev);
}
