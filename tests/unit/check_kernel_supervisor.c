/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "base/clock.h"
#include "kernel/supervisor.h"

#include "../lib/test.h"
#include "kernel-tree.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

static struct kernel_supervisor supervisor;
static struct event_base *base;
static struct err err;

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static unsigned n_reaped_leaders;

/*
 * Replaces kill(2) to count the signals to groups whose leader has been reaped,
 * so that another group can have the same number.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int kill(pid_t pid, int number)
{
	if (pid < -1 && number && getpgid(-pid) < 0)
		n_reaped_leaders++;
	return (int)syscall(SYS_kill, pid, number);
}

static void set_up(void)
{
	tree_set_up();
	n_reaped_leaders = 0;
	base = event_base_new();
	err = (struct err){ 0 };
	must(kernel_supervisor_init(&supervisor, base, &err));
}

static void tear_down(void)
{
	kernel_supervisor_release(&supervisor);
	event_base_free(base);
	tree_tear_down();
}

static int run(const char *command, int *status)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char *)command, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };

	return kernel_supervisor_run(&supervisor, &what, status, &err);
}

/* Send a signal to this process after `ms`. */
static void send_signal_after(int number, unsigned ms)
{
	if (fork())
		return;
	usleep(ms * 1000);
	kill(getppid(), number);
	_exit(0);
}

/* Return a number of seconds for sleep(1) that no other test uses. */
static int unique_seconds(void)
{
	return 1000000 + (int)getpid();
}

/* Count the processes that sleep for this number of seconds. */
static unsigned count_sleeping(void)
{
	char *command = xasprintf("ps -eo args= | grep -c '^sleep %d$'",
				  unique_seconds());
	FILE *f = popen(command, "r");
	unsigned n = 0;

	ck_assert_int_eq(fscanf(f, "%u", &n), 1);
	pclose(f);
	free(command);
	return n;
}

FIXTURE(set_up, tear_down);

TEST(the_wait_status_of_the_command_is_returned)
{
	int status = 0;

	ck_assert_int_eq(run("exit 7", &status), 0);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	ck_assert_int_eq(run("kill -9 $$", &status), 0);
	ck_assert_int_eq(WTERMSIG(status), 9);
}

/* Wait until the child has exited, without reaping it. */
static void await_end(evutil_socket_t fd, short what, void *arg)
{
	siginfo_t info;

	(void)fd;
	(void)what;
	(void)arg;
	/*
	 * The child's signal can interrupt the call.  If the child exited
	 * before the loop started, it has been reaped already.
	 */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) && errno == EINTR)
		continue;
}

TEST(a_signal_pending_when_the_command_exits_yields_eintr)
{
	struct event *timer = evtimer_new(base, await_end, NULL);
	int status = 0;

	evtimer_add(timer, &(struct timeval){ 0 });
	ck_assert_int_eq(run("kill -INT $PPID; exit 2", &status), -EINTR);
	event_free(timer);
}

TEST(an_error_names_a_missing_program)
{
	char *argv[] = { (char[]){ "/nonexistent" }, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	int status = 0;

	ck_assert_int_eq(
		kernel_supervisor_run(&supervisor, &what, &status, &err),
		-ENOENT);
	text_has(err.text, "/nonexistent");
	ck_assert_int_eq(run("true", &status), 0);
}

TEST(stdout_is_captured_without_stderr)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char[]){ "echo one; echo two >&2; echo three" },
			 NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	int status = 1;

	must(kernel_supervisor_capture(&supervisor, &what, 100, &out, &status,
				       &err));
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(buf_str(&out), "one\nthree\n");
	buf_release(&out);
}

TEST(a_command_gets_an_empty_stdin_and_its_own_process_group)
{
	int status = 1;

	ck_assert_int_eq(run("test -z \"$(cat)\" && "
			     "test $(ps -o pgid= -p $$) = $$",
			     &status),
			 0);
	ck_assert_int_eq(status, 0);
}

/* The child handles SIGTERM, as make does to remove incomplete files. */
TEST(children_of_a_killed_command_receive_sigterm)
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
	ck_assert_uint_eq(n_reaped_leaders, 0);
	free(command);
}

TEST_EACH(a_signal_ends_the_group_and_prevents_further_commands, stop_signals)
{
	uint64_t began = clock_ms();
	char *command = xasprintf("sleep %d & sleep %d", unique_seconds(),
				  unique_seconds());
	int status = 0;

	send_signal_after(*row, 100);
	ck_assert_int_eq(run(command, &status), -EINTR);
	ck_assert_int_eq(supervisor.stop_signal, *row);
	ck_assert_uint_eq(n_reaped_leaders, 0);
	ck_assert_uint_lt(clock_ms() - began, 60000);
	kernel_supervisor_kill_descendants(&supervisor);
	ck_assert_uint_eq(count_sleeping(), 0);
	/* No further command is started. */
	ck_assert_int_eq(run("true", &status), -EINTR);
	free(command);
}

