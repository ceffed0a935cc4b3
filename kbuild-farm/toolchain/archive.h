/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/archive.h - Names of the compiler archives on mirrors.
 *
 * The paths below a mirror (toolchain/builtin.h) are those of kernel.org:
 *
 *	crosstool/files/bin/HOST/VERSION/
 *		HOST-gcc-VERSION-nolibc[-_]TRIPLET.tar.{xz,gz}
 *	llvm/files/llvm-VERSION-{x86_64,aarch64}.tar.{xz,gz}
 *
 * HOST must be a host of toolchain/builtin.h.
 */
#ifndef TOOLCHAIN_ARCHIVE_H
#define TOOLCHAIN_ARCHIVE_H

#include "base/str.h"
#include "toolchain/release.h"

struct toolchain_archive {
	char *mirror_path; /* "crosstool/files/bin/x86_64/..." */
	char *host; /* host of the compiler: "x86_64", "arm64" */
	char *triplet; /* target of gcc; NULL for clang (all targets) */
	struct toolchain_release release;
};

/*
 * Parse a path below a mirror.  Returns false for a path that deviates from the
 * patterns above.  If the result is true, the caller releases `out`.
 */
bool toolchain_archive_parse_path(struct toolchain_archive *out,
				  const char *path);
/* Parse a file name alone.  `mirror_path` is set to NULL. */
bool toolchain_archive_parse_name(struct toolchain_archive *out,
				  const char *name);
void toolchain_archive_release(struct toolchain_archive *a);
/* Append MIRROR/PATH to `out` for each mirror, in order. */
void toolchain_archive_list_urls(const char *path, const struct strv *mirrors,
				 struct strv *out);
/*
 * Parse the VERSION of an archive, such as "13.3.0".  Returns false for a text
 * that is not a version of three numbers.
 */
bool toolchain_archive_parse_version(bool is_clang, const char *version,
				     struct toolchain_release *r);

#endif
