/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/unpack.h - an archive that is not verified yet, unpacked
 * while it comes.
 *
 * One pass over the bytes gives all that there is to know: the SHA-256 of the
 * archive as it came, its uncompressed bytes (which a detached signature is
 * over), the files on disk, and the digest of each.  Bytes are pushed in by
 * the caller's thread, a thread of its own unpacks them; between them lie at
 * most a few MiB.  Memory is that and what xz's dictionary takes, 64 MiB for
 * the largest level.
 *
 * libarchive reads the archive: tar, compressed by xz, gzip or not at all.
 * What its ARCHIVE_EXTRACT_SECURE flags stand for (NODOTDOT, NOABSOLUTEPATHS,
 * SYMLINKS) is done here by descriptors: libarchive's own writer wants to be
 * in the directory, which all threads of a process would share, and looks
 * before it writes, where a name opened with O_NOFOLLOW and O_EXCL cannot be
 * anything else.  So nothing is written outside the directory, whatever the
 * archive says.
 *
 * Refused, each with -EINVAL and `err` naming the entry: absolute paths and
 * "..", names with control characters, a path that comes twice (but for
 * directories), what lies below a file or a link, links that lead out of the
 * archive, hard links to anything but a file that came before, devices,
 * fifos, sockets, files with setuid or setgid.  Owners, ACLs, attributes and
 * permissions are not taken over: files get 0644 or, with any x bit, 0755.
 * Times of files are kept, since equal files are told by them.
 *
 * -E2BIG, as soon as it is clear: more than `entries`, more than `bytes`
 * unpacked, or more than 64 MiB that are over `ratio` times what came.
 */
#ifndef TOOLCHAIN_UNPACK_H
#define TOOLCHAIN_UNPACK_H

#include "toolchain/tree.h"

struct toolchain_unpack; /* one that is under way */

struct toolchain_unpack_setup {
	int dir; /* an empty directory; may be closed after the start */
	/*
	 * Called from the unpacking thread with all uncompressed bytes in
	 * order; not 0 ends the unpacking with that.  May be NULL.
	 */
	int (*tar)(void *ctx, struct bytes b, struct err *err);
	void *ctx;
	/* 0: 8 GiB, COMPILER_ENTRIES_MAX, 100. */
	uint64_t bytes;
	uint32_t entries;
	uint32_t ratio;
};

/* What came; a zeroed one is empty. */
struct toolchain_unpacked {
	struct digest archive; /* of the bytes that were pushed */
	struct compiler_entries entries; /* sorted by path */
};

/* NULL, with `err` set, when no thread could be had. */
struct toolchain_unpack *toolchain_unpack_start(
	const struct toolchain_unpack_setup *setup, struct err *err);
/*
 * The next bytes.  Waits while the other thread has enough to do.  Returns 0,
 * or why unpacking has failed, as soon as that is known.
 */
int toolchain_unpack_feed(struct toolchain_unpack *u, struct bytes b,
			  struct err *err);
/*
 * No more bytes will come: waits until all are unpacked, frees `u` in any
 * case.  Returns 0 with `out`; -EBADMSG for an archive that is damaged or cut
 * off (also one with bytes behind its end); or as above, with `out` empty.
 * Nothing is flushed to disk.
 */
int toolchain_unpack_end(struct toolchain_unpack *u,
			 struct toolchain_unpacked *out, struct err *err);
/* Give up: what was written stays. */
void toolchain_unpack_free(struct toolchain_unpack *u);

void toolchain_unpacked_release(struct toolchain_unpacked *u);

#endif
