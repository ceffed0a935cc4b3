/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history/recorder.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/printable.h"
#include "base/vec.h"
#include "events/totals.h"
#include "history/save.h"
#include "history/sql.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* time to wait for locks at the start and at the end of a build */
#define BEGIN_WAIT_MS 250
#define END_WAIT_MS   5000 /* the holder can wait for a processor */

/*
 * Limits of one build.  Longer texts are cut; units and diagnostics beyond the
 * maximum are not recorded.
 */
#define TEXT_MAX  (16u << 10) /* bytes */
#define UNITS_MAX (1u << 20)
#define DIAGS_MAX (1u << 16)
/* A higher CPU time of one compile is implausible and recorded as unknown. */
#define CPU_MAX_MS (INT64_C(1) << 40)

#define STATUS_WARNINGS    101
#define STATUS_INTERRUPTED 130

struct recorded_job {
	struct map_entry entry;
	int64_t number;
	size_t unit; /* index in details.units */
	const struct events_node *node;
	const char *reason; /* borrowed from totals.reasons */
};

/*
 * Data that struct events_node lacks; events_node.user_data points to this
 * struct.
 */
struct recorded_node {
	size_t index; /* index in totals.nodes, set at the end */
	char *machine;
	int64_t min_speed_milli, max_celsius_milli; /* as in history_node */
};

struct history_recorder {
	struct events_hub *hub;
	struct events_subscriber subscriber;
	struct events_totals totals;
	struct history *db; /* NULL if it could not be opened */
	bool retry_open; /* `db` was locked: open it when the build ends */
	struct history_build build;
	struct history_details details;
	struct map jobs;
	struct recorded_job *
		*unit_jobs; /* jobs in the order of details.units */
	size_t n_unit_jobs;
	bool in_snapshot; /* the hub is sending its snapshot */
	bool started; /* EVENTS_KIND_BUILD was received */
	bool finished;
};

/* Copy at most TEXT_MAX bytes, without cutting a UTF-8 character. */
static char *copy_text(const char *text)
{
	return text ? xstrndup(text, printable_prefix_len(text, TEXT_MAX)) :
		      NULL;
}

/*
 * Return the canonical form of a path, because one directory can be given by
 * several paths, and the history identifies it by its path.
 */
static char *copy_path(const char *path)
{
	char *real = path ? fs_canonical_path(path) : NULL;
	char *copy = copy_text(real);

	free(real);
	return copy;
}

/* ---- events ---- */

static int64_t known_or_zero(int64_t n)
{
	return n == EVENTS_UNKNOWN ? 0 : n;
}

static void on_build_started(struct history_recorder *r,
			     const struct events_event *ev)
{
	struct history_build *b = &r->build;
	struct err ignored;

	if (r->started)
		return;
	r->started = true;
	b->number = known_or_zero(ev->history_id);
	b->series_key = copy_text(ev->series_key);
	b->command = copy_text(ev->command);
	b->arch = copy_text(ev->arch);
	b->config = copy_text(ev->config);
	b->toolchain = copy_text(ev->toolchain);
	b->toolchain_id = copy_text(ev->toolchain_id);
	b->source = copy_path(ev->tree);
	b->tree = copy_text(ev->tree_name ? ev->tree_name : b->source);
	b->dir = copy_path(ev->dir);
	b->output = copy_path(ev->output);
	b->commit = copy_text(ev->commit);
	b->release = copy_text(ev->release);
	b->from_scratch = ev->from_scratch;
	b->start_s = (int64_t)time(NULL) - (int64_t)(ev->at_ms / 1000);
	b->n_make_jobs = ev->make_jobs;
	b->n_local_slots = ev->n_local_slots;
	/* If this fails, history_save_end() inserts the row. */
	if (r->db)
		history_save_begin(r->db, b, &ignored);
}

static void on_phase_started(struct history_recorder *r,
			     const struct events_event *ev)
{
	struct history_details *d = &r->details;
	struct history_phase *p;

	if (d->n_phases) {
		p = &d->phases[d->n_phases - 1];
		p->duration_ms = (int64_t)ev->at_ms - p->start_ms;
	}
	p = VEC_ADD(d->phases, d->n_phases);
	p->name = copy_text(ev->text);
	p->start_ms = (int64_t)ev->at_ms;
}

