/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/plan.h"

static struct kconfig_request r;
static struct kernel_builddir found;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ 0 };
	found = (struct kernel_builddir){ 0 };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	free(found.dir);
	strv_release(&r.variables);
	strv_release(&r.fragments);
	tree_tear_down();
}

static int find(void)
{
	struct kernel_plan plan = {
		.request = &r,
		.tree = tree,
		.arch = { .arch = "arm64", .srcarch = "arm64" },
		.compiler = { .name = (char[]){ "gcc" },
			      .version = (char[]){ "12.2.0" } },
		.env = env.v,
	};

	free(found.dir);
	return kernel_builddir_find(&found, &plan, &err);
}

static void expect(enum kernel_builddir_kind kind, const char *dir)
{
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_int_eq(found.kind, kind);
	ck_assert_str_eq(found.dir, dir);
}

FIXTURE(set_up, tear_down);

TEST(a_default_name_contains_tree_arch_config_and_compiler)
{
	char *prefix = at(".cache/kfarm/build/"
			  "linux-arm64-tinyconfig+x+CONFIG_A_y-gcc-12.2.0-");

	r.kconfig = "tinyconfig";
	words(&r.fragments, "/some/where/x.config CONFIG_A=y");
	ck_assert_int_eq(find(), 0);
	ck_assert_int_eq(found.kind, KERNEL_BUILDDIR_DEFAULT);
	ck_assert_msg(str_starts(found.dir, prefix), "%s", found.dir);
	free(prefix);
}

TEST(different_fragments_get_different_default_directories)
{
	char *first;

	ck_assert_int_eq(find(), 0);
	first = xstrdup(found.dir);
	words(&r.fragments, "a b c CONFIG_D=y");
	ck_assert_int_eq(find(), 0);
	ck_assert_str_ne(found.dir, first);
	free(first);
	first = xstrdup(found.dir);
	r.fragments.v[3][9] = 'n';
	ck_assert_int_eq(find(), 0);
	ck_assert_str_ne(found.dir, first);
	free(first);
}

TEST(a_default_name_contains_no_special_characters)
{
	const char *name;

	r.kconfig = "../../\n;x y";
	ck_assert_int_eq(find(), 0);
	name = strstr(found.dir, "linux-arm64-");
	ck_assert_ptr_nonnull(name);
	ck_assert_ptr_null(strpbrk(name, "/\n; "));
}

TEST(option_b_precedes_kbuild_output_of_the_environment)
{
	set_env("KBUILD_OUTPUT=/else");
	r.build_dir = "/some/dir/";
	expect(KERNEL_BUILDDIR_GIVEN, "/some/dir");
}

TEST(option_b_and_o_must_name_the_same_directory)
{
	words(&r.variables, "O=/else");
	r.build_dir = "/some/dir/";
	ck_assert_int_eq(find(), -EINVAL);
	ck_assert_str_eq(err.text, "-b /some/dir/ conflicts with O=/else");
	r.build_dir = "/else";
	expect(KERNEL_BUILDDIR_GIVEN, "/else");
	/* -b is relative to the working directory, O= to the tree. */
	ck_assert(!chdir(tree));
	strv_release(&r.variables);
	words(&r.variables, "O=./out/");
	r.build_dir = "out";
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert(!chdir(".."));
	ck_assert_int_eq(find(), -EINVAL);
	ck_assert_str_eq(err.text, "-b out conflicts with O=./out/");
}

static const struct {
	const char *file, *foreign; /* foreign: NULL if accepted */
} contents[] = {
	{ "include/stdio.h", "include" },
	{ "Makefile", "Makefile" },
	{ ".config/app/settings", ".config" },
	{ "notes", NULL },
	{ ".config", NULL },
	{ "include/config/auto.conf", NULL },
	{ "include/generated/uapi/linux/version.h", NULL },
};

TEST_EACH(a_directory_with_foreign_files_is_rejected, contents)
{
	char *dir = at("dir"), *file = xasprintf("dir/%s", row->file), *want;

	put_file(file, "", 0644);
	r.build_dir = dir;
	if (row->foreign) {
		want = xasprintf("build directory %s: contains %s, which "
				 "kbuild did not create; choose another "
				 "directory",
				 dir, row->foreign);
		ck_assert_int_eq(find(), -EEXIST);
		ck_assert_str_eq(err.text, want);
		free(want);
	} else {
		expect(KERNEL_BUILDDIR_GIVEN, dir);
	}
	free(file);
	free(dir);
}

