/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/ship.h"

#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "store/packed.h"
#include "wire/codec.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_MAX  ((size_t)384 << 20) /* bytes that are on their way */
#define IDLE_MAX    ((size_t)40 << 20) /* and of those that are not */
#define SMALL       (1u << 20)
#define BATCH_FILES 64
#define BATCH_BYTES (8u << 20)
#define AHEAD_FILES 128 /* packed and not sent yet */
#define AHEAD_BYTES (24u << 20)

/* What a thread works with is its own: it may outlive its users. */
struct parcel {
	struct digest digest; /* first, for tsearch() */
	TAILQ_ENTRY(parcel) link;
	struct waiter {
		struct peer_ship_user *user; /* NULL: forgotten */
		const struct inputs_entry *entry;
	} * waiter;
	size_t n_waiters;
	uint64_t size;
	char *path;
	bool in_order;
	const struct store_packed_blob *blob;
	size_t next; /* the piece to be sent */
	int ret; /* of packing */
	char *why;
};

TAILQ_HEAD(parcels, parcel);

/* Small files, and big ones: each is packed by one thread at a time. */
struct lane {
	struct pool_work work;
	struct peer_ship *ship; /* NULL: the connection is over */
	struct store_packed *store;
	struct parcels waiting, packing;
	bool busy;
	bool starved; /* no memory, until something was sent */
};

struct peer_ship {
	struct wire_stream *stream;
	struct pool *pool;
	struct store_packed *packed;
	struct lane *lane[2];
	void *all; /* parcels, by digest */
	struct parcels in_turn; /* sent a piece each */
	struct parcels in_order; /* one after the other */
	bool turn; /* which of both is next */
	unsigned n_ready;
	size_t ready_bytes;
};

/*
 * What is kept of a piece: the codec, the length unpacked, and the body of
 * its BLOB as it goes over the wire.
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

struct store_packed *peer_ship_store(enum wire_codec *codec)
{
	return store_packed_new(PACKED_MAX, IDLE_MAX, pack_blob, codec);
}

static void parcel_free(struct store_packed *store, struct parcel *p)
{
	store_packed_put(store, p->blob);
	free(p->waiter);
	free(p->path);
	free(p->why);
	free(p);
}

static void free_parcels(struct store_packed *store, struct parcels *list)
{
	struct parcel *p;

	while ((p = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, p, link);
		parcel_free(store, p);
	}
}

/* On a worker thread. */
static void pack_all(struct pool_work *w)
{
	struct lane *lane = (struct lane *)w;
	struct parcel *p;

	list_for_each(p, &lane->packing, link) {
		struct err err;

		p->ret = store_packed_file(lane->store, &p->digest, p->size,
					   p->path, &p->blob, &err);
		if (p->ret && p->ret != -ENOBUFS)
			p->why = xstrdup(err.text);
	}
}

static void lane_free(struct lane *lane)
{
	free_parcels(lane->store, &lane->waiting);
	free_parcels(lane->store, &lane->packing);
	free(lane);
}

/* Who hears of it may free the connection: lane->ship is NULL then. */
static void tell_failed(struct lane *lane, struct parcel *p)
{
	for (size_t i = 0; i < p->n_waiters && lane->ship; i++) {
		struct waiter *w = &p->waiter[i];

		if (w->user)
			w->user->failed(w->user->ctx, w->entry, p->why);
	}
}

static void take_packed(struct peer_ship *s, struct lane *lane,
			struct parcel *p)
{
	TAILQ_REMOVE(&lane->packing, p, link);
	if (!p->ret) {
		TAILQ_INSERT_TAIL(p->in_order ? &s->in_order : &s->in_turn, p,
				  link);
		s->n_ready++;
		s->ready_bytes += p->blob->packed;
	} else if (p->ret == -ENOBUFS) {
		TAILQ_INSERT_TAIL(&lane->waiting, p, link);
		lane->starved = true;
	} else {
		parcel_free(lane->store, p);
	}
}

static void on_packed(struct pool_work *w)
{
	struct lane *lane = (struct lane *)w;
	struct parcel *p;

	while (lane->ship && (p = TAILQ_FIRST(&lane->packing))) {
		if (p->why) {
			tdelete(p, &lane->ship->all, digest_compare);
			tell_failed(lane, p);
		}
		if (lane->ship)
			take_packed(lane->ship, lane, p);
	}
	lane->busy = false;
	if (lane->ship)
		peer_ship_more(lane->ship);
	else
		lane_free(lane);
}

static void lane_start(struct lane *lane)
{
	const struct peer_ship *s = lane->ship;
	uint64_t bytes = 0;
	unsigned n = 0;
	struct parcel *p;

	if (lane->busy || lane->starved || s->n_ready >= AHEAD_FILES ||
	    s->ready_bytes >= AHEAD_BYTES)
		return;
	while ((p = TAILQ_FIRST(&lane->waiting)) && n < BATCH_FILES &&
	       bytes < BATCH_BYTES) {
		TAILQ_REMOVE(&lane->waiting, p, link);
		TAILQ_INSERT_TAIL(&lane->packing, p, link);
		bytes += p->size;
		n++;
	}
	if (!n)
		return;
	lane->busy = true;
	pool_add(s->pool, &lane->work);
}

