/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/golden.h - Comparison of text with a golden file; KFARM_UPDATE=1
 * rewrites it.  Run from the top directory.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "../lib/test.h"

static inline void golden_file(const char *path, const char *got)
{
	struct buf want = { 0 };
	struct err err = { 0 };

	if (getenv("KFARM_UPDATE"))
		must(fs_write(path, bytes_str(got), 0644, &err));
	must(fs_read(path, 1 << 20, &want, &err));
	ck_assert_msg(!strcmp(got, buf_str(&want)), "%s is not:\n%s", path,
		      got);
	buf_release(&want);
}

#endif
