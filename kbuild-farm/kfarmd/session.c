/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/session.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "kfarmd/client.h"
#include "kfarmd/job.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/settings.h"
#include "machine/machine.h"
#include "store/store.h"
#include "tls/clients.h"
#include "tls/key.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Return a size in MiB, which is less than WIRE_HEALTH_UNKNOWN. */
static uint32_t blocks_in_mib(uint64_t blocks, uint64_t size)
{
	uint64_t mib = (uint64_t)((double)blocks * (double)size / (1 << 20));

	return mib < WIRE_HEALTH_UNKNOWN ? (uint32_t)mib :
					   WIRE_HEALTH_UNKNOWN - 1;
}

/*
 * The memory for unsent messages is bounded.  While the output queue of its
 * stream is full, a session encodes no pieces of a result, and reads only
 * FULL_READ_BYTES per second.  If the session read nothing, its receive window
 * would close.  TCP_USER_TIMEOUT (base/socket.c) of the client also limits the
 * time for which this window is closed, so the client would end the connection
 * after 10 s.
 */
#define FULL_READ_BYTES (256u << 10) /* bytes to read per second */
#define FULL_READ_S     60 /* time limit for draining the queue */

#define PEER_HELLO_TIMEOUT_S 5 /* limit for the arrival of the peer's HELLO */
#define HEARTBEAT_S          1

struct kfarmd_session {
	TAILQ_ENTRY(kfarmd_session) entry;
	struct kfarmd *daemon;
	struct wire_stream *stream;
	struct kfarmd_client *client;
	struct event *hello_timer; /* deadline of the peer's HELLO */
	struct event *heartbeat_timer;
	struct kfarmd_peer peer;
	unsigned weight_percent; /* percent of the last WEIGHT message */
	uint16_t sent_lease; /* n_slots of the last LEASE */
	bool finishing; /* the stream closes when the queued BYE is written */
	/*
	 * total of received bytes at which reading pauses while the output
	 * queue is full
	 */
	uint64_t read_limit;
	/* number of heartbeats with a full queue since the last on_drain() */
	unsigned n_full_beats;
	struct kfarmd_job **jobs;
	size_t n_jobs;
	size_t next_job; /* index of the job that sends its next piece */
};

bool kfarmd_peer_add(struct kfarmd *a, struct kfarmd_peer *p,
		     const struct kfarmd_session_peer *who)
{
	const struct kfarmd_peer *each;
	unsigned n = 0;

	list_for_each(each, &a->peers, entry)
		n += who->fingerprint &&
		     digest_equal(&each->fingerprint, who->fingerprint);
	if (a->n_sessions >= KFARMD_SESSIONS_MAX) {
		log_warning("too many sessions: limit is %d",
			    KFARMD_SESSIONS_MAX);
		return false;
	}
	if (n >= KFARMD_SESSIONS_PER_KEY) {
		log_warning("session limit of %d reached for client %s",
			    KFARMD_SESSIONS_PER_KEY, who->client_name);
		return false;
	}
	*p = (struct kfarmd_peer){ .address = xstrdup(who->address),
				   .start_ms = clock_ms() };
	if (who->client_name)
		p->client_name = xstrdup(who->client_name);
	if (who->fingerprint)
		p->fingerprint = *who->fingerprint;
	TAILQ_INSERT_TAIL(&a->peers, p, entry);
	a->n_sessions++;
	return true;
}

int kfarmd_peer_receive_hello(struct kfarmd_peer *p, struct bytes body,
			      struct err *err)
{
	struct wire_hello m;
	int version;

	if (p->software || wire_hello_decode(&m, body))
		return err_set(err, EPROTO, "unexpected or malformed HELLO");
	version = wire_hello_negotiate(&m);
	if (version < 0)
		err_set(err, EPROTO,
			"%s supports protocol versions %u to %u, %s supports "
			"%u to %u; install the same release on both machines",
			m.software, m.version_min, m.version_max,
			KFARMD_SOFTWARE, WIRE_VERSION_MIN, WIRE_VERSION);
	p->software = m.software;
	m.software = NULL;
	wire_hello_release(&m);
	return version;
}

void kfarmd_peer_remove(struct kfarmd *a, struct kfarmd_peer *p)
{
	TAILQ_REMOVE(&a->peers, p, entry);
	a->n_sessions--;
	free(p->address);
	free(p->client_name);
	free(p->software);
}

