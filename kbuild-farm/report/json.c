/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"
#include "report/data.h"
#include "report/slot-timeline.h"

#include <stdlib.h>

/* Return a number, or null if it is negative, which means unknown. */
static json_t *json_count(int64_t n)
{
	return n < 0 ? json_null() : json_integer((json_int_t)n);
}

static json_t *json_seconds(int64_t ms)
{
	return ms < 0 ? json_null() : json_real((double)ms / 1000);
}

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

/*
 * Return a build as an object.  The members in `final` are null unless the end
 * of the build is recorded.
 */
static json_t *build_object(const struct history_build *b)
{
	json_t *o = json_object();
	const struct {
		const char *key;
		int64_t n;
		bool is_ms;
	} final[] = {
		{ "status", b->status, false },
		{ "wall", b->wall_ms, true },
		{ "host_cpu", b->host_ms, true },
		{ "scan_cpu", b->scan_ms, true },
		{ "compile_cpu", b->cpu_ms, true },
		{ "remote", b->n_remote, false },
		{ "local", b->n_local, false },
		{ "steps", b->n_steps, false },
		{ "steps_here", b->n_local_steps, false },
		{ "retried", b->n_retried, false },
		{ "duplicated", b->n_hedged, false },
		{ "warnings", b->n_warnings, false },
		{ "errors", b->n_errors, false },
		{ "new_warnings", b->n_new_warnings, false },
		{ "new_errors", b->n_new_errors, false },
		{ "gone", b->n_removed_diags, false },
	};

	set(o, "build", json_count(b->number));
	set(o, "state", json_text(history_state_word(b->state)));
	set(o, "what", json_text(b->command));
	set(o, "arch", json_text(b->arch));
	set(o, "config", json_text(b->config));
	set(o, "toolchain", json_text(b->toolchain));
	set(o, "toolchain_id", json_text(b->toolchain_id));
	set(o, "key", json_text(b->series_key));
	set(o, "tree", json_text(b->tree));
	set(o, "source", json_text(b->source));
	set(o, "dir", json_text(b->dir));
	set(o, "output", json_text(b->output));
	set(o, "output_state",
	    json_text(history_output_word(history_output_state(b))));
	set(o, "commit", json_text(b->commit));
	set(o, "dirty", json_boolean(b->dirty));
	set(o, "release", json_text(b->release));
	set(o, "fresh", json_boolean(b->from_scratch));
	set(o, "began", json_count(b->start_s));
	set(o, "make_jobs", json_count(b->n_make_jobs));
	set(o, "local_slots", json_count(b->n_local_slots));
	for (size_t i = 0; i < ARRAY_SIZE(final); i++) {
		int64_t n = report_data_is_finished(b) ? final[i].n : -1;

		set(o, final[i].key,
		    final[i].is_ms ? json_seconds(n) : json_count(n));
	}
	return o;
}

static json_t *phase_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_phases; i++) {
		json_t *o = json_object();

		set(o, "name", json_text(d->phases[i].name));
		set(o, "at", json_seconds(d->phases[i].start_ms));
		set(o, "seconds", json_seconds(d->phases[i].duration_ms));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *node_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_nodes; i++) {
		const struct history_node *n = &d->nodes[i];
		json_t *o = json_object();

		set(o, "name", json_text(n->name));
		set(o, "machine", json_text(n->machine));
		set(o, "state", json_text(n->state));
		set(o, "reason", json_text(n->reason));
		set(o, "slots", json_count(n->n_slots));
		set(o, "jobs", json_count(n->n_jobs));
		set(o, "failed", json_count(n->n_failed));
		set(o, "retries", json_count(n->n_retries));
		set(o, "cpu", json_seconds(n->cpu_ms));
		set(o, "sent", json_count(n->sent_bytes));
		set(o, "received", json_count(n->received_bytes));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *reason_object(const struct history_reason *v, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++) {
		/* jansson rejects invalid UTF-8; json_text() replaces it. */
		json_t *key = json_text(v[i].text);

		set(o, json_string_value(key), json_count(v[i].n_jobs));
		json_decref(key);
	}
	return o;
}

static json_t *unit_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_units; i++) {
		const struct history_unit *u = &d->units[i];
		json_t *o = json_object();

		set(o, "job", json_count(u->job_number));
		set(o, "object", json_text(u->object));
		set(o, "file", json_text(u->file));
		set(o, "node",
		    json_text(u->node_index < 0 ?
				      NULL :
				      d->nodes[u->node_index].name));
		set(o, "remote", json_boolean(u->remote));
		set(o, "reason",
		    json_text(u->reason_index < 0 ?
				      NULL :
				      d->reasons[u->reason_index].text));
		set(o, "queued", json_seconds(u->queued_ms));
		set(o, "sent", json_seconds(u->sent_ms));
		set(o, "run", json_seconds(u->run_ms));
		set(o, "received", json_seconds(u->received_ms));
		set(o, "done", json_seconds(u->done_ms));
		set(o, "cpu", json_seconds(u->cpu_ms));
		set(o, "retries", json_count(u->n_retries));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *diag_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_diags; i++) {
		const struct history_diag *g = &d->diags[i];
		json_t *o = json_object();

		set(o, "is", json_text(history_diag_status_word(g->status)));
		set(o, "severity", json_text(g->severity));
		set(o, "tool", json_text(g->tool));
		set(o, "file", json_text(g->file));
		set(o, "line", g->line > 0 ? json_count(g->line) : json_null());
		set(o, "column",
		    g->column > 0 ? json_count(g->column) : json_null());
		set(o, "flag", json_text(g->flag));
		set(o, "text", json_text(g->text));
		set(o, "object", json_text(g->object));
		json_array_append_new(list, o);
	}
	return list;
}

static void set_sizes(json_t *o, const struct report_data *d)
{
	json_t *list = json_array(), *gone = json_array();
	struct report_sizes s;

	report_sizes_init(&s, d);
	for (size_t i = 0; i < s.n; i++) {
		const struct report_size *z = &s.v[i];
		const struct history_size *now = &z->current;
		json_t *file = json_object();

		set(file, "name", json_text(now->name));
		set(file, "text", json_count(z->elf ? now->text_bytes : -1));
		set(file, "data", json_count(z->elf ? now->data_bytes : -1));
		set(file, "bss", json_count(z->elf ? now->bss_bytes : -1));
		set(file, "file", json_count(now->file_bytes));
		set(file, "change",
		    z->in_baseline ? json_integer((json_int_t)z->change_bytes) :
				     json_null());
		json_array_append_new(list, file);
	}
	for (size_t i = 0; i < s.n_removed; i++)
		json_array_append_new(gone, json_text(s.removed[i]->name));
	set(o, "sizes", list);
	set(o, "sizes_gone", gone);
	report_sizes_release(&s);
}

json_t *report_json(const struct report_data *d)
{
	json_t *o = build_object(&d->build);

	set(o, "before",
	    d->has_baseline ? build_object(&d->baseline) : json_null());
	set(o, "phases", phase_array(&d->details));
	set(o, "nodes", node_array(&d->details));
	set(o, "reasons",
	    reason_object(d->details.reasons, d->details.n_reasons));
	set(o, "step_reasons",
	    reason_object(d->details.step_reasons, d->details.n_step_reasons));
	set(o, "units_kept", json_boolean(!report_data_is_missing_units(d)));
	set(o, "units", unit_array(&d->details));
	set(o, "diagnostics", diag_array(&d->details));
	set_sizes(o, d);
	return o;
}
