/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/neighbor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "kfarmd/input-update.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/session.h"
#include "kfarmd/settings.h"
#include "store/store.h"
#include "tls/dialer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* silence after which the connection to a neighbor is closed */
#define SILENCE_MS 5000
/*
 * A neighbor that sends less than PIECE_BYTES in this time is not used until
 * the client announces it again.
 */
#define STALLED_MS 10000
/*
 * number of failures after which a neighbor is not used until the client
 * announces it again
 */
#define FAILURES_MAX 3
/*
 * limit on the unanswered GETs of a connection from a neighbor; one more GET is
 * a protocol error
 */
#define WANTS_MAX 4096
/*
 * limit on the unanswered GETs of a connection to a neighbor; must be less than
 * WANTS_MAX
 */
#define GETS_MAX        1024
#define SERVERS_MAX     64 /* connections from neighbors */
#define KEY_SERVERS_MAX 4 /* connections from one neighbor */
/*
 * size of the pieces of a blob; small, because a node can forward a piece to
 * another node only when the whole piece has arrived
 */
#define PIECE_BYTES (64u << 10)
/* first version of the protocol that has GET */
#define VERSION_MIN 13

/* A blob that a neighbor must send. */
struct fetch {
	struct map_entry map_entry; /* first member */
	TAILQ_ENTRY(fetch) entry;
	struct digest digest;
	uint64_t size_bytes;
	bool requested; /* GET was sent */
};

/* A neighbor, and the open connection to it, if any. */
struct neighbor {
	TAILQ_ENTRY(neighbor) entry;
	struct kfarmd_neighbors *owner;
	uint32_t number;
	char *host, *port;
	struct digest fingerprint;
	struct tls_dialer *dialer;
	struct wire_stream *stream;
	uint64_t received_ms; /* time of the last message */
	/* clock_ms() at which the current interval of STALLED_MS began */
	uint64_t interval_ms;
	size_t interval_bytes; /* bytes of blobs received in the interval */
	unsigned n_failures;
	struct map fetches; /* by digest */
	TAILQ_HEAD(fetch_list, fetch) unrequested, requested;
	unsigned n_requested;
};

struct kfarmd_neighbors {
	TAILQ_ENTRY(kfarmd_neighbors) entry;
	struct kfarmd *daemon;
	struct kfarmd_blobs *blobs;
	void (*send_need)(void *ctx, const struct wire_need *need);
	void *ctx;
	/* fires every second after the first neighbor was announced */
	struct event *timer;
	TAILQ_HEAD(, neighbor) list;
	unsigned n;
};

/* Return true if the settings of the node disable neighbors. */
static bool are_neighbors_disabled(const struct kfarmd *a)
{
	return a->settings &&
	       a->settings->neighbors == KFARMD_SETTINGS_NEIGHBORS_NO;
}

static void disconnect(struct neighbor *g)
{
	tls_dialer_free(g->dialer);
	g->dialer = NULL;
	wire_stream_free(g->stream);
	g->stream = NULL;
}

/* Request from the client a blob that a neighbor does not send. */
static void ask_client(struct kfarmd_neighbors *n, const struct digest *d)
{
	struct wire_need need;

	if (kfarmd_blobs_ask_again(n->blobs, d, &need))
		n->send_need(n->ctx, &need);
	wire_need_release(&need);
}

static void free_fetch(struct neighbor *g, struct fetch *f)
{
	map_remove(&g->fetches, &f->map_entry);
	if (f->requested) {
		TAILQ_REMOVE(&g->requested, f, entry);
		g->n_requested--;
	} else {
		TAILQ_REMOVE(&g->unrequested, f, entry);
	}
	free(f);
}

