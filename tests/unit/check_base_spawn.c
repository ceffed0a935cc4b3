/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/busy.h"
#include "../lib/pidfd.h"
#include "../lib/test.h"

#include "base/spawn.h"

#include "base/clock.h"

#include <sys/resource.h>

#define NO_FDS             \
	{                  \
		-1, -1, -1 \
	}

/*
 * Store the output of `command` under /bin/sh in `out`, which the caller frees.
 */
static int sh(const char *command, unsigned timeout_ms, struct buf *out,
	      int *status, struct err *err)
{
	char *argv[] = { "sh", "-c", (char *)command, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = NO_FDS };

	return spawn_collect_stdout(&what, 1 << 16, timeout_ms, out, status,
				    err);
}

static void expect_output(const char *command, const char *want)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(sh(command, 10000, &out, &status, &err));
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(buf_str(&out), want);
	buf_release(&out);
}

TEST(stdout_is_collected_and_stderr_dropped)
{
	expect_output("echo out; echo err >&2", "out\n");
	expect_output(":", "");
}

TEST(a_background_child_of_the_program_is_not_waited_for)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;
	pid_t child;

	/* The child holds stdout open for longer than the time limit. */
	must(sh("sleep 1000 & echo $!; exit 3", 60000, &out, &status, &err));
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	child = atoi(buf_str(&out));
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	buf_release(&out);
}

TEST(the_wait_status_is_that_of_the_program)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(sh("exit 3", 10000, &out, &status, &err));
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	must(sh("kill -9 $$", 10000, &out, &status, &err));
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	buf_release(&out);
}

/* Return the line of proc(5) about the autogroup of a program in a session. */
static char *read_autogroup(char *const *argv)
{
	struct spawn what = { .argv = argv,
			      .stdio_fds = NO_FDS,
			      .own_session = true };
	char line[64] = "";
	struct err err = { 0 };
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	what.stdio_fds[1] = ends[1];
	must(spawn_start(&what, &pid, &err));
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert_int_gt(read(ends[0], line, sizeof(line) - 1), 0);
	return xstrdup(line);
}

