/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/memo.h - digests of files that stay as they are.
 *
 * Compilers share most of what they load: libc is read once for all of them.
 * A digest is used again as long as the file's device, inode, size, mtime
 * and ctime are the same.  Any thread may call this.
 */
#ifndef TOOLCHAIN_MEMO_H
#define TOOLCHAIN_MEMO_H

#include "base/digest.h"

/* As digest_file(). */
int toolchain_memo_digest(const char *path, struct digest *out,
			  struct err *err);

#endif
