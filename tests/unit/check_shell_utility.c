/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
/*
 * Read errors, write errors and close errors in the utilities of the recipe
 * shell, and signals that interrupt them.  Each command also runs in dash or,
 * if make would need no shell, as a program.  Output, messages, exit status and
 * files are compared.
 */
#include "../lib/process-state.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/buf.h"
#include "base/vec.h"
#include "shell/script.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* enough for /proc/PID/maps to exceed the buffers of cat and of a pipe */
#define N_MAPPINGS 8000
#define PIPE_BYTES 4096

static char dir[TEMPDIR_SIZE];

static void setup(void)
{
	struct err err;

	tempdir_make(dir);
	ck_assert_int_eq(chdir(dir), 0);
	must(fs_write("a", bytes_str("one\n"), 0600, &err));
	must(fs_write("b", bytes_str("two\n"), 0600, &err));
	setenv("LC_ALL", "C", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
}

static void teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	tempdir_remove(dir);
}

/* ---- the two ways to run a command ---- */

struct command {
	const char *text;
	bool by_recipe_shell;
	bool by_make; /* a line that make runs without a shell */
};

/* Replace this process by the command. */
static void exec_command(const struct command *c)
{
	struct shell_script script = { .text = c->text,
				       .name = "/bin/sh",
				       .started_by_make = c->by_make };
	enum shell_fallback_reason why;
	struct strv words = { 0 };

	signal(SIGPIPE, SIG_DFL);
	if (c->by_recipe_shell)
		_exit(shell_script_run(&script, environ, &why));
	if (c->by_make) {
		strv_split(&words, c->text, " ");
		execvp(words.v[0], words.v);
	}
	execl("/bin/sh", "/bin/sh", "-c", c->text, (char *)NULL);
	_exit(126);
}

/* Replace a descriptor of a child by a file. */
static void redirect(int fd, const char *name)
{
	int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(125);
}

static void expect_exit(pid_t pid, int want)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), want);
}

/* ---- read errors ---- */

struct victim {
	pid_t holder; /* shares the memory of `pid` */
	pid_t pid;
};

