/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/module-build.h"

#include "../lib/settle.h"
#include "../lib/test.h"
#include "base/vec.h"
#include "kernel-run.h"

/* Linux 6.13 introduced this variable and MO. */
#define NEW_KERNEL "srcroot := .\n"

static void set_up(void)
{
	run_set_up();
	ck_assert_int_eq(chdir(top), 0);
	put_file("hello/Makefile", "obj-m := hello.o\n", 0644);
}

static void tear_down(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	run_tear_down();
}

/* Variables, environment, and the resulting words for make below `top`. */
static const struct {
	const char *variables, *environment, *words;
} cases[] = {
	{ "M=hello", "A=b", "M=TOP/hello" },
	{ "M=hello/../hello/.", "A=b", "M=TOP/hello" },
	{ "M=hello MO=out", "A=b", "M=TOP/hello MO=TOP/out" },
	{ "KBUILD_EXTMOD=hello", "A=b", "M=TOP/hello" },
	{ "M=hello", "KBUILD_EXTMOD_OUTPUT=out", "M=TOP/hello MO=TOP/out" },
	{ "M=hello MO=out", "KBUILD_EXTMOD_OUTPUT=other",
	  "M=TOP/hello MO=TOP/out" },
	{ "KBUILD_EXTMOD_OUTPUT=out", "KBUILD_EXTMOD=hello",
	  "M=TOP/hello MO=TOP/out" },
	{ "V=1", "KBUILD_EXTMOD=hello", "M=TOP/hello" },
	{ "M=hello", "KBUILD_EXTMOD=other", "M=TOP/hello" },
	{ "V=1", "M=hello", "" }, /* make reads M on its command line only */
	{ "M= MO=out", "A=b", "" },
};

/* Return `text` with the directory of the test for each TOP. */
static char *with_top(const char *text)
{
	struct buf out = { 0 };

	for (const char *at = text; *at; at++) {
		if (str_starts(at, "TOP")) {
			buf_add_str(&out, top);
			at += 2;
		} else {
			buf_add(&out, at, 1);
		}
	}
	return buf_steal(&out);
}

