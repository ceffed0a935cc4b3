/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/tools.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "peer/ship.h"
#include "peer/transport.h"
#include "store/packed.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_MS   10000 /* one that is not there says so at once */
#define SILENT_MS  15000 /* a node says something each second */
#define GOODBYE_MS 400
#define TICK_MS    200
#define THREADS    3
#define WORK_MAX   256
#define TOOLS_MAX  4096 /* more than anybody holds */

struct round;

/* The conversation with one node. */
struct talk {
	struct round *round;
	struct peer_tools_node *node;
	struct peer_transport line;
	struct wire_stream *stream; /* NULL: over */
	uint64_t heard_ms, limit_ms;
	bool hello, fit, held;
	struct peer_push *give;
	uint32_t number; /* of the KEEP or DROP that is out */
	size_t drop; /* which one is out */
	bool is_over;
};

struct round {
	const struct peer_tools_setup *setup;
	struct event_base *base;
	struct event *tick;
	struct children *children;
	struct pool *pool;
	enum wire_codec codec;
	struct store_packed *packed;
	struct talk *talks;
	size_t open;
	bool cancelled;
};

void peer_tools_init(struct peer_tools_node *n, const struct node_entry *entry)
{
	*n = (struct peer_tools_node){ .entry = entry };
}

static void free_answers(struct peer_tools_answer *a, size_t n)
{
	for (size_t i = 0; a && i < n; i++)
		free(a[i].detail);
	free(a);
}

void peer_tools_release(struct peer_tools_node *n)
{
	free(n->why);
	free(n->machine);
	strv_release(&n->hosts);
	for (size_t i = 0; i < n->n_tools; i++) {
		free(n->tool[i].id);
		free(n->tool[i].host);
		free(n->tool[i].detail);
	}
	free(n->tool);
	free_answers(n->given, n->n_gifts);
	free_answers(n->dropped, n->n_drops);
	*n = (struct peer_tools_node){ .entry = n->entry,
				       .gift = n->gift,
				       .n_gifts = n->n_gifts,
				       .drop = n->drop,
				       .n_drops = n->n_drops };
}

const struct peer_tool *peer_tools_find(const struct peer_tools_node *n,
					const char *id)
{
	for (size_t i = 0; i < n->n_tools; i++) {
		if (!strcmp(n->tool[i].id, id))
			return &n->tool[i];
	}
	return NULL;
}

static void over(struct talk *t)
{
	if (t->is_over)
		return;
	t->is_over = true;
	peer_push_free(t->give);
	t->give = NULL;
	wire_stream_free(t->stream);
	t->stream = NULL;
	if (!--t->round->open)
		event_base_loopbreak(t->round->base);
}

static void down(struct talk *t, const char *why)
{
	if (t->is_over)
		return;
	t->node->up = false;
	t->node->why = t->hello ? xstrdup(why) :
				  peer_transport_reason(&t->line, why);
	over(t);
}

static void say(struct talk *t, enum wire_type type, struct buf *body)
{
	wire_stream_send(t->stream, type, buf_bytes(body), WIRE_PLAIN);
	buf_release(body);
}

static void answer(struct peer_tools_answer *a, bool ok, const char *detail)
{
	a->ok = ok;
	free(a->detail);
	a->detail = detail && *detail ? xstrdup(detail) : NULL;
}

static void on_give_failed(void *ctx, const struct err *why)
{
	struct talk *t = ctx;

	/* The node waits for bytes that never come: begin anew another time. */
	answer(&t->node->given[t->node->at], false, why->text);
	down(t, why->text);
}

static void give_next(struct talk *t)
{
	struct peer_tools_node *n = t->node;
	struct round *r = t->round;

	t->give = peer_push_new(&(struct peer_push_setup){
		.stream = t->stream,
		.keep = ++t->number,
		.gift = n->gift[n->at],
		.pool = r->pool,
		.packed = r->packed,
		.count = &n->count,
		.failed = on_give_failed,
		.ctx = t,
	});
}

static void drop_next(struct talk *t)
{
	struct wire_drop m = { .keep = ++t->number,
			       .id = t->node->drop[t->drop] };
	struct buf body = { 0 };

	wire_drop_encode(&body, &m);
	say(t, WIRE_DROP, &body);
}

