/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-run.h"

FIXTURE(run_set_up, run_tear_down);

TEST(make_runs_in_the_tree_and_writes_to_the_log)
{
	char *targets[] = { (char[]){ "noisy" }, NULL };
	char *log, *path;

	start();
	buf_reset(&told);
	must(kernel_build_run_make(&run, NULL, targets, &err));
	diag_log_end(&run.log);
	ck_assert_str_eq(buf_str(&told), "warning a.c:1:2: warning: w [-Wx]\n");
	path = at("out/build.log");
	log = get_file(path);
	ck_assert_str_eq(log, "a.c:1:2: warning: w [-Wx]\n");
	free(log);
	free(path);
	kernel_build_end(&run);
}

TEST(a_failed_make_is_an_exit_status)
{
	char *targets[] = { (char[]){ "broken" }, NULL };

	start();
	ck_assert_int_eq(kernel_build_run_make(&run, NULL, targets, &err), 2);
	diag_log_end(&run.log);
	ck_assert_uint_eq(run.log.n_errors, 1);
	kernel_build_end(&run);
}

TEST(a_death_by_signal_is_a_failure)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char[]){ "kill -9 $$" }, NULL };

	start();
	ck_assert_int_eq(kernel_build_run_program(&run, argv, "/", &err),
			 KERNEL_STATUS_FAILED);
	kernel_build_end(&run);
}

TEST(an_answer_is_not_in_the_log)
{
	struct buf answer = { 0 };
	char *log, *path = at("out/build.log");

	start();
	must(kernel_build_capture_make(&run, "image_name", &answer, &err));
	ck_assert_str_eq(buf_str(&answer), "arch/arm64/boot/Image.gz\n");
	log = get_file(path);
	ck_assert_str_eq(log, "");
	buf_release(&answer);
	free(log);
	free(path);
	kernel_build_end(&run);
}
