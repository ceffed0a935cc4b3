/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/relay.h"

#include "base/clock.h"
#include "base/log.h"
#include "relay/internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_HELLO_MS 5000 /* limit for the HELLO of a client */
/*
 * If more than max_backlog bytes are queued for a client, the relay pauses
 * reading from the client.  The client closes the connection if a pause takes
 * 10 s (TCP_USER_TIMEOUT in base/socket.c), so a pause already ends when the
 * queue is PAUSE_BYTES below max_backlog.
 */
#define PAUSE_BYTES (1u << 20)

/* End all jobs and the sessions with the members, and send BYE. */
static void stop_session(struct relay_session *s, const char *why)
{
	struct buf body = { 0 };

	if (s->stopped)
		return;
	s->stopped = true;
	/* The code below must not end the session again. */
	if (!s->end_reason)
		s->end_reason = xstrdup(why);
	relay_dispatch_stop(s);
	relay_jobs_free_all(s);
	relay_requests_release(s);
	for (size_t i = 0; s->links && i < s->relay->n_members; i++)
		relay_link_release(&s->links[i]);
	free(s->links);
	s->links = NULL;
	relay_inputs_release(s);
	if (!s->client_closed) {
		wire_bye_encode(&body, why);
		relay_session_send(s, WIRE_BYE, &body);
	}
}

static void free_session(struct relay_session *s, const char *why)
{
	struct relay *r = s->relay;

	stop_session(s, why);
	TAILQ_REMOVE(&r->sessions, s, entry);
	wire_stream_free(s->stream);
	event_free(s->timer);
	event_free(s->end_event);
	buf_release(&s->sent_relay);
	kfarmd_peer_remove(r->daemon, &s->client);
	free(s->end_reason);
	free(s);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct relay_session *s = arg;
	struct kfarmd *a = s->relay->daemon;

	(void)fd;
	(void)what;
	if (!s->client_closed) {
		log_warning("closing session with %s: %s", s->client.address,
			    s->end_reason);
		stop_session(s, s->end_reason);
		wire_stream_finish(s->stream);
		return;
	}
	free_session(s, s->end_reason);
	if (!a->n_sessions && a->on_idle)
		a->on_idle(a);
}

static void send_greeting(struct relay_session *s)
{
	struct buf body = { 0 };
	struct wire_hello hello;
	struct wire_fit fit;

	s->greeted = true;
	relay_sum_hello(s->relay, &hello);
	s->sent_slots = hello.inventory.slots;
	wire_hello_encode(&body, &hello);
	wire_hello_release(&hello);
	relay_session_send(s, WIRE_HELLO, &body);
	relay_sum_fit(s->relay, &fit);
	wire_fit_encode(&body, &fit);
	wire_fit_release(&fit);
	relay_session_send(s, WIRE_FIT, &body);
}

/*
 * Send RELAY if the members have changed, but not for each change: a member
 * whose list changes all the time must not fill the queue of a slow client.
 */
static void send_members(struct relay_session *s)
{
	uint64_t now = clock_ms();
	struct buf body = { 0 };
	struct wire_relay m;

	if (!wire_type_name(WIRE_RELAY, s->version))
		return;
	s->members_changed = true;
	if (wire_stream_is_full(s->stream) ||
	    (s->relay_ms && now < s->relay_ms + RELAY_CHANGES_MS))
		return;
	s->members_changed = false;
	relay_list_members(s->relay, &m);
	wire_relay_encode_at(&body, &m, s->version);
	wire_relay_release(&m);
	if (!bytes_equal(buf_bytes(&body), buf_bytes(&s->sent_relay))) {
		buf_reset(&s->sent_relay);
		buf_add_bytes(&s->sent_relay, buf_bytes(&body));
		s->relay_ms = now;
		relay_session_send(s, WIRE_RELAY, &body);
	}
	buf_release(&body);
}

