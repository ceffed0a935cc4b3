/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/input-update.h - Input updates (VIEW) from receipt to application.
 *
 * 1. kfarmd_input_update_new()
 * 2. kfarmd_input_update_pin_blobs() pins the blobs that the store has
 * 3. kfarmd_input_update_request_blobs() requests the other blobs
 * 4. kfarmd_input_update_apply() writes the files when all blobs are present
 * 5. kfarmd_input_update_free()
 *
 * The store verifies a blob before apply() reads it.  If the blob is damaged,
 * apply() returns -EBADMSG, request_blobs() requests the blob once more, and
 * the next apply() continues at the same entry.
 *
 * pin_blobs() and apply() can run on any thread if no other thread accesses the
 * update concurrently.  All other functions must be called in the event loop.
 *
 * struct kfarmd_blobs holds the requested blobs of one client.  Several updates
 * can wait for one blob, which is requested once.  kfarmd receives a requested
 * blob completely even if no update waits for it any more, because its pieces
 * can be in transit.  A client that cannot read the file of a requested blob
 * shuts the sandbox.  The blob remains requested, and the client sends it when
 * a later update lists it.  A piece of an unrequested blob ends the session, so
 * a client can fill the store only with blobs that one of its sandboxes or
 * bundles lacked.
 */
#ifndef KFARMD_INPUT_UPDATE_H
#define KFARMD_INPUT_UPDATE_H

#include "base/err.h"
#include "base/list.h"
#include "compiler/manifest.h"
#include "store/store.h"
#include "wire/msg.h"
#include "wire/table.h"

#include <stdatomic.h>
#include <sys/types.h>

struct kfarmd_blob;
struct kfarmd_blobs;
struct kfarmd_input_update;

/* Convert an entry of a compiler's manifest; the strings are borrowed. */
struct wire_inode kfarmd_entry_to_inode(const struct compiler_entry *e);
/* Convert an inode of a VIEW; the strings are borrowed. */
struct compiler_entry kfarmd_entry_from_inode(const char *path,
					      const struct wire_inode *inode);

/* Put an entry into the struct sandbox `cell`; a kfarmd_input_update_put_fn. */
int kfarmd_entry_put(void *cell, const char *path,
		     const struct wire_inode *inode, int fd, struct err *err);

/* limit on the blobs being received, each of which has a file open */
#define KFARMD_BLOBS_OPEN_MAX 256
/* limit on the blobs that are requested and not yet received */
#define KFARMD_BLOBS_REQUESTED_MAX (1u << 18)
/* limit on the wait for a piece of a blob, or for an update of a toolchain */
#define KFARMD_BLOBS_IDLE_MAX_MS 60000

/* A waiter for a blob; embedded in the caller's struct. */
struct kfarmd_blob_waiter {
	TAILQ_ENTRY(kfarmd_blob_waiter) entry;
	struct kfarmd_blob *blob; /* NULL: not waiting */
	/*
	 * Called when the blob was received (`ret` is 0), or cannot be obtained
	 * (`ret` is a negative errno).  A received blob remains pinned until
	 * the callback returns.  The callback must not call
	 * kfarmd_blobs_free().
	 */
	void (*on_received)(struct kfarmd_blob_waiter *w, int ret);
	/*
	 * Called when kfarmd_blobs_read() can read more; may be NULL.  The
	 * callback must neither call kfarmd_blobs_free() nor cancel another
	 * waiter for the blob.
	 */
	void (*on_piece)(struct kfarmd_blob_waiter *w);
};

/* Create the set of requested blobs of a client. */
struct kfarmd_blobs *kfarmd_blobs_new(struct store *store);
/* Notify all waiters with -ECANCELED and free `b`. */
void kfarmd_blobs_free(struct kfarmd_blobs *b);

/*
 * Wait for a blob that the store lacks.  *must_ask is false if the blob was
 * already requested, and true if the caller must request it from the client.
 * Returns 0; -EPROTO if the blob was already requested with another size;
 * -ENOBUFS if KFARMD_BLOBS_REQUESTED_MAX is reached.
 */
