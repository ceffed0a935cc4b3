/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/release.h - "gcc-13", "gcc-13.3", "gcc-13.3.0", "clang-14".
 *
 * A release of three numbers is one that can be installed; fewer of them are
 * a wish for the newest that begins like that, none ("gcc") for the newest.
 */
#ifndef TOOLCHAIN_RELEASE_H
#define TOOLCHAIN_RELEASE_H

#include "base/err.h"

#include <stdbool.h>

/* A number of more digits than this is no version. */
#define TOOLCHAIN_RELEASE_DIGITS 5

struct toolchain_release {
	bool is_clang;
	unsigned n; /* how many of the parts are given, 0 to 3 */
	unsigned part[3]; /* the others are 0 */
};

/*
 * Read "gcc", "clang-14", "gcc-13.3.0".  Returns 0, or -EINVAL with `err`
 * saying what is allowed; `r` is written only on success.  A prerelease
 * ("clang-23.1.0-rc1") is none; leading zeros are not allowed, so that one
 * release has one text.
 */
int toolchain_release_parse(const char *text, struct toolchain_release *r,
			    struct err *err);
/* The same of a version alone ("13.3.0"), as a server's directory is named. */
int toolchain_release_of(bool is_clang, const char *version,
			 struct toolchain_release *r, struct err *err);
/* "gcc-13.3.0", "clang-14", "gcc"; the caller frees it. */
char *toolchain_release_text(const struct toolchain_release *r);
/* "13.3.0"; "" without numbers; the caller frees it. */
char *toolchain_release_version(const struct toolchain_release *r);
/* Is `full` what `wanted` asks for?  Only the parts that are given count. */
bool toolchain_release_matches(const struct toolchain_release *wanted,
			       const struct toolchain_release *full);
/* As strcmp(): gcc before clang, then by number; what is not given is 0. */
int toolchain_release_compare(const struct toolchain_release *a,
			      const struct toolchain_release *b);

/*
 * "gcc-13.3.0-aarch64-linux", with "-on-HOST" behind it when `host` is not
 * NULL; `triplet` is NULL for clang.  The caller frees it.
 */
char *toolchain_release_id(const struct toolchain_release *r,
			   const char *triplet, const char *host);

/* May this be an id?  Letters, digits and "._+-", not first '.' or '-', at
 * most 128.  It becomes a file's name. */
bool toolchain_release_is_id(const char *id);

#endif
