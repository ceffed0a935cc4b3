/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include "base/json.h"
#include "base/str.h"
#include "report/lanes.h"
#include "report/sizes.h"

#include <stdlib.h>

/* -1 and less: nobody knows. */
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

/* What is known of a build once it ended; else null. */
static void set_at_end(json_t *o, const struct history_build *b)
{
	const struct {
		const char *key;
		int64_t n;
		bool is_ms;
	} members[] = {
		{ "status", b->status, false },
		{ "wall", b->wall_ms, true },
		{ "host_cpu", b->host_ms, true },
		{ "scan_cpu", b->scan_ms, true },
		{ "compile_cpu", b->cpu_ms, true },
		{ "remote", b->remote, false },
		{ "local", b->local, false },
		{ "steps", b->steps, false },
		{ "steps_here", b->steps_here, false },
		{ "retried", b->retried, false },
		{ "duplicated", b->beside, false },
		{ "warnings", b->warnings, false },
		{ "errors", b->errors, false },
		{ "new_warnings", b->new_warnings, false },
		{ "new_errors", b->new_errors, false },
		{ "gone", b->gone, false },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		int64_t n = report_data_ended(b) ? members[i].n : -1;

		set(o, members[i].key,
		    members[i].is_ms ? json_seconds(n) : json_count(n));
	}
}

static json_t *build_object(const struct history_build *b)
{
	json_t *o = json_object();

	set(o, "build", json_count(b->number));
	set(o, "state", json_text(history_state_word(b->state)));
	set(o, "what", json_text(b->what));
	set(o, "arch", json_text(b->arch));
	set(o, "config", json_text(b->config));
	set(o, "toolchain", json_text(b->toolchain));
	set(o, "toolchain_id", json_text(b->toolchain_id));
	set(o, "key", json_text(b->key));
	set(o, "tree", json_text(b->tree));
	set(o, "source", json_text(b->source));
	set(o, "dir", json_text(b->dir));
	set(o, "output", json_text(b->output));
	set(o, "commit", json_text(b->commit));
	set(o, "dirty", json_boolean(b->dirty));
	set(o, "release", json_text(b->release));
	set(o, "fresh", json_boolean(b->fresh));
	set(o, "began", json_count(b->began_s));
	set(o, "make_jobs", json_count(b->make_jobs));
	set(o, "local_slots", json_count(b->local_slots));
	set_at_end(o, b);
	return o;
}

static json_t *phase_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_phases; i++) {
		json_t *o = json_object();

		set(o, "name", json_text(d->phase[i].name));
		set(o, "at", json_seconds(d->phase[i].at_ms));
		set(o, "seconds", json_seconds(d->phase[i].ms));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *node_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_nodes; i++) {
		const struct history_node *n = &d->node[i];
		json_t *o = json_object();

		set(o, "name", json_text(n->name));
		set(o, "machine", json_text(n->machine));
		set(o, "state", json_text(n->state));
		set(o, "reason", json_text(n->reason));
		set(o, "slots", json_count(n->slots));
		set(o, "jobs", json_count(n->jobs));
		set(o, "failed", json_count(n->failed));
		set(o, "retries", json_count(n->retries));
		set(o, "cpu", json_seconds(n->cpu_ms));
		set(o, "sent", json_count(n->sent));
		set(o, "received", json_count(n->received));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *reason_object(const struct history_reason *v, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++) {
		/* A key is UTF-8, too. */
		json_t *key = json_text(v[i].text);

		set(o, json_string_value(key), json_count(v[i].jobs));
		json_decref(key);
	}
	return o;
}

static json_t *unit_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_units; i++) {
		const struct history_unit *u = &d->unit[i];
		json_t *o = json_object();

		set(o, "job", json_count(u->job));
		set(o, "object", json_text(u->object));
		set(o, "file", json_text(u->file));
		set(o, "node",
		    json_text(u->node < 0 ? NULL : d->node[u->node].name));
		set(o, "remote", json_boolean(u->remote));
		set(o, "reason",
		    json_text(u->reason < 0 ? NULL :
					      d->reason[u->reason].text));
		set(o, "queued", json_seconds(u->queued_ms));
		set(o, "sent", json_seconds(u->sent_ms));
		set(o, "run", json_seconds(u->run_ms));
		set(o, "received", json_seconds(u->received_ms));
		set(o, "done", json_seconds(u->done_ms));
		set(o, "cpu", json_seconds(u->cpu_ms));
		set(o, "retries", json_count(u->retries));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *diag_array(const struct history_details *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_diags; i++) {
		const struct history_diag *g = &d->diag[i];
		json_t *o = json_object();

		set(o, "is", json_text(history_how_word(g->how)));
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

static json_t *size_object(const struct report_size *s)
{
	json_t *o = json_object();

	set(o, "name", json_text(s->now.name));
	set(o, "text", s->is_elf ? json_count(s->now.text) : json_null());
	set(o, "data", s->is_elf ? json_count(s->now.data) : json_null());
	set(o, "bss", s->is_elf ? json_count(s->now.bss) : json_null());
	set(o, "file", json_count(s->now.file));
	set(o, "change",
	    s->is_known ? json_integer((json_int_t)s->change) : json_null());
	return o;
}

static void set_sizes(json_t *o, const struct report_data *d)
{
	json_t *list = json_array(), *gone = json_array();
	struct report_sizes s;

	report_sizes_init(&s, d);
	for (size_t i = 0; i < s.n; i++)
		json_array_append_new(list, size_object(&s.v[i]));
	for (size_t i = 0; i < s.n_gone; i++)
		json_array_append_new(gone, json_text(s.gone[i]->name));
	set(o, "sizes", list);
	set(o, "sizes_gone", gone);
	report_sizes_release(&s);
}

json_t *report_json(const struct report_data *d)
{
	json_t *o = build_object(&d->build);

	set(o, "before",
	    d->has_before ? build_object(&d->before) : json_null());
	set(o, "phases", phase_array(&d->with));
	set(o, "nodes", node_array(&d->with));
	set(o, "reasons", reason_object(d->with.reason, d->with.n_reasons));
	set(o, "step_reasons",
	    reason_object(d->with.step_reason, d->with.n_step_reasons));
	set(o, "units_kept", json_boolean(!report_data_lost_units(d)));
	set(o, "units", unit_array(&d->with));
	set(o, "diagnostics", diag_array(&d->with));
	set_sizes(o, d);
	return o;
}
