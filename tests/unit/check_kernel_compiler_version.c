/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/compiler.h"

#include "../lib/test.h"
#include "kernel-installed.h"

static struct kernel_compiler c;
static struct kernel_arch arm64;
static struct err err;

static void set_up(void)
{
	installed_set_up();
	err = (struct err){ 0 };
	must(kernel_arch_find(&arm64, tree, "arm64", &err));
	must(kernel_toolchains_open(&c.toolchains, data, &err));
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

FIXTURE(set_up, tear_down);

TEST(the_trees_script_decides)
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

TEST(clang_is_asked_as_llvm)
{
	c.is_clang = true;
	ck_assert_int_eq(check("11.0.0"), 0);
	ck_assert_int_eq(check("10.9.0"), -ENOTSUP);
	text_has(err.text, "requires llvm 11.0.0 or later");
	text_has(err.text, "install clang-11`");
}

TEST(the_script_knows_the_architecture)
{
	put_file("linux/scripts/min-tool-version.sh",
		 "[ \"$SRCARCH\" = arm64 ] && echo 12.0.0 || echo 1.0\n", 0755);
	ck_assert_int_eq(check("11.9.0"), -ENOTSUP);
}

static const char *const no_answer[] = { "exit 1\n", "echo none\n", "true\n" };

TEST_RANGE(a_script_that_does_not_know_refuses_nothing, 0, 3)
{
	put_file("linux/scripts/min-tool-version.sh", no_answer[_i], 0755);
	ck_assert_int_eq(check("4.0.0"), 0);
}

TEST(without_a_tree_or_its_script_all_are_new_enough)
{
	char *script = at("linux/scripts/min-tool-version.sh");

	c.version = xstrdup("1.0");
	must(kernel_compiler_check_version(&c, &arm64, NULL, &err));
	ck_assert_int_eq(unlink(script), 0);
	ck_assert_int_eq(check("1.0"), 0);
	free(script);
}

TEST(a_compiler_says_its_version)
{
	char *path = at("tools/old-gcc");

	c.path = path;
	must(kernel_compiler_read_version(&c, env.v, &err));
	ck_assert_str_eq(c.version, "4.9.2");
}
