/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/install.h - Download, verification and installation of a compiler.
 *
 * The checksum list and the detached signature, two small files, are downloaded
 * first.  Then the archive is downloaded, hashed, verified and unpacked into a
 * private directory in one pass.  No program of the toolchain runs before the
 * verification is complete.  Then a smoke test checks that the driver reports
 * the release and triplet, compiles and assembles.  Finally, toolchain.json is
 * written, and one rename publishes the directory.
 *
 * An archive is verified by a SHA-256 given by the user, by the server's signed
 * sha256sums.asc, or by the maintainer's signature NAME.tar.sign over the
 * uncompressed archive.  With `strict`, the maintainer's signature is required.
 * The archive is rejected if any available checksum or signature does not
 * match.  With `insecure`, an archive without any checksum or signature is
 * accepted, and toolchain.json records that the archive was not verified.
 *
 * A process may install several toolchains concurrently, one per thread.  Two
 * installations of the same id are serialized, and the second finds the
 * toolchain installed.  If an installation is killed, the previous state
 * remains and the next installation removes the files left behind.  Incomplete
 * archives stay in `cache_dir`, so that a later installation can resume their
 * download.
 */
#ifndef TOOLCHAIN_INSTALL_H
#define TOOLCHAIN_INSTALL_H

#include "toolchain/installed.h"
#include "toolchain/release.h"

struct fetch_options;

enum toolchain_install_stage {
	TOOLCHAIN_STAGE_WAIT, /* another installation of this id is running */
	TOOLCHAIN_STAGE_LOOKUP, /* download of checksums, signature and keys */
	TOOLCHAIN_STAGE_FETCH, /* download and unpacking; progress in bytes */
	TOOLCHAIN_STAGE_CHECK,
	TOOLCHAIN_STAGE_PUBLISH,
};

struct toolchain_install_request {
	const char *data_dir; /* fs_data_home() */
	const char *cache_dir; /* directory of incomplete archives */

	struct toolchain_release release; /* complete: three numbers */
	const char *triplet; /* "aarch64-linux"; NULL for clang */
	const char *host; /* NULL: this machine's host */
	/*
	 * The source: `mirror_path` below each mirror in turn, or a local
	 * archive, optionally with NAME.tar.sign in the same directory.
	 * toolchain_install_parse_file() fills a request for a local archive.
	 */
	const struct strv *mirrors;
	const char *mirror_path;
	const char *archive_path;
	const struct fetch_options *fetch_options;

	/* the archive's digest, given by the user, or NULL */
	const struct digest *sha256;
	bool insecure;
	bool strict;
	/* Fingerprints of 40 hex digits; NULL selects the built-in key. */
	const char *sums_key;
	const char *tar_key;
	const struct strv *key_files; /* files that contain keys, or NULL */
	const struct strv *key_sources; /* URLs of keys, or NULL */

	/*
	 * Sources of libraries that the host lacks (toolchain/hostlib.h), or
	 * NULL.
	 */
	const struct strv *library_files;
	const struct strv *library_debs;

	/*
	 * Called on the calling thread at the start of each stage, and several
	 * times a second during TOOLCHAIN_STAGE_FETCH.  May be NULL.
	 */
	void (*on_progress)(void *ctx, enum toolchain_install_stage stage,
			    uint64_t done, uint64_t total);
	void *ctx;
	struct strv *notes; /* receives notes for the user; or NULL */
};

/*
 * Install a toolchain.  Creates no links to its tools.
 *
 * Returns 0 with `out`, which the caller releases, or a negative errno with
 * `err` naming the cause and what to do:
 *
 *	-EEXIST		installed already; `out` describes it
 *	-EKEYREJECTED	the archive has no valid checksum or signature, or one
 *			of them does not match
 *	-EBADMSG	the archive is damaged
 *	-EINVAL		the request is invalid, or the archive is rejected
 *	-E2BIG		the archive is rejected (toolchain/unpack.h)
 *	-ENOEXEC	the archive does not contain the requested compiler, or
 *			the compiler does not work on this machine
 *	-ELIBACC	the compiler needs libraries that this machine lacks
 *	-ENOSPC		not enough disk space
 *	-ECANCELED	fetch_options->cancelled became true
 *	others		errors of the server or the file system
 */
int toolchain_install(const struct toolchain_install_request *o,
		      struct toolchain_installed *out, struct err *err);

/*
 * Set archive, release, triplet and host of `request` for the local archive
 * `file`, named like "x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz" or
 * "llvm-22.1.8-x86_64.tar.xz".  `strings` owns the strings and must outlive
 * `request`.  Returns 0, or -EINVAL for another name.
 */
int toolchain_install_parse_file(struct toolchain_install_request *request,
				 struct strv *strings, const char *file,
				 struct err *err);

#endif