TEST(a_new_session_keeps_the_nice_value_of_the_autogroup)
{
	char *argv[] = { "cat", "/proc/self/autogroup", NULL };
	int fd = open(argv[1], O_WRONLY | O_CLOEXEC), status;
	pid_t child;

	if (fd < 0)
		SKIP("this kernel has no autogroups");
	close(fd);
	child = fork();
	if (!child) {
		/* A new autogroup, which ends with this child. */
		if (setsid() < 0)
			_exit(1);
		fd = open(argv[1], O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "7", 1) != 1)
			_exit(1);
		/* The kernel limits the rate of an ordinary user's changes. */
		for (int i = 0; i < 50; i++) {
			char *line = read_autogroup(argv);

			if (strstr(line, " nice 7\n"))
				_exit(0);
			free(line);
			usleep(200000);
		}
		_exit(2);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

TEST(an_error_names_a_missing_program)
{
	char *argv[] = { "kfarm-nosuch", NULL };
	char *slash[] = { "/nonexistent/cc", NULL };
	struct spawn what = { .argv = argv, .stdio_fds = NO_FDS };
	struct err err = { 0 };
	pid_t pid;

	err_is(spawn_start(&what, &pid, &err), -ENOENT,
	       "kfarm-nosuch: not found in PATH");
	what.argv = slash;
	err_is(spawn_start(&what, &pid, &err), -ENOENT,
	       "start /nonexistent/cc: "
	       "No such file or directory");
	/* Neither call leaves a child. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

TEST(an_error_names_a_missing_directory)
{
	char *argv[] = { "true", NULL };
	struct spawn what = { .argv = argv,
			      .cwd = "/nonexistent",
			      .stdio_fds = NO_FDS };
	struct err err = { 0 };
	pid_t pid;

	err_is(spawn_start(&what, &pid, &err), -ENOENT,
	       "start true in /nonexistent: No such file or directory");
}

TEST(program_and_argv0_may_differ)
{
	char *argv[] = { "another-name", "-c", "echo $0", NULL };
	struct spawn what = { .argv = argv,
			      .program = "/bin/sh",
			      .stdio_fds = NO_FDS };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 100, 10000, &out, &status, &err));
	ck_assert_str_eq(buf_str(&out), "another-name\n");
	buf_release(&out);
}

TEST(the_program_gets_the_environment_and_the_directory)
{
	char *argv[] = { "/bin/sh", "-c", "echo $A ${HOME-none}; pwd", NULL };
	char *env[] = { "A=1", "PATH=/usr/bin:/bin", NULL };
	struct spawn what = {
		.argv = argv, .env = env, .cwd = "/", .stdio_fds = NO_FDS
	};
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 100, 10000, &out, &status, &err));
	ck_assert_str_eq(buf_str(&out), "1 none\n/\n");
	buf_release(&out);
}

TEST(a_program_is_searched_for_in_path_of_its_environment)
{
	char *argv[] = { "sh", NULL };
	char *env[] = { "PATH=/nonexistent", NULL };
	struct spawn what = { .argv = argv, .env = env, .stdio_fds = NO_FDS };
	struct err err = { 0 };
	pid_t pid;

	ck_assert_int_eq(spawn_start(&what, &pid, &err), -ENOENT);
}

TEST(only_standard_descriptors_are_inherited)
{
	int leak = open("/dev/null", O_RDONLY);

	ck_assert_int_ge(leak, 3);
	/* List the shell's descriptors, because ls opens another one. */
	expect_output("ls /proc/$$/fd", "0\n1\n2\n");
	close(leak);
}

static void expect_fds(struct spawn *what, const char *want)
{
	char *argv[] = { "sh", "-c", "ls /proc/$$/fd", NULL };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	what->argv = argv;
	must(spawn_collect_stdout(what, 1 << 16, 10000, &out, &status, &err));
	what->argv = NULL;
	ck_assert_str_eq(buf_str(&out), want);
	buf_release(&out);
}

TEST(passed_descriptors_are_inherited)
{
	int pass[] = { 201, 203, -1 };
	struct spawn what = { .stdio_fds = NO_FDS, .passed_fds = pass };

	for (int fd = 200; fd < 204; fd++)
		ck_assert_int_eq(dup3(0, fd, fd == 202 ? 0 : O_CLOEXEC), fd);
	expect_fds(&what, "0\n1\n2\n201\n203\n");
	/* The parent's descriptors are unchanged. */
	ck_assert_int_eq(fcntl(201, F_GETFD), FD_CLOEXEC);
	for (int fd = 200; fd < 204; fd++)
		close(fd);
}

TEST(a_transparent_start_passes_descriptors_without_cloexec)
{
	struct spawn what = { .stdio_fds = NO_FDS, .transparent = true };

	for (int fd = 3; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	ck_assert_int_eq(dup2(0, 202), 202);
	ck_assert_int_eq(dup3(0, 203, O_CLOEXEC), 203);
	expect_fds(&what, "0\n1\n2\n202\n");
	close(202);
	close(203);
}

/* Return which of HUP, INT, PIPE and XFSZ a program finds ignored. */
static unsigned long ignored_by(struct spawn *what)
{
	char *argv[] = { "sed", "-n", "s/^SigIgn:\\t//p", "/proc/self/status",
			 NULL };
	struct buf out = { 0 };
	struct err err = { 0 };
	unsigned long mask;
	int status;

	what->argv = argv;
	must(spawn_collect_stdout(what, 1 << 16, 10000, &out, &status, &err));
	what->argv = NULL;
	mask = strtoul(buf_str(&out), NULL, 16);
	buf_release(&out);
	return mask & ((1ul << SIGHUP >> 1) | (1ul << SIGINT >> 1) |
		       (1ul << SIGPIPE >> 1) | (1ul << SIGXFSZ >> 1));
}

TEST(a_transparent_start_keeps_sighup_but_not_sigpipe_ignored)
{
	struct spawn what = { .stdio_fds = NO_FDS };

	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_uint_eq(ignored_by(&what), 0);
	what.transparent = true;
	ck_assert_uint_eq(ignored_by(&what), 1ul << SIGHUP >> 1);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
}

TEST(standard_descriptors_can_be_permuted)
{
	char *argv[] = { "sh", "-c", "cat; echo said >&2", NULL };
	struct spawn what = { .argv = argv };
	int in[2], out[2], status, saved[3];
	struct err err = { 0 };
	char text[32] = "";
	pid_t pid;

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(write(in[1], "read ", 5), 5);
	for (int i = 0; i < 3; i++)
		saved[i] = dup(i);
	/* The program's stdin is descriptor 2, its stdout 0, its stderr 1. */
	dup2(in[0], 2);
	dup2(out[1], 0);
	dup2(out[1], 1);
	what.stdio_fds[0] = 2;
	what.stdio_fds[1] = 0;
	what.stdio_fds[2] = 1;
	status = spawn_start(&what, &pid, &err);
	for (int i = 0; i < 3; i++)
		dup2(saved[i], i);
	ck_assert_int_eq(status, 0);
	close(in[1]);
	close(out[1]);
	ck_assert_int_eq(spawn_wait(pid), 0);
	ck_assert_int_eq(read(out[0], text, sizeof(text) - 1), 10);
	ck_assert_str_eq(text, "read said\n");
}

TEST(a_program_starts_without_blocked_or_ignored_signals)
{
	sigset_t all;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/*
	 * make starts the test by glibc's posix_spawn(), which can leave the
	 * internal signals 32 and 33 ignored, and no program can change that.
	 */
	expect_output("sed -En -e 's/^(SigIgn:.*)180000000$/\\1000000000/' "
		      "-e '/^Sig(Blk|Ign)/p' /proc/self/status",
		      "SigBlk:\t0000000000000000\n"
		      "SigIgn:\t0000000000000000\n");
}

TEST(a_program_is_killed_with_its_children_after_the_timeout)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	uint64_t start = clock_ms();
	int status;

	for (unsigned ms = 200; ms < 50000 && !out.len; ms *= 2)
		err_is(sh("sleep 100 & echo $!; wait", ms, &out, &status, &err),
		       -ETIMEDOUT, "sh: Connection timed out");
	ck_assert_uint_gt(out.len, 0);
	ck_assert_uint_lt(clock_ms() - start, 90000);
	ck_assert(WIFSIGNALED(status));
	/* The grandchild was killed too, but init can reap it later. */
	for (int i = 0; i < 6000 && !kill(atoi(buf_str(&out)), 0); i++) {
		char *path = xasprintf("/proc/%d/stat", atoi(buf_str(&out)));
		struct buf stat = { 0 };

		if (!fs_read(path, 4096, &stat, &err) &&
		    strstr(buf_str(&stat), ") Z "))
			i = 6000;
		buf_release(&stat);
		free(path);
		usleep(10000);
		ck_assert_int_ne(i, 5999);
	}
	buf_release(&out);
}

/* This program, if it is started with $BUSY_MS, is busy for this time. */
__attribute__((constructor)) static void be_busy_program(void)
{
	const char *ms = getenv("BUSY_MS");

	if (!ms)
		return;
	be_busy((unsigned)atoi(ms));
	puts("ready");
	fflush(stdout);
	/* Without the leak check, which suspends the process. */
	_exit(0);
}

/* A busy machine must not be mistaken for a program that hangs. */
TEST(a_busy_program_is_not_killed_after_the_timeout)
{
	char *argv[] = { "/proc/self/exe", NULL };
	char *env[] = { "BUSY_MS=3000", NULL };
	struct spawn what = { .argv = argv, .env = env, .stdio_fds = NO_FDS };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 4096, 1000, &out, &status, &err));
	ck_assert_str_eq(buf_str(&out), "ready\n");
	buf_release(&out);
}

