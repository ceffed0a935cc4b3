/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/golden.h - Comparison of text with a golden file; KFARM_UPDATE=1
 * rewrites it.  Run from the top directory.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <stdlib.h>

static inline void golden_file(const char *path, const char *got)
{
	struct buf want = { 0 };
	struct err err = { 0 };

	if (getenv("KFARM_UPDATE"))
		ck_assert_int_eq(fs_write(path, bytes_str(got), 0644, &err), 0);
	ck_assert_msg(!fs_read(path, 1 << 20, &want, &err), "%s", err.text);
	ck_assert_msg(!strcmp(got, buf_str(&want)), "%s is not:\n%s", path,
		      got);
	buf_release(&want);
}

#endif
