/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/blob.h - the blobs that a client was asked for, and their pieces.
 *
 * Several may want one blob; it is asked for once.  What was asked for is
 * taken to its end even when nobody wants it any more, since it is on its
 * way; a piece of anything else ends the conversation, so that a client fills
 * the store with nothing but what one of its cells lacked.
 */
#ifndef AGENT_BLOB_H
#define AGENT_BLOB_H

#include "base/list.h"
#include "store/store.h"
#include "wire/msg.h"

/* More blobs than this never arrive at once: each has a file open. */
#define AGENT_BLOBS_OPEN 256
/* More than this are never asked for and not there yet. */
#define AGENT_BLOBS_ASKED (1u << 18)

struct agent_blob;
struct agent_blobs;

/* One that waits for one blob; part of what waits. */
struct agent_want {
	TAILQ_ENTRY(agent_want) link;
	struct agent_blob *blob; /* NULL when it waits for none */
	/*
	 * It is there: `ret` is 0, and it cannot go before this returns.  Or
	 * it will not come: a negative errno.  Must not free the blobs.
	 */
	void (*came)(struct agent_want *w, int ret);
};

struct agent_blobs *agent_blobs_new(struct store *store);
/* Nobody wants any of them now. */
void agent_blobs_free(struct agent_blobs *b);

/*
 * Wait for a blob that is not there.  0, with *ask telling whether the client
 * has to be asked for it; -EPROTO when it was asked for with another size;
 * -ENOBUFS beyond AGENT_BLOBS_ASKED.
 */
int agent_blobs_want(struct agent_blobs *b, const struct digest *d,
		     uint64_t size, struct agent_want *w, bool *ask);
/* Wait no more; fine for one that does not. */
void agent_blobs_forget(struct agent_want *w);

/* Milliseconds since the last piece of any, 0 while none is awaited. */
uint64_t agent_blobs_silence(const struct agent_blobs *b);
/* A piece.  0; -EPROTO with `err` set when the conversation is over. */
int agent_blobs_take(struct agent_blobs *b, const struct wire_blob *m,
		     struct err *err);

#endif
