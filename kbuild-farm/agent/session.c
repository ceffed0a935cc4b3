/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session owes to its peer is bounded: it reads no more messages
 * while the answers to earlier ones do not get away, and a job's answer
 * stays in its files and buffers until there is room to send it.
 */
#include "agent/session.h"

#include "agent/agent.h"
#include "agent/client.h"
#include "agent/hello.h"
#include "agent/job.h"
#include "agent/machine.h"
#include "agent/pins.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "node/inventory.h"
#include "tls/clients.h"
#include "tls/pin.h"
#include "wire/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_S 5 /* the peer's hello must be here */
#define BEAT_S  1

struct agent_session {
	TAILQ_ENTRY(agent_session) link;
	struct agent *agent;
	struct wire_stream *stream;
	struct agent_client *client;
	struct event *hello; /* its deadline */
	struct event *beat;
	char *from; /* who it is, for people */
	char *name; /* as a client; NULL: it has none */
	struct digest pin; /* of its key; zero: it showed none */
	unsigned missing; /* looks at the list that did not find it */
	char *software; /* as it said; NULL: not yet */
	uint64_t began_ms;
	bool greeted;
	int version; /* of the conversation, once greeted */
	struct agent_job **jobs;
	size_t n_jobs;
	size_t turn; /* of the job that sends its next piece */
};

static void send_body(struct agent_session *s, enum wire_type type,
		      struct buf *body, enum wire_codec codec)
{
	wire_stream_send(s->stream, type, buf_bytes(body), codec);
	buf_release(body);
}

static void end_session(struct agent_session *s)
{
	struct agent *a = s->agent;

	TAILQ_REMOVE(&a->sessions, s, link);
	a->n_sessions--;
	for (size_t i = 0; i < s->n_jobs; i++)
		agent_job_drop(s->jobs[i]);
	agent_client_close(s->client);
	event_free(s->hello);
	event_free(s->beat);
	wire_stream_free(s->stream);
	free(s->from);
	free(s->name);
	free(s->software);
	free(s->jobs);
	free(s);
}

static void close_session(struct agent_session *s)
{
	struct agent *a = s->agent;

	end_session(s);
	if (!a->n_sessions && a->on_idle)
		a->on_idle(a);
}

/* The stream offers BYE to the kernel as it goes. */
static void say_bye(struct agent_session *s, const char *why)
{
	struct buf body = { 0 };

	wire_bye_encode(&body, why);
	send_body(s, WIRE_BYE, &body, WIRE_PLAIN);
}

