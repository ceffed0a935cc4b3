/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/compiler.h"

#include "../lib/test.h"
#include "kernel-compiler.h"

/* The toolchains of the compiler that choose() has chosen. */
static const struct kernel_toolchains *installed = &c.toolchains;
static struct kernel_arch arm64, arm, unknown;

static void set_up_toolchains(void)
{
	set_up();
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
	must(choose("arm64", NULL));
	ck_assert_uint_eq(installed->list.n, 7);
}

static const struct {
	const char *word, *id;
} words_of_arm64[] = {
	{ "gcc-13", "gcc-13.3.0-aarch64-linux" },
	{ "gcc-13.2", "gcc-13.2.0-aarch64-linux" },
	{ "gcc-12.4.0", "gcc-12.4.0-aarch64-linux" },
	/*
	 * The triplet of kernel.org takes precedence over a newer release with
	 * the triplet of Debian.
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

FIXTURE(set_up_toolchains, tear_down);

TEST_EACH(a_word_selects_the_newest_matching_toolchain, words_of_arm64)
{
	const struct toolchain_installed *t = NULL;

	must(kernel_toolchains_find(installed, &arm64, row->word, &t, &err));
	if (row->id)
		ck_assert_str_eq(t->id, row->id);
	else
		ck_assert_ptr_null(t);
}

TEST(gcc_selects_a_toolchain_of_the_architecture)
{
	const struct toolchain_installed *t = NULL;

	must(kernel_toolchains_find(installed, &arm, "gcc", &t, &err));
	ck_assert_str_eq(t->id, "gcc-13.3.0-arm-linux-gnueabi");
	must(kernel_toolchains_find(installed, &unknown, "gcc", &t, &err));
	ck_assert_ptr_null(t);
}

TEST(an_id_for_another_architecture_or_host_is_rejected)
{
	const struct toolchain_installed *t;

	ck_assert_int_eq(kernel_toolchains_find(installed, &arm64,
						"gcc-13.3.0-arm-linux-gnueabi",
						&t, &err),
			 -EINVAL);
	text_has(err.text, "for arm-linux-gnueabi");
	arm64.guessed = true;
	must(kernel_toolchains_find(installed, &arm64,
				    "gcc-13.3.0-arm-linux-gnueabi", &t, &err));
	ck_assert_str_eq(t->triplet, "arm-linux-gnueabi");
	ck_assert_int_eq(kernel_toolchains_find(
				 installed, &arm64,
				 "gcc-15.1.0-aarch64-linux-on-ppc64", &t, &err),
			 -EINVAL);
	text_has(err.text, "runs on ppc64");
}

TEST(gcc_has_a_normalized_prefix_and_clang_a_version_suffix)
{
	const struct toolchain_installed *t = NULL;
	char *prefix = NULL;

	kernel_toolchains_find(installed, &arm64, "gcc-13", &t, &err);
	must(kernel_toolchains_prefix(installed, t, &prefix, &err));
	ck_assert_str_eq(prefix, "aarch64-gcc1330-linux-");
	free(prefix);
	kernel_toolchains_find(installed, &arm64, "clang", &t, &err);
	must(kernel_toolchains_prefix(installed, t, &prefix, &err));
	ck_assert_str_eq(prefix, "-14.0.6");
	free(prefix);
}

TEST(a_link_to_a_file_outside_the_toolchain_is_an_error)
{
	const struct toolchain_installed *t = NULL;
	char *link = at("data/bin/aarch64-gcc1330-linux-gcc"), *prefix = NULL;

	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("/bin/true", link), 0);
	kernel_toolchains_find(installed, &arm64, "gcc-13", &t, &err);
	ck_assert_int_eq(kernel_toolchains_prefix(installed, t, &prefix, &err),
			 -ENOENT);
	text_has(err.text, link);
	text_has(err.text, "gcc-13.3.0-aarch64-linux");
	ck_assert_ptr_null(prefix);
	free(link);
}

TEST(the_owner_of_a_compiler_is_the_toolchain_that_contains_it)
{
	static const char name[] = "aarch64-gcc1330-linux-gcc";
	char *link = at("data/bin/aarch64-gcc1330-linux-gcc");
	char *file = at("data/toolchains/gcc-13.2.0-aarch64-linux/in/bin/"
			"aarch64-linux-gcc");
	const struct toolchain_installed *t;

	t = kernel_toolchains_find_owner(installed, name, link);
	ck_assert_str_eq(t->id, "gcc-13.3.0-aarch64-linux");
	t = kernel_toolchains_find_owner(installed, "aarch64-linux-gcc", file);
	ck_assert_str_eq(t->id, "gcc-13.2.0-aarch64-linux");
	ck_assert_ptr_null(
		kernel_toolchains_find_owner(installed, "true", "/bin/true"));
	ck_assert_ptr_null(
		kernel_toolchains_find_owner(installed, "x", "/nosuch/x"));
	free(file);
	free(link);
}

TEST(a_note_reports_a_release_that_cannot_load_gcc_plugins)
{
	put_file("linux/arch/mips/Makefile", "", 0644);
	put_installed("gcc-13.2.0", "mips-linux", NULL);
	put_installed("gcc-7.3.0", "aarch64-linux", NULL);
	kernel_compiler_release(&c);
	must(choose("mips", "gcc-13.2.0"));
	ck_assert_uint_eq(c.notes.n, 1);
	text_starts(c.notes.v[0],
		    "gcc-13.2.0-mips-linux: cannot load gcc plugins");
	text_ends(c.notes.v[0], "(gcc-13.3.0 is not affected)");
	kernel_compiler_release(&c);
	must(choose("arm64", "gcc-13.2.0"));
	ck_assert_uint_eq(c.notes.n, 0);
	kernel_compiler_release(&c);
	must(choose("arm64", "gcc-7.3.0"));
	ck_assert_uint_eq(c.notes.n, 0);
}

TEST(only_names_in_the_bin_directory_are_programs)
{
	ck_assert(kernel_toolchains_has_program(installed,
						"aarch64-gcc1330-linux-ld"));
	ck_assert(kernel_toolchains_has_program(installed, "clang-14.0.6"));
	ck_assert(!kernel_toolchains_has_program(installed, "../toolchains"));
	ck_assert(!kernel_toolchains_has_program(installed, "gcc"));
	ck_assert(!kernel_toolchains_has_program(installed, ""));
}

/* Choose a compiler that is older than `least`; return the message. */
static const char *choose_old(const char *arch, const char *prefix,
			      const char *least)
{
	char *script = xasprintf("echo %s\n", least);

	put_file("linux/scripts/min-tool-version.sh", script, 0755);
	free(script);
	kernel_compiler_release(&c);
	ck_assert_int_eq(choose(arch, prefix), -ENOTSUP);
	return err.text;
}

TEST(the_error_suggests_an_installed_toolchain_if_new_enough)
{
	text_has(choose_old("arm64", "old-", "13.1"),
		 "; use -t gcc-13.3.0, which is installed, or run");
	text_has(choose_old("arm64", "old-", "16.1"),
		 "; select a newer one with -t, or run");
	put_file("tools/clang-10", "#!/bin/sh\necho 10.0.0\n", 0755);
	text_has(choose_old("arm64", "clang-10", "11"),
		 "; use -t clang-14.0.6, which is installed, or run");
}

TEST(the_error_ends_with_an_install_command_if_one_exists)
{
	text_ends(choose_old("arm64", "old-", "13"),
		  ", or run `kfarm toolchain install gcc-13 --arch arm64`");
	text_ends(choose_old("newarch", "old-", "13"),
		  "; select a newer one with -t");
	put_file("tools/clang-10", "#!/bin/sh\necho 10.0.0\n", 0755);
	text_ends(choose_old("newarch", "clang-10", "13"),
		  ", or run `kfarm toolchain install clang-13`");
}

TEST(no_toolchain_is_found_in_a_missing_data_directory)
{
	const struct toolchain_installed *t;

	kernel_compiler_release(&c);
	free(data);
	data = at("nosuch");
	must(choose("arm64", NULL));
	must(kernel_toolchains_find(installed, &arm64, "gcc", &t, &err));
	ck_assert_ptr_null(t);
	ck_assert(!kernel_toolchains_has_program(installed, "gcc"));
}
