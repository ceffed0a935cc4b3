/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/outdir.h"

#include "../lib/test.h"
#include "kernel-tree.h"

#include <sched.h>
#include <sys/mount.h>

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

/* Return the result of the check on a disk with these limits. */
static int check_small_disk(const char *limits)
{
	struct err err = { 0 };
	int ret;

	must(mount("tmpfs", top, "tmpfs", 0, limits));
	ret = kernel_disk_space_check(top, KERNEL_DISK_SPACE_MIN, &err);
	must(umount(top));
	return ret;
}

TEST(a_disk_without_free_inodes_is_full)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP("no private mounts");
	ck_assert_int_eq(check_small_disk("size=20m,nr_inodes=40"), -ENOSPC);
	ck_assert_int_eq(check_small_disk("size=20m,nr_inodes=4000"), 0);
	/* The number of inodes is not limited. */
	ck_assert_int_eq(check_small_disk("size=20m,nr_inodes=0"), 0);
}