/* Ends the session: nobody touches `s` after this. */
static int hang_up(struct agent_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int hang_up(struct agent_session *s, const char *fmt, ...)
{
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = xvasprintf(fmt, ap);
	va_end(ap);
	log_warning("ended a conversation with %s: %s", s->from, why);
	say_bye(s, why);
	free(why);
	close_session(s);
	return 0;
}

static void send_hello(struct agent_session *s)
{
	struct buf body = { 0 };

	agent_hello_put(&body, s->agent);
	send_body(s, WIRE_HELLO, &body, WIRE_PLAIN);
}

static void send_fit(struct agent_session *s)
{
	struct buf body = { 0 };

	agent_hello_put_fit(&body, s->agent);
	send_body(s, WIRE_FIT, &body, WIRE_PLAIN);
}

/* The CPU time of all jobs of all clients so far. */
static uint64_t cpu_of_jobs(const struct agent *a)
{
	const struct agent_session *s;
	uint64_t sum = a->cpu_ms;

	list_for_each(s, &a->sessions, link) {
		for (size_t i = 0; i < s->n_jobs; i++)
			sum += agent_job_cpu_ms(s->jobs[i]);
	}
	return sum;
}

/* Right behind FIT, to whom knows it. */
static void send_machine(struct agent_session *s)
{
	struct node_cpus *cpus;
	struct wire_machine m;
	struct buf body = { 0 };

	agent_machine_collect(&m, &cpus, s->agent, cpu_of_jobs(s->agent));
	agent_client_speaks(s->client, s->version, cpus, m.n_classes);
	wire_machine_encode(&body, &m);
	wire_machine_release(&m);
	send_body(s, WIRE_MACHINE, &body, WIRE_PLAIN);
}

static int on_hello(struct agent_session *s, struct bytes body)
{
	struct wire_hello m = { 0 };
	int ret;

	if (s->greeted || wire_hello_decode(&m, body))
		return hang_up(s, "a hello that was not understood");
	ret = wire_hello_version(&m);
	if (ret < 0) {
		ret = hang_up(s,
			      "%s speaks protocol %u to %u, %s here %u to %u:"
			      " they must be of one release",
			      m.software, m.version_min, m.version_max,
			      AGENT_SOFTWARE, WIRE_VERSION_MIN, WIRE_VERSION);
	} else {
		s->greeted = true;
		s->version = ret;
		s->software = xstrdup(m.software);
		event_del(s->hello);
		if (s->version >= WIRE_WITH_MACHINE)
			send_machine(s);
		ret = 0;
	}
	wire_hello_release(&m);
	return ret;
}

static int on_bye(struct agent_session *s, struct bytes body)
{
	char *why;

	if (!wire_bye_decode(&why, body)) {
		log_debug("the peer left: %s", why);
		free(why);
	}
	close_session(s);
	return 0;
}

static void client_send(void *ctx, enum wire_type type, struct buf *body)
{
	send_body(ctx, type, body, WIRE_LZO);
}

static void client_refuse(void *ctx, const char *why)
{
	hang_up(ctx, "%s", why);
}

static struct agent_job **find_job(struct agent_session *s, uint32_t number)
{
	for (size_t i = 0; i < s->n_jobs; i++) {
		if (agent_job_number(s->jobs[i]) == number)
			return &s->jobs[i];
	}
	return NULL;
}

static void remove_job(struct agent_session *s, struct agent_job **slot)
{
	agent_job_drop(*slot);
	*slot = s->jobs[--s->n_jobs];
}

static void send_fail(struct agent_session *s, const struct wire_fail *m)
{
	struct buf body = { 0 };

	log_info("job %u failed: %s", m->job, m->reason);
	wire_fail_encode(&body, m);
	send_body(s, WIRE_FAIL, &body, WIRE_PLAIN);
}

/* The next message of a job's answer; true when it was the last one. */
static bool send_part(struct agent_session *s, struct agent_job *job)
{
	struct wire_result result;
	struct wire_piece piece;
	struct buf body = { 0 };
	struct wire_fail failure;

	if (agent_job_failed(job, &failure)) {
		send_fail(s, &failure);
		return true;
	}
	if (agent_job_piece(job, &piece)) {
		wire_piece_encode(&body, &piece);
		send_body(s, WIRE_OUTPUT, &body, WIRE_LZO);
		return false;
	}
	agent_job_result(job, &result);
	wire_result_encode(&body, &result);
	send_body(s, WIRE_RESULT, &body, WIRE_PLAIN);
	return true;
}

/* Answers take turns, so that a small one is not behind a large one. */
static void send_answers(struct agent_session *s)
{
	size_t idle = 0;

	while (s->n_jobs && idle < s->n_jobs && !wire_stream_full(s->stream)) {
		struct agent_job **slot = &s->jobs[s->turn++ % s->n_jobs];

		if (!agent_job_answered(*slot)) {
			idle++;
			continue;
		}
		idle = 0;
		if (send_part(s, *slot))
			remove_job(s, slot);
	}
}

static void on_answered(void *ctx, struct agent_job *job)
{
	(void)job;
	send_answers(ctx);
}

static int take_job(struct agent_session *s, struct wire_job *m)
{
	struct err err = { 0 };
	struct wire_fail failure = { .job = m->job, .reason = err.text };
	struct agent_job *job;
	int class;

	if (find_job(s, m->job))
		return hang_up(s, "two jobs with number %u", m->job);
	job = agent_job_new(s->agent, s->client, m, on_answered, s, &class,
			    &err);
	if (!job && class < 0)
		return hang_up(s, "%s", err.text);
	if (!job) {
		failure.class = (uint8_t) class;
		send_fail(s, &failure);
		return 0;
	}
	*VEC_ADD(s->jobs, s->n_jobs) = job;
	return 0;
}

static int on_job(struct agent_session *s, struct bytes body)
{
	struct wire_job m;
	int ret;

	if (wire_job_decode(&m, body))
		return hang_up(s, "a JOB that was not understood");
	ret = take_job(s, &m);
	wire_job_release(&m);
	return ret;
}

static int on_cancel(struct agent_session *s, struct bytes body)
{
	struct agent_job **slot;
	uint32_t number;

	if (wire_number_decode(&number, body))
		return hang_up(s, "a CANCEL that was not understood");
	slot = find_job(s, number);
	if (slot)
		remove_job(s, slot);
	return 0;
}

static int on_other(struct agent_session *s, uint16_t type, struct bytes body)
{
	struct err err = { 0 };
	int ret = agent_client_take(s->client, type, body, &err);

	if (ret == -ENOTSUP)
		return hang_up(s, "a message of type %u, which is unknown here",
			       type);
	if (ret)
		return hang_up(s, "%s", err.text);
	return 0;
}

static int route(struct agent_session *s, uint16_t type, struct bytes body)
{
	if (type == WIRE_BYE)
		return on_bye(s, body);
	if (type == WIRE_HELLO)
		return on_hello(s, body);
	if (!s->greeted)
		return hang_up(s, "a message of type %u before the hello",
			       type);
	switch (type) {
	case WIRE_JOB:
		return on_job(s, body);
	case WIRE_CANCEL:
		return on_cancel(s, body);
	default:
		return on_other(s, type, body);
	}
}

static bool is_alive(const struct agent *a, const struct agent_session *s)
{
	const struct agent_session *each;

	list_for_each(each, &a->sessions, link) {
		if (each == s)
			return true;
	}
	return false;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct agent_session *s = ctx;
	struct agent *a = s->agent;

	(void)err;
	route(s, type, body);
	if (is_alive(a, s) && wire_stream_full(s->stream))
		wire_stream_pause(s->stream, true);
	return 0;
}

static void on_close(void *ctx, const struct err *why)
{
	struct agent_session *s = ctx;

	if (why->text[0])
		log_info("the conversation with %s broke off: %s", s->from,
			 why->text);
	close_session(s);
}

static void on_drain(void *ctx)
{
	struct agent_session *s = ctx;

	send_answers(s);
	if (!wire_stream_full(s->stream))
		wire_stream_pause(s->stream, false);
}

static void on_hello_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hang_up(arg, "no hello within %d s", HELLO_S);
}

