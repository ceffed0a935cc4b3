/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/tempdir.h - a directory for a test.
 */
#ifndef LIB_TEMPDIR_H
#define LIB_TEMPDIR_H

#include "base/fs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMPDIR_SIZE 32

/* Makes an empty one: its absolute path is in `dir`. */
static inline void tempdir_make(char dir[static TEMPDIR_SIZE])
{
	strcpy(dir, "/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Removes it with all that is in it, also when we are there. */
static inline void tempdir_remove(const char *dir)
{
	struct err err = { 0 };

	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_msg(!fs_remove(dir, &err), "%s", err.text);
}

#endif