/* Return the number of slots that the members grant to this session now. */
static unsigned count_granted_slots(const struct relay_session *s)
{
	unsigned sum = 0;

	if (!s->links)
		return relay_count_slots(s->relay);
	for (size_t i = 0; i < s->relay->n_members; i++)
		sum += s->links[i].barred ?
			       0 :
			       relay_member_count_slots(s->links[i].member,
							s->links[i].lease);
	return sum;
}

/*
 * Send LEASE if the lease has changed.  The lease is the number of slots that
 * the members grant, or unlimited if they grant at least the slots in HELLO.
 */
static void send_slots(struct relay_session *s)
{
	unsigned slots = count_granted_slots(s);
	struct buf body = { 0 };
	struct wire_lease m;

	if (slots >= s->sent_slots)
		slots = WIRE_LEASE_UNLIMITED;
	if (slots == s->sent_lease || !slots ||
	    !wire_type_name(WIRE_LEASE, s->version))
		return;
	s->sent_lease = slots;
	m.n_slots = (uint16_t)slots;
	wire_lease_encode_at(&body, &m, s->version);
	relay_session_send(s, WIRE_LEASE, &body);
}

/* Continue the greeting as far as the state of the members permits. */
static void advance_greeting(struct relay_session *s)
{
	struct buf body = { 0 };
	struct wire_machine m;

	if (!s->greeted && relay_is_settled(s->relay))
		send_greeting(s);
	if (!s->greeted || !s->version || s->machine_sent)
		return;
	s->machine_sent = true;
	if (wire_type_name(WIRE_MACHINE, s->version)) {
		relay_sum_machine(s->relay, &m);
		wire_machine_encode_at(&body, &m, s->version);
		wire_machine_release(&m);
		relay_session_send(s, WIRE_MACHINE, &body);
	}
	send_members(s);
}

static void update_session(struct relay_session *s)
{
	const struct relay *r = s->relay;

	if (s->end_reason)
		return;
	if (!s->machine_sent) {
		advance_greeting(s);
		return;
	}
	send_members(s);
	if (!s->links)
		return;
	for (size_t i = 0; i < r->n_members; i++) {
		struct relay_link *l = &s->links[i];
		bool usable = relay_member_is_usable(l->member);

		if (l->state != RELAY_LINK_DOWN && !usable &&
		    !relay_member_is_drained(l->member))
			relay_link_close(l, l->member->problem ?
						    l->member->problem :
						    "not connected");
		relay_dispatch_update_link(l);
		/* on_down() is not called for a link that was already down. */
		if (l->state == RELAY_LINK_DOWN && !usable)
			relay_requests_forget(l);
	}
	if (!relay_count_slots(r))
		relay_session_end(s, "no member is left");
	relay_inputs_update(s);
}

/*
 * Handle a message about the state of a member.  Ignore RELAY: relay.c handles
 * it on another connection to the member, which carries no jobs.
 */
static int on_member_state(struct relay_link *l, uint16_t type,
			   struct bytes body, struct err *err)
{
	struct wire_health health;
	struct wire_lease lease;
	struct wire_relay relay;

	if (type == WIRE_LEASE &&
	    !wire_lease_decode_at(&lease, body, l->conn.version)) {
		l->lease = lease.n_slots;
		relay_dispatch_update_link(l);
	} else if (type == WIRE_HEALTH &&
		   !wire_health_decode_at(&health, body, l->conn.version)) {
		relay_dispatch_set_clock(l, health.speed_milli);
	} else if (type == WIRE_RELAY &&
		   !wire_relay_decode_at(&relay, body, l->conn.version)) {
		wire_relay_release(&relay);
	} else {
		return err_set(err, EPROTO, "malformed %s",
			       wire_type_name(type, l->conn.version));
	}
	return 0;
}

/* Handle a message of a member that link.c does not handle. */
static int on_link_message(struct relay_link *l, uint16_t type,
			   struct bytes body, struct err *err)
{
	switch (type) {
	case WIRE_HAVE:
		return relay_inputs_have(l, body, err);
	case WIRE_NEED:
		return relay_inputs_need(l, body, err);
	case WIRE_LEASE:
	case WIRE_HEALTH:
	case WIRE_RELAY:
		return on_member_state(l, type, body, err);
	case WIRE_HELD:
	case WIRE_DROPPED:
		return relay_requests_handle(l, type, body, err);
	default:
		return relay_jobs_handle(l, type, body, err);
	}
}