TEST(a_source_directory_is_not_mistaken_for_kbuilds_source_link)
{
	char *dir = at("dir"), *link = at("dir/source");

	put_file("dir/Makefile", "", 0644);
	put_file("dir/source/main.c", "", 0644);
	r.build_dir = dir;
	ck_assert_int_eq(find(), -EEXIST);
	ck_assert_msg(!fs_remove(link, &err), "%s", err.text);
	ck_assert(!symlink("/gone", link));
	expect(KERNEL_BUILDDIR_GIVEN, dir);
	free(link);
	free(dir);
}

/* `kfarm clean` would remove the directory. */
TEST(option_b_rejects_a_new_directory_with_a_default_name)
{
	char *dir = at(".cache/kfarm/build/mine-20261125");
	char *want = xasprintf("build directory %s: `kfarm clean` removes "
			       "directories with such names; choose another "
			       "name",
			       dir);

	r.build_dir = dir;
	ck_assert_int_eq(find(), -EINVAL);
	ck_assert_str_eq(err.text, want);
	put_file(".cache/kfarm/build/mine-20261125/.config", "", 0644);
	expect(KERNEL_BUILDDIR_GIVEN, dir);
	r.build_dir = top;
	expect(KERNEL_BUILDDIR_GIVEN, top);
	free(want);
	free(dir);
}

TEST(a_relative_o_is_resolved_from_the_tree)
{
	char *dir = at("linux/out");

	words(&r.variables, "O=out");
	expect(KERNEL_BUILDDIR_GIVEN, dir);
	free(dir);
}

TEST(o_precedes_kbuild_output_of_make_and_of_the_environment)
{
	set_env("KBUILD_OUTPUT=/env");
	expect(KERNEL_BUILDDIR_GIVEN, "/env");
	words(&r.variables, "KBUILD_OUTPUT=/of-make");
	expect(KERNEL_BUILDDIR_GIVEN, "/of-make");
	words(&r.variables, "O=/o");
	expect(KERNEL_BUILDDIR_GIVEN, "/o");
}

TEST(a_configured_tree_is_built_in_tree)
{
	put_file("linux/.config", "", 0644);
	expect(KERNEL_BUILDDIR_IN_TREE, tree);
}

TEST(the_tree_as_build_directory_means_an_in_tree_build)
{
	r.build_dir = tree;
	expect(KERNEL_BUILDDIR_IN_TREE, tree);
}

/* The tree's path can contain symbolic links, as the shell's PWD does. */
TEST(another_path_of_the_tree_means_an_in_tree_build)
{
	char *link = at("link"), *inside = at("link/.");

	ck_assert(!symlink(tree, link));
	r.build_dir = link;
	expect(KERNEL_BUILDDIR_IN_TREE, tree);
	ck_assert_ptr_null(found.variable);
	r.build_dir = inside;
	expect(KERNEL_BUILDDIR_IN_TREE, tree);
	free(tree);
	tree = link;
	r.build_dir = inside;
	expect(KERNEL_BUILDDIR_IN_TREE, link);
	r.build_dir = NULL;
	words(&r.variables, "O=.");
	expect(KERNEL_BUILDDIR_IN_TREE, link);
	free(inside);
}

static const char *const in_tree_files[] = {
	"linux/.config", "linux/include/config/x",
	"linux/arch/arm64/include/generated/x"
};

TEST_EACH(a_tree_with_in_tree_build_files_rejects_a_build_directory,
	  in_tree_files)
{
	put_file(*row, "", 0644);
	r.build_dir = "/some/dir";
	ck_assert_int_eq(find(), -EINVAL);
	text_has(err.text, "mrproper");
}

static const char *const unsupported_paths[] = { "/some/d ir", "/some/d:ir",
						 "/some/$dir" };

TEST_EACH(paths_that_make_does_not_support_are_rejected, unsupported_paths)
{
	char *text = xasprintf("build directory %s: make does not support "
			       "paths with spaces, colons or dollar signs",
			       *row);

	r.build_dir = *row;
	ck_assert_int_eq(find(), -EINVAL);
	ck_assert_str_eq(err.text, text);
	free(text);
}
