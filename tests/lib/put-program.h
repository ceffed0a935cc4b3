/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/put-program.h - An executable that does nothing, for tests of searches.
 */
#ifndef LIB_PUT_PROGRAM_H
#define LIB_PUT_PROGRAM_H

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <stdlib.h>

/* Also create the directories above it. */
static inline void put_program(const char *path)
{
	char *in = str_dir(path);
	struct err err = { 0 };

	ck_assert_msg(!fs_mkdirs(in, 0755, &err), "%s", err.text);
	ck_assert_msg(!fs_write(path, bytes_str("#!/bin/sh\n"), 0755, &err),
		      "%s", err.text);
	free(in);
}

#endif