static void on_link_up(struct relay_link *l)
{
	relay_dispatch_link_up(l);
	relay_requests_resume(l);
}

static void on_link_down(struct relay_link *l, bool was_up, const char *why)
{
	relay_inputs_forget(l, why);
	relay_requests_forget(l);
	relay_jobs_forget(l, why);
	relay_dispatch_link_down(l, was_up, why);
	relay_inputs_update(l->session);
}

static const struct relay_link_ops link_ops = {
	.on_up = on_link_up,
	.on_message = on_link_message,
	.on_down = on_link_down,
};

static int on_client_hello(struct relay_session *s, struct bytes body)
{
	struct err err;
	int version = kfarmd_peer_receive_hello(&s->client, body, &err);

	if (version < 0)
		return relay_session_end(s, "%s", err.text);
	s->version = version;
	advance_greeting(s);
	return 0;
}

/*
 * Connect to the members when the client requests a sandbox or a toolchain, and
 * not earlier.  A client that only observes the relay then causes no load on
 * the members.  The delay also prevents two relays that are members of each
 * other from opening connections without end.
 */
static void start_links(struct relay_session *s)
{
	const struct relay *r = s->relay;

	if (s->links)
		return;
	s->links = xcalloc(r->n_members, sizeof(*s->links));
	for (size_t i = 0; i < r->n_members; i++)
		relay_link_init(&s->links[i], s, &r->members[i], &link_ops);
	relay_dispatch_start(s);
}

