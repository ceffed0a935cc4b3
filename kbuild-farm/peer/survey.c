/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/survey.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "tls/dialer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_TIMEOUT_MS        10000 /* a refused connection fails earlier */
#define SSH_SURVEY_TIMEOUT_MS   8000
#define TLS_SURVEY_TIMEOUT_MS   (TLS_DIALER_MAX_MS + 500)
#define MEMBERS_TIMEOUT_MS      1000 /* after BYE */
#define SILENCE_TIMEOUT_MS      15000 /* a node sends a message every second */
#define CHILD_EXIT_WAIT_MS      400
#define TICK_MS                 200
#define THREADS                 3
#define SURVEYED_TOOLCHAINS_MAX 4096 /* far above realistic numbers */

struct survey_state;

/* The session with one node. */
struct survey_session {
	struct survey_state *survey;
	struct peer_survey_node *node;
	struct peer_conn conn;
	uint64_t start_ms, timeout_ms;
	uint64_t bye_ms; /* time at which BYE was sent, if node->up is set */
	bool list_received;
	struct peer_bundle_upload upload;
	size_t next_removal; /* index of the current removal */
	bool finished;
};

struct survey_state {
	const struct peer_survey_setup *setup;
	struct peer_shared shared;
	struct event *tick;
	enum wire_codec codec;
	struct survey_session *sessions;
	size_t n_open;
	bool cancelled;
};

void peer_survey_init(struct peer_survey_node *n,
		      const struct node_entry *entry)
{
	*n = (struct peer_survey_node){ .entry = entry };
}

static void free_outcomes(struct peer_survey_outcome *a, size_t n)
{
	for (size_t i = 0; a && i < n; i++)
		free(a[i].detail);
	free(a);
}

void peer_survey_release(struct peer_survey_node *n)
{
	free(n->why);
	free(n->excluded_reason);
	wire_hello_release(&n->hello);
	wire_fit_release(&n->fit);
	wire_machine_release(&n->machine);
	strv_release(&n->members);
	for (size_t i = 0; i < n->n_toolchains; i++) {
		free(n->toolchains[i].id);
		free(n->toolchains[i].host);
		free(n->toolchains[i].detail);
	}
	free(n->toolchains);
	free_outcomes(n->bundle_outcomes, n->n_bundles);
	free_outcomes(n->removal_outcomes, n->n_removals);
	*n = (struct peer_survey_node){ .entry = n->entry,
					.bundles = n->bundles,
					.n_bundles = n->n_bundles,
					.removals = n->removals,
					.n_removals = n->n_removals };
}

const struct peer_survey_toolchain *peer_survey_find(
	const struct peer_survey_node *n, const char *id)
{
	for (size_t i = 0; i < n->n_toolchains; i++) {
		if (!strcmp(n->toolchains[i].id, id))
			return &n->toolchains[i];
	}
	return NULL;
}

static void end_survey_session(struct survey_session *t)
{
	struct peer_conn *l = &t->conn;

	t->finished = true;
	peer_bundle_upload_stop(&t->upload);
	if (l->has_hello && l->version > 0) {
		t->node->hello = l->hello;
		l->has_hello = false;
	}
	t->node->fit = l->fit;
	l->fit = (struct wire_fit){ 0 };
	t->node->machine = l->machine;
	l->machine = (struct wire_machine){ 0 };
	peer_conn_release(l);
	if (!--t->survey->n_open)
		event_base_loopbreak(t->survey->shared.base);
}

static void fail_survey_session(struct survey_session *t, const char *why)
{
	if (t->finished)
		return;
	if (t->node->up) {
		end_survey_session(t);
		return;
	}
	peer_bundle_upload_stop(&t->upload);
	t->node->why = peer_conn_close_and_explain(&t->conn, why);
	end_survey_session(t);
}

static void set_survey_outcome(struct peer_survey_outcome *a, bool ok,
			       const char *detail)
{
	a->succeeded = ok;
	free(a->detail);
	a->detail = detail && *detail ? xstrdup(detail) : NULL;
}

