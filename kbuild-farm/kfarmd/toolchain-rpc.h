/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/toolchain-rpc.h - Installation, removal and listing of toolchains.
 *
 * TOOLS and DROP requests run on a thread each.  BUNDLE installs a toolchain:
 * an input sink whose input updates are written to a directory instead of a
 * sandbox.
 *
 *	BUNDLE, VIEWs -> manifest is complete and valid -> NEED
 *	-> all blobs received -> files written -> verified and published
 *	-> HAVE ready
 *
 * A file that another installed toolchain contains is copied instead of
 * requested.  HAVE ready carries the dir_digest; any failure is reported as
 * HAVE refused.
 */
#ifndef KFARMD_TOOLCHAIN_RPC_H
#define KFARMD_TOOLCHAIN_RPC_H

#include "base/err.h"
#include "kfarmd/input-sink.h"
#include "kfarmd/input-update.h"
#include "kfarmd/toolchains.h"
#include "wire/msg.h"

struct kfarmd_toolchain_stage;
struct kfarmd;
struct kfarmd_toolchain_rpc;

/*
 * struct kfarmd_toolchain_stage is a toolchain that is being written to a
 * scratch directory DIR/.live/NAME.
 */

/*
 * Create a scratch directory, after removing the scratch directories of dead
 * processes.  Returns 0, or a negative errno with `err` set: -ENOSPC if the
 * file system has no room for `bytes` in `files` files.
 */
int kfarmd_toolchain_stage_new(const char *kept,
			       struct kfarmd_toolchain_stage **out,
			       uint64_t bytes, size_t files, struct err *err);
/*
 * Write one file, link or directory; a kfarmd_input_update_put_fn.  `path`
 * starts with a slash and is relative to the toolchain's directory.
 */
int kfarmd_toolchain_stage_put(void *stage, const char *path,
			       const struct wire_inode *inode, int fd,
			       struct err *err);
/*
 * Verify the complete toolchain and rename it to its final name, replacing an
 * older one.  Any thread can call this.  Returns 0; -EBUSY if the older one is
 * in use; -EBADMSG if the files differ from `r`.
 */
int kfarmd_toolchain_stage_publish(struct kfarmd_toolchain_stage *n,
				   const struct kfarmd_manifest *r,
				   const char *json, const atomic_bool *stop,
				   struct err *err);
/* Remove the scratch directory, whether published or not.  NULL is allowed. */
void kfarmd_toolchain_stage_free(struct kfarmd_toolchain_stage *n);

/*
 * Remove an installed toolchain.  Returns 0; -ENOENT if it is not installed;
 * -EBUSY if it is in use; or another negative errno; with `err` set.
 */
int kfarmd_toolchain_stage_remove(const char *kept, const char *id,
				  struct err *err);

/* limit on the unanswered requests of one client */
#define KFARMD_TOOLCHAIN_RPCS_MAX 16

/* Callbacks; they run in the event loop. */
struct kfarmd_toolchain_rpc_ops {
	/* Send HELD messages, or DROPPED, and release the body. */
	void (*send)(void *ctx, enum wire_type type, struct buf *body);
	/* The request is answered and is freed after this call. */
	void (*on_freed)(void *ctx, struct kfarmd_toolchain_rpc *r);
};

/*
 * Start a request.  If `drop_id` is not NULL, the request removes this
 * toolchain; the string is copied.  Otherwise it lists all toolchains, and
 * hashes them if `verify` is set.  Returns NULL if no thread can be started.
 */
struct kfarmd_toolchain_rpc *kfarmd_toolchain_rpc_new(
	struct kfarmd *a, uint32_t request_id, const char *drop_id, bool verify,
	const struct kfarmd_toolchain_rpc_ops *ops, void *ctx);
/*
 * Stop a request whose client has left: it sends no more messages, but
 * on_freed() is still called.
 */
void kfarmd_toolchain_rpc_close(struct kfarmd_toolchain_rpc *c);

/* limit on the open bundles of one client */
#define KFARMD_BUNDLES_MAX 4

/*
 * Create an input sink that installs the toolchain of `m`, and take ownership
 * of the strings of `m`.  The node must run programs of m->host.
 */
struct kfarmd_input_sink *kfarmd_bundle_new(
	struct kfarmd *a, struct wire_bundle *m, struct kfarmd_blobs *blobs,
	const struct kfarmd_input_sink_ops *ops, void *ctx);

#endif
