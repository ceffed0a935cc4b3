/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base conf wire options tree toolchain node coord build scan store */
#include "build-tree.h"
#include "build/compiler.h"

static struct strv vars;
static struct build_compiler c;
static struct err err;

/* PATH holds no cross compiler but the tree's, whatever this machine has. */
static void narrow_path(void)
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

static void set_up(void)
{
	tree_set_up();
	narrow_path();
	vars = (struct strv){ 0 };
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	build_compiler_release(&c);
	strv_release(&vars);
	tree_tear_down();
}

static int choose(const char *arch, const char *toolchain)
{
	struct build_compiler_wish wish = { .tree = tree,
					    .toolchain = toolchain,
					    .variables = &vars,
					    .env = env.v };
	struct build_arch a;

	ck_assert_int_eq(build_arch_find(&a, tree, arch, &err), 0);
	return build_compiler_choose(&c, &a, &wish, &err);
}

static void expect(const char *name, const char *all_vars)
{
	char *got = strv_join(&c.vars, " ");

	ck_assert_msg(!err.text[0], "%s", err.text);
	ck_assert_str_eq(c.name, name);
	ck_assert_str_eq(got, all_vars);
	free(got);
}

START_TEST(another_architecture_gets_debians_cross_compiler)
{
	char *path = at("tools/aarch64-linux-gnu-gcc");

	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("aarch64-linux-gnu-gcc", "CROSS_COMPILE=aarch64-linux-gnu-");
	ck_assert_str_eq(c.path, path);
	ck_assert(c.version[0] >= '1' && c.version[0] <= '9');
	ck_assert_ptr_null(c.unlinked);
	ck_assert_uint_eq(c.notes.n, 0);
	free(path);
}
END_TEST

START_TEST(the_machines_own_architecture_needs_no_prefix)
{
	char host[32];

	build_arch_host(host);
	if (strcmp(host, "x86"))
		return;
	ck_assert_int_eq(choose("x86_64", NULL), 0);
	expect("gcc", "");
}
END_TEST

START_TEST(a_missing_cross_compiler_is_named_with_its_package)
{
	ck_assert_int_eq(choose("riscv", NULL), -ENOENT);
	ck_assert_msg(strstr(err.text, "riscv64-linux-gnu-gcc: not found"),
		      "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, "gcc-riscv64-linux-gnu,"));
}
END_TEST

START_TEST(an_architecture_without_a_known_compiler_asks_for_one)
{
	ck_assert_int_eq(choose("newarch", NULL), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "with -t"));
}
END_TEST

START_TEST(a_prefix_is_taken_as_it_is)
{
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}
END_TEST

