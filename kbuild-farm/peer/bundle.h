/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/bundle.h - Upload of an installed toolchain to nodes.
 *
 * A bundle is read once and can be sent to any number of nodes.  The build host
 * sends BUNDLE and VIEWs, then the blobs that the node requests with NEED.  The
 * node ends the upload with HAVE.
 */
#ifndef PEER_BUNDLE_H
#define PEER_BUNDLE_H

#include "peer/input-sync.h"
#include "toolchain/installed.h"

struct peer_bundle {
	char *id, *host;
	char *dir; /* DATA/toolchains/ID */
	char *json; /* toolchain.json without the build host's links */
	struct digest dir_digest;
	/*
	 * content id of the same compiler release, built to run on the build
	 * host; 0: unknown
	 */
	struct digest equivalent_id;
	uint64_t total_bytes; /* of all files */
	struct inputs_paths *paths; /* relative to `dir`: "/bin/gcc" */
	const struct inputs_entry **entries;
	size_t n_entries;
};

/*
 * Read and hash all files of `tc`.  `same_as` is the content id of the same
 * compiler release, built to run on the build host, or NULL.  The function
 * reads about 100 MB, so do not call it from an event loop.
 *
 * Returns 0; -EBADMSG if the files do not match toolchain.json; -EINVAL for an
 * adopted toolchain, which kfarm did not install and whose files lie elsewhere;
 * -ECANCELED; -E2BIG for too many files; -EFBIG for a file that is too large;
 * or a file error.  `err` contains advice.
 */
int peer_bundle_read(struct peer_bundle *out,
		     const struct toolchain_installed *tc,
		     const struct digest *same_as, const atomic_bool *cancel,
		     struct err *err);
void peer_bundle_release(struct peer_bundle *b);

/* An upload; zeroed if no upload is in progress. */
struct peer_bundle_upload {
	const struct peer_bundle *bundle; /* NULL: no upload */
	struct peer_blob_upload *upload;
	struct peer_blob_upload_user user;
	struct peer_input_updates updates;
};

/*
 * Start an upload.  `bundle` and the pointers in `user` are borrowed; `d` must
 * not move.  Returns 0, or -ENOSPC with `err` set if the session has no path
 * ids left; then no upload is in progress.
 */
int peer_bundle_upload_start(struct peer_bundle_upload *d,
			     const struct peer_bundle *bundle,
			     struct peer_conn *conn,
			     const struct peer_blob_upload_user *user,
			     struct err *err);
/*
 * End the upload without further callbacks.  Does nothing if no upload is in
 * progress.
 */
void peer_bundle_upload_stop(struct peer_bundle_upload *d);
/* Return true if `number` is the bundle number of the upload in progress. */
bool peer_bundle_upload_is_number(const struct peer_bundle_upload *d,
				  uint32_t number);
/*
 * Check the HAVE that ends the upload.  Returns 0 if the node has installed the
 * toolchain, or -EPERM with `err` set to the reason.
 */
int peer_bundle_upload_check_have(const struct peer_bundle_upload *d,
				  const struct wire_have *m, struct err *err);

#endif
