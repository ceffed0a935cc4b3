/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/sandbox.h"

#include "../lib/test.h"
#include "sandbox.h"

#include <sys/prctl.h>

static struct played p;

static void set_up(void)
{
	open_cell(NULL, NULL);
	put_attack();
}

static void tear_down(void)
{
	drop_job(&p);
	close_cell();
}

static void start_spinner(struct played *spinner)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "spin", NULL },
		.stdin_fd = -1,
	};

	ck_assert_msg(!start_job(spinner, &job), "%s", err.text);
}

/* Wait until the last writer of its pipes has ended. */
static void wait_for_end_of(const struct played *who)
{
	struct pollfd fd = { .fd = sandbox_run_pipe(who->run, 0) };

	ck_assert_int_eq(poll(&fd, 1, WAIT_MS), 1);
	ck_assert_int_eq(fd.revents, POLLHUP);
}

/* Wait until a job has reported that it runs. */
static void wait_for_cpu(struct played *who)
{
	uint64_t deadline = clock_ms() + WAIT_MS;

	while (!sandbox_run_cpu_ms(who->run)) {
		ck_assert(clock_ms() < deadline);
		turn(who, 1);
	}
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE_ONCE(make_attack, remove_attack);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_cell_says_what_holds)
{
	static const char *const words[] = {
		" mount",   " pid",        " ipc",          " uts",
		" net",     " pivot_root", " capabilities", " no_new_privs",
		" seccomp", " rlimits",
	};

	ck_assert(str_starts(sandbox_layers(cell), "user ") ||
		  str_starts(sandbox_layers(cell), "uid "));

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		ck_assert_msg(strstr(sandbox_layers(cell), words[i]) != NULL,
			      "%s", words[i]);
}

TEST(a_file_of_the_view_is_what_jobs_see)
{
	ck_assert(!put_text("/tmp-x/a", "1"));
	run_attack(&p, "read", "/tmp-x/a");
	ck_assert_int_eq(WEXITSTATUS(p.end.status), 1);
	drop_job(&p);
	must(sandbox_remove_path(cell, "/tmp-x", &err));
	run_attack(&p, "read", "/tmp-x/a");
	must_be_well(&p);
}

TEST(the_roots_are_there)
{
	const char *roots[] = { "/home/me/linux", "/tmp/b/out", NULL };
	const char *bad[] = { "/home/../x", NULL };
	struct sandbox_setup setup = { .client_roots = bad };
	struct sandbox *none = NULL;
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "exit", "0", NULL },
		.cwd = "/tmp/b/out",
		.stdin_fd = -1,
	};

	close_cell();
	open_cell(NULL, roots);
	put_attack();
	run_job(&p, &job);
	must_be_well(&p);
	ck_assert_int_eq(sandbox_new(&none, &setup, &err), -EINVAL);
	ck_assert_ptr_null(none);
}

TEST(a_full_view_is_an_error)
{
	const struct sandbox_limits small = {
		.input_root_bytes = 2 << 20,
		.input_root_files = 40,
	};
	int fd = open_unnamed(), ret = 0, n = 0;
	char path[64];

	close_cell();
	open_cell(&small, NULL);
	put_attack();
	ck_assert(!ftruncate(fd, 3 << 20));
	ck_assert_int_eq(
		sandbox_put_file(cell, "/big", fd, 3 << 20, false, 0, &err),
		-ENOSPC);
	ck_assert(!put_text("/small", "x"));
	for (; !ret && n < 100; n++) {
		snprintf(path, sizeof(path), "/many/%d", n);
		ret = put_text(path, "x");
	}
	ck_assert_int_eq(ret, -ENOSPC);
	ck_assert_int_gt(n, 10);
	/* The job continues when there is space again. */
	must(sandbox_remove_path(cell, "/many", &err));
	ck_assert(!put_text("/again", "x"));
	run_attack(&p, "none", NULL);
	must_be_well(&p);
	close(fd);
}

