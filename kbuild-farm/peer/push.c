/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/push.h"

#include "base/list.h"
#include "base/str.h"
#include "base/vec.h"
#include "peer/ship.h"
#include "store/packed.h"

#include <errno.h>
#include <stdlib.h>

#define AHEAD_FILES 32 /* packed and not sent yet */
#define AHEAD_BYTES (24u << 20)
#define BATCH_FILES 16
#define BATCH_BYTES (8u << 20)

struct parcel {
	TAILQ_ENTRY(parcel) link;
	const struct wire_keep_entry *entry;
	const struct store_packed_blob *blob; /* NULL: not packed yet */
	size_t next; /* the piece to be sent */
};

TAILQ_HEAD(parcels, parcel);

/* What a thread packs; outlives the gift, whose strings it does not use. */
struct batch {
	struct pool_work work;
	struct peer_push *give; /* NULL: over */
	struct store_packed *store;
	struct batch_file {
		struct parcel *parcel; /* for the loop's thread */
		struct digest digest;
		uint64_t size;
		char *path;
		const struct store_packed_blob *blob;
	} file[BATCH_FILES];
	size_t n;
	int ret;
	struct err err;
};

struct peer_push {
	struct peer_push_setup setup;
	uint32_t *first; /* index of the first entry of each KEEP */
	uint32_t n_messages;
	struct parcels waiting, packing, ready; /* in the order of NEED */
	struct batch *batch; /* on a thread; NULL: none */
	size_t n_ready, ready_bytes;
	bool failed;
	bool starved; /* no memory, until something was sent */
};

static void send_messages(struct peer_push *g)
{
	const struct peer_bundle *gift = g->setup.gift;
	struct wire_keep m = { .keep = g->setup.keep,
			       .id = gift->id,
			       .host = gift->host,
			       .tree = gift->tree,
			       .twin = gift->twin };
	size_t at = 0;

	do {
		struct buf body = { 0 };

		m.entries = gift->entry + at;
		m.n = wire_keep_fits(m.entries, gift->n - at);
		*VEC_ADD(g->first, g->n_messages) = (uint32_t)at;
		at += m.n;
		m.last = at == gift->n;
		m.json = m.last ? gift->json : (char *)"";
		wire_keep_encode(&body, &m);
		wire_stream_send(g->setup.stream, WIRE_KEEP, buf_bytes(&body),
				 WIRE_ZSTD);
		buf_release(&body);
	} while (at < gift->n);
}

struct peer_push *peer_push_new(const struct peer_push_setup *setup)
{
	struct peer_push *g = xcalloc(1, sizeof(*g));

	g->setup = *setup;
	TAILQ_INIT(&g->waiting);
	TAILQ_INIT(&g->packing);
	TAILQ_INIT(&g->ready);
	send_messages(g);
	return g;
}

static void free_list(struct peer_push *g, struct parcels *list)
{
	struct parcel *p;

	while ((p = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, p, link);
		store_packed_put(g->setup.packed, p->blob);
		free(p);
	}
}

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		store_packed_put(b->store, b->file[i].blob);
		free(b->file[i].path);
	}
	free(b);
}

void peer_push_free(struct peer_push *g)
{
	if (!g)
		return;
	if (g->batch)
		g->batch->give = NULL;
	free_list(g, &g->waiting);
	free_list(g, &g->packing);
	free_list(g, &g->ready);
	free(g->first);
	free(g);
}

/* On a worker thread. */
static void pack_batch(struct pool_work *w)
{
	struct batch *b = (struct batch *)w;

	for (size_t i = 0; i < b->n && !b->ret; i++) {
		struct batch_file *f = &b->file[i];

		b->ret = store_packed_file(b->store, &f->digest, f->size,
					   f->path, &f->blob, &b->err);
	}
}

static void make_ready(struct peer_push *g, struct parcel *p,
		       const struct store_packed_blob *blob)
{
	p->blob = blob;
	g->n_ready++;
	g->ready_bytes += blob->packed;
	TAILQ_INSERT_TAIL(&g->ready, p, link);
}

static void fail(struct peer_push *g, const struct err *why)
{
	if (g->failed)
		return;
	g->failed = true;
	g->setup.failed(g->setup.ctx, why);
}