static struct recorded_node *recorded_node_of(struct events_node *n)
{
	if (!n->user_data)
		n->user_data = xcalloc(1, sizeof(struct recorded_node));
	return n->user_data;
}

static void on_load_reported(struct history_recorder *r,
			     const struct events_event *ev)
{
	struct events_node *n = events_totals_need_node(&r->totals, ev->node);
	struct recorded_node *own = n ? recorded_node_of(n) : NULL;

	/* EVENTS_UNKNOWN is negative. */
	if (own && ev->speed_milli > 0 &&
	    (!own->min_speed_milli || ev->speed_milli < own->min_speed_milli))
		own->min_speed_milli = ev->speed_milli;
	if (own && ev->celsius_milli > own->max_celsius_milli)
		own->max_celsius_milli = ev->celsius_milli;
}

static struct recorded_job *find_recorded_job(const struct history_recorder *r,
					      int64_t number)
{
	struct bytes key = bytes_of(&number, sizeof(number));
	struct map_entry *n = map_find(&r->jobs, map_hash(key));

	while (n && ((struct recorded_job *)n)->number != number)
		n = map_next_match(n);
	return (struct recorded_job *)n;
}

static struct recorded_job *add_recorded_job(struct history_recorder *r,
					     const struct events_event *ev)
{
	struct history_details *d = &r->details;
	struct recorded_job *j = xcalloc(1, sizeof(*j));
	struct history_unit *u;

	j->number = ev->job;
	j->unit = d->n_units;
	map_add(&r->jobs, &j->entry,
		map_hash(bytes_of(&j->number, sizeof(j->number))));
	*VEC_ADD(r->unit_jobs, r->n_unit_jobs) = j;
	u = VEC_ADD(d->units, d->n_units);
	*u = (struct history_unit){
		.job_number = ev->job,
		.node_index = -1,
		.reason_index = -1,
		.queued_ms = -1,
		.sent_ms = -1,
		.run_ms = -1,
		.received_ms = -1,
		.done_ms = -1,
		.cpu_ms = -1,
		.cost_ms = -1,
	};
	return j;
}

static void on_job_changed(struct history_recorder *r,
			   const struct events_event *ev)
{
	struct recorded_job *j = find_recorded_job(r, ev->job);
	int64_t now = (int64_t)ev->at_ms;
	struct history_unit *u;

	if (ev->hedged || (!j && r->details.n_units >= UNITS_MAX))
		return;
	j = j ? j : add_recorded_job(r, ev);
	u = &r->details.units[j->unit];
	if (!u->object)
		u->object = copy_text(ev->object);
	if (!u->file)
		u->file = copy_text(ev->file);
	if (ev->node)
		j->node = events_totals_need_node(&r->totals, ev->node);
	if (ev->state == EVENTS_JOB_DONE)
		j->reason = events_totals_need_reason(&r->totals, ev->reason);
	switch (ev->state) {
	case EVENTS_JOB_QUEUED:
		u->queued_ms = now;
		break;
	case EVENTS_JOB_SEND:
		u->sent_ms = now;
		break;
	case EVENTS_JOB_RUN:
		u->run_ms = now;
		break;
	case EVENTS_JOB_RECEIVE:
		u->received_ms = now;
		break;
	case EVENTS_JOB_DONE:
		u->done_ms = now;
		u->remote = ev->remote;
		u->cached = ev->cached;
		u->cached_remote = ev->cached_remote;
		if (!u->miss && ev->miss)
			u->miss = copy_text(ev->miss);
		u->n_retries = ev->n_retries;
		if (ev->remote)
			u->cpu_ms = ev->cpu_ms > CPU_MAX_MS ? -1 : ev->cpu_ms;
		else if (u->run_ms >= 0)
			u->cpu_ms = now - u->run_ms;
		u->cost_ms = ev->cost_ms > CPU_MAX_MS ? -1 : ev->cost_ms;
		if (u->cost_ms < 0)
			u->cost_ms = u->cpu_ms;
		break;
	default:
		break;
	}
}

