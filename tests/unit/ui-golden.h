/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/ui-golden.h - what a view shows against tests/ui/NAME.screen;
 * KFARM_UPDATE=1 rewrites these.  Run from the top directory.
 */
#ifndef UI_GOLDEN_H
#define UI_GOLDEN_H

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <stdlib.h>

static inline void golden_compare(const char *name, const char *got)
{
	char *path = xasprintf("tests/ui/%s.screen", name);
	struct buf want = { 0 };
	struct err err = { 0 };

	if (getenv("KFARM_UPDATE"))
		ck_assert_int_eq(fs_write(path, bytes_str(got), 0644, &err), 0);
	ck_assert_msg(!fs_read(path, 1 << 20, &want, &err), "%s", err.text);
	ck_assert_msg(!strcmp(got, buf_str(&want)), "%s is not:\n%s", path,
		      got);
	buf_release(&want);
	free(path);
}

#endif