TEST_EACH(a_signal_ignored_at_startup_does_not_end_the_command, stop_signals)
{
	char *command = xasprintf("kill -%d $PPID; sleep 0.1; exit 3", *row);
	int status = 0;

	kernel_supervisor_release(&supervisor);
	signal(*row, SIG_IGN);
	must(kernel_supervisor_init(&supervisor, base, &err));
	ck_assert_int_eq(run(command, &status), 0);
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	ck_assert_int_eq(supervisor.stop_signal, 0);
	free(command);
}

TEST(a_command_that_ignores_signals_is_killed_with_its_descendants)
{
	uint64_t began = clock_ms();
	char *command = xasprintf("trap '' INT TERM HUP; setsid sleep %d & "
				  "while :; do sleep 0.1; done",
				  unique_seconds());
	int status = 0;

	send_signal_after(SIGINT, 100);
	ck_assert_int_eq(run(command, &status), -EINTR);
	kernel_supervisor_kill_descendants(&supervisor);
	ck_assert_uint_lt(clock_ms() - began, 60000);
	ck_assert_uint_eq(count_sleeping(), 0);
	free(command);
}

/* After `exec > >(tee log); exec kfarm build`, kfarm is the parent of tee. */
TEST(a_child_from_before_the_build_outlives_an_interrupted_build)
{
	int status = 0;
	pid_t child;

	kernel_supervisor_release(&supervisor);
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	must(kernel_supervisor_init(&supervisor, base, &err));
	send_signal_after(SIGINT, 100);
	ck_assert_int_eq(run("sleep 60", &status), -EINTR);
	kernel_supervisor_kill_descendants(&supervisor);
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

TEST(the_process_is_a_subreaper_only_during_the_build)
{
	int is_subreaper = 0;

	prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
	ck_assert_int_eq(is_subreaper, 1);
	kernel_supervisor_release(&supervisor);
	prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
	ck_assert_int_eq(is_subreaper, 0);
	must(kernel_supervisor_init(&supervisor, base, &err));
}

/* Return how long a make that ignores signals runs after two of them. */
static uint64_t ms_until_killed(void)
{
	uint64_t began = clock_ms();
	int status = 0;

	send_signal_after(SIGINT, 100);
	send_signal_after(SIGINT, 150);
	ck_assert_int_eq(
		run("trap '' INT TERM; while :; do sleep 0.1; done", &status),
		-EINTR);
	return clock_ms() - began;
}

/*
 * After only one signal, the kill would follow after one second.  Use the best
 * of several attempts, because the machine can be busy.
 */
TEST(a_second_signal_kills_the_command_within_900_ms)
{
	uint64_t best = ms_until_killed();

	for (int i = 0; i < 20 && best >= 900; i++) {
		uint64_t took;

		tear_down();
		set_up();
		took = ms_until_killed();
		best = took < best ? took : best;
	}
	ck_assert_uint_lt(best, 900);
}

TEST(sigpipe_is_ignored)
{
	int pipe_fds[2];

	ck_assert_int_eq(pipe(pipe_fds), 0);
	close(pipe_fds[0]);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(pipe_fds[1]);
}

static void raise_flag(evutil_socket_t fd, short what, void *ctx)
{
	bool *flag = ctx;

	(void)fd;
	(void)what;
	*flag = true;
}

TEST(events_are_dispatched_during_run_and_wait)
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
	ck_assert_int_eq(kernel_supervisor_wait(&supervisor, &flag), 0);
	ck_assert(flag);
	event_free(ev);
}

/* In this child, `terminal` is the terminal of the session. */
static void read_terminal_of_session(const char *terminal)
{
	int status = -1, fd;

	ck_assert_int_gt(setsid(), 0);
	fd = open(terminal, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ioctl(fd, TIOCSCTTY, 0);
	ck_assert_int_eq(event_reinit(base), 0);
	if (run("read line </dev/tty || exit 7", &status))
		_exit(1);
	_exit(WEXITSTATUS(status));
}

TEST(a_program_that_reads_the_terminal_fails_and_does_not_stop)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), status;
	pid_t pid;

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	pid = fork();
	if (!pid) {
		char *terminal = xstrdup(ptsname(master));

		close(master);
		read_terminal_of_session(terminal);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
	close(master);
}