static void on_file_failed(void *ctx, const struct inputs_entry *e,
			   const char *why)
{
	struct survey_session *t = ctx;

	(void)e;
	/* The node waits for a file that cannot be read: end the session. */
	set_survey_outcome(&t->node->bundle_outcomes[t->node->next_bundle],
			   false, why);
	fail_survey_session(t, why);
}

static void send_survey_bye(struct survey_session *t)
{
	struct buf body = { 0 };

	t->node->up = true;
	t->bye_ms = clock_ms();
	wire_bye_encode(&body, "done");
	peer_conn_send(&t->conn, WIRE_BYE, &body, WIRE_PLAIN);
}

/* Start the next upload or removal; end the session if none is left. */
static void advance_session(struct survey_session *t)
{
	struct peer_survey_node *n = t->node;
	struct peer_blob_upload_user user = { .on_failed = on_file_failed,
					      .ctx = t,
					      .stats = &n->upload_stats };
	struct wire_drop drop = { .request_id = (uint32_t)t->next_removal };
	struct buf body = { 0 };
	struct err err;

	if (n->next_bundle < n->n_bundles) {
		if (peer_bundle_upload_start(&t->upload,
					     n->bundles[n->next_bundle],
					     &t->conn, &user, &err))
			fail_survey_session(t, err.text);
	} else if (t->next_removal < n->n_removals) {
		drop.id = n->removals[t->next_removal];
		wire_drop_encode_at(&body, &drop, t->conn.version);
		peer_conn_send(&t->conn, WIRE_DROP, &body, WIRE_PLAIN);
	} else {
		send_survey_bye(t);
		end_survey_session(t);
	}
}

/*
 * Handle the end of the greeting.  With `identify_only`, send BYE at once.  A
 * relay sends RELAY directly after MACHINE.  If the protocol version of the
 * session has RELAY, the session therefore continues after BYE until the node
 * sends RELAY or closes the session, but at most for MEMBERS_TIMEOUT_MS.  If
 * the version has no RELAY, the session ends at once.
 */
static int on_fit(struct survey_session *t)
{
	struct wire_tools ask = { .request_id = 1,
				  .verify = t->survey->setup->rehash };
	struct buf out = { 0 };

	if (t->survey->setup->identify_only) {
		send_survey_bye(t);
		if (!wire_type_name(WIRE_RELAY, t->conn.version))
			end_survey_session(t);
		return 0;
	}
	t->timeout_ms = SILENCE_TIMEOUT_MS;
	wire_tools_encode_at(&out, &ask, t->conn.version);
	peer_conn_send(&t->conn, WIRE_TOOLS, &out, WIRE_PLAIN);
	return 0;
}

static int on_relay(struct survey_session *t, struct bytes body,
		    struct err *err)
{
	struct wire_relay m;

	if (wire_relay_decode_at(&m, body, t->conn.version))
		return err_set(err, EPROTO, "malformed RELAY");
	t->node->is_relay = true;
	strv_release(&t->node->members);
	t->node->members = m.members;
	m.members = (struct strv){ 0 };
	wire_relay_release(&m);
	if (t->node->up)
		end_survey_session(t);
	return 0;
}

static int on_held(struct survey_session *t, struct bytes body, struct err *err)
{
	struct peer_survey_node *n = t->node;
	struct wire_held m;
	bool last;

	if (t->list_received || wire_held_decode_at(&m, body, t->conn.version))
		return err_set(err, EPROTO, "invalid HELD");
	last = m.last;
	if (n->n_toolchains + m.n_toolchains > SURVEYED_TOOLCHAINS_MAX) {
		wire_held_release(&m);
		return err_set(err, EPROTO, "too many installed toolchains");
	}
	for (uint32_t i = 0; i < m.n_toolchains; i++) {
		struct wire_held_one *one = &m.toolchains[i];

		*VEC_ADD(n->toolchains,
			 n->n_toolchains) = (struct peer_survey_toolchain){
			.id = xstrdup(one->id),
			.host = xstrdup(one->host),
			.dir_digest = one->dir_digest,
			.state = (enum wire_held_state)one->state,
			.detail = *one->detail ? xstrdup(one->detail) : NULL,
		};
	}
	wire_held_release(&m);
	if (last) {
		t->list_received = true;
		advance_session(t);
	}
	return 0;
}