TEST(a_closed_stdout_does_not_extend_the_timeout)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	uint64_t start = clock_ms();
	int status;

	ck_assert_int_eq(sh("exec sleep 100 >&-", 200, &out, &status, &err),
			 -ETIMEDOUT);
	ck_assert_uint_lt(clock_ms() - start, 50000);
	ck_assert(WIFSIGNALED(status));
}

TEST(a_program_is_awaited_without_a_pidfd)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	no_pidfds = true;
	expect_output("echo out; exec >&-; sleep 1", "out\n");
	ck_assert_int_eq(sh("exec sleep 100 >&-", 200, &out, &status, &err),
			 -ETIMEDOUT);
	ck_assert(WIFSIGNALED(status));
	buf_release(&out);
}

TEST(a_program_with_too_much_output_is_killed)
{
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	ck_assert_int_eq(sh("yes", 10000, &out, &status, &err), -EMSGSIZE);
	ck_assert_uint_le(out.len, 1 << 16);
	ck_assert(WIFSIGNALED(status));
	buf_release(&out);
}

TEST(limits_are_set)
{
	char *argv[] = { "sh", "-c", "ulimit -t; ulimit -f; ulimit -v", NULL };
	struct spawn what = { .argv = argv,
			      .cpu_s = 7,
			      .file_mib = 3,
			      .memory_mib = 2048,
			      .stdio_fds = NO_FDS };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 100, 10000, &out, &status, &err));
	/* dash counts files in blocks of 512 bytes, memory in KiB. */
	ck_assert_str_eq(buf_str(&out), "7\n6144\n2097152\n");
	buf_release(&out);
}

