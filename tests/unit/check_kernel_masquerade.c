/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/masquerade.h"

static struct strv skipped;
static struct err err;
static char *path; /* PATH that contains only tools/ */

static void set_up(void)
{
	tree_set_up();
	path = at("tools");
	put_file("kfarm-cc", "the wrapper", 0755);
	setenv("XDG_DATA_HOME", top, 1);
}

static void tear_down(void)
{
	strv_release(&skipped);
	free(path);
	unsetenv("XDG_DATA_HOME");
	tree_tear_down();
}

/* Check the target of a link below `dir`. */
static void expect_link(const char *dir, const char *name, const char *want)
{
	char *link = xasprintf("%s/%s", dir, name), to[200] = "";

	ck_assert_int_gt(readlink(link, to, sizeof(to) - 1), 0);
	ck_assert_str_eq(to, want);
	free(link);
}

static char *make_permanent(const char *wrapper)
{
	char *file = at(wrapper), *bin = NULL;

	strv_release(&skipped);
	must(kernel_masquerade_make_permanent(&bin, file, path, &skipped,
					      &err));
	free(file);
	return bin;
}

static void expect_wrapper(const char *want)
{
	char *file = at("kfarm/links/kfarm-cc"), *text = get_file(file);

	ck_assert_str_eq(text, want);
	ck_assert_int_eq(access(file, X_OK), 0);
	free(text);
	free(file);
}

FIXTURE(set_up, tear_down);

TEST(every_compiler_except_scripts_is_linked)
{
	char *dir = at("links"), *gcc = at("tools/nice-gcc");

	must(kernel_masquerade_make(dir, "/x/kfarm-cc", path, &skipped, &err));
	expect_link(dir, "bin/nice-gcc", "/x/kfarm-cc");
	expect_link(dir, "real/nice-gcc", gcc);
	ck_assert(!stands("links/bin/old-gcc"));
	ck_assert(!stands("links/real/old-gcc"));
	ck_assert_uint_eq(skipped.n, 1);
	ck_assert_str_eq(skipped.v[0], "old-gcc");
	free(gcc);
	free(dir);
}

TEST(an_error_names_a_directory_that_cannot_be_created)
{
	put_file("file", "", 0644);
	for (int i = 0; i < 2; i++) {
		char *dir = at("file/links"), *bin = NULL, *cc = at("kfarm-cc");
		int ret;

		setenv("XDG_DATA_HOME", dir, 1);
		ret = i ? kernel_masquerade_make(dir, cc, path, &skipped,
						 &err) :
			  kernel_masquerade_make_permanent(&bin, cc, path,
							   &skipped, &err);
		ck_assert_int_eq(ret, -ENOTDIR);
		text_has(err.text, "/file/links");
		ck_assert_ptr_null(bin);
		free(cc);
		free(dir);
	}
}

TEST(permanent_links_have_a_stable_path)
{
	char *one = make_permanent("kfarm-cc"),
	     *two = make_permanent("kfarm-cc");
	char *gcc = at("tools/nice-gcc"), *links = at("kfarm/links/");

	ck_assert_str_eq(one, two);
	text_starts(one, links);
	text_ends(one, "/bin");
	expect_link(one, "nice-gcc", "../../kfarm-cc");
	expect_link(one, "../real/nice-gcc", gcc);
	ck_assert(strv_has(&skipped, "old-gcc"));
	expect_wrapper("the wrapper");
	free(links);
	free(gcc);
	free(two);
	free(one);
}

TEST(a_new_compiler_gets_a_new_permanent_directory)
{
	char *before = make_permanent("kfarm-cc"), *after;

	put_file("tools/script-gcc", "#!/bin/sh\n", 0755);
	after = make_permanent("kfarm-cc");
	ck_assert_str_eq(after, before);
	free(after);
	link_compiler("new-gcc");
	after = make_permanent("kfarm-cc");
	ck_assert_str_ne(after, before);
	/* A recorded path remains valid. */
	expect_link(before, "nice-gcc", "../../kfarm-cc");
	expect_link(after, "new-gcc", "../../kfarm-cc");
	free(after);
	free(before);
}

TEST(a_wrong_permanent_link_and_an_old_wrapper_are_replaced)
{
	char *bin = make_permanent("kfarm-cc");
	char *link = xasprintf("%s/nice-gcc", bin);

	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("/nowhere", link), 0);
	put_file("other/kfarm-cc", "a newer one", 0755);
	free(bin);
	bin = make_permanent("other/kfarm-cc");
	expect_link(bin, "nice-gcc", "../../kfarm-cc");
	expect_wrapper("a newer one");
	/* An obstacle is not removed by force. */
	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(mkdir(link, 0755), 0);
	free(bin);
	bin = at("kfarm-cc");
	ck_assert_int_eq(kernel_masquerade_make_permanent(&link, bin, path,
							  &skipped, &err),
			 -EEXIST);
	text_has(err.text, "/nice-gcc");
	free(bin);
	free(link);
}

/* The copy is not executable, as on a file system mounted noexec. */
TEST(a_wrapper_whose_copy_is_not_executable_is_linked)
{
	char *want = at("plain/kfarm-cc"), *links = at("kfarm/links");

	put_file("plain/kfarm-cc", "no program", 0644);
	free(make_permanent("plain/kfarm-cc"));
	expect_link(links, "kfarm-cc", want);
	free(make_permanent("plain/kfarm-cc"));
	free(make_permanent("kfarm-cc"));
	expect_wrapper("the wrapper");
	free(links);
	free(want);
}

TEST(the_wrapper_is_found_in_path)
{
	char *want = at("tools/kfarm-cc"), *got;

	put_file("tools/kfarm-cc", "#!/bin/sh\n", 0755);
	setenv("PATH", str_find_env(env.v, "PATH"), 1);
	got = kernel_masquerade_find_wrapper();
	ck_assert_str_eq(got, want);
	free(got);
	free(want);
	setenv("PATH", "/nonexistent", 1);
	ck_assert_ptr_null(kernel_masquerade_find_wrapper());
}