const char *kfarmd_find_client(struct tls_clients *clients,
			       const struct digest *fingerprint)
{
	struct err problem;
	const char *name = tls_clients_find(clients, fingerprint, &problem);

	if (problem.text[0])
		log_warning("%s", problem.text);
	return name;
}

bool kfarmd_peer_is_removed(const struct kfarmd *a, struct kfarmd_peer *p)
{
	if (!digest_is_set(&p->fingerprint))
		return false;
	if (kfarmd_find_client(a->clients, &p->fingerprint))
		p->n_missing = 0;
	else
		p->n_missing++;
	return p->n_missing >= 2;
}

json_t *kfarmd_peer_to_json(const struct kfarmd_peer *p, unsigned lease)
{
	json_t *o = json_object();
	bool has_key = digest_is_set(&p->fingerprint);
	double seconds = (double)(clock_ms() - p->start_ms) / 1000;
	char pin[TLS_KEY_FINGERPRINT_SIZE];

	tls_key_format_fingerprint(&p->fingerprint, pin);
	json_object_set_new(o, "from", json_text(p->address));
	json_object_set_new(o, "client", json_text(p->client_name));
	json_object_set_new(o, "key", json_text(has_key ? pin : NULL));
	json_object_set_new(o, "software", json_text(p->software));
	json_object_set_new(o, "seconds", json_real(seconds));
	json_object_set_new(o, "lease",
			    lease < WIRE_LEASE_UNLIMITED ? json_integer(lease) :
							   json_null());
	return o;
}

static void send_body(struct kfarmd_session *s, enum wire_type type,
		      struct buf *body, enum wire_codec codec)
{
	wire_stream_send(s->stream, type, buf_bytes(body), codec);
	buf_release(body);
}

/* Return true if both sessions belong to the same client. */
static bool is_same_client(const struct kfarmd_session *s,
			   const struct kfarmd_session *other)
{
	return s == other ||
	       (digest_is_set(&s->peer.fingerprint) &&
		digest_equal(&s->peer.fingerprint, &other->peer.fingerprint));
}

/*
 * Update the weight of a session.  A session can claim a part of its client's
 * weight.  If the sessions of a client that have jobs claim more than the whole
 * weight in total, their weights are scaled down.  A client thus gets no more
 * slots by opening more sessions.
 */
static void update_weight(const struct kfarmd_session *s)
{
	const struct kfarmd *a = s->daemon;
	const struct kfarmd_session *each;
	unsigned sum = 0;

	list_for_each(each, &a->sessions, entry) {
		if (each == s || (each->n_jobs && is_same_client(s, each)))
			sum += each->weight_percent;
	}
	if (sum < WIRE_WEIGHT_MAX)
		sum = WIRE_WEIGHT_MAX;
	kfarmd_slots_set_weight(&s->client->slots,
				(double)kfarmd_settings_weight(
					a->settings, s->peer.client_name) *
					s->weight_percent / sum);
}

static void drop_jobs(struct kfarmd_session *s)
{
	while (s->n_jobs)
		kfarmd_job_drop(s->jobs[--s->n_jobs]);
}

static void end_session(struct kfarmd_session *s)
{
	struct kfarmd *a = s->daemon;

	TAILQ_REMOVE(&a->sessions, s, entry);
	drop_jobs(s);
	kfarmd_slots_remove_client(&a->slots, &s->client->slots);
	kfarmd_client_close(s->client);
	event_free(s->hello_timer);
	event_free(s->heartbeat_timer);
	wire_stream_free(s->stream);
	kfarmd_peer_remove(a, &s->peer);
	free(s->jobs);
	free(s);
}

static void close_session(struct kfarmd_session *s)
{
	struct kfarmd *a = s->daemon;

	end_session(s);
	if (!a->n_sessions && a->on_idle)
		a->on_idle(a);
}

static void send_bye(struct kfarmd_session *s, const char *why)
{
	struct buf body = { 0 };

	wire_bye_encode(&body, why);
	send_body(s, WIRE_BYE, &body, WIRE_PLAIN);
}

/*
 * Send BYE with the reason, and end the session when BYE has been written.  The
 * write takes some time if the peer is slow to read.
 */
static void finish_session(struct kfarmd_session *s, const char *why)
{
	s->finishing = true;
	send_bye(s, why);
	wire_stream_finish(s->stream);
}