static int on_need(struct survey_session *t, struct bytes body, struct err *err)
{
	struct wire_need m;
	int ret = 0;

	if (wire_need_decode_at(&m, body, t->conn.version))
		return err_set(err, EPROTO, "malformed NEED");
	if (peer_bundle_upload_is_number(&t->upload, m.cell))
		ret = peer_input_updates_handle_need(&t->upload.updates, &m,
						     &t->conn, err);
	else if (m.cell >= t->conn.next_number)
		ret = err_set(err, EPROTO, "unexpected NEED: no such request");
	wire_need_release(&m);
	return ret;
}

static int on_have(struct survey_session *t, struct bytes body, struct err *err)
{
	struct peer_survey_node *n = t->node;
	struct wire_have m;
	struct err why;
	bool is_ours;

	if (wire_have_decode_at(&m, body, t->conn.version))
		return err_set(err, EPROTO, "malformed HAVE");
	is_ours = peer_bundle_upload_is_number(&t->upload, m.cell);
	if (is_ours && peer_bundle_upload_check_have(&t->upload, &m, &why))
		set_survey_outcome(&n->bundle_outcomes[n->next_bundle++], false,
				   why.text);
	else if (is_ours)
		set_survey_outcome(&n->bundle_outcomes[n->next_bundle++], true,
				   NULL);
	wire_have_release(&m);
	if (!is_ours)
		return err_set(err, EPROTO,
			       "unexpected HAVE: no request is pending");
	peer_bundle_upload_stop(&t->upload);
	advance_session(t);
	return 0;
}

static int on_dropped(struct survey_session *t, struct bytes body,
		      struct err *err)
{
	struct wire_dropped m;
	bool is_ours;

	if (wire_dropped_decode_at(&m, body, t->conn.version))
		return err_set(err, EPROTO, "malformed DROPPED");
	is_ours = t->list_received &&
		  t->node->next_bundle == t->node->n_bundles &&
		  m.request_id == t->next_removal &&
		  t->next_removal < t->node->n_removals;
	if (is_ours)
		set_survey_outcome(
			&t->node->removal_outcomes[t->next_removal++], !m.state,
			m.detail);
	wire_dropped_release(&m);
	if (!is_ours)
		return err_set(err, EPROTO,
			       "unexpected DROPPED: no request is pending");
	advance_session(t);
	return 0;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct survey_session *t = ctx;
	int ret = peer_conn_handle_message(&t->conn, type, body, err);

	if (type == WIRE_HELLO)
		t->node->rtt_ms = (unsigned)(clock_ms() - t->start_ms);
	if (ret <= 0)
		return ret;
	switch (type) {
	case WIRE_FIT:
	case WIRE_MACHINE:
		return on_fit(t);
	case WIRE_RELAY:
		return on_relay(t, body, err);
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
	case WIRE_LEASE:
		return 0;
	default:
		return err_set(err, EPROTO, "unexpected message of type %u",
			       type);
	}
}

static void on_close(void *ctx, const struct err *why)
{
	fail_survey_session(ctx, why->text);
}

static void on_drain(void *ctx)
{
	struct survey_session *t = ctx;

	peer_blob_upload_resume(t->conn.upload);
}

/* Return the time limit for HELLO, FIT and MACHINE in ms. */
static uint64_t hello_timeout_for(const struct peer_survey_setup *s,
				  const struct node_entry *entry)
{
	if (s->hello_timeout_ms)
		return s->hello_timeout_ms;
	if (entry->address.kind == NODE_ADDRESS_TLS)
		return TLS_SURVEY_TIMEOUT_MS;
	if (!s->identify_only)
		return HELLO_TIMEOUT_MS;
	return entry->address.kind == NODE_ADDRESS_SSH ? SSH_SURVEY_TIMEOUT_MS :
							 PEER_SURVEY_TIMEOUT_MS;
}

