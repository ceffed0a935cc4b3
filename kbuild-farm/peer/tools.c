/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/tools.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_MS      10000 /* one that is not there says so at once */
#define SSH_SURVEY_MS 8000
#define TLS_SURVEY_MS 8500 /* its parts have shorter limits: peer/connect.h */
#define SURVEY_MS     3000
#define SILENT_MS     15000 /* a node says something each second */
#define GOODBYE_MS    400
#define TICK_MS       200
#define THREADS       3
#define TOOLS_MAX     4096 /* more than anybody holds */

struct round;

/* The conversation with one node. */
struct talk {
	struct round *round;
	struct peer_tools_node *node;
	struct peer_link link;
	uint64_t began_ms, limit_ms;
	bool held;
	struct peer_delivery delivery;
	size_t drop; /* which one is out */
	bool is_over;
};

struct round {
	const struct peer_tools_setup *setup;
	struct peer_farm farm;
	struct event *tick;
	enum wire_codec codec;
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
	free(n->barred);
	wire_hello_release(&n->hello);
	wire_fit_release(&n->fit);
	wire_machine_release(&n->machine);
	for (size_t i = 0; i < n->n_tools; i++) {
		free(n->tool[i].id);
		free(n->tool[i].host);
		free(n->tool[i].detail);
	}
	free(n->tool);
	free_answers(n->given, n->n_bundles);
	free_answers(n->dropped, n->n_drops);
	*n = (struct peer_tools_node){ .entry = n->entry,
				       .bundle = n->bundle,
				       .n_bundles = n->n_bundles,
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

static void end_talk(struct talk *t)
{
	struct peer_link *l = &t->link;

	t->is_over = true;
	peer_delivery_end(&t->delivery);
	if (l->greeted && wire_hello_version(&l->hello) > 0) {
		t->node->hello = l->hello;
		l->greeted = false;
	}
	t->node->fit = l->fit;
	l->fit = (struct wire_fit){ 0 };
	t->node->machine = l->machine;
	l->machine = (struct wire_machine){ 0 };
	peer_link_release(l);
	if (!--t->round->open)
		event_base_loopbreak(t->round->farm.base);
}

static void give_up(struct talk *t, const char *why)
{
	if (t->is_over)
		return;
	t->node->up = false;
	peer_delivery_end(&t->delivery);
	t->node->why = peer_link_end(&t->link, why);
	end_talk(t);
}

static void set_answer(struct peer_tools_answer *a, bool ok, const char *detail)
{
	a->ok = ok;
	free(a->detail);
	a->detail = detail && *detail ? xstrdup(detail) : NULL;
}

static void on_file_failed(void *ctx, const struct inputs_entry *e,
			   const char *why)
{
	struct talk *t = ctx;

	(void)e;
	/* The node waits for bytes that never come: begin anew another time. */
	set_answer(&t->node->given[t->node->at], false, why);
	give_up(t, why);
}

static int bundle_next(struct talk *t, struct err *err)
{
	struct peer_tools_node *n = t->node;
	struct peer_ship_user user = { .failed = on_file_failed,
				       .ctx = t,
				       .count = &n->count };

	return peer_delivery_start(&t->delivery, n->bundle[n->at], &t->link,
				   &user, err);
}

static void drop_next(struct talk *t)
{
	struct wire_drop m = { .ask = (uint32_t)t->drop,
			       .id = t->node->drop[t->drop] };
	struct buf body = { 0 };

	wire_drop_encode(&body, &m);
	peer_link_send(&t->link, WIRE_DROP, &body, WIRE_PLAIN);
}

/* What is to be done next; with nothing left to do it is over. */
static void go_on(struct talk *t)
{
	struct buf body = { 0 };
	struct err err;

	if (t->node->at < t->node->n_bundles) {
		if (bundle_next(t, &err))
			give_up(t, err.text);
	} else if (t->drop < t->node->n_drops) {
		drop_next(t);
	} else {
		t->node->up = true;
		wire_bye_encode(&body, "done");
		peer_link_send(&t->link, WIRE_BYE, &body, WIRE_PLAIN);
		end_talk(t);
	}
}

static int on_fit(struct talk *t)
{
	struct wire_tools ask = { .ask = 1, .verify = t->round->setup->verify };
	struct buf out = { 0 };

	if (t->round->setup->survey) {
		t->node->up = true;
		end_talk(t);
		return 0;
	}
	t->limit_ms = SILENT_MS;
	wire_tools_encode(&out, &ask);
	peer_link_send(&t->link, WIRE_TOOLS, &out, WIRE_PLAIN);
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

	if (t->held || wire_held_decode(&m, body))
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
		go_on(t);
	}
	return 0;
}

static int on_need(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_need m;
	int ret = 0;

	if (wire_need_decode(&m, body))
		return err_set(err, EPROTO, "broken NEED");
	if (peer_delivery_is(&t->delivery, m.cell))
		ret = peer_views_need(&t->delivery.views, &m, t->link.ship,
				      &t->delivery.user, err);
	else if (m.cell >= t->link.next_number)
		ret = err_set(err, EPROTO, "it needs what nobody told it of");
	wire_need_release(&m);
	return ret;
}

static int on_have(struct talk *t, struct bytes body, struct err *err)
{
	struct peer_tools_node *n = t->node;
	struct wire_have m;
	struct err why;
	bool is_ours;

	if (wire_have_decode(&m, body))
		return err_set(err, EPROTO, "broken HAVE");
	is_ours = peer_delivery_is(&t->delivery, m.cell);
	if (is_ours && peer_delivery_have(&t->delivery, &m, &why))
		set_answer(&n->given[n->at++], false, why.text);
	else if (is_ours)
		set_answer(&n->given[n->at++], true, NULL);
	wire_have_release(&m);
	if (!is_ours)
		return err_set(err, EPROTO, "it answers what nobody asked");
	peer_delivery_end(&t->delivery);
	go_on(t);
	return 0;
}

static int on_dropped(struct talk *t, struct bytes body, struct err *err)
{
	struct wire_dropped m;
	bool is_ours;

	if (wire_dropped_decode(&m, body))
		return err_set(err, EPROTO, "broken DROPPED");
	is_ours = t->held && t->node->at == t->node->n_bundles &&
		  m.ask == t->drop && t->drop < t->node->n_drops;
	if (is_ours)
		set_answer(&t->node->dropped[t->drop++], !m.state, m.detail);
	wire_dropped_release(&m);
	if (!is_ours)
		return err_set(err, EPROTO, "it answers what nobody asked");
	go_on(t);
	return 0;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct talk *t = ctx;
	int ret = peer_link_hear(&t->link, type, body, err);

	if (type == WIRE_HELLO)
		t->node->rtt_ms = (unsigned)(clock_ms() - t->began_ms);
	if (ret <= 0)
		return ret;
	switch (type) {
	case WIRE_FIT:
	case WIRE_MACHINE:
		return on_fit(t);
	case WIRE_HELD:
		return on_held(t, body, err);
	case WIRE_NEED:
		return on_need(t, body, err);
	case WIRE_HAVE:
		return on_have(t, body, err);
	case WIRE_DROPPED:
		return on_dropped(t, body, err);
	case WIRE_BEAT:
	case WIRE_HEALTH:
		return 0;
	default:
		return err_set(err, EPROTO, "it sends a message of type %u",
			       type);
	}
}

static void on_close(void *ctx, const struct err *why)
{
	give_up(ctx, why->text);
}

static void on_drain(void *ctx)
{
	struct talk *t = ctx;

	peer_ship_more(t->link.ship);
}

static void dial_node(struct talk *t)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close,
						    .on_drain = on_drain };
	struct err err;

	t->began_ms = clock_ms();
	if (peer_link_dial(&t->link, &ops, t, &err))
		give_up(t, err.text);
}

