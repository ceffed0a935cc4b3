/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/plan.h"

static struct kconfig_request r;
static struct kernel_builddir place;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	r = (struct kconfig_request){ 0 };
	place = (struct kernel_builddir){ 0 };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	free(place.dir);
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

	free(place.dir);
	return kernel_builddir_find(&place, &plan, &err);
}

static void expect(enum kernel_builddir_kind kind, const char *dir)
{
	ck_assert_msg(!find(), "%s", err.text);
	ck_assert_int_eq(place.kind, kind);
	ck_assert_str_eq(place.dir, dir);
}

FIXTURE(set_up, tear_down);

TEST(a_lasting_directory_is_named_by_what_is_built)
{
	char *starts = at(".cache/kfarm/build/"
			  "linux-arm64-tinyconfig+x+CONFIG_A_y-gcc-12.2.0-");

	r.kconfig = "tinyconfig";
	words(&r.fragments, "/some/where/x.config CONFIG_A=y");
	ck_assert_int_eq(find(), 0);
	ck_assert_int_eq(place.kind, KERNEL_BUILDDIR_DEFAULT);
	ck_assert_msg(str_starts(place.dir, starts), "%s", place.dir);
	free(starts);
}

TEST(other_fragments_are_another_directory)
{
	char *first;

	ck_assert_int_eq(find(), 0);
	first = xstrdup(place.dir);
	words(&r.fragments, "a b c CONFIG_D=y");
	ck_assert_int_eq(find(), 0);
	ck_assert_str_ne(place.dir, first);
	free(first);
	first = xstrdup(place.dir);
	r.fragments.v[3][9] = 'n';
	ck_assert_int_eq(find(), 0);
	ck_assert_str_ne(place.dir, first);
	free(first);
}

TEST(hostile_names_stay_one_component)
{
	const char *name;

	r.kconfig = "../../\n;x y";
	ck_assert_int_eq(find(), 0);
	name = strstr(place.dir, "linux-arm64-");
	ck_assert_ptr_nonnull(name);
	ck_assert_ptr_null(strpbrk(name, "/\n; "));
}

TEST(b_precedes_the_environment)
{
	set_env("KBUILD_OUTPUT=/else");
	r.build_dir = "/some/dir/";
	expect(KERNEL_BUILDDIR_GIVEN, "/some/dir");
}

TEST(b_and_o_must_name_the_same_directory)
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
	const char *file, *foreign; /* foreign: NULL for a build directory */
} contents[] = {
	{ "include/stdio.h", "include" },
	{ "Makefile", "Makefile" },
	{ ".config/app/settings", ".config" },
	{ "notes", NULL },
	{ ".config", NULL },
	{ "include/config/auto.conf", NULL },
	{ "include/generated/uapi/linux/version.h", NULL },
};

TEST_EACH(a_directory_of_something_else_is_rejected, contents)
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

TEST(a_directory_with_the_name_of_the_link_of_kbuild_is_not_the_link)
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
TEST(b_names_no_new_directory_like_a_default_one)
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

TEST(o_is_relative_to_the_tree_as_makes_is)
{
	char *dir = at("linux/out");

	words(&r.variables, "O=out");
	expect(KERNEL_BUILDDIR_GIVEN, dir);
	free(dir);
}

TEST(kbuild_output_is_taken_from_variable_and_environment)
{
	set_env("KBUILD_OUTPUT=/env");
	expect(KERNEL_BUILDDIR_GIVEN, "/env");
	words(&r.variables, "KBUILD_OUTPUT=/of-make");
	expect(KERNEL_BUILDDIR_GIVEN, "/of-make");
	words(&r.variables, "O=/o");
	expect(KERNEL_BUILDDIR_GIVEN, "/o");
}

TEST(a_configured_tree_is_built_in)
{
	put_file("linux/.config", "", 0644);
	expect(KERNEL_BUILDDIR_IN_TREE, tree);
}

TEST(the_tree_itself_as_o_is_in_the_tree)
{
	r.build_dir = tree;
	expect(KERNEL_BUILDDIR_IN_TREE, tree);
}

static const char *const traces[] = { "linux/.config", "linux/include/config/x",
				      "linux/arch/arm64/include/generated/x" };

TEST_EACH(a_tree_that_was_built_in_cannot_be_built_outside, traces)
{
	put_file(*row, "", 0644);
	r.build_dir = "/some/dir";
	ck_assert_int_eq(find(), -EINVAL);
	text_has(err.text, "mrproper");
}

TEST(paths_that_make_cannot_bear_are_refused)
{
	r.build_dir = "/some/d ir";
	ck_assert_int_eq(find(), -EINVAL);
	r.build_dir = "/some/d:ir";
	ck_assert_int_eq(find(), -EINVAL);
	text_has(err.text, "/some/d:ir");
}
