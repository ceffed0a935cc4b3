/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/archive.h"
#include "kernel/plan.h"

#include <limits.h>

static struct kconfig_request r;
static struct kernel_plan p;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ .directory = tree, .arch = "arm64" };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	kernel_plan_release(&p);
	strv_release(&r.variables);
	strv_release(&r.environment);
	strv_release(&r.targets);
	tree_tear_down();
}

static int plan(void)
{
	kernel_plan_release(&p);
	return kernel_plan_init(&p, &r, env.v, &err);
}

static void expect_plan(void)
{
	ck_assert_msg(!plan(), "%s", err.text);
}

static char *settings(void)
{
	return strv_join(&p.settings, " ");
}

FIXTURE(set_up, tear_down);

TEST(a_plan_contains_tree_version_arch_compiler_and_settings)
{
	char *text;

	expect_plan();
	ck_assert_str_eq(p.tree, tree);
	ck_assert_str_eq(p.version, "6.1.7-rc3");
	ck_assert_str_eq(p.arch.srcarch, "arm64");
	ck_assert_str_eq(p.compiler.name, "aarch64-linux-gnu-gcc");
	ck_assert_int_eq(p.builddir.kind, KERNEL_BUILDDIR_DEFAULT);
	ck_assert_str_eq(p.kconfig.target, "defconfig");
	text = settings();
	ck_assert_str_eq(text, "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-");
	free(text);
}

TEST(a_default_directory_fixes_build_time_user_and_host)
{
	char *text;

	expect_plan();
	ck_assert_uint_eq(p.exports.n, 5);
	text_starts(p.exports.v[0], "KBUILD_BUILD_TIMESTAMP=@");
	ck_assert_str_eq(p.exports.v[1], "KBUILD_BUILD_USER=kfarm");
	ck_assert_str_eq(p.exports.v[2], "KBUILD_BUILD_HOST=kfarm");
	ck_assert_int_eq(strtoll(p.exports.v[0] + 24, NULL, 10), p.rev.time_s);

	set_env("KBUILD_BUILD_HOST=mine");
	words(&r.variables, "KBUILD_BUILD_USER=me");
	words(&r.environment, "KBUILD_BUILD_TIMESTAMP=@7");
	expect_plan();
	text = strv_join(&p.exports, " ");
	ck_assert_str_eq(text, "KBUILD_BUILD_TIMESTAMP=@7 ARCH=arm64 "
			       "CROSS_COMPILE=aarch64-linux-gnu-");
	free(text);
}

TEST(packed_files_receive_the_time_that_the_user_sets)
{
	char *setting = xasprintf("KBUILD_BUILD_TIMESTAMP=@%ld", LONG_MAX);

	words(&r.environment, setting);
	expect_plan();
	ck_assert_int_eq(kernel_archive_timestamp(&p), LONG_MAX);
	free(setting);
}

TEST(a_given_build_directory_leaves_the_environment_unchanged)
{
	struct strv out = { 0 };

	r.build_dir = "/some/dir";
	r.arch = NULL;
	set_env("ARCH=arm64");
	set_env("CROSS_COMPILE=nice-");
	expect_plan();
	kernel_plan_env(&p, &out, NULL, NULL);
	ck_assert_uint_eq(out.n, env.n);
	for (size_t i = 0; i < env.n; i++)
		ck_assert_str_eq(out.v[i], env.v[i]);
	strv_release(&out);
}

TEST(the_masquerade_directory_is_first_in_path)
{
	struct strv out = { 0 }, extra = { 0 };
	const char *path = str_find_env(env.v, "PATH");
	unsigned paths = 0;

	expect_plan();
	words(&extra, "KFARM_SOCKET=/s");
	kernel_plan_env(&p, &out, "/links", extra.v);
	text_starts(str_find_env(out.v, "PATH"), "/links:");
	text_ends(str_find_env(out.v, "PATH"), path);
	ck_assert_str_eq(str_find_env(out.v, "KFARM_SOCKET"), "/s");
	for (size_t i = 0; i < out.n; i++)
		paths += str_starts(out.v[i], "PATH=");
	ck_assert_uint_eq(paths, 1);
	strv_release(&out);
	strv_release(&extra);
}

TEST(the_make_command_has_options_directory_variables_and_targets)
{
	char *options[] = { (char[]){ "-k" }, NULL };
	char *targets[] = { (char[]){ "Image" }, NULL };
	struct strv argv = { 0 };
	char *text;

	r.build_dir = "/some/dir";
	words(&r.variables, "W=1 O=/some/dir ARCH=arm64 KCFLAGS=-g");
	expect_plan();
	kernel_plan_make_argv(&p, &argv, options, targets);
	text = strv_join(&argv, " ");
	ck_assert_str_eq(text, "make -k O=/some/dir ARCH=arm64 W=1 "
			       "KCFLAGS=-g Image");
	free(text);
	strv_release(&argv);
}

TEST(assignments_with_any_operator_go_to_make_unchanged_and_in_order)
{
	struct strv argv = { 0 };
	char *text;

	r.build_dir = "/some/dir";
	words(&r.variables, "KCFLAGS=-g CFLAGS_fork.o=-DX KCFLAGS+=-DA "
			    "KCFLAGS+=-DB W?=1 ccflags-y:=-DC");
	strv_add(&r.variables, "KAFLAGS!=echo -DD");
	expect_plan();
	kernel_plan_make_argv(&p, &argv, NULL, NULL);
	text = strv_join(&argv, " ");
	ck_assert_str_eq(text, "make O=/some/dir KCFLAGS=-g CFLAGS_fork.o=-DX "
			       "KCFLAGS+=-DA KCFLAGS+=-DB W?=1 ccflags-y:=-DC "
			       "KAFLAGS!=echo -DD");
	free(text);
	strv_release(&argv);
	words(&r.variables, "ARCH:=arm64");
	ck_assert_int_eq(plan(), -EINVAL);
	text_has(err.text, "specify ARCH=VALUE");
}

