/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/interactive.h"

#include "../lib/test.h"
#include "kernel-run.h"
#include "kernel/builddir.h"
#include "kernel/config.h"

static struct kernel_result result;
static char *stdout_text; /* output of the last run_targets() */

static void set_up(void)
{
	run_set_up();
	req.output_dir = NULL;
	result = (struct kernel_result){ 0 };
}

static void tear_down(void)
{
	kernel_result_release(&result);
	free(stdout_text);
	run_tear_down();
}

/* Run targets with `in` on stdin; store their output in `stdout_text`. */
static void run_targets(const char *targets, const char *in)
{
	char *input = at("stdin"), *output = at("stdout");
	int saved[2] = { dup(0), dup(1) };

	put_file("stdin", in, 0644);
	words(&req.targets, targets);
	make_plan();
	fflush(stdout);
	dup2(open(input, O_RDONLY | O_CLOEXEC), 0);
	dup2(open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), 1);
	kernel_interactive_run(&result, &plan, &hooks, &err);
	dup2(saved[0], 0);
	dup2(saved[1], 1);
	free(stdout_text);
	stdout_text = get_file(output);
	free(output);
	free(input);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_query_target_prints_only_the_output_of_make)
{
	run_targets("kernelrelease", "");
	ck_assert_msg(!result.status, "%s %s", err.text,
		      result.summary ? result.summary : "");
	ck_assert_str_eq(stdout_text, "6.1.7-rc3-mini\n");
	ck_assert_ptr_null(result.summary);
	ck_assert(!stands(".cache/kfarm/builds"));
	ck_assert(!fs_exists(out_dir));
}

TEST(kernelversion_creates_no_build_directory)
{
	run_targets("kernelversion", "");
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(stdout_text, "6.1.7\n");
	ck_assert(!fs_exists(plan.builddir.dir));
}

TEST(a_second_query_does_not_sync_the_configuration_again)
{
	struct stat a, b;
	char *path;

	words(&req.fragments, "CONFIG_A=y");
	run_targets("kernelrelease", "");
	path = kernel_plan_path(&plan, "include/config/kernel.release");
	ck_assert_int_eq(stat(path, &a), 0);
	run_targets("image_name", "");
	ck_assert_int_eq(stat(path, &b), 0);
	ck_assert(a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
		  a.st_mtim.tv_sec == b.st_mtim.tv_sec);
	free(path);
}

TEST(the_exit_status_of_make_is_returned)
{
	run_targets("no-help", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(err.text, "");
}

/* defconfig succeeds before nconfig fails for lack of input. */
TEST(a_failed_nconfig_is_not_a_configuration_failure)
{
	req.kconfig = "defconfig";
	run_targets("nconfig", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_int_eq(result.cause, KERNEL_CAUSE_OTHER);
}

TEST(the_summary_contains_the_output_of_a_failed_configuration)
{
	put_file("linux/Makefile",
		 "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\n"
		 "defconfig:\n\t@echo it rains; exit 1\n",
		 0644);
	run_targets("kernelrelease", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_int_eq(result.cause, KERNEL_CAUSE_CONFIG);
	ck_assert(result.summary && strstr(result.summary, "it rains\n"));
	ck_assert_str_eq(stdout_text, "");
}

TEST(nconfig_reads_stdin_and_its_configuration_is_retained)
{
	char *config;

	req.kconfig = "defconfig";
	run_targets("nconfig", "5\n");
	ck_assert_msg(!result.status, "%s", err.text);
	text_has(result.summary, "same options, without nconfig");
	strv_release(&req.targets);
	words(&req.targets, "Image");
	make_plan();
	ck_assert(kernel_config_is_current(&plan));
	config = built(".config");
	ck_assert_str_eq(config, "CONFIG_LEVEL=5\n");
	free(config);
	/* Without input, make fails, and the build has no summary. */
	strv_release(&req.targets);
	kernel_result_release(&result);
	run_targets("nconfig", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_ptr_null(result.summary);
}

TEST(an_interactive_target_requires_the_build_directory_lock)
{
	struct kernel_lock lock = { .fd = -1 };

	make_plan();
	must(fs_mkdirs(plan.builddir.dir, 0755, &err));
	must(kernel_lock_take(&lock, plan.builddir.dir, &err));
	run_targets("nconfig", "5\n");
	ck_assert_int_eq(result.status, KERNEL_STATUS_SETUP);
	ck_assert_int_eq(result.cause, KERNEL_CAUSE_OTHER);
	ck_assert_msg(strstr(err.text, "in use by another build"), "%s",
		      err.text);
	kernel_lock_release(&lock);
}

/*
 * kfarm runs in a child process, which receives the signal alone.
 * tests/farm/foreground.sh checks that a signal from the terminal is not sent
 * twice.
 */
TEST(a_signal_to_kfarm_is_forwarded_to_make)
{
	char *file = NULL, *text;
	struct stat st;
	pid_t pid;
	int status;

	make_plan();
	must(fs_mkdirs(plan.builddir.dir, 0755, &err));
	file = kernel_plan_path(&plan, "pid");
	pid = fork();
	if (!pid) {
		run_targets("xconfig", "");
		_exit(result.signal ? result.signal : 100 + result.status);
	}
	for (int i = 0; i < 6000 && (stat(file, &st) || !st.st_size); i++)
		usleep(10000);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	ck_assert_int_eq(WEXITSTATUS(status), SIGTERM);
	/* make has also ended its recipe. */
	text = get_file(file);
	for (int i = 0; i < 6000 && !kill(atoi(text), 0); i++)
		usleep(10000);
	ck_assert_int_eq(kill(atoi(text), 0), -1);
	free(text);
	free(file);
}
