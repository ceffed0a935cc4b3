/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/compiler.h"

#include "../lib/test.h"
#include "kernel-installed.h"

static struct kernel_toolchains in;
static struct kernel_arch arm64, arm, unknown;
static struct err err;

static void set_up(void)
{
	installed_set_up();
	err = (struct err){ 0 };
	must(kernel_arch_find(&arm64, tree, "arm64", &err));
	must(kernel_arch_find(&arm, NULL, "arm", &err));
	must(kernel_arch_find(&unknown, tree, "newarch", &err));
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	put_installed("gcc-13.2.0", "aarch64-linux", NULL);
	put_installed("gcc-12.4.0", "aarch64-linux", NULL);
	put_installed("gcc-14.2.0", "aarch64-linux-gnu", NULL);
	put_installed("gcc-13.3.0", "arm-linux-gnueabi", NULL);
	put_installed("gcc-15.1.0", "aarch64-linux", "ppc64");
	put_installed("clang-14.0.6", NULL, NULL);
	must(kernel_toolchains_open(&in, data, &err));
	ck_assert_uint_eq(in.list.n, 7);
}

static void tear_down(void)
{
	kernel_toolchains_release(&in);
	installed_tear_down();
}

static const struct {
	const char *word, *id;
} words_of_arm64[] = {
	{ "gcc-13", "gcc-13.3.0-aarch64-linux" },
	{ "gcc-13.2", "gcc-13.2.0-aarch64-linux" },
	{ "gcc-12.4.0", "gcc-12.4.0-aarch64-linux" },
	/*
	 * kernel.org's triplet takes precedence over a newer one of Debian's.
	 */
	{ "gcc", "gcc-13.3.0-aarch64-linux" },
	{ "gcc-14", "gcc-14.2.0-aarch64-linux-gnu" },
	{ "gcc-13.2.0-aarch64-linux", "gcc-13.2.0-aarch64-linux" },
	{ "clang", "clang-14.0.6" },
	{ "clang-14.0.6", "clang-14.0.6" },
	{ "clang-15", NULL },
	{ "gcc-15", NULL },
	{ "gcc-11", NULL },
	{ "aarch64-gcc1330-linux-", NULL },
	{ "nosuch", NULL },
};

FIXTURE(set_up, tear_down);

TEST_EACH(a_word_means_the_newest_that_fits, words_of_arm64)
{
	const struct toolchain_installed *t = NULL;

	must(kernel_toolchains_find(&in, &arm64, row->word, &t, &err));
	if (row->id)
		ck_assert_str_eq(t->id, row->id);
	else
		ck_assert_ptr_null(t);
}

TEST(each_architecture_has_its_own)
{
	const struct toolchain_installed *t = NULL;

	must(kernel_toolchains_find(&in, &arm, "gcc", &t, &err));
	ck_assert_str_eq(t->id, "gcc-13.3.0-arm-linux-gnueabi");
	must(kernel_toolchains_find(&in, &unknown, "gcc", &t, &err));
	ck_assert_ptr_null(t);
}

TEST(an_id_has_to_fit_too)
{
	const struct toolchain_installed *t;

	ck_assert_int_eq(kernel_toolchains_find(&in, &arm64,
						"gcc-13.3.0-arm-linux-gnueabi",
						&t, &err),
			 -EINVAL);
	text_has(err.text, "for arm-linux-gnueabi");
	arm64.guessed = true;
	must(kernel_toolchains_find(&in, &arm64, "gcc-13.3.0-arm-linux-gnueabi",
				    &t, &err));
	ck_assert_str_eq(t->triplet, "arm-linux-gnueabi");
	ck_assert_int_eq(kernel_toolchains_find(
				 &in, &arm64,
				 "gcc-15.1.0-aarch64-linux-on-ppc64", &t, &err),
			 -EINVAL);
	text_has(err.text, "runs on ppc64");
}

TEST(the_prefix_is_the_normalized_one)
{
	const struct toolchain_installed *t = NULL;
	char *prefix = NULL;

	kernel_toolchains_find(&in, &arm64, "gcc-13", &t, &err);
	must(kernel_toolchains_prefix(&in, t, &prefix, &err));
	ck_assert_str_eq(prefix, "aarch64-gcc1330-linux-");
	free(prefix);
	kernel_toolchains_find(&in, &arm64, "clang", &t, &err);
	must(kernel_toolchains_prefix(&in, t, &prefix, &err));
	ck_assert_str_eq(prefix, "-14.0.6");
	free(prefix);
}