/* Send GETs until GETS_MAX of them are unanswered. */
static void send_gets(struct neighbor *g)
{
	struct fetch *f;

	while (g->n_requested < GETS_MAX &&
	       (f = TAILQ_FIRST(&g->unrequested))) {
		struct wire_get m = { .digest = f->digest,
				      .size = f->size_bytes };
		struct buf body = { 0 };

		TAILQ_REMOVE(&g->unrequested, f, entry);
		TAILQ_INSERT_TAIL(&g->requested, f, entry);
		f->requested = true;
		g->n_requested++;
		wire_get_encode(&body, &m);
		wire_stream_send(g->stream, WIRE_GET, buf_bytes(&body),
				 WIRE_PLAIN);
		buf_release(&body);
	}
}

/* Free a fetch, and request its blob from the client. */
static void fail_fetch(struct neighbor *g, struct fetch *f)
{
	struct digest d = f->digest;

	free_fetch(g, f);
	ask_client(g->owner, &d);
}

/* Close the connection, and request its unfinished blobs from the client. */
static void lose_neighbor(struct neighbor *g, const char *why)
{
	struct fetch *f;

	if (g->stream || g->dialer)
		log_info("neighbor %s:%s: %s", g->host, g->port, why);
	disconnect(g);
	if (g->fetches.n_entries)
		g->n_failures++;
	while ((f = TAILQ_FIRST(&g->requested)) ||
	       (f = TAILQ_FIRST(&g->unrequested)))
		fail_fetch(g, f);
}

static struct fetch *find_fetch(const struct neighbor *g,
				const struct digest *d)
{
	struct map_entry *e = map_find(&g->fetches, digest_hash(d));

	while (e && !digest_equal(&((struct fetch *)e)->digest, d))
		e = map_next_match(e);
	return (struct fetch *)e;
}

/* Return the fetch to which a reply of the neighbor belongs, or NULL. */
static struct fetch *find_unanswered(const struct neighbor *g,
				     const struct digest *d)
{
	struct fetch *f = find_fetch(g, d);

	return f && f->requested ? f : NULL;
}

static void on_blob(struct neighbor *g, const struct wire_blob *m)
{
	struct fetch *f = find_unanswered(g, &m->digest);
	int ret;

	/* Drop the remaining pieces of a failed blob. */
	if (!f)
		return;
	g->interval_bytes += m->data.len;
	ret = kfarmd_blobs_receive_from_neighbor(g->owner->blobs, m);
	if (ret) {
		log_warning("neighbor %s:%s: blob: %s", g->host, g->port,
			    strerror(-ret));
		g->n_failures++;
		fail_fetch(g, f);
	} else if (m->offset + m->data.len == m->size) {
		free_fetch(g, f);
	}
}

static int on_neighbor_msg(void *ctx, uint16_t type, struct bytes body,
			   struct err *err)
{
	struct neighbor *g = ctx;
	struct wire_blob blob;
	struct wire_gone gone;
	struct fetch *f;

	g->received_ms = clock_ms();
	if (type == WIRE_BLOB && !wire_blob_decode(&blob, body)) {
		on_blob(g, &blob);
	} else if (type == WIRE_GONE && !wire_gone_decode(&gone, body)) {
		f = find_unanswered(g, &gone.digest);
		if (f)
			fail_fetch(g, f);
	} else if (type != WIRE_BEAT) {
		return err_set(err, EPROTO, "unexpected message of type %u",
			       type);
	}
	send_gets(g);
	return 0;
}

static void on_neighbor_close(void *ctx, const struct err *why)
{
	lose_neighbor(ctx, why->text[0] ? why->text : "connection closed");
}

static void start_interval(struct neighbor *g)
{
	g->interval_ms = clock_ms();
	g->interval_bytes = 0;
}

static void on_dialed(void *ctx, const struct wire_io *io,
		      const struct err *err)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_neighbor_msg, .on_close = on_neighbor_close
	};
	struct neighbor *g = ctx;
	struct buf body = { 0 };

	if (!io) {
		struct err why = *err;

		lose_neighbor(g, why.text);
		return;
	}
	g->stream = wire_stream_new_io(g->owner->daemon->base, *io, &ops, g);
	g->received_ms = clock_ms();
	tls_dialer_free(g->dialer);
	g->dialer = NULL;
	start_interval(g);
	wire_hello_encode_client(&body, 0);
	wire_stream_send(g->stream, WIRE_HELLO, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	send_gets(g);
}

