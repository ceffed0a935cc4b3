/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

/*
 * limit on the VIEWs sent to a sandbox of a member at once, below
 * KFARMD_INPUT_SINK_UPDATES_MAX
 */
#define REPLAY_MAX 32000
#define DIALS_MAX  3 /* failed dials after which no job waits for the member */

void relay_link_init(struct relay_link *l, struct relay_session *s,
		     struct relay_member *m, const struct relay_link_ops *ops)
{
	l->ops = ops;
	l->session = s;
	l->member = m;
	l->lease = WIRE_LEASE_UNLIMITED;
	l->closed_user.base_dir = s->relay->store_dir;
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

static void add_link_target(struct relay_link *l, struct relay_target *t)
{
	struct relay_link_target *lt = VEC_ADD(l->targets, l->n_targets);
	struct peer_blob_upload_user *user = xcalloc(1, sizeof(*user));

	*user = (struct peer_blob_upload_user){
		.on_failed = t->on_blob_lost,
		.ctx = t,
		.base_dir = l->session->relay->store_dir,
		.sequential = t->is_bundle,
	};
	*lt = (struct relay_link_target){ .target = t,
					  .number = t->number,
					  .user = user,
					  .activity_ms = clock_ms() };
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

	if (l->state != RELAY_LINK_UP)
		return;
	if (e->type == WIRE_CELL || e->type == WIRE_BUNDLE) {
		add_link_target(l, e->target);
		if (e->target->forwarded_view > REPLAY_MAX) {
			log_warning(
				"member %s: connected too late, after %u input "
				"updates; it gets jobs in the next session of "
				"the build host",
				l->member->entry.name,
				e->target->forwarded_view);
			l->targets[l->n_targets - 1].state = RELAY_TARGET_GONE;
			return;
		}
	} else if (e->target) {
		lt = relay_link_find(l, e->target->number);
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

void relay_link_forget_closed(struct relay_link *l)
{
	if (l->conn.upload)
		peer_blob_upload_remove_user(l->conn.upload, &l->closed_user);
}

void relay_link_close(struct relay_link *l, const char *why)
{
	bool was_up = l->state == RELAY_LINK_UP;
	char *text = peer_conn_explain(&l->conn, why);

	if (l->state == RELAY_LINK_GREETING)
		l->n_failures++;
	log_warning("member %s: session for %s ended: %s",
		    l->member->entry.name, l->session->client.address, text);
	l->state = RELAY_LINK_DOWN;
	l->since_ms = clock_ms();
	l->lease = WIRE_LEASE_UNLIMITED;
	while (l->n_targets)
		remove_link_target(l, &l->targets[l->n_targets - 1]);
	peer_conn_close(&l->conn);
	l->ops->on_down(l, was_up, text);
	free(text);
}

static void send_exclude(struct relay_link *l, const char *below)
{
	struct wire_exclude m = { .member = (char *)below };
	struct buf body = { 0 };

	if (!wire_type_name(WIRE_EXCLUDE, l->conn.version))
		return;
	wire_exclude_encode_at(&body, &m, l->conn.version);
	peer_conn_send(&l->conn, WIRE_EXCLUDE, &body, WIRE_PLAIN);
}

void relay_link_exclude(struct relay_link *l, const char *below)
{
	log_warning(
		"member %s%s%s: wrong result: excluded by the build host %s",
		l->member->entry.name, below ? "/" : "", below ? below : "",
		l->session->client.address);
	if (!below) {
		l->barred = true;
		if (l->state != RELAY_LINK_DOWN)
			relay_link_close(l, "excluded by the build host");
		return;
	}
	if (strv_has(&l->excluded, below) ||
	    l->excluded.n >= WIRE_RELAY_MEMBERS_MAX)
		return;
	strv_add(&l->excluded, below);
	if (l->state == RELAY_LINK_UP)
		send_exclude(l, below);
}

void relay_link_release(struct relay_link *l)
{
	while (l->n_targets)
		remove_link_target(l, &l->targets[l->n_targets - 1]);
	free(l->targets);
	strv_release(&l->excluded);
	peer_conn_release(&l->conn);
}

static void on_link_up(struct relay_link *l)
{
	struct relay_session *s = l->session;
	const struct relay_log_entry *e;

	l->state = RELAY_LINK_UP;
	l->since_ms = clock_ms();
	l->n_failures = 0;
	for (size_t i = 0; i < l->excluded.n; i++)
		send_exclude(l, l->excluded.v[i]);
	list_for_each(e, &s->log, entry)
		relay_link_forward(l, e);
	l->ops->on_up(l);
}

static int dispatch_link_msg(struct relay_link *l, uint16_t type,
			     struct bytes body, struct err *err)
{
	if (type != WIRE_FIT && type != WIRE_MACHINE)
		return l->ops->on_message(l, type, body, err);
	on_link_up(l);
	return 0;
}

static int on_link_msg(void *ctx, uint16_t type, struct bytes body,
		       struct err *err)
{
	struct relay_link *l = ctx;
	int ret = peer_conn_handle_message(&l->conn, type, body, err);

	if (ret == -EPROTONOSUPPORT)
		l->barred = true;
	/* Handle no message while the session with the client is ending. */
	if (ret <= 0 || l->session->end_reason)
		return ret < 0 ? ret : 0;
	return dispatch_link_msg(l, type, body, err);
}

static void on_link_close(void *ctx, const struct err *why)
{
	relay_link_close(ctx, why->text);
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

bool relay_link_is_expected(const struct relay_link *l)
{
	return !l->barred && l->n_failures < DIALS_MAX &&
	       relay_member_is_usable(l->member);
}

void relay_link_tick(struct relay_link *l)
{
	uint64_t now = clock_ms();

	switch (l->state) {
	case RELAY_LINK_DOWN: /* the dispatcher dials */
		break;
	case RELAY_LINK_GREETING:
		if (now >= l->since_ms + RELAY_GREETING_MS)
			relay_link_close(l, "no HELLO before the deadline");
		break;
	case RELAY_LINK_UP:
		peer_blob_upload_retry(l->conn.upload);
		/*
		 * A member waits for a lost blob without requesting it again.
		 * In a new session, it requests the blobs that it lacks.
		 */
		if (peer_blob_upload_has_lost(l->conn.upload))
			relay_link_close(l, "a requested blob is unreadable");
		else if (now > l->conn.received_ms + RELAY_SILENCE_MS)
			relay_link_close(l, "silent for 5 s");
		break;
	}
}
