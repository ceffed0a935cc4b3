/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "../lib/test.h"

#include "tree/worker.h"

#include "base/clock.h"

#include <sys/mman.h>

static struct err err;
static struct strv received;
static atomic_bool cancel;

static void on_progress(void *ctx, const char *word, uint64_t done,
			uint64_t total)
{
	(void)ctx;
	strv_addf(&received, "%s %d/%d", word, (int)done, (int)total);
}

static void on_note(void *ctx, const char *text)
{
	(void)ctx;
	strv_add(&received, text);
}

static void cancel_soon(void *ctx)
{
	unsigned *ticks = ctx;

	if (++*ticks == 3)
		atomic_store(&cancel, true);
}

static struct tree_observer observer = { .on_progress = on_progress,
					 .on_note = on_note };

static void set_up(void)
{
	strv_release(&received);
	atomic_store(&cancel, false);
}

static int send_reports(struct tree_worker *w, void *arg, struct err *e)
{
	(void)e;
	tree_worker_report_progress(w, TREE_PHASE_RECEIVING, 1, 2);
	tree_worker_report_progress(w, TREE_PHASE_RESOLVING, 3, 4);
	tree_worker_report_note(w, "%s", (const char *)arg);
	return 0;
}

FIXTURE(set_up, NULL);
TIMEOUT(60);

TEST(progress_and_notes_of_the_worker_are_delivered)
{
	char text[] = "done";

	must(tree_worker_run(&observer, send_reports, text, &err));
	ck_assert_uint_eq(received.n, 3);
	ck_assert_str_eq(received.v[0], "receiving objects 1/2");
	ck_assert_str_eq(received.v[1], "resolving deltas 3/4");
	ck_assert_str_eq(received.v[2], "done");
}

static int return_error(struct tree_worker *w, void *arg, struct err *e)
{
	(void)w;
	(void)arg;
	return err_set(e, ENOTDIR, "words");
}

TEST(an_error_of_the_worker_is_returned_with_its_text)
{
	err_is(tree_worker_run(&observer, return_error, NULL, &err), -ENOTDIR,
	       "words");
}

static int raise_signal(struct tree_worker *w, void *arg, struct err *e)
{
	(void)w;
	(void)e;
	signal(*(int *)arg, SIG_DFL);
	raise(*(int *)arg);
	return 0;
}

TEST(a_worker_killed_by_a_signal_is_an_error)
{
	int number = SIGKILL;

	ck_assert_int_eq(
		tree_worker_run(&observer, raise_signal, &number, &err), -EIO);
	text_has(err.text, "signal 9");
	/* On a full disk, a write through mmap(2) raises SIGBUS. */
	number = SIGBUS;
	ck_assert_int_eq(
		tree_worker_run(&observer, raise_signal, &number, &err),
		-ENOSPC);
}

static int hang(struct tree_worker *w, void *arg, struct err *e)
{
	(void)e;
	tree_worker_set_network_wait(w, *(bool *)arg);
	sleep(60);
	return 0;
}

TEST(a_silent_server_times_out)
{
	struct tree_observer strict = { .max_silence_s = 1 };
	bool network = true;
	uint64_t start = clock_ms();

	err_is(tree_worker_run(&strict, hang, &network, &err), -ETIMEDOUT,
	       "server timeout: no data for 1 s");
	ck_assert_uint_ge(clock_ms() - start, 1000);
	ck_assert_uint_le(clock_ms() - start, 50000);
}

static int hang_at_the_second_remote(struct tree_worker *w, void *arg,
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

	err_is(tree_worker_run(&strict, hang_at_the_second_remote, NULL, &err),
	       -ETIMEDOUT,
	       "https://example.org/b: server timeout: no data for 1 s");
	ck_assert_uint_eq(n_remotes, 2);
}

TEST(the_timeout_applies_only_to_network_waits)
{
	unsigned ticks = 0;
	struct tree_observer strict = { .max_silence_s = 1,
					.on_tick = cancel_soon,
					.ctx = &ticks,
					.cancel = &cancel };
	bool network = false;

	ticks = (unsigned)-20;
	ck_assert_int_eq(tree_worker_run(&strict, hang, &network, &err),
			 -ECANCELED);
}

static int report_for_4_seconds(struct tree_worker *w, void *arg, struct err *e)
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

TEST(a_slow_but_active_server_does_not_time_out)
{
	struct tree_observer strict = { .max_silence_s = 3 };

	must(tree_worker_run(&strict, report_for_4_seconds, NULL, &err));
}

TEST(a_cancelled_worker_ends_before_its_work_is_done)
{
	unsigned ticks = 0;
	struct tree_observer cancelled = { .on_tick = cancel_soon,
					   .ctx = &ticks,
					   .cancel = &cancel };
	bool network = true;
	uint64_t start = clock_ms();

	ck_assert_int_eq(tree_worker_run(&cancelled, hang, &network, &err),
			 -ECANCELED);
	ck_assert_uint_le(clock_ms() - start, 50000);
}

static int write_pid_and_sleep(struct tree_worker *w, void *arg, struct err *e)
{
	(void)w;
	(void)e;
	*(volatile pid_t *)arg = getpid();
	sleep(60);
	return 0;
}

TEST(a_worker_ends_when_its_parent_is_killed)
{
	pid_t *child = mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent;

	ck_assert_ptr_ne(child, MAP_FAILED);
	parent = fork();
	if (!parent) {
		tree_worker_run(&observer, write_pid_and_sleep, child, &err);
		_exit(0);
	}
	while (!*(volatile pid_t *)child)
		usleep(10000);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	for (int i = 0; i < 6000 && !kill(*child, 0); i++) {
		char *path = xasprintf("/proc/%d/exe", (int)*child), to[9];
		/* A zombie of another parent counts as ended. */
		bool has_ended = readlink(path, to, sizeof(to)) < 0;

		free(path);
		if (has_ended)
			return;
		usleep(10000);
	}
	ck_assert(kill(*child, 0) && errno == ESRCH);
}
