/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/outdir.h"

#include "../lib/test.h"
#include "kernel-tree.h"

FIXTURE(tree_set_up, tree_tear_down);

TEST(an_error_names_the_directory_with_too_little_space)
{
	struct err err = { 0 };
	char *want = xasprintf("%s: No space left on device; free some space",
			       top);

	must(kernel_disk_space_check(top, 1, &err));
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(kernel_disk_space_check(top, UINT64_MAX, &err),
			 -ENOSPC);
	ck_assert_msg(str_starts(err.text, want), "%s", err.text);
	free(want);
}

TEST(a_file_system_that_reports_no_blocks_passes_the_check)
{
	struct err err = { 0 };

	/* procfs reports no blocks. */
	must(kernel_disk_space_check("/proc", UINT64_MAX, &err));
	ck_assert_int_eq(kernel_disk_space_check("/nowhere", 1, &err), -ENOENT);
}