static int on_exclude(struct relay_session *s, struct bytes body)
{
	struct wire_exclude m;
	char *below;

	if (wire_exclude_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed EXCLUDE");
	below = strchr(m.member, '/');
	if (below)
		*below++ = '\0';
	for (size_t i = 0; i < s->relay->n_members; i++) {
		if (!strcmp(s->links[i].member->entry.name, m.member))
			relay_link_exclude(&s->links[i], below);
	}
	wire_exclude_release(&m);
	return 0;
}

static void set_client_paused(struct relay_session *s, bool paused)
{
	s->paused = paused;
	wire_stream_set_paused(s->stream, paused);
}

static int dispatch_client_msg(struct relay_session *s, uint16_t type,
			       struct bytes body)
{
	if (type == WIRE_HELLO)
		return on_client_hello(s, body);
	if (!s->machine_sent || !wire_type_name(type, s->version))
		return relay_session_end(s, "unexpected message type %u", type);
	switch (type) {
	case WIRE_CELL:
	case WIRE_BUNDLE:
		start_links(s);
		return relay_inputs_receive(s, type, body);
	case WIRE_TOOLS:
	case WIRE_DROP:
		start_links(s);
		return relay_requests_receive(s, type, body);
	case WIRE_EXCLUDE:
		start_links(s);
		return on_exclude(s, body);
	case WIRE_STEP:
	case WIRE_PIN:
	case WIRE_JOB:
	case WIRE_CANCEL:
		return relay_jobs_receive(s, type, body);
	default:
		return relay_inputs_receive(s, type, body);
	}
}

static int on_client_msg(void *ctx, uint16_t type, struct bytes body,
			 struct err *err)
{
	struct relay_session *s = ctx;

	(void)err;
	if (s->end_reason)
		return 0;
	if (type == WIRE_BYE) {
		s->client_closed = true;
		relay_session_end(s, "closed by the client");
		return 0;
	}
	dispatch_client_msg(s, type, body);
	/*
	 * A client that does not read must not fill the memory with results.
	 * The limit is large enough that a client with a slow connection can
	 * still keep the members busy.
	 */
	if (relay_session_backlog(s) > s->relay->max_backlog)
		set_client_paused(s, true);
	return 0;
}

static void on_client_drain(void *ctx)
{
	set_client_paused(ctx, false);
}

static void on_client_close(void *ctx, const struct err *why)
{
	struct relay_session *s = ctx;

	s->client_closed = true;
	if (why->text[0])
		log_info("session with %s lost: %s", s->client.address,
			 why->text);
	if (s->end_reason)
		event_active(s->end_event, EV_TIMEOUT, 0);
	else
		relay_session_end(s, "closed by the client");
}

static void send_beat(struct relay_session *s)
{
	struct buf body = { 0 };
	struct wire_beat m;
	const struct relay_job *job;

	if (wire_type_name(WIRE_HEALTH, s->version)) {
		wire_health_encode_at(&body, &wire_health_unknown, s->version);
		relay_session_send(s, WIRE_HEALTH, &body);
	}
	send_slots(s);
	relay_sum_load(s->relay, &m);
	m.jobs = xcalloc(s->n_jobs + 1, sizeof(*m.jobs));
	list_for_each(job, &s->jobs, entry) {
		const struct relay_attempt *a = &job->attempts[0];

		/*
		 * Report attempts[0] only; attempts[1] is the hedged request.
		 */
		if (!job->n_attempts || !a->running ||
		    m.n_jobs == WIRE_BEAT_JOBS_MAX)
			continue;
		m.jobs[m.n_jobs++] = (struct wire_beat_job){
			.job = job->number, .cpu_ms = a->cpu_ms
		};
	}
	wire_beat_encode_at(&body, &m, s->version);
	wire_beat_release(&m);
	relay_session_send(s, WIRE_BEAT, &body);
}

static void on_session_timer(evutil_socket_t fd, short what, void *arg)
{
	struct relay_session *s = arg;

	(void)fd;
	(void)what;
	if (s->end_reason)
		return;
	if (s->paused &&
	    relay_session_backlog(s) + PAUSE_BYTES < s->relay->max_backlog)
		set_client_paused(s, false);
	if (s->relay->daemon->slots.draining && !s->n_jobs &&
	    wire_stream_is_flushed(s->stream)) {
		relay_session_end(s, "kfarmd is shutting down");
		return;
	}
	if (kfarmd_peer_is_removed(s->relay->daemon, &s->client)) {
		relay_session_end(s, "client removed from the list of clients");
		return;
	}
	advance_greeting(s);
	if (!s->version) {
		if (clock_ms() >= s->client.start_ms + CLIENT_HELLO_MS)
			relay_session_end(s, "no HELLO within 5 s");
		return;
	}
	for (size_t i = 0; s->links && i < s->relay->n_members; i++)
		relay_link_tick(&s->links[i]);
	relay_inputs_tick(s);
	relay_requests_tick(s);
	if (s->members_changed)
		send_members(s);
	if (s->machine_sent && !wire_stream_is_full(s->stream))
		send_beat(s);
}

void relay_accept(struct relay *r, struct wire_io io,
		  const struct kfarmd_session_peer *who)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_client_msg,
		.on_close = on_client_close,
		.on_drain = on_client_drain,
	};
	const struct timeval second = { .tv_sec = 1 };
	struct relay_session *s;

	s = xcalloc(1, sizeof(*s));
	if (!kfarmd_peer_add(r->daemon, &s->client, who)) {
		io.ops->free(io.ctx);
		free(s);
		return;
	}
	s->relay = r;
	r->update_session = update_session;
	r->free_session = free_session;
	s->sent_lease = WIRE_LEASE_UNLIMITED;
	TAILQ_INIT(&s->jobs);
	TAILQ_INIT(&s->requests);
	relay_inputs_init(s);
	s->stream = wire_stream_new_io(r->daemon->base, io, &ops, s);
	s->timer = event_new(r->daemon->base, -1, EV_PERSIST, on_session_timer,
			     s);
	s->end_event = event_new(r->daemon->base, -1, 0, on_end, s);
	if (!s->timer || !s->end_event || event_add(s->timer, &second))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&r->sessions, s, entry);
	advance_greeting(s);
}
