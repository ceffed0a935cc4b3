/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/toolchain-fake.h - An archive with the compiler of
 * tests/toolchain/fake.c, and a directory for its installation.
 */
#ifndef TESTS_TOOLCHAIN_FAKE_H
#define TESTS_TOOLCHAIN_FAKE_H

#include "../lib/test.h"
#include "base/digest.h"

#define FAKE_TRIPLET "aarch64-linux"

static char dir[] = "/tmp/check_toolchain.XXXXXX";
static char *data, *archive;
static struct digest archive_digest;
static struct err err;

static inline void fake_begin(const char *version)
{
	char *command;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	data = xasprintf("%s/data", dir);
	archive = xasprintf("%s/x.tar.gz", dir);
	command = xasprintf(
		"cd %s && top=gcc-%s-nolibc/" FAKE_TRIPLET " &&"
		" mkdir -p $top/bin $top/libexec &&"
		" cc -O1 -DVERSION='\"%s\"' -DTRIPLET='\"" FAKE_TRIPLET "\"'"
		" -o $top/bin/" FAKE_TRIPLET "-gcc"
		" $OLDPWD/tests/toolchain/fake.c &&"
		" cp $top/bin/" FAKE_TRIPLET "-gcc $top/libexec/cc1 &&"
		" tar -czf %s gcc-%s-nolibc",
		dir, version, version, archive, version);
	ck_assert_int_eq(system(command), 0); /* NOLINT: fixed commands */
	must(digest_file(archive, &archive_digest, &err));
	free(command);
}

static inline void fake_end(void)
{
	struct err ignored;

	fs_remove(dir, &ignored);
	free(data);
	free(archive);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

#endif
