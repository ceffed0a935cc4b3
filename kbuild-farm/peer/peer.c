/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/peer.h"

#include "base/clock.h"
#include "base/str.h"
#include "coord/away.h"
#include "coord/job.h"
#include "peer/canary.h"
#include "peer/cell.h"
#include "peer/foreign.h"
#include "peer/health-probe.h"
#include "peer/ship.h"
#include "peer/tune.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_MS     5000
#define SSH_HELLO_MS 10000
#define SILENT_MS    5000 /* five beats missed */
#define STRIKES      3
#define CELLS_LOST   5 /* of one connection; then no more are asked for */

const char *peer_state_name(const struct peer *p)
{
	static const char *const names[] = {
		[PEER_DOWN] = "down",       [PEER_GREETING] = "connecting",
		[PEER_UP] = "up",           [PEER_RESTING] = "resting",
		[PEER_PROVING] = "resting", [PEER_OUT] = "out",
		[PEER_UNFIT] = "unfit",
	};

	return names[p->state];
}

static void set_state(struct peer *p, enum peer_state state, const char *detail)
{
	char *copy = detail ? xstrdup(detail) : NULL;

	free(p->detail);
	p->detail = copy;
	p->state = state;
	coord_emit_node(p->coord, p->entry->name, peer_state_name(p),
			p->detail);
	coord_kick(p->coord);
}

static void after_ms(struct peer *p, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	event_add(p->timer, &tv);
}

/* 1, 2, 4 ... 60 s, a fifth more or less so that nodes do not march in step. */
static uint64_t rest_ms(const struct peer *p)
{
	uint64_t s = p->faults > 6 ? 60 : 1u << (p->faults ? p->faults - 1 : 0);
	uint64_t ms = (s > 60 ? 60 : s) * 1000;

	return ms - ms / 5 + (uint64_t)random() % (ms * 2 / 5 + 1);
}

unsigned peer_slots(const struct peer *p)
{
	return p->limit.slots;
}

struct peer_cell *peer_ready_cell(struct peer *p,
				  const struct inputs_toolchain *tc)
{
	struct peer_cell *cell = peer_cell_find(p, tc);

	if (p->state != PEER_UP || p->worn || !cell ||
	    cell->state != CELL_READY)
		return NULL;
	return cell;
}

bool peer_undecided(const struct peer *p)
{
	return p->state == PEER_GREETING ||
	       (p->state == PEER_DOWN && !p->faults);
}

enum peer_availability peer_availability(const struct peer *p,
					 const struct inputs_toolchain *tc,
					 uint64_t now_ms)
{
	const struct peer_cell *cell = peer_cell_find(p, tc);

	if (peer_undecided(p))
		return PEER_SOON;
	if (p->state == PEER_UP && !cell && peer_foreign_undecided(p))
		return PEER_SHIPPING;
	if (p->state != PEER_UP || !cell)
		return PEER_NEVER;
	switch (cell->state) {
	case CELL_READY:
		return PEER_NOW;
	case CELL_ASKED:
		return cell->needs || now_ms > cell->asked_ms +
						       p->coord->patience_ms ?
			       PEER_SHIPPING :
			       PEER_SOON;
	case CELL_TRYING:
		return PEER_SHIPPING;
	default:
		return PEER_NEVER;
	}
}

/* Jobs that run there must go elsewhere: it will not answer them. */
static void abandon_jobs(struct peer *p, const char *why)
{
	struct coord_job *job, *next;

	list_for_each_safe(job, &p->coord->jobs, link, next) {
		if (job->state == JOB_AWAY && job->peer == p) {
			p->retries++;
			coord_away_retry(job, why);
		}
	}
}

static void hang_up(struct peer *p)
{
	peer_health_probe_drop(p);
	peer_foreign_free(p);
	if (p->stream) {
		peer_cell_free_all(p);
		peer_ship_free(p->ship);
		wire_intern_free(p->paths);
		wire_intern_free(p->flags);
		p->ship = NULL;
		p->sent_before += wire_stream_sent(p->stream);
		p->received_before += wire_stream_received(p->stream);
		wire_stream_free(p->stream);
		p->stream = NULL;
	}
	peer_transport_end(&p->line, p->coord->children);
}

/* The conversation is over, or never began. */
static void lost(struct peer *p, enum peer_state state, const char *why)
{
	/* A command that never said hello has its reason on stderr. */
	char *text = p->state == PEER_GREETING ?
			     peer_transport_reason(&p->line, why) :
			     xstrdup(why);

	hang_up(p);
	event_del(p->timer);
	if (p->greeted)
		p->errors++;
	p->faults++;
	set_state(p, state, text);
	peer_tune_lost(p, text);
	abandon_jobs(p, "node lost");
	if (state == PEER_DOWN)
		after_ms(p, rest_ms(p));
	free(text);
}

void peer_fault(struct peer *p, bool wrong, const char *fmt, ...)
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
		peer_health_probe_drop(p);
		set_state(p, PEER_RESTING, why);
		after_ms(p, rest_ms(p));
	}
	free(why);
}

