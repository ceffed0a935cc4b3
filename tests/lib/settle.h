/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/settle.h - Stamps of files that a test is about to change.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include "base/file-stamp.h"

#include <check.h>
#include <sys/stat.h>

/*
 * Wait until any further change of the file or directory alters its stamp, and
 * return the stamp.
 */
static inline struct file_stamp settle(const char *path)
{
	struct file_stamp stamp;
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	file_stamp_from_stat(&stamp, &st);
	ck_assert(file_stamp_wait(&stamp));
	return stamp;
}

#endif