static int wait_for_kill(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* Add mappings, start a process with the same memory, and send its pid. */
static void hold_mappings(int to)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid;

	for (int i = 0; i < N_MAPPINGS; i++) {
		if (mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			_exit(1);
	}
	pid = clone(wait_for_kill, stack + sizeof(stack),
		    CLONE_VM | CLONE_PARENT | SIGCHLD, NULL);
	if (write(to, &pid, sizeof(pid)) < 0)
		_exit(1);
	wait_for_kill(NULL);
}

/*
 * Start a process with a long /proc/PID/maps, and make `m` a link to this file.
 * Reads of the open file succeed until the process has been waited for, because
 * the holder keeps the memory, and then fail with ESRCH.
 */
static void start_victim(struct victim *v)
{
	int ends[2];
	char *maps;

	ck_assert_int_eq(pipe(ends), 0);
	v->holder = fork();
	if (!v->holder)
		hold_mappings(ends[1]);
	ck_assert_int_eq(read(ends[0], &v->pid, sizeof(v->pid)),
			 sizeof(v->pid));
	ck_assert_int_gt(v->pid, 0);
	close(ends[0]);
	close(ends[1]);
	maps = xasprintf("/proc/%d/maps", (int)v->pid);
	unlink("m");
	ck_assert_int_eq(symlink(maps, "m"), 0);
	free(maps);
}

static void end_process(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/*
 * Run the command with its output in a small pipe, and end the victim when the
 * first output of `m` has arrived.  The command cannot have reached the end of
 * `m`, because the pipe is full.  Returns the output after that of `m`.
 */
static char *run_with_read_error(const struct command *c, int want)
{
	static char text[PIPE_BYTES];
	struct buf all = { 0 };
	struct victim victim;
	bool ended = false;
	const char *end;
	char *tail;
	int ends[2];
	ssize_t n;
	pid_t pid;

	start_victim(&victim);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		redirect(STDERR_FILENO, "err");
		exec_command(c);
	}
	close(ends[1]);
	while ((n = read(ends[0], text, ended ? sizeof(text) : 1)) > 0) {
		buf_add(&all, text, (size_t)n);
		/* each line of `m` contains a range of addresses */
		if (!ended && *text == '-') {
			end_process(victim.pid);
			ended = true;
		}
	}
	ck_assert(ended);
	close(ends[0]);
	end_process(victim.holder);
	expect_exit(pid, want);
	end = strchr(strrchr(buf_str(&all), '-'), '\n');
	ck_assert_ptr_nonnull(end);
	tail = xstrdup(end + 1);
	buf_release(&all);
	return tail;
}

#define FAILED "cat: m: No such process\n"

static const struct read_error {
	const char *text;
	int status;
	const char *err;
	const char *tail; /* output after that of `m` */
	bool by_make;
} read_errors[] = {
	{ "cat m", 1, FAILED, "", false },
	{ "cat <m", 1, "cat: -: No such process\n", "", false },
	{ "cat m b", 1, FAILED, "two\n", false },
	{ "cat a m b; echo $?", 0, FAILED, "two\n1\n", false },
	{ "cat m none b", 1, FAILED "cat: none: No such file or directory\n",
	  "two\n", false },
	{ "cat m . b", 1, FAILED "cat: .: Is a directory\n", "two\n", false },
	{ "cat m b | cat", 0, FAILED, "two\n", false },
	{ "cat m && echo no", 1, FAILED, "", false },
	{ "cat m b", 1, FAILED, "two\n", true },
};

FIXTURE(setup, teardown);

TEST_EACH(cat_reports_a_read_error_after_the_first_bytes, read_errors)
{
	for (int by_recipe_shell = 0; by_recipe_shell < 2; by_recipe_shell++) {
		const struct command c = { .text = row->text,
					   .by_recipe_shell = by_recipe_shell,
					   .by_make = row->by_make };
		char *tail = run_with_read_error(&c, row->status);

		ck_assert_str_eq(tail, row->tail);
		expect_file("err", row->err);
		free(tail);
	}
}

/* ---- errors of close(2) and write(2) ---- */

/*
 * Let close(2) of each descriptor except 3 fail with ENOSPC.  3 is the lowest
 * descriptor that is free, so that programs can start and read files.
 */
static void fail_close(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_close, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = ARRAY_SIZE(filter),
		.filter = filter,
	};

	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(124);
}

static const struct write_error {
	const char *text;
	const char *out; /* file that is stdout */
	bool closes_fail;
	bool by_make;
	int status;
	const char *err;
} write_errors[] = {
#define FULL ": No space left on device\n"
	{ "cat a", "out", true, false, 1, "cat: write error" FULL },
	{ "cat a b", "out", true, true, 1, "cat: write error" FULL },
	{ "cat a >new; echo $?", "out", true, false, 0,
	  "cat: write error" FULL },
	{ "(cat a) >new", "out", true, false, 1, "cat: write error" FULL },
	{ "cat none", "out", true, false, 1,
	  "cat: none: No such file or directory\ncat: write error" FULL },
	{ "echo a", "out", true, true, 1, "echo: write error" FULL },
	{ "echo a", "out", true, false, 0, "" },
	{ "cat a", "/dev/full", false, false, 1, "cat: write error" FULL },
	{ "cat a b", "/dev/full", false, true, 1, "cat: write error" FULL },
	{ "echo a", "/dev/full", false, true, 1, "echo: write error" FULL },
	{ "echo a", "/dev/full", false, false, 1,
	  "/bin/sh: 1: echo: echo: I/O error\n" },
	{ "printf a", "/dev/full", false, false, 1,
	  "/bin/sh: 1: printf: printf: I/O error\n" },
};

