/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "../lib/test.h"

#include "tree/worker.h"

#include "base/clock.h"

#include <sys/mman.h>

static struct err err;
static struct strv heard;
static atomic_bool cancel;

static void on_progress(void *ctx, const char *word, uint64_t done,
			uint64_t total)
{
	(void)ctx;
	strv_addf(&heard, "%s %d/%d", word, (int)done, (int)total);
}

static void on_note(void *ctx, const char *text)
{
	(void)ctx;
	strv_add(&heard, text);
}

static void cancel_soon(void *ctx)
{
	unsigned *ticks = ctx;

	if (++*ticks == 3)
		atomic_store(&cancel, true);
}

static struct tree_observer watch = { .on_progress = on_progress,
				      .on_note = on_note };

static void set_up(void)
{
	strv_release(&heard);
	atomic_store(&cancel, false);
}

static int does_its_work(struct tree_worker *w, void *arg, struct err *e)
{
	(void)e;
	tree_worker_report_progress(w, TREE_PHASE_RECEIVING, 1, 2);
	tree_worker_report_progress(w, TREE_PHASE_RESOLVING, 3, 4);
	tree_worker_report_note(w, "%s", (const char *)arg);
	return 0;
}

FIXTURE(set_up, NULL);
TIMEOUT(60);

TEST(what_a_child_says_arrives)
{
	char text[] = "done";

	must(tree_worker_run(&watch, does_its_work, text, &err));
	ck_assert_uint_eq(heard.n, 3);
	ck_assert_str_eq(heard.v[0], "receiving objects 1/2");
	ck_assert_str_eq(heard.v[1], "resolving deltas 3/4");
	ck_assert_str_eq(heard.v[2], "done");
}

static int fails(struct tree_worker *w, void *arg, struct err *e)
{
	(void)w;
	(void)arg;
	return err_set(e, ENOTDIR, "words");
}

TEST(an_error_comes_with_its_words)
{
	err_is(tree_worker_run(&watch, fails, NULL, &err), -ENOTDIR, "words");
}

static int dies(struct tree_worker *w, void *arg, struct err *e)
{
	(void)w;
	(void)e;
	signal(*(int *)arg, SIG_DFL);
	raise(*(int *)arg);
	return 0;
}

TEST(a_death_is_an_error)
{
	int number = SIGKILL;

	ck_assert_int_eq(tree_worker_run(&watch, dies, &number, &err), -EIO);
	text_has(err.text, "signal 9");
	/* On a full disk, a write through mmap(2) raises SIGBUS. */
	number = SIGBUS;
	ck_assert_int_eq(tree_worker_run(&watch, dies, &number, &err), -ENOSPC);
}

static int hangs(struct tree_worker *w, void *arg, struct err *e)
{
	(void)e;
	tree_worker_set_network_wait(w, *(bool *)arg);
	sleep(60);
	return 0;
}

TEST(a_silent_server_is_given_up)
{
	struct tree_observer strict = { .max_silence_s = 1 };
	bool network = true;
	uint64_t start = clock_ms();

	err_is(tree_worker_run(&strict, hangs, &network, &err), -ETIMEDOUT,
	       "server timeout: no data for 1 s");
	ck_assert_uint_ge(clock_ms() - start, 1000);
	ck_assert_uint_le(clock_ms() - start, 50000);
}

static int hangs_at_the_second_remote(struct tree_worker *w, void *arg,
				      struct err *e)
{
	(void)arg;
	(void)e;
	tree_worker_begin_remote(w, "https://example.org/a");
	tree_worker_begin_remote(w, "https://example.org/b");
	tree_worker_set_network_wait(w, true);
	pause();
	return 0;
}

TEST(a_timeout_names_the_remote)
{
	unsigned n_remotes = 0;
	struct tree_observer strict = { .max_silence_s = 1,
					.n_remotes = &n_remotes };

	err_is(tree_worker_run(&strict, hangs_at_the_second_remote, NULL, &err),
	       -ETIMEDOUT,
	       "https://example.org/b: server timeout: no data for 1 s");
	ck_assert_uint_eq(n_remotes, 2);
}

TEST(what_does_not_wait_for_a_server_may_take_its_time)
{
	unsigned ticks = 0;
	struct tree_observer strict = { .max_silence_s = 1,
					.on_tick = cancel_soon,
					.ctx = &ticks,
					.cancel = &cancel };
	bool network = false;

	ticks = (unsigned)-20;
	ck_assert_int_eq(tree_worker_run(&strict, hangs, &network, &err),
			 -ECANCELED);
}

static int talks_for_4_seconds(struct tree_worker *w, void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	tree_worker_set_network_wait(w, true);
	for (int i = 0; i < 40; i++) {
		usleep(100000);
		tree_worker_report_alive(w);
	}
	return 0;
}

TEST(a_slow_server_is_not_given_up)
{
	struct tree_observer strict = { .max_silence_s = 3 };

	must(tree_worker_run(&strict, talks_for_4_seconds, NULL, &err));
}

TEST(a_cancelled_child_ends_at_once)
{
	unsigned ticks = 0;
	struct tree_observer cancelled = { .on_tick = cancel_soon,
					   .ctx = &ticks,
					   .cancel = &cancel };
	bool network = true;
	uint64_t start = clock_ms();

	ck_assert_int_eq(tree_worker_run(&cancelled, hangs, &network, &err),
			 -ECANCELED);
	ck_assert_uint_le(clock_ms() - start, 50000);
}

static int writes_its_pid(struct tree_worker *w, void *arg, struct err *e)
{
	(void)w;
	(void)e;
	*(volatile pid_t *)arg = getpid();
	sleep(60);
	return 0;
}

TEST(a_child_ends_with_who_waits_for_it)
{
	pid_t *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent;

	ck_assert_ptr_ne(child, MAP_FAILED);
	parent = fork();
	if (!parent) {
		tree_worker_run(&watch, writes_its_pid, child, &err);
		_exit(0);
	}
	while (!*(volatile pid_t *)child)
		usleep(10000);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	for (int i = 0; i < 6000 && !kill(*child, 0); i++) {
		char *path = xasprintf("/proc/%d/exe", (int)*child), to[9];
		/* A zombie of another parent counts as ended. */
		bool gone = readlink(path, to, sizeof(to)) < 0;

		free(path);
		if (gone)
			return;
		usleep(10000);
	}
	ck_assert(kill(*child, 0) && errno == ESRCH);
}
