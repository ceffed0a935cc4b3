/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/blob-upload.h"

#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "store/packed-cache.h"
#include "wire/codec.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES_MAX      ((size_t)384 << 20) /* all blobs */
#define CACHE_IDLE_BYTES_MAX ((size_t)40 << 20) /* unused blobs */
#define SMALL_FILE_MAX       (1u << 20)
#define BATCH_FILES_MAX      64
#define BATCH_BYTES_MAX      (8u << 20)
#define PACKED_FILES_MAX     128 /* packed, but not sent yet */
#define PACKED_BYTES_MAX     (24u << 20)

/*
 * A blob (the content of a file) to be packed and sent.  The struct owns all
 * data that the packing thread uses, so the users that wait for the blob can be
 * freed while the thread runs.
 */
struct pending_blob {
	struct digest digest; /* first, for tsearch() */
	TAILQ_ENTRY(pending_blob) list_entry;
	struct blob_waiter {
		struct peer_blob_upload_user *user; /* NULL: removed */
		const struct inputs_entry *entry;
	} * waiters;
	size_t n_waiters;
	uint64_t size;
	char *path;
	bool sequential;
	const struct store_packed_blob *blob;
	size_t next_piece; /* index of the piece to send next */
	int ret; /* result of packing */
	char *error;
};

TAILQ_HEAD(pending_blobs, pending_blob);

/*
 * Files to be packed.  A session has one queue for small files and one for
 * large files.  At most one thread at a time packs the files of a queue.
 */
struct pack_queue {
	struct pool_work work;
	struct peer_blob_upload *upload; /* NULL: the session has ended */
	struct store_packed_cache *cache;
	struct pending_blobs waiting, packing;
	bool busy;
	/*
	 * the cache was full: nothing is packed until a blob has been sent or
	 * peer_blob_upload_retry() is called
	 */
	bool out_of_memory;
};

struct peer_blob_upload {
	struct wire_stream *stream;
	struct pool *pool;
	struct store_packed_cache *cache;
	struct pack_queue *queues[2];
	void *by_digest; /* tree of struct pending_blob */
	void *lost; /* tree of struct digest: blobs that could not be packed */
	struct pending_blobs interleaved; /* sent one piece each, in turn */
	struct pending_blobs sequential; /* one blob after the other */
	bool interleaved_next; /* send from `interleaved` next */
	unsigned n_ready;
	size_t ready_bytes;
};

/*
 * Pack a piece of a blob.  The packed form consists of the codec, the
 * uncompressed length, and the body of the BLOB message in the form in which it
 * is sent.
 */
static int pack_blob(void *arg, const struct digest *d, uint64_t size,
		     uint64_t offset, struct bytes piece, struct buf *out)
{
	const enum wire_codec *wanted = arg;
	struct wire_blob m = {
		.digest = *d, .size = size, .offset = offset, .data = piece
	};
	struct buf body = { 0 };
	enum wire_codec codec;

	wire_blob_encode(&body, &m);
	buf_put_u8(out, 0);
	buf_put_u32(out, (uint32_t)body.len);
	codec = wire_codec_pack(out, buf_bytes(&body), *wanted);
	out->data[0] = (uint8_t)codec;
	buf_release(&body);
	return 0;
}

struct store_packed_cache *peer_blob_upload_new_cache(enum wire_codec *codec)
{
	return store_packed_cache_new(CACHE_BYTES_MAX, CACHE_IDLE_BYTES_MAX,
				      pack_blob, codec);
}

static void pending_blob_free(struct store_packed_cache *store,
			      struct pending_blob *p)
{
	store_packed_cache_put(store, p->blob);
	free(p->waiters);
	free(p->path);
	free(p->error);
	free(p);
}

static void free_pending_blobs(struct store_packed_cache *store,
			       struct pending_blobs *list)
{
	struct pending_blob *p;

	while ((p = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, p, list_entry);
		pending_blob_free(store, p);
	}
}

/* Runs on a worker thread. */
static void pack_queued_blobs(struct pool_work *w)
{
	struct pack_queue *queue = (struct pack_queue *)w;
	struct pending_blob *p;

	list_for_each(p, &queue->packing, list_entry) {
		struct err err;

		p->ret = store_packed_cache_get(queue->cache, &p->digest,
						p->size, p->path, &p->blob,
						&err);
		if (p->ret && p->ret != -ENOBUFS)
			p->error = xstrdup(err.text);
	}
}

static void pack_queue_free(struct pack_queue *queue)
{
	free_pending_blobs(queue->cache, &queue->waiting);
	free_pending_blobs(queue->cache, &queue->packing);
	free(queue);
}