/* What is to be done next; with nothing left to do it is over. */
static void next(struct talk *t)
{
	struct buf body = { 0 };

	if (t->node->at < t->node->n_gifts) {
		give_next(t);
	} else if (t->drop < t->node->n_drops) {
		drop_next(t);
	} else {
		t->node->up = true;
		wire_bye_encode(&body, "done");
		say(t, WIRE_BYE, &body);
		over(t);
	}
}

static int on_hello(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_hello m;
	int ret = 0;

	if (t->hello || wire_hello_decode(&m, body))
		return err_set(err, EPROTO, "its hello makes no sense");
	if (wire_hello_version(&m) < 0)
		ret = err_set(err, EPROTONOSUPPORT,
			      "%s speaks protocol %u to %u, this kfarm %d",
			      m.software, m.version_min, m.version_max,
			      WIRE_VERSION);
	t->hello = true;
	t->node->machine = xstrdup(m.inventory.machine);
	wire_hello_release(&m);
	return ret;
}

static int on_fit(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_tools ask = { .ask = 1, .verify = t->round->setup->verify };
	struct buf out = { 0 };
	struct wire_fit m;

	if (t->fit || wire_fit_decode(&m, body))
		return err_set(err, EPROTO, "its FIT makes no sense");
	t->fit = true;
	strv_add_all(&t->node->hosts, m.hosts.v);
	wire_fit_release(&m);
	t->limit_ms = SILENT_MS;
	wire_tools_encode(&out, &ask);
	say(t, WIRE_TOOLS, &out);
	return 0;
}

static void take_held(struct peer_tools_node *n, struct wire_held *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		struct wire_held_one *one = &m->all[i];

		*VEC_ADD(n->tool, n->n_tools) = (struct peer_tool){
			.id = xstrdup(one->id),
			.host = xstrdup(one->host),
			.tree = one->tree,
			.state = (enum wire_held_state)one->state,
			.detail = *one->detail ? xstrdup(one->detail) : NULL,
		};
	}
}

static int on_held(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_held m;
	bool last;

	if (t->held || !t->fit || wire_held_decode(&m, body))
		return err_set(err, EPROTO, "its HELD makes no sense");
	last = m.last;
	if (t->node->n_tools + m.n > TOOLS_MAX) {
		wire_held_release(&m);
		return err_set(err, EPROTO, "it holds too many toolchains");
	}
	take_held(t->node, &m);
	wire_held_release(&m);
	if (last) {
		t->held = true;
		next(t);
	}
	return 0;
}

static int on_need(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_need m;
	int ret = 0;

	if (wire_need_decode(&m, body))
		return err_set(err, EPROTO, "broken NEED");
	if (!(m.cell & WIRE_NEED_KEEP))
		ret = err_set(err, EPROTO, "it needs what nobody told it of");
	else if (t->give && m.cell == (t->number | WIRE_NEED_KEEP))
		ret = peer_push_need(t->give, &m, err);
	wire_need_release(&m);
	return ret;
}

static void take_kept(struct talk *t, const struct wire_kept *m)
{
	struct peer_tools_node *n = t->node;
	const struct peer_bundle *gift;
	bool ok = !m->state;

	if (!t->give) {
		answer(&n->dropped[t->drop++], ok, m->detail);
		return;
	}
	peer_push_free(t->give);
	t->give = NULL;
	gift = n->gift[n->at];
	if (ok && !digest_equal(&m->tree, &gift->tree))
		answer(&n->given[n->at++], false,
		       "it says that it holds something else now");
	else
		answer(&n->given[n->at++], ok, m->detail);
}

static int on_kept(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_kept m;
	bool ours;

	if (wire_kept_decode(&m, body))
		return err_set(err, EPROTO, "broken KEPT");
	ours = t->held && m.keep == t->number &&
	       (t->give || t->drop < t->node->n_drops);
	if (ours)
		take_kept(t, &m);
	wire_kept_release(&m);
	if (!ours)
		return err_set(err, EPROTO, "it answers what nobody asked");
	next(t);
	return 0;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct talk *t = ctx;

	t->heard_ms = clock_ms();
	if (type == WIRE_HELLO)
		return on_hello(t, body, err);
	if (type == WIRE_BYE)
		return wire_bye_end(body, err);
	if (!t->hello)
		return err_set(err, EPROTO, "it did not say hello");
	switch (type) {
	case WIRE_FIT:
		return on_fit(t, body, err);
	case WIRE_HELD:
		return on_held(t, body, err);
	case WIRE_NEED:
		return on_need(t, body, err);
	case WIRE_KEPT:
		return on_kept(t, body, err);
	case WIRE_BEAT:
		return 0;
	default:
		return err_set(err, EPROTO, "a message of type %u", type);
	}
}