/*
 * Detect neighbors that are silent or stalled, and close connections that are
 * not needed.
 */
static void on_neighbors_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_neighbors *n = arg;
	uint64_t now = clock_ms();
	struct neighbor *g;

	(void)fd;
	(void)what;
	list_for_each(g, &n->list, entry) {
		bool silent = g->stream && now > g->received_ms + SILENCE_MS;

		if (!g->fetches.n_entries) {
			if (silent)
				disconnect(g);
		} else if (silent) {
			lose_neighbor(g, "silent for 5 s");
		} else if (!g->dialer && now > g->interval_ms + STALLED_MS) {
			if (g->interval_bytes < PIECE_BYTES) {
				g->n_failures = FAILURES_MAX;
				lose_neighbor(g, "stalled for 10 s");
			}
			start_interval(g);
		}
	}
}

struct kfarmd_neighbors *kfarmd_neighbors_new(
	struct kfarmd *a, struct kfarmd_blobs *blobs,
	void (*send_need)(void *ctx, const struct wire_need *need), void *ctx)
{
	struct kfarmd_neighbors *n = xcalloc(1, sizeof(*n));

	n->daemon = a;
	n->blobs = blobs;
	n->send_need = send_need;
	n->ctx = ctx;
	TAILQ_INIT(&n->list);
	n->timer = event_new(a->base, -1, EV_PERSIST, on_neighbors_timer, n);
	if (!n->timer)
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&a->neighbors, n, entry);
	return n;
}

void kfarmd_neighbors_free(struct kfarmd_neighbors *n)
{
	struct neighbor *g;

	if (!n)
		return;
	TAILQ_REMOVE(&n->daemon->neighbors, n, entry);
	while ((g = TAILQ_FIRST(&n->list))) {
		TAILQ_REMOVE(&n->list, g, entry);
		map_release_entries(&g->fetches, NULL);
		disconnect(g);
		free(g->host);
		free(g->port);
		free(g);
	}
	event_free(n->timer);
	free(n);
}

/* Split HOST:PORT.  Returns false if it is invalid. */
static bool parse_address(struct neighbor *g, const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (!len)
		return false;
	free(g->host);
	free(g->port);
	g->port = xstrdup(colon + 1);
	if (address[0] == '[' && len > 2 && colon[-1] == ']')
		g->host = xstrndup(address + 1, len - 2);
	else
		g->host = xstrndup(address, len);
	return true;
}

static struct neighbor *add_neighbor(struct kfarmd_neighbors *n,
				     const struct digest *fingerprint)
{
	const struct timeval second = { .tv_sec = 1 };
	struct neighbor *g = xcalloc(1, sizeof(*g));

	if (!n->n && event_add(n->timer, &second))
		str_out_of_memory();
	g->owner = n;
	g->fingerprint = *fingerprint;
	TAILQ_INIT(&g->unrequested);
	TAILQ_INIT(&g->requested);
	TAILQ_INSERT_TAIL(&n->list, g, entry);
	n->n++;
	return g;
}

static int on_announced(struct kfarmd_neighbors *n,
			const struct wire_neighbor *m, struct err *err)
{
	struct neighbor *g;

	list_for_each(g, &n->list, entry) {
		if (digest_equal(&g->fingerprint, &m->fingerprint))
			break;
	}
	if (!g && n->n >= KFARMD_NEIGHBORS_MAX)
		return 0;
	/*
	 * The client gives a node a new number for each session, so it can
	 * announce the same neighbor again.
	 */
	if (g)
		lose_neighbor(
			g,
			"connection closed, because the build host announced "
			"the neighbor again");
	else
		g = add_neighbor(n, &m->fingerprint);
	g->number = m->number;
	g->n_failures = 0;
	return parse_address(g, m->address) ?
		       0 :
		       err_set(err, EPROTO, "NEIGHBOR: invalid address");
}