int kfarmd_blobs_request(struct kfarmd_blobs *b, const struct digest *d,
			 uint64_t size, struct kfarmd_blob_waiter *waiter,
			 bool *must_ask);
/* Stop waiting.  Does nothing if `w` is not waiting. */
void kfarmd_blobs_cancel(struct kfarmd_blob_waiter *w);

/*
 * Prepare a second request for a blob that does not arrive: drop its received
 * pieces, and store in `need` one of the entries that wait for the blob.
 * Returns true if the caller must send `need`.  Returns false if no entry waits
 * for the blob; in this case, the blob is no longer requested.  The caller
 * always releases `need`.
 */
bool kfarmd_blobs_ask_again(struct kfarmd_blobs *b, const struct digest *d,
			    struct wire_need *need);
/*
 * Wait for an already requested blob on behalf of a neighbor.  Returns 0;
 * -ENOENT if the blob is not requested; -EPROTO if the blob is requested with
 * another size.
 */
int kfarmd_blobs_wait(struct kfarmd_blobs *b, const struct digest *d,
		      uint64_t size, struct kfarmd_blob_waiter *waiter);
/*
 * Read received bytes of the incomplete blob that `w` waits for; the bytes are
 * not verified.  Returns the number of bytes, 0 if no byte has arrived at
 * `offset`, or a negative errno.
 */
ssize_t kfarmd_blobs_read(const struct kfarmd_blob_waiter *w, void *to,
			  size_t len, uint64_t offset);
/*
 * Reset the time that kfarmd_blobs_idle_ms() returns, because a neighbor will
 * send the blob `d`.  Returns false if this blob is not requested.
 */
bool kfarmd_blobs_expect(struct kfarmd_blobs *b, const struct digest *d);
/*
 * Return the milliseconds since the last request for a blob, the last received
 * piece of a blob or the last kfarmd_blobs_expect(), or 0 if no requested blob
 * is outstanding.
 */
uint64_t kfarmd_blobs_idle_ms(const struct kfarmd_blobs *b);
/*
 * Handle a BLOB message.  Returns 0, or -EPROTO with `err` set if the session
 * must end.
 */
int kfarmd_blobs_receive(struct kfarmd_blobs *b, const struct wire_blob *m,
			 struct err *err);
/*
 * Handle a BLOB message of a neighbor.  Returns 0, or a negative errno if the
 * message is not the next piece of a requested blob, if KFARMD_BLOBS_OPEN_MAX
 * is reached, or if the store rejects the blob.  After an error, the caller
 * calls kfarmd_blobs_ask_again().
 */
int kfarmd_blobs_receive_from_neighbor(struct kfarmd_blobs *b,
				       const struct wire_blob *m);

TAILQ_HEAD(kfarmd_input_update_queue, kfarmd_input_update);

/* An entry of an update. */
struct kfarmd_input_update_entry {
	struct kfarmd_blob_waiter waiter;
	struct kfarmd_input_update *update;
	const char *path; /* borrowed from the client's path table */
	bool pinned;
	/* the store lacks the blob, which has not been requested yet */
	bool missing;
	/* number of times that the blob was lost or damaged in the store */
	uint8_t n_damaged;
};

struct kfarmd_input_update {
	TAILQ_ENTRY(kfarmd_input_update) entry;
	struct wire_view m;
	struct kfarmd_input_update_entry *entries; /* m.n_entries elements */
	struct store *store;
	size_t n_missing; /* requested blobs that have not arrived */
	size_t next_entry; /* index of the next entry to apply */
	bool blobs_pinned;
	int error; /* negative errno if a blob cannot be obtained */
	/*
	 * Called in the event loop when a blob was received or cannot be
	 * obtained.
	 */
	void (*on_changed)(void *ctx);
	void *ctx;
	/*
	 * if *stop_requested is true, pin_blobs() and apply() return -ECANCELED
	 */
	atomic_bool *stop_requested;
};