/* Log the reason, drop the jobs and finish the session. */
static void abort_session(struct kfarmd_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void abort_session(struct kfarmd_session *s, const char *fmt, ...)
{
	va_list ap;
	char *why;

	if (s->finishing)
		return;
	va_start(ap, fmt);
	why = xvasprintf(fmt, ap);
	va_end(ap);
	log_warning("closing session with %s: %s", s->peer.address, why);
	drop_jobs(s);
	finish_session(s, why);
	free(why);
}

/* If kfarmd is draining and all results are written, finish the session. */
static void end_if_drained(struct kfarmd_session *s)
{
	if (s->daemon->slots.draining && !s->n_jobs && !s->finishing &&
	    wire_stream_is_flushed(s->stream))
		finish_session(s, "kfarmd is shutting down");
}

static void send_hello(struct kfarmd_session *s)
{
	struct wire_hello m = {
		.version_min = WIRE_VERSION_MIN,
		.version_max = WIRE_VERSION,
		.software = xstrdup(KFARMD_SOFTWARE),
	};
	struct buf body = { 0 };

	machine_inventory_collect(&m.inventory, "");
	m.inventory.slots = s->daemon->configured_slots;
	wire_hello_encode(&body, &m);
	wire_hello_release(&m);
	send_body(s, WIRE_HELLO, &body, WIRE_PLAIN);
}

/*
 * FIT is sent even if no job can run, so that kfarm can report which kernel
 * feature to enable.
 */
static void send_fit(struct kfarmd_session *s)
{
	const struct sandbox_check *check = &s->daemon->sandbox_check;
	struct wire_fit m = { .usable = check->usable,
			      .layers = (char *)check->layers,
			      .reason = (char *)check->reason,
			      .hosts = s->daemon->hosts };
	struct buf body = { 0 };

	wire_fit_encode(&body, &m);
	send_body(s, WIRE_FIT, &body, WIRE_PLAIN);
}

/* Return the CPU time of all jobs of all clients so far. */
static uint64_t total_job_cpu_ms(const struct kfarmd *a)
{
	const struct kfarmd_session *s;
	uint64_t sum = a->finished.cpu_ms;

	list_for_each(s, &a->sessions, entry) {
		for (size_t i = 0; i < s->n_jobs; i++)
			sum += s->jobs[i]->cpu_ms;
	}
	return sum;
}

const struct wire_health *kfarmd_session_read_health(struct kfarmd *a)
{
	struct statvfs fs;

	machine_health_read(&a->health, clock_ms(), total_job_cpu_ms(a), "");
	a->health.current.store_mib = WIRE_HEALTH_UNKNOWN;
	if (!fstatvfs(store_scratch_fd(a->store), &fs))
		a->health.current.store_mib = blocks_in_mib(fs.f_bavail,
							    fs.f_frsize);
	return &a->health.current;
}

/* Send MACHINE; called after FIT was sent, if the peer supports MACHINE. */
static void send_machine(struct kfarmd_session *s)
{
	struct kfarmd *a = s->daemon;
	struct machine_cpus *cpus;
	struct strv toolchains = { 0 };
	struct wire_machine m;
	struct buf body = { 0 };
	struct statvfs fs;

	machine_collect(&m, &cpus, "");
	if (!fstatvfs(store_scratch_fd(a->store), &fs))
		m.store_mib = blocks_in_mib(fs.f_blocks, fs.f_frsize);
	/*
	 * Count the directories of toolchains.  Skip the scratch directory,
	 * whose name begins with a dot.
	 */
	m.n_toolchains = 0;
	fs_list(a->toolchains_dir, &toolchains);
	for (size_t i = 0; i < toolchains.n && m.n_toolchains < UINT16_MAX; i++)
		m.n_toolchains += toolchains.v[i][0] != '.';
	strv_release(&toolchains);
	m.health = *kfarmd_session_read_health(a);

	kfarmd_client_init_pins(&s->client->pins, cpus, m.n_classes);
	wire_machine_encode_at(&body, &m, s->client->version);
	wire_machine_release(&m);
	send_body(s, WIRE_MACHINE, &body, WIRE_PLAIN);
}

/* Send LEASE to peers that support it, if the lease has changed. */
static void send_lease(struct kfarmd_session *s)
{
	struct wire_lease m = {
		.n_slots = (uint16_t)s->client->slots.n_leased
	};
	struct buf body = { 0 };

	if (m.n_slots == s->sent_lease ||
	    !wire_type_name(WIRE_LEASE, s->client->version))
		return;
	s->sent_lease = m.n_slots;
	wire_lease_encode_at(&body, &m, s->client->version);
	send_body(s, WIRE_LEASE, &body, WIRE_PLAIN);
}

static void on_hello(struct kfarmd_session *s, struct bytes body)
{
	struct err err;
	int version = kfarmd_peer_receive_hello(&s->peer, body, &err);

	if (version < 0) {
		abort_session(s, "%s", err.text);
		return;
	}
	s->client->version = version;
	event_del(s->hello_timer);
	if (wire_type_name(WIRE_MACHINE, version))
		send_machine(s);
	s->client->slots.ignores_leases = !wire_type_name(WIRE_LEASE, version);
}

static void on_weight(struct kfarmd_session *s, struct bytes body)
{
	struct wire_weight m;

	if (wire_weight_decode_at(&m, body, s->client->version)) {
		abort_session(s, "malformed WEIGHT");
		return;
	}
	/* The next heartbeat updates the weight. */
	s->weight_percent = m.percent;
}

static void send_to_peer(void *ctx, enum wire_type type, struct buf *body)
{
	send_body(ctx, type, body, WIRE_LZO);
}

static void end_client_session(void *ctx, const char *why)
{
	abort_session(ctx, "%s", why);
}

static struct kfarmd_job **find_job(struct kfarmd_session *s, uint32_t number)
{
	for (size_t i = 0; i < s->n_jobs; i++) {
		if (s->jobs[i]->m.job == number)
			return &s->jobs[i];
	}
	return NULL;
}

static void remove_job(struct kfarmd_session *s, struct kfarmd_job **slot)
{
	kfarmd_job_drop(*slot);
	*slot = s->jobs[--s->n_jobs];
}

/*
 * Send messages of finished jobs in turn, so that a small result does not wait
 * for a large result.
 */
static void send_results(struct kfarmd_session *s)
{
	size_t idle = 0;

	while (s->n_jobs && idle < s->n_jobs &&
	       !wire_stream_is_full(s->stream)) {
		struct kfarmd_job **slot = &s->jobs[s->next_job++ % s->n_jobs];
		struct buf body = { 0 };
		enum wire_type type;
		bool last;

		if (!(*slot)->done) {
			idle++;
			continue;
		}
		idle = 0;
		last = kfarmd_job_encode_next(*slot, &type, &body);
		send_body(s, type, &body,
			  type == WIRE_OUTPUT ? WIRE_LZO : WIRE_PLAIN);
		if (last)
			remove_job(s, slot);
	}
}

static void on_job_done(void *ctx, struct kfarmd_job *job)
{
	(void)job;
	send_results(ctx);
}

static void on_job(struct kfarmd_session *s, struct bytes in)
{
	struct buf body = { 0 };
	struct err err = { 0 };
	struct wire_fail failure = { .reason = err.text };
	struct kfarmd_job *job;
	struct wire_job m;
	int class;

	if (wire_job_decode_at(&m, in, s->client->version)) {
		abort_session(s, "malformed JOB");
		return;
	}
	if (find_job(s, m.job)) {
		abort_session(s, "JOB: number %u already in use", m.job);
		goto out;
	}
	job = kfarmd_job_new(s->client, &m, on_job_done, s, &class, &err);
	if (job) {
		*VEC_ADD(s->jobs, s->n_jobs) = job;
	} else if (class < 0) {
		abort_session(s, "%s", err.text);
	} else {
		log_info("job %u failed: %s", m.job, err.text);
		failure.job = m.job;
		failure.class = (uint8_t) class;
		failure.retry_ms = class == WIRE_FAIL_BUSY ? WIRE_RETRY_MS : 0;
		wire_fail_encode_at(&body, &failure, s->client->version);
		send_body(s, WIRE_FAIL, &body, WIRE_PLAIN);
	}
out:
	wire_job_release(&m);
}

static void dispatch_msg(struct kfarmd_session *s, uint16_t type,
			 struct bytes body)
{
	struct err err = { 0 };
	struct kfarmd_job **slot;
	uint32_t number;
	char *why;
	int ret;

	if (type == WIRE_BYE) {
		if (!wire_bye_decode(&why, body)) {
			log_debug("peer closed the session: %s", why);
			free(why);
		}
		close_session(s);
	} else if (type == WIRE_HELLO) {
		on_hello(s, body);
	} else if (!s->client->version) {
		abort_session(s, "unexpected message type %u before HELLO",
			      type);
	} else if (type == WIRE_JOB) {
		on_job(s, body);
	} else if (type == WIRE_WEIGHT &&
		   wire_type_name(type, s->client->version)) {
		on_weight(s, body);
	} else if (type == WIRE_CANCEL) {
		if (wire_number_decode(&number, body)) {
			abort_session(s, "malformed CANCEL");
			return;
		}
		slot = find_job(s, number);
		if (slot)
			remove_job(s, slot);
	} else {
		ret = kfarmd_client_handle_msg(s->client, type, body, &err);
		if (ret == -ENOTSUP)
			abort_session(s, "unknown message type %u", type);
		else if (ret)
			abort_session(s, "%s", err.text);
	}
}

static bool is_session_open(const struct kfarmd *a,
			    const struct kfarmd_session *s)
{
	const struct kfarmd_session *each;

	list_for_each(each, &a->sessions, entry) {
		if (each == s)
			return true;
	}
	return false;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct kfarmd_session *s = ctx;
	struct kfarmd *a = s->daemon;

	(void)err;
	dispatch_msg(s, type, body);
	if (is_session_open(a, s) && wire_stream_is_full(s->stream) &&
	    wire_stream_received_bytes(s->stream) >= s->read_limit)
		wire_stream_set_paused(s->stream, true);
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	struct kfarmd_session *s = ctx;

	if (why->text[0])
		log_info("session with %s lost: %s", s->peer.address,
			 why->text);
	close_session(s);
}

static void on_drain(void *ctx)
{
	struct kfarmd_session *s = ctx;

	s->n_full_beats = 0;
	send_results(s);
	if (!wire_stream_is_full(s->stream))
		wire_stream_set_paused(s->stream, false);
}

static void on_hello_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	abort_session(arg, "no HELLO within %d s", PEER_HELLO_TIMEOUT_S);
}