TEST(many_jobs_run_at_once)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "none", NULL },
		.stdin_fd = -1,
	};
	struct played many[32];

	for (int i = 0; i < 32; i++)
		ck_assert(!start_job(&many[i], &job));
	wait_all(many, 32);
	for (int i = 0; i < 32; i++) {
		must_be_well(&many[i]);
		drop_job(&many[i]);
	}
}

TEST(a_cell_that_is_freed_takes_its_jobs_along)
{
	int pipe_end;
	char c;

	start_spinner(&p);
	wait_for_cpu(&p);
	pipe_end = dup(sandbox_run_pipe(p.run, 0));
	close_cell();
	p = (struct played){ 0 };
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = pipe_end }, 1, WAIT_MS),
			 1);
	ck_assert_int_eq(read(pipe_end, &c, 1), 0);
	close(pipe_end);
}

/* Find the only grandchild: a sandbox init reparented to this subreaper. */
static pid_t find_keeper(void)
{
	char path[64];
	struct buf b = { 0 };
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)getpid());
	if (fs_read(path, 1 << 16, &b, &err))
		return 0;
	pid = (pid_t)strtol(buf_str(&b), NULL, 10);
	buf_release(&b);
	return pid;
}

TEST(a_dead_keeper_is_noticed)
{
	struct played second;
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "none", NULL },
		.stdin_fd = -1,
	};
	uint64_t deadline = clock_ms() + WAIT_MS;
	pid_t keeper;

	close_cell();
	/* Make it a child of this process, so that its id is known. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	open_cell(NULL, NULL);
	put_attack();
	start_spinner(&p);
	start_spinner(&second);
	wait_for_cpu(&p);
	keeper = find_keeper();
	if (!keeper) {
		drop_job(&second);
		SKIP("this kernel does not list children");
	}
	ck_assert(!kill(keeper, SIGKILL));
	wait_for_end_of(&p);
	wait_for_end_of(&second);
	while (!times_lost) {
		ck_assert(clock_ms() < deadline);
		turn(&p, 1);
	}
	ck_assert_int_eq(p.end.cause, SANDBOX_END_LOST);
	ck_assert_int_eq(second.end.cause, SANDBOX_END_LOST);
	ck_assert_uint_eq(p.done, 1);
	drop_job(&second);
	ck_assert_int_eq(start_job(&second, &job), -EPIPE);
	sandbox_handle_messages(cell);
	ck_assert_uint_eq(times_lost, 1);
	waitpid(keeper, NULL, 0);
}

/* In a child: a sandbox with a job that spins and holds a pipe open. */
static void play_daemon(int ready)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "spin", NULL },
		.stdin_fd = ready, /* the job's stdin, so that it stays open */
	};

	open_cell(NULL, NULL);
	put_attack();
	ck_assert(!start_job(&p, &job));
	wait_for_cpu(&p);
	ck_assert_int_eq(write(ready, "x", 1), 1);
	for (;;)
		pause();
}

TEST(a_cell_does_not_outlive_its_daemon)
{
	int fd[2];
	pid_t pid;
	char c;

	close_cell();
	ck_assert(!pipe2(fd, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		close(fd[0]);
		play_daemon(fd[1]);
	}
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The job held the other end open. */
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = fd[0] }, 1, WAIT_MS), 1);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	close(fd[0]);
	open_cell(NULL, NULL);
}

static void on_done_free(void *ctx, struct sandbox_run *run,
			 const struct sandbox_end *end)
{
	(void)end;
	*(bool *)ctx = true;
	sandbox_run_free(run);
	sandbox_free(cell);
}

TEST(a_cell_may_be_freed_in_a_callback)
{
	bool done = false;
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "none", NULL },
		.env = (char *[]){ NULL },
		.cwd = SANDBOX_TMP_DIR,
		.stdin_fd = -1,
		.on_done = on_done_free,
		.ctx = &done,
	};
	struct sandbox_run *run;
	struct pollfd fd = { .fd = sandbox_fd(cell), .events = POLLIN };

	must(sandbox_start_job(cell, &job, &run, &err));
	while (!done) {
		ck_assert_int_eq(poll(&fd, 1, WAIT_MS), 1);
		sandbox_handle_messages(cell);
	}
	cell = NULL;
}