/*
 * Create an update and take ownership of the content of `m`.  Returns NULL with
 * `err` set if a path number is undefined; the caller still owns `m` then.
 */
struct kfarmd_input_update *kfarmd_input_update_new(
	struct wire_view *m, const struct wire_intern *paths,
	struct store *store, struct err *err);
/* Stop waiting for blobs; allowed while a thread works on the update. */
void kfarmd_input_update_cancel_waits(struct kfarmd_input_update *v);
/*
 * Return a message for v->error, with advice if the store is too small.
 * `store` names the store, such as "node store".  The caller frees the message.
 */
char *kfarmd_input_update_explain(const struct kfarmd_input_update *v,
				  const char *store);
/* Stop waiting, unpin the blobs and free the update. */
void kfarmd_input_update_free(struct kfarmd_input_update *v);

/* Return the total size of the files that are not yet applied, in bytes. */
uint64_t kfarmd_input_update_remaining_bytes(
	const struct kfarmd_input_update *v);
/*
 * Check that enough memory for compilers remains after `bytes` of files are
 * written to a sandbox.  *unchecked_bytes counts the bytes since the last check
 * and belongs to the sandbox; the memory is checked whenever the count reaches
 * 1 MiB.  `root` precedes the paths in /proc and /sys; it is "" except in
 * tests.  Returns 0 if the memory suffices or cannot be determined, or -ENOMEM
 * with `err` set.
 */
int kfarmd_input_update_check_memory(uint64_t bytes, uint64_t *unchecked_bytes,
				     const char *root, struct err *err);
/* Return true if the update is too small to be worth a thread. */
bool kfarmd_input_update_is_small(const struct kfarmd_input_update *v);

/*
 * Pin the blobs that the store has, and mark the other blobs as missing.
 * Returns 0, or a negative errno with `err` set if the store fails.
 */
int kfarmd_input_update_pin_blobs(struct kfarmd_input_update *v,
				  struct err *err);
/*
 * Wait for the missing blobs.  Stores in `need` the indices of the entries
 * whose blobs the caller must request from the client, in ascending order; the
 * list can be empty.  After a failure, the list is empty, and the update waits
 * for no blob.  The caller releases `need`, also after a failure.
 *
 * Returns 0; -EPROTO with `err` set if the session must end; another negative
 * errno with `err` set if the update cannot be completed.
 */
int kfarmd_input_update_request_blobs(struct kfarmd_input_update *v,
				      struct kfarmd_blobs *blobs,
				      struct wire_need *need, struct err *err);
/*
 * Put an entry at its path.  For a file, `fd` refers to its verified bytes;
 * otherwise `fd` is -1.  Returns 0 or a negative errno with `err` set.
 */
typedef int kfarmd_input_update_put_fn(void *ctx, const char *path,
				       const struct wire_inode *inode, int fd,
				       struct err *err);

/*
 * Put all remaining entries.  Returns 0; -EBADMSG if a blob is lost or damaged
 * and must be requested by kfarmd_input_update_request_blobs(); -ECANCELED with
 * `err` set if *stop_requested is true; or the error of put() or of the store,
 * with `err` set.
 */
int kfarmd_input_update_apply(struct kfarmd_input_update *v,
			      kfarmd_input_update_put_fn *put, void *ctx,
			      struct err *err);

/*
 * Check that the toolchain in the updates `views` has the digest m->toolchain.
 * Returns 0, or -EINVAL with `err` set.  Any thread can call this.
 */
int kfarmd_input_update_check_identity(
	const struct kfarmd_input_update_queue *views,
	const struct wire_cell *m, struct err *err);
/*
 * Resolve the symbolic links in m->driver, the client's path of the driver, for
 * a sandbox with a node-native toolchain.  The links are entries of the updates
 * `views`, not files of the node.  Returns "" if the path cannot be resolved.
 * The caller frees the result.
 */
char *kfarmd_input_update_resolve_driver(
	const struct kfarmd_input_update_queue *views,
	const struct wire_cell *m);

#endif