/*
 * Notify all users of a blob that it cannot be packed.  A callback can free the
 * session, which sets queue->upload to NULL.
 */
static void report_pack_failure(struct pack_queue *queue,
				struct pending_blob *p)
{
	for (size_t i = 0; i < p->n_waiters && queue->upload; i++) {
		struct blob_waiter *w = &p->waiters[i];

		if (w->user && w->user->on_failed)
			w->user->on_failed(w->user->ctx, w->entry, p->error);
	}
}

static void mark_lost(struct peer_blob_upload *s, const struct digest *d)
{
	struct digest *lost = xmalloc(sizeof(*lost));

	*lost = *d;
	if (!tsearch(lost, &s->lost, digest_compare))
		str_out_of_memory();
}

bool peer_blob_upload_is_lost(const struct peer_blob_upload *s,
			      const struct digest *d)
{
	return tfind(d, &s->lost, digest_compare);
}

bool peer_blob_upload_has_lost(const struct peer_blob_upload *s)
{
	return s->lost;
}

static void queue_packed_blob(struct peer_blob_upload *s,
			      struct pack_queue *queue, struct pending_blob *p)
{
	TAILQ_REMOVE(&queue->packing, p, list_entry);
	if (!p->ret) {
		TAILQ_INSERT_TAIL(p->sequential ? &s->sequential :
						  &s->interleaved,
				  p, list_entry);
		s->n_ready++;
		s->ready_bytes += p->blob->packed_bytes;
	} else if (p->ret == -ENOBUFS) {
		TAILQ_INSERT_TAIL(&queue->waiting, p, list_entry);
		queue->out_of_memory = true;
	} else {
		pending_blob_free(queue->cache, p);
	}
}

static void on_packed(struct pool_work *w)
{
	struct pack_queue *queue = (struct pack_queue *)w;
	struct pending_blob *p;

	while (queue->upload && (p = TAILQ_FIRST(&queue->packing))) {
		if (p->error) {
			tdelete(p, &queue->upload->by_digest, digest_compare);
			mark_lost(queue->upload, &p->digest);
			report_pack_failure(queue, p);
		}
		if (queue->upload)
			queue_packed_blob(queue->upload, queue, p);
	}
	queue->busy = false;
	if (queue->upload)
		peer_blob_upload_resume(queue->upload);
	else
		pack_queue_free(queue);
}

static void pack_queue_start(struct pack_queue *queue)
{
	const struct peer_blob_upload *s = queue->upload;
	uint64_t bytes = 0;
	unsigned n = 0;
	struct pending_blob *p;

	if (queue->busy || queue->out_of_memory ||
	    s->n_ready >= PACKED_FILES_MAX ||
	    s->ready_bytes >= PACKED_BYTES_MAX)
		return;
	while ((p = TAILQ_FIRST(&queue->waiting)) && n < BATCH_FILES_MAX &&
	       bytes < BATCH_BYTES_MAX) {
		TAILQ_REMOVE(&queue->waiting, p, list_entry);
		TAILQ_INSERT_TAIL(&queue->packing, p, list_entry);
		bytes += p->size;
		n++;
	}
	if (!n)
		return;
	queue->busy = true;
	pool_add(s->pool, &queue->work);
}

struct peer_blob_upload *peer_blob_upload_new(struct wire_stream *stream,
					      struct pool *pool,
					      struct store_packed_cache *packed)
{
	struct peer_blob_upload *s = xcalloc(1, sizeof(*s));

	s->stream = stream;
	s->pool = pool;
	s->cache = packed;
	TAILQ_INIT(&s->interleaved);
	TAILQ_INIT(&s->sequential);
	for (int i = 0; i < 2; i++) {
		struct pack_queue *queue = xcalloc(1, sizeof(*queue));

		queue->work.run = pack_queued_blobs;
		queue->work.on_done = on_packed;
		queue->upload = s;
		queue->cache = packed;
		TAILQ_INIT(&queue->waiting);
		TAILQ_INIT(&queue->packing);
		s->queues[i] = queue;
	}
	return s;
}

static void ignore_pending_blob(void *blob)
{
	(void)blob;
}

void peer_blob_upload_free(struct peer_blob_upload *s)
{
	if (!s)
		return;
	tdestroy(s->by_digest, ignore_pending_blob);
	tdestroy(s->lost, free);
	free_pending_blobs(s->cache, &s->interleaved);
	free_pending_blobs(s->cache, &s->sequential);
	for (int i = 0; i < 2; i++) {
		/* If the queue is busy, on_packed() frees it later. */
		s->queues[i]->upload = NULL;
		if (!s->queues[i]->busy)
			pack_queue_free(s->queues[i]);
	}
	free(s);
}

