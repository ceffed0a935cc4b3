/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/data.h - what is known of the kernel's architectures, of the
 * servers with compilers for them and of the quirks of some releases.
 *
 * The files of toolchains/ (git-config syntax; each says what its keys mean)
 * are part of the program, and a unit test's to check.  Versions are no part of
 * them: a server's listing says which there are.
 *
 * All that is returned lives as long as the program; any thread may ask.
 */
#ifndef TOOLCHAIN_DATA_H
#define TOOLCHAIN_DATA_H

#include "base/str.h"
#include "toolchain/release.h"

/* One of the kernel's architectures. */
struct toolchain_arch {
	char *arch; /* the kernel's ARCH: "x86_64" */
	char *srcarch; /* its directory below arch/: "x86" */
	struct strv triplets; /* kernel.org's, the usual one first */
	struct strv prefixes; /* Debian's CROSS_COMPILE, the usual one first */
	struct strv aliases; /* what others call it: "aarch64" */
};

/* A machine that compilers run on. */
struct toolchain_host {
	char *name; /* kernel.org's directory of gcc: "arm64" */
	char *clang; /* in the names of LLVM's archives, NULL: there is none */
	struct strv machines; /* what uname -m says there: "aarch64" */
};

/* A key that signs. */
struct toolchain_key {
	char *name; /* "sums", "tar" */
	char *fingerprint; /* of the primary key, 40 digits in upper case */
	char *owner; /* for the user */
	struct strv sources; /* https URLs; "%s" in one is the fingerprint */
};

/* Something that one has to know of some releases. */
struct toolchain_quirk {
	char *name; /* "mpfr4" */
	/* Releases: these and all between, but `except`.  One with fewer
	 * than three numbers stands for all that it matches. */
	struct toolchain_release from, until;
	struct toolchain_release *except;
	size_t n_except;
	char *host; /* only of compilers that run there; NULL: all */
	char *triplet; /* only of compilers for that; NULL: all */
	char *library; /* that its programs need: "libmpfr.so.4", or NULL */
	struct strv compatible; /* system libraries in its place, best first */
	struct strv instead; /* releases without it, for a message */
	char *note; /* a line for the user */
};

/* In the order of the kernel's names; NULL for one that is not known. */
const struct toolchain_arch *toolchain_data_arch(const char *arch);
/* All of them, for i from 0, then NULL. */
const struct toolchain_arch *toolchain_data_arch_at(size_t i);
/* That of an alias ("aarch64"), or NULL. */
const struct toolchain_arch *toolchain_data_arch_called(const char *other);
/* kernel.org's triplets of ARCH in order of preference; NULL for an
 * architecture that is not known, empty when it has none. */
const struct strv *toolchain_data_triplets(const char *arch);

/* All hosts, for i from 0, then NULL; one by kernel.org's name; and the one
 * of a machine (uname -m), or NULL. */
const struct toolchain_host *toolchain_data_host_at(size_t i);
const struct toolchain_host *toolchain_data_host(const char *name);
const struct toolchain_host *toolchain_data_host_of(const char *machine);
/* This machine's own, or NULL where nothing is known to be offered for it. */
const struct toolchain_host *toolchain_data_this_host(void);

/*
 * Where archives are: each mirror is the URL of a directory, without a slash
 * at its end, below which toolchain_data_place() is "crosstool/files/bin" of
 * gcc (then /HOST/VERSION/), "llvm/files" of clang.
 */
const struct strv *toolchain_data_mirrors(void);
const char *toolchain_data_place(bool is_clang);

/* Who signs sha256sums.asc, and who signs each archive (.tar.sign). */
const struct toolchain_key *toolchain_data_sums_key(void);
const struct toolchain_key *toolchain_data_tar_key(void);

/*
 * The quirks of a release of three numbers, in order: *out is an array of
 * the returned length that the caller frees (not what it points to).  `host`
 * and `triplet` may be NULL: then a quirk of one host or triplet is included.
 */
size_t toolchain_data_quirks(const struct toolchain_release *r,
			     const char *host, const char *triplet,
			     const struct toolchain_quirk ***out);

#endif
