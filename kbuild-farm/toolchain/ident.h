/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/ident.h - what a compiler is: the bytes that compile.
 *
 * The identity of a toolchain is SHA-256 over the digests of its driver,
 * cc1, as and of the shared libraries and the loader that these need, each
 * with its role.  Paths and version strings do not enter.
 */
#ifndef TOOLCHAIN_IDENT_H
#define TOOLCHAIN_IDENT_H

#include "base/digest.h"
#include "base/str.h"

struct toolchain_ident {
	struct digest id;
	char *version; /* "12.2.0", of -dumpfullversion -dumpversion */
	char *machine; /* "aarch64-linux-gnu", of -dumpmachine */
	bool is_clang;
	struct strv files; /* absolute paths of all that went in */
};

/*
 * Identify the compiler whose driver is `driver` (an absolute path).  Asks
 * it a few questions and reads some 50 MB: not for an event loop's thread.
 * Returns 0, or a negative errno with `err` set; -ENOEXEC when the driver is
 * not an ELF file.
 */
int toolchain_identify(struct toolchain_ident *out, const char *driver,
		       struct err *err);
void toolchain_ident_release(struct toolchain_ident *t);

/*
 * Have any of `files` changed since?  A fingerprint of their size, inode,
 * mtime and ctime: equal ones mean nothing was touched.
 */
void toolchain_ident_stamp(const struct strv *files, struct digest *out);

#endif