/* How long a node may take to say hello and whether it is fit. */
static uint64_t hello_limit(const struct peer_tools_setup *s,
			    const struct node_entry *entry)
{
	if (s->hello_ms)
		return s->hello_ms;
	if (!s->survey)
		return HELLO_MS;
	if (entry->address.kind == NODE_TLS)
		return TLS_SURVEY_MS;
	return entry->address.kind == NODE_SSH ? SSH_SURVEY_MS : SURVEY_MS;
}

static void check_silence(struct talk *t, uint64_t now)
{
	const struct peer_link *l = &t->link;
	char *why;
	bool known;

	if (t->is_over)
		return;
	if (l->ship)
		peer_ship_retry(l->ship);
	known = peer_link_is_known(l);
	if (now <= (known ? l->heard_ms : t->began_ms) + t->limit_ms)
		return;
	why = xasprintf("%s %u s",
			known         ? "silent for" :
			l->fit_seen   ? "no word about its machine within" :
			l->hello_seen ? "no word about its sandbox within" :
					"no answer within",
			(unsigned)((t->limit_ms + 500) / 1000));
	give_up(t, why);
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
		event_base_loopbreak(r->farm.base);
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		check_silence(&r->talks[i], now);
	if (s->progress)
		s->progress(s->ctx);
}

static void start_round(struct round *r)
{
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	size_t n = r->setup->n;

	r->codec = WIRE_ZSTD;
	r->farm.packed = peer_ship_store(&r->codec);
	r->farm.children = children_new(r->farm.base);
	r->farm.pool = pool_new(r->farm.base, THREADS);
	r->tick = event_new(r->farm.base, -1, EV_PERSIST, on_tick, r);
	if (!r->tick || event_add(r->tick, &tick))
		str_out_of_memory();
	r->talks = xcalloc(n + 1, sizeof(*r->talks));
	r->open = n;
	for (size_t i = 0; i < n; i++) {
		struct peer_tools_node *node = &r->setup->nodes[i];

		peer_tools_release(node);
		node->given = xcalloc(node->n_bundles + 1,
				      sizeof(*node->given));
		node->dropped = xcalloc(node->n_drops + 1,
					sizeof(*node->dropped));
		r->talks[i] = (struct talk){ .round = r,
					     .node = node,
					     .limit_ms = hello_limit(
						     r->setup, node->entry) };
		peer_link_init(&r->talks[i].link, &r->farm, node->entry, NULL);
		r->talks[i].link.codec = r->codec;
	}
	for (size_t i = 0; i < n; i++)
		dial_node(&r->talks[i]);
}

static void free_round(struct round *r, struct store_packed_stats *stats)
{
	for (size_t i = 0; i < r->setup->n; i++) {
		give_up(&r->talks[i], "interrupted");
	}
	pool_free(r->farm.pool);
	if (stats)
		store_packed_stats(r->farm.packed, stats);
	store_packed_free(r->farm.packed);
	children_wait(r->farm.children, GOODBYE_MS);
	children_free(r->farm.children);
	event_free(r->tick);
	peer_farm_release(&r->farm);
	free(r->talks);
}

int peer_tools_run(const struct peer_tools_setup *setup,
		   struct store_packed_stats *stats, struct err *err)
{
	struct round r = { .setup = setup, .farm.base = event_base_new() };

	if (!r.farm.base)
		return err_set(err, ENOMEM, "no event loop");
	start_round(&r);
	if (r.open)
		event_base_dispatch(r.farm.base);
	free_round(&r, stats);
	event_base_free(r.farm.base);
	return r.cancelled ? err_set(err, ECANCELED, "interrupted") : 0;
}
