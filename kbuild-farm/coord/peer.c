/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/peer.h"

#include "base/clock.h"
#include "base/str.h"
#include "coord/job.h"
#include "coord/proof.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_MS     5000
#define SSH_HELLO_MS 10000
#define SILENT_MS    5000 /* five beats missed */
#define ANSWER_MS    10000 /* to say whether it has a toolchain */
#define STRIKES      3

const char *coord_peer_state_name(const struct coord_peer *p)
{
	static const char *const names[] = {
		[PEER_DOWN] = "down",       [PEER_GREETING] = "connecting",
		[PEER_UP] = "up",           [PEER_RESTING] = "resting",
		[PEER_PROVING] = "resting", [PEER_OUT] = "out",
	};

	return names[p->state];
}

static void set_state(struct coord_peer *p, enum coord_peer_state state,
		      const char *detail)
{
	char *copy = detail ? xstrdup(detail) : NULL;

	free(p->detail);
	p->detail = copy;
	p->state = state;
	coord_emit_node(p->coord, p->entry->name, coord_peer_state_name(p),
			p->detail);
	coord_kick(p->coord);
}

static void after_ms(struct coord_peer *p, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(p->timer, &tv);
}

/* 1, 2, 4 ... 60 s, a fifth more or less so that nodes do not march in step. */
static uint64_t rest_ms(const struct coord_peer *p)
{
	uint64_t s = p->faults > 6 ? 60 : 1u << (p->faults ? p->faults - 1 : 0);
	uint64_t ms = (s > 60 ? 60 : s) * 1000;

	return ms - ms / 5 + (uint64_t)random() % (ms * 2 / 5 + 1);
}

unsigned coord_peer_slots(const struct coord_peer *p)
{
	return p->limit.slots;
}

static struct coord_has *has_of(const struct coord_peer *p,
				const struct coord_toolchain *tc)
{
	for (size_t i = 0; i < p->n_has; i++) {
		if (p->has[i].toolchain == tc)
			return &p->has[i];
	}
	return NULL;
}

bool coord_peer_can(const struct coord_peer *p,
		    const struct coord_toolchain *tc)
{
	struct coord_has *has = has_of(p, tc);

	return p->state == PEER_UP && has && has->answered && has->same;
}

bool coord_peer_undecided(const struct coord_peer *p)
{
	return p->state == PEER_GREETING ||
	       (p->state == PEER_DOWN && !p->faults);
}

bool coord_peer_may(const struct coord_peer *p,
		    const struct coord_toolchain *tc, uint64_t now_ms)
{
	struct coord_has *has = has_of(p, tc);

	if (coord_peer_undecided(p))
		return true;
	if (p->state != PEER_UP)
		return false;
	if (!has)
		return true;
	return has->answered ? has->same : now_ms < has->asked_ms + ANSWER_MS;
}

/* Jobs that run there must go elsewhere: it will not answer them. */
static void abandon_jobs(struct coord_peer *p, const char *why)
{
	struct coord_job *job, *next;

	list_for_each_safe(job, &p->coord->jobs, link, next) {
		if (job->state == JOB_AWAY && job->peer == p) {
			p->retries++;
			coord_job_retry(job, why);
		}
	}
}

static void hang_up(struct coord_peer *p)
{
	if (p->stream) {
		p->sent_before += wire_stream_sent(p->stream);
		p->received_before += wire_stream_received(p->stream);
		wire_stream_free(p->stream);
		p->stream = NULL;
	}
	coord_line_end(&p->line, p->coord->children);
	p->n_has = 0;
	coord_proof_drop(p);
}

/* The conversation is over, or never began. */
static void lost(struct coord_peer *p, enum coord_peer_state state,
		 const char *why)
{
	/* A command that never said hello has its reason on stderr. */
	char *words = p->state == PEER_GREETING ?
			      coord_line_last_words(&p->line) :
			      NULL;
	char *text = words ? words : xstrdup(why);

	hang_up(p);
	event_del(p->timer);
	if (p->greeted)
		p->errors++;
	p->faults++;
	set_state(p, state, text);
	abandon_jobs(p, "node lost");
	if (state == PEER_DOWN)
		after_ms(p, rest_ms(p));
	free(text);
}

void coord_peer_fault(struct coord_peer *p, bool wrong, const char *fmt, ...)
{
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = xvasprintf(fmt, ap);
	va_end(ap);
	p->errors++;
	p->faults++;
	p->strikes += wrong;
	if (p->strikes >= STRIKES) {
		lost(p, PEER_OUT, why);
	} else if (p->state == PEER_UP || p->state == PEER_PROVING) {
		coord_proof_drop(p);
		set_state(p, PEER_RESTING, why);
		after_ms(p, rest_ms(p));
	}
	free(why);
}

void coord_peer_no_toolchain(struct coord_peer *p,
			     const struct coord_toolchain *tc)
{
	struct coord_has *has = has_of(p, tc);

	if (has)
		has->same = false;
	coord_emit_node(p->coord, p->entry->name, "no toolchain",
			"it is not there any more");
}

