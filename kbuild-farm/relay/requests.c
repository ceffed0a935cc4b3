/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 16 /* pending requests of a client */
/*
 * Limits on the reply of a member to TOOLS.  They bound the time that
 * reply_held() takes, because it compares each toolchain of one member with the
 * toolchains of all members.
 */
#define PARTS_MAX           64 /* HELD messages */
#define HELD_TOOLCHAINS_MAX 4096

static void free_request(struct relay_session *s, struct relay_request *q)
{
	TAILQ_REMOVE(&s->requests, q, entry);
	for (size_t i = 0; i < q->n_parts; i++)
		wire_held_release(&q->parts[i].m);
	free(q->parts);
	free(q->waiting);
	free(q->refusal);
	buf_release(&q->body);
	free(q);
}

void relay_requests_release(struct relay_session *s)
{
	struct relay_request *q;

	while ((q = TAILQ_FIRST(&s->requests)))
		free_request(s, q);
}

static const struct wire_held_one *find_toolchain(
	const struct relay_request *q, const struct relay_link *l,
	const struct wire_held_one *like)
{
	for (size_t i = 0; i < q->n_parts; i++) {
		const struct wire_held *m = &q->parts[i].m;

		for (uint32_t j = 0;
		     q->parts[i].link == l && j < m->n_toolchains; j++) {
			const struct wire_held_one *one = &m->toolchains[j];

			if (!strcmp(one->id, like->id) &&
			    !strcmp(one->host, like->host) &&
			    digest_equal(&one->dir_digest, &like->dir_digest))
				return one;
		}
	}
	return NULL;
}

/*
 * Combine the states of a toolchain that is installed on all members that have
 * answered.  Returns false if a member lacks it.
 */
static bool combine_toolchain(const struct relay_request *q,
			      struct wire_held_one *sum)
{
	const struct relay_link *last = NULL;

	for (size_t i = 0; i < q->n_parts; i++) {
		const struct wire_held_one *one;

		if (q->parts[i].link == last)
			continue;
		last = q->parts[i].link;
		one = find_toolchain(q, last, sum);
		if (!one)
			return false;
		if (one->state == WIRE_HELD_DAMAGED ||
		    sum->state == WIRE_HELD_OK) {
			sum->state = one->state;
			sum->detail = one->detail;
		}
	}
	return true;
}

static void send_held(struct relay_session *s, struct wire_held *m)
{
	struct buf body = { 0 };

	wire_held_encode_at(&body, m, s->version);
	relay_session_send(s, WIRE_HELD, &body);
	m->n_toolchains = 0;
}

static void reply_held(struct relay_session *s, const struct relay_request *q)
{
	struct wire_held m = { .request_id = q->id };
	const struct relay_link *first = q->n_parts ? q->parts[0].link : NULL;

	m.toolchains = xcalloc(WIRE_HELD_MAX, sizeof(*m.toolchains));
	for (size_t i = 0; i < q->n_parts; i++) {
		const struct wire_held *part = &q->parts[i].m;

		for (uint32_t j = 0;
		     q->parts[i].link == first && j < part->n_toolchains; j++) {
			struct wire_held_one sum = part->toolchains[j];

			if (!combine_toolchain(q, &sum))
				continue;
			if (m.n_toolchains == WIRE_HELD_MAX)
				send_held(s, &m);
			m.toolchains[m.n_toolchains++] = sum;
		}
	}
	m.last = 1;
	send_held(s, &m);
	free(m.toolchains); /* its strings are borrowed */
}

static void reply_dropped(struct relay_session *s,
			  const struct relay_request *q)
{
	struct wire_dropped m = { .request_id = q->id,
				  .state = q->refusal || !q->n_answered,
				  .detail = q->refusal };
	struct buf body = { 0 };

	if (m.state && !m.detail)
		m.detail = (char *)"no member is usable";
	wire_dropped_encode_at(&body, &m, s->version);
	relay_session_send(s, WIRE_DROPPED, &body);
}

static void finish_request(struct relay_session *s, struct relay_request *q)
{
	if (q->n_waiting)
		return;
	if (q->is_drop)
		reply_dropped(s, q);
	else
		reply_held(s, q);
	free_request(s, q);
}

static void send_request(struct relay_link *l, const struct relay_request *q)
{
	wire_stream_send(l->conn.stream, q->is_drop ? WIRE_DROP : WIRE_TOOLS,
			 buf_bytes(&q->body), WIRE_PLAIN);
}

static int decode_request(struct relay_session *s, struct relay_request *q,
			  struct bytes body)
{
	struct wire_tools tools;
	struct wire_drop drop;

	if (!q->is_drop) {
		if (wire_tools_decode_at(&tools, body, s->version))
			return relay_session_end(s, "malformed TOOLS");
		q->id = tools.request_id;
		if (tools.verify)
			q->limit_ms *= RELAY_REPLY_FACTOR;
		return 0;
	}
	if (wire_drop_decode_at(&drop, body, s->version))
		return relay_session_end(s, "malformed DROP");
	q->id = drop.request_id;
	wire_drop_release(&drop);
	return 0;
}

int relay_requests_receive(struct relay_session *s, uint16_t type,
			   struct bytes body)
{
	struct relay_request *q = xcalloc(1, sizeof(*q)), *other;
	size_t n = 0;
	int ret;

