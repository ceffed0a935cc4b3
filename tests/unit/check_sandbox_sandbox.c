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

/* Wait until all writers of the stdout pipe have closed it. */
static void wait_for_hangup(const struct played *job)
{
	struct pollfd fd = { .fd = sandbox_run_pipe(job->run, 0) };

	ck_assert_int_eq(poll(&fd, 1, WAIT_MS), 1);
	ck_assert_int_eq(fd.revents, POLLHUP);
}

/* Wait until the job has used CPU time. */
static void wait_for_cpu(struct played *job)
{
	uint64_t deadline = clock_ms() + WAIT_MS;

	while (!sandbox_run_cpu_ms(job->run)) {
		ck_assert(clock_ms() < deadline);
		turn(job, 1);
	}
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE_ONCE(make_attack, remove_attack);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(sandbox_layers_lists_the_isolation_layers)
{
	static const char *const layers[] = {
		" mount",   " pid",        " ipc",          " uts",
		" net",     " pivot_root", " capabilities", " no_new_privs",
		" seccomp", " rlimits",
	};

	ck_assert(str_starts(sandbox_layers(cell), "user ") ||
		  str_starts(sandbox_layers(cell), "uid "));

	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++)
		ck_assert_msg(strstr(sandbox_layers(cell), layers[i]) != NULL,
			      "%s", layers[i]);
}

TEST(a_job_can_read_an_input_root_file_until_it_is_removed)
{
	ck_assert(!put_text("/tmp-x/a", "1"));
	run_attack(&p, "read", "/tmp-x/a");
	ck_assert_int_eq(WEXITSTATUS(p.end.status), 1);
	drop_job(&p);
	must(sandbox_remove_path(cell, "/tmp-x", &err));
	run_attack(&p, "read", "/tmp-x/a");
	must_be_well(&p);
}

TEST(client_roots_are_created_and_must_be_normalized_paths)
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

TEST(a_full_input_root_rejects_files_until_space_is_freed)
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
	/* With free space, files are accepted again and a job runs. */
	must(sandbox_remove_path(cell, "/many", &err));
	ck_assert(!put_text("/again", "x"));
	run_attack(&p, "none", NULL);
	must_be_well(&p);
	close(fd);
}

TEST(thirty_two_concurrent_jobs_succeed)
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

TEST(freeing_a_sandbox_kills_its_jobs)
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
static pid_t find_sandbox_init(void)
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

TEST(jobs_are_lost_and_rejected_after_the_death_of_sandbox_init)
{
	struct played second;
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "none", NULL },
		.stdin_fd = -1,
	};
	uint64_t deadline = clock_ms() + WAIT_MS;
	pid_t init_pid;

	close_cell();
	/* Reparent sandbox init to this process to find its PID. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	open_cell(NULL, NULL);
	put_attack();
	start_spinner(&p);
	start_spinner(&second);
	wait_for_cpu(&p);
	init_pid = find_sandbox_init();
	if (!init_pid) {
		drop_job(&second);
		SKIP("this kernel does not list children");
	}
	ck_assert(!kill(init_pid, SIGKILL));
	wait_for_hangup(&p);
	wait_for_hangup(&second);
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
	waitpid(init_pid, NULL, 0);
}

/* Run in a child a sandbox with a job that spins and holds a pipe open. */
static void run_daemon(int ready)
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

TEST(killing_the_daemon_kills_the_jobs_of_its_sandbox)
{
	int fd[2];
	pid_t pid;
	char c;

	close_cell();
	ck_assert(!pipe2(fd, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		close(fd[0]);
		run_daemon(fd[1]);
	}
	close(fd[1]);
	ck_assert_int_eq(read(fd[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Only the job still held the other end open. */
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

TEST(a_sandbox_can_be_freed_in_the_on_done_callback)
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
