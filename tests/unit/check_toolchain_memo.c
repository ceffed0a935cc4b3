/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base toolchain */
#include "toolchain/memo.h"

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/check_toolchain.XXXXXX";

START_TEST(a_digest_follows_the_content)
{
	struct digest a, b, right;
	struct err err = { 0 };
	char *file;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	file = xasprintf("%s/file", dir);
	ck_assert_int_eq(fs_write(file, bytes_str("one"), 0600, &err), 0);
	ck_assert_int_eq(toolchain_memo_digest(file, &a, &err), 0);
	ck_assert_int_eq(toolchain_memo_digest(file, &b, &err), 0);
	digest_of(bytes_str("one"), &right);
	ck_assert(digest_equal(&a, &right));
	ck_assert(digest_equal(&a, &b));
	ck_assert_int_eq(fs_write(file, bytes_str("two"), 0600, &err), 0);
	ck_assert_int_eq(toolchain_memo_digest(file, &b, &err), 0);
	ck_assert(!digest_equal(&a, &b));
	ck_assert_int_eq(fs_remove(dir, &err), 0);
	ck_assert_int_eq(toolchain_memo_digest(file, &b, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, file));
	free(file);
}
END_TEST

START_TEST(more_files_than_it_remembers_are_right_too)
{
	struct err err;
	struct digest got, right;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 300; i++) {
			char *file = xasprintf("%s/%d", dir, i);

			if (!round)
				fs_write(file, bytes_str(file), 0600, &err);
			ck_assert_int_eq(
				toolchain_memo_digest(file, &got, &err), 0);
			digest_of(bytes_str(file), &right);
			ck_assert(digest_equal(&got, &right));
			free(file);
		}
	}
	fs_remove(dir, &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("toolchain/memo");
	TCase *t = tcase_create("memo");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_digest_follows_the_content);
	tcase_add_test(t, more_files_than_it_remembers_are_right_too);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
