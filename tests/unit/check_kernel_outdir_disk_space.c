/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/outdir.h"

#include "kernel-tree.h"
#include "suite.h"

#include <errno.h>

START_TEST(too_little_is_named_with_its_directory)
{
	struct err err = { 0 };
	char *want = xasprintf("%s: No space left on device; free some space",
			       top);

	ck_assert_int_eq(kernel_disk_space_check(top, 1, &err), 0);
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(kernel_disk_space_check(top, UINT64_MAX, &err),
			 -ENOSPC);
	ck_assert_msg(str_starts(err.text, want), "%s", err.text);
	free(want);
}
END_TEST

START_TEST(what_does_not_tell_is_not_full)
{
	struct err err = { 0 };

	/* procfs reports no blocks. */
	ck_assert_int_eq(kernel_disk_space_check("/proc", UINT64_MAX, &err), 0);
	ck_assert_int_eq(kernel_disk_space_check("/nowhere", 1, &err), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/outdir-disk-space");
	TCase *tc = tcase_create("space");

	tcase_add_checked_fixture(tc, tree_set_up, tree_tear_down);
	tcase_add_test(tc, too_little_is_named_with_its_directory);
	tcase_add_test(tc, what_does_not_tell_is_not_full);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
