/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-run.h"

FIXTURE(run_set_up, run_tear_down);

TEST(the_output_of_make_is_logged_and_reported_as_events)
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

TEST(a_failed_make_returns_its_exit_status)
{
	char *targets[] = { (char[]){ "broken" }, NULL };

	start();
	ck_assert_int_eq(kernel_build_run_make(&run, NULL, targets, &err), 2);
	diag_log_end(&run.log);
	ck_assert_uint_eq(run.log.n_errors, 1);
	kernel_build_end(&run);
}

TEST(a_program_killed_by_a_signal_counts_as_failed)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char[]){ "kill -9 $$" }, NULL };

	start();
	ck_assert_int_eq(kernel_build_run_program(&run, argv, "/", &err),
			 KERNEL_STATUS_FAILED);
	kernel_build_end(&run);
}

TEST(captured_output_of_make_is_not_logged)
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
