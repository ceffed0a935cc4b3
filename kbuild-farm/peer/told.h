/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/told.h - what a node has been told of the files in one cell.
 *
 * It is told in deltas: of each path, the version that was told last is kept,
 * so that a job costs what changed since the job before.
 */
#ifndef PEER_TOLD_H
#define PEER_TOLD_H

#include "peer/views.h"

struct peer_told_path; /* what it knows of one */

struct peer_told {
	const struct peer_link *link;
	struct peer_views views;
	uint32_t toolchain; /* the last view that is the toolchain's */
	struct peer_told_path *path; /* by its id */
	uint32_t n_paths;
};

void peer_told_init(struct peer_told *t, const struct peer_link *link,
		    uint32_t cell);
void peer_told_release(struct peer_told *t);

/*
 * All entries of its toolchain, first of all; with `foreign` the node has files
 * of its own in their places, and is told of none.  0; -ENOSPC when the
 * connection can name no more paths.
 */
int peer_told_toolchain(struct peer_told *t,
			const struct inputs_entry *const *entry, size_t n,
			bool foreign);
/*
 * Tell the node what these entries are, as far as it does not know it.  *view
 * becomes the view that a job with them has to wait for.  Returns 0; -ENOSPC
 * as above; -ESTALE when an entry is a file of the toolchain with other
 * content.
 */
int peer_told_add(struct peer_told *t, const struct inputs_entry *const *entry,
		  size_t n, uint32_t *view);
/* Does the toolchain have an entry there? */
bool peer_told_is_frozen(struct peer_told *t, const struct inputs_path *path);

#endif
