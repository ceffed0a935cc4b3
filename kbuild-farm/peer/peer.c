/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/peer.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "node/limits.h"
#include "peer/foreign.h"
#include "peer/rate.h"
#include "peer/tune.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#define HELLO_S     5
#define SSH_HELLO_S 10
#define TLS_HELLO_S 10 /* its parts have shorter limits: peer/connect.h */
#define SILENT_MS   5000 /* five beats missed */
#define BEAT_LEAST  200 /* ms; what comes faster is no news */
#define CELLS_LOST  5 /* of one connection; then no more are asked for */

struct peer {
	struct peer_link link;
	enum peer_state state;
	struct event *hello_timer;
	struct node_limit limit;
	struct peer_cells cells;
	struct peer_foreign foreign;
	struct peer_rate rate;
	size_t n_asked; /* toolchains of the farm */
	enum peer_has *told; /* what was told of each */
	size_t n_told;
	unsigned told_busy;
	uint64_t busy_ms;
	uint64_t beat_ms; /* when it was heard last; 0: not yet */
	struct wire_health health; /* of this conversation */
};

/* ------------------------------------------------------- conversations */

void peer_hang_up(struct peer *p)
{
	event_del(p->hello_timer);
	peer_job_free_all(&p->link);
	peer_rate_end(&p->rate);
	peer_foreign_release(&p->foreign);
	peer_cells_release(&p->cells);
	peer_link_close(&p->link);
	p->state = PEER_DOWN;
	p->n_asked = p->n_told = 0;
	p->told_busy = 0;
	p->beat_ms = 0;
}

/* The conversation is over, or never began. */
static void on_lost(struct peer *p, enum peer_state state, const char *why)
{
	struct peer_farm *farm = p->link.farm;
	char *text = p->state == PEER_GREETING ?
			     peer_link_reason(&p->link, why) :
			     xstrdup(why);

	peer_hang_up(p);
	p->state = state;
	if (farm->tune)
		peer_tune_lost(farm->tune, p->link.entry->name, text);
	farm->ops->state(p->link.ctx, state, text);
	free(text);
}

static int on_fit(struct peer *p)
{
	struct peer_link *l = &p->link;
	const struct wire_inventory *inventory = &l->hello.inventory;
	const char *why = l->fit.fit ? NULL : l->fit.why;

	event_del(p->hello_timer);
	if (l->machine_seen)
		p->health = l->machine.health;
	free(p->limit.why);
	node_limit(&p->limit, inventory, &l->machine, l->entry->slots);
	if (l->entry->half)
		node_limit_halve(&p->limit);
	peer_foreign_init(&p->foreign, l, inventory->machine, &l->fit.hosts);
	p->state = why ? PEER_UNFIT : PEER_UP;
	if (why && l->farm->tune)
		peer_tune_lost(l->farm->tune, l->entry->name, why);
	l->farm->ops->state(l->ctx, p->state, why);
	peer_farm_wake(l->farm);
	return 0;
}

/* ---------------------------------------------------------------- jobs */

static int on_beat(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_link *l = &p->link;
	uint64_t now = clock_ms();
	struct wire_beat m;

	if (wire_beat_decode(&m, body))
		return err_set(err, EPROTO, "broken BEAT");
	/* A node that floods us fills no log. */
	if (p->beat_ms && now - p->beat_ms < BEAT_LEAST) {
		wire_beat_release(&m);
		return 0;
	}
	p->beat_ms = now;
	l->hello.inventory.available_mib = m.available_mib;
	l->hello.inventory.load_milli = m.load_milli;
	for (unsigned i = 0; i < m.n_jobs; i++) {
		const struct peer_job *job = peer_job_find(l, m.jobs[i].job);

		if (job && job->kind == PEER_JOB_UNIT)
			l->farm->ops->beat(l->ctx, job->number,
					   m.jobs[i].cpu_ms);
	}
	wire_beat_release(&m);
	l->farm->ops->load(l->ctx);
	return 0;
}

static int on_health(struct peer *p, struct bytes body, struct err *err)
{
	if (wire_health_decode(&p->health, body,
			       wire_hello_version(&p->link.hello)))
		return err_set(err, EPROTO, "broken HEALTH");
	return 0;
}

static int on_output(struct peer *p, struct bytes body, struct err *err)
{
	const struct peer_link *l = &p->link;
	struct wire_piece m;
	struct peer_job *job;
	int ret;

	if (wire_piece_decode(&m, body))
		return err_set(err, EPROTO, "broken OUTPUT");
	job = peer_job_find(l, m.job);
	if (!job)
		return 0;
	ret = peer_job_output(job, &m, err);
	if (!ret && job->kind == PEER_JOB_UNIT)
		l->farm->ops->output(l->ctx, job->number);
	return ret;
}

