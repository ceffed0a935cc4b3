/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/tempdir.h - A temporary directory for a test.
 */
#ifndef LIB_TEMPDIR_H
#define LIB_TEMPDIR_H

#include "base/fs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMPDIR_SIZE 32

/* Create an empty directory and store its absolute path in `dir`. */
static inline void tempdir_make(char dir[static TEMPDIR_SIZE])
{
	strcpy(dir, "/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Remove the directory with all files, even if it is the current directory. */
static inline void tempdir_remove(const char *dir)
{
	struct err err = { 0 };

	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_msg(!fs_remove(dir, &err), "%s", err.text);
}

#endif