void peer_suspect(struct peer *p, const char *why)
{
	if (p->jobs && !p->doubted && p->state == PEER_UP) {
		p->errors++;
		p->doubted = true;
	} else {
		peer_fault(p, false, "%s", why);
	}
}

void peer_success(struct peer *p)
{
	p->faults = 0;
	p->doubted = false;
	if (p->state == PEER_PROVING)
		set_state(p, PEER_UP, NULL);
}

void peer_cancel(struct peer *p, uint32_t job)
{
	struct buf body = { 0 };

	if (!p->stream)
		return;
	wire_cancel_encode(&body, job);
	wire_stream_send(p->stream, WIRE_CANCEL, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

void peer_renew(struct peer *p)
{
	p->worn = true;
	coord_kick(p->coord);
}

static bool talks(const struct peer *p)
{
	return p->stream && p->state != PEER_GREETING && p->state != PEER_UNFIT;
}

void peer_ask_all(struct inputs_toolchain *tc)
{
	struct coord *c = tc->coord;

	for (size_t i = 0; i < c->n_peers; i++) {
		if (talks(c->peers[i]))
			peer_foreign_ask(c->peers[i], tc);
	}
}

void peer_no_cell(struct peer *p, struct inputs_toolchain *tc)
{
	struct peer_cell *cell = peer_cell_find(p, tc);

	if (!cell || cell->state != CELL_OVER || !cell->lost || !talks(p) ||
	    tc->state != INPUTS_READY || p->lost_cells > CELLS_LOST)
		return;
	peer_cell_ask(p, tc, cell->own);
}

static int on_hello(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_hello hello;

	if (p->state != PEER_GREETING || p->hello_seen ||
	    wire_hello_decode(&hello, body))
		return err_set(err, EPROTO, "its hello makes no sense");
	if (p->greeted)
		wire_hello_release(&p->hello);
	p->hello = hello;
	p->greeted = p->hello_seen = true;
	if (wire_hello_version(&hello) < 0)
		return err_set(err, EPROTONOSUPPORT,
			       "%s speaks protocol %u to %u, this kfarm %d",
			       hello.software, hello.version_min,
			       hello.version_max, WIRE_VERSION);
	free(p->limit.why);
	node_limit(&p->limit, &hello.inventory, p->entry->slots);
	return 0;
}

static int on_fit(struct peer *p, struct bytes body, struct err *err)
{
	struct inputs_toolchain *tc;
	struct wire_fit fit;

	if (p->state != PEER_GREETING || wire_fit_decode(&fit, body))
		return err_set(err, EPROTO, "its FIT makes no sense");
	wire_fit_release(&p->fit);
	p->fit = fit;
	event_del(p->timer);
	if (!fit.fit) {
		set_state(p, PEER_UNFIT, fit.why);
		peer_tune_lost(p, fit.why);
		return 0;
	}
	/* One that failed before must first show a right answer. */
	if (p->connected_before && p->faults) {
		set_state(p, PEER_RESTING, p->detail);
		after_ms(p, 1);
	} else {
		set_state(p, PEER_UP, NULL);
	}
	p->connected_before = true;
	list_for_each(tc, &p->coord->toolchains, link) {
		if (tc->state == INPUTS_READY)
			peer_foreign_ask(p, tc);
	}
	return 0;
}

/* A job that runs here; others were cancelled or went elsewhere. */
static struct coord_job *job_of(struct peer *p, uint32_t id)
{
	struct coord_job *job;

	list_for_each(job, &p->coord->jobs, link) {
		if (job->number == id)
			return job->state == JOB_AWAY && job->peer == p ? job :
									  NULL;
	}
	return NULL;
}

static int on_beat(struct peer *p, struct bytes body, struct err *err)
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

static int on_output(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_piece m;
	struct coord_job *job;
	struct buf *answer;

	if (wire_piece_decode(&m, body))
		return err_set(err, EPROTO, "broken OUTPUT");
	if (peer_canary_output(p, &m))
		return 0;
	if (p->proof && m.job == p->proof) {
		peer_health_probe_output(p, &m);
		return 0;
	}
	job = job_of(p, m.job);
	if (!job)
		return 0;
	job->progress_ms = clock_ms();
	answer = &job->answer[m.stream];
	if (answer->len + m.data.len > wire_output_max(m.stream) ||
	    buf_reserve(answer, m.data.len))
		return err_set(err, EMSGSIZE, "more output than there may be");
	buf_add_bytes(answer, m.data);
	return 0;
}

static int on_result(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_result m;
	struct coord_job *job;

	if (wire_result_decode(&m, body))
		return err_set(err, EPROTO, "broken RESULT");
	job = job_of(p, m.job);
	if (peer_canary_result(p, &m))
		return 0;
	if (p->proof && m.job == p->proof)
		peer_health_probe_result(p, &m);
	else if (job)
		coord_away_result(job, &m);
	return 0;
}

static int on_fail(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_fail m;
	struct coord_job *job;

	if (wire_fail_decode(&m, body))
		return err_set(err, EPROTO, "broken FAIL");
	job = job_of(p, m.job);
	if (peer_canary_fail(p, &m))
		;
	else if (p->proof && m.job == p->proof)
		peer_fault(p, false, "%s", m.reason);
	else if (job)
		coord_away_fail(job, &m);
	wire_fail_release(&m);
	return 0;
}

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct peer *p = ctx;

	p->heard_ms = clock_ms();
	if (type == WIRE_HELLO)
		return on_hello(p, body, err);
	if (type == WIRE_BYE)
		return wire_bye_end(body, err);
	if (!p->hello_seen)
		return err_set(err, EPROTO, "it did not say hello");
	if (type == WIRE_FIT)
		return on_fit(p, body, err);
	if (type == WIRE_BEAT)
		return on_beat(p, body, err);
	if (!talks(p))
		return err_set(err, EPROTO, "it did not say if it is fit");
	switch (type) {
	case WIRE_HAVE:
		return peer_cell_have(p, body, err);
	case WIRE_NEED:
		return peer_cell_need(p, body, err);
	case WIRE_HELD:
		return peer_foreign_held(p, body, err);
	case WIRE_KEPT:
		return peer_foreign_kept(p, body, err);
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
	struct peer *p = ctx;
	/* Another version stays another version. */
	bool version = p->greeted && p->state == PEER_GREETING &&
		       wire_hello_version(&p->hello) < 0;

	lost(p, version ? PEER_OUT : PEER_DOWN,
	     why->text[0] ? why->text : "connection closed");
}

static void on_drain(void *ctx)
{
	struct peer *p = ctx;

	peer_ship_more(p->ship);
	peer_foreign_more(p);
}

static void say_hello(struct peer *p)
{
	struct buf body = { 0 };

	wire_hello_encode_kfarm(&body);
	wire_stream_send(p->stream, WIRE_HELLO, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
}

static void dial(struct peer *p)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close,
						    .on_drain = on_drain };
	struct err err;
	int fd;

	if (peer_transport_dial(&p->line, p->coord->base, &p->entry->address,
				&fd, &err)) {
		lost(p, PEER_DOWN, err.text);
		return;
	}
	p->heard_ms = clock_ms();
	p->stream = wire_stream_new(p->coord->base, fd, fd, &ops, p);
	p->hello_seen = p->worn = false;
	p->lost_cells = 0;
	p->paths = wire_paths_new();
	p->flags = wire_flags_new();
	p->ship = peer_ship_new(p->stream, p->coord->pool, p->coord->packed);
	/* The words of the failure before this stay until it is up. */
	p->state = PEER_GREETING;
	say_hello(p);
	after_ms(p,
		 p->entry->address.kind == NODE_SSH ? SSH_HELLO_MS : HELLO_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;

	(void)fd;
	(void)what;
	if (p->state == PEER_DOWN)
		dial(p);
	else if (p->state == PEER_GREETING)
		lost(p, PEER_DOWN, "it did not say hello in time");
	else if (p->state == PEER_RESTING && peer_health_probe_start(p))
		p->state = PEER_PROVING;
	else if (p->state == PEER_RESTING)
		after_ms(p, 1000);
}

/* Nothing runs there: say goodbye, and begin anew at once. */
static void renew(struct peer *p)
{
	struct buf body = { 0 };

	wire_bye_encode(&body, "it knows too many names");
	wire_stream_send(p->stream, WIRE_BYE, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	hang_up(p);
	p->state = PEER_DOWN;
	after_ms(p, 0);
}

static void tick(struct peer *p, uint64_t now_ms)
{
	peer_ship_retry(p->ship);
	peer_foreign_watch(p);
	peer_canary_watch(p, now_ms);
}

void peer_watch(struct peer *p, uint64_t now_ms)
{
	bool talking = p->state == PEER_UP || p->state == PEER_RESTING ||
		       p->state == PEER_PROVING || p->state == PEER_UNFIT;

	if (talking && now_ms > p->heard_ms + SILENT_MS)
		lost(p, PEER_DOWN, "silent for 5 s");
	else if (talking && p->worn && !p->running)
		renew(p);
	else if (talking)
		tick(p, now_ms);
}

struct peer *peer_new(struct coord *c, const struct node_entry *entry)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->coord = c;
	p->entry = entry;
	p->line.stderr_fd = -1;
	TAILQ_INIT(&p->cells);
	p->timer = event_new(c->base, -1, 0, on_timer, p);
	if (!p->timer)
		str_out_of_memory();
	p->state = PEER_DOWN;
	/* From the loop, so that the caller is complete by then. */
	after_ms(p, 0);
	return p;
}

void peer_free(struct peer *p)
{
	hang_up(p);
	event_free(p->timer);
	if (p->greeted)
		wire_hello_release(&p->hello);
	free(p->limit.why);
	wire_fit_release(&p->fit);
	free(p->detail);
	free(p->lacks);
	free(p);
}
