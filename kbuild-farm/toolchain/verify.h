/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/verify.h - who says that an archive is what its name promises.
 *
 * All that can be asked before the archive comes is asked before: a signature
 * by an unknown key costs no download.  The rest is said at its end.
 */
#ifndef TOOLCHAIN_VERIFY_H
#define TOOLCHAIN_VERIFY_H

#include "base/buf.h"
#include "fetch/gpgv.h"
#include "toolchain/install.h"

/* A zeroed one is empty. */
struct toolchain_verify {
	const struct toolchain_order *order;
	bool has_sum;
	struct digest sum;
	char *sums_key; /* fingerprint of who signed the sum; else NULL */

	struct buf sign; /* the detached signature, empty: none */
	char *keyring, *tar_key; /* for that */
	struct fetch_gpgv_stream *stream;
};

/*
 * Find out what verifies the order's archive.  -EKEYREJECTED when nothing
 * does (and the order is not insecure), or something contradicts itself;
 * -ENOKEY and others of fetch/; whatever the network does.
 */
int toolchain_verify_begin(struct toolchain_verify *v,
			   const struct toolchain_order *order,
			   struct err *err);
void toolchain_verify_release(struct toolchain_verify *v);

/* The uncompressed bytes come, from the start. */
int toolchain_verify_start(struct toolchain_verify *v, struct err *err);
int toolchain_verify_feed(struct toolchain_verify *v, struct bytes b,
			  struct err *err);
/*
 * They are all there, and the archive has this digest: 0, or -EKEYREJECTED
 * and the like.  Then `t` is told who signed.
 */
int toolchain_verify_end(struct toolchain_verify *v,
			 const struct digest *archive,
			 struct toolchain_installed *t, struct err *err);

#endif
