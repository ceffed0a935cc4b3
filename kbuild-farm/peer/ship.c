/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/ship.h"

#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "peer/cell.h"
#include "store/packed.h"
#include "wire/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_MAX  ((size_t)384 << 20) /* bytes kept in memory */
#define SMALL       (1u << 20)
#define BATCH_FILES 64
#define BATCH_BYTES (8u << 20)
#define AHEAD       128 /* files packed and not sent yet, per lane */

struct parcel {
	TAILQ_ENTRY(parcel) link;
	struct peer_cell **cell; /* that wait for it */
	size_t n_cells;
	const struct inputs_entry *entry;
	const struct store_packed_blob *blob;
	size_t next; /* the piece to be sent */
	int ret; /* of packing */
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
	struct peer *peer;
	struct lane *lane[2];
	struct parcels ready; /* sent a piece each in turn */
	unsigned n_ready;
};

/*
 * What is kept of a piece: the codec, the length unpacked, and the body of
 * its BLOB as it goes over the wire.
 */
static int pack(void *arg, const struct digest *d, uint64_t size,
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
	return store_packed_new(PACKED_MAX, pack, codec);
}

static void parcel_free(struct store_packed *store, struct parcel *p)
{
	store_packed_put(store, p->blob);
	free(p->cell);
	free(p);
}

static void free_list(struct store_packed *store, struct parcels *list)
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
		const struct inputs_entry *e = p->entry;
		struct err err;

		p->ret = store_packed_file(lane->store, &e->identity.digest,
					   e->identity.stamp.size,
					   e->path->name, &p->blob, &err);
	}
}

static void lane_free(struct lane *lane)
{
	free_list(lane->store, &lane->waiting);
	free_list(lane->store, &lane->packing);
	free(lane);
}

/* A cell that lacks a file for ever is of no use. */
static void spoil(struct parcel *p)
{
	while (p->n_cells)
		peer_cell_spoil(p->cell[--p->n_cells], p->entry);
}

static void take_packed(struct peer_ship *s, struct lane *lane,
			struct parcel *p)
{
	TAILQ_REMOVE(&lane->packing, p, link);
	if (!p->ret) {
		TAILQ_INSERT_TAIL(&s->ready, p, link);
		s->n_ready++;
	} else if (p->ret == -ENOBUFS) {
		TAILQ_INSERT_TAIL(&lane->waiting, p, link);
		lane->starved = true;
	} else {
		spoil(p);
		parcel_free(lane->store, p);
	}
}

static void on_packed(struct pool_work *w)
{
	struct lane *lane = (struct lane *)w;
	struct peer_ship *s = lane->ship;
	struct parcel *p;

	lane->busy = false;
	if (!s) {
		lane_free(lane);
		return;
	}
	while ((p = TAILQ_FIRST(&lane->packing)))
		take_packed(s, lane, p);
	peer_ship_more(s);
}

static void lane_start(struct lane *lane)
{
	uint64_t bytes = 0;
	unsigned n = 0;
	struct parcel *p;

	if (lane->busy || lane->starved || lane->ship->n_ready >= AHEAD)
		return;
	while ((p = TAILQ_FIRST(&lane->waiting)) && n < BATCH_FILES &&
	       bytes < BATCH_BYTES) {
		TAILQ_REMOVE(&lane->waiting, p, link);
		TAILQ_INSERT_TAIL(&lane->packing, p, link);
		bytes += p->entry->identity.stamp.size;
		n++;
	}
	if (!n)
		return;
	lane->busy = true;
	pool_add(lane->ship->peer->coord->pool, &lane->work);
}

struct peer_ship *peer_ship_new(struct peer *peer)
{
	struct peer_ship *s = xcalloc(1, sizeof(*s));

	s->peer = peer;
	TAILQ_INIT(&s->ready);
	for (int i = 0; i < 2; i++) {
		struct lane *lane = xcalloc(1, sizeof(*lane));

		lane->work.run = pack_all;
		lane->work.done = on_packed;
		lane->ship = s;
		lane->store = peer->coord->packed;
		TAILQ_INIT(&lane->waiting);
		TAILQ_INIT(&lane->packing);
		s->lane[i] = lane;
	}
	return s;
}

void peer_ship_free(struct peer_ship *s)
{
	if (!s)
		return;
	free_list(s->peer->coord->packed, &s->ready);
	for (int i = 0; i < 2; i++) {
		/* One that works is freed when it has ended. */
		s->lane[i]->ship = NULL;
		if (!s->lane[i]->busy)
			lane_free(s->lane[i]);
	}
	free(s);
}

static struct parcel *find(struct parcels *list, const struct digest *d)
{
	struct parcel *p;

	list_for_each(p, list, link) {
		if (digest_equal(&p->entry->identity.digest, d))
			return p;
	}
	return NULL;
}

static void add_waiter(struct parcel *p, struct peer_cell *cell)
{
	for (size_t i = 0; i < p->n_cells; i++) {
		if (p->cell[i] == cell)
			return;
	}
	*VEC_ADD(p->cell, p->n_cells) = cell;
}

void peer_ship_add(struct peer_ship *s, struct peer_cell *cell,
		   const struct inputs_entry *e)
{
	struct lane *lane = s->lane[e->identity.stamp.size > SMALL];
	const struct digest *d = &e->identity.digest;
	/* Two cells of a node may lack the same file. */
	struct parcel *p = find(&lane->waiting, d);

	if (!p)
		p = find(&lane->packing, d);
	if (!p && find(&s->ready, d))
		return;
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->entry = e;
		TAILQ_INSERT_TAIL(&lane->waiting, p, link);
	}
	add_waiter(p, cell);
	lane_start(lane);
}

/* It is sent all the same: the node may count on it for another cell. */
static void forget(struct parcels *list, const struct peer_cell *cell)
{
	struct parcel *p;

	list_for_each(p, list, link) {
		for (size_t i = 0; i < p->n_cells; i++) {
			if (p->cell[i] == cell)
				p->cell[i--] = p->cell[--p->n_cells];
		}
	}
}

void peer_ship_forget(struct peer_ship *s, const struct peer_cell *cell)
{
	for (int i = 0; i < 2; i++) {
		forget(&s->lane[i]->waiting, cell);
		forget(&s->lane[i]->packing, cell);
	}
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

void peer_ship_retry(struct peer_ship *s)
{
	s->lane[0]->starved = s->lane[1]->starved = false;
	peer_ship_more(s);
}

void peer_ship_more(struct peer_ship *s)
{
	struct parcel *p;

	while (!wire_stream_full(s->peer->stream) &&
	       (p = TAILQ_FIRST(&s->ready))) {
		TAILQ_REMOVE(&s->ready, p, link);
		peer_ship_piece(s->peer->stream, p->blob, p->next++);
		if (p->next < p->blob->n) {
			TAILQ_INSERT_TAIL(&s->ready, p, link);
			continue;
		}
		s->n_ready--;
		parcel_free(s->peer->coord->packed, p);
		s->lane[0]->starved = s->lane[1]->starved = false;
	}
	for (int i = 0; i < 2; i++)
		lane_start(s->lane[i]);
}
