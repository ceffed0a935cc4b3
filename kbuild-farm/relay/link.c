/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GREETING_MS 10000 /* limit for HELLO, FIT and MACHINE of a member */
#define SILENCE_MS  5000 /* a member that is silent longer is lost */
#define REDIAL_MS   1000

void relay_link_init(struct relay_link *l, struct relay_session *s,
		     struct relay_member *m)
{
	l->session = s;
	l->member = m;
	l->lease = WIRE_LEASE_UNLIMITED;
	peer_conn_init(&l->conn, &s->relay->shared, &m->entry, l);
	l->conn.only_version = s->version;
}

struct relay_link_target *relay_link_find(struct relay_link *l, uint32_t number)
{
	for (size_t i = 0; i < l->n_targets; i++) {
		if (l->targets[i].number == number)
			return &l->targets[i];
	}
	return NULL;
}

/* The blob in the store of the relay is damaged or was removed. */
static void on_upload_failed(void *ctx, const struct inputs_entry *e,
			     const char *why)
{
	struct relay_link *l = ctx;
	struct relay_session *s = l->session;
	int fd = store_open_blob(s->relay->daemon->store,
				 &e->file_digest.digest,
				 e->file_digest.stamp.size);

	/*
	 * The store has removed a damaged blob, so the next session requests it
	 * again.
	 */
	if (fd >= 0)
		close(fd);
	relay_session_end(s, "relay: %s", why);
}

static void add_link_target(struct relay_link *l, struct relay_target *t)
{
	struct relay_link_target *lt = VEC_ADD(l->targets, l->n_targets);
	struct peer_blob_upload_user *user = xcalloc(1, sizeof(*user));

	*user = (struct peer_blob_upload_user){
		.on_failed = on_upload_failed,
		.ctx = l,
		.base_dir = l->session->relay->store_dir,
		.sequential = t->is_bundle,
	};
	*lt = (struct relay_link_target){ .target = t,
					  .number = t->number,
					  .user = user };
}

static void remove_link_target(struct relay_link *l,
			       struct relay_link_target *lt)
{
	if (l->conn.upload)
		peer_blob_upload_remove_user(l->conn.upload, lt->user);
	free(lt->user);
	*lt = l->targets[--l->n_targets];
}

void relay_link_forward(struct relay_link *l, const struct relay_log_entry *e)
{
	const struct relay_link_target *lt;
	struct relay_target *t;

	if (l->state != RELAY_LINK_UP)
		return;
	if (e->type == WIRE_CELL || e->type == WIRE_BUNDLE) {
		t = relay_inputs_find(l->session, e->number);
		if (t)
			add_link_target(l, t);
	} else if (e->numbered) {
		lt = relay_link_find(l, e->number);
		if (!lt || lt->state == RELAY_TARGET_GONE)
			return;
	}
	wire_stream_send(l->conn.stream, e->type, buf_bytes(&e->body),
			 l->conn.codec);
}

void relay_link_shut(struct relay_link *l, uint32_t number)
{
	struct relay_link_target *lt = relay_link_find(l, number);
	struct buf body = { 0 };

	if (!lt)
		return;
	if (l->state == RELAY_LINK_UP && lt->state != RELAY_TARGET_GONE) {
		wire_number_encode(&body, number);
		peer_conn_send(&l->conn, WIRE_SHUT, &body, WIRE_PLAIN);
	}
	remove_link_target(l, lt);
}

/* Update all sandboxes and bundles after a member has left. */
static void update_targets(struct relay_session *s)
{
	struct relay_target *t, *next;

	if (s->end_reason)
		return;
	list_for_each_safe(t, &s->targets, entry, next)
		relay_inputs_update_target(t);
}

void relay_link_close(struct relay_link *l, const char *why)
{
	char *text = peer_conn_explain(&l->conn, why);

	log_warning("member %s: session for %s ended: %s",
		    l->member->entry.name, l->session->address, text);
	l->state = RELAY_LINK_DOWN;
	l->since_ms = clock_ms();
	l->lease = WIRE_LEASE_UNLIMITED;
	l->busy_until_ms = 0;
	relay_inputs_forget(l);
	relay_requests_forget(l);
	while (l->n_targets)
		remove_link_target(l, &l->targets[l->n_targets - 1]);
	relay_jobs_requeue(l, text);
	peer_conn_close(&l->conn);
	free(text);
	update_targets(l->session);
}

void relay_link_release(struct relay_link *l)
{
	while (l->n_targets)
		remove_link_target(l, &l->targets[l->n_targets - 1]);
	free(l->targets);
	peer_conn_release(&l->conn);
}

static void on_link_up(struct relay_link *l)
{
	struct relay_session *s = l->session;
	const struct relay_log_entry *e;

	l->state = RELAY_LINK_UP;
	l->since_ms = clock_ms();
	list_for_each(e, &s->log, entry)
		relay_link_forward(l, e);
	relay_requests_resume(l);
}

/*
 * The build host has verified that one build of the compiler compiles as the
 * local one, so a member with another build is not used.
 */
