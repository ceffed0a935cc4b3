/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/record.h"

#include "base/log.h"
#include "base/map.h"
#include "base/vec.h"
#include "events/tally.h"
#include "history/checkpoint.h"
#include "history/save.h"
#include "history/sql.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long locks are waited for: at the beginning and at the end. */
#define BEGIN_WAIT_MS 250
#define END_WAIT_MS   700

#define TEXT_MAX   (16u << 10) /* bytes of a text, then cut */
#define UNITS_MAX  (1u << 20) /* of a build; what is beyond has no row, */
#define CPU_MAX_MS (INT64_C(1) << 40) /* of a compile: who says more errs */
#define DIAGS_MAX  (1u << 16) /* nor has it of these */

#define STATUS_WARNINGS    101
#define STATUS_INTERRUPTED 130

/* A job that was told of. */
struct job {
	struct map_node map;
	int64_t number;
	size_t unit; /* in details.unit */
	const struct events_node *node;
	const char *reason; /* the tally's */
};

/* What the tally does not keep of a node. */
struct node {
	size_t index; /* in the tally's order, at the end */
	char *machine;
};

struct history_record {
	struct events_hub *hub;
	struct events_consumer consumer;
	struct events_tally tally;
	struct history *history; /* NULL: it could not be opened, */
	bool retry; /* but may be at the end */
	struct history_build build;
	struct history_details details;
	struct map jobs;
	struct job **job; /* those of details.unit */
	size_t n_jobs;
	bool snapshot; /* the state so far is being told */
	bool begun; /* EVENTS_BUILD was told */
	bool ended;
};

