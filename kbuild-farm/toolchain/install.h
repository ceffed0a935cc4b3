/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/install.h - get a compiler, make sure of it, put it in place.
 *
 * In order: the checksums (one small file), the detached signature (one more),
 * then the archive, hashed, verified and unpacked in the same pass into a
 * private directory; when all of it is verified, and not before, its
 * programs are run: does the driver say this release and triplet, does it
 * compile and assemble.  Then toolchain.json, and one rename publishes it.
 *
 * What verifies an archive, one is enough: a SHA-256 that the user gives;
 * the server's signed sha256sums.asc; the maintainer's signature NAME.tar.sign
 * over the uncompressed archive, which `strict` asks for whatever else there
 * is.  One that contradicts it always refuses it, also with `insecure`, which
 * lets pass what nothing verifies, and is kept in toolchain.json.
 *
 * A process may install several at once, from a thread each.  Two that want
 * the same id wait for each other, and the second finds it installed.  Killed
 * at any point it leaves what was there before, and the next one removes the
 * rest; archives that had not come whole are kept in `cache`, for a resume.
 */
#ifndef TOOLCHAIN_INSTALL_H
#define TOOLCHAIN_INSTALL_H

#include "toolchain/installed.h"
#include "toolchain/release.h"

struct fetch_options;

enum toolchain_stage {
	TOOLCHAIN_WAITS, /* another process installs the same */
	TOOLCHAIN_ASKS, /* for checksums, signature, keys */
	TOOLCHAIN_FETCHES, /* and unpacks; with done and total in bytes */
	TOOLCHAIN_CHECKS,
	TOOLCHAIN_PUBLISHES,
};

struct toolchain_order {
	const char *data; /* fs_data_home() */
	const char *cache; /* a directory for what has come so far */

	struct toolchain_release release; /* whole: three numbers */
	const char *triplet; /* "aarch64-linux"; NULL for clang */
	const char *host; /* NULL: this machine's own */
	/*
	 * Where: below each mirror in turn (toolchain_archive's path), or a
	 * local archive instead, with NAME.tar.sign beside it where there is
	 * one.  toolchain_install_order() completes an order for a file.
	 */
	const struct strv *mirrors;
	const char *path;
	const char *file;
	const struct fetch_options *fetch;

	const struct digest *sha256; /* given by the user, or NULL */
	bool insecure;
	bool strict;
	const char *sums_key; /* fingerprints, 40 hex; NULL: the data's pin */
	const char *tar_key;
	const struct strv *key_files; /* and where keys may come from */
	const struct strv *key_sources;

	/* For libraries that the host lacks (toolchain/hostlib.h); NULL: none
	 */
	const struct strv *library_files;
	const struct strv *library_debs;

	/* From this thread, and for TOOLCHAIN_FETCHES often; may be NULL. */
	void (*progress)(void *ctx, enum toolchain_stage stage, uint64_t done,
			 uint64_t total);
	void *ctx;
	struct strv *notes; /* what the user should know besides; or NULL */
};

/*
 * Install it.  Returns 0 with `out`, which the caller releases, with no names
 * published.  A negative errno with `err` naming the cause and what to do:
 *
 *	-EEXIST		installed already; `out` is that one
 *	-EKEYREJECTED	nothing verifies it, or something contradicts it
 *	-EBADMSG	damaged; -EINVAL, -E2BIG: hostile (toolchain/unpack.h)
 *	-ENOEXEC	unpacked well but is not what was ordered or does not
 *			work here
 *	-ELIBACC	needs libraries that this machine lacks
 *	-ENOSPC		more room is needed than there is
 *	-ECANCELED	fetch->cancel became true
 *	others		of the server, or of the file system
 */
int toolchain_install(const struct toolchain_order *order,
		      struct toolchain_installed *out, struct err *err);

/*
 * What the name of a local archive says of it: release, triplet and host are
 * set from "x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz" and
 * "llvm-22.1.8-x86_64.tar.xz"; `text` holds the strings and must live as long
 * as the order.  -EINVAL for another name.
 */
int toolchain_install_order(struct toolchain_order *order, struct strv *text,
			    const char *file, struct err *err);

#endif