TEST(a_raised_limit_on_open_files_is_not_inherited)
{
	static const struct rlimit limits = { 100, 200 };
	struct rlimit now;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limits), 0);
	ck_assert_uint_eq(spawn_file_limit(), 100);
	expect_output("ulimit -Sn; ulimit -Hn", "100\n200\n");
	spawn_raise_file_limit();
	spawn_raise_file_limit();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
	ck_assert_uint_eq(now.rlim_cur, 200);
	ck_assert_uint_eq(spawn_file_limit(), 100);
	expect_output("ulimit -Sn; ulimit -Hn", "100\n200\n");
	/* The start of a program does not change the limit of this process. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
	ck_assert_uint_eq(now.rlim_cur, 200);
	spawn_restore_file_limit();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
	ck_assert_uint_eq(now.rlim_cur, 100);
}

TEST(a_group_of_its_own_is_made_before_the_start_returns)
{
	char *argv[] = { "sleep", "100", NULL };
	struct spawn what = { .argv = argv,
			      .own_group = true,
			      .killed_with_parent = true,
			      .stdio_fds = NO_FDS };
	struct err err = { 0 };
	pid_t pid;

	must(spawn_start(&what, &pid, &err));
	ck_assert_int_eq(getpgid(pid), pid);
	ck_assert_int_eq(kill(-pid, SIGKILL), 0);
	ck_assert(WIFSIGNALED(spawn_wait(pid)));
}

TEST(a_program_can_clean_up_after_the_death_of_its_parent)
{
	char *argv[] = { "sh", "-c",
			 "trap 'echo cleaned; exit' TERM; echo up; "
			 "while :; do sleep 0.05; done",
			 NULL };
	struct spawn what = { .argv = argv,
			      .terminated_with_parent = true,
			      .stdio_fds = NO_FDS };
	char text[20] = "";
	int ends[2];
	struct err err;
	pid_t parent, pid;

	ck_assert_int_eq(pipe(ends), 0);
	parent = fork();
	if (!parent) {
		what.stdio_fds[1] = ends[1];
		if (!spawn_start(&what, &pid, &err))
			pause();
		_exit(1);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], text, sizeof(text) - 1), 3);
	ck_assert_str_eq(text, "up\n");
	kill(parent, SIGKILL);
	ck_assert_int_eq(read(ends[0], text, sizeof(text) - 1), 8);
	ck_assert_str_eq(text, "cleaned\n");
	spawn_wait(parent);
	close(ends[0]);
}

TEST(a_wait_status_has_a_text)
{
	char *text = spawn_status_text(2 << 8);

	ck_assert_str_eq(text, "exit status 2");
	free(text);
	text = spawn_status_text(SIGKILL);
	ck_assert_str_eq(text, "killed by signal 9 (Killed)");
	free(text);
	/* Not a child of this process. */
	ck_assert_int_eq(WEXITSTATUS(spawn_wait(1)), 127);
}
