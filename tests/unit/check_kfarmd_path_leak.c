/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/run.h"

static const struct {
	const char *content;
	bool leaks;
} outputs[] = {
	{ "", false },
	{ "x/.kfarm/outy", false },
	{ "/.kfarm/tmp/ccabcdef.s", true },
	{ "a\n/.kfarm/out", true },
	{ "at '/.kfarm/tmp/x'", true },
	{ "/home/me/.kfarm/out/x and /.kfarm/out/y", true },
	{ "/home/me/.kfarm/out/x", false },
	{ "/.kfarm/ou", false },
	{ "/.kfarm", false },
	{ "/home/me/.kfarms/x", false },
};

TEST_EACH(private_sandbox_paths_in_an_output_are_detected, outputs)
{
	ck_assert_int_eq(
		kfarmd_run_output_has_private_path(bytes_str(row->content)),
		row->leaks);
}