static struct neighbor *find_neighbor(struct kfarmd_neighbors *n,
				      uint32_t number)
{
	struct neighbor *g;

	list_for_each(g, &n->list, entry) {
		if (g->number == number)
			return g;
	}
	return NULL;
}

static void on_directed(struct kfarmd_neighbors *n, const struct wire_fetch *m)
{
	struct neighbor *g = find_neighbor(n, m->neighbor);
	struct fetch *f;

	/*
	 * Ignore a FETCH for an unrequested blob.  Otherwise, a client could
	 * fill the memory of the node.
	 */
	if (!kfarmd_blobs_expect(n->blobs, &m->digest))
		return;
	if (!g || g->n_failures >= FAILURES_MAX || !n->daemon->tls ||
	    are_neighbors_disabled(n->daemon) || find_fetch(g, &m->digest)) {
		ask_client(n, &m->digest);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	f->digest = m->digest;
	f->size_bytes = m->size;
	if (!g->fetches.n_entries)
		start_interval(g);
	map_add(&g->fetches, &f->map_entry, digest_hash(&f->digest));
	TAILQ_INSERT_TAIL(&g->unrequested, f, entry);
	if (g->stream)
		send_gets(g);
	else if (!g->dialer)
		g->dialer = tls_dialer_new(n->daemon->base, n->daemon->tls,
					   g->host, g->port, &g->fingerprint,
					   on_dialed, g);
}

int kfarmd_neighbors_handle_msg(struct kfarmd_neighbors *n, uint16_t type,
				struct bytes body, int version, struct err *err)
{
	struct wire_neighbor neighbor;
	struct wire_fetch fetch;
	int ret;

	if (type == WIRE_NEIGHBOR) {
		if (wire_neighbor_decode_at(&neighbor, body, version))
			return err_set(err, EPROTO, "malformed NEIGHBOR");
		ret = on_announced(n, &neighbor, err);
		wire_neighbor_release(&neighbor);
		return ret;
	}
	if (wire_fetch_decode_at(&fetch, body, version))
		return err_set(err, EPROTO, "malformed FETCH");
	on_directed(n, &fetch);
	return 0;
}

/* ---------------------------------------------------------------- serving */

/* A pending GET of a neighbor. */
struct want {
	struct kfarmd_blob_waiter waiter; /* first member */
	TAILQ_ENTRY(want) entry;
	struct kfarmd_neighbor_server *server;
	struct digest digest;
	uint64_t size_bytes, sent_bytes;
	bool in_store;
	int fd; /* open blob in the store; -1: not open */
};

struct kfarmd_neighbor_server {
	TAILQ_ENTRY(kfarmd_neighbor_server) entry;
	struct kfarmd *daemon;
	struct wire_stream *stream;
	struct event *timer; /* every second */
	struct digest fingerprint;
	char *address; /* for display */
	bool greeted; /* HELLO was received */
	TAILQ_HEAD(, want) wants;
	unsigned n_wants;
};

static void free_want(struct want *w)
{
	TAILQ_REMOVE(&w->server->wants, w, entry);
	w->server->n_wants--;
	kfarmd_blobs_cancel(&w->waiter);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

static void free_server(struct kfarmd_neighbor_server *s)
{
	TAILQ_REMOVE(&s->daemon->neighbor_servers, s, entry);
	s->daemon->n_neighbor_servers--;
	while (!TAILQ_EMPTY(&s->wants))
		free_want(TAILQ_FIRST(&s->wants));
	wire_stream_free(s->stream);
	event_free(s->timer);
	free(s->address);
	free(s);
}

/* Send GONE, so that the neighbor requests the blob from its build host. */
static void refuse_want(struct want *w)
{
	struct wire_gone m = { w->digest };
	struct buf body = { 0 };

	wire_gone_encode(&body, &m);
	wire_stream_send(w->server->stream, WIRE_GONE, buf_bytes(&body),
			 WIRE_PLAIN);
	buf_release(&body);
	free_want(w);
}

/*
 * Read the next bytes of a blob.  Returns the number of bytes, 0 if the bytes
 * have not arrived or the blob is empty, or a negative errno.
 */
static ssize_t read_next_piece(struct want *w, uint8_t *to, size_t len)
{
	ssize_t n;

	if (!w->in_store)
		return kfarmd_blobs_read(&w->waiter, to, len, w->sent_bytes);
	if (w->fd < 0)
		w->fd = store_open_unverified(w->server->daemon->store,
					      &w->digest, w->size_bytes);
	if (w->fd < 0)
		return w->fd;
	n = pread(w->fd, to, len, (off_t)w->sent_bytes);
	return n == (ssize_t)len ? n : -EIO;
}

/*
 * Send the next piece of a blob if it has arrived, or GONE if the blob cannot
 * be read.  Returns true if a piece was sent and more pieces follow.  If it
 * returns false, `w` may have been freed.
 */
static bool send_next_piece(struct want *w)
{
	struct wire_blob m = { .digest = w->digest,
			       .size = w->size_bytes,
			       .offset = w->sent_bytes };
	uint64_t left = w->size_bytes - w->sent_bytes;
	size_t len = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	uint8_t *piece = xmalloc(len + 1);
	ssize_t n = read_next_piece(w, piece, len);
	struct buf body = { 0 };
	bool more = false;

	if (n < 0) {
		refuse_want(w);
	} else if (n > 0 || w->in_store) {
		m.data = bytes_of(piece, (size_t)n);
		wire_blob_encode(&body, &m);
		wire_stream_send(w->server->stream, WIRE_BLOB, buf_bytes(&body),
				 WIRE_LZO);
		w->sent_bytes += (size_t)n;
		more = w->sent_bytes < w->size_bytes;
		if (!more)
			free_want(w);
	}
	buf_release(&body);
	free(piece);
	return more;
}

/* Send pieces of a blob until the stream is full or no piece is available. */
static void send_want(struct want *w)
{
	const struct wire_stream *stream = w->server->stream;

	while (!wire_stream_is_full(stream) && send_next_piece(w))
		;
}

/* Send available pieces blob by blob, so that few files are open at once. */
static void send_pieces(struct kfarmd_neighbor_server *s)
{
	struct want *w, *next;

	list_for_each_safe(w, &s->wants, entry, next) {
		if (wire_stream_is_full(s->stream))
			break;
		send_want(w);
	}
}

static void on_want_piece(struct kfarmd_blob_waiter *waiter)
{
	send_want((struct want *)(void *)waiter);
}

static void on_want_received(struct kfarmd_blob_waiter *waiter, int ret)
{
	struct want *w = (struct want *)(void *)waiter;
	struct kfarmd_neighbor_server *s = w->server;

	w->in_store = !ret;
	if (ret)
		refuse_want(w);
	send_pieces(s);
}

static int on_get(struct kfarmd_neighbor_server *s, const struct wire_get *m,
		  struct err *err)
{
	const struct kfarmd_neighbors *n;
	struct want *w;

	if (s->n_wants >= WANTS_MAX)
		return err_set(err, EPROTO, "too many unanswered GETs");
	w = xcalloc(1, sizeof(*w));
	w->waiter.on_received = on_want_received;
	w->waiter.on_piece = on_want_piece;
	w->server = s;
	w->digest = m->digest;
	w->size_bytes = m->size;
	w->fd = -1;
	TAILQ_INSERT_TAIL(&s->wants, w, entry);
	s->n_wants++;
	if (!kfarmd_neighbor_is_announced(s->daemon, &s->fingerprint)) {
		refuse_want(w);
		return 0;
	}
	list_for_each(n, &s->daemon->neighbors, entry) {
		if (!kfarmd_blobs_wait(n->blobs, &m->digest, m->size,
				       &w->waiter))
			break;
	}
	/*
	 * If no list of requested blobs contains the blob, read it from the
	 * store.  If the store lacks the blob, send_next_piece() sends GONE.
	 */
	w->in_store = !n;
	send_pieces(s);
	return 0;
}

static int on_server_msg(void *ctx, uint16_t type, struct bytes body,
			 struct err *err)
{
	struct kfarmd_neighbor_server *s = ctx;
	struct wire_hello hello;
	struct wire_get get;
	int version;

	if (type == WIRE_HELLO && !s->greeted &&
	    !wire_hello_decode(&hello, body)) {
		version = wire_hello_negotiate(&hello);
		wire_hello_release(&hello);
		if (version < VERSION_MIN)
			return err_set(err, EPROTONOSUPPORT,
				       "no common version of the protocol");
		s->greeted = true;
		return 0;
	}
	if (type == WIRE_GET && s->greeted && !wire_get_decode(&get, body))
		return on_get(s, &get, err);
	return err_set(err, EPROTO, "unexpected message of type %u", type);
}

static void on_server_close(void *ctx, const struct err *why)
{
	struct kfarmd_neighbor_server *s = ctx;

	if (why->text[0])
		log_info("neighbor %s: %s", s->address, why->text);
	free_server(s);
}

static void on_server_drain(void *ctx)
{
	send_pieces(ctx);
}

/*
 * Send a heartbeat to a neighbor that waits for a blob.  Close the connection
 * of a neighbor that waits for no blob and is no longer announced.
 */
static void on_server_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_neighbor_server *s = arg;
	struct wire_beat m = { 0 };
	struct buf body = { 0 };

	(void)fd;
	(void)what;
	if (TAILQ_EMPTY(&s->wants) &&
	    !kfarmd_neighbor_is_announced(s->daemon, &s->fingerprint)) {
		free_server(s);
		return;
	}
	if (TAILQ_EMPTY(&s->wants) || wire_stream_is_full(s->stream))
		return;
	wire_beat_encode(&body, &m);
	wire_stream_send(s->stream, WIRE_BEAT, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

bool kfarmd_neighbor_is_announced(const struct kfarmd *a,
				  const struct digest *fingerprint)
{
	const struct kfarmd_neighbors *n;
	const struct neighbor *g;

	if (are_neighbors_disabled(a))
		return false;
	list_for_each(n, &a->neighbors, entry) {
		list_for_each(g, &n->list, entry) {
			if (digest_equal(&g->fingerprint, fingerprint))
				return true;
		}
	}
	return false;
}

void kfarmd_neighbor_serve(struct kfarmd *a, struct wire_io io,
			   const struct kfarmd_session_peer *who)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_server_msg,
		.on_close = on_server_close,
		.on_drain = on_server_drain,
	};
	const struct timeval second = { .tv_sec = 1 };
	struct kfarmd_neighbor_server *s;
	unsigned n = 0;

	list_for_each(s, &a->neighbor_servers, entry)
		n += digest_equal(&s->fingerprint, who->fingerprint);
	if (n >= KEY_SERVERS_MAX || a->n_neighbor_servers >= SERVERS_MAX) {
		log_warning("neighbor %s: too many connections: limit is %d",
			    who->address,
			    n >= KEY_SERVERS_MAX ? KEY_SERVERS_MAX :
						   SERVERS_MAX);
		io.ops->free(io.ctx);
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->daemon = a;
	s->fingerprint = *who->fingerprint;
	s->address = xstrdup(who->address);
	TAILQ_INIT(&s->wants);
	s->stream = wire_stream_new_io(a->base, io, &ops, s);
	s->timer = event_new(a->base, -1, EV_PERSIST, on_server_timer, s);
	if (!s->timer || event_add(s->timer, &second))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&a->neighbor_servers, s, entry);
	a->n_neighbor_servers++;
}

void kfarmd_neighbor_end_all(struct kfarmd *a)
{
	while (!TAILQ_EMPTY(&a->neighbor_servers))
		free_server(TAILQ_FIRST(&a->neighbor_servers));
}