static void on_packed(struct pool_work *w)
{
	struct batch *b = (struct batch *)w;
	struct peer_push *g = b->give;
	struct parcel *p;

	if (!g) {
		batch_free(b);
		return;
	}
	g->batch = NULL;
	for (size_t i = 0; i < b->n && b->file[i].blob; i++) {
		p = b->file[i].parcel;
		TAILQ_REMOVE(&g->packing, p, link);
		make_ready(g, p, b->file[i].blob);
		b->file[i].blob = NULL;
	}
	while ((p = TAILQ_LAST(&g->packing, parcels))) {
		TAILQ_REMOVE(&g->packing, p, link);
		TAILQ_INSERT_HEAD(&g->waiting, p, link);
	}
	g->starved = b->ret == -ENOBUFS;
	if (b->ret && !g->starved)
		fail(g, &b->err);
	else
		peer_push_more(g);
	batch_free(b);
}

static void add_to_batch(struct peer_push *g, struct batch *b, struct parcel *p)
{
	struct batch_file *f = &b->file[b->n++];

	TAILQ_REMOVE(&g->waiting, p, link);
	TAILQ_INSERT_TAIL(&g->packing, p, link);
	f->parcel = p;
	f->digest = p->entry->inode.digest;
	f->size = p->entry->inode.size;
	f->path = xasprintf("%s/%s", g->setup.gift->dir, p->entry->path);
}

static void start_batch(struct peer_push *g)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	uint64_t bytes = 0;
	struct parcel *p;

	b->work.run = pack_batch;
	b->work.done = on_packed;
	b->give = g;
	b->store = g->setup.packed;
	while ((p = TAILQ_FIRST(&g->waiting)) && b->n < BATCH_FILES &&
	       bytes < BATCH_BYTES) {
		bytes += p->entry->inode.size;
		add_to_batch(g, b, p);
	}
	g->batch = b;
	pool_add(g->setup.pool, &b->work);
}

/* What another node had packed is taken without a thread. */
static void pack_more(struct peer_push *g)
{
	struct parcel *p;

	if (g->batch || g->failed || g->starved)
		return;
	while ((p = TAILQ_FIRST(&g->waiting)) && g->n_ready < AHEAD_FILES &&
	       g->ready_bytes < AHEAD_BYTES) {
		const struct store_packed_blob *blob = store_packed_find(
			g->setup.packed, &p->entry->inode.digest);

		if (!blob) {
			start_batch(g);
			return;
		}
		TAILQ_REMOVE(&g->waiting, p, link);
		make_ready(g, p, blob);
	}
}

static void send_piece(struct peer_push *g, struct parcel *p)
{
	struct peer_push_count *count = g->setup.count;

	peer_ship_piece(g->setup.stream, p->blob, p->next++);
	if (p->next < p->blob->n)
		return;
	g->starved = false;
	count->files_sent++;
	count->bytes_sent += p->entry->inode.size;
	g->n_ready--;
	g->ready_bytes -= p->blob->packed;
	TAILQ_REMOVE(&g->ready, p, link);
	store_packed_put(g->setup.packed, p->blob);
	free(p);
}

void peer_push_more(struct peer_push *g)
{
	struct parcel *p;

	pack_more(g);
	while (!wire_stream_full(g->setup.stream) &&
	       (p = TAILQ_FIRST(&g->ready))) {
		send_piece(g, p);
		pack_more(g);
	}
}

void peer_push_retry(struct peer_push *g)
{
	g->starved = false;
	peer_push_more(g);
}

static const struct wire_keep_entry *needed(const struct peer_push *g,
					    const struct wire_need *m,
					    uint32_t i)
{
	const struct peer_bundle *gift = g->setup.gift;
	size_t end = m->view < g->n_messages ? g->first[m->view] : gift->n;
	size_t at = (size_t)g->first[m->view - 1] + m->index[i];

	if (at >= end || gift->entry[at].inode.kind != WIRE_FILE)
		return NULL;
	return &gift->entry[at];
}

int peer_push_need(struct peer_push *g, const struct wire_need *m,
		   struct err *err)
{
	if (!m->view || m->view > g->n_messages)
		return err_set(err, EPROTO, "it needs what nobody told it of");
	for (uint32_t i = 0; i < m->n; i++) {
		const struct wire_keep_entry *e = needed(g, m, i);
		struct parcel *p;

		if (!e)
			return err_set(err, EPROTO,
				       "it needs what nobody told it of");
		p = xcalloc(1, sizeof(*p));
		p->entry = e;
		TAILQ_INSERT_TAIL(&g->waiting, p, link);
		g->setup.count->files_needed++;
		g->setup.count->bytes_needed += e->inode.size;
	}
	peer_push_more(g);
	return 0;
}
