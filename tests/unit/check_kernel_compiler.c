/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-compiler.h"
#include "kernel/compiler.h"

/* Return `text` with the directory of the test for %s.  The caller frees it. */
static char *with_top(const char *text)
{
	const char *at_top = strstr(text, "%s");

	return at_top ? xasprintf("%.*s%s%s", (int)(at_top - text), text, top,
				  at_top + 2) :
			xstrdup(text);
}

FIXTURE(set_up, tear_down);

TEST(a_foreign_architecture_uses_debians_cross_compiler)
{
	char *path = at("tools/aarch64-linux-gnu-gcc");

	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("aarch64-linux-gnu-gcc", "CROSS_COMPILE=aarch64-linux-gnu-");
	ck_assert_str_eq(c.path, path);
	ck_assert(c.version[0] >= '1' && c.version[0] <= '9');
	ck_assert_ptr_null(c.no_masquerade_reason);
	ck_assert_uint_eq(c.notes.n, 0);
	free(path);
}

TEST(the_host_architecture_uses_gcc_without_a_prefix)
{
	char host[32];

	kernel_arch_host(host);
	if (strcmp(host, "x86") != 0)
		SKIP("the machine is not an x86");
	ck_assert_int_eq(choose("x86_64", NULL), 0);
	expect("gcc", "");
}

TEST(an_error_names_a_missing_cross_compiler_and_its_package)
{
	ck_assert_int_eq(choose("riscv", NULL), -ENOENT);
	ck_assert_msg(strstr(err.text, "riscv64-linux-gnu-gcc: not found"),
		      "%s", err.text);
	text_has(err.text, "gcc-riscv64-linux-gnu,");
}

TEST(an_architecture_without_a_known_compiler_requires_option_t)
{
	ck_assert_int_eq(choose("newarch", NULL), -ENOENT);
	text_has(err.text, "with -t");
}

TEST(a_prefix_sets_cross_compile)
{
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}