static void end_unit(struct peer *p, struct peer_job *job)
{
	struct peer_link *l = &p->link;
	struct peer_answer answer = job->answer;
	uint32_t number = job->number;

	job->answer = (struct peer_answer){ 0 };
	peer_job_free(l, job);
	p->busy_ms += answer.result.cpu_ms;
	l->farm->ops->answered(l->ctx, number, &answer);
}

static void end_canary(struct peer *p, struct peer_job *job,
		       const struct wire_fail *fail)
{
	struct peer_cell *cell = job->cell;
	struct peer_canary_outcome outcome;
	/* It may have been ended while its job was out. */
	bool over = cell->canary_run.out &&
		    (fail ? peer_canary_fail(job, fail, &outcome) :
			    peer_canary_answer(job, &outcome));

	peer_job_free(&p->link, job);
	if (over)
		peer_foreign_tried(&p->foreign, cell, &outcome);
	/* One that is busy is asked again with the next tick. */
	if (!fail || over)
		peer_farm_wake(p->link.farm);
}

static void end_probe(struct peer *p, struct peer_job *job)
{
	const struct peer_link *l = &p->link;
	bool right = peer_probe_is_right(job);

	peer_job_free(&p->link, job);
	l->farm->ops->probed(l->ctx,
			     right ? PEER_PROBED_RIGHT : PEER_PROBED_WRONG,
			     "its known-answer compile came back wrong");
}

static int on_result(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_result m;
	struct peer_job *job;

	if (wire_result_decode(&m, body))
		return err_set(err, EPROTO, "broken RESULT");
	job = peer_job_find(&p->link, m.job);
	if (!job)
		return 0;
	job->answer.result = m;
	if (job->kind == PEER_JOB_UNIT)
		end_unit(p, job);
	else if (job->kind == PEER_JOB_CANARY)
		end_canary(p, job, NULL);
	else
		end_probe(p, job);
	return 0;
}

/* It lost the cell (HAVE) that a job needed: another one, but not for ever. */
static void ask_again(struct peer *p, struct inputs_toolchain *tc)
{
	const struct peer_cell *cell = peer_cell_find(&p->cells, tc);

	if (cell && cell->state == CELL_OVER && cell->lost &&
	    tc->state == INPUTS_READY && p->cells.lost <= CELLS_LOST)
		peer_cell_ask(&p->cells, tc, cell->foreign);
}

static void end_failed_job(struct peer *p, struct peer_job *job,
			   const struct wire_fail *m)
{
	const struct peer_link *l = &p->link;
	struct inputs_toolchain *tc = job->cell->toolchain;
	enum peer_job_kind kind = job->kind;

	if (kind == PEER_JOB_CANARY) {
		end_canary(p, job, m);
		return;
	}
	peer_job_free(&p->link, job);
	if (m->class == WIRE_FAIL_TOOLCHAIN)
		ask_again(p, tc);
	if (kind == PEER_JOB_PROBE)
		l->farm->ops->probed(l->ctx, PEER_PROBED_FAILED, m->reason);
	else
		l->farm->ops->failed(l->ctx, m->job,
				     (enum wire_fail_class)m->class, m->reason);
}

static int on_fail(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_fail m;
	struct peer_job *job;

	if (wire_fail_decode(&m, body))
		return err_set(err, EPROTO, "broken FAIL");
	job = peer_job_find(&p->link, m.job);
	if (job)
		end_failed_job(p, job, &m);
	wire_fail_release(&m);
	return 0;
}

/* --------------------------------------------------------------- cells */

static void end_rate(struct peer *p)
{
	const struct peer_link *l = &p->link;

	l->farm->ops->measured(l->ctx, peer_rate_have(&p->rate));
}

static int on_have(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_cell *cell = NULL;
	struct wire_have m;

	if (wire_have_decode(&m, body))
		return err_set(err, EPROTO, "broken HAVE");
	if (peer_rate_is(&p->rate, m.cell))
		end_rate(p);
	else if (peer_foreign_brings(&p->foreign, m.cell))
		peer_foreign_have(&p->foreign, &m);
	else
		cell = peer_cell_have(&p->cells, &m);
	wire_have_release(&m);
	if (cell)
		peer_foreign_cell(&p->foreign, cell);
	peer_farm_wake(p->link.farm);
	return 0;
}

