/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel-tree.h"
#include "kernel/links.h"
#include "suite.h"

START_TEST(every_compiler_is_linked_but_scripts)
{
	char *dir = at("links"), *path = xasprintf("%s/tools", top);
	char *link = at("links/nice-gcc"), to[100] = "";
	struct strv skipped = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_msg(
		!kernel_links_make(dir, "/x/kfarm-cc", path, &skipped, &err),
		"%s", err.text);
	ck_assert_int_gt(readlink(link, to, sizeof(to) - 1), 0);
	ck_assert_str_eq(to, "/x/kfarm-cc");
	ck_assert(!stands("links/old-gcc"));
	ck_assert_uint_eq(skipped.n, 1);
	ck_assert_str_eq(skipped.v[0], "old-gcc");
	strv_release(&skipped);
	free(link);
	free(path);
	free(dir);
}
END_TEST

START_TEST(a_full_or_missing_directory_is_an_error)
{
	char *path = xasprintf("%s/tools", top);
	struct strv skipped = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(kernel_links_make("/nonexistent", "/x/kfarm-cc", path,
					   &skipped, &err),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/"));
	strv_release(&skipped);
	free(path);
}
END_TEST

START_TEST(the_wrapper_is_found_in_path)
{
	char *want = at("tools/kfarm-cc"), *got;

	put_file("tools/kfarm-cc", "#!/bin/sh\n", 0755);
	setenv("PATH", str_env(env.v, "PATH"), 1);
	got = kernel_links_wrapper();
	ck_assert_str_eq(got, want);
	free(got);
	free(want);
	setenv("PATH", "/nonexistent", 1);
	ck_assert_ptr_null(kernel_links_wrapper());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/links");
	TCase *tc = tcase_create("links");

	tcase_add_checked_fixture(tc, tree_set_up, tree_tear_down);
	tcase_add_test(tc, every_compiler_is_linked_but_scripts);
	tcase_add_test(tc, a_full_or_missing_directory_is_an_error);
	tcase_add_test(tc, the_wrapper_is_found_in_path);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