static void on_diag_found(struct history_recorder *r,
			  const struct events_event *ev)
{
	struct history_details *d = &r->details;

	if (d->n_diags >= DIAGS_MAX)
		return;
	*VEC_ADD(d->diags, d->n_diags) = (struct history_diag){
		.tool = copy_text(ev->tool),
		.severity = copy_text(
			ev->severity == EVENTS_SEV_ERROR ? "error" : "warning"),
		.file = copy_text(ev->file),
		.flag = copy_text(ev->flag),
		.text = copy_text(ev->text ? ev->text : ""),
		.object = copy_text(ev->object),
		.line = known_or_zero(ev->line),
		.column = known_or_zero(ev->column),
		.status = history_diag_status_parse(ev->diag_status),
	};
}

static void on_size_measured(struct history_recorder *r,
			     const struct events_event *ev)
{
	struct history_details *d = &r->details;

	*VEC_ADD(d->sizes, d->n_sizes) = (struct history_size){
		.name = copy_text(ev->name ? ev->name : ""),
		.text_bytes = known_or_zero(ev->text_bytes),
		.data_bytes = known_or_zero(ev->data_bytes),
		.bss_bytes = known_or_zero(ev->bss_bytes),
		.file_bytes = known_or_zero(ev->file_bytes),
	};
}

static void on_recorded_event(void *ctx, const struct events_event *ev)
{
	struct history_recorder *r = ctx;
	struct events_node *n;

	if (r->in_snapshot && ev->kind != EVENTS_KIND_NODE)
		return;
	events_totals_add(&r->totals, ev);
	switch (ev->kind) {
	case EVENTS_KIND_BUILD:
		on_build_started(r, ev);
		break;
	case EVENTS_KIND_PHASE:
		on_phase_started(r, ev);
		break;
	case EVENTS_KIND_NODE:
		n = events_totals_need_node(&r->totals, ev->node);
		if (n && ev->machine && !recorded_node_of(n)->machine)
			recorded_node_of(n)->machine = copy_text(ev->machine);
		break;
	case EVENTS_KIND_LOAD:
		on_load_reported(r, ev);
		break;
	case EVENTS_KIND_JOB:
		on_job_changed(r, ev);
		break;
	case EVENTS_KIND_FOUND:
		on_diag_found(r, ev);
		break;
	case EVENTS_KIND_SIZE:
		on_size_measured(r, ev);
		break;
	default:
		break;
	}
}

/* ---- life cycle ---- */

static int open_history_for_writing(struct history_recorder *r,
				    unsigned wait_ms, struct strv *notes,
				    struct err *err)
{
	char *path = history_db_path();
	int ret = history_db_open_at(&r->db, path, HISTORY_MODE_WRITE, wait_ms,
				     err);

	if (!ret && r->db->note)
		strv_add(notes, r->db->note);
	free(path);
	return ret;
}

static void note_missing_build(struct strv *notes, const struct err *err)
{
	strv_addf(notes, "this build is not recorded in the history: %s",
		  err->text);
}

struct history_recorder *history_recorder_new(struct events_hub *hub,
					      struct strv *notes)
{
	struct history_recorder *r = xcalloc(1, sizeof(*r));
	struct err err = { 0 };
	int ret = open_history_for_writing(r, BEGIN_WAIT_MS, notes, &err);

	if (!ret)
		history_db_checkpoint(r->db);
	r->retry_open = ret == -EBUSY;
	if (ret && !r->retry_open)
		note_missing_build(notes, &err);
	r->build.n_new_warnings = r->build.n_new_errors =
		r->build.n_removed_diags = -1;
	r->hub = hub;
	r->subscriber = (struct events_subscriber){
		.on_event = on_recorded_event, .ctx = r
	};
	events_hub_subscribe(hub, &r->subscriber);
	r->in_snapshot = true;
	events_hub_send_snapshot(hub, on_recorded_event, r);
	r->in_snapshot = false;
	return r;
}

struct history *history_recorder_db(const struct history_recorder *r)
{
	return r ? r->db : NULL;
}

int64_t history_recorder_build_number(const struct history_recorder *r)
{
	return r && r->build.recorded ? r->build.number : 0;
}

