/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/ident.h - which compiler is it?  For who needs no more than that;
 * toolchain/manifest.h says what it consists of.
 */
#ifndef TOOLCHAIN_IDENT_H
#define TOOLCHAIN_IDENT_H

#include "base/digest.h"
#include "base/str.h"

struct toolchain_ident {
	struct digest id; /* of its manifest */
	char *version; /* "12.2.0", of -dumpfullversion -dumpversion */
	char *machine; /* "aarch64-linux-gnu", of -dumpmachine */
	bool is_clang;
	struct strv files; /* absolute paths of all that went in */
};

/*
 * Identify the compiler whose driver is `driver` (an absolute path), as
 * toolchain_manifest_make() does with our own environment.
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
