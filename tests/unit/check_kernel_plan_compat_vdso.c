/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/plan.h"

#include "../lib/test.h"
#include "kernel-installed.h"

static struct kconfig_request request;
static struct kernel_plan plan;
static struct err err;

#define EXPLAINED_MAX "CONFIG_COMPAT_VDSO=y"
#define ARM13         "arm-gcc1330-linux-gnueabi-"

/* Remove the machine's arm compilers from PATH. */
static void set_up(void)
{
	char *path, *sh, *bin;

	installed_set_up();
	err = (struct err){ 0 };
	put_file("bin/x", "", 0644);
	sh = at("bin/sh");
	bin = at("bin/gcc");
	ck_assert_int_eq(symlink("/bin/sh", sh), 0);
	ck_assert_int_eq(symlink("/usr/bin/gcc", bin), 0);
	path = xasprintf("PATH=%s/tools:%s/bin", top, top);
	set_env(path);
	plan = (struct kernel_plan){ .request = &request };
	free(path);
	free(bin);
	free(sh);
}

static void tear_down(void)
{
	kernel_compiler_release(&plan.compiler);
	kconfig_release(&plan.kconfig);
	strv_release(&request.fragments);
	strv_release(&request.variables);
	installed_tear_down();
}

/* Choose the compiler, then apply the configuration. */
static int choose(const char *arch, const char *toolchain, bool have_config)
{
	struct kernel_compiler_request wish = { .toolchain = toolchain,
						.variables = &request.variables,
						.env = env.v,
						.data_dir = data };

	plan.builddir.dir = tree;
	plan.env = env.v;
	must(kernel_arch_find(&plan.arch, tree, arch, &err));
	must(kernel_compiler_choose(&plan.compiler, &plan.arch, &wish, &err));
	must(kconfig_read(&plan.kconfig, &request, tree, plan.arch.srcarch,
			  have_config, &err));
	return kernel_compat_vdso_choose(&plan, &err);
}

static const char *compat(void)
{
	ck_assert_msg(!err.text[0], "%s", err.text);
	return str_find_env(strv_list(&plan.compiler.vars),
			    "CROSS_COMPILE_COMPAT");
}

FIXTURE(set_up, tear_down);

TEST(nothing_is_asked_for_nothing_is_set)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 0);
}

TEST(debians_compiler_gets_debians)
{
	link_compiler("arm-linux-gnueabi-gcc");
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.fragments, EXPLAINED_MAX);
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_str_eq(compat(), "arm-linux-gnueabi-");
}

TEST(the_same_release_goes_before_what_is_on_path)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	put_installed("gcc-13.2.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.fragments, EXPLAINED_MAX);
	ck_assert_int_eq(choose("arm64", "gcc-13", false), 0);
	ck_assert_str_eq(compat(), ARM13);
	ck_assert_uint_eq(plan.compiler.n_leases, 2);
	ck_assert_uint_eq(plan.compiler.path_dirs.n, 1);
	ck_assert_int_eq(
		toolchain_installed_remove(data, "gcc-13.3.0-arm-linux-gnueabi",
					   false, &err),
		-EBUSY);
}

TEST(another_release_leaves_it_to_path)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	put_installed("gcc-13.2.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.fragments, EXPLAINED_MAX);
	ck_assert_int_eq(choose("arm64", "gcc-13", false), 0);
	ck_assert_str_eq(compat(), "arm-linux-gnueabihf-");
}

TEST(without_a_compiler_the_user_is_told)
{
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	strv_add(&request.fragments, EXPLAINED_MAX);
	ck_assert_int_eq(choose("arm64", "gcc-13", false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 1);
	text_has(plan.compiler.notes.v[0],
		 "`kfarm toolchain install gcc-13.3.0 --arch arm`");
}

TEST(a_config_that_is_kept_asks_too)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_file("linux/.config", "CONFIG_A=y\n" EXPLAINED_MAX "\n", 0644);
	ck_assert_int_eq(choose("arm64", NULL, true), 0);
	ck_assert_str_eq(compat(), "arm-linux-gnueabihf-");
}

TEST(the_user_has_the_last_word)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	strv_add(&request.fragments, EXPLAINED_MAX);
	strv_add(&request.variables, "CROSS_COMPILE_COMPAT=mine-");
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_ptr_null(compat());
	strv_release(&request.variables);
	kernel_compiler_release(&plan.compiler);
	kconfig_release(&plan.kconfig);
	set_env("CROSS_COMPILE_COMPAT=");
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 0);
}

TEST(the_users_installed_one_is_found_and_kept)
{
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.variables, "CROSS_COMPILE_COMPAT=" ARM13);
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.n_leases, 1);
	ck_assert_uint_eq(plan.compiler.path_dirs.n, 1);
}

TEST(clang_needs_no_second_compiler)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_installed("clang-14.0.6", NULL, NULL);
	strv_add(&request.fragments, EXPLAINED_MAX);
	ck_assert_int_eq(choose("arm64", "clang", false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 0);
}

TEST(other_architectures_have_none)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	link_compiler("riscv64-linux-gnu-gcc");
	strv_add(&request.fragments, EXPLAINED_MAX);
	ck_assert_int_eq(choose("riscv", NULL, false), 0);
	ck_assert_ptr_null(compat());
}