static int on_need(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_need m;
	int ret;

	if (wire_need_decode(&m, body))
		return err_set(err, EPROTO, "broken NEED");
	if (peer_rate_is(&p->rate, m.cell))
		ret = peer_rate_need(&p->rate, &m, err);
	else if (peer_foreign_brings(&p->foreign, m.cell))
		ret = peer_foreign_need(&p->foreign, &m, err);
	else
		ret = peer_cell_need(&p->cells, &m, err);
	wire_need_release(&m);
	peer_farm_wake(p->link.farm);
	return ret;
}

static void ask_for_cells(struct peer *p)
{
	const struct peer_farm *farm = p->link.farm;

	if (p->foreign.changed)
		p->n_asked = 0;
	p->foreign.changed = false;
	while (p->n_asked < farm->n_toolchains) {
		struct inputs_toolchain *tc = farm->toolchain[p->n_asked];

		if (tc->state == INPUTS_TOUCHED)
			return;
		p->n_asked++;
		if (tc->state == INPUTS_READY && !peer_cell_find(&p->cells, tc))
			peer_foreign_ask(&p->foreign, &p->cells, tc);
	}
}

static void step_canaries(struct peer *p)
{
	struct peer_canary_outcome outcome;
	struct peer_cell *cell, *next;

	list_for_each_safe(cell, &p->cells.list, link, next) {
		if (p->link.n_jobs < p->limit.slots &&
		    peer_canary_step(cell, &outcome))
			peer_foreign_tried(&p->foreign, cell, &outcome);
	}
}

static void tell_changes(struct peer *p)
{
	const struct peer_link *l = &p->link;
	const struct peer_farm *farm = l->farm;

	while (p->n_told < farm->n_toolchains)
		*VEC_ADD(p->told, p->n_told) = PEER_HAS_NOT;
	for (size_t i = 0; i < p->n_told; i++) {
		enum peer_has has = peer_has(p, farm->toolchain[i]);

		if (has != p->told[i])
			farm->ops->has(l->ctx, farm->toolchain[i], has);
		p->told[i] = has;
	}
	if (l->n_others != p->told_busy)
		farm->ops->busy(l->ctx, l->n_others);
	p->told_busy = l->n_others;
}

void peer_step(struct peer *p)
{
	if (p->state != PEER_UP)
		return;
	ask_for_cells(p);
	step_canaries(p);
	tell_changes(p);
	if (p->foreign.stuck) {
		p->foreign.stuck = false;
		p->link.farm->ops->worn(p->link.ctx);
	}
}

/* -------------------------------------------------------------- stream */

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct peer *p = ctx;
	int ret = peer_link_hear(&p->link, type, body, err);

	if (ret <= 0)
		return ret;
	if (type == WIRE_FIT || type == WIRE_MACHINE)
		return on_fit(p);
	if (type == WIRE_BEAT)
		return on_beat(p, body, err);
	if (type == WIRE_HEALTH)
		return on_health(p, body, err);
	if (p->state != PEER_UP)
		return err_set(err, EPROTO, "it is not fit");
	switch (type) {
	case WIRE_HAVE:
		return on_have(p, body, err);
	case WIRE_NEED:
		return on_need(p, body, err);
	case WIRE_HELD:
		return peer_foreign_held(&p->foreign, body, err);
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
	bool strange = p->link.hello_seen && !p->link.fit_seen &&
		       wire_hello_version(&p->link.hello) < 0;

	on_lost(p, strange ? PEER_STRANGE : PEER_DOWN,
		why->text[0] ? why->text : "connection closed");
}

static void on_drain(void *ctx)
{
	peer_ship_more(((struct peer *)ctx)->link.ship);
}

static void on_hello_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	on_lost(arg, PEER_DOWN, "it did not say hello in time");
}

/* --------------------------------------------------------------- verbs */

void peer_dial(struct peer *p)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close,
						    .on_drain = on_drain };
	static const time_t hello_s[] = {
		[NODE_EXEC] = HELLO_S,
		[NODE_UNIX] = HELLO_S,
		[NODE_SSH] = SSH_HELLO_S,
		[NODE_TLS] = TLS_HELLO_S,
	};
	struct timeval limit = {
		.tv_sec = hello_s[p->link.entry->address.kind]
	};
	struct err err;

	if (peer_link_dial(&p->link, &ops, p, &err)) {
		on_lost(p, PEER_DOWN, err.text);
		return;
	}
	p->state = PEER_GREETING;
	p->health = wire_health_unknown;
	peer_cells_init(&p->cells, &p->link);
	event_add(p->hello_timer, &limit);
}

