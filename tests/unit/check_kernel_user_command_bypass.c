/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/user-command.h"

#define BUILD_SETTING "KFARM_SOCKET=/run/ours"
#define CHILDREN      8

/* A command for the shell, but a source name for kfarm. */
static char source[] = "read x #a.c", object[] = "read x #a.o";
static char dash_c[] = "-c", gcc[] = "/opt/bin/gcc",
	    build_setting[] = BUILD_SETTING;

static struct kernel_bypass_check bypass;
static pid_t child[CHILDREN];
static size_t n_children;
static int stdin_pipe[2]; /* children read from it until the test ends */
static char dir[] = "/tmp/kfarm-check.XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(pipe2(stdin_pipe, O_CLOEXEC), 0);
	n_children = 0;
	kernel_bypass_check_init(&bypass, "/run/ours");
}

static void tear_down(void)
{
	struct err err = { 0 };

	for (size_t i = 0; i < n_children; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	close(stdin_pipe[0]);
	close(stdin_pipe[1]);
	kernel_bypass_check_release(&bypass);
	fs_remove(dir, &err);
	strcpy(strrchr(dir, '.') + 1, "XXXXXX");
}

/* Start a process that waits, and return once it has executed `program`. */
static void start(const char *program, char *argv0, char *file, char *setting)
{
	char *argv[] = { argv0, dash_c, file, NULL },
	     *env[] = { setting, NULL };
	int execed[2];
	char c;

	ck_assert_int_eq(pipe2(execed, O_CLOEXEC), 0);
	child[n_children] = fork();
	if (!child[n_children]) {
		dup2(stdin_pipe[0], STDIN_FILENO);
		execve(program, argv, env);
		_exit(1);
	}
	n_children++;
	close(execed[1]);
	ck_assert_int_eq(read(execed[0], &c, 1), 0);
	close(execed[0]);
}

FIXTURE(set_up, tear_down);

TEST(a_bypassing_compiler_is_recorded_once)
{
	start("/bin/sh", gcc, source, build_setting);
	start("/bin/sh", gcc, source, build_setting);
	for (int i = 0; i < 2; i++) {
		kernel_bypass_check_scan(&bypass);
		ck_assert_uint_eq(bypass.compilers.n, 1);
		ck_assert_str_eq(bypass.compilers.v[0], gcc);
	}
}

/* Processes that do not bypass kfarm-cc: argv[0], word after -c, environment */
static const struct {
	const char *argv0, *file, *setting;
} no_bypass[] = {
	{ gcc, source, "A=1" }, /* as started by kfarm-cc */
	{ gcc, source, "KFARM_SOCKET=/run/other" },
	{ gcc, source, "KFARM_SOCKET=/run/ours2" },
	{ gcc, object, BUILD_SETTING },
	{ "/opt/bin/make", source, BUILD_SETTING },
	{ "/opt/bin/g++", source, BUILD_SETTING },
	{ "", source, BUILD_SETTING },
};

TEST_EACH(other_processes_are_ignored, no_bypass)
{
	start("/bin/sh", (char *)row->argv0, (char *)row->file,
	      (char *)row->setting);
	kernel_bypass_check_scan(&bypass);
	ck_assert_uint_eq(bypass.compilers.n, 0);
}

TEST(the_wrapper_is_ignored)
{
	char *wrapper = xasprintf("%s/kfarm-cc", dir);
	struct err err = { 0 };

	must(fs_copy("/bin/sh", wrapper, &err));
	start(wrapper, gcc, source, build_setting);
	kernel_bypass_check_scan(&bypass);
	ck_assert_uint_eq(bypass.compilers.n, 0);
	free(wrapper);
}

TEST(the_number_of_recorded_compilers_is_limited)
{
	static char names[][16] = { "/1/gcc",   "/2/cc",    "/3/clang",
				    "/4/gcc-9", "/5/a-gcc", "/6/gcc" };

	for (int i = 0; i < 6; i++)
		start("/bin/sh", names[i], source, build_setting);
	kernel_bypass_check_scan(&bypass);
	ck_assert_uint_eq(bypass.compilers.n, KERNEL_BYPASS_CHECK_MAX);
}

TEST(a_zeroed_check_records_no_compiler)
{
	struct kernel_bypass_check zeroed = { 0 };

	start("/bin/sh", gcc, source, build_setting);
	kernel_bypass_check_scan(&zeroed);
	ck_assert_uint_eq(zeroed.compilers.n, 0);
	kernel_bypass_check_release(&zeroed);
}