struct peer_ship *peer_ship_new(struct wire_stream *stream, struct pool *pool,
				struct store_packed *packed)
{
	struct peer_ship *s = xcalloc(1, sizeof(*s));

	s->stream = stream;
	s->pool = pool;
	s->packed = packed;
	TAILQ_INIT(&s->in_turn);
	TAILQ_INIT(&s->in_order);
	for (int i = 0; i < 2; i++) {
		struct lane *lane = xcalloc(1, sizeof(*lane));

		lane->work.run = pack_all;
		lane->work.done = on_packed;
		lane->ship = s;
		lane->store = packed;
		TAILQ_INIT(&lane->waiting);
		TAILQ_INIT(&lane->packing);
		s->lane[i] = lane;
	}
	return s;
}

static void leave_parcel(void *parcel)
{
	(void)parcel;
}

void peer_ship_free(struct peer_ship *s)
{
	if (!s)
		return;
	tdestroy(s->all, leave_parcel);
	free_parcels(s->packed, &s->in_turn);
	free_parcels(s->packed, &s->in_order);
	for (int i = 0; i < 2; i++) {
		/* One that works is freed when it has ended. */
		s->lane[i]->ship = NULL;
		if (!s->lane[i]->busy)
			lane_free(s->lane[i]);
	}
	free(s);
}

static void add_waiter(struct parcel *p, struct peer_ship_user *user,
		       const struct inputs_entry *e)
{
	for (size_t i = 0; i < p->n_waiters; i++) {
		if (p->waiter[i].user == user)
			return;
	}
	*VEC_ADD(p->waiter, p->n_waiters) = (struct waiter){ user, e };
	if (user->count) {
		user->count->files_needed++;
		user->count->bytes_needed += p->size;
	}
}

/* Two cells of a node may lack the same file. */
static struct parcel *find_parcel(struct peer_ship *s, const struct digest *d)
{
	struct parcel **at = tfind(d, &s->all, digest_compare);

	return at ? *at : NULL;
}

void peer_ship_add(struct peer_ship *s, struct peer_ship_user *user,
		   const struct inputs_entry *e)
{
	uint64_t size = e->identity.stamp.size;
	struct lane *lane = s->lane[size > SMALL];
	struct parcel *p = find_parcel(s, &e->identity.digest);

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->digest = e->identity.digest;
		p->size = size;
		p->path = xasprintf("%s%s", user->top, e->path->name);
		p->in_order = user->in_order;
		if (!tsearch(p, &s->all, digest_compare))
			str_out_of_memory();
		TAILQ_INSERT_TAIL(&lane->waiting, p, link);
	}
	add_waiter(p, user, e);
	lane_start(lane);
}

static void forget_in(struct parcels *list, const struct peer_ship_user *user)
{
	struct parcel *p;

	list_for_each(p, list, link) {
		for (size_t i = 0; i < p->n_waiters; i++) {
			if (p->waiter[i].user == user)
				p->waiter[i].user = NULL;
		}
	}
}

void peer_ship_forget(struct peer_ship *s, const struct peer_ship_user *user)
{
	forget_in(&s->in_turn, user);
	forget_in(&s->in_order, user);
	for (int i = 0; i < 2; i++) {
		forget_in(&s->lane[i]->waiting, user);
		forget_in(&s->lane[i]->packing, user);
	}
}

void peer_ship_retry(struct peer_ship *s)
{
	s->lane[0]->starved = s->lane[1]->starved = false;
	peer_ship_more(s);
}

static struct parcel *next_parcel(struct peer_ship *s)
{
	struct parcel *p;

	s->turn = !s->turn;
	p = TAILQ_FIRST(s->turn ? &s->in_turn : &s->in_order);
	return p ? p : TAILQ_FIRST(s->turn ? &s->in_order : &s->in_turn);
}

void peer_ship_piece(struct wire_stream *stream,
		     const struct store_packed_blob *blob, size_t i)
{
	struct bytes b = blob->piece[i];
	enum wire_codec codec = (enum wire_codec)b.data[0];
	uint32_t raw = get_le32(b.data + 1);

	b.data += 5;
	b.len -= 5;
	wire_stream_send_packed(stream, WIRE_BLOB, b, codec, raw);
}

static void count_sent(const struct parcel *p)
{
	for (size_t i = 0; i < p->n_waiters; i++) {
		const struct peer_ship_user *user = p->waiter[i].user;

		if (user && user->count) {
			user->count->files_sent++;
			user->count->bytes_sent += p->size;
		}
	}
}

void peer_ship_more(struct peer_ship *s)
{
	struct parcel *p;

	while (!wire_stream_full(s->stream) && (p = next_parcel(s))) {
		struct parcels *list = p->in_order ? &s->in_order : &s->in_turn;

		peer_ship_piece(s->stream, p->blob, p->next++);
		TAILQ_REMOVE(list, p, link);
		if (p->next < p->blob->n) {
			if (p->in_order)
				TAILQ_INSERT_HEAD(list, p, link);
			else
				TAILQ_INSERT_TAIL(list, p, link);
			continue;
		}
		tdelete(p, &s->all, digest_compare);
		count_sent(p);
		s->n_ready--;
		s->ready_bytes -= p->blob->packed;
		parcel_free(s->packed, p);
		s->lane[0]->starved = s->lane[1]->starved = false;
	}
	for (int i = 0; i < 2; i++)
		lane_start(s->lane[i]);
}
