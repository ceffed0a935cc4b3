/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/plan.h"

#include "../lib/test.h"
#include "kernel-installed.h"

static struct kconfig_request request;
static struct kernel_plan plan;
static struct err err;

#define COMPAT_VDSO "CONFIG_COMPAT_VDSO=y"
#define ARM13       "arm-gcc1330-linux-gnueabi-"

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
	struct kernel_compiler_request selection = {
		.toolchain = toolchain,
		.variables = &request.variables,
		.env = env.v,
		.data_dir = data
	};

	plan.builddir.dir = tree;
	plan.env = env.v;
	must(kernel_arch_find(&plan.arch, tree, arch, &err));
	must(kernel_compiler_choose(&plan.compiler, &plan.arch, &selection,
				    &err));
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

TEST(cross_compile_compat_is_not_set_without_compat_vdso)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 0);
}

TEST(a_debian_compiler_uses_the_compat_compiler_of_debian)
{
	link_compiler("arm-linux-gnueabi-gcc");
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.fragments, COMPAT_VDSO);
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_str_eq(compat(), "arm-linux-gnueabi-");
}

TEST(an_installed_arm_gcc_of_the_same_release_precedes_path)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	put_installed("gcc-13.2.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.fragments, COMPAT_VDSO);
	ck_assert_int_eq(choose("arm64", "gcc-13", false), 0);
	ck_assert_str_eq(compat(), ARM13);
	ck_assert_uint_eq(plan.compiler.n_leases, 2);
	ck_assert_uint_eq(plan.compiler.path_dirs.n, 1);
	ck_assert_int_eq(
		toolchain_installed_remove(data, "gcc-13.3.0-arm-linux-gnueabi",
					   false, &err),
		-EBUSY);
}

TEST(an_installed_arm_gcc_of_another_release_is_not_used)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	put_installed("gcc-13.2.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.fragments, COMPAT_VDSO);
	ck_assert_int_eq(choose("arm64", "gcc-13", false), 0);
	ck_assert_str_eq(compat(), "arm-linux-gnueabihf-");
}

TEST(a_note_suggests_installing_a_missing_compat_compiler)
{
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	strv_add(&request.fragments, COMPAT_VDSO);
	ck_assert_int_eq(choose("arm64", "gcc-13", false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 1);
	text_has(plan.compiler.notes.v[0],
		 "`kfarm toolchain install gcc-13.3.0 --arch arm`");
}

TEST(compat_vdso_in_an_existing_config_sets_cross_compile_compat)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_file("linux/.config", "CONFIG_A=y\n" COMPAT_VDSO "\n", 0644);
	ck_assert_int_eq(choose("arm64", NULL, true), 0);
	ck_assert_str_eq(compat(), "arm-linux-gnueabihf-");
}

TEST(cross_compile_compat_set_by_the_user_is_not_overridden)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	strv_add(&request.fragments, COMPAT_VDSO);
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

TEST(an_installed_compat_compiler_set_by_the_user_is_leased)
{
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	strv_add(&request.variables, "CROSS_COMPILE_COMPAT=" ARM13);
	ck_assert_int_eq(choose("arm64", NULL, false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.n_leases, 1);
	ck_assert_uint_eq(plan.compiler.path_dirs.n, 1);
}

TEST(clang_needs_no_compat_compiler)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	put_installed("clang-14.0.6", NULL, NULL);
	strv_add(&request.fragments, COMPAT_VDSO);
	ck_assert_int_eq(choose("arm64", "clang", false), 0);
	ck_assert_ptr_null(compat());
	ck_assert_uint_eq(plan.compiler.notes.n, 0);
}

TEST(other_architectures_need_no_compat_compiler)
{
	link_compiler("arm-linux-gnueabihf-gcc");
	link_compiler("riscv64-linux-gnu-gcc");
	strv_add(&request.fragments, COMPAT_VDSO);
	ck_assert_int_eq(choose("riscv", NULL, false), 0);
	ck_assert_ptr_null(compat());
}
