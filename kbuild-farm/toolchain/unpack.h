/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/unpack.h - Secure unpacking of an unverified archive during its
 * download.
 *
 * One pass over the bytes yields the SHA-256 of the archive, the uncompressed
 * bytes (which a detached signature covers), the files on disk, and the digest
 * of each file.  The caller's thread pushes bytes in and a second thread
 * unpacks them; at most a few MiB are in transit between them.  Most of the
 * memory is the dictionary of xz: 64 MiB at the highest level.
 *
 * libarchive reads the archive: tar, compressed by xz or gzip, or
 * uncompressed.  libarchive's writer is not used: it depends on the working
 * directory, which all threads of a process share, and checks a name in one
 * step and opens the file in another.  Instead, the checks of libarchive's
 * ARCHIVE_EXTRACT_SECURE flags (NODOTDOT, NOABSOLUTEPATHS, SYMLINKS) are made
 * with directory descriptors.  A name opened with O_NOFOLLOW and O_EXCL cannot
 * be a link.  Thus nothing is written outside the directory, whatever the
 * archive contains.
 *
 * The following entries are rejected with -EINVAL and `err` naming the entry:
 * absolute paths and "..", names with control characters, a path that occurs
 * twice (except a directory), a path below a file or a link, links that lead
 * out of the archive, hard links to anything except an earlier file, devices,
 * fifos, sockets, and files with setuid or setgid.  Owners, ACLs, attributes
 * and permissions are ignored: files get mode 0644 or, with any x bit, 0755.
 * The mtime of a file is preserved, because toolchain_link_dedup() compares it.
 *
 * -E2BIG is returned as soon as the archive has more than `max_entries`
 * entries, or the unpacked size exceeds `max_bytes`, or the unpacked size
 * exceeds 64 MiB plus `max_ratio` times the bytes received.
 */
#ifndef TOOLCHAIN_UNPACK_H
#define TOOLCHAIN_UNPACK_H

#include "toolchain/dir-digest.h"

struct toolchain_unpack;

struct toolchain_unpack_setup {
	int dir_fd; /* an empty directory; may be closed after the start */
	/*
	 * Called on the unpacking thread with all uncompressed bytes in order.
	 * A nonzero return value ends the unpacking with that error.  May be
	 * NULL.
	 */
	int (*on_tar_data)(void *ctx, struct bytes b, struct err *err);
	void *ctx;
	/*
	 * Limits; 0 selects the default, which is 8 GiB, COMPILER_ENTRIES_MAX
	 * and 100, respectively.
	 */
	uint64_t max_bytes;
	uint32_t max_entries;
	uint32_t max_ratio;
};

/* The result of unpacking.  A zeroed struct is empty. */
struct toolchain_unpacked {
	struct digest archive_digest; /* digest of the pushed bytes */
	struct compiler_entries entries; /* sorted by path */
};

/*
 * Start the unpacking thread.  Returns NULL with `err` set if it cannot be
 * started.
 */
struct toolchain_unpack *toolchain_unpack_start(
	const struct toolchain_unpack_setup *setup, struct err *err);

/*
 * Push the next bytes.  Blocks while the unpacking thread is behind.  Returns
 * 0, or the error of the unpacking as soon as it has failed.
 */
int toolchain_unpack_feed(struct toolchain_unpack *u, struct bytes b,
			  struct err *err);

/*
 * End the input, wait until all bytes are unpacked, and free `u`, also after a
 * failure.
 *
 * Returns 0 with `out` filled; -EBADMSG for an archive that is damaged,
 * truncated or followed by other bytes; or another error listed above, with
 * `out` empty.  Nothing is flushed to disk.
 */
int toolchain_unpack_finish(struct toolchain_unpack *u,
			    struct toolchain_unpacked *out, struct err *err);

/* Abort the unpacking.  Files that were written stay on disk. */
void toolchain_unpack_free(struct toolchain_unpack *u);

void toolchain_unpacked_release(struct toolchain_unpacked *u);

#endif