static void collect_beat(struct agent_session *s, struct wire_beat *m)
{
	m->jobs = xcalloc(s->n_jobs + 1, sizeof(*m->jobs));
	for (size_t i = 0; i < s->n_jobs && m->n_jobs < WIRE_BEAT_JOBS; i++) {
		struct wire_beat_job *j = &m->jobs[m->n_jobs];

		if (!agent_job_runs(s->jobs[i], &j->cpu_ms))
			continue;
		j->job = agent_job_number(s->jobs[i]);
		m->n_jobs++;
	}
	node_inventory_load(&m->available_mib, &m->load_milli, "");
}

static void send_health(struct agent_session *s)
{
	struct agent *a = s->agent;
	struct buf body = { 0 };

	wire_health_encode(&body, agent_machine_health(a, cpu_of_jobs(a)),
			   s->version);
	send_body(s, WIRE_HEALTH, &body, WIRE_PLAIN);
}

static void send_heat(struct agent_session *s)
{
	struct buf body = { 0 };
	size_t i = 0;

	while (i < s->n_jobs && !agent_job_is_pinned(s->jobs[i]))
		i++;
	if (i == s->n_jobs)
		return;
	agent_pins_heat(agent_client_pins(s->client), &s->agent->health, &body);
	send_body(s, WIRE_HEAT, &body, WIRE_PLAIN);
}

/*
 * Who was struck off the list is one no more; at the second look, since an
 * editor may empty the file before it writes it.
 */
static bool still_client(struct agent_session *s)
{
	struct err problem;

	if (!digest_is_known(&s->pin))
		return true;
	if (tls_clients_find(s->agent->clients, &s->pin, &problem))
		s->missing = 0;
	else
		s->missing++;
	return s->missing < 2;
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct agent_session *s = arg;
	struct wire_beat m = { 0 };
	struct buf body = { 0 };

	(void)fd;
	(void)what;
	if (!still_client(s)) {
		hang_up(s, "its key is on the list of clients no more");
		return;
	}
	agent_client_check(s->client);
	/* Nothing more is queued for a peer that does not read. */
	if (wire_stream_full(s->stream))
		return;
	/* Who hears the beat knows both then. */
	if (s->version >= WIRE_WITH_HEALTH)
		send_health(s);
	send_heat(s);
	collect_beat(s, &m);
	wire_beat_encode(&body, &m);
	wire_beat_release(&m);
	send_body(s, WIRE_BEAT, &body, WIRE_PLAIN);
}

