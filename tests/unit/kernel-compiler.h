/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kernel-compiler.h - Selection of a compiler in a PATH controlled
 * by the test.
 */
#ifndef KERNEL_COMPILER_TEST_H
#define KERNEL_COMPILER_TEST_H

#include "../lib/test.h"
#include "kernel-installed.h"
#include "kernel/compiler.h"
#include "kernel/environ.h"

static struct strv vars, standard;
static struct kernel_compiler c;
static struct err err;

/* Remove the machine's cross compilers from PATH; keep the tree's. */
static UNUSED void narrow_path(void)
{
	static const char *const programs[] = { "gcc", "clang", "sh",  "make",
						"env", "sed",   "awk", "grep" };
	char *bin = at("bin");
	struct strv all = { 0 };

	ck_assert_int_eq(mkdir(bin, 0755), 0);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		char *real = which(programs[i], "/usr/local/bin:/usr/bin:/bin");
		char *link = xasprintf("%s/%s", bin, programs[i]);

		if (real)
			ck_assert_int_eq(symlink(real, link), 0);
		free(link);
		free(real);
	}
	for (size_t i = 0; i < env.n; i++)
		if (!str_starts(env.v[i], "PATH="))
			strv_add(&all, env.v[i]);
	strv_addf(&all, "PATH=%s/tools:%s", top, bin);
	strv_release(&env);
	env = all;
	free(bin);
}

static UNUSED void set_up(void)
{
	installed_set_up();
	narrow_path();
	vars = standard = (struct strv){ 0 };
	err = (struct err){ 0 };
}

static UNUSED void tear_down(void)
{
	kernel_compiler_release(&c);
	strv_release(&vars);
	strv_release(&standard);
	installed_tear_down();
}

static UNUSED int choose(const char *arch, const char *toolchain)
{
	struct kernel_compiler_request wish = { .tree = tree,
						.toolchain = toolchain,
						.variables = &vars,
						.env = env.v,
						.default_toolchains = &standard,
						.data_dir = data };
	struct kernel_arch a;

	must(kernel_arch_find(&a, tree, arch, &err));
	return kernel_compiler_choose(&c, &a, &wish, &err);
}

static UNUSED void expect(const char *name, const char *all_vars)
{
	char *got = strv_join(&c.vars, " ");

	ck_assert_msg(!err.text[0], "%s", err.text);
	ck_assert_str_eq(c.name, name);
	ck_assert_str_eq(got, all_vars);
	free(got);
}

#endif
