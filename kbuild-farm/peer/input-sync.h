/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/input-sync.h - Incremental transfer of input roots to a node.
 *
 * Input updates (VIEW messages) describe entries by path.  The node then
 * requests the missing blobs (NEED).  A struct peer_input_sync records the
 * entry that was last sent for each path of a sandbox.  A job therefore
 * transfers only the changes since the previous job.
 */
#ifndef PEER_INPUT_SYNC_H
#define PEER_INPUT_SYNC_H

#include "base/err.h"
#include "base/list.h"
#include "peer/conn.h"

struct peer_input_update; /* a VIEW that NEED can refer to */

struct peer_input_updates {
	uint32_t number; /* number of the sandbox or bundle */
	uint32_t last; /* number of the last VIEW sent */
	struct peer_blob_upload_user *user; /* borrowed; owner of the files */
	TAILQ_HEAD(peer_input_update_list, peer_input_update) sent;
};

/* `user` must outlive the updates. */
void peer_input_updates_init(struct peer_input_updates *v, uint32_t number,
			     struct peer_blob_upload_user *user);
/* Free all updates.  NEED cannot refer to them any more. */
void peer_input_updates_release(struct peer_input_updates *v);

/*
 * Send entries in as many VIEWs as necessary.  If `is_toolchain` is set, the
 * entries are the complete toolchain; `n` can be 0.  Entries that are files
 * must outlive `v`.  Returns 0, or -ENOSPC if the session has no path ids left;
 * in this case, nothing is sent.
 */
int peer_input_updates_send(struct peer_input_updates *v,
			    const struct peer_conn *conn,
			    const struct inputs_entry *const *entry, size_t n,
			    bool is_toolchain);
/*
 * Upload the blobs that a NEED requests, or direct the node to a neighbor that
 * has them.  Returns 0; -EPROTO with `err` set if the NEED refers to entries
 * that were not sent, or repeats a request too often.
 */
int peer_input_updates_handle_need(struct peer_input_updates *v,
				   const struct wire_need *m,
				   struct peer_conn *conn, struct err *err);
/*
 * Upload the blob `d` from a file of these updates.  Call this function if the
 * node requested the blob for the updates of another sandbox, but their file
 * cannot be read; the node does not request the blob again.  Does nothing if
 * these updates contain no file with this content.
 */
void peer_input_updates_retry_blob(const struct peer_input_updates *v,
				   const struct peer_conn *conn,
				   const struct digest *d);

struct peer_input_sync_page; /* entries last sent for some paths */

struct peer_input_sync {
	const struct peer_conn *conn;
	struct peer_input_updates updates;
	uint32_t toolchain_update; /* last VIEW of the toolchain */
	struct peer_input_sync_page **pages; /* by path id; NULL: not used */
	uint32_t n_pages;
};

void peer_input_sync_init(struct peer_input_sync *t,
			  const struct peer_conn *conn, uint32_t cell,
			  struct peer_blob_upload_user *user);
/*
 * End the synchronization.  The caller must not add entries afterwards.  The
 * updates that were sent are retained, because the node can still send a NEED
 * for them.
 */
void peer_input_sync_stop(struct peer_input_sync *t);
void peer_input_sync_release(struct peer_input_sync *t);

/*
 * Send all entries of the toolchain, before any other entries.  With `native`,
 * no entries are sent, because the node uses its own files at these paths.
 * Returns 0, or -ENOSPC if the session has no path ids left.
 */
int peer_input_sync_add_toolchain(struct peer_input_sync *t,
				  const struct inputs_entry *const *entry,
				  size_t n, bool native);
/*
 * Send the entries that changed.  *update becomes the number of the input
 * update that a job with these entries must wait for.  Returns 0; -ENOSPC if
 * the session has no path ids left; -ESTALE if an entry differs from the
 * toolchain's entry at the same path, or would remove files of the toolchain.
 */
int peer_input_sync_add_entries(struct peer_input_sync *t,
				const struct inputs_entry *const *entry,
				size_t n, uint32_t *update);
/* Return true if the toolchain has an entry at this path. */
bool peer_input_sync_is_frozen(struct peer_input_sync *t,
			       const struct inputs_path *path);

#endif