/* Within a character nothing is cut. */
static char *copy_text(const char *text)
{
	size_t n = text ? strnlen(text, TEXT_MAX) : 0;

	if (!text)
		return NULL;
	while (text[n] && n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return xstrndup(text, n);
}

/* ---- what is told ---- */

static void on_build(struct history_record *r, const struct events_event *ev)
{
	struct history_build *b = &r->build;
	struct err ignored;

	if (r->begun)
		return;
	r->begun = true;
	b->key = copy_text(ev->key);
	b->what = copy_text(ev->what);
	b->arch = copy_text(ev->arch);
	b->config = copy_text(ev->config);
	b->toolchain = copy_text(ev->toolchain);
	b->toolchain_id = copy_text(ev->toolchain_id);
	b->tree = copy_text(ev->tree_name ? ev->tree_name : ev->tree);
	b->source = copy_text(ev->tree);
	b->dir = copy_text(ev->dir);
	b->output = copy_text(ev->output);
	b->commit = copy_text(ev->commit);
	b->release = copy_text(ev->release);
	b->fresh = ev->fresh;
	b->began_s = (int64_t)time(NULL);
	b->make_jobs = ev->jobs;
	b->local_slots = ev->local_slots;
	/* Where this fails, all is tried again at the end. */
	if (r->history)
		history_save_begin(r->history, b, &ignored);
}

static void on_phase(struct history_record *r, const struct events_event *ev)
{
	struct history_details *d = &r->details;
	struct history_phase *p;

	if (d->n_phases) {
		p = &d->phase[d->n_phases - 1];
		p->ms = (int64_t)ev->at_ms - p->at_ms;
	}
	p = VEC_ADD(d->phase, d->n_phases);
	p->name = copy_text(ev->text);
	p->at_ms = (int64_t)ev->at_ms;
}

static struct node *own_of_node(struct events_node *n)
{
	if (!n->own)
		n->own = xcalloc(1, sizeof(struct node));
	return n->own;
}

static void on_node(struct history_record *r, const struct events_event *ev)
{
	struct events_node *n = events_tally_need(&r->tally, ev->node);

	if (n && ev->machine && !own_of_node(n)->machine)
		own_of_node(n)->machine = copy_text(ev->machine);
}

static struct job *find_recorded_job(const struct history_record *r,
				     int64_t number)
{
	struct bytes key = bytes_of(&number, sizeof(number));
	struct map_node *n = map_find(&r->jobs, map_hash(key));

	while (n && ((struct job *)n)->number != number)
		n = map_again(n);
	return (struct job *)n;
}

static struct job *add_recorded_job(struct history_record *r,
				    const struct events_event *ev)
{
	struct history_details *d = &r->details;
	struct job *j = xcalloc(1, sizeof(*j));
	struct history_unit *u;

	j->number = ev->job;
	j->unit = d->n_units;
	map_add(&r->jobs, &j->map,
		map_hash(bytes_of(&j->number, sizeof(j->number))));
	*VEC_ADD(r->job, r->n_jobs) = j;
	u = VEC_ADD(d->unit, d->n_units);
	*u = (struct history_unit){
		.job = ev->job,
		.node = -1,
		.reason = -1,
		.queued_ms = -1,
		.sent_ms = -1,
		.run_ms = -1,
		.received_ms = -1,
		.done_ms = -1,
		.cpu_ms = -1,
	};
	return j;
}

static void on_job_done(struct history_unit *u, const struct events_event *ev)
{
	u->done_ms = (int64_t)ev->at_ms;
	u->remote = ev->remote;
	u->retries = ev->retries;
	if (ev->remote)
		u->cpu_ms = ev->cpu_ms > CPU_MAX_MS ? -1 : ev->cpu_ms;
	else if (u->run_ms >= 0)
		u->cpu_ms = u->done_ms - u->run_ms;
}

static void on_job(struct history_record *r, const struct events_event *ev)
{
	struct job *j = find_recorded_job(r, ev->job);
	int64_t now = (int64_t)ev->at_ms;
	struct history_unit *u;

	if (ev->beside || (!j && r->details.n_units >= UNITS_MAX))
		return;
	j = j ? j : add_recorded_job(r, ev);
	u = &r->details.unit[j->unit];
	if (!u->object)
		u->object = copy_text(ev->object);
	if (!u->file)
		u->file = copy_text(ev->file);
	if (ev->node)
		j->node = events_tally_need(&r->tally, ev->node);
	if (ev->state == EVENTS_JOB_DONE)
		j->reason = events_tally_reason(&r->tally, ev->reason);
	switch (ev->state) {
	case EVENTS_QUEUED:
		u->queued_ms = now;
		break;
	case EVENTS_SEND:
		u->sent_ms = now;
		break;
	case EVENTS_RUN:
		u->run_ms = now;
		break;
	case EVENTS_RECEIVE:
		u->received_ms = now;
		break;
	case EVENTS_JOB_DONE:
		on_job_done(u, ev);
		break;
	default:
		break;
	}
}

static struct history_diag copy_diag(const struct history_diag *d)
{
	return (struct history_diag){
		.tool = copy_text(d->tool),
		.severity = copy_text(d->severity),
		.file = copy_text(d->file),
		.flag = copy_text(d->flag),
		.text = copy_text(d->text),
		.object = copy_text(d->object),
		.line = d->line,
		.column = d->column,
		.how = d->how,
	};
}

static void keep_diag(struct history_record *r, const struct history_diag *d)
{
	if (r->details.n_diags < DIAGS_MAX)
		*VEC_ADD(r->details.diag, r->details.n_diags) = copy_diag(d);
}

static void keep_size(struct history_record *r, const struct history_size *s)
{
	struct history_size *to = VEC_ADD(r->details.size, r->details.n_sizes);

	*to = *s;
	to->name = copy_text(s->name);
}

static int64_t known_or_none(int64_t n)
{
	return n == EVENTS_UNKNOWN ? 0 : n;
}

/* What it says is borrowed, and copied by this. */
static void on_found(struct history_record *r, const struct events_event *ev)
{
	struct history_diag d = {
		.tool = (char *)ev->tool,
		.severity = (char *)(ev->severity == EVENTS_ERROR ? "error" :
								    "warning"),
		.file = (char *)ev->file,
		.flag = (char *)ev->flag,
		.text = (char *)(ev->text ? ev->text : ""),
		.object = (char *)ev->object,
		.line = known_or_none(ev->line),
		.column = known_or_none(ev->column),
		.how = history_how_parse(ev->how),
	};

	keep_diag(r, &d);
}

static void on_size(struct history_record *r, const struct events_event *ev)
{
	struct history_size s = {
		.name = (char *)(ev->name ? ev->name : ""),
		.text = known_or_none(ev->text_bytes),
		.data = known_or_none(ev->data_bytes),
		.bss = known_or_none(ev->bss_bytes),
		.file = known_or_none(ev->file_bytes),
	};

	keep_size(r, &s);
}

static void on_told(void *ctx, const struct events_event *ev)
{
	struct history_record *r = ctx;

	if (r->snapshot && ev->kind != EVENTS_NODE)
		return;
	events_tally_tell(&r->tally, ev);
	switch (ev->kind) {
	case EVENTS_BUILD:
		on_build(r, ev);
		break;
	case EVENTS_PHASE:
		on_phase(r, ev);
		break;
	case EVENTS_NODE:
		on_node(r, ev);
		break;
	case EVENTS_JOB:
		on_job(r, ev);
		break;
	case EVENTS_FOUND:
		on_found(r, ev);
		break;
	case EVENTS_SIZE:
		on_size(r, ev);
		break;
	default:
		break;
	}
}

/* ---- the beginning ---- */

static int open_to_write(struct history_record *r, unsigned wait_ms,
			 struct strv *notes, struct err *err)
{
	char *path = history_path();
	int ret = history_open_at(&r->history, path, HISTORY_WRITE, wait_ms,
				  err);

	if (!ret && history_note(r->history))
		strv_add(notes, history_note(r->history));
	free(path);
	return ret;
}

static void note_missing_build(struct strv *notes, const struct err *err)
{
	strv_addf(notes, "this build will not be in the history: %s",
		  err->text);
}

struct history_record *history_record_new(struct events_hub *hub,
					  struct strv *notes)
{
	struct history_record *r = xcalloc(1, sizeof(*r));
	struct err err = { 0 };
	int ret = open_to_write(r, BEGIN_WAIT_MS, notes, &err);

	if (!ret)
		history_checkpoint_begin(r->history);
	r->retry = ret == -EBUSY;
	if (ret && !r->retry)
		note_missing_build(notes, &err);
	r->build.new_warnings = r->build.new_errors = r->build.gone = -1;
	r->hub = hub;
	r->consumer = (struct events_consumer){ .told = on_told, .ctx = r };
	events_hub_add(hub, &r->consumer);
	r->snapshot = true;
	events_hub_snapshot(hub, on_told, r);
	r->snapshot = false;
	return r;
}

struct history *history_record_history(const struct history_record *r)
{
	return r ? r->history : NULL;
}

int64_t history_record_number(const struct history_record *r)
{
	return r ? r->build.number : 0;
}

/* ---- the end ---- */

static void take_nodes(struct history_record *r)
{
	struct history_details *d = &r->details;

	for (size_t i = 0; i < r->tally.n_nodes; i++) {
		struct events_node *n = r->tally.node[i];
		struct node *own = own_of_node(n);

		own->index = i;
		*VEC_ADD(d->node, d->n_nodes) = (struct history_node){
			.name = xstrdup(n->name),
			.machine = own->machine ? xstrdup(own->machine) : NULL,
			.state = *n->state ? xstrdup(n->state) : NULL,
			.reason = n->reason ? xstrdup(n->reason) : NULL,
			.slots = n->slots,
			.jobs = n->jobs,
			.failed = n->failed,
			.retries = n->retries,
			.cpu_ms = n->cpu_ms,
			.sent = n->sent,
			.received = n->received,
		};
	}
}

static int64_t reason_index(const struct events_tally *t, const char *text)
{
	for (size_t i = 0; text && i < t->n_reasons; i++) {
		if (t->reason[i].text == text)
			return (int64_t)i;
	}
	return -1;
}

static void take_lists(struct history_record *r)
{
	struct history_details *d = &r->details;

	take_nodes(r);
	for (size_t i = 0; i < r->tally.n_reasons; i++) {
		struct history_reason *to = VEC_ADD(d->reason, d->n_reasons);

		to->text = xstrdup(r->tally.reason[i].text);
		to->jobs = r->tally.reason[i].jobs;
	}
	for (size_t i = 0; i < r->tally.n_step_reasons; i++) {
		struct history_reason *to = VEC_ADD(d->step_reason,
						    d->n_step_reasons);

		to->text = xstrdup(r->tally.step_reason[i].text);
		to->jobs = r->tally.step_reason[i].jobs;
	}
	for (size_t i = 0; i < r->n_jobs; i++) {
		const struct job *j = r->job[i];
		struct history_unit *u = &d->unit[j->unit];

		u->node =
			j->node ?
				(int64_t)((struct node *)j->node->own)->index :
				-1;
		u->reason = reason_index(&r->tally, j->reason);
		r->build.cpu_ms += u->cpu_ms > 0 ? u->cpu_ms : 0;
	}
}

static enum history_state state_of(int64_t status)
{
	switch (status) {
	case 0:
	case STATUS_WARNINGS:
		return HISTORY_GOOD;
	case STATUS_INTERRUPTED:
	case 128 + SIGHUP:
	case 128 + SIGQUIT:
	case 128 + SIGTERM:
		return HISTORY_INTERRUPTED;
	}
	return HISTORY_FAILED;
}

static void take_figures(struct history_record *r,
			 const struct events_event *done)
{
	struct history_details *d = &r->details;
	struct history_build *b = &r->build;

	b->status = done->status;
	b->state = state_of(done->status);
	b->dirty = done->dirty;
	if (done->new_warnings != EVENTS_UNKNOWN) {
		b->new_warnings = done->new_warnings;
		b->new_errors = done->new_errors;
		b->gone = done->gone;
	}
	b->wall_ms = (int64_t)events_hub_now(r->hub);
	b->host_ms = r->tally.cpu_ms;
	b->scan_ms = r->tally.scan_ms;
	b->remote = r->tally.remote;
	b->local = r->tally.local;
	b->steps = r->tally.shell_steps;
	b->steps_here = r->tally.shell_steps_here;
	b->retried = r->tally.retried;
	b->beside = r->tally.beside;
	b->warnings = r->tally.warnings;
	b->errors = r->tally.errors;
	if (d->n_phases) {
		struct history_phase *last = &d->phase[d->n_phases - 1];

		last->ms = b->wall_ms - last->at_ms;
	}
	take_lists(r);
}

/* What was inserted at the beginning is in another file. */
static void leave_file(struct history_record *r)
{
	history_close(r->history);
	r->history = NULL;
	r->build.number = 0;
}

static int save(struct history_record *r, struct strv *notes, struct err *err)
{
	struct err note = { 0 };
	int ret = 0;

	if (r->history && history_has_moved(r->history))
		leave_file(r);
	if (!r->history)
		ret = open_to_write(r, END_WAIT_MS, notes, err);
	if (ret)
		return ret;
	sqlite3_busy_timeout(r->history->db, END_WAIT_MS);
	/* Who read it during the build may have found damage. */
	ret = r->history->damaged ?
		      -EUCLEAN :
		      history_save_end(r->history, &r->build, &r->details, err);
	if (!sql_is_damage(ret))
		return ret;
	history_set_aside(r->history, &note);
	leave_file(r);
	if (note.text[0])
		strv_add(notes, note.text);
	ret = open_to_write(r, END_WAIT_MS, notes, err);
	if (!ret)
		ret = history_save_end(r->history, &r->build, &r->details, err);
	return ret;
}

void history_record_end(struct history_record *r,
			const struct events_event *done, struct strv *notes)
{
	struct err err = { 0 };

	if (!r->begun || r->ended || (!r->history && !r->retry))
		return;
	r->ended = true;
	take_figures(r, done);
	if (save(r, notes, &err))
		note_missing_build(notes, &err);
}

static void release_jobs(struct history_record *r)
{
	for (size_t i = 0; i < r->n_jobs; i++)
		free(r->job[i]);
	free(r->job);
	map_release(&r->jobs);
	for (size_t i = 0; i < r->tally.n_nodes; i++) {
		struct node *own = r->tally.node[i]->own;

		if (own)
			free(own->machine);
		free(own);
	}
}

void history_record_free(struct history_record *r)
{
	struct events_event done = events_new(EVENTS_DONE);
	struct strv ignored = { 0 };

	if (!r)
		return;
	done.status = 1;
	history_record_end(r, &done, &ignored);
	strv_release(&ignored);
	events_hub_remove(r->hub, &r->consumer);
	release_jobs(r);
	events_tally_release(&r->tally);
	history_build_release(&r->build);
	history_details_release(&r->details);
	history_close(r->history);
	free(r);
}
