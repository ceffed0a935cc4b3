/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/sandbox.h"

#include "../lib/process-state.h"
#include "../lib/test.h"
#include "sandbox.h"
#include "sandbox/internal.h"

#include <sched.h>
#include <sys/mman.h>

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

static struct sandbox_job attack(char **argv)
{
	return (struct sandbox_job){ .argv = argv, .stdin_fd = -1 };
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE_ONCE(make_attack, remove_attack);
FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(the_exit_status_of_the_program_is_reported)
{
	run_attack(&p, "exit", "42");
	ck_assert_int_eq(p.end.cause, SANDBOX_END_EXITED);
	ck_assert(WIFEXITED(p.end.status));
	ck_assert_int_eq(WEXITSTATUS(p.end.status), 42);
	ck_assert_uint_gt(p.end.peak_kib, 0);
}

TEST(abort_kills_the_first_process_of_a_job)
{
	run_attack(&p, "abort", NULL);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_EXITED);
	ck_assert(WIFSIGNALED(p.end.status));
}

/* No process has the pipes open after done() was called. */
static void check_pipes_end(void)
{
	char c;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(read(sandbox_run_pipe(p.run, i), &c, 1), 0);
}

TEST(a_sleeping_job_is_killed_at_its_deadline)
{
	char *argv[] = { ATTACK, "sleep", NULL };
	struct sandbox_job job = attack(argv);

	job.deadline_ms = 100;
	run_job(&p, &job);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_DEADLINE);
	ck_assert_uint_ge(p.end.wall_ms, 100);
	check_pipes_end();
}

static bool is_stopped(void)
{
	return p.run->pid && process_state(p.run->pid) == 'T';
}

static void wait_until_stopped(bool stopped)
{
	uint64_t deadline = clock_ms() + WAIT_MS;

	while (is_stopped() != stopped) {
		ck_assert(clock_ms() < deadline);
		turn(&p, 1);
	}
}

/* The wall time of a job does not include its pauses. */
TEST(a_paused_job_stops_and_continues)
{
	char *argv[] = { ATTACK, "sleep", NULL };
	struct sandbox_job job = attack(argv);
	uint64_t start_ms = clock_ms(), paused_ms;

	ck_assert(!start_job(&p, &job));
	/* Until its setsid(), a job has no process group of its own. */
	while (!is_stopped()) {
		ck_assert_uint_lt(clock_ms(), start_ms + WAIT_MS);
		sandbox_run_set_paused(p.run, false);
		sandbox_run_set_paused(p.run, true);
		turn(&p, 1);
	}
	paused_ms = clock_ms();
	sandbox_run_set_paused(p.run, true); /* has no effect */
	while (clock_ms() < paused_ms + 200)
		turn(&p, 1);
	ck_assert(is_stopped());
	sandbox_run_set_paused(p.run, false);
	wait_until_stopped(false);
	sandbox_run_set_paused(p.run, true);
	wait_until_stopped(true);
	sandbox_run_kill(p.run); /* also while it is paused */
	wait_all(&p, 1);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_CANCELLED);
	ck_assert_uint_le(p.end.wall_ms + 200, clock_ms() - start_ms);
	/* Pausing a job that has ended has no effect. */
	sandbox_run_set_paused(p.run, true);
	check_pipes_end();
}

TEST(orphans_of_a_job_end_with_the_job)
{
	run_attack(&p, "orphan", NULL);
	ck_assert(ended_well(&p));
	check_pipes_end();
}

/* Return the only CPU of a running job; -1 if it has several. */
static int cpu_of_job(void)
{
	uint64_t deadline = clock_ms() + WAIT_MS;
	cpu_set_t set;

	while (!p.run->pid) {
		ck_assert(clock_ms() < deadline);
		turn(&p, 1);
	}
	ck_assert(!sched_getaffinity(p.run->pid, sizeof(set), &set));
	for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) == 1; cpu++) {
		if (CPU_ISSET(cpu, &set))
			return cpu;
	}
	return -1;
}

static const char *set_cpus(const void *cpus)
{
	return sched_setaffinity(0, sizeof(cpu_set_t), cpus) ? "affinity" :
							       NULL;
}

/* Each CPU that this program can use, then one that does not exist. */
TEST(a_job_runs_on_the_given_cpus)
{
	char *argv[] = { ATTACK, (char *)"sleep", NULL };
	struct sandbox_job job = attack(argv);
	cpu_set_t own_cpus, one;

	job.prepare = set_cpus;
	job.prepare_arg = &one;
	job.prepare_bytes = sizeof(one);
	ck_assert(!sched_getaffinity(0, sizeof(own_cpus), &own_cpus));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &own_cpus))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ck_assert(!start_job(&p, &job));
		ck_assert_int_eq(cpu_of_job(), cpu);
		drop_job(&p);
	}
	CPU_ZERO(&one);
	CPU_SET(CPU_SETSIZE - 1, &one);
	run_job(&p, &job);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_NOT_STARTED);
	text_starts(p.end.detail, "prepare affinity: ");
}

TEST(killing_a_job_kills_all_its_processes)
{
	char *argv[] = { ATTACK, "spin", NULL };
	struct sandbox_job job = attack(argv);
	uint64_t deadline = clock_ms() + WAIT_MS;

	ck_assert(!start_job(&p, &job));
	/* The CPU time includes that of the running grandchild. */
	while (sandbox_run_cpu_ms(p.run) < 50) {
		ck_assert(clock_ms() < deadline);
		turn(&p, 1);
	}
	sandbox_run_kill(p.run);
	sandbox_run_kill(p.run);
	wait_all(&p, 1);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_CANCELLED);
	ck_assert_uint_eq(sandbox_run_cpu_ms(p.run), p.end.cpu_ms);
	sandbox_run_kill(p.run);
	check_pipes_end();
}

