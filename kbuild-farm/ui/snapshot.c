/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/list.h"
#include "ui/model.h"

struct teller {
	const struct ui_model *m;
	events_sink *told;
	void *ctx;
};

static struct events_event make(const struct teller *t, enum events_kind kind)
{
	struct events_event ev = events_new(kind);

	ev.at_ms = t->m->at_ms;
	return ev;
}

static void tell(const struct teller *t, const struct events_event *ev)
{
	t->told(t->ctx, ev);
}

static const char *or_none(const char *text)
{
	return *text ? text : NULL;
}

static void tell_what_is_built(const struct teller *t)
{
	const struct ui_model *m = t->m;
	struct events_event ev = make(t, EVENTS_BUILD);

	if (*m->what) {
		ev.what = m->what;
		ev.arch = or_none(m->arch);
		ev.config = or_none(m->config);
		ev.toolchain = or_none(m->toolchain);
		ev.tree = or_none(m->tree);
		ev.toolchain_id = or_none(m->toolchain_id);
		ev.tree_name = or_none(m->tree_name);
		ev.commit = or_none(m->commit);
		ev.release = or_none(m->release);
		ev.key = or_none(m->key);
		ev.fresh = m->fresh;
		ev.dir = or_none(m->dir);
		ev.output = or_none(m->output);
		ev.jobs = m->jobs;
		ev.local_slots = m->local_slots;
		ev.number = m->of ? m->number : EVENTS_UNKNOWN;
		ev.of = m->of ? m->of : EVENTS_UNKNOWN;
		tell(t, &ev);
	}
	for (unsigned i = 0; i < m->n_phases; i++) {
		ev = make(t, EVENTS_PHASE);
		ev.at_ms = m->phase[i].began_ms;
		ev.text = m->phase[i].name;
		tell(t, &ev);
	}
}

static void tell_node(const struct teller *t, const struct ui_node *n)
{
	struct events_event ev = make(t, EVENTS_NODE);

	ev.node = n->told->name;
	if (*n->told->state) {
		ev.at_ms = n->state_ms;
		ev.text = n->told->state;
		ev.reason = n->told->reason;
		ev.machine = n->machine;
		ev.slots = n->told->slots;
		ev.cores = n->cores;
		tell(t, &ev);
	}
	if (n->cell) {
		ev = make(t, EVENTS_CELL);
		ev.node = n->told->name;
		ev.text = n->cell;
		tell(t, &ev);
	}
	ev = make(t, EVENTS_LOAD);
	ev.node = n->told->name;
	ev.jobs_done = n->told->jobs;
	ev.failed = n->told->failed;
	ev.retries = n->told->retries;
	ev.cpu_ms = n->told->cpu_ms;
	ev.sent = n->told->sent;
	ev.received = n->told->received;
	ev.load = n->load;
	ev.memory = n->memory;
	ev.foreign = n->foreign;
	ev.celsius = n->celsius;
	ev.speed = n->speed;
	for (unsigned i = EVENTS_SEND; i <= EVENTS_RECEIVE; i++)
		ev.running += n->now[i];
	tell(t, &ev);
}

static void tell_diags(const struct teller *t)
{
	const struct ui_model *m = t->m;
	uint64_t i = m->n_diags > UI_DIAGS ? m->n_diags - UI_DIAGS : 0;

	for (; i < m->n_diags; i++) {
		const struct ui_diag *d = &m->diag[i % UI_DIAGS];
		struct events_event ev = make(t, EVENTS_DIAG);

		ev.at_ms = d->at_ms;
		ev.severity = d->severity;
		ev.text = d->text;
		ev.new_diags = d->fresh;
		tell(t, &ev);
	}
}

static void tell_job(const struct teller *t, const struct ui_job *j)
{
	struct events_event ev = make(t, EVENTS_JOB);

	ev.job = j->number;
	ev.file = j->file;
	ev.cost_ms = j->cost_ms;
	ev.at_ms = j->came_ms;
	tell(t, &ev);
	ev.cost_ms = EVENTS_UNKNOWN;
	if (j->state != EVENTS_QUEUED) {
		ev.state = j->state;
		ev.node = j->node ? j->node->told->name : NULL;
		ev.reason = j->reason;
		ev.at_ms = j->since_ms;
		tell(t, &ev);
	}
	if (j->beside) {
		ev.state = EVENTS_RUN;
		ev.beside = true;
		ev.node = EVENTS_LOCAL;
		tell(t, &ev);
	}
}

/* Behind the jobs: those that the other build had not are in its total. */
static void tell_estimate(const struct teller *t)
{
	const struct ui_estimate *e = &t->m->estimate;

	for (unsigned i = 1; !e->parted && i < e->n; i++) {
		struct events_event ev = make(t, EVENTS_ESTIMATE);

		ui_estimate_tell(e, i, &ev);
		tell(t, &ev);
	}
}

static void tell_counts(const struct teller *t)
{
	const struct events_tally *all = &t->m->tally;
	const struct ui_estimate *e = &t->m->estimate;
	struct events_event ev;

	tell_estimate(t);
	ev = make(t, EVENTS_COUNTS);
	if (!e->parted && e->n > 1) {
		ev.at_ms = (uint64_t)e->since;
		ev.cost_ms = (int64_t)e->done;
	}
	ev.remote_n = all->remote;
	ev.local = all->local;
	ev.steps = all->steps;
	ev.retries = all->retried;
	ev.beside_n = all->beside;
	ev.warnings = all->warnings;
	ev.errors = all->errors;
	if (all->compares)
		ev.new_diags = all->new_diags;
	tell(t, &ev);
	for (size_t i = 0; i < all->n_reasons; i++) {
		ev = make(t, EVENTS_REASON);
		ev.reason = all->reason[i].text;
		ev.local = all->reason[i].jobs;
		tell(t, &ev);
	}
}

void ui_model_snapshot(void *model, events_sink *told, void *ctx)
{
	const struct ui_model *m = model;
	const struct teller t = { m, told, ctx };
	const struct ui_job *j;

	tell_what_is_built(&t);
	for (size_t i = 0; i < m->n_nodes; i++)
		tell_node(&t, m->node[i]);
	tell_diags(&t);
	list_for_each(j, &m->jobs_now, link)
		tell_job(&t, j);
	tell_counts(&t);
	if (m->done) {
		struct events_event ev = make(&t, EVENTS_DONE);

		ev.status = m->status;
		ev.remote_n = m->tally.remote;
		ev.local = m->tally.local;
		tell(&t, &ev);
	}
}
