/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/compiler.h"

#include "kernel-installed.h"
#include "suite.h"

static struct kernel_compiler c;
static struct kernel_arch arm64;
static struct err err;

static void set_up(void)
{
	installed_set_up();
	err = (struct err){ 0 };
	ck_assert_int_eq(kernel_arch_find(&arm64, tree, "arm64", &err), 0);
	ck_assert_int_eq(kernel_toolchains_open(&c.toolchains, data, &err), 0);
	c.name = xstrdup("odd-gcc");
}

static void tear_down(void)
{
	kernel_compiler_release(&c);
	installed_tear_down();
}

static int check(const char *version)
{
	free(c.version);
	c.version = xstrdup(version);
	return kernel_compiler_check_version(&c, &arm64, tree, &err);
}

START_TEST(the_trees_script_decides)
{
	ck_assert_int_eq(check("5.1.0"), 0);
	ck_assert_int_eq(check("12.2.0"), 0);
	ck_assert_int_eq(check("5.0.9"), -ENOTSUP);
	ck_assert_str_eq(
		err.text,
		"odd-gcc: version 5.0.9 is too old: this tree requires gcc "
		"5.1.0 or later; select a newer one with -t, or run `kfarm "
		"toolchain install gcc-5 --arch arm64`");
}
END_TEST

START_TEST(clang_is_asked_as_llvm)
{
	c.is_clang = true;
	ck_assert_int_eq(check("11.0.0"), 0);
	ck_assert_int_eq(check("10.9.0"), -ENOTSUP);
	ck_assert_ptr_nonnull(
		strstr(err.text, "requires llvm 11.0.0 or later"));
	ck_assert_ptr_nonnull(strstr(err.text, "install clang-11`"));
}
END_TEST

START_TEST(the_script_knows_the_architecture)
{
	put_file("linux/scripts/min-tool-version.sh",
		 "[ \"$SRCARCH\" = arm64 ] && echo 12.0.0 || echo 1.0\n", 0755);
	ck_assert_int_eq(check("11.9.0"), -ENOTSUP);
}
END_TEST

static const char *const no_answer[] = { "exit 1\n", "echo none\n", "true\n" };

START_TEST(a_script_that_does_not_know_refuses_nothing)
{
	put_file("linux/scripts/min-tool-version.sh", no_answer[_i], 0755);
	ck_assert_int_eq(check("4.0.0"), 0);
}
END_TEST

START_TEST(without_a_tree_or_its_script_all_are_new_enough)
{
	char *script = at("linux/scripts/min-tool-version.sh");

	c.version = xstrdup("1.0");
	ck_assert_int_eq(kernel_compiler_check_version(&c, &arm64, NULL, &err),
			 0);
	ck_assert_int_eq(unlink(script), 0);
	ck_assert_int_eq(check("1.0"), 0);
	free(script);
}
END_TEST

START_TEST(a_compiler_says_its_version)
{
	char *path = at("tools/old-gcc");

	c.path = path;
	ck_assert_int_eq(kernel_compiler_read_version(&c, env.v, &err), 0);
	ck_assert_str_eq(c.version, "4.9.2");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/compiler-version");
	TCase *tc = tcase_create("minimum");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_trees_script_decides);
	tcase_add_test(tc, clang_is_asked_as_llvm);
	tcase_add_test(tc, the_script_knows_the_architecture);
	tcase_add_loop_test(tc, a_script_that_does_not_know_refuses_nothing, 0,
			    3);
	tcase_add_test(tc, without_a_tree_or_its_script_all_are_new_enough);
	tcase_add_test(tc, a_compiler_says_its_version);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
