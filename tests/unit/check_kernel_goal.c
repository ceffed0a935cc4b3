/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/goal.h"

#include "../lib/test.h"
#include "kernel-run.h"

static void set_up(void)
{
	run_set_up();
	make_plan();
}

static int check(const char *target)
{
	err = (struct err){ 0 };
	return kernel_goal_check_recipe(kernel_goal_find_recipe(target), &plan,
					&err);
}

static const struct {
	const char *target, *word;
} goal_words[] = {
	{ "Image", "Image" },
	{ "default", "all" },
	{ "modules", "modules" },
	{ "modules_install", "vmlinux modules" },
	{ "debugkernel", "vmlinux" },
	{ "bindeb-pkg", "" },
	{ "kselftest", "headers" },
	{ "perf", "" },
	{ "drivers/net/a.o", "drivers/net/a.o" },
};

FIXTURE(set_up, run_tear_down);

TEST_EACH(each_goal_has_its_words_for_make, goal_words)
{
	struct kernel_goals g;

	words(&req.targets, row->target);
	make_plan();
	kernel_goals_init(&g, &plan, NULL, NULL);
	ck_assert_uint_eq(g.n, 1);
	ck_assert_str_eq(g.v[0].make_words, row->word);
	kernel_goals_release(&g);
}

static const struct {
	const char *target, *config, *arch, *reason;
} skips[] = {
	{ "modules", "CONFIG_MODULES=y\n", NULL, NULL },
	{ "modules", "\nCONFIG_MODULES=y\n", NULL, NULL },
	{ "modules", NULL, NULL, NULL },
	{ "modules", "# CONFIG_MODULES is not set\n", NULL,
	  "CONFIG_MODULES is not set" },
	{ "modules", "CONFIG_MODULES_X=y\n", NULL,
	  "CONFIG_MODULES is not set" },
	{ "xipkernel", "", NULL, "CONFIG_XIP_KERNEL is not set" },
	{ "dtbs", "", NULL, "the tree has no arch/arm64/boot/dts" },
	{ "dtbs-legacy", "", "dts", "this tree has dtbs_install; use dtbs" },
	{ "dtbs", "", "dts", NULL },
	{ "perf", NULL, NULL, "the tree has no tools/perf" },
	{ "headers", "", NULL, NULL },
};

TEST_EACH(a_goal_that_cannot_be_built_has_a_skip_reason, skips)
{
	char *reason;

	if (row->arch)
		put_file("linux/arch/arm64/boot/dts/Makefile", "", 0644);
	reason = kernel_goal_skip_reason(kernel_goal_find_recipe(row->target),
					 &plan, row->config);
	if (row->reason)
		ck_assert_str_eq(reason, row->reason);
	else
		ck_assert_ptr_null(reason);
	free(reason);
}

TEST(a_packaging_program_is_required_if_the_tree_mentions_it)
{
	ck_assert_int_eq(check("binrpm-pkg"), 0);
	put_file("linux/scripts/Makefile.package", "binrpm-pkg:\n\tno-rpmbuild",
		 0644);
	if (which("rpmbuild", str_find_env(env.v, "PATH")))
		SKIP("rpmbuild is installed");
	ck_assert_int_eq(check("binrpm-pkg"), -ENOENT);
	ck_assert_str_eq(
		err.text,
		"binrpm-pkg: rpmbuild not found in PATH; install the package "
		"rpm (rpm-build on Fedora)");
	put_file("tools/rpmbuild", "#!/bin/sh\n", 0755);
	ck_assert_int_eq(check("binrpm-pkg"), 0);
}

/* The debian/rules of Linux 6.12 call debhelper. */
TEST(debian_packages_require_debhelper_if_their_rules_call_it)
{
	char *tools = at("tools"), *path = xasprintf("PATH=%s", tools);
	char *const only[] = { path, NULL };

	put_file("linux/scripts/Makefile.package",
		 "bindeb-pkg:\n\tdpkg-buildpackage", 0644);
	put_file("tools/dpkg-buildpackage", "#!/bin/sh\n", 0755);
	plan.env = only;
	must(check("bindeb-pkg"));
	put_file("linux/scripts/package/debian/rules",
		 "all-packages = $(shell dh_listpackages)", 0644);
	err_is(check("bindeb-pkg"), -ENOENT,
	       "bindeb-pkg: dh_listpackages not found in PATH; install the "
	       "package debhelper");
	err_is(check("deb-pkg"), -ENOENT,
	       "deb-pkg: dh_listpackages not found in PATH; install the "
	       "package debhelper");
	put_file("tools/dh_listpackages", "#!/bin/sh\n", 0755);
	must(check("bindeb-pkg"));
	free(path);
	free(tools);
}

/* Only make's target headers_install calls rsync. */
TEST(the_target_headers_does_not_require_rsync)
{
	char *tools = at("no-tools"), *path = xasprintf("PATH=%s", tools);
	char *const only[] = { path, NULL };

	buf_add_str(&plan.makefile_text, "\n\trsync -mrl usr/include\n");
	plan.env = only;
	must(check("headers"));
	ck_assert_int_eq(check("headers_install"), -ENOENT);
	free(path);
	free(tools);
}