static void add_waiter(struct pending_blob *p,
		       struct peer_blob_upload_user *user,
		       const struct inputs_entry *e)
{
	for (size_t i = 0; i < p->n_waiters; i++) {
		if (p->waiters[i].user == user)
			return;
	}
	*VEC_ADD(p->waiters, p->n_waiters) = (struct blob_waiter){ user, e };
	if (user->stats) {
		user->stats->n_files_needed++;
		user->stats->bytes_needed += p->size;
	}
}

void peer_blob_upload_add(struct peer_blob_upload *s,
			  struct peer_blob_upload_user *user,
			  const struct inputs_entry *e)
{
	uint64_t size = e->file_digest.stamp.size;
	struct pack_queue *queue = s->queues[size > SMALL_FILE_MAX];
	/* The blob is already pending if another sandbox waits for it. */
	struct pending_blob **at = tfind(&e->file_digest.digest, &s->by_digest,
					 digest_compare);
	struct pending_blob *p = at ? *at : NULL;
	struct digest **lost, *old;

	lost = tfind(&e->file_digest.digest, &s->lost, digest_compare);
	if (lost) {
		old = *lost;
		tdelete(old, &s->lost, digest_compare);
		free(old);
	}
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->digest = e->file_digest.digest;
		p->size = size;
		p->path = xasprintf("%s%s", user->base_dir, e->path->name);
		p->sequential = user->sequential;
		if (!tsearch(p, &s->by_digest, digest_compare))
			str_out_of_memory();
		TAILQ_INSERT_TAIL(&queue->waiting, p, list_entry);
	}
	add_waiter(p, user, e);
	pack_queue_start(queue);
}

static void remove_user_from(struct pending_blobs *list,
			     const struct peer_blob_upload_user *user)
{
	struct pending_blob *p;

	list_for_each(p, list, list_entry) {
		for (size_t i = 0; i < p->n_waiters; i++) {
			if (p->waiters[i].user == user)
				p->waiters[i].user = NULL;
		}
	}
}

void peer_blob_upload_remove_user(struct peer_blob_upload *s,
				  const struct peer_blob_upload_user *user)
{
	remove_user_from(&s->interleaved, user);
	remove_user_from(&s->sequential, user);
	for (int i = 0; i < 2; i++) {
		remove_user_from(&s->queues[i]->waiting, user);
		remove_user_from(&s->queues[i]->packing, user);
	}
}

void peer_blob_upload_retry(struct peer_blob_upload *s)
{
	s->queues[0]->out_of_memory = s->queues[1]->out_of_memory = false;
	peer_blob_upload_resume(s);
}

static struct pending_blob *next_pending_blob(struct peer_blob_upload *s)
{
	struct pending_blob *p;

	s->interleaved_next = !s->interleaved_next;
	p = TAILQ_FIRST(s->interleaved_next ? &s->interleaved : &s->sequential);
	return p ? p :
		   TAILQ_FIRST(s->interleaved_next ? &s->sequential :
						     &s->interleaved);
}

static void count_sent(const struct pending_blob *p)
{
	for (size_t i = 0; i < p->n_waiters; i++) {
		const struct peer_blob_upload_user *user = p->waiters[i].user;

		if (user && user->stats) {
			user->stats->n_files_sent++;
			user->stats->bytes_sent += p->size;
		}
	}
}

void peer_blob_upload_resume(struct peer_blob_upload *s)
{
	struct pending_blob *p;

	while (!wire_stream_is_full(s->stream) && (p = next_pending_blob(s))) {
		struct pending_blobs *list = p->sequential ? &s->sequential :
							     &s->interleaved;

		/*
		 * The piece starts with the codec (1 byte) and the length
		 * (4 bytes), see pack_blob().
		 */
		struct bytes b = p->blob->pieces[p->next_piece++];

		wire_stream_send_packed(
			s->stream, WIRE_BLOB, bytes_of(b.data + 5, b.len - 5),
			(enum wire_codec)b.data[0], get_le32(b.data + 1));
		TAILQ_REMOVE(list, p, list_entry);
		if (p->next_piece < p->blob->n_pieces) {
			if (p->sequential)
				TAILQ_INSERT_HEAD(list, p, list_entry);
			else
				TAILQ_INSERT_TAIL(list, p, list_entry);
			continue;
		}
		tdelete(p, &s->by_digest, digest_compare);
		count_sent(p);
		s->n_ready--;
		s->ready_bytes -= p->blob->packed_bytes;
		pending_blob_free(s->cache, p);
		s->queues[0]->out_of_memory = s->queues[1]->out_of_memory =
			false;
	}
	for (int i = 0; i < 2; i++)
		pack_queue_start(s->queues[i]);
}