static struct event *timer(struct agent *a, int seconds, short how,
			   event_callback_fn fn, void *ctx)
{
	struct timeval tv = { .tv_sec = seconds };
	struct event *ev = event_new(a->base, -1, how, fn, ctx);

	if (!ev || event_add(ev, &tv))
		str_out_of_memory();
	return ev;
}

static json_t *session_json(const struct agent_session *s, uint64_t now)
{
	json_t *o = json_object(), *jobs = json_array();
	char pin[TLS_PIN_TEXT];

	for (size_t i = 0; i < s->n_jobs; i++)
		json_array_append_new(jobs, agent_job_json(s->jobs[i], now));
	json_object_set_new(o, "from", json_text(s->from));
	json_object_set_new(o, "client", json_text(s->name));
	tls_pin_text(&s->pin, pin);
	json_object_set_new(o, "key",
			    json_text(digest_is_known(&s->pin) ? pin : NULL));
	json_object_set_new(o, "software", json_text(s->software));
	json_object_set_new(o, "seconds",
			    json_real((double)(now - s->began_ms) / 1000));
	json_object_set_new(o, "cells", agent_client_json(s->client));
	json_object_set_new(o, "jobs", jobs);
	return o;
}

json_t *agent_sessions_json(const struct agent *a)
{
	json_t *list = json_array();
	uint64_t now = clock_ms();
	const struct agent_session *s;

	list_for_each(s, &a->sessions, link)
		json_array_append_new(list, session_json(s, now));
	return list;
}

static struct agent_session *session_of(struct agent *a,
					const struct agent_caller *who)
{
	struct agent_session *s = xcalloc(1, sizeof(*s));

	s->agent = a;
	s->from = xstrdup(who->from);
	s->name = who->client ? xstrdup(who->client) : NULL;
	if (who->pin)
		s->pin = *who->pin;
	s->began_ms = clock_ms();
	return s;
}

/* May there be no more, of all or of this client? */
static bool is_crowded(const struct agent *a, const struct agent_caller *who)
{
	const struct agent_session *s;
	unsigned n = 0;

	if (a->n_sessions >= AGENT_SESSIONS_MOST)
		log_warning("more than %d conversations at once",
			    AGENT_SESSIONS_MOST);
	list_for_each(s, &a->sessions, link)
		n += who->pin && digest_equal(&s->pin, who->pin);
	if (n >= AGENT_SESSIONS_EACH)
		log_warning("more than %d conversations with %s at once",
			    AGENT_SESSIONS_EACH, who->client);
	return a->n_sessions >= AGENT_SESSIONS_MOST || n >= AGENT_SESSIONS_EACH;
}

void agent_session_start(struct agent *a, struct wire_io io,
			 const struct agent_caller *who)
{
	static const struct wire_stream_ops ops = {
		.on_msg = on_msg,
		.on_close = on_close,
		.on_drain = on_drain,
	};
	static const struct agent_client_ops client_ops = {
		.send = client_send,
		.refuse = client_refuse,
	};
	struct agent_session *s;

	if (is_crowded(a, who)) {
		io.ops->free(io.ctx);
		return;
	}
	s = session_of(a, who);
	s->client = agent_client_new(a, &client_ops, s);
	s->stream = wire_stream_new_io(a->base, io, &ops, s);
	s->hello = timer(a, HELLO_S, 0, on_hello_late, s);
	s->beat = timer(a, BEAT_S, EV_PERSIST, on_beat, s);
	TAILQ_INSERT_TAIL(&a->sessions, s, link);
	a->n_sessions++;
	send_hello(s);
	send_fit(s);
}

void agent_session_end_all(struct agent *a, const char *why)
{
	struct agent_session *s;

	while ((s = TAILQ_FIRST(&a->sessions))) {
		say_bye(s, why);
		end_session(s);
	}
}