TEST(a_name_that_leads_elsewhere_is_an_error)
{
	const struct toolchain_installed *t = NULL;
	char *link = at("data/bin/aarch64-gcc1330-linux-gcc"), *prefix = NULL;

	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("/bin/true", link), 0);
	kernel_toolchains_find(&in, &arm64, "gcc-13", &t, &err);
	ck_assert_int_eq(kernel_toolchains_prefix(&in, t, &prefix, &err),
			 -ENOENT);
	text_has(err.text, link);
	text_has(err.text, "gcc-13.3.0-aarch64-linux");
	ck_assert_ptr_null(prefix);
	free(link);
}

TEST(a_compiler_has_an_owner)
{
	static const char name[] = "aarch64-gcc1330-linux-gcc";
	char *link = at("data/bin/aarch64-gcc1330-linux-gcc");
	char *file = at("data/toolchains/gcc-13.2.0-aarch64-linux/in/bin/"
			"aarch64-linux-gcc");
	const struct toolchain_installed *t;

	t = kernel_toolchains_find_owner(&in, name, link);
	ck_assert_str_eq(t->id, "gcc-13.3.0-aarch64-linux");
	t = kernel_toolchains_find_owner(&in, "aarch64-linux-gcc", file);
	ck_assert_str_eq(t->id, "gcc-13.2.0-aarch64-linux");
	ck_assert_ptr_null(
		kernel_toolchains_find_owner(&in, "true", "/bin/true"));
	ck_assert_ptr_null(kernel_toolchains_find_owner(&in, "x", "/nosuch/x"));
	free(file);
	free(link);
}

TEST(what_is_odd_about_a_release_is_told)
{
	struct toolchain_installed t = { .id = (char *)"it",
					 .release = (char *)"gcc-13.2.0",
					 .host = (char *)"x86_64",
					 .triplet = (char *)"mips-linux" };
	struct strv notes = { 0 };

	kernel_toolchains_quirks(&t, &notes);
	ck_assert_uint_eq(notes.n, 1);
	text_starts(notes.v[0], "it: cannot load gcc plugins");
	text_ends(notes.v[0], "(gcc-13.3.0 is not affected)");
	t.triplet = (char *)"aarch64-linux";
	kernel_toolchains_quirks(&t, &notes);
	t.release = (char *)"gcc-7.3.0";
	kernel_toolchains_quirks(&t, &notes);
	ck_assert_uint_eq(notes.n, 1);
	strv_release(&notes);
}

TEST(names_are_found_in_bin_alone)
{
	ck_assert(
		kernel_toolchains_has_program(&in, "aarch64-gcc1330-linux-ld"));
	ck_assert(kernel_toolchains_has_program(&in, "clang-14.0.6"));
	ck_assert(!kernel_toolchains_has_program(&in, "../toolchains"));
	ck_assert(!kernel_toolchains_has_program(&in, "gcc"));
	ck_assert(!kernel_toolchains_has_program(&in, ""));
}

TEST(one_that_is_new_enough_is_found)
{
	struct toolchain_release least = { .n_parts = 2, .parts = { 13, 1 } };
	const struct toolchain_installed *t;

	t = kernel_toolchains_find_newer(&in, &arm64, &least);
	ck_assert_str_eq(t->id, "gcc-13.3.0-aarch64-linux");
	least.parts[0] = 16;
	ck_assert_ptr_null(kernel_toolchains_find_newer(&in, &arm64, &least));
	least = (struct toolchain_release){ .is_clang = true,
					    .n_parts = 1,
					    .parts = { 11 } };
	ck_assert_str_eq(kernel_toolchains_find_newer(&in, &arm64, &least)->id,
			 "clang-14.0.6");
}

TEST(the_advice_is_a_command)
{
	struct toolchain_release r = { .n_parts = 1, .parts = { 13 } };
	char *text = kernel_toolchains_install_hint(&arm64, &r);

	ck_assert_str_eq(text,
			 "run `kfarm toolchain install gcc-13 --arch arm64`");
	free(text);
	ck_assert_ptr_null(kernel_toolchains_install_hint(&unknown, &r));
	r.is_clang = true;
	text = kernel_toolchains_install_hint(&unknown, &r);
	ck_assert_str_eq(text, "run `kfarm toolchain install clang-13`");
	free(text);
}

TEST(without_any_there_is_nothing)
{
	struct kernel_toolchains none;
	const struct toolchain_installed *t;
	char *dir = at("nosuch");

	must(kernel_toolchains_open(&none, dir, &err));
	must(kernel_toolchains_find(&none, &arm64, "gcc", &t, &err));
	ck_assert_ptr_null(t);
	ck_assert(!kernel_toolchains_has_program(&none, "gcc"));
	kernel_toolchains_release(&none);
	free(dir);
}
