/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/outdir.h"

#include "../lib/test.h"
#include "kernel-tree.h"

FIXTURE(tree_set_up, tree_tear_down);

TEST(too_little_is_named_with_its_directory)
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

TEST(what_does_not_tell_is_not_full)
{
	struct err err = { 0 };

	/* procfs reports no blocks. */
	must(kernel_disk_space_check("/proc", UINT64_MAX, &err));
	ck_assert_int_eq(kernel_disk_space_check("/nowhere", 1, &err), -ENOENT);
}
