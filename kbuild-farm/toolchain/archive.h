/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/archive.h - the names of the archives that servers offer.
 *
 * Below a mirror (toolchain/data.h), as on kernel.org, lie
 *
 *	crosstool/files/bin/HOST/VERSION/
 *		HOST-gcc-VERSION-nolibc[-_]TRIPLET.tar.{xz,gz}
 *	llvm/files/llvm-VERSION-{x86_64,aarch64}.tar.{xz,gz}
 *
 * A HOST is one of toolchain/data.h: nobody could run others.
 */
#ifndef TOOLCHAIN_ARCHIVE_H
#define TOOLCHAIN_ARCHIVE_H

#include "base/str.h"
#include "toolchain/release.h"

struct toolchain_archive {
	char *path; /* below a mirror: "crosstool/files/bin/x86_64/..." */
	const char *name; /* the last component of `path` */
	char *host; /* what it runs on, as gcc's are named: "x86_64", "arm64" */
	char *triplet; /* what it compiles for; NULL: clang, for all */
	struct toolchain_release release;
};

/*
 * The archive that a path below a mirror names; false for one that does not
 * look exactly so, whatever it is.  Release it afterwards if true.
 */
bool toolchain_archive_parse(struct toolchain_archive *out, const char *path);
/* The same by the name alone, wherever it lies; `path` and `name` are NULL. */
bool toolchain_archive_parse_name(struct toolchain_archive *out,
				  const char *name);
void toolchain_archive_release(struct toolchain_archive *a);
/* MIRROR/PATH for each mirror, in order. */
void toolchain_archive_urls(const char *path, const struct strv *mirrors,
			    struct strv *out);
/* Can it be the directory of a version: "13.3.0"? */
bool toolchain_archive_is_version(const char *name);

#endif
