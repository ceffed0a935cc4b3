/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
/*
 * Builds without masquerade links, which have no coordinator.
 */
#include "../lib/test.h"
#include "kernel-run.h"
#include "kernel/build.h"

static const char *const variables[] = {
	"CC=nice-gcc -O2", /* several words */
	"CC=script-gcc",
	"HOSTCC=script-gcc",
};

FIXTURE(run_set_up, run_tear_down);

TEST_EACH(a_first_build_without_a_coordinator_succeeds, variables)
{
	struct kernel_result result;

	put_file("tools/script-gcc", "#!/bin/sh\necho 12.1.0\n", 0755);
	strv_add(&req.variables, *row);
	words(&req.targets, "vmlinux");
	make_plan();
	ck_assert_ptr_nonnull(plan.compiler.no_masquerade_reason);
	kernel_build(&result, &plan, &no_nodes, &hooks, &err);
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	ck_assert(stands("out/vmlinux"));
	kernel_result_release(&result);
}
