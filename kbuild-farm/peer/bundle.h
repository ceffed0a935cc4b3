/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/bundle.h - an installed toolchain of the build host, read once so that
 * any number of nodes can be given it; and one on its way to one node: BUNDLE
 * and VIEWs, then the bytes that NEED asks for, until HAVE.
 */
#ifndef PEER_BUNDLE_H
#define PEER_BUNDLE_H

#include "peer/views.h"
#include "toolchain/installed.h"

struct peer_bundle {
	char *id, *host;
	char *dir; /* DATA/toolchains/ID */
	char *json; /* for the node: without the names published here */
	struct digest tree;
	struct digest same_as; /* zero: none */
	uint64_t bytes; /* of all files */
	struct inputs_paths *paths; /* below `dir`: "/bin/gcc" */
	const struct inputs_entry **entry;
	size_t n;
};

/*
 * Read and hash all of `tc`; `same_as` is the content id of this machine's own
 * build of the same release, NULL where there is none.  Some 100 MB are read:
 * not for an event loop's thread.
 *
 * Returns 0; -EBADMSG when what lies there is not what its toolchain.json
 * says; -EINVAL for an adopted one, whose files lie elsewhere; -ECANCELED;
 * -E2BIG; an error of a file.  `err` says what to do.
 */
int peer_bundle_read(struct peer_bundle *out,
		     const struct toolchain_installed *tc,
		     const struct digest *same_as, const atomic_bool *cancel,
		     struct err *err);
void peer_bundle_release(struct peer_bundle *b);

/* One on its way; a zeroed one is none. */
struct peer_delivery {
	const struct peer_bundle *bundle; /* NULL: none */
	struct peer_ship *ship;
	struct peer_ship_user user;
	struct peer_views views;
};

/*
 * Begin.  `bundle` and what `user` has are borrowed; `d` does not move.  0;
 * -ENOSPC with `err` set, and none begun.
 */
int peer_delivery_start(struct peer_delivery *d,
			const struct peer_bundle *bundle,
			struct peer_link *link,
			const struct peer_ship_user *user, struct err *err);
/* Nothing is heard of it any more; fine for none. */
void peer_delivery_end(struct peer_delivery *d);
/* Is it under way, with this number? */
bool peer_delivery_is(const struct peer_delivery *d, uint32_t number);
/* The node keeps it now: 0; or -EPERM with its words in `err`. */
int peer_delivery_have(const struct peer_delivery *d, const struct wire_have *m,
		       struct err *err);

#endif