void peer_renew(struct peer *p)
{
	struct buf body = { 0 };

	if (p->link.stream) {
		wire_bye_encode(&body, "it knows too many names");
		peer_link_send(&p->link, WIRE_BYE, &body, WIRE_PLAIN);
	}
	peer_hang_up(p);
}

bool peer_probe(struct peer *p)
{
	return p->state == PEER_UP && peer_probe_send(&p->cells);
}

bool peer_measure(struct peer *p, const struct inputs_entry *file)
{
	peer_rate_end(&p->rate);
	return p->state == PEER_UP && peer_rate_start(&p->rate, &p->link, file);
}

int peer_send(struct peer *p, const struct inputs_toolchain *tc,
	      const struct peer_question *q, uint32_t *number)
{
	struct peer_job *job;
	int ret = peer_send_job(peer_cell_find(&p->cells, tc), PEER_JOB_UNIT, q,
				&job);

	if (!ret)
		*number = job->number;
	return ret;
}

void peer_cancel(struct peer *p, uint32_t number)
{
	struct peer_job *job = peer_job_find(&p->link, number);

	if (job)
		peer_job_cancel(&p->link, job);
}

void peer_tick(struct peer *p, uint64_t now_ms)
{
	if (p->state != PEER_UP && p->state != PEER_UNFIT)
		return;
	if (now_ms > p->link.heard_ms + SILENT_MS) {
		on_lost(p, PEER_DOWN, "silent for 5 s");
		return;
	}
	peer_ship_retry(p->link.ship);
	peer_step(p);
}

struct peer *peer_new(struct peer_farm *farm, const struct node_entry *entry,
		      void *ctx)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	peer_link_init(&p->link, farm, entry, ctx);
	peer_cells_init(&p->cells, &p->link);
	p->hello_timer = event_new(farm->base, -1, 0, on_hello_timer, p);
	if (!p->hello_timer)
		str_out_of_memory();
	return p;
}

void peer_set_entry(struct peer *p, const struct node_entry *entry)
{
	p->link.entry = entry;
	p->link.codec = entry->codec;
}

void peer_free(struct peer *p)
{
	peer_hang_up(p);
	event_free(p->hello_timer);
	peer_link_release(&p->link);
	free(p->limit.why);
	free(p->told);
	free(p);
}

/* ------------------------------------------------------------- figures */

enum peer_state peer_state(const struct peer *p)
{
	return p->state;
}

static bool was_asked(const struct peer *p, const struct inputs_toolchain *tc)
{
	for (size_t i = 0; i < p->n_asked; i++) {
		if (p->link.farm->toolchain[i] == tc)
			return true;
	}
	return false;
}

enum peer_has peer_has(const struct peer *p, const struct inputs_toolchain *tc)
{
	if (p->state != PEER_UP)
		return PEER_HAS_NOT;
	if (!was_asked(p, tc))
		return PEER_HAS_ASKED;
	return peer_foreign_has(&p->foreign, &p->cells, tc);
}

bool peer_takes_steps(const struct peer *p, const struct inputs_toolchain *tc,
		      enum wire_step_kind kind, const char **host)
{
	return peer_has(p, tc) == PEER_HAS &&
	       peer_foreign_takes_steps(&p->foreign, &p->cells, tc, kind, host);
}

unsigned peer_slots(const struct peer *p)
{
	return p->limit.slots;
}

const char *peer_boot_id(const struct peer *p)
{
	return p->link.greeted ? p->link.hello.inventory.boot_id : NULL;
}

void peer_figures(const struct peer *p, struct peer_figures *out)
{
	const struct peer_link *l = &p->link;

	*out = (struct peer_figures){
		.inventory = l->greeted ? &l->hello.inventory : NULL,
		.machine = &l->machine,
		.software = l->greeted ? l->hello.software : NULL,
		.layers = l->fit_seen ? l->fit.layers : NULL,
		.busy_ms = p->busy_ms,
		.health = &p->health,
		.heat = &l->heat,
		.pins = l->machine_seen &&
			wire_hello_version(&l->hello) >= WIRE_WITH_PIN,
		.sent = l->sent_before,
		.received = l->received_before,
	};
	if (p->state == PEER_UP)
		out->lacks = peer_foreign_lacks(&p->foreign, &p->cells,
						&out->why_lacks);
	if (l->stream) {
		out->sent += wire_stream_sent(l->stream);
		out->received += wire_stream_received(l->stream);
	}
}