TEST(a_missing_dash_is_appended_to_a_prefix)
{
	ck_assert_int_eq(choose("arm64", "nice"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}

TEST(an_error_names_the_missing_gcc_of_a_prefix)
{
	ck_assert_int_eq(choose("arm64", "nosuch-"), -ENOENT);
	text_has(err.text, "nosuch-gcc: not found");
}

TEST(a_misspelled_prefix_gets_a_suggestion_from_path)
{
	put_file("tools/aarch64-linux-gnu-gcc", "", 0755);
	ck_assert_int_eq(choose("arm64", "aarch64-linux-gnux-"), -ENOENT);
	ck_assert_str_eq(err.text,
			 "aarch64-linux-gnux-gcc: not found in PATH; did you "
			 "mean \"aarch64-linux-gnu-gcc\"?");
}

TEST(no_package_is_suggested_for_a_missing_cc)
{
	put_file("tools/aarch64-linux-gnu-gcc", "", 0755);
	words(&vars, "CC=nosuchcc");
	ck_assert_int_eq(choose("arm64", NULL), -ENOENT);
	ck_assert_str_eq(err.text,
			 "nosuchcc: not found in PATH; install it, or select "
			 "another toolchain with -t");
}

TEST(a_word_that_is_no_toolchain_is_rejected)
{
	ck_assert_int_eq(choose("arm64", "frobnicate"), -EINVAL);
	text_has(err.text, "frobnicate");
}

TEST(cross_compile_of_the_environment_is_used)
{
	set_env("CROSS_COMPILE=nice-");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}

TEST(a_make_variable_takes_precedence_over_the_environment)
{
	set_env("CROSS_COMPILE=nosuch-");
	words(&vars, "CROSS_COMPILE=nice-");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}

TEST(cc_of_the_environment_is_ignored)
{
	set_env("CC=nosuch");
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}

TEST(option_t_with_a_gcc_version_sets_cc)
{
	link_compiler("aarch64-linux-gnu-gcc-31");
	ck_assert_int_eq(choose("arm64", "gcc-31"), 0);
	expect("aarch64-linux-gnu-gcc-31", "CROSS_COMPILE=aarch64-linux-gnu- "
					   "CC=aarch64-linux-gnu-gcc-31");
}

TEST(the_directory_of_a_prefix_is_added_to_path_with_a_note)
{
	char *prefix = at("tools/nice-"), *dir = at("tools"), *path;

	set_env("PATH=/usr/bin:/bin");
	ck_assert_int_eq(choose("arm64", prefix), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
	ck_assert_uint_eq(c.path_dirs.n, 1);
	ck_assert_str_eq(c.path_dirs.v[0], dir);
	ck_assert_uint_eq(c.notes.n, 1);
	path = kernel_environ_path(&c.path_dirs, env.v);
	text_starts(path, dir);
	text_ends(path, ":/usr/bin:/bin");
	free(path);
	free(prefix);
	free(dir);
}

/* A variable that names a directory, and the compiler and settings for make. */
static const struct {
	const char *setting, *name, *all_vars;
} directories[] = {
	{ "CROSS_COMPILE=%s/tools/", "gcc", "CROSS_COMPILE=" },
	{ "LLVM=%s/tools/", "clang", "LLVM=1" },
};

TEST_EACH(a_directory_without_a_prefix_is_added_to_path, directories)
{
	char *dir = at("tools"), *setting = with_top(row->setting);

	link_compiler("gcc");
	put_file("tools/clang", "#!/bin/sh\necho 31.0.0\n", 0755);
	strv_own(&vars, setting);
	ck_assert_msg(!choose("x86_64", NULL), "%s", err.text);
	expect(row->name, row->all_vars);
	ck_assert_uint_eq(c.path_dirs.n, 1);
	ck_assert_str_eq(c.path_dirs.v[0], dir);
	text_starts(c.path, dir);
	free(dir);
}

/* A variable that names a directory, and the error after "NAME=DIR/: ". */
static const struct {
	const char *setting, *problem;
} rejected_directories[] = {
	{ "CROSS_COMPILE=%s/tools/",
	  "kfarm adds this directory to PATH, where its gcc would replace the "
	  "host compiler; specify a prefix, as in CROSS_COMPILE=%s/tools/"
	  "PREFIX-" },
	{ "CC=%s/tools/", "a directory; specify a compiler" },
	{ "HOSTCC=%s/tools/", "a directory; specify a compiler" },
};

TEST_EACH(a_directory_instead_of_a_prefix_or_compiler_is_rejected,
	  rejected_directories)
{
	char *problem = with_top(row->problem);

	strv_own(&vars, with_top(row->setting));
	err_is(choose("arm64", NULL), -EINVAL, "%s: %s", vars.v[0], problem);
	free(problem);
}

TEST(a_compiler_that_is_a_script_disables_masquerading)
{
	put_file("tools/script-gcc", "#!/bin/sh\necho 12.1.0\n", 0755);
	ck_assert_int_eq(choose("arm64", "script-"), 0);
	text_has(c.no_masquerade_reason, "script-gcc is a script");
	ck_assert_str_eq(c.version, "12.1.0");
}

TEST(a_directory_in_path_may_contain_a_space)
{
	char *path = xasprintf("PATH=%s/a b:/usr/bin:/bin", top);

	put_file("a b/odd-gcc", "#!/bin/sh\necho 12.1.0\n", 0755);
	set_env(path);
	ck_assert_msg(!choose("arm64", "odd-"), "%s", err.text);
	ck_assert_str_eq(c.version, "12.1.0");
	free(path);
}

TEST(a_cc_of_several_words_disables_masquerading)
{
	strv_add(&vars, "CC=env nice-gcc");
	ck_assert_msg(!choose("arm64", "nice-"), "%s", err.text);
	text_has(c.no_masquerade_reason, "several words");
	ck_assert_str_eq(c.path, "");
}

TEST(launchers_in_cc_are_skipped_to_find_the_compiler)
{
	char *cc = xasprintf("CC=%s/tools/ccache distcc nice-gcc", top);
	char *path = at("tools/nice-gcc");

	put_file("tools/ccache", "#!/bin/sh\nexit 1\n", 0755);
	put_file("tools/distcc", "#!/bin/sh\nexit 1\n", 0755);
	strv_add(&vars, cc);
	strv_add(&vars, "HOSTCC=distcc gcc");
	strv_add(&vars, "CROSS_COMPILE=nice-");
	ck_assert_msg(!choose("arm64", NULL), "%s", err.text);
	ck_assert_str_eq(c.name, "nice-gcc");
	ck_assert_str_eq(c.path, path);
	ck_assert_ptr_null(c.no_masquerade_reason);
	ck_assert(c.is_launched);
	ck_assert(strv_has(&c.vars, cc));
	ck_assert(strv_has(&c.vars, "HOSTCC=distcc gcc"));
	free(path);
	free(cc);
}

TEST(a_launcher_in_hostcc_sets_is_launched)
{
	put_file("tools/distcc", "#!/bin/sh\nexit 1\n", 0755);
	strv_add(&vars, "HOSTCC=distcc gcc");
	ck_assert_msg(!choose("arm64", "nice-"), "%s", err.text);
	ck_assert(c.is_launched);
}

TEST(a_missing_launcher_is_an_error)
{
	strv_add(&vars, "CC=nocc nice-gcc");
	ck_assert_int_eq(choose("arm64", NULL), -ENOENT);
	ck_assert_str_eq(err.text, "nocc: not found in PATH; install it, or "
				   "build with nice-gcc alone");
}

TEST(a_hostcc_that_is_a_script_disables_masquerading)
{
	put_file("tools/hostgcc", "#!/bin/sh\nexec gcc \"$@\"\n", 0755);
	words(&vars, "HOSTCC=hostgcc");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	text_has(c.no_masquerade_reason, "hostgcc is a script");
}

TEST(a_link_to_ccache_in_path_is_skipped)
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
	ck_assert_ptr_null(c.no_masquerade_reason);
	free(path);
	free(link);
	free(ccache);
}

TEST(a_compiler_below_the_minimum_version_is_not_supported)
{
	ck_assert_int_eq(choose("arm64", "old-"), -ENOTSUP);
	text_has(err.text, "4.9.2");
	text_has(err.text, "5.1.0");
}

TEST(a_tree_without_min_tool_version_sh_accepts_any_version)
{
	char *script = at("linux/scripts/min-tool-version.sh");

	unlink(script);
	free(script);
	ck_assert_int_eq(choose("arm64", "old-"), 0);
}

TEST(a_program_that_prints_no_version_is_rejected)
{
	put_file("tools/odd-gcc", "#!/bin/sh\necho hello\n", 0755);
	ck_assert_int_eq(choose("arm64", "odd-"), -ENOEXEC);
	text_has(err.text, "odd-gcc");
}

TEST(llvm_determines_the_host_compiler_despite_cc)
{
	words(&vars, "LLVM=-31 CC=nice-gcc");
	ck_assert_int_eq(choose("arm64", NULL), -ENOENT);
	text_starts(err.text, "clang-31: not found in PATH");
}

TEST(option_t_with_a_clang_version_sets_llvm)
{
	put_file("tools/clang-31", "#!/bin/sh\necho 31.0.0\n", 0755);
	ck_assert_int_eq(choose("riscv", "clang-31"), 0);
	expect("clang-31", "LLVM=-31");
	ck_assert(c.is_clang);
}

TEST(llvm_0_in_the_environment_disables_llvm)
{
	set_env("LLVM=0");
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice- LLVM=");
}

/* ---- installed toolchains ---- */

static void put_gcc_and_clang(void)
{
	put_installed("gcc-13.3.0", "aarch64-linux", NULL);
	put_installed("clang-14.0.6", NULL, NULL);
}

/* An argument of -t, variables on make's command line, and the result. */
static const struct {
	const char *toolchain, *variable, *said; /* NULL: no error */
	const char *name, *all_vars;
} combinations[] = {
	{ "gcc-13", "CROSS_COMPILE=nice-",
	  "-t gcc-13 conflicts with CROSS_COMPILE=nice-", NULL, NULL },
	{ "aarch64-linux-gnu-", "CROSS_COMPILE=nice-",
	  "-t aarch64-linux-gnu- conflicts with CROSS_COMPILE=nice-", NULL,
	  NULL },
	{ "nice", "CROSS_COMPILE=nice-", NULL, "nice-gcc",
	  "CROSS_COMPILE=nice-" },
	{ "clang", "CROSS_COMPILE=nice-", NULL, "clang-14.0.6",
	  "CROSS_COMPILE=nice- LLVM=-14.0.6" },
	{ "gcc-13", "LLVM=1", "-t gcc-13 conflicts with LLVM=1", NULL, NULL },
	{ "nice-", "LLVM=1", "-t nice- conflicts with LLVM=1", NULL, NULL },
	{ "nice-", "LLVM=0", NULL, "nice-gcc", "CROSS_COMPILE=nice- LLVM=" },
	{ "clang", "LLVM=0", "-t clang conflicts with LLVM=0", NULL, NULL },
	{ "clang", "LLVM=-13", "-t clang conflicts with LLVM=-13", NULL, NULL },
	{ "clang", "LLVM=1", NULL, "clang-14.0.6",
	  "CROSS_COMPILE=aarch64-linux-gnu- LLVM=-14.0.6" },
	{ "clang", "LLVM=-14.0.6", NULL, "clang-14.0.6",
	  "CROSS_COMPILE=aarch64-linux-gnu- LLVM=-14.0.6" },
};

TEST_EACH(option_t_must_agree_with_variables_of_the_command_line, combinations)
{
	put_gcc_and_clang();
	words(&vars, row->variable);
	ck_assert_int_eq(choose("arm64", row->toolchain),
			 row->said ? -EINVAL : 0);
	if (row->said)
		ck_assert_str_eq(err.text, row->said);
	else
		expect(row->name, row->all_vars);
}

TEST(option_t_replaces_cross_compile_of_the_environment)
{
	set_env("CROSS_COMPILE=nosuch-");
	ck_assert_int_eq(choose("arm64", "nice-"), 0);
	expect("nice-gcc", "CROSS_COMPILE=nice-");
}

/* Check that PATH begins with DATA/bin and that the toolchain is leased. */
static void expect_leased(const char *id)
{
	char *path = kernel_environ_path(&c.path_dirs, env.v);
	char *bin = at("data/bin:"), *dir, *id_in_text;

	ck_assert_msg(str_starts(path, bin), "%s", path);
	ck_assert_uint_eq(c.path_dirs.n, 1);
	ck_assert_uint_eq(c.n_leases, 1);
	dir = xasprintf("%s/toolchains/%s", data, id);
	ck_assert_int_eq(toolchain_installed_remove(data, id, false, &err),
			 -EBUSY);
	id_in_text = strstr(err.text, id);
	ck_assert_msg(id_in_text != NULL, "%s", err.text);
	ck_assert(fs_is_dir(dir));
	err = (struct err){ 0 };
	kernel_compiler_release(&c);
	must(toolchain_installed_remove(data, id, false, &err));
	ck_assert(!fs_is_dir(dir));
	free(dir);
	free(bin);
	free(path);
}

#define GCC_13    "aarch64-gcc1330-linux-"
#define ID_GCC_13 "gcc-13.3.0-aarch64-linux"

static const char *const words_for_13[] = {
	"gcc",     "gcc-13", "gcc-13.3.0",
	ID_GCC_13, GCC_13,   "aarch64-gcc1330-linux",
};

TEST_EACH(option_t_uses_the_normalized_name_of_an_installed_gcc, words_for_13)
{
	put_gcc_and_clang();
	ck_assert_msg(!choose("arm64", *row), "%s", err.text);
	expect(GCC_13 "gcc", "CROSS_COMPILE=" GCC_13);
	ck_assert_str_eq(c.version, "13.3.0");
	expect_leased(ID_GCC_13);
}

TEST(without_option_t_the_compiler_in_path_is_used)
{
	put_gcc_and_clang();
	ck_assert_int_eq(choose("arm64", NULL), 0);
	expect("aarch64-linux-gnu-gcc", "CROSS_COMPILE=aarch64-linux-gnu-");
	ck_assert_uint_eq(c.path_dirs.n, 0);
	ck_assert_uint_eq(c.n_leases, 0);
}

TEST(a_release_that_is_not_installed_is_searched_in_path)
{
	put_gcc_and_clang();
	link_compiler("aarch64-linux-gnu-gcc-31");
	ck_assert_int_eq(choose("arm64", "gcc-31"), 0);
	expect("aarch64-linux-gnu-gcc-31", "CROSS_COMPILE=aarch64-linux-gnu- "
					   "CC=aarch64-linux-gnu-gcc-31");
	ck_assert_uint_eq(c.path_dirs.n, 0);
}

TEST(a_normalized_prefix_selects_an_installed_toolchain)
{
	put_gcc_and_clang();
	strv_add(&vars, "CROSS_COMPILE=" GCC_13);
	ck_assert_msg(!choose("arm64", NULL), "%s", err.text);
	expect(GCC_13 "gcc", "CROSS_COMPILE=" GCC_13);
	expect_leased(ID_GCC_13);
}

TEST(a_normalized_prefix_may_come_from_the_environment)
{
	put_gcc_and_clang();
	set_env("CROSS_COMPILE=" GCC_13);
	ck_assert_msg(!choose("arm64", NULL), "%s", err.text);
	expect_leased(ID_GCC_13);
}

TEST(a_prefix_inside_an_installed_toolchain_leases_it)
{
	char *prefix;

	put_gcc_and_clang();
	prefix = at("data/toolchains/" ID_GCC_13 "/in/bin/aarch64-linux-");
	ck_assert_msg(!choose("arm64", prefix), "%s", err.text);
	expect("aarch64-linux-gcc", "CROSS_COMPILE=aarch64-linux-");
	ck_assert_uint_eq(c.n_leases, 1);
	free(prefix);
}

TEST(a_toolchain_with_an_invalid_manifest_is_ignored_with_a_note)
{
	put_gcc_and_clang();
	put_file("data/toolchains/gcc-14.1.0-aarch64-linux/toolchain.json", "{",
		 0644);
	ck_assert_msg(!choose("arm64", "gcc"), "%s", err.text);
	expect(GCC_13 "gcc", "CROSS_COMPILE=" GCC_13);
	ck_assert_uint_eq(c.notes.n, 1);
	text_has(c.notes.v[0], "ignoring toolchain: ");
	text_has(c.notes.v[0], "gcc-14.1.0-aarch64");
}

static const char *const words_for_clang[] = { "clang", "clang-14",
					       "clang-14.0.6" };

TEST_EACH(an_installed_clang_sets_llvm_to_its_version, words_for_clang)
{
	put_gcc_and_clang();
	ck_assert_msg(!choose("riscv", *row), "%s", err.text);
	expect("clang-14.0.6", "LLVM=-14.0.6");
	ck_assert(c.is_clang);
	ck_assert_str_eq(c.version, "14.0.6");
	expect_leased("clang-14.0.6");
}

TEST(llvm_with_an_installed_version_selects_that_toolchain)
{
	put_gcc_and_clang();
	set_env("LLVM=-14.0.6");
	ck_assert_msg(!choose("riscv", NULL), "%s", err.text);
	expect("clang-14.0.6", "LLVM=-14.0.6");
	expect_leased("clang-14.0.6");
}

TEST(the_default_toolchain_comes_from_the_configuration)
{
	put_gcc_and_clang();
	put_installed("gcc-12.4.0", "aarch64-linux", NULL);
	words(&standard, "riscv=nosuch arm64=gcc-12");
	ck_assert_msg(!choose("arm64", NULL), "%s", err.text);
	expect("aarch64-gcc1240-linux-gcc",
	       "CROSS_COMPILE=aarch64-gcc1240-linux-");
	kernel_compiler_release(&c);
	/* The user's choice in this build takes precedence. */
	ck_assert_int_eq(choose("arm64", "gcc-13"), 0);
	ck_assert_str_eq(c.version, "13.3.0");
	kernel_compiler_release(&c);
	set_env("CROSS_COMPILE=nice-");
	ck_assert_int_eq(choose("arm64", NULL), 0);
	ck_assert_str_eq(c.name, "nice-gcc");
}

TEST(the_error_for_a_missing_default_names_its_config_section)
{
	words(&standard, "arm64=gcc-99.1.0-aarch64-linux");
	ck_assert_int_lt(choose("arm64", NULL), 0);
	text_has(err.text, "[arch \"arm64\"]");
	text_has(err.text, "gcc-99.1.0-aarch64-linux");
}

TEST(x86_uses_the_default_toolchain_of_x86_64_on_an_x86_host)
{
	char host[32];

	kernel_arch_host(host);
	if (strcmp(host, "x86") != 0)
		SKIP("the machine is not an x86");
	put_installed("gcc-13.3.0", "x86_64-linux", NULL);
	words(&standard, "x86_64=gcc-13");
	ck_assert_msg(!choose("x86", NULL), "%s", err.text);
	expect("x86_64-gcc1330-linux-gcc",
	       "CROSS_COMPILE=x86_64-gcc1330-linux-");
}

TEST(the_newest_installed_toolchain_is_used_if_path_has_none)
{
	put_installed("gcc-12.4.0", "riscv64-linux", NULL);
	put_installed("gcc-13.3.0", "riscv64-linux", NULL);
	ck_assert_msg(!choose("riscv", NULL), "%s", err.text);
	expect("riscv64-gcc1330-linux-gcc",
	       "CROSS_COMPILE=riscv64-gcc1330-linux-");
}

TEST(errors_for_missing_compilers_suggest_how_to_get_one)
{
	put_file("linux/arch/csky/Makefile", "", 0644);
	put_file("linux/arch/hexagon/Makefile", "", 0644);
	ck_assert_int_eq(choose("riscv", "gcc-13"), -ENOENT);
	ck_assert_msg(strstr(err.text, "`kfarm toolchain install gcc-13 "
				       "--arch riscv`"),
		      "%s", err.text);
	kernel_compiler_release(&c);
	ck_assert_int_eq(choose("riscv", NULL), -ENOENT);
	ck_assert_str_eq(
		err.text,
		"riscv64-linux-gnu-gcc: not found in PATH and not installed; "
		"run `kfarm toolchain install gcc --arch riscv`, or install "
		"the package gcc-riscv64-linux-gnu, or select another "
		"toolchain with -t");
	kernel_compiler_release(&c);
	ck_assert_int_eq(choose("csky", NULL), -ENOENT);
	ck_assert_str_eq(err.text,
			 "csky-linux-gnu-gcc: not found in PATH and not "
			 "installed; run `kfarm toolchain install gcc --arch "
			 "csky`, or select another toolchain with -t");
	kernel_compiler_release(&c);
	ck_assert_int_eq(choose("hexagon", NULL), -ENOENT);
	ck_assert_str_eq(err.text,
			 "hexagon-linux-musl-gcc: not found in PATH and not "
			 "installed; select clang with -t clang");
	kernel_compiler_release(&c);
	ck_assert_int_eq(choose("riscv", "clang-99"), -ENOENT);
	ck_assert_str_eq(
		err.text,
		"clang-99: not found in PATH and not installed; run `kfarm "
		"toolchain install clang-99`, or select another toolchain with "
		"-t");
	kernel_compiler_release(&c);
	words(&vars, "HOSTCC=nosuch");
	ck_assert_int_eq(choose("arm64", NULL), -ENOENT);
	ck_assert_str_eq(
		err.text,
		"nosuch: not found in PATH; install it, or select another "
		"toolchain with -t");
}

TEST(the_error_for_an_old_compiler_suggests_newer_ones)
{
	put_gcc_and_clang();
	ck_assert_int_eq(choose("arm64", "old-"), -ENOTSUP);
	ck_assert_msg(strstr(err.text, "use -t gcc-13.3.0, which is installed"),
		      "%s", err.text);
	text_has(err.text, "`kfarm toolchain install gcc-5 --arch arm64");
	kernel_compiler_release(&c);
	put_installed("gcc-4.9.4", "aarch64-linux", NULL);
	ck_assert_int_eq(choose("arm64", "gcc-4.9.4"), -ENOTSUP);
	text_has(err.text, "aarch64-gcc494-linux-gcc: "
			   "version 4.9.4 is too old");
}

/* ---------------------------------------------- the tree's minimum version */

/* Choose a compiler of this version. */
static int choose_version(const char *prefix, const char *version)
{
	char *text = xasprintf("#!/bin/sh\necho %s\n", version);
	char *name = xasprintf(
		"tools/%s", str_starts(prefix, "clang") ? prefix : "odd-gcc");

	put_file(name, text, 0755);
	free(name);
	free(text);
	kernel_compiler_release(&c);
	err = (struct err){ 0 };
	return choose("arm64", prefix);
}

static void require(const char *script)
{
	put_file("linux/scripts/min-tool-version.sh", script, 0755);
}

TEST(the_minimum_version_comes_from_the_script_of_the_tree)
{
	ck_assert_int_eq(choose_version("odd-", "5.1.0"), 0);
	ck_assert_int_eq(choose_version("odd-", "12.2.0"), 0);
	ck_assert_int_eq(choose_version("odd-", "5.0.9"), -ENOTSUP);
	ck_assert_str_eq(
		err.text,
		"odd-gcc: version 5.0.9 is too old: this tree requires gcc "
		"5.1.0 or later; select a newer one with -t, or run `kfarm "
		"toolchain install gcc-5 --arch arm64`");
}

TEST(the_minimum_version_of_clang_is_that_of_llvm)
{
	ck_assert_int_eq(choose_version("clang-11", "11.0.0"), 0);
	ck_assert_int_eq(choose_version("clang-10", "10.9.0"), -ENOTSUP);
	text_has(err.text, "requires llvm 11.0.0 or later");
	text_has(err.text, "install clang-11`");
}

TEST(the_script_receives_srcarch)
{
	require("[ \"$SRCARCH\" = arm64 ] && echo 12.0.0 || echo 1.0\n");
	ck_assert_int_eq(choose_version("odd-", "11.9.0"), -ENOTSUP);
}

static const char *const scripts_without_version[] = { "exit 1\n",
						       "echo none\n",
						       "true\n" };

TEST_EACH(a_script_that_prints_no_version_rejects_no_compiler,
	  scripts_without_version)
{
	require(*row);
	ck_assert_int_eq(choose_version("odd-", "4.0.0"), 0);
}

TEST(without_a_tree_any_version_is_accepted)
{
	struct kernel_compiler_request request = { .toolchain = "old-",
						   .variables = &vars,
						   .env = env.v,
						   .data_dir = data };
	struct kernel_arch a;

	must(kernel_arch_find(&a, tree, "arm64", &err));
	must(kernel_compiler_choose(&c, &a, &request, &err));
	ck_assert_str_eq(c.version, "4.9.2");
}

static const struct {
	const char *a, *b;
	bool older;
} versions[] = {
	{ "4.9.2", "5.1.0", true },   { "5.1.0", "5.1.0", false },
	{ "10.2.1", "9.9.9", false }, { "12", "11.0.0", false },
	{ "5", "5.1.0", true },       { "5.1", "5.1.0", false },
};

TEST_EACH(versions_are_compared_numerically, versions)
{
	char *script = xasprintf("echo %s\n", row->b);

	require(script);
	ck_assert_int_eq(choose_version("odd-", row->a),
			 row->older ? -ENOTSUP : 0);
	free(script);
}