void coord_peer_praise(struct coord_peer *p)
{
	p->faults = 0;
	if (p->state == PEER_PROVING)
		set_state(p, PEER_UP, NULL);
}

void coord_peer_cancel(struct coord_peer *p, uint32_t job)
{
	struct buf body = { 0 };

	if (!p->stream)
		return;
	wire_cancel_encode(&body, job);
	wire_stream_send(p->stream, WIRE_CANCEL, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static void ask(struct coord_peer *p, struct coord_toolchain *tc)
{
	struct wire_ask m = { .name = (char *)str_base(tc->driver),
			      .id = tc->ident.id };
	struct coord_has *has;
	struct buf body = { 0 };

	p->has = xrealloc(p->has, (p->n_has + 1) * sizeof(*p->has));
	has = &p->has[p->n_has];
	*has = (struct coord_has){ .toolchain = tc,
				   .seq = (uint32_t)p->n_has,
				   .asked_ms = clock_ms() };
	p->n_has++;
	m.seq = has->seq;
	wire_ask_encode(&body, &m);
	wire_stream_send(p->stream, WIRE_ASK, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

void coord_peer_ask_all(struct coord_toolchain *tc)
{
	struct coord *c = tc->coord;

	for (size_t i = 0; i < c->n_peers; i++) {
		if (c->peers[i]->stream && c->peers[i]->state != PEER_GREETING)
			ask(c->peers[i], tc);
	}
}

static int on_hello(struct coord_peer *p, struct bytes body, struct err *err)
{
	struct wire_hello hello;
	struct coord_toolchain *tc;

	if (p->state != PEER_GREETING || wire_hello_decode(&hello, body))
		return err_set(err, EPROTO, "its hello makes no sense");
	if (p->greeted)
		wire_hello_release(&p->hello);
	p->hello = hello;
	p->greeted = true;
	if (wire_hello_version(&hello) < 0)
		return err_set(err, EPROTONOSUPPORT,
			       "%s speaks protocol %u to %u, this kfarm %d",
			       hello.software, hello.version_min,
			       hello.version_max, WIRE_VERSION);
	free(p->limit.why);
	node_limit(&p->limit, &hello.inventory, p->entry->slots);
	event_del(p->timer);
	/* One that failed before must first show a right answer. */
	if (p->connected_before && p->faults) {
		set_state(p, PEER_RESTING, p->detail);
		after_ms(p, 1);
	} else {
		set_state(p, PEER_UP, NULL);
	}
	p->connected_before = true;
	list_for_each(tc, &p->coord->toolchains, link) {
		if (tc->state == COORD_READY)
			ask(p, tc);
	}
	return 0;
}

static int on_have(struct coord_peer *p, struct bytes body, struct err *err)
{
	struct wire_have m;
	struct coord_has *has;

	if (wire_have_decode(&m, body))
		return err_set(err, EPROTO, "broken HAVE");
	has = m.seq < p->n_has ? &p->has[m.seq] : NULL;
	if (has && !has->answered) {
		has->answered = true;
		has->same = m.state == WIRE_HAVE_SAME;
		if (!has->same)
			coord_emit_node(p->coord, p->entry->name,
					"no toolchain", m.detail);
	}
	wire_have_release(&m);
	coord_kick(p->coord);
	return 0;
}

/* A job that runs here; others were cancelled or went elsewhere. */
static struct coord_job *job_of(struct coord_peer *p, uint32_t id)
{
	struct coord_job *job;

	list_for_each(job, &p->coord->jobs, link) {
		if (job->id == id)
			return job->state == JOB_AWAY && job->peer == p ? job :
									  NULL;
	}
	return NULL;
}

static int on_beat(struct coord_peer *p, struct bytes body, struct err *err)
{
	struct wire_beat m;

	if (wire_beat_decode(&m, body))
		return err_set(err, EPROTO, "broken BEAT");
	p->hello.inventory.available_mib = m.available_mib;
	p->hello.inventory.load_milli = m.load_milli;
	for (unsigned i = 0; i < m.n_jobs; i++) {
		struct coord_job *job = job_of(p, m.jobs[i].job);

		if (job && m.jobs[i].cpu_ms > job->cpu_ms) {
			job->cpu_ms = m.jobs[i].cpu_ms;
			job->progress_ms = clock_ms();
		}
	}
	wire_beat_release(&m);
	return 0;
}

static int on_output(struct coord_peer *p, struct bytes body, struct err *err)
{
	struct wire_piece m;
	struct coord_job *job;

	if (wire_piece_decode(&m, body))
		return err_set(err, EPROTO, "broken OUTPUT");
	if (p->proof && m.job == p->proof) {
		coord_proof_output(p, &m);
		return 0;
	}
	job = job_of(p, m.job);
	if (!job)
		return 0;
	job->progress_ms = clock_ms();
	if (m.stream != WIRE_OBJECT) {
		job->spoke = true;
		return 0;
	}
	if (job->answer.len + m.data.len > WIRE_OBJECT_MAX ||
	    buf_reserve(&job->answer, m.data.len))
		return err_set(err, EMSGSIZE, "an object over %u MiB",
			       WIRE_OBJECT_MAX >> 20);
	buf_add_bytes(&job->answer, m.data);
	return 0;
}

static int on_result(struct coord_peer *p, struct bytes body, struct err *err)
{
	struct wire_result m;
	struct coord_job *job;

	if (wire_result_decode(&m, body))
		return err_set(err, EPROTO, "broken RESULT");
	job = job_of(p, m.job);
	if (p->proof && m.job == p->proof)
		coord_proof_result(p, &m);
	else if (job)
		coord_job_result(job, &m);
	return 0;
}

static int on_fail(struct coord_peer *p, struct bytes body, struct err *err)
{
	struct wire_fail m;
	struct coord_job *job;

	if (wire_fail_decode(&m, body))
		return err_set(err, EPROTO, "broken FAIL");
	job = job_of(p, m.job);
	if (p->proof && m.job == p->proof)
		coord_peer_fault(p, false, "%s", m.reason);
	else if (job)
		coord_job_fail(job, &m);
	wire_fail_release(&m);
	return 0;
}

static int on_bye(struct bytes body, struct err *err)
{
	char *why;

	if (wire_bye_decode(&why, body))
		return err_set(err, EPROTO, "broken BYE");
	err_set(err, ECONNRESET, "it says: %s", *why ? why : "bye");
	free(why);
	return -ECONNRESET;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct coord_peer *p = ctx;

	p->heard_ms = clock_ms();
	if (type == WIRE_HELLO)
		return on_hello(p, body, err);
	if (type == WIRE_BYE)
		return on_bye(body, err);
	if (p->state == PEER_GREETING)
		return err_set(err, EPROTO, "it did not say hello");
	switch (type) {
	case WIRE_HAVE:
		return on_have(p, body, err);
	case WIRE_BEAT:
		return on_beat(p, body, err);
	case WIRE_OUTPUT:
		return on_output(p, body, err);
	case WIRE_RESULT:
		return on_result(p, body, err);
	case WIRE_FAIL:
		return on_fail(p, body, err);
	default:
		return err_set(err, EPROTO, "a message of type %u", type);
	}
}

static void on_close(void *ctx, const struct err *why)
{
	struct coord_peer *p = ctx;
	/* Another version stays another version. */
	bool version = p->greeted && p->state == PEER_GREETING &&
		       wire_hello_version(&p->hello) < 0;

	lost(p, version ? PEER_OUT : PEER_DOWN,
	     why->text[0] ? why->text : "connection closed");
}

static void say_hello(struct coord_peer *p)
{
	struct buf body = { 0 };

	wire_hello_encode_kfarm(&body);
	wire_stream_send(p->stream, WIRE_HELLO, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static void dial(struct coord_peer *p)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close };
	struct err err;
	int fd;

	if (coord_line_dial(&p->line, p->coord->base, &p->entry->address, &fd,
			    &err)) {
		lost(p, PEER_DOWN, err.text);
		return;
	}
	p->heard_ms = clock_ms();
	p->stream = wire_stream_new(p->coord->base, fd, fd, &ops, p);
	/* The words of the failure before this stay until it is up. */
	p->state = PEER_GREETING;
	say_hello(p);
	after_ms(p,
		 p->entry->address.kind == NODE_SSH ? SSH_HELLO_MS : HELLO_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct coord_peer *p = arg;

	(void)fd;
	(void)what;
	if (p->state == PEER_DOWN)
		dial(p);
	else if (p->state == PEER_GREETING)
		lost(p, PEER_DOWN, "it did not say hello in time");
	else if (p->state == PEER_RESTING && coord_proof_start(p))
		p->state = PEER_PROVING;
	else if (p->state == PEER_RESTING)
		after_ms(p, 1000);
}

void coord_peer_watch(struct coord_peer *p, uint64_t now_ms)
{
	bool talking = p->state == PEER_UP || p->state == PEER_RESTING ||
		       p->state == PEER_PROVING;

	if (talking && now_ms > p->heard_ms + SILENT_MS)
		lost(p, PEER_DOWN, "silent for 5 s");
}

struct coord_peer *coord_peer_new(struct coord *c,
				  const struct node_entry *entry)
{
	struct coord_peer *p = xcalloc(1, sizeof(*p));

	p->coord = c;
	p->entry = entry;
	p->line.stderr_fd = -1;
	p->timer = event_new(c->base, -1, 0, on_timer, p);
	if (!p->timer)
		str_out_of_memory();
	p->state = PEER_DOWN;
	/* From the loop, so that the caller is complete by then. */
	after_ms(p, 0);
	return p;
}

void coord_peer_free(struct coord_peer *p)
{
	hang_up(p);
	event_free(p->timer);
	if (p->greeted)
		wire_hello_release(&p->hello);
	free(p->limit.why);
	free(p->detail);
	free(p->has);
	free(p);
}
