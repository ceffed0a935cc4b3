/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/native-toolchain.h - Selection of the compiler build for a node.
 *
 * A node runs either the local toolchain's files or a node-native build of the
 * same release:
 *
 * - If the node can run the local programs, they are uploaded, unless `kfarm
 *   toolchain tune` measured a faster build on the node.
 * - Otherwise the node uses a build that it has installed.  If it has no such
 *   build and the setting toolchain.sync is on, a build that is installed on
 *   the build host is first uploaded to the node.  If the build host has no
 *   such build either, the node gets no jobs and the user gets the reason.
 *
 * A node-native build gets jobs after a canary has passed: either an earlier
 * canary, recorded for the contents of both compilers (peer/canary-db.h), or a
 * canary that runs now (peer/canary.h).  In `kfarm toolchain tune`, all builds
 * are tested in turn.
 */
#ifndef PEER_NATIVE_TOOLCHAIN_H
#define PEER_NATIVE_TOOLCHAIN_H

#include "peer/bundle.h"
#include "peer/canary.h"

struct peer_native_toolchain_source; /* an upload being prepared */

/*
 * State of one session, from FIT on.  The caller sets the first three members
 * and zeroes the others.
 */
struct peer_native_toolchain {
	struct peer_conn *conn;
	const char *machine; /* uname -m; borrowed from HELLO */
	/* host triplets it can run; borrowed from FIT */
	const struct strv *hosts;
	bool list_requested, list_received; /* list of installed toolchains */
	struct peer_native_toolchain_entry {
		char *id, *host;
	} * entries;
	size_t n_entries;
	struct strv offered; /* ids that an upload was tried for */
	struct peer_native_toolchain_source *source; /* NULL: no upload */
	struct peer_bundle_upload upload;
	bool list_changed; /* `entries` changed; the reader clears it */
	bool upload_failed; /* end the session: the node waits in vain */
	char *missing_reason; /* why the last missing toolchain is missing */
};

/* Release everything and zero `f`.  Does nothing if `f` is zeroed. */
void peer_native_toolchain_release(struct peer_native_toolchain *f);

/*
 * Request a sandbox for the toolchain.  If information is still missing,
 * nothing is requested, and the caller must call again after `list_changed`.
 */
void peer_native_toolchain_request(struct peer_native_toolchain *f,
				   struct peer_sandboxes *sandboxes,
				   struct inputs_toolchain *tc);
/* Handle a sandbox that the node started or closed. */
void peer_native_toolchain_handle_sandbox(struct peer_native_toolchain *f,
					  struct peer_sandbox *sandbox);
/* Handle the end of a canary; releases `o`. */
void peer_native_toolchain_handle_canary(struct peer_native_toolchain *f,
					 struct peer_sandbox *sandbox,
					 struct peer_canary_result *o);

enum peer_toolchain_state peer_native_toolchain_get_state(
	const struct peer_native_toolchain *f,
	const struct peer_sandboxes *sandboxes,
	const struct inputs_toolchain *tc);
/* See peer_can_run_step().  The toolchain must be READY. */
bool peer_native_toolchain_can_run_step(const struct peer_native_toolchain *f,
					const struct peer_sandboxes *sandboxes,
					const struct inputs_toolchain *tc,
					enum wire_step_kind kind,
					const char **host);
/* Return true if the node can use none of the toolchains.  *why can be NULL. */
bool peer_native_toolchain_is_missing(const struct peer_native_toolchain *f,
				      const struct peer_sandboxes *sandboxes,
				      const char **why);

/* Handle HELD.  Returns 0, or -EPROTO with `err` set. */
int peer_native_toolchain_handle_held(struct peer_native_toolchain *f,
				      struct bytes body, struct err *err);
/* Handle HAVE for the upload in progress. */
void peer_native_toolchain_handle_have(struct peer_native_toolchain *f,
				       const struct wire_have *m);

/*
 * Return true if toolchain `id`, installed on a node, seems to be a build of
 * this compiler: the release must be equal and the target triplet compatible
 * ("aarch64-linux" matches "aarch64-linux-gnu").  Only a canary (peer/canary.h)
 * proves it.
 */
bool peer_native_toolchain_matches(const char *id, const char *host,
				   const struct compiler_manifest *m);

#endif
