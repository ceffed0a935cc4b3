/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/* threads: short */
#include "../lib/test.h"

#include "base/buf.h"
#include "base/pool.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 1000

struct job {
	struct pool_work work;
	pthread_t ran_on;
	unsigned order; /* order of the report */
	bool ran;
};

static struct event_base *base;
static struct pool *pool;
static struct job jobs[MANY];
static unsigned reported;
static atomic_bool may_go;

static void run(struct pool_work *w)
{
	struct job *job = (struct job *)w;

	job->ran_on = pthread_self();
	job->ran = true;
}

static void run_when_told(struct pool_work *w)
{
	while (!atomic_load(&may_go))
		;
	run(w);
}

static void done(struct pool_work *w)
{
	struct job *job = (struct job *)w;

	job->order = reported++;
	if (reported == MANY)
		event_base_loopbreak(base);
}

static void add(unsigned i, void (*how)(struct pool_work *w))
{
	jobs[i].work.run = how;
	jobs[i].work.on_done = done;
	pool_add(pool, &jobs[i].work);
}

static void setup(void)
{
	base = event_base_new();
}

static void teardown(void)
{
	pool_free(pool);
	event_base_free(base);
}

FIXTURE(setup, teardown);
TIMEOUT(60);

TEST(work_runs_on_another_thread_and_is_reported_in_order)
{
	pool = pool_new(base, 1);
	for (unsigned i = 0; i < MANY; i++)
		add(i, run);
	event_base_dispatch(base);
	ck_assert_uint_eq(reported, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert(jobs[i].ran);
		ck_assert(!pthread_equal(jobs[i].ran_on, pthread_self()));
		ck_assert_uint_eq(jobs[i].order, i);
	}
}

TEST(two_threads_execute_all_work)
{
	pool = pool_new(base, 2);
	for (unsigned i = 0; i < MANY; i++)
		add(i, run);
	event_base_dispatch(base);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert(jobs[i].ran);
}

TEST(pool_free_reports_all_pending_work)
{
	pool = pool_new(base, 1);
	add(0, run_when_told);
	for (unsigned i = 1; i < 50; i++)
		add(i, run);
	atomic_store(&may_go, true);
	pool_free(pool);
	pool = NULL;
	ck_assert_uint_eq(reported, 50);
}

static const struct limit {
	int resource;
	const char *message;
} limits[] = {
	{ RLIMIT_NOFILE,
	  "kfarm: cannot start worker threads: Too many open files\n" },
	{ RLIMIT_NPROC,
	  "kfarm: cannot start worker threads: Resource temporarily "
	  "unavailable; raise the limit of processes (ulimit -u, TasksMax)\n" },
};

static _Noreturn void make_pool_at_limit(const struct limit *limit,
					 int stderr_fd)
{
	static const struct rlimit none;

	/* RLIMIT_NPROC does not apply to root. */
	if (dup2(stderr_fd, STDERR_FILENO) < 0 ||
	    (!geteuid() && setresuid(65534, 65534, 65534)) ||
	    setrlimit((__rlimit_resource_t)limit->resource, &none))
		_exit(2);
	pool_new(base, 1);
	_exit(0);
}

TEST_EACH(a_reached_limit_is_not_reported_as_lack_of_memory, limits)
{
	struct buf message = { 0 };
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		make_pool_at_limit(row, fds[1]);
	close(fds[1]);
	ck_assert_int_eq(buf_read(&message, fds[0], 4096), 0);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_str_eq(buf_str(&message), row->message);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	buf_release(&message);
}