TEST_EACH(a_utility_reports_an_error_of_write_or_close, write_errors)
{
	for (int by_recipe_shell = 0; by_recipe_shell < 2; by_recipe_shell++) {
		const struct command c = { .text = row->text,
					   .by_recipe_shell = by_recipe_shell,
					   .by_make = row->by_make };
		pid_t pid = fork();

		if (!pid) {
			redirect(STDOUT_FILENO, row->out);
			redirect(STDERR_FILENO, "err");
			if (row->closes_fail)
				fail_close();
			exec_command(&c);
		}
		expect_exit(pid, row->status);
		expect_file("err", row->err);
	}
}

/* ---- signals ---- */

static const struct interrupt {
	const char *text;
	int sig;
	bool has_reader; /* the script opens the FIFO `f` for reading */
	/*
	 * dash reports the interrupted open(2) before SIGINT ends it; the
	 * recipe shell ends at once
	 */
	bool ends_silently;
} interrupts[] = {
	{ "sleep 0; cat f", SIGINT, true, false },
	{ "sleep 0; cat f; echo no", SIGINT, true, false },
	{ "sleep 0; cat f | cat", SIGINT, true, false },
	{ "sleep 0; (cat f; echo no); echo no", SIGINT, true, false },
	{ "sleep 0; cmp -s f a", SIGINT, true, false },
	{ "sleep 0; echo; cat f", SIGINT, false, false },
	{ "sleep 0; echo; cmp -s f a", SIGINT, false, false },
	{ "sleep 0; echo; echo x >f", SIGINT, false, true },
	{ "sleep 0; echo; (echo x) >f; echo no", SIGINT, false, true },
	{ "trap 'echo t; exit 1' TERM; cat f", SIGTERM, true, false },
	{ "trap 'echo t; exit 1' TERM; cat f; echo no", SIGTERM, true, false },
	{ "trap 'echo t; exit 1' TERM; cmp -s f a", SIGTERM, true, false },
	{ "trap 'echo t' INT; cat f", SIGINT, true, false },
	{ "trap 'echo t' INT; cat f; echo $?", SIGINT, true, false },
	{ "trap 'echo t' INT; echo; echo x >f; echo $?", SIGINT, false, false },
	{ "trap 'echo t' TERM; echo; echo x >f; echo $?", SIGTERM, false,
	  false },
	{ "trap 'echo t' INT; cat a; cat a >new; cmp -s a new; echo $?", 0,
	  false, false },
};

/*
 * Run the command in its own process group and send the signal to the group
 * while the command waits for the test, which never completes the FIFO's
 * transfer.  Returns the wait status; `out` becomes the output.
 */
static int run_interrupted(const struct interrupt *i, bool by_recipe_shell,
			   char **out)
{
	const struct command c = { .text = i->text,
				   .by_recipe_shell = by_recipe_shell };
	int ends[2], fifo = -1, status;
	struct buf text = { 0 };
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		redirect(STDERR_FILENO, "err");
		exec_command(&c);
	}
	close(ends[1]);
	if (i->has_reader) {
		fifo = open("f", O_WRONLY | O_CLOEXEC);
		ck_assert_int_ge(fifo, 0);
	} else if (i->sig) {
		/* After the line, the script sleeps only in open(2). */
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
		await_sleep(pid);
	}
	if (i->sig)
		ck_assert_int_eq(kill(-pid, i->sig), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	while (read(ends[0], &byte, 1) == 1)
		buf_add(&text, &byte, 1);
	close(ends[0]);
	if (fifo >= 0)
		close(fifo);
	*out = xstrdup(buf_str(&text));
	buf_release(&text);
	return status;
}

TEST_EACH(a_signal_interrupts_a_command_as_in_dash, interrupts)
{
	char *want, *got, *err_want;
	int status;

	ck_assert_int_eq(mkfifo("f", 0600), 0);
	status = run_interrupted(row, false, &want);
	err_want = test_read_file("err");
	ck_assert_int_eq(run_interrupted(row, true, &got), status);
	ck_assert_str_eq(got, want);
	expect_file("err", row->ends_silently ? "" : err_want);
	free(want);
	free(got);
	free(err_want);
}
