/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/cleanup.h"

#include "../lib/test.h"
#include "kernel-tree.h"

#define BUILDS ".cache/kfarm/builds/"

static struct err err;

/* Remove all output directories. */
static void remove_outputs(void)
{
	const struct kernel_cleanup_request r = { .n_kept_builds = 0 };
	struct kernel_cleanup found;

	kernel_cleanup_find(&found, &r);
	for (size_t i = 0; i < found.n_items; i++)
		must(kernel_cleanup_remove(&found.items[i], &err));
	kernel_cleanup_release(&found);
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(a_directory_that_the_user_named_remains)
{
	/* build 8 with -o builds/20, and two default directories */
	put_file(BUILDS "20/metadata.json", "{\"kfarm\":{\"build\":8}}", 0644);
	put_file(BUILDS "7/metadata.json", "{\"kfarm\":{\"build\":7}}", 0644);
	put_file(BUILDS "6/build.log", "", 0644);
	/* kfarm allocates neither of these numbers */
	put_file(BUILDS "20261125141300/build.log", "", 0644);
	put_file(BUILDS "007/build.log", "", 0644);
	remove_outputs();
	ck_assert(stands(BUILDS "20") && stands(BUILDS "20261125141300") &&
		  stands(BUILDS "007"));
	ck_assert(!stands(BUILDS "6") && !stands(BUILDS "7"));
}