	q->is_drop = type == WIRE_DROP;
	q->start_ms = clock_ms();
	q->limit_ms = s->relay->reply_ms;
	list_for_each(other, &s->requests, entry)
		n++;
	ret = n < REQUESTS_MAX ? decode_request(s, q, body) :
				 relay_session_end(s, "too many requests");
	if (ret) {
		free(q);
		return ret;
	}
	buf_add_bytes(&q->body, body);
	TAILQ_INSERT_TAIL(&s->requests, q, entry);
	for (size_t i = 0; i < s->relay->n_members; i++) {
		struct relay_link *l = &s->links[i];

		if (!relay_link_is_expected(l))
			continue;
		*VEC_ADD(q->waiting, q->n_waiting) = l;
		if (l->state == RELAY_LINK_UP)
			send_request(l, q);
	}
	finish_request(s, q);
	return 0;
}

static bool is_answer_pending(const struct relay_request *q,
			      const struct relay_link *l)
{
	for (size_t i = 0; i < q->n_waiting; i++) {
		if (q->waiting[i] == l)
			return true;
	}
	return false;
}

void relay_requests_resume(struct relay_link *l)
{
	const struct relay_request *q;

	list_for_each(q, &l->session->requests, entry) {
		if (is_answer_pending(q, l))
			send_request(l, q);
	}
}

static void stop_waiting(struct relay_request *q, const struct relay_link *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n_waiting; i++) {
		if (q->waiting[i] != l)
			q->waiting[kept++] = q->waiting[i];
	}
	q->n_waiting = kept;
}

/* Discard the incomplete list of a member. */
static void drop_parts(struct relay_request *q, const struct relay_link *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n_parts; i++) {
		if (q->parts[i].link == l)
			wire_held_release(&q->parts[i].m);
		else
			q->parts[kept++] = q->parts[i];
	}
	q->n_parts = kept;
}

/* Return true if a member can add `m` to its reply. */
static bool fits_list(const struct relay_request *q, const struct relay_link *l,
		      const struct wire_held *m)
{
	size_t n_parts = 1, n_toolchains = m->n_toolchains;

	for (size_t i = 0; i < q->n_parts; i++) {
		if (q->parts[i].link != l)
			continue;
		n_parts++;
		n_toolchains += q->parts[i].m.n_toolchains;
	}
	return n_parts <= PARTS_MAX && n_toolchains <= HELD_TOOLCHAINS_MAX;
}

void relay_requests_forget(struct relay_link *l)
{
	struct relay_session *s = l->session;
	struct relay_request *q, *next;

	if (s->end_reason)
		return;
	list_for_each_safe(q, &s->requests, entry, next) {
		if (is_answer_pending(q, l))
			drop_parts(q, l);
		stop_waiting(q, l);
		finish_request(s, q);
	}
}

void relay_requests_tick(struct relay_session *s)
{
	struct relay_request *q, *next;
	uint64_t now = clock_ms();

	list_for_each_safe(q, &s->requests, entry, next) {
		if (now < q->start_ms + q->limit_ms)
			continue;
		while (q->n_waiting) {
			const struct relay_link *l = q->waiting[0];

			free(q->refusal);
			q->refusal = xasprintf("%s: no reply within %u s",
					       l->member->entry.name,
					       q->limit_ms / 1000);
			log_warning("member %s to a request of %s", q->refusal,
				    s->client.address);
			drop_parts(q, l);
			stop_waiting(q, l);
		}
		finish_request(s, q);
	}
}

static struct relay_request *find_request(struct relay_link *l, uint32_t id,
					  bool is_drop)
{
	struct relay_request *q;

	list_for_each(q, &l->session->requests, entry) {
		if (q->id == id && q->is_drop == is_drop &&
		    is_answer_pending(q, l))
			return q;
	}
	return NULL;
}

static int on_held(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_request *q;
	struct wire_held m;
	bool last;

	if (wire_held_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed HELD");
	q = find_request(l, m.request_id, false);
	/* Ignore a reply to a request that has already ended. */
	if (!q) {
		wire_held_release(&m);
		return 0;
	}
	if (!fits_list(q, l, &m)) {
		wire_held_release(&m);
		return err_set(err, EMSGSIZE, "list of toolchains too long");
	}
	last = m.last;
	*VEC_ADD(q->parts, q->n_parts) = (struct relay_held_part){ l, m };
	if (!last)
		return 0;
	q->n_answered++;
	stop_waiting(q, l);
	finish_request(l->session, q);
	return 0;
}

static int on_dropped(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_request *q;
	struct wire_dropped m;

	if (wire_dropped_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed DROPPED");
	q = find_request(l, m.request_id, true);
	if (q && m.state) {
		free(q->refusal);
		q->refusal = xasprintf("%s: %s", l->member->entry.name,
				       m.detail);
	}
	wire_dropped_release(&m);
	if (!q)
		return 0;
	q->n_answered++;
	stop_waiting(q, l);
	finish_request(l->session, q);
	return 0;
}

int relay_requests_handle(struct relay_link *l, uint16_t type,
			  struct bytes body, struct err *err)
{
	return type == WIRE_HELD ? on_held(l, body, err) :
				   on_dropped(l, body, err);
}