/* Append to the Makefile of the kernel. */
static void extend_makefile(const char *lines)
{
	char *path = at("linux/Makefile"), *text = get_file(path);
	char *all = xasprintf("%s%s", text, lines);

	put_file("linux/Makefile", all, 0644);
	free(all);
	free(text);
	free(path);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(an_output_directory_with_a_space_is_rejected)
{
	char *want = with_top("MO=TOP/a b: make does not support paths with "
			      "spaces, colons or percent signs");

	extend_makefile(NEW_KERNEL);
	strv_add(&req.variables, "M=hello");
	strv_add(&req.variables, "MO=a b");
	make_plan();
	ck_assert_int_eq(kernel_module_check(&plan.module, &err), -EINVAL);
	ck_assert_str_eq(err.text, want);
	free(want);
}

TEST_EACH(module_directories_are_passed_as_absolute_paths, cases)
{
	char *got, *want = with_top(row->words);

	extend_makefile(NEW_KERNEL);
	words(&req.variables, row->variables);
	words(&env, row->environment);
	make_plan();
	got = strv_join(&plan.module.vars, " ");
	ck_assert_str_eq(got, want);
	ck_assert_int_eq(plan.module.dir != NULL, *got != '\0');
	free(got);
	free(want);
}

/* Plan a build of modules for the kernel in the directory `kdir`. */
static void plan_for_kernel(const char *kdir)
{
	req.directory = NULL;
	strv_release(&req.variables);
	strv_addf(&req.variables, "KDIR=%s", kdir);
	strv_add(&req.variables, "M=hello");
	make_plan();
}

TEST(the_tree_is_found_from_the_makefile_of_a_build_directory)
{
	char *dir = at("out"), *text;

	text = xasprintf("# generated\ninclude %s/Makefile\n", tree);
	put_file("out/Makefile", text, 0644);
	plan_for_kernel(dir);
	ck_assert_str_eq(plan.tree, tree);
	ck_assert_str_eq(plan.builddir.dir, dir);
	free(text);
	text = xasprintf("MAKEARGS := -C %s\nMAKEARGS += O=%s\n", tree, dir);
	put_file("out/Makefile", text, 0644);
	plan_for_kernel(dir);
	ck_assert_str_eq(plan.tree, tree);
	ck_assert_str_eq(plan.builddir.dir, dir);
	plan_for_kernel(tree);
	ck_assert_str_eq(plan.tree, tree);
	ck_assert_ptr_null(plan.prepared_dir);
	free(text);
	free(dir);
}

/*
 * Lines of the Makefile in a build directory directly below the tree, since and
 * before Linux 5.3.
 */
static const char *const relative_trees[] = {
	"include ../Makefile",
	"MAKEARGS := -C ..",
};

TEST_EACH(the_tree_is_found_from_a_build_directory_below_it, relative_trees)
{
	char *dir = at("linux/out"), *link = at("link");
	char *text = xasprintf("# generated\n%s\n", *row);

	put_file("linux/out/Makefile", text, 0644);
	ck_assert_int_eq(symlink(dir, link), 0);
	plan_for_kernel(link);
	ck_assert_str_eq(plan.tree, tree);
	ck_assert_str_eq(plan.prepared_dir, dir);
	ck_assert_str_eq(plan.builddir.dir, dir);
	free(text);
	free(link);
	free(dir);
}

/* Only the goals get M=, because kbuild cannot configure a kernel with it. */
TEST(m_is_passed_with_the_goals_only)
{
	struct strv argv = { 0 }, goals = { 0 };
	char *all, *hello = at("hello");

	words(&req.variables, "M=hello W=1");
	make_plan();
	kernel_plan_make_argv(&plan, &argv, NULL, NULL);
	all = strv_join(&argv, " ");
	text_has(all, " W=1");
	ck_assert_ptr_null(strstr(all, " M="));
	free(all);
	kernel_plan_add_goals(&plan, &goals, NULL);
	ck_assert_uint_eq(goals.n, 1);
	ck_assert_str_eq(goals.v[0] + 2, hello);
	ck_assert_ptr_nonnull(kernel_plan_find_setting(&plan, "M"));
	free(hello);
	strv_release(&goals);
	strv_release(&argv);
}

/*
 * Variables for kfarm, lines for the tree's Makefile, variables for make, and
 * the output directory or NULL.
 */
static const struct {
	const char *variables, *makefile, *words, *output;
} inside[] = {
	{ "M=linux/fs/x", "", "M=fs/x", "TOP/build/fs/x" },
	{ "M=linux/fs/x/", "", "M=fs/x", "TOP/build/fs/x" },
	{ "M=TOP/linux/fs/x", "", "M=TOP/linux/fs/x", NULL },
	{ "M=linux/fs/x", NEW_KERNEL, "M=TOP/linux/fs/x", NULL },
	{ "M=hello", "", "M=TOP/hello", NULL },
	{ "M=hello MO=out", "", "M=TOP/hello", NULL },
	{ "M=linux/fs/x MO=out", "", "M=fs/x", "TOP/build/fs/x" },
	{ "M=linux/fs/x MO=out", NEW_KERNEL, "M=TOP/linux/fs/x MO=TOP/out",
	  "TOP/out" },
};

TEST_EACH(modules_below_the_tree_are_built_in_the_build_directory, inside)
{
	char *got, *want, *output;

	extend_makefile(row->makefile);
	put_file("linux/fs/x/Makefile", "obj-m := x.o\n", 0644);
	want = with_top(row->variables);
	words(&req.variables, want);
	req.build_dir = at("build");
	make_plan();
	free(want);
	want = with_top(row->words);
	output = row->output ? with_top(row->output) : NULL;
	got = strv_join(&plan.module.vars, " ");
	ck_assert_str_eq(got, want);
	ck_assert_pstr_eq(plan.module.output_dir, output);
	free(output);
	free(want);
	free(got);
}

/* The directory of M=, and the line of modules.order for its module. */
static const struct {
	const char *variables, *dir, *line;
} orders[] = {
	{ "M=linux/fs/x", "build/fs/x", "fs/x/x.ko" },
	{ "M=linux/fs/x", "build/fs/x", "kernel/fs/x/x.ko" },
	{ "M=linux/kernel/x", "build/kernel/x", "kernel/x/x.ko" },
	{ "M=linux/kernel/x", "build/kernel/x", "kernel/kernel/x/x.ko" },
	{ "M=hello", "hello", "TOP/hello/x.o" },
	{ "M=hello", "hello", "kernel/TOP/hello/x.ko" },
	{ "M=hello", "hello", "x.o" },
};

TEST_EACH(modules_in_modules_order_are_artifacts, orders)
{
	struct kernel_artifacts all = { 0 };
	struct strv made = { 0 };
	char *line = with_top(row->line), *name;

	words(&req.variables, row->variables);
	req.build_dir = at("build");
	put_file("linux/fs/x/Makefile", "", 0644);
	put_file("linux/kernel/x/Makefile", "", 0644);
	make_plan();
	run.plan = &plan;
	name = xasprintf("%s/modules.order", row->dir);
	put_file(name, line, 0644);
	free(name);
	name = xasprintf("%s/x.ko", row->dir);
	put_file(name, "", 0644);
	kernel_module_add_artifacts(&run, &made, &all);
	ck_assert_uint_eq(all.n, 1);
	ck_assert_str_eq(all.v[0].file, "x.ko");
	kernel_artifacts_release(&all);
	run.plan = NULL;
	free(name);
	free(line);
}

TEST(a_directory_prepared_by_the_user_is_not_prepared_again)
{
	static const char *const files[] = {
		"build/.config",
		"build/include/config/auto.conf",
		"build/include/generated/autoconf.h",
		"build/include/generated/utsrelease.h",
		"build/scripts/mod/modpost",
		"linux/kernel/bounds.c",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		put_file(files[i], "", 0644);
	words(&req.variables, "M=hello");
	req.build_dir = at("build");
	start();
	ck_assert(kernel_module_can_prepare(&plan));
	must(kernel_module_prepare(&run, &err));
	ck_assert(!was_told("phase prepare"));
	kernel_build_end(&run);
}

/*
 * Start a build of external modules in the default directory, and return true
 * if make prepares the directory.
 */
static bool prepares(void)
{
	bool prepared;

	buf_reset(&told);
	start();
	run.jobs = 1;
	must(kernel_module_prepare(&run, &err));
	prepared = was_told("phase prepare");
	kernel_build_end(&run);
	return prepared;
}

/* Change a file, and wait until any further change alters its stamp. */
static void change_file(const char *name)
{
	char *path = at(name);

	put_file(name, "/* changed */\n", 0644);
	settle(path);
	free(path);
}

/* Write a file into the build directory. */
static void put_built(const char *name)
{
	char *path = kernel_plan_path(&plan, name);

	put_file(path + strlen(top) + 1, "", 0644);
	free(path);
}

/* A variable to add for make, and a file to change. */
static const struct {
	const char *variables, *file;
	bool prepares;
} changes[] = {
	{ NULL, "linux/Kbuild", true },
	{ "W=1", "hello/hello.h", false },
	{ "LOCALVERSION=-mine", NULL, true },
	{ NULL, "linux/include/linux/thread_info.h", true },
	{ NULL, "linux/mm/slab.h", false },
	{ NULL, "linux/arch/arm64/include/asm/page.h", true },
	{ NULL, "linux/localversion-next", true },
	{ NULL, NULL, false },
};

TEST(a_default_directory_is_prepared_after_relevant_changes_only)
{
	static const char *const files[] = {
		".config",
		"include/config/auto.conf",
		"include/generated/autoconf.h",
		"include/generated/utsrelease.h",
		"scripts/mod/modpost",
	};
	char *rules = at("linux/Makefile"), *text = get_file(rules);
	char *more = xasprintf("%smodules_prepare: ; @:\n", text);

	put_file("linux/Makefile", more, 0644);
	put_file("linux/kernel/bounds.c", "", 0644);
	words(&req.variables, "M=hello");
	make_plan();
	ck_assert_int_eq(plan.builddir.kind, KERNEL_BUILDDIR_DEFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_built(files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		if (changes[i].variables)
			words(&req.variables, changes[i].variables);
		if (changes[i].file)
			change_file(changes[i].file);
		ck_assert_msg(prepares() == changes[i].prepares, "change %zu",
			      i);
	}
	free(more);
	free(text);
	free(rules);
}

TEST(kdir_selects_the_tree_and_the_build_directory)
{
	char *text = xasprintf("include %s/Makefile\n", tree), *out = at("out");

	put_file("out/Makefile", text, 0644);
	put_file("out/.config", "CONFIG_MODULES=y\n", 0644);
	plan_for_kernel(out);
	ck_assert_str_eq(plan.tree, tree);
	ck_assert_str_eq(plan.builddir.dir, out);
	ck_assert(kconfig_is_empty(&plan.kconfig));
	free(out);
	free(text);
}

TEST(an_error_names_a_missing_kernel_directory)
{
	req.directory = NULL;
	words(&req.variables, "M=hello");
	ck_assert_int_eq(kernel_plan_init(&plan, &req, env.v, &err), -ENOENT);
	text_has(err.text,
		 "/hello: /lib/modules/6.1.0/build: no such directory; specify "
		 "the kernel's directory with -C or KDIR=DIR");
}