TEST(an_in_tree_build_passes_no_o_to_make)
{
	struct strv argv = { 0 };

	put_file("linux/.config", "#\n# Linux/arm64 6.1 config\n", 0644);
	expect_plan();
	ck_assert_int_eq(p.builddir.kind, KERNEL_BUILDDIR_IN_TREE);
	ck_assert_int_eq(p.kconfig.base, KCONFIG_BASE_EXISTING);
	kernel_plan_make_argv(&p, &argv, NULL, NULL);
	for (size_t i = 0; i < argv.n; i++)
		ck_assert(!str_starts(argv.v[i], "O="));
	strv_release(&argv);
}

TEST(a_configuration_for_another_arch_is_rejected)
{
	put_file("linux/.config", "#\n# Linux/x86 6.1 config\n", 0644);
	ck_assert_int_eq(plan(), -EINVAL);
	text_has(err.text, "-a x86");
	r.kconfig = "defconfig";
	expect_plan();
}

/* The names of KCONFIG_CONFIG are relative to the build directory "b". */
static const struct {
	const char *name;
	bool is_rejected;
} config_names[] = {
	{ ".config", false },      { "./.config", false },
	{ "../b/.config", false }, { "", false },
	{ "my.config", true },     { "../.config", true },
	{ "/tmp/.config", true },
};

TEST_EACH(a_kconfig_config_other_than_the_config_of_the_build_is_rejected,
	  config_names)
{
	char *setting = xasprintf("KCONFIG_CONFIG=%s", row->name);
	char *dir = at("b");
	int want = row->is_rejected ? -EINVAL : 0;

	put_file("b/.config", "#\n# Linux/arm64 6.1 config\n", 0644);
	r.build_dir = dir;
	strv_add(&r.variables, setting);
	ck_assert_int_eq(plan(), want);
	strv_release(&r.variables);
	strv_add(&r.environment, setting);
	ck_assert_int_eq(plan(), want);
	strv_release(&r.environment);
	set_env(setting);
	ck_assert_int_eq(plan(), want);
	if (want)
		text_has(err.text, "unset KCONFIG_CONFIG and specify -k /");
	strv_add(&r.variables, "KCONFIG_CONFIG=.config");
	expect_plan();
	free(dir);
	free(setting);
}

TEST(the_arch_variable_precedes_the_environment_and_must_match_option_a)
{
	r.arch = NULL;
	set_env("ARCH=nosuch");
	ck_assert_int_eq(plan(), -EINVAL);
	words(&r.variables, "ARCH=arm64");
	expect_plan();
	r.arch = "x86_64";
	ck_assert_int_eq(plan(), -EINVAL);
	text_has(err.text, "conflicts with");
}

TEST(the_last_cross_compile_of_option_e_selects_the_compiler)
{
	words(&r.environment, "CROSS_COMPILE=nosuch- CROSS_COMPILE=nice-");
	expect_plan();
	ck_assert_str_eq(p.compiler.name, "nice-gcc");
}

TEST(option_e_without_a_value_is_rejected)
{
	words(&r.environment, "FOO");
	ck_assert_int_eq(plan(), -EINVAL);
	text_has(err.text, "-e FOO");
}

static const char *const invalid_trees[] = { "/nonexistent", "/tmp",
					     "/dev/null" };

TEST_EACH(an_error_names_a_directory_that_is_not_a_kernel_tree, invalid_trees)
{
	r.directory = *row;
	ck_assert_int_lt(plan(), 0);
	text_has(err.text, *row);
}

TEST(an_error_names_the_package_of_a_missing_make)
{
	char *path = xasprintf("PATH=%s/tools", top);

	set_env(path);
	ck_assert_int_eq(plan(), -ENOENT);
	text_has(err.text, "install the package make");
	free(path);
}

TEST(without_path_make_is_searched_in_the_default_directories)
{
	struct strv all = { 0 };

	put_file("linux/make", "#!/bin/sh\n", 0755);
	ck_assert_int_eq(chdir(tree), 0);
	for (size_t i = 0; i < env.n; i++) {
		if (!str_starts(env.v[i], "PATH="))
			strv_add(&all, env.v[i]);
	}
	strv_release(&env);
	env = all;
	r.arch = "x86_64";
	expect_plan();
	text_starts(p.make_path, "/usr/");
}

TEST(a_compiler_below_the_minimum_version_is_not_supported)
{
	r.toolchain = "old-";
	ck_assert_int_eq(plan(), -ENOTSUP);
}

TEST(the_tree_keeps_the_path_in_pwd_if_it_is_valid)
{
	char *link = at("link"), *pwd = xasprintf("PWD=%s", link);

	ck_assert_int_eq(symlink(tree, link), 0);
	ck_assert_int_eq(chdir(link), 0);
	set_env(pwd);
	r.directory = NULL;
	expect_plan();
	ck_assert_str_eq(p.tree, link);
	set_env("PWD=/");
	expect_plan();
	ck_assert_str_eq(p.tree, tree);
	free(pwd);
	free(link);
}
