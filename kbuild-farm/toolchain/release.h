/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/release.h - Compiler releases: "gcc", "gcc-13.3.0", "clang-14".
 *
 * A release of three numbers can be installed.  Fewer numbers match the newest
 * release that begins with them; "gcc" alone matches the newest gcc.
 */
#ifndef TOOLCHAIN_RELEASE_H
#define TOOLCHAIN_RELEASE_H

#include "base/err.h"

#include <stdbool.h>

/* Maximum number of digits of one number. */
#define TOOLCHAIN_RELEASE_DIGITS_MAX 5

struct toolchain_release {
	bool is_clang;
	unsigned n_parts; /* numbers given, 0 to 3 */
	unsigned parts[3]; /* 0 beyond n_parts */
};

/*
 * Parse a release such as "gcc", "clang-14" or "gcc-13.3.0".  Returns 0, or
 * -EINVAL with `err` stating the syntax; `r` is written only on success.
 * Prereleases ("clang-23.1.0-rc1") are rejected.  Numbers with leading zeros
 * are rejected as well, so that a release has only one text.
 */
int toolchain_release_parse(const char *text, struct toolchain_release *r,
			    struct err *err);
/* Parse a version without the compiler's name, such as "13.3.0". */
int toolchain_release_parse_version(bool is_clang, const char *version,
				    struct toolchain_release *r,
				    struct err *err);
/* Return the text, such as "gcc-13.3.0" or "clang-14".  The caller frees it. */
char *toolchain_release_format(const struct toolchain_release *r);
/*
 * Return the version, such as "13.3.0", or "" if the release has no numbers.
 * The caller frees the result.
 */
char *toolchain_release_format_version(const struct toolchain_release *r);
/*
 * Return true if both releases are of the same compiler and `full` begins with
 * the numbers of `wanted`.
 */
bool toolchain_release_matches(const struct toolchain_release *wanted,
			       const struct toolchain_release *full);
/* Compare like strcmp(): gcc before clang, then by number. */
int toolchain_release_compare(const struct toolchain_release *a,
			      const struct toolchain_release *b);

/*
 * Return an id such as "gcc-13.3.0-aarch64-linux", followed by "-on-HOST" if
 * `host` is not NULL.  `triplet` is NULL for clang.  The caller frees the id.
 */
char *toolchain_release_id(const struct toolchain_release *r,
			   const char *triplet, const char *host);

/*
 * Return true if `id` is a valid id, which is used as a file name: 1 to 128
 * letters, digits and "._+-", beginning with a letter or digit.
 */
bool toolchain_release_is_id(const char *id);

#endif
