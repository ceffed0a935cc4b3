/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/buf.h"
#include "shell/stats.h"

#define SHELLS 8
#define TIMES  1000

static char dir[TEMPDIR_SIZE];

static void setup(void)
{
	tempdir_make(dir);
}

static void teardown(void)
{
	tempdir_remove(dir);
}

static void create_stats(void)
{
	struct err err = { 0 };

	must(shell_stats_create(dir, &err));
}

/* Run in a separate process, like a shell. */
static void run_in_shell(void (*work)(void))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		shell_stats_open(dir);
		work();
		_exit(0);
	}
}

static void wait_for_shells(void)
{
	int status;

	while (wait(&status) > 0)
		ck_assert_int_eq(status, 0);
}

static void count_often(void)
{
	for (int i = 0; i < TIMES; i++) {
		shell_stats_add(SHELL_STAT_LINES);
		shell_stats_add(SHELL_STAT_FIXDEPS);
	}
}

FIXTURE(setup, teardown);

TEST(concurrent_shells_lose_no_counts)
{
	struct shell_stats all;

	create_stats();
	for (int i = 0; i < SHELLS; i++)
		run_in_shell(count_often);
	wait_for_shells();
	shell_stats_read(dir, &all);
	ck_assert_uint_eq(all.counts[SHELL_STAT_LINES], SHELLS * TIMES);
	ck_assert_uint_eq(all.counts[SHELL_STAT_FIXDEPS], SHELLS * TIMES);
	ck_assert_uint_eq(all.counts[SHELL_STAT_FALLBACKS], 0);
}

static void count_fallback(void)
{
	char script[300];

	memset(script, 'x', sizeof(script));
	memcpy(script, "a\n\tb\377", 5);
	shell_stats_add_fallback(SHELL_FALLBACK_FUNCTION,
				 bytes_of(script, sizeof(script)));
}

TEST(a_fallback_is_logged_with_its_reason_and_the_script_start)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	struct shell_stats all;
	char *path;

	create_stats();
	run_in_shell(count_fallback);
	wait_for_shells();
	shell_stats_read(dir, &all);
	ck_assert_uint_eq(all.counts[SHELL_STAT_FALLBACKS], 1);
	path = xasprintf("%s/handed", dir);
	must(fs_read(path, 1000, &text, &err));
	ck_assert_uint_eq(text.len, strlen("function\t") + 200 + 1);
	ck_assert_mem_eq(text.data, "function\ta ?b?xxx", 17);
	ck_assert_int_eq(text.data[text.len - 1], '\n');
	buf_release(&text);
	free(path);
}

TEST(without_statistics_files_all_counts_are_zero)
{
	struct shell_stats all = { .counts = { 7 }, .n_local_steps = { 7 } };

	run_in_shell(count_often);
	run_in_shell(count_fallback);
	wait_for_shells();
	ck_assert(!shell_stats_open(dir));
	count_often(); /* in this process, which has no statistics */
	shell_stats_read(dir, &all);
	for (int i = 0; i < SHELL_N_STATS; i++)
		ck_assert_uint_eq(all.counts[i], 0);
	ck_assert_uint_eq(all.n_local_steps[0], 0);
}

/* The directory of a copy of sh can contain a file of this name. */
TEST(another_file_named_counts_is_not_changed)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	char *path = xasprintf("%s/counts", dir);
	char bytes[2 * sizeof(struct shell_stats)];

	memset(bytes, 'x', sizeof(bytes));
	must(fs_write(path, bytes_of(bytes, sizeof(bytes)), 0600, &err));
	ck_assert(!shell_stats_open(dir));
	run_in_shell(count_often);
	wait_for_shells();
	must(fs_read(path, sizeof(bytes), &text, &err));
	ck_assert(
		bytes_equal(buf_bytes(&text), bytes_of(bytes, sizeof(bytes))));
	buf_release(&text);
	free(path);
}

static void count_step(void)
{
	enum shell_step_reason why;

	if (shell_stats_is_step_enabled(1, &why))
		shell_stats_add(SHELL_STAT_STEPS);
	else
		shell_stats_add_local_step(why);
}

TEST(steps_can_be_enabled_and_disabled_repeatedly)
{
	struct shell_stats all;

	run_in_shell(count_step); /* no file is written */
	wait_for_shells();
	create_stats();
	run_in_shell(count_step);
	wait_for_shells();
	for (int i = 0; i < 2; i++) {
		shell_stats_set_steps(dir, 2, SHELL_STEP_N_REASONS);
		run_in_shell(count_step);
		wait_for_shells();
		shell_stats_set_steps(dir, 2, SHELL_STEP_REASON_OFF);
		shell_stats_set_steps(dir, 5, SHELL_STEP_N_REASONS);
		run_in_shell(count_step);
		wait_for_shells();
	}
	shell_stats_set_steps(dir, 2, SHELL_STEP_N_REASONS + 1);
	run_in_shell(count_step);
	wait_for_shells();
	shell_stats_read(dir, &all);
	ck_assert_uint_eq(all.counts[SHELL_STAT_STEPS], 2);
	ck_assert_uint_eq(all.n_local_steps[SHELL_STEP_REASON_OFF], 2);
	ck_assert_uint_eq(all.n_local_steps[SHELL_STEP_REASON_UNWANTED], 2);
}

/* Hashes with the same first index do not replace each other. */
TEST(all_identified_programs_are_remembered)
{
	const uint64_t n = SHELL_STATS_IDENTIFIED_MAX;

	create_stats();
	ck_assert(shell_stats_open(dir));
	ck_assert(!shell_stats_is_identified(0));
	for (uint64_t i = 1; i <= n; i++) {
		ck_assert(!shell_stats_is_identified(i * n));
		shell_stats_add_identified(i * n);
		shell_stats_add_identified(i * n);
	}
	for (uint64_t i = 1; i <= n; i++)
		ck_assert(shell_stats_is_identified(i * n));
	shell_stats_add_identified(n + 1);
	ck_assert(shell_stats_is_identified(n + 1));
}

TEST(create_names_a_file_that_it_cannot_create)
{
	struct err err = { 0 };

	err_is(shell_stats_create("/nowhere", &err), -ENOENT,
	       "/nowhere/counts: No such file or directory");
}