static void record_nodes(struct history_recorder *r)
{
	struct history_details *d = &r->details;

	for (size_t i = 0; i < r->totals.n_nodes; i++) {
		struct events_node *n = r->totals.nodes[i];
		struct recorded_node *own = recorded_node_of(n);

		own->index = i;
		*VEC_ADD(d->nodes, d->n_nodes) = (struct history_node){
			.name = xstrdup(n->name),
			.machine = own->machine ? xstrdup(own->machine) : NULL,
			.state = *n->state ? xstrdup(n->state) : NULL,
			.reason = n->reason ? xstrdup(n->reason) : NULL,
			.n_slots = n->n_slots,
			.n_jobs = n->n_jobs,
			.n_failed = n->n_failed,
			.n_retries = n->n_retries,
			.cpu_ms = n->cpu_ms,
			.sent_bytes = n->sent_bytes,
			.received_bytes = n->received_bytes,
			.min_speed_milli = own->min_speed_milli,
			.max_celsius_milli = own->max_celsius_milli,
		};
	}
}

static int64_t reason_index(const struct events_totals *t, const char *text)
{
	for (size_t i = 0; text && i < t->n_reasons; i++) {
		if (t->reasons[i].text == text)
			return (int64_t)i;
	}
	return -1;
}

static void copy_reasons(struct history_reason **to, size_t *n_to,
			 const struct events_reason *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct history_reason *copy = VEC_ADD(*to, *n_to);

		copy->text = xstrdup(from[i].text);
		copy->n_jobs = from[i].n_jobs;
	}
}

static void copy_disabled(struct history_details *d,
			  const struct events_totals *t)
{
	for (size_t i = 0; i < t->n_disabled; i++) {
		const struct events_disabled *from = &t->disabled[i];

		*VEC_ADD(d->disabled,
			 d->n_disabled) = (struct history_disabled){
			.tool = xstrdup(from->tool),
			.node = copy_text(from->node),
			.text = copy_text(from->text),
			.n_failures = from->n_failures,
		};
	}
}

/*
 * STATUS_WARNINGS has a meaning only for `kfarm build`; `kfarm run` ends with
 * the status of its command.
 */
static enum history_state state_from_exit_status(const struct history_build *b)
{
	switch (b->status) {
	case 0:
		return HISTORY_STATE_GOOD;
	case STATUS_WARNINGS:
		return history_has_log(b) ? HISTORY_STATE_GOOD :
					    HISTORY_STATE_FAILED;
	case STATUS_INTERRUPTED:
	case 128 + SIGHUP:
	case 128 + SIGQUIT:
	case 128 + SIGTERM:
		return HISTORY_STATE_INTERRUPTED;
	}
	return HISTORY_STATE_FAILED;
}

static void record_totals(struct history_recorder *r,
			  const struct events_event *done)
{
	struct history_details *d = &r->details;
	struct history_build *b = &r->build;

	b->status = done->status;
	b->cause = copy_text(done->reason);
	b->state = state_from_exit_status(b);
	b->dirty = done->dirty;
	if (done->n_new_warnings != EVENTS_UNKNOWN) {
		b->n_new_warnings = done->n_new_warnings;
		b->n_new_errors = done->n_new_errors;
		b->n_removed_diags = done->n_removed_diags;
	}
	b->wall_ms = (int64_t)events_hub_elapsed_ms(r->hub);
	b->host_ms = r->totals.cpu_ms;
	b->scan_ms = r->totals.scan_ms;
	b->n_remote = r->totals.n_remote;
	b->n_local = r->totals.n_local;
	b->n_cached = r->totals.n_cached;
	b->n_cached_remote = r->totals.n_cached_remote;
	b->n_steps = events_totals_node_steps(&r->totals);
	b->n_local_steps = events_totals_local_steps(&r->totals);
	b->n_retried = r->totals.n_retried;
	b->n_hedged = r->totals.n_hedged;
	b->n_warnings = r->totals.n_warnings;
	b->n_errors = r->totals.n_errors;
	if (d->n_phases) {
		struct history_phase *last = &d->phases[d->n_phases - 1];

		last->duration_ms = b->wall_ms - last->start_ms;
	}
	record_nodes(r);
	copy_reasons(&d->reasons, &d->n_reasons, r->totals.reasons,
		     r->totals.n_reasons);
	copy_reasons(&d->step_reasons, &d->n_step_reasons,
		     r->totals.step_reasons, r->totals.n_step_reasons);
	copy_disabled(d, &r->totals);
	for (size_t i = 0; i < r->n_unit_jobs; i++) {
		const struct recorded_job *j = r->unit_jobs[i];
		const struct recorded_node *n = j->node ? j->node->user_data :
							  NULL;
		struct history_unit *u = &d->units[j->unit];

		u->node_index = n ? (int64_t)n->index : -1;
		u->reason_index = reason_index(&r->totals, j->reason);
		b->cpu_ms += u->cpu_ms > 0 ? u->cpu_ms : 0;
	}
}