static void check_silence(struct survey_session *t, uint64_t now)
{
	struct peer_conn *l = &t->conn;
	char *why;
	bool known;

	if (t->finished)
		return;
	if (t->node->up) {
		if (now > t->bye_ms + MEMBERS_TIMEOUT_MS)
			end_survey_session(t);
		return;
	}
	if (l->upload)
		peer_blob_upload_retry(l->upload);
	known = peer_conn_is_identified(l);
	if (now <= (known ? l->received_ms : t->start_ms) + t->timeout_ms ||
	    (l->silence.pid &&
	     !work_timer_has_expired(known ? &l->silence : &l->greeting)))
		return;
	why = xasprintf("%s %g s",
			known             ? "silent for" :
			l->fit_received   ? "no MACHINE received within" :
			l->hello_received ? "no FIT received within" :
					    "no answer within",
			(double)t->timeout_ms / 1000);
	fail_survey_session(t, why);
	free(why);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct survey_state *r = arg;
	const struct peer_survey_setup *s = r->setup;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (s->cancel && atomic_load(s->cancel)) {
		r->cancelled = true;
		event_base_loopbreak(r->shared.base);
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		check_silence(&r->sessions[i], now);
	if (s->on_progress)
		s->on_progress(s->ctx);
}

static void start_survey(struct survey_state *r)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close,
						    .on_drain = on_drain };
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	size_t n = r->setup->n;

	r->codec = WIRE_ZSTD;
	r->shared.packed = peer_blob_upload_new_cache(&r->codec);
	r->shared.children = children_new(r->shared.base);
	r->shared.pool = pool_new(r->shared.base, THREADS);
	r->tick = event_new(r->shared.base, -1, EV_PERSIST, on_tick, r);
	if (!r->tick || event_add(r->tick, &tick))
		str_out_of_memory();
	r->sessions = xcalloc(n + 1, sizeof(*r->sessions));
	r->n_open = n;
	for (size_t i = 0; i < n; i++) {
		struct peer_survey_node *node = &r->setup->nodes[i];

		peer_survey_release(node);
		node->bundle_outcomes = xcalloc(node->n_bundles + 1,
						sizeof(*node->bundle_outcomes));
		node->removal_outcomes = xcalloc(
			node->n_removals + 1, sizeof(*node->removal_outcomes));
		r->sessions[i] = (struct survey_session){
			.survey = r,
			.node = node,
			.timeout_ms = hello_timeout_for(r->setup, node->entry)
		};
		peer_conn_init(&r->sessions[i].conn, &r->shared, node->entry,
			       NULL);
		r->sessions[i].conn.codec = r->codec;
	}
	for (size_t i = 0; i < n; i++) {
		struct survey_session *t = &r->sessions[i];
		struct err err;

		t->start_ms = clock_ms();
		if (peer_conn_dial(&t->conn, &ops, t, &err))
			fail_survey_session(t, err.text);
	}
}

int peer_survey_run(const struct peer_survey_setup *setup,
		    struct store_packed_cache_stats *stats, struct err *err)
{
	struct survey_state r = { .setup = setup,
				  .shared.base = event_base_new() };

	if (!r.shared.base)
		return err_set(err, ENOMEM, "cannot create event loop");
	start_survey(&r);
	if (r.n_open)
		event_base_dispatch(r.shared.base);

	for (size_t i = 0; i < setup->n; i++)
		fail_survey_session(&r.sessions[i], "interrupted");
	pool_free(r.shared.pool);
	if (stats)
		store_packed_cache_stats(r.shared.packed, stats);
	store_packed_cache_free(r.shared.packed);
	children_wait(r.shared.children, CHILD_EXIT_WAIT_MS);
	children_free(r.shared.children);
	event_free(r.tick);
	peer_shared_release(&r.shared);
	free(r.sessions);
	event_base_free(r.shared.base);
	return r.cancelled ? err_set(err, ECANCELED, "interrupted") : 0;
}