START_TEST(a_prefix_may_lack_its_dash)
{
	ck_assert_int_eq(choose("arm64", "nice"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}
END_TEST

START_TEST(a_prefix_that_is_not_there_is_named)
{
	ck_assert_int_eq(choose("arm64", "nosuch-"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "nosuch-gcc: not found"));
}
END_TEST

START_TEST(a_word_that_is_no_toolchain_is_refused)
{
	ck_assert_int_eq(choose("arm64", "frobnicate"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "frobnicate"));
}
END_TEST

START_TEST(the_environment_names_the_prefix)
{
	set_env("CROSS_COMPILE=nice-");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}
END_TEST

START_TEST(a_variable_counts_before_the_environment)
{
	set_env("CROSS_COMPILE=nosuch-");
	words(&vars, "CROSS_COMPILE=nice-");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}
END_TEST

START_TEST(cc_of_the_environment_means_nothing_to_make)
{
	set_env("CC=nosuch");
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}
END_TEST

START_TEST(gcc_of_a_version_becomes_cc)
{
	link_compiler("aarch64-linux-gnu-gcc-31");
	ck_assert_int_eq(choose("arm64", "gcc-31"), 0);
	expect("aarch64-linux-gnu-gcc-31", "CROSS_COMPILE=aarch64-linux-gnu- "
					   "CC=aarch64-linux-gnu-gcc-31");
}
END_TEST

START_TEST(a_directory_goes_to_path_and_is_told)
{
	char *prefix = at("tools/nice-"), *dir = at("tools"), *path;

	set_env("PATH=/usr/bin:/bin");
	ck_assert_int_eq(choose("arm64", prefix), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
	ck_assert_uint_eq(c.dirs.n, 1);
	ck_assert_str_eq(c.dirs.v[0], dir);
	ck_assert_uint_eq(c.notes.n, 1);
	path = build_compiler_path(&c, env.v);
	ck_assert(str_starts(path, dir));
	ck_assert(str_ends(path, ":/usr/bin:/bin"));
	free(path);
	free(prefix);
	free(dir);
}
END_TEST

START_TEST(a_script_builds_without_links)
{
	put_file("tools/script-gcc", "#!/bin/sh\necho 12.1.0\n", 0755);
	ck_assert_int_eq(choose("arm64", "script-"), 0);
	ck_assert_ptr_nonnull(strstr(c.unlinked, "script-gcc is a script"));
	ck_assert_str_eq(c.version, "12.1.0");
}
END_TEST

START_TEST(a_cc_of_several_words_builds_without_links)
{
	strv_add(&vars, "CC=env nice-gcc");
	ck_assert_msg(!choose("arm64", "nice-"), "%s", err.text);
	ck_assert_ptr_nonnull(strstr(c.unlinked, "several words"));
	ck_assert_str_eq(c.path, "");
}
END_TEST

START_TEST(a_hostcc_that_is_a_script_builds_without_links)
{
	put_file("tools/hostgcc", "#!/bin/sh\nexec gcc \"$@\"\n", 0755);
	words(&vars, "HOSTCC=hostgcc");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	ck_assert_ptr_nonnull(strstr(c.unlinked, "hostgcc is a script"));
}
END_TEST

START_TEST(a_compiler_cache_is_seen_through)
{
	char *ccache = at("tools/ccache"), *link = at("first/nice-gcc");
	char *path = at("tools/nice-gcc");

	put_file("tools/ccache", "#!/bin/sh\nexit 1\n", 0755);
	put_file("first/x", "", 0644);
	ck_assert_int_eq(symlink(ccache, link), 0);
	free(link);
	link = xasprintf("PATH=%s/first:%s/tools:/usr/bin:/bin", top, top);
	set_env(link);
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	ck_assert_str_eq(c.path, path);
	ck_assert_ptr_null(c.unlinked);
	free(path);
	free(link);
	free(ccache);
}
END_TEST

START_TEST(one_that_is_too_old_is_refused_as_untestable)
{
	ck_assert_int_eq(choose("arm64", "old-"), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.text, "4.9.2"));
	ck_assert_ptr_nonnull(strstr(err.text, "5.1.0"));
}
END_TEST

START_TEST(a_tree_without_the_script_asks_for_nothing)
{
	char *script = at("linux/scripts/min-tool-version.sh");

	unlink(script);
	free(script);
	ck_assert_int_eq(choose("arm64", "old-"), 0);
}
END_TEST

START_TEST(what_does_not_tell_a_version_is_no_compiler)
{
	put_file("tools/odd-gcc", "#!/bin/sh\necho hello\n", 0755);
	ck_assert_int_eq(choose("arm64", "odd-"), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.text, "odd-gcc"));
}
END_TEST

START_TEST(clang_of_a_version_sets_llvm)
{
	put_file("tools/clang-31", "#!/bin/sh\necho 31.0.0\n", 0755);
	ck_assert_int_eq(choose("riscv", "clang-31"), 0);
	expect("clang-31", "LLVM=-31");
	ck_assert(c.is_clang);
}
END_TEST

START_TEST(llvm_0_is_no_llvm)
{
	set_env("LLVM=0");
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}
END_TEST

static const struct {
	const char *a, *b;
	bool older;
} versions[] = {
	{ "4.9.2", "5.1.0", true },   { "5.1.0", "5.1.0", false },
	{ "10.2.1", "9.9.9", false }, { "12", "11.0.0", false },
	{ "5", "5.1.0", true },       { "5.1", "5.1.0", false },
};

START_TEST(versions_compare_by_number)
{
	ck_assert_int_eq(build_compiler_older(versions[_i].a, versions[_i].b),
			 versions[_i].older);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("build/compiler");
	TCase *tc = tcase_create("compiler");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, another_architecture_gets_debians_cross_compiler);
	tcase_add_test(tc, the_machines_own_architecture_needs_no_prefix);
	tcase_add_test(tc, a_missing_cross_compiler_is_named_with_its_package);
	tcase_add_test(tc,
		       an_architecture_without_a_known_compiler_asks_for_one);
	tcase_add_test(tc, a_prefix_is_taken_as_it_is);
	tcase_add_test(tc, a_prefix_may_lack_its_dash);
	tcase_add_test(tc, a_prefix_that_is_not_there_is_named);
	tcase_add_test(tc, a_word_that_is_no_toolchain_is_refused);
	tcase_add_test(tc, the_environment_names_the_prefix);
	tcase_add_test(tc, a_variable_counts_before_the_environment);
	tcase_add_test(tc, cc_of_the_environment_means_nothing_to_make);
	tcase_add_test(tc, gcc_of_a_version_becomes_cc);
	tcase_add_test(tc, a_directory_goes_to_path_and_is_told);
	tcase_add_test(tc, a_script_builds_without_links);
	tcase_add_test(tc, a_cc_of_several_words_builds_without_links);
	tcase_add_test(tc, a_hostcc_that_is_a_script_builds_without_links);
	tcase_add_test(tc, a_compiler_cache_is_seen_through);
	tcase_add_test(tc, one_that_is_too_old_is_refused_as_untestable);
	tcase_add_test(tc, a_tree_without_the_script_asks_for_nothing);
	tcase_add_test(tc, what_does_not_tell_a_version_is_no_compiler);
	tcase_add_test(tc, clang_of_a_version_sets_llvm);
	tcase_add_test(tc, llvm_0_is_no_llvm);
	tcase_add_loop_test(tc, versions_compare_by_number, 0,
			    sizeof(versions) / sizeof(*versions));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