static void send_heat(struct kfarmd_session *s)
{
	const struct kfarmd_pins *p = &s->client->pins;
	struct wire_heat m;
	struct buf body = { 0 };
	size_t i = 0;

	while (i < s->n_jobs && !s->jobs[i]->pin)
		i++;
	if (i == s->n_jobs)
		return;
	machine_health_read_heat(&s->daemon->health, &m, p->cpus, p->n_classes,
				 "");
	wire_heat_encode_at(&body, &m, s->client->version);
	wire_heat_release(&m);
	send_body(s, WIRE_HEAT, &body, WIRE_PLAIN);
}

/* Let a session with a full output queue read FULL_READ_BYTES more. */
static void read_while_full(struct kfarmd_session *s)
{
	if (!wire_stream_is_full(s->stream) || s->n_full_beats >= FULL_READ_S)
		return;
	s->n_full_beats++;
	s->read_limit = wire_stream_received_bytes(s->stream) + FULL_READ_BYTES;
	wire_stream_set_paused(s->stream, false);
}

static void on_heartbeat_due(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_session *s = arg;
	struct kfarmd *a = s->daemon;
	struct wire_beat m = { 0 };
	struct buf body = { 0 };

	(void)fd;
	(void)what;
	if (s->finishing)
		return;
	if (kfarmd_peer_is_removed(a, &s->peer)) {
		abort_session(s, "client removed from the list of clients");
		return;
	}
	end_if_drained(s);
	if (s->finishing)
		return;
	read_while_full(s);
	kfarmd_client_check_timeouts(s->client);
	machine_load_update(&a->load, clock_ms(), "");
	m.available_mib = a->load.available_mib;
	m.load_milli = a->load.load_milli;
	update_weight(s);
	kfarmd_slots_update(&a->slots, m.available_mib);
	for (size_t i = 0; i < s->n_jobs; i++)
		kfarmd_job_check_deadline(s->jobs[i]);
	/*
	 * Send no heartbeat before the peer's HELLO, because the version of the
	 * messages is unknown.  Do not queue more messages for a peer that does
	 * not read.
	 */
	if (!s->client->version || wire_stream_is_full(s->stream))
		return;
	/*
	 * HEALTH, HEAT and LEASE precede BEAT, so a peer has all of them when
	 * it handles BEAT.
	 */
	if (wire_type_name(WIRE_HEALTH, s->client->version)) {
		wire_health_encode_at(&body, kfarmd_session_read_health(a),
				      s->client->version);
		send_body(s, WIRE_HEALTH, &body, WIRE_PLAIN);
	}
	send_heat(s);
	send_lease(s);
	m.jobs = xcalloc(s->n_jobs + 1, sizeof(*m.jobs));
	for (size_t i = 0; i < s->n_jobs && m.n_jobs < WIRE_BEAT_JOBS_MAX;
	     i++) {
		struct wire_beat_job *j = &m.jobs[m.n_jobs];

		if (!kfarmd_job_is_running(s->jobs[i], &j->cpu_ms))
			continue;
		j->job = s->jobs[i]->m.job;
		m.n_jobs++;
	}
	wire_beat_encode_at(&body, &m, s->client->version);
	wire_beat_release(&m);
	send_body(s, WIRE_BEAT, &body, WIRE_PLAIN);
}

