/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/builtin.h - Built-in data about architectures, servers and
 * releases.
 *
 * The data are the files of toolchains/ (git-config syntax; each file explains
 * its keys), which are compiled into the program and checked by a unit test.
 * The versions that can be installed come from the servers' listings.
 *
 * All results live as long as the program.  All functions are thread-safe.
 */
#ifndef TOOLCHAIN_BUILTIN_H
#define TOOLCHAIN_BUILTIN_H

#include "base/str.h"
#include "toolchain/release.h"

/* One of the kernel's architectures. */
struct toolchain_arch {
	char *arch; /* the kernel's ARCH: "x86_64" */
	char *srcarch; /* directory below the kernel's arch/: "x86" */
	struct strv triplets; /* kernel.org's triplets, the most common first */
	/* Debian's values of CROSS_COMPILE, the most common first */
	struct strv prefixes;
	/*
	 * not NULL if Debian has no package of gcc with these prefixes; the
	 * text has no meaning
	 */
	char *unpackaged;
	struct strv aliases; /* other names: "aarch64" */
};

/* A kind of machine that compilers run on. */
struct toolchain_host {
	char *name; /* name of gcc's directory on kernel.org: "arm64" */
	char *clang_name; /* name in LLVM's archives, or NULL */
	struct strv machines; /* output of uname -m: "aarch64" */
};

/* A signing key. */
struct toolchain_key {
	char *name; /* "sums", "tar", "llvm" */
	char *fingerprint; /* of the primary key: 40 upper-case hex digits */
	char *owner; /* shown to the user */
	/* https URLs; "%s" is replaced by the fingerprint */
	struct strv sources;
};

/* A peculiarity of some releases. */
struct toolchain_quirk {
	char *name; /* "mpfr4" */
	/*
	 * The affected releases: from first_release to last_release, except
	 * `excepted`.  A release of fewer than three numbers includes all
	 * releases that begin with these numbers.
	 */
	struct toolchain_release first_release, last_release;
	struct toolchain_release *excepted;
	size_t n_excepted;
	char *host; /* affected host; NULL: all */
	char *triplet; /* affected target; NULL: all */
	/*
	 * A library ("libmpfr.so.4") that the affected releases need and new
	 * distributions lack, or NULL.
	 */
	char *missing_library;
	/* system libraries that can replace missing_library, the best first */
	struct strv compatible;
	struct strv unaffected; /* releases that messages recommend instead */
	char *note; /* a line for the user */
};

/* Return an architecture by the kernel's ARCH, or NULL. */
const struct toolchain_arch *toolchain_builtin_find_arch(const char *arch);

/* Return architecture `i` in the order of names, or NULL after the last. */
const struct toolchain_arch *toolchain_builtin_arch_at(size_t i);

/* Return the architecture with the alias `other` ("aarch64"), or NULL. */
const struct toolchain_arch *toolchain_builtin_arch_by_alias(const char *other);

/*
 * Return kernel.org's triplets of ARCH in order of preference, or NULL for an
 * unknown architecture.  The list can be empty.
 */
const struct strv *toolchain_builtin_arch_triplets(const char *arch);

/*
 * Return the i-th host, the host with kernel.org's name `name`, or the host of
 * a machine (uname -m).  Each function returns NULL if there is no such host.
 */
const struct toolchain_host *toolchain_builtin_host_at(size_t i);
const struct toolchain_host *toolchain_builtin_find_host(const char *name);
const struct toolchain_host *toolchain_builtin_host_by_machine(
	const char *machine);

/* Return the host of this machine, or NULL if no compilers exist for it. */
const struct toolchain_host *toolchain_builtin_local_host(void);

/* Return the URLs of the mirrors, without a trailing slash. */
const struct strv *toolchain_builtin_mirrors(void);
/*
 * Return the directory of the archives below a mirror: "crosstool/files/bin"
 * for gcc, which has subdirectories HOST/VERSION, or "llvm/files" for clang,
 * which has no subdirectories.
 */
const char *toolchain_builtin_mirror_dir(bool is_clang);

/* Return the key that signs sha256sums.asc. */
const struct toolchain_key *toolchain_builtin_sums_key(void);
/* Return the key that signs the archives of gcc or of clang (.tar.sign). */
const struct toolchain_key *toolchain_builtin_tar_key(bool is_clang);

/*
 * List the quirks of a release of three numbers, in the order of the built-in
 * data.  `out` receives an array of pointers to constant quirks.  The caller
 * frees the array.  If `host` or `triplet` is NULL, quirks of any host or
 * triplet are included.  Returns the number of quirks.
 */
size_t toolchain_builtin_list_quirks(const struct toolchain_release *r,
				     const char *host, const char *triplet,
				     const struct toolchain_quirk ***out);

#endif