static bool is_other_identity(const struct relay_link *l,
			      struct relay_target *t, const char *detail)
{
	if (!t->detail)
		t->detail = xstrdup(detail);
	if ((!t->has_identity && !t->is_bundle) || !strcmp(t->detail, detail))
		return false;
	log_warning("member %s: its build of the compiler differs from that of "
		    "other members; the member is not used for it",
		    l->member->entry.name);
	return true;
}

static int on_have(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_link_target *lt;
	struct relay_target *t;
	struct buf shut = { 0 };
	struct wire_have m;

	if (wire_have_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed HAVE");
	lt = relay_link_find(l, m.cell);
	t = lt ? lt->target : NULL;
	if (!lt || lt->state == RELAY_TARGET_GONE) {
		wire_have_release(&m);
		return 0;
	}
	if (m.state == WIRE_HAVE_READY) {
		lt->state = RELAY_TARGET_READY;
		if (is_other_identity(l, t, m.detail)) {
			lt->state = RELAY_TARGET_GONE;
			wire_number_encode(&shut, m.cell);
			peer_conn_send(&l->conn, WIRE_SHUT, &shut, WIRE_PLAIN);
		}
	} else {
		lt->state = RELAY_TARGET_GONE;
		free(t->problem);
		t->problem = xasprintf("%s: %s", l->member->entry.name,
				       m.detail);
		log_warning("member %s: sandbox or bundle %u %s: %s",
			    l->member->entry.name, m.cell,
			    m.state == WIRE_HAVE_LOST ? "lost" : "refused",
			    m.detail);
	}
	wire_have_release(&m);
	relay_inputs_update_target(t);
	relay_jobs_dispatch(l->session);
	return 0;
}

static int on_need(struct relay_link *l, struct bytes body, struct err *err)
{
	struct wire_need m;
	int ret;

	if (wire_need_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed NEED");
	ret = relay_inputs_need(l, &m, err);
	wire_need_release(&m);
	return ret;
}

/* The connection without jobs (relay.c) reports these messages as well. */
static int ignore_state(const struct relay_link *l, uint16_t type,
			struct bytes body, struct err *err)
{
	struct wire_health health;
	struct wire_relay relay;
	int ret;

	if (type == WIRE_HEALTH) {
		ret = wire_health_decode_at(&health, body, l->conn.version);
	} else {
		ret = wire_relay_decode_at(&relay, body, l->conn.version);
		if (!ret)
			wire_relay_release(&relay);
	}
	return ret ? err_set(err, EPROTO, "malformed %s",
			     wire_type_name(type, l->conn.version)) :
		     0;
}

static int dispatch_link_msg(struct relay_link *l, uint16_t type,
			     struct bytes body, struct err *err)
{
	struct wire_lease lease;

	switch (type) {
	case WIRE_FIT:
	case WIRE_MACHINE:
		on_link_up(l);
		return 0;
	case WIRE_HEALTH:
	case WIRE_RELAY:
		return ignore_state(l, type, body, err);
	case WIRE_LEASE:
		if (wire_lease_decode_at(&lease, body, l->conn.version))
			return err_set(err, EPROTO, "malformed LEASE");
		l->lease = lease.n_slots;
		return 0;
	case WIRE_HAVE:
		return on_have(l, body, err);
	case WIRE_NEED:
		return on_need(l, body, err);
	case WIRE_HELD:
	case WIRE_DROPPED:
		return relay_requests_handle(l, type, body, err);
	default:
		return relay_jobs_handle(l, type, body, err);
	}
}

static int on_link_msg(void *ctx, uint16_t type, struct bytes body,
		       struct err *err)
{
	struct relay_link *l = ctx;
	int ret = peer_conn_handle_message(&l->conn, type, body, err);

	if (ret == -EPROTONOSUPPORT)
		l->incompatible = true;
	/* The session with the client is about to be freed. */
	if (ret <= 0 || l->session->end_reason)
		return ret < 0 ? ret : 0;
	return dispatch_link_msg(l, type, body, err);
}

static void on_link_close(void *ctx, const struct err *why)
{
	relay_link_close(ctx, why->text);
	relay_jobs_dispatch(((struct relay_link *)ctx)->session);
}

static void on_link_drain(void *ctx)
{
	struct relay_link *l = ctx;

	peer_blob_upload_resume(l->conn.upload);
}

void relay_link_dial(struct relay_link *l)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_link_msg,
		.on_close = on_link_close,
		.on_drain = on_link_drain,
	};
	struct err err = { 0 };

	l->state = RELAY_LINK_GREETING;
	l->since_ms = clock_ms();
	if (peer_conn_dial(&l->conn, &ops, l, &err))
		relay_link_close(l, err.text);
}

void relay_link_tick(struct relay_link *l)
{
	uint64_t now = clock_ms();

	switch (l->state) {
	case RELAY_LINK_DOWN:
		if (relay_member_is_usable(l->member) && !l->incompatible &&
		    (!l->since_ms || now >= l->since_ms + REDIAL_MS))
			relay_link_dial(l);
		break;
	case RELAY_LINK_GREETING:
		if (now >= l->since_ms + GREETING_MS)
			relay_link_close(l, "no HELLO within 10 s");
		break;
	case RELAY_LINK_UP:
		peer_blob_upload_retry(l->conn.upload);
		if (now > l->conn.received_ms + SILENCE_MS)
			relay_link_close(l, "silent for 5 s");
		break;
	}
}
