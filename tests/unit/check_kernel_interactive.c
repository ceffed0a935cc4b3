/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/interactive.h"

#include "../lib/test.h"
#include "kernel-run.h"
#include "kernel/builddir.h"
#include "kernel/config.h"

static struct kernel_result result;
static char *said; /* output on stdout */

static void set_up(void)
{
	run_set_up();
	req.output_dir = NULL;
	result = (struct kernel_result){ 0 };
}

static void tear_down(void)
{
	kernel_result_release(&result);
	free(said);
	run_tear_down();
}

/* Run with `in` as standard input and standard output in `said`. */
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
	free(said);
	said = get_file(output);
	free(output);
	free(input);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(an_answer_is_all_that_is_on_stdout)
{
	run_targets("kernelrelease", "");
	ck_assert_msg(!result.status, "%s %s", err.text,
		      result.summary ? result.summary : "");
	ck_assert_str_eq(said, "6.1.7-rc3-mini\n");
	ck_assert_ptr_null(result.summary);
	ck_assert(!stands(".cache/kfarm/builds"));
	ck_assert(!fs_exists(out_dir));
}

TEST(what_the_tree_alone_tells_makes_no_directory)
{
	run_targets("kernelversion", "");
	ck_assert_int_eq(result.status, 0);
	ck_assert_str_eq(said, "6.1.7\n");
	ck_assert(!fs_exists(plan.builddir.dir));
}

TEST(a_finished_configuration_is_not_made_again)
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

TEST(makes_status_is_ours)
{
	run_targets("no-help", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_str_eq(err.text, "");
}

/* The configuration is made first. */
TEST(a_failure_of_make_is_not_one_of_the_configuration)
{
	req.kconfig = "defconfig";
	run_targets("nconfig", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_int_eq(result.cause, KERNEL_CAUSE_OTHER);
}

TEST(a_configuration_that_fails_says_why)
{
	put_file("linux/Makefile",
		 "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\n"
		 "defconfig:\n\t@echo it rains; exit 1\n",
		 0644);
	run_targets("kernelrelease", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_int_eq(result.cause, KERNEL_CAUSE_CONFIG);
	ck_assert(result.summary && strstr(result.summary, "it rains\n"));
	ck_assert_str_eq(said, "");
}

TEST(who_is_asked_is_at_stdin_and_the_answer_is_kept)
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
	/* Without an answer, make fails, and no event is sent. */
	strv_release(&req.targets);
	kernel_result_release(&result);
	run_targets("nconfig", "");
	ck_assert_int_eq(result.status, 2);
	ck_assert_ptr_null(result.summary);
}

TEST(while_somebody_is_asked_nobody_builds_there)
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
 * In a child: a signal to kfarm alone reaches make too.  A signal from the
 * terminal is not sent twice (tests/farm/foreground.sh).
 */
TEST(a_signal_is_passed_on)
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