static struct event *new_session_timer(struct kfarmd *a, int seconds, short how,
				       event_callback_fn fn, void *ctx)
{
	struct timeval tv = { .tv_sec = seconds };
	struct event *ev = event_new(a->base, -1, how, fn, ctx);

	if (!ev || event_add(ev, &tv))
		str_out_of_memory();
	return ev;
}

json_t *kfarmd_session_list_to_json(const struct kfarmd *a)
{
	json_t *list = json_array();
	uint64_t now = clock_ms();
	const struct kfarmd_session *s;

	list_for_each(s, &a->sessions, entry) {
		json_t *o = kfarmd_peer_to_json(&s->peer,
						s->client->slots.n_leased);
		json_t *jobs = json_array();

		for (size_t i = 0; i < s->n_jobs; i++)
			json_array_append_new(
				jobs, kfarmd_job_to_json(s->jobs[i], now));
		json_object_set_new(o, "weight",
				    json_real(s->client->slots.weight));
		json_object_set_new(o, "cells",
				    kfarmd_client_to_json(s->client));
		json_object_set_new(o, "jobs", jobs);
		json_array_append_new(list, o);
	}
	return list;
}

void kfarmd_session_start(struct kfarmd *a, struct wire_io io,
			  const struct kfarmd_session_peer *who)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_msg,
		.on_close = on_close,
		.on_drain = on_drain,
	};
	static const struct kfarmd_client_ops client_ops = {
		.send = send_to_peer,
		.on_protocol_error = end_client_session,
	};
	struct kfarmd_session *s;

	if (a->start_relay_session) {
		a->start_relay_session(a->relay, io, who);
		return;
	}
	s = xcalloc(1, sizeof(*s));
	if (!kfarmd_peer_add(a, &s->peer, who)) {
		io.ops->free(io.ctx);
		free(s);
		return;
	}
	s->daemon = a;
	s->client = kfarmd_client_new(a, &client_ops, s);
	s->client->slots.weight = KFARMD_SETTINGS_WEIGHT;
	s->weight_percent = WIRE_WEIGHT_MAX;
	s->sent_lease = WIRE_LEASE_UNLIMITED;
	s->stream = wire_stream_new_io(a->base, io, &ops, s);
	s->hello_timer = new_session_timer(a, PEER_HELLO_TIMEOUT_S, 0,
					   on_hello_timeout, s);
	s->heartbeat_timer = new_session_timer(a, HEARTBEAT_S, EV_PERSIST,
					       on_heartbeat_due, s);
	TAILQ_INSERT_TAIL(&a->sessions, s, entry);
	update_weight(s);
	kfarmd_slots_add_client(&a->slots, &s->client->slots);
	send_hello(s);
	send_fit(s);
}

void kfarmd_session_drain_all(struct kfarmd *a)
{
	struct kfarmd_session *s;

	a->slots.draining = true;
	list_for_each(s, &a->sessions, entry)
		end_if_drained(s);
}

void kfarmd_session_end_all(struct kfarmd *a, const char *why)
{
	struct kfarmd_session *s;

	while ((s = TAILQ_FIRST(&a->sessions))) {
		send_bye(s, why);
		end_session(s);
	}
}
