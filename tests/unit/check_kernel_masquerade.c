/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/masquerade.h"

static struct strv skipped;
static struct err err;
static char *path; /* of tools/ alone */

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

static char *make_lasting(const char *wrapper)
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

TEST(every_compiler_is_linked_but_scripts)
{
	char *dir = at("links"), *nice = at("tools/nice-gcc");

	must(kernel_masquerade_make(dir, "/x/kfarm-cc", path, &skipped, &err));
	expect_link(dir, "bin/nice-gcc", "/x/kfarm-cc");
	expect_link(dir, "real/nice-gcc", nice);
	ck_assert(!stands("links/bin/old-gcc"));
	ck_assert(!stands("links/real/old-gcc"));
	ck_assert_uint_eq(skipped.n, 1);
	ck_assert_str_eq(skipped.v[0], "old-gcc");
	free(nice);
	free(dir);
}

TEST(a_directory_that_cannot_be_made_is_an_error)
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

TEST(lasting_links_are_the_same_each_time)
{
	char *one = make_lasting("kfarm-cc"), *two = make_lasting("kfarm-cc");
	char *nice = at("tools/nice-gcc"), *links = at("kfarm/links/");

	ck_assert_str_eq(one, two);
	text_starts(one, links);
	text_ends(one, "/bin");
	expect_link(one, "nice-gcc", "../../kfarm-cc");
	expect_link(one, "../real/nice-gcc", nice);
	ck_assert(strv_has(&skipped, "old-gcc"));
	expect_wrapper("the wrapper");
	free(links);
	free(nice);
	free(two);
	free(one);
}

TEST(other_compilers_have_other_links)
{
	char *before = make_lasting("kfarm-cc"), *after;

	put_file("tools/script-gcc", "#!/bin/sh\n", 0755);
	after = make_lasting("kfarm-cc");
	ck_assert_str_eq(after, before);
	free(after);
	link_compiler("new-gcc");
	after = make_lasting("kfarm-cc");
	ck_assert_str_ne(after, before);
	/* A recorded path remains valid. */
	expect_link(before, "nice-gcc", "../../kfarm-cc");
	expect_link(after, "new-gcc", "../../kfarm-cc");
	free(after);
	free(before);
}

TEST(what_was_spoiled_is_put_right)
{
	char *bin = make_lasting("kfarm-cc");
	char *link = xasprintf("%s/nice-gcc", bin);

	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("/nowhere", link), 0);
	put_file("other/kfarm-cc", "a newer one", 0755);
	free(bin);
	bin = make_lasting("other/kfarm-cc");
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
TEST(a_wrapper_that_cannot_be_copied_is_linked)
{
	char *want = at("plain/kfarm-cc"), *links = at("kfarm/links");

	put_file("plain/kfarm-cc", "no program", 0644);
	free(make_lasting("plain/kfarm-cc"));
	expect_link(links, "kfarm-cc", want);
	free(make_lasting("plain/kfarm-cc"));
	free(make_lasting("kfarm-cc"));
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
