/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/* The search for programs and compilers in PATH. */
#include "base/which.h"

#include "../lib/put-program.h"
#include "../lib/test.h"

#include <limits.h>

static char *dir;

static void setup(void)
{
	dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
	struct err err = { 0 };

	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

static void expect_found(char *got, const char *want)
{
	ck_assert_pstr_eq(got, want);
	free(got);
}

FIXTURE(setup, teardown);

TEST(the_first_executable_file_wins)
{
	struct err err = { 0 };

	put_program("c/gcc");
	put_program("d/gcc");
	fs_mkdirs("a/gcc", 0755, &err); /* a directory */
	fs_mkdirs("b", 0755, &err);
	fs_write("b/gcc", bytes_str(""), 0644, &err); /* not executable */
	expect_found(which("gcc", "nosuch:a:b:c:d"), "c/gcc");
	expect_found(which("gcc", "a:b"), NULL);
	expect_found(which("nosuch", "a:b:c:d"), NULL);
	expect_found(which("", "a:b:c:d"), NULL);
}

TEST(an_empty_element_of_path_is_the_working_directory)
{
	put_program("gcc");
	expect_found(which("gcc", ""), "./gcc");
	expect_found(which("gcc", "nosuch:"), "./gcc");
	expect_found(which("gcc", ":nosuch"), "./gcc");
	expect_found(which("gcc", "nosuch"), NULL);
}

TEST(a_name_with_a_slash_is_not_searched_for_in_path)
{
	expect_found(which("./gcc", "/usr/bin"), "./gcc");
	expect_found(which("/no/gcc", NULL), "/no/gcc");
	expect_found(which_compiler("/no/gcc", NULL, NULL), "/no/gcc");
}

TEST(without_path_the_default_path_is_searched)
{
	char *sh = which("sh", NULL);

	ck_assert_ptr_nonnull(sh);
	ck_assert_str_eq(str_base(sh), "sh");
	free(sh);
}

TEST(the_search_for_a_compiler_skips_masquerade_and_cache_links)
{
	struct err err = { 0 };

	put_program("libexec/kfarm-cc");
	put_program("bin/ccache");
	put_program("bin/gcc");
	fs_mkdirs("links", 0755, &err);
	fs_mkdirs("caches", 0755, &err);
	ck_assert_int_eq(symlink("../libexec/kfarm-cc", "links/gcc"), 0);
	ck_assert_int_eq(symlink("../bin/ccache", "caches/gcc"), 0);
	expect_found(which_compiler("gcc", "links:caches:bin", NULL),
		     "bin/gcc");
	expect_found(which("gcc", "links:caches:bin"), "links/gcc");
	expect_found(which_compiler("gcc", "links:caches", NULL), NULL);
	/* The masquerade directory is skipped, whatever it contains. */
	put_program("own/gcc");
	expect_found(which_compiler("gcc", "own/:bin", "own"), "bin/gcc");
	expect_found(which_compiler("gcc", "own:bin", "own/"), "bin/gcc");
}

TEST(a_masquerade_link_leads_to_its_compiler)
{
	char *ours = xasprintf("%s/farm/bin/gcc", dir);
	struct err err = { 0 };

	put_program("kfarm-cc");
	fs_mkdirs("farm/bin", 0755, &err);
	fs_mkdirs("farm/real", 0755, &err);
	fs_mkdirs("a", 0755, &err);
	ck_assert_int_eq(symlink("../../kfarm-cc", ours), 0);
	ck_assert_int_eq(symlink("/opt/bin/gcc", "farm/real/gcc"), 0);
	ck_assert_int_eq(symlink("bin/odd", "farm/real/odd"), 0);
	ck_assert_int_eq(symlink("../../kfarm-cc", "farm/bin/odd"), 0);
	ck_assert_int_eq(symlink("../../kfarm-cc", "farm/bin/clang"), 0);
	ck_assert_int_eq(symlink(ours, "mygcc"), 0);
	ck_assert_int_eq(symlink("../mygcc", "a/far"), 0);
	ck_assert_int_eq(symlink("kfarm-cc", "past"), 0);
	ck_assert_int_eq(symlink("round", "round"), 0);
	expect_found(which_find_real(ours), "/opt/bin/gcc");
	expect_found(which_find_real("farm/bin/gcc"), "/opt/bin/gcc");
	expect_found(which_find_real("./mygcc"), "/opt/bin/gcc");
	expect_found(which_find_real("mygcc"), "/opt/bin/gcc");
	expect_found(which_find_real("a/far"), "/opt/bin/gcc");
	expect_found(which_find_real("farm/bin/clang"), NULL);
	expect_found(which_find_real("farm/bin/odd"), NULL);
	expect_found(which_find_real("past"), NULL);
	expect_found(which_find_real("round"), NULL);
	expect_found(which_find_real("nosuch"), NULL);
	expect_found(which_find_real(""), NULL);
	free(ours);
}

TEST(a_wrapper_is_recognized_by_any_name_in_a_chain_of_links)
{
	char *far = xasprintf("%s/one", dir);

	put_program("real-gcc");
	ck_assert_int_eq(symlink("real-gcc", "sccache"), 0);
	ck_assert_int_eq(symlink("sccache", "one"), 0);
	ck_assert_int_eq(symlink(far, "two"), 0);
	ck_assert_int_eq(symlink("real-gcc", "gcc"), 0);
	ck_assert(which_is_wrapper("two"));
	ck_assert(which_is_wrapper("one"));
	ck_assert(!which_is_wrapper("gcc"));
	ck_assert(!which_is_wrapper("nosuch"));
	free(far);
}

/* A command, and the part after the wrappers. */
static const struct {
	const char *command, *rest;
} commands[] = {
	{ "gcc", "gcc" },
	{ "ccache gcc", "gcc" },
	{ "/usr/bin/ccache \t gcc -m32", "gcc -m32" },
	{ "ccache distcc a-gcc", "a-gcc" },
	{ "ccache", "ccache" },
	{ "env ccache gcc", "env ccache gcc" },
	{ "/usr/lib/ccache/gcc -m32", "/usr/lib/ccache/gcc -m32" },
	{ "", "" },
};

TEST_EACH(wrappers_before_the_compiler_are_skipped, commands)
{
	ck_assert_str_eq(which_skip_wrappers(row->command), row->rest);
}

TEST(circular_links_and_overlong_paths_are_rejected)
{
	char *longer = xmalloc(9000);

	ck_assert_int_eq(symlink("b", "a"), 0);
	ck_assert_int_eq(symlink("a", "b"), 0);
	ck_assert(!which_is_wrapper("a"));
	memset(longer, 'x', 8999);
	longer[8999] = '\0';
	ck_assert(!which_is_wrapper(longer));
	expect_found(which_find_real(longer), NULL);
	longer[PATH_MAX - 4] = '\0';
	expect_found(which_find_real(longer), NULL);
	free(longer);
}

/* A PATH, and the same without the directory /l. */
static const struct {
	const char *path, *without;
} without[] = {
	{ "/l:/usr/bin:/bin", "/usr/bin:/bin" },
	{ "/usr/bin:/l:/bin", "/usr/bin:/bin" },
	{ "/usr/bin:/bin:/l", "/usr/bin:/bin" },
	{ "/l/:/usr/bin:/l", "/usr/bin" },
	{ "/usr/bin", "/usr/bin" },
	{ "/lib:/l2:l", "/lib:/l2:l" },
	{ "/l", NULL },
	{ "/l/:/l", NULL },
	{ "", "" },
	/* An empty element is the current directory: it must not be lost. */
	{ "/l::/bin", ":/bin" },
	{ ":/bin", ":/bin" },
	{ "/bin:", "/bin:" },
	{ "/bin::/l:/x", "/bin::/x" },
};

TEST_EACH(the_masquerade_directory_is_removed_from_path, without)
{
	expect_found(which_strip_path(row->path, "/l"), row->without);
	expect_found(which_strip_path(row->path, "/l//"), row->without);
}

TEST(path_is_unchanged_without_a_masquerade_directory)
{
	expect_found(which_strip_path("/a:/b", NULL), "/a:/b");
	expect_found(which_strip_path("/a:/b", ""), "/a:/b");
}
