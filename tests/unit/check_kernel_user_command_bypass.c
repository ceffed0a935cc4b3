/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/user-command.h"

#define OURS     "KFARM_SOCKET=/run/ours"
#define CHILDREN 8

/* A command for the shell, but a source name for kfarm. */
static char source[] = "read x #a.c", object[] = "read x #a.o";
static char dash_c[] = "-c", gcc[] = "/opt/bin/gcc", ours[] = OURS;

static struct kernel_bypass_check unseen;
static pid_t child[CHILDREN];
static size_t n_children;
static int keep[2]; /* children read from it until the test ends */
static char dir[] = "/tmp/kfarm-check.XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(pipe2(keep, O_CLOEXEC), 0);
	n_children = 0;
	kernel_bypass_check_init(&unseen, "/run/ours");
}

static void tear_down(void)
{
	struct err err = { 0 };

	for (size_t i = 0; i < n_children; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	close(keep[0]);
	close(keep[1]);
	kernel_bypass_check_release(&unseen);
	fs_remove(dir, &err);
	strcpy(strrchr(dir, '.') + 1, "XXXXXX");
}

/* Start a process that waits.  On return it has executed `program`. */
static void start(const char *program, char *argv0, char *file, char *setting)
{
	char *argv[] = { argv0, dash_c, file, NULL },
	     *env[] = { setting, NULL };
	int execed[2];
	char c;

	ck_assert_int_eq(pipe2(execed, O_CLOEXEC), 0);
	child[n_children] = fork();
	if (!child[n_children]) {
		dup2(keep[0], STDIN_FILENO);
		execve(program, argv, env);
		_exit(1);
	}
	n_children++;
	close(execed[1]);
	ck_assert_int_eq(read(execed[0], &c, 1), 0);
	close(execed[0]);
}

FIXTURE(set_up, tear_down);

TEST(a_compile_past_kfarm_is_found_once)
{
	start("/bin/sh", gcc, source, ours);
	start("/bin/sh", gcc, source, ours);
	for (int i = 0; i < 2; i++) {
		kernel_bypass_check_scan(&unseen);
		ck_assert_uint_eq(unseen.compilers.n, 1);
		ck_assert_str_eq(unseen.compilers.v[0], gcc);
	}
}

/* A name, the word after -c, and the environment: none bypasses kfarm-cc. */
static const struct {
	const char *argv0, *file, *setting;
} others[] = {
	{ gcc, source, "A=1" }, /* as started by kfarm-cc */
	{ gcc, source, "KFARM_SOCKET=/run/other" },
	{ gcc, source, "KFARM_SOCKET=/run/ours2" },
	{ gcc, object, OURS },
	{ "/opt/bin/make", source, OURS },
	{ "/opt/bin/g++", source, OURS },
	{ "", source, OURS },
};

TEST_EACH(others_are_left_alone, others)
{
	start("/bin/sh", (char *)row->argv0, (char *)row->file,
	      (char *)row->setting);
	kernel_bypass_check_scan(&unseen);
	ck_assert_uint_eq(unseen.compilers.n, 0);
}

TEST(the_wrapper_itself_is_no_compiler)
{
	char *wrapper = xasprintf("%s/kfarm-cc", dir);
	struct err err = { 0 };

	must(fs_copy("/bin/sh", wrapper, &err));
	start(wrapper, gcc, source, ours);
	kernel_bypass_check_scan(&unseen);
	ck_assert_uint_eq(unseen.compilers.n, 0);
	free(wrapper);
}

TEST(a_few_are_named)
{
	static char names[][16] = { "/1/gcc",   "/2/cc",    "/3/clang",
				    "/4/gcc-9", "/5/a-gcc", "/6/gcc" };

	for (int i = 0; i < 6; i++)
		start("/bin/sh", names[i], source, ours);
	kernel_bypass_check_scan(&unseen);
	ck_assert_uint_eq(unseen.compilers.n, KERNEL_BYPASS_CHECK_MAX);
}

TEST(without_a_run_nothing_is_looked_for)
{
	struct kernel_bypass_check none = { 0 };

	start("/bin/sh", gcc, source, ours);
	kernel_bypass_check_scan(&none);
	ck_assert_uint_eq(none.compilers.n, 0);
	kernel_bypass_check_release(&none);
}
