/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/remote.h - Results on a server, over Bazel's HTTP caching protocol.
 *
 *	GET URL/ac/ADDRESS	a signed result (cache/entry.h)
 *	GET URL/cas/DIGEST	an output that is not part of the result
 *	HEAD, PUT URL/cas/...	upload of such an output
 *	HEAD, PUT URL/ac/...	upload of the result, after its outputs
 *
 * Records and blobs are compressed before their digests are computed, so every
 * server stores and sends them in compressed form.  A transfer encoding
 * (bazel-remote supports zstd) would therefore save nothing, and the client
 * does not request one.  Without an encoding, the limit on the size of a
 * response also limits the memory for the response.
 *
 * The server is not trusted: a result is used only if it is signed by this user
 * or by a user in the list `trust`, and every item is verified.  Each signer
 * has separate entries.  A lookup requests the entries for the short key: first
 * the entries of the signers in `trust`, in the order of this list, then the
 * entry of this user.  After that, the lookup requests the entries for the full
 * key, with the signers in the same order.
 *
 * Lookups and uploads run on a separate thread.  cache_remote_open() sends a
 * first request at once.  Units wait for the response only during the first
 * 250 ms of a build, or during the first `timeout_ms` if this is configured.
 * After that, units do not use the server until it has responded.
 *
 * After four consecutive failed lookups, there are no more lookups and uploads;
 * after four consecutive failed uploads, there are no more uploads.  The cause
 * is logged once.
 */
#ifndef CACHE_REMOTE_H
#define CACHE_REMOTE_H

#include "cache/cache.h"
#include "tls/key.h"

struct cache_look_up;
struct cache_remote;

/*
 * Connect to setup->remote.  `cache` is the local cache, which must outlive the
 * remote cache; outputs that it contains are not downloaded.  Returns 0, or a
 * negative errno with `err` naming the setting that must be changed.
 */
int cache_remote_open(struct cache_remote **out, struct cache *cache,
		      const struct cache_setup *setup, struct err *err);
/* Cancel all uploads and free `r`, which can be NULL. */
void cache_remote_free(struct cache_remote *r);

/*
 * Called on another thread when a lookup has ended.  Must not block.  The
 * callee passes `l` to cache_remote_take(), now or later.
 */
typedef void cache_remote_done_fn(void *ctx, struct cache_look_up *l);

/*
 * Start to look for the result of a compile under its two keys (cache/key.h).
 * The time limit of the lookup is `timeout_ms` of the setup.  If this is 0, the
 * limit is `cost_ms`, the predicted cost of the compile, but at least 100 ms
 * and at most 5 s.  If `cost_ms` is 0, the cost is unknown and the limit is
 * 500 ms.  Returns false without a lookup if `r` is NULL, if lookups are
 * disabled or were stopped, or if the lookup would probably exceed its limit.
 * In the last case, every 64th lookup starts nevertheless, because the server
 * may have become faster.
 */
bool cache_remote_look_up(struct cache_remote *r,
			  const struct digest *short_key,
			  const struct digest *full_key, uint64_t cost_ms,
			  cache_remote_done_fn *on_done, void *ctx);
/*
 * Take the result like cache_find(), and free the lookup.  Returns 0, -ENOENT
 * or another negative errno.
 */
int cache_remote_take(struct cache_look_up *l, struct peer_job_result *out);
/*
 * End all lookups now, and start no more.  on_done() has been called for all
 * lookups when the call returns.  `r` can be NULL.
 */
void cache_remote_stop_look_ups(struct cache_remote *r);

/*
 * Upload a verified result in the background, unless the cache is read-only or
 * the limit on unfinished uploads is reached.  `r` can be NULL.  Thread-safe.
 */
void cache_remote_add(struct cache_remote *r, const struct digest *key,
		      const struct peer_job_result *result);
/*
 * Upload the result that the local cache has under the key, like
 * cache_remote_add(), unless the server has a result of a trusted signer under
 * this key.
 */
void cache_remote_add_hit(struct cache_remote *r, const struct digest *key);
/*
 * Wait for at most `ms` until all uploads of cache_remote_add() are finished.
 * Returns the number of unfinished uploads.  `r` can be NULL.
 */
unsigned cache_remote_wait(struct cache_remote *r, unsigned ms);

struct cache_remote_stats {
	unsigned n_hits, n_misses;
	unsigned n_failed; /* lookups that failed or took too long */
	bool trusts_only_own; /* `trust` is empty, and nothing is uploaded */
	unsigned n_uploaded;
};

void cache_remote_stats(struct cache_remote *r, struct cache_remote_stats *out);

#endif