/*
 * Close a database that was renamed.  The row of this build is in the renamed
 * file, so history_save_end() must insert it into the new file.
 */
static void close_replaced_history(struct history_recorder *r)
{
	history_db_close(r->db);
	r->db = NULL;
	r->build.recorded = false;
}

static int save_recorded_build(struct history_recorder *r, struct strv *notes,
			       struct err *err)
{
	struct err note = { 0 };
	int ret = 0;

	if (r->db && history_db_is_replaced(r->db))
		close_replaced_history(r);
	if (!r->db)
		ret = open_history_for_writing(r, END_WAIT_MS, notes, err);
	if (ret)
		return ret;
	sqlite3_busy_timeout(r->db->db, END_WAIT_MS);
	/* Do not write if a read during the build has found damage. */
	ret = r->db->damaged ?
		      -EUCLEAN :
		      history_save_end(r->db, &r->build, &r->details, err);
	if (ret != -EUCLEAN)
		return ret;
	history_db_move_damaged(r->db, &note);
	close_replaced_history(r);
	if (note.text[0])
		strv_add(notes, note.text);
	ret = open_history_for_writing(r, END_WAIT_MS, notes, err);
	if (!ret)
		ret = history_save_end(r->db, &r->build, &r->details, err);
	return ret;
}

void history_recorder_finish(struct history_recorder *r,
			     const struct events_event *done,
			     struct strv *notes)
{
	struct err err = { 0 }, ignored;

	if (!r->started || r->finished || (!r->db && !r->retry_open))
		return;
	r->finished = true;
	record_totals(r, done);
	if (!save_recorded_build(r, notes, &err))
		return;
	note_missing_build(notes, &err);
	/*
	 * Delete the row, because readers would take a build without an end for
	 * a killed build.  The deletion can succeed even if the disk is full:
	 * it fits in the pages of the transaction that failed.
	 */
	if (r->db) {
		sqlite3_busy_timeout(r->db->db, 0);
		history_save_cancel(r->db, &r->build, &ignored);
	}
	r->build.recorded = false;
}

void history_recorder_free(struct history_recorder *r)
{
	struct events_event done = events_event_make(EVENTS_KIND_DONE);
	struct strv ignored = { 0 };

	if (!r)
		return;
	done.status = 1;
	history_recorder_finish(r, &done, &ignored);
	strv_release(&ignored);
	events_hub_unsubscribe(r->hub, &r->subscriber);
	for (size_t i = 0; i < r->n_unit_jobs; i++)
		free(r->unit_jobs[i]);
	free(r->unit_jobs);
	map_release(&r->jobs);
	for (size_t i = 0; i < r->totals.n_nodes; i++) {
		struct recorded_node *own = r->totals.nodes[i]->user_data;

		if (own)
			free(own->machine);
		free(own);
	}
	events_totals_release(&r->totals);
	history_build_release(&r->build);
	history_details_release(&r->details);
	history_db_close(r->db);
	free(r);
}

int history_build_set_output(struct history *h, int64_t build,
			     const char *output, struct err *err)
{
	char *path = output ? fs_canonical_path(output) : NULL;
	int ret = sql_run(h, err,
			  "UPDATE build SET output = ?2 WHERE number = ?1",
			  "it", build, path);

	free(path);
	return ret;
}