static const char *const selftests[] = { "kselftest", "kselftest-bpf" };

/* The installation would ignore the missing program. */
TEST_EACH(selftests_require_rsync_if_their_makefile_calls_it, selftests)
{
	char *tools = at("tools"), *path = xasprintf("PATH=%s", tools);
	char *const only[] = { path, NULL };

	put_file("linux/tools/testing/selftests/lib.mk",
		 "INSTALL:\n\trsync -a $(LIST) $(INSTALL_PATH)/\n", 0644);
	put_file("tools/true", "#!/bin/sh\n", 0755);
	plan.env = only;
	ck_assert_int_eq(check(*row), -ENOENT);
	text_has(err.text,
		 ": rsync not found in PATH; install the package rsync");
	put_file("tools/rsync", "#!/bin/sh\n", 0755);
	must(check(*row));
	free(path);
	free(tools);
}

TEST(installing_foreign_modules_and_dtbs_on_the_host_is_rejected)
{
	ck_assert_int_eq(check("modules_install"), -EINVAL);
	ck_assert_str_eq(
		err.text,
		"modules_install: refusing to write to /lib/modules of this "
		"machine: the kernel is for arm64; specify "
		"INSTALL_MOD_PATH=DIR (INSTALL_MOD_PATH=/ for this machine)");
	ck_assert_int_eq(check("dtbs_install"), -EINVAL);
	/* make's default is inside the build directory. */
	ck_assert_int_eq(check("headers_install"), 0);
}

static const char *const setting_sources[] = { "variable", "environment",
					       "-e" };

TEST_EACH(install_mod_path_from_any_source_is_accepted, setting_sources)
{
	char *root = at("root"), *setting;

	setting = xasprintf("INSTALL_MOD_PATH=%s", root);
	if (!strcmp(*row, "variable"))
		words(&req.variables, setting);
	else if (!strcmp(*row, "-e"))
		words(&req.environment, setting);
	else
		set_env(setting);
	make_plan();
	ck_assert_msg(!check("modules_install"), "%s", err.text);
	ck_assert(!stands("root")); /* make creates it */
	free(setting);
	free(root);
}

/* An installation, and the variable that determines its destination. */
static const struct {
	const char *text, *variable;
} destinations[] = {
	{ "modules_install", "INSTALL_MOD_PATH=/proc/nowhere/root" },
	{ "dtbs_install", "INSTALL_DTBS_PATH=/proc/nowhere/root" },
	{ "dtbs_install", "INSTALL_PATH=/proc/nowhere/root" },
};

TEST_EACH(an_error_names_an_unwritable_install_path, destinations)
{
	const bool is_root = !getuid();
	int ret;

	words(&req.variables, row->variable);
	make_plan();
	/* Root can write to every directory, so the test uses another user. */
	ck_assert(!is_root || !setresuid(65534, 65534, 0));
	ret = check(row->text);
	ck_assert(!is_root || !setresuid(0, 0, 0));
	ck_assert_int_eq(ret, -EACCES);
	text_has(err.text, row->variable);
}

/* make would resolve such a path from the build directory. */
TEST(a_relative_install_path_starts_at_the_current_directory)
{
	char cwd[512], *want;

	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	words(&req.variables, "INSTALL_MOD_PATH=some/root");
	set_env("INSTALL_PATH=boot");
	make_plan();
	want = xasprintf("%s/some/root", cwd);
	ck_assert_str_eq(kernel_plan_find_setting(&plan, "INSTALL_MOD_PATH"),
			 want);
	free(want);
	want = xasprintf("%s/boot", cwd);
	ck_assert_str_eq(str_find_env(strv_list(&plan.exports), "INSTALL_PATH"),
			 want);
	free(want);
	strv_release(&req.variables);
	words(&req.variables, "INSTALL_MOD_PATH=~/root");
	make_plan();
	ck_assert_str_eq(kernel_plan_find_setting(&plan, "INSTALL_MOD_PATH"),
			 "~/root");
}

TEST(duplicate_goals_and_make_words_are_removed)
{
	struct kernel_goals g;
	struct strv out = { 0 };
	char *text;

	put_file("linux/init/Makefile", "", 0644);
	words(&req.targets, "kernel modules modules_install kernel init/ perf");
	make_plan();
	kernel_goals_init(&g, &plan, "Image.gz", "CONFIG_MODULES=y\n");
	ck_assert_uint_eq(g.n, 5);
	kernel_goals_add_make_words(&g, true, &out);
	text = strv_join(&out, " ");
	ck_assert_str_eq(text, "Image.gz modules vmlinux init/");
	ck_assert(kernel_goals_has(&g, "modules"));
	ck_assert(!kernel_goals_has(&g, "perf")); /* not in the tree */
	ck_assert(!kernel_goals_has_passed(&g));
	kernel_goals_release(&g);
	/* `make M=DIR` cannot build vmlinux. */
	plan.module.dir = xstrdup("/hello");
	kernel_goals_init(&g, &plan, NULL, NULL);
	ck_assert_str_eq(g.v[2].make_words, "modules");
	free(text);
	strv_release(&out);
	kernel_goals_release(&g);
}