static void on_close(void *ctx, const struct err *why)
{
	down(ctx, why->text[0] ? why->text : "it closed the connection");
}

static void on_drain(void *ctx)
{
	struct talk *t = ctx;

	if (t->give)
		peer_push_more(t->give);
}

static void begin(struct talk *t)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close,
						    .on_drain = on_drain };
	const struct node_entry *e = t->node->entry;
	struct buf body = { 0 };
	struct err err;
	int fd;

	t->heard_ms = clock_ms();
	t->limit_ms = t->round->setup->hello_ms;
	if (!t->limit_ms)
		t->limit_ms = HELLO_MS;
	if (peer_transport_dial(&t->line, t->round->base, &e->address, &fd,
				&err)) {
		down(t, err.text);
		return;
	}
	t->stream = wire_stream_new(t->round->base, fd, fd, &ops, t);
	wire_hello_encode_kfarm(&body);
	say(t, WIRE_HELLO, &body);
}

static void watch(struct talk *t, uint64_t now)
{
	char *why;

	if (t->is_over)
		return;
	if (t->give)
		peer_push_retry(t->give);
	if (now <= t->heard_ms + t->limit_ms)
		return;
	why = xasprintf("%s for %u s", t->fit ? "silent" : "no answer",
			(unsigned)((t->limit_ms + 500) / 1000));
	down(t, why);
	free(why);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct round *r = arg;
	const struct peer_tools_setup *s = r->setup;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (s->cancel && atomic_load(s->cancel)) {
		r->cancelled = true;
		event_base_loopbreak(r->base);
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		watch(&r->talks[i], now);
	if (s->progress)
		s->progress(s->ctx);
}

static void start(struct round *r)
{
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	size_t n = r->setup->n;

	r->codec = WIRE_ZSTD;
	r->packed = peer_ship_store(&r->codec);
	r->children = children_new(r->base);
	r->pool = pool_new(r->base, THREADS, WORK_MAX);
	r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, r);
	if (!r->tick || event_add(r->tick, &tick))
		str_out_of_memory();
	r->talks = xcalloc(n + 1, sizeof(*r->talks));
	r->open = n;
	for (size_t i = 0; i < n; i++) {
		struct peer_tools_node *node = &r->setup->nodes[i];

		peer_tools_release(node);
		node->given = xcalloc(node->n_gifts + 1, sizeof(*node->given));
		node->dropped = xcalloc(node->n_drops + 1,
					sizeof(*node->dropped));
		r->talks[i] = (struct talk){ .round = r,
					     .node = node,
					     .line = { .stderr_fd = -1 } };
	}
	for (size_t i = 0; i < n; i++)
		begin(&r->talks[i]);
}

static void end(struct round *r, struct peer_tools_stats *stats)
{
	struct store_packed_stats packed;

	for (size_t i = 0; i < r->setup->n; i++) {
		down(&r->talks[i], "interrupted");
		peer_transport_end(&r->talks[i].line, r->children);
	}
	pool_free(r->pool);
	store_packed_stats(r->packed, &packed);
	if (stats)
		*stats = (struct peer_tools_stats){
			.packed = packed.made,
			.raw_bytes = packed.raw_bytes,
			.packed_bytes = packed.packed_bytes,
		};
	store_packed_free(r->packed);
	children_wait(r->children, GOODBYE_MS);
	children_free(r->children);
	event_free(r->tick);
	free(r->talks);
}

int peer_tools_run(const struct peer_tools_setup *setup,
		   struct peer_tools_stats *stats, struct err *err)
{
	struct round r = { .setup = setup, .base = event_base_new() };

	if (!r.base)
		return err_set(err, ENOMEM, "no event loop");
	start(&r);
	if (r.open)
		event_base_dispatch(r.base);
	end(&r, stats);
	event_base_free(r.base);
	return r.cancelled ? err_set(err, ECANCELED, "interrupted") : 0;
}
