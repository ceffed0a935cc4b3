/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
/*
 * This program is also the build: nightly_child_run() executes /proc/self/exe
 * with the argument "build".
 */
#include "../lib/pidfd.h"
#include "../lib/test.h"

#include "nightly/child.h"

#include "base/buf.h"
#include "base/clock.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char dir[] = "/tmp/check-child-XXXXXX";
static struct buf lines;
static char *log_path;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	log_path = xasprintf("%s/log", dir);
}

static void tear_down(void)
{
	struct err err;

	fs_remove(dir, &err);
	free(log_path);
	buf_release(&lines);
}

static void on_progress(void *ctx, const char *line)
{
	ck_assert_ptr_eq(ctx, &lines);
	buf_printf(&lines, "%s\n", line);
}

#define SIGNAL_LINE "kfarm: kfarm build: killed by signal 9 (Killed)\n"

static uint64_t until_ms;

/* Run this program as a build with a further argument. */
static struct nightly_child_result run_as_build(const char *what,
						const atomic_bool *stop)
{
	char *const argv[] = { (char[]){ "kfarm" }, (char[]){ "build" },
			       (char *)what, NULL };
	char *const env[] = { NULL };
	const struct nightly_child child = { .argv = argv,
					     .env = env,
					     .log = log_path,
					     .on_progress = on_progress,
					     .ctx = &lines,
					     .timeout_s = 600,
					     .until_ms = until_ms,
					     .stop = stop };
	struct nightly_child_result result;
	struct err err = { 0 };
	int ret = nightly_child_run(&child, &result, &err);

	ck_assert_int_eq(ret, stop ? -ECANCELED : 0);
	return result;
}

FIXTURE(set_up, tear_down);

TEST(progress_lines_are_reported_whole)
{
	ck_assert_int_eq(run_as_build("lines", NULL).status, 3);
	ck_assert_str_eq(buf_str(&lines),
			 "[    0s] config: defconfig\n"
			 "[   10s] compile: 40 of ~380 jobs, 7 %\n"
			 "[123456s] link\n");
}

TEST(the_exit_of_the_build_is_detected_without_a_pidfd)
{
	no_pidfds = true;
	ck_assert_int_eq(run_as_build("lines", NULL).status, 3);
}

TEST(the_log_of_a_killed_build_contains_the_signal)
{
	struct buf log = { 0 };
	struct err err;

	ck_assert_int_eq(run_as_build("killed", NULL).status, 128 + SIGKILL);
	must(fs_read(log_path, 1 << 20, &log, &err));
	ck_assert_str_eq(buf_str(&log), SIGNAL_LINE);
	buf_release(&log);
}

TEST(the_signal_is_on_the_last_line_after_those_of_remaining_processes)
{
	struct buf log = { 0 };
	struct err err;

	ck_assert_int_eq(run_as_build("writing", NULL).status, 128 + SIGKILL);
	must(fs_read(log_path, 1 << 30, &log, &err));
	text_starts(buf_str(&log), "more");
	text_ends(buf_str(&log), "more\n" SIGNAL_LINE);
	buf_release(&log);
}

TEST(a_build_times_out_at_the_given_time)
{
	until_ms = clock_ms() + 1;
	ck_assert(run_as_build("endless", NULL).timed_out);
	until_ms = clock_ms() + 600000;
	ck_assert(!run_as_build("lines", NULL).timed_out);
}

TEST(lines_in_another_format_are_not_progress)
{
	ck_assert(nightly_child_is_progress("[    0s] x"));
	ck_assert(!nightly_child_is_progress("    0s] x"));
	ck_assert(!nightly_child_is_progress("[    0s]x"));
	ck_assert(!nightly_child_is_progress("[310 done 0:01] compile"));
	ck_assert(!nightly_child_is_progress("kfarm: [    0s] x"));
	ck_assert(!nightly_child_is_progress(""));
}

TEST(a_stopped_build_is_canceled)
{
	static const atomic_bool stop = true;

	run_as_build("lines", &stop);
	ck_assert_uint_eq(lines.len, 0);
}

TEST(the_subreaper_flag_is_cleared_after_the_build)
{
	int is_subreaper = -1;

	run_as_build("lines", NULL);
	ck_assert_int_eq(prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper), 0);
	ck_assert_int_eq(is_subreaper, 0);
}

TEST(a_child_that_is_older_than_the_build_is_not_killed)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	run_as_build("lines", NULL);
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

/* Change whether this process, which runs as root, can kill all processes. */
static void set_cap_kill(bool on)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	if (on)
		data[0].effective |= 1u << CAP_KILL;
	else
		data[0].effective &= ~(1u << CAP_KILL);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

TEST(a_process_that_cannot_be_killed_is_not_waited_for)
{
	struct buf log = { 0 };
	struct err err;
	int status, pid;

	if (geteuid())
		SKIP("a process of another user requires root");
	set_cap_kill(false);
	run_as_build("foreign", NULL);
	set_cap_kill(true);
	must(fs_read(log_path, 1 << 20, &log, &err));
	pid = atoi(buf_str(&log));
	buf_release(&log);
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

/*
 * Start a process that writes incomplete lines to the log until it is killed,
 * and return after its first text.
 */
static void start_writer(void)
{
	int fds[2];
	char c;

	if (pipe(fds))
		_exit(1);
	if (!fork()) {
		while (write(1, "more", 4) == 4) {
			if (write(fds[1], "", 1) != 1)
				_exit(1);
			usleep(1000);
		}
		_exit(1);
	}
	if (read(fds[0], &c, 1) != 1)
		_exit(1);
}

/* Start a process of another user, which ends by itself if the test fails. */
static void start_foreign(void)
{
	int fds[2];
	char c;

	if (pipe(fds))
		_exit(1);
	if (!fork()) {
		if (setuid(65534) || dprintf(1, "%d\n", getpid()) < 0 ||
		    write(fds[1], "", 1) != 1)
			_exit(1);
		sleep(60);
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		_exit(1);
}

static int build(void)
{
	static const char *const parts[] = {
		"[    0s] config: defconfig\na.c:1: warning: x\n", "[   10s]",
		" compile: 40 of ~380 jobs, 7 %\n  [   10s] no\n",
		"[123456s] link\n[  130s] unfinished"
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (write(1, parts[i], strlen(parts[i])) < 0)
			return 1;
	}
	return 3;
}

/*
 * glibc passes the arguments of main() to constructors.  _exit() skips the leak
 * check, which would report the registered tests as leaks.
 */
__attribute__((constructor)) static void act_as_build(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "build")) {
		if (argc > 2 && !strcmp(argv[2], "killed"))
			raise(SIGKILL);
		if (argc > 2 && !strcmp(argv[2], "writing")) {
			start_writer();
			raise(SIGKILL);
		}
		if (argc > 2 && !strcmp(argv[2], "foreign"))
			start_foreign();
		while (argc > 2 && !strcmp(argv[2], "endless"))
			pause();
		_exit(build());
	}
}
