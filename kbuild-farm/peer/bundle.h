/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/bundle.h - an installed toolchain of the build host, read once so that
 * any number of nodes can be given it.
 */
#ifndef PEER_BUNDLE_H
#define PEER_BUNDLE_H

#include "toolchain/installed.h"
#include "wire/msg.h"

struct peer_bundle {
	char *id, *host;
	char *dir; /* DATA/toolchains/ID */
	char *json; /* for the node: without the names published here */
	struct digest tree;
	struct digest twin; /* zero: none */
	uint64_t bytes; /* of all files */
	struct compiler_entries files; /* sorted by path */
	struct wire_keep_entry *entry; /* the same; borrows their strings */
	size_t n;
};

/*
 * Read and hash all of `tc`; `twin` is the content id of this machine's own
 * build of the same release, NULL where there is none.  Some 100 MB are read:
 * not for an event loop's thread.
 *
 * Returns 0; -EBADMSG when what lies there is not what its toolchain.json
 * says; -EINVAL for an adopted one, whose files lie elsewhere; -ECANCELED;
 * -E2BIG; an error of a file.  `err` says what to do.
 */
int peer_bundle_read(struct peer_bundle *out,
		     const struct toolchain_installed *tc,
		     const struct digest *twin, const atomic_bool *cancel,
		     struct err *err);
void peer_bundle_release(struct peer_bundle *g);

#endif
