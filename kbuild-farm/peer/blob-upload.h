/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/blob-upload.h - Transfer of file contents to nodes that lack them.
 *
 * Worker threads read and pack the files.  Nodes that need the same file share
 * its packed form while the cache holds it.
 *
 * Files are sent in pieces, one piece of each file in turn, as fast as the
 * node's stream accepts them.  Small and large files are packed concurrently.
 * For both reasons, a compiler of 30 MB does not delay a header.
 *
 * The files of a bundle (an installed toolchain) are sent one after the other,
 * in alternation with pieces of other files.  A node retains only files that it
 * received completely, so the end of a session loses at most one partial file.
 */
#ifndef PEER_BLOB_UPLOAD_H
#define PEER_BLOB_UPLOAD_H

#include "base/err.h"
#include "inputs/path.h"
#include "wire/frame.h"

struct pool;
struct store_packed_cache;
struct store_packed_blob;
struct wire_stream;
struct peer_blob_upload; /* per session */

/* Counters that only increase. */
struct peer_blob_upload_stats {
	unsigned n_files_needed, n_files_sent;
	/* files that the node fetches from a neighbor instead */
	unsigned n_files_fetched;
	uint64_t bytes_needed, bytes_sent; /* before compression */
};

/* The owner of some files: a sandbox or a bundle upload. */
struct peer_blob_upload_user {
	/*
	 * Called if a file cannot be read, but never from
	 * peer_blob_upload_add().  The callee may remove the user.  The
	 * callback can be NULL.
	 */
	void (*on_failed)(void *ctx, const struct inputs_entry *e,
			  const char *why);
	void *ctx;
	/* prefix of the entries' paths: "" or a directory */
	const char *base_dir;
	bool sequential; /* send each file completely before the next one */
	struct peer_blob_upload_stats *stats; /* can be NULL */
};

struct peer_blob_upload *peer_blob_upload_new(
	struct wire_stream *stream, struct pool *pool,
	struct store_packed_cache *packed);
/* Drop all unsent pieces.  `s` can be NULL. */
void peer_blob_upload_free(struct peer_blob_upload *s);
/* Send the content of a file.  `e` must stay valid until `user` is removed. */
void peer_blob_upload_add(struct peer_blob_upload *s,
			  struct peer_blob_upload_user *user,
			  const struct inputs_entry *e);
/*
 * Return true if the blob was requested by the node but could not be packed.
 * The node still waits for the blob and will not request it again.  The caller
 * must therefore add the blob for the next user that needs it.
 */
bool peer_blob_upload_is_lost(const struct peer_blob_upload *s,
			      const struct digest *d);
/* Return true if any blob is lost in this sense. */
bool peer_blob_upload_has_lost(const struct peer_blob_upload *s);
/*
 * Stop callbacks to this user.  The files of the user are sent nevertheless: a
 * node requests each blob only once, so another sandbox of the node may be
 * waiting for a blob that was requested for this user.
 */
void peer_blob_upload_remove_user(struct peer_blob_upload *s,
				  const struct peer_blob_upload_user *user);
/* Continue to send after the stream has drained. */
void peer_blob_upload_resume(struct peer_blob_upload *s);
/*
 * Retry packing that failed because the cache was full.  Call this about once a
 * second.
 */
void peer_blob_upload_retry(struct peer_blob_upload *s);

/*
 * Create the cache of packed files that all sessions share.  `codec` must
 * outlive the cache.
 */
struct store_packed_cache *peer_blob_upload_new_cache(enum wire_codec *codec);

#endif
