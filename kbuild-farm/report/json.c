/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/json.h"

#include "report/data.h"
#include "report/slot-timeline.h"

/* Return a number, or null if it is negative, which means unknown. */
static json_t *json_count(int64_t n)
{
	return n < 0 ? json_null() : json_integer((json_int_t)n);
}

static void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static json_t *reason_object(const struct history_reason *v, size_t n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n; i++) {
		/* jansson rejects invalid UTF-8, so json_text() replaces it. */
		json_t *key = json_text(v[i].text);

		set(o, json_string_value(key), json_count(v[i].n_jobs));
		json_decref(key);
	}
	return o;
}

/*
 * Return the units.  Replace the indices of nodes and reasons by their names.
 */
static json_t *unit_array(const struct history_details *d)
{
	json_t *list = record_array_to_json(&history_unit_record, d->units,
					    d->n_units);
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		const struct history_unit *u = &d->units[i];

		set(o, "node",
		    json_text(u->node_index < 0 ?
				      NULL :
				      d->nodes[u->node_index].name));
		set(o, "reason",
		    json_text(u->reason_index < 0 ?
				      NULL :
				      d->reasons[u->reason_index].text));
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

json_t *report_json_build(const struct history_build *b)
{
	json_t *o = record_to_json(&history_build_record, b), *value;
	json_t *result = record_to_json(&history_result_record, b);
	const char *key;

	json_object_foreach(result, key, value)
	{
		json_object_set(o, key,
				report_data_is_finished(b) ? value :
							     json_null());
	}
	json_decref(result);
	set(o, "jobs", json_count(report_data_is_finished(b) ? b->n_jobs : -1));
	if (!history_has_log(b)) {
		set(o, "warnings", json_null());
		set(o, "errors", json_null());
	}
	return o;
}

json_t *report_json(const struct report_data *d)
{
	json_t *o = report_json_build(&d->build);

	set(o, "before",
	    d->has_baseline ? report_json_build(&d->baseline) : json_null());
	set(o, "phases",
	    record_array_to_json(&history_phase_record, d->details.phases,
				 d->details.n_phases));
	set(o, "nodes",
	    record_array_to_json(&history_node_record, d->details.nodes,
				 d->details.n_nodes));
	set(o, "reasons",
	    reason_object(d->details.reasons, d->details.n_reasons));
	set(o, "step_reasons",
	    reason_object(d->details.step_reasons, d->details.n_step_reasons));
	set(o, "disabled",
	    record_array_to_json(&history_disabled_record, d->details.disabled,
				 d->details.n_disabled));
	set(o, "units_kept", json_boolean(!report_data_is_missing_units(d)));
	set(o, "units", unit_array(&d->details));
	set(o, "diagnostics",
	    record_array_to_json(&history_diag_record, d->details.diags,
				 d->details.n_diags));
	set_sizes(o, d);
	return o;
}