TEST(a_freed_job_is_not_reported_as_ended)
{
	char *argv[] = { ATTACK, "sleep", NULL };
	struct sandbox_job job = attack(argv);
	struct played freed;

	ck_assert(!start_job(&freed, &job));
	sandbox_run_free(freed.run);
	for (int i = 0; i < 20; i++) {
		run_attack(&p, "exit", "0");
		must_be_well(&p);
		drop_job(&p);
	}
	ck_assert_uint_eq(freed.done, 0);
}

TEST(an_error_names_a_missing_program)
{
	run_argv(&p, (char *[]){ "/bin/nothing", NULL });
	ck_assert_int_eq(p.end.cause, SANDBOX_END_NOT_STARTED);
	ck_assert_int_eq(p.end.error, ENOENT);
	ck_assert_str_eq(p.end.detail,
			 "exec /bin/nothing: No such file or directory");
	ck_assert_int_eq(sandbox_run_open_output(p.run, "x", &(uint64_t){ 0 }),
			 -ENOENT);
}

TEST(an_error_names_a_missing_directory)
{
	char *argv[] = { ATTACK, "exit", "0", NULL };
	struct sandbox_job job = attack(argv);

	job.cwd = "/no/such";
	run_job(&p, &job);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_NOT_STARTED);
	ck_assert_int_eq(p.end.error, ENOENT);
	ck_assert_str_eq(p.end.detail,
			 "cwd /no/such: No such file or directory");
}

TEST(a_job_starts_with_a_copy_of_its_input_file)
{
	char *argv[] = { ATTACK, "exit", "0", NULL }, back[16];
	struct sandbox_job job = attack(argv);
	int input = open_unnamed(), fd;
	uint64_t size = 0;

	ck_assert_int_eq(write(input, "what is given", 13), 13);
	job.input_name = "given.o";
	job.input_fd = input;
	run_job(&p, &job);
	must_be_well(&p);
	ck_assert_int_eq(lseek(input, 0, SEEK_CUR), 13);
	fd = sandbox_run_open_output(p.run, "given.o", &size);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(size, 13);
	ck_assert_int_eq(read(fd, back, sizeof(back)), 13);
	ck_assert_mem_eq(back, "what is given", 13);
	close(fd);
	drop_job(&p);
	job.input_name = "../given.o";
	ck_assert_int_eq(start_job(&p, &job), -EINVAL);
	close(input);
	input = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	job.input_name = "given.o";
	job.input_fd = input;
	run_job(&p, &job);
	ck_assert_int_eq(p.end.cause, SANDBOX_END_NOT_STARTED);
	text_starts(p.end.detail, "copy given.o: ");
	close(input);
}

TEST(a_given_stdout_descriptor_replaces_the_pipe_of_a_job)
{
	char *argv[] = { ATTACK, "exit", "0", NULL }, c;
	struct sandbox_job job = attack(argv);
	int fd[2];

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
	job.stdout_fd = fd[1];
	ck_assert(!start_job(&p, &job));
	close(fd[1]);
	wait_all(&p, 1);
	must_be_well(&p);
	ck_assert_int_eq(sandbox_run_pipe(p.run, 0), -1);
	ck_assert_int_ge(sandbox_run_pipe(p.run, 1), 0);
	ck_assert_int_eq(read(fd[0], &c, 1), 0);
	close(fd[0]);
}

TEST(only_a_regular_file_with_one_link_is_opened_as_output)
{
	uint64_t size = 0;
	int fd;

	run_attack(&p, "outputs", "/etc/passwd");
	must_be_well(&p);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "link", &size), -EPERM);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "inner", &size),
			 -EPERM);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "plain", &size),
			 -EPERM);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "second", &size),
			 -EPERM);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "dir", &size), -EPERM);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "none", &size),
			 -ENOENT);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "..", &size), -EINVAL);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "", &size), -EINVAL);
	ck_assert_int_eq(sandbox_run_open_output(p.run, "../out/b", &size),
			 -EINVAL);
	drop_job(&p);

	run_attack(&p, "none", NULL);
	must_be_well(&p);
	fd = sandbox_run_open_output(p.run, "b", &size);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(size, 0);
	close(fd);
}

TEST(the_outputs_of_a_running_job_cannot_be_opened)
{
	char *argv[] = { ATTACK, "sleep", NULL };
	struct sandbox_job job = attack(argv);
	uint64_t size;

	ck_assert(!start_job(&p, &job));
	ck_assert_int_eq(sandbox_run_open_output(p.run, "x", &size), -EBUSY);
}

TEST(starting_an_invalid_job_returns_an_error)
{
	char *long_argument = xcalloc(1, SANDBOX_ARGS_MAX + 1);
	char *argv[] = { ATTACK, "exit", long_argument, NULL };
	struct sandbox_job job = attack(argv);

	memset(long_argument, 'x', SANDBOX_ARGS_MAX);
	ck_assert_int_eq(start_job(&p, &job), -E2BIG);
	argv[2] = "0";
	argv[0] = NULL;
	ck_assert_int_eq(start_job(&p, &job), -EINVAL);
	ck_assert_str_ne(err.text, "");
	free(long_argument);
}

/* The kernel limits each argument to 128 KiB. */
TEST(a_job_starts_with_an_argument_of_100_000_bytes)
{
	char *long_argument = xcalloc(1, 100001);
	char *argv[] = { ATTACK, "exit", "7", long_argument, NULL };
	struct sandbox_job job = attack(argv);

	memset(long_argument, 'x', 100000);
	run_job(&p, &job);
	ck_assert_int_eq(WEXITSTATUS(p.end.status), 7);
	free(long_argument);
}
