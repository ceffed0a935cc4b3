/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/trace.h"

#include "base/json.h"
#include "report/escape.h"
#include "report/lanes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUILD_PID   1
#define MACHINE_PID 2 /* of the first, and so on */
#define NAME_BYTES  1024
#define COUNTS_MAX  4000 /* times that a counter is told */

struct report_trace {
	struct buf *out;
	const struct report_data *d;
	const struct report_lanes *lanes;
	bool began; /* an event was written */
};

static void trace_key(struct report_trace *t, const char *key)
{
	buf_add_str(t->out, ",\"");
	buf_add_str(t->out, key);
	buf_add_str(t->out, "\":");
}

/* Viewers show it as it is. */
static void trace_string(struct report_trace *t, const char *text)
{
	struct buf plain = { 0 };

	report_escape_plain(&plain, text, NAME_BYTES);
	json_add_text(t->out, buf_str(&plain));
	buf_release(&plain);
}

static void trace_text(struct report_trace *t, const char *key,
		       const char *text)
{
	trace_key(t, key);
	trace_string(t, text);
}

static void trace_number(struct report_trace *t, const char *key, int64_t n)
{
	trace_key(t, key);
	buf_printf(t->out, "%" PRId64, n);
}

/* An event of type `ph`, up to its own members. */
static void begin_event(struct report_trace *t, const char *ph,
			const char *name, size_t pid, size_t tid)
{
	buf_add_str(t->out, t->began ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
	t->began = true;
	buf_add_str(t->out, ph);
	buf_add_str(t->out, "\"");
	trace_text(t, "name", name);
	trace_number(t, "pid", (int64_t)pid);
	trace_number(t, "tid", (int64_t)tid);
}

static void end_event(struct report_trace *t)
{
	buf_add_str(t->out, "}");
}

/* Of time; its arguments may follow. */
static void begin_slice(struct report_trace *t, const char *cat,
			const char *name, size_t pid, size_t tid,
			int64_t from_ms, int64_t to_ms)
{
	begin_event(t, "X", name, pid, tid);
	trace_text(t, "cat", cat);
	trace_number(t, "ts", from_ms * 1000);
	trace_number(t, "dur", (to_ms - from_ms) * 1000);
}

/* ---------------------------------------------------------------- names */

static void trace_meta(struct report_trace *t, const char *what, size_t pid,
		       size_t tid, const char *text)
{
	begin_event(t, "M", what, pid, tid);
	trace_number(t, "ts", 0);
	buf_add_str(t->out, ",\"args\":{\"name\":");
	trace_string(t, text);
	buf_add_str(t->out, "}");
	end_event(t);
}

static void trace_order(struct report_trace *t, size_t pid)
{
	begin_event(t, "M", "process_sort_index", pid, 0);
	trace_number(t, "ts", 0);
	buf_printf(t->out, ",\"args\":{\"sort_index\":%zu}", pid);
	end_event(t);
}

static void trace_slot_names(struct report_trace *t, size_t pid, unsigned slots)
{
	for (unsigned i = 0; i < slots; i++) {
		char *name = xasprintf("slot %u", i + 1);

		trace_meta(t, "thread_name", pid, i + 1, name);
		free(name);
	}
}

static void trace_names(struct report_trace *t)
{
	trace_meta(t, "process_name", BUILD_PID, 0, "build");
	trace_order(t, BUILD_PID);
	trace_meta(t, "thread_name", BUILD_PID, 1, "phases");
	for (size_t i = 0; i < t->lanes->n_machines; i++) {
		const struct report_machine *m = &t->lanes->machine[i];

		if (!m->n)
			continue;
		trace_meta(t, "process_name", MACHINE_PID + i, 0,
			   m->local ? "build host" : m->name);
		trace_order(t, MACHINE_PID + i);
		trace_slot_names(t, MACHINE_PID + i, m->slots);
	}
}

/* --------------------------------------------------------------- slices */

static void trace_phases(struct report_trace *t)
{
	const struct history_details *d = &t->d->with;

	for (size_t i = 0; i < d->n_phases; i++) {
		const struct history_phase *p = &d->phase[i];
		int64_t at = report_lanes_within(t->lanes, p->at_ms);
		int64_t rest = t->lanes->end_ms - at;

		begin_slice(t, "phase", p->name, BUILD_PID, 1, at,
			    at + (p->ms < rest ? p->ms : rest));
		end_event(t);
	}
}

static void trace_part(struct report_trace *t, const struct report_span *s,
		       const char *name, int64_t from_ms, int64_t to_ms)
{
	if (to_ms <= from_ms)
		return;
	begin_slice(t, "part", name, MACHINE_PID + s->machine, s->slot + 1,
		    from_ms, to_ms);
	end_event(t);
}

static void trace_job(struct report_trace *t, const struct report_span *s)
{
	const struct history_unit *u = s->unit;

	begin_slice(t, u->remote ? "remote" : "local", u->object,
		    MACHINE_PID + s->machine, s->slot + 1, s->begin_ms,
		    s->end_ms);
	buf_printf(t->out, ",\"args\":{\"job\":%" PRId64, u->job);
	trace_text(t, "file", u->file);
	if (u->queued_ms >= 0 && u->queued_ms <= s->begin_ms)
		trace_number(t, "waited_ms", s->begin_ms - u->queued_ms);
	if (u->cpu_ms >= 0)
		trace_number(t, "cpu_ms", u->cpu_ms);
	if (u->retries > 0)
		trace_number(t, "retries", u->retries);
	if (u->reason >= 0)
		trace_text(t, "reason", t->d->with.reason[u->reason].text);
	buf_add_str(t->out, "}");
	end_event(t);
	trace_part(t, s, "send", s->begin_ms, s->run_ms);
	trace_part(t, s, "compile", s->run_ms, s->receive_ms);
	trace_part(t, s, "receive", s->receive_ms, s->end_ms);
}

/* -------------------------------------------------------------- counter */

/* One job more or less in a state. */
struct change {
	int64_t ms;
	int state, by;
};

enum {
	WAITING,
	ON_NODES,
	HERE,
	COUNTED, /* how many */
};

static int by_change_time(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return x->ms < y->ms ? -1 : x->ms > y->ms;
}

static struct change *list_changes(const struct report_lanes *l, size_t *n)
{
	struct change *v = xcalloc(4 * l->n_spans + 1, sizeof(*v));

	*n = 0;
	for (size_t i = 0; i < l->n_spans; i++) {
		const struct report_span *s = &l->span[i];
		int64_t queued = s->unit->queued_ms;
		int state = s->unit->remote ? ON_NODES : HERE;

		if (queued >= 0 && queued < s->begin_ms) {
			v[(*n)++] = (struct change){ queued, WAITING, 1 };
			v[(*n)++] = (struct change){ s->begin_ms, WAITING, -1 };
		}
		v[(*n)++] = (struct change){ s->begin_ms, state, 1 };
		v[(*n)++] = (struct change){ s->end_ms, state, -1 };
	}
	qsort(v, *n, sizeof(*v), by_change_time);
	return v;
}

static void trace_counts(struct report_trace *t)
{
	int64_t step = t->lanes->end_ms / COUNTS_MAX, told = -1;
	int now[COUNTED] = { 0 };
	struct change *v;
	size_t n;

	v = list_changes(t->lanes, &n);
	for (size_t i = 0; i < n; i++) {
		now[v[i].state] += v[i].by;
		if (i + 1 < n && (v[i + 1].ms == v[i].ms ||
				  (told >= 0 && v[i].ms < told + step)))
			continue;
		told = v[i].ms;
		begin_event(t, "C", "jobs", BUILD_PID, 0);
		trace_number(t, "ts", told * 1000);
		buf_printf(t->out,
			   ",\"args\":{\"waiting\":%d,\"on nodes\":%d,"
			   "\"on the build host\":%d}",
			   now[WAITING], now[ON_NODES], now[HERE]);
		end_event(t);
	}
	free(v);
}

void report_trace(struct buf *out, const struct report_data *d)
{
	struct report_lanes lanes;
	struct report_trace t = { .out = out, .d = d, .lanes = &lanes };

	report_lanes_init(&lanes, d);
	buf_printf(out,
		   "{\"displayTimeUnit\":\"ms\",\"otherData\":"
		   "{\"build\":%" PRId64,
		   d->build.number);
	trace_text(&t, "what", d->build.what);
	trace_text(&t, "verdict", report_data_verdict(d));
	trace_number(&t, "began", d->build.began_s);
	buf_add_str(out, "},\"traceEvents\":[");
	trace_names(&t);
	trace_phases(&t);
	for (size_t i = 0; i < lanes.n_spans; i++)
		trace_job(&t, &lanes.span[i]);
	trace_counts(&t);
	buf_add_str(out, "\n]}\n");
	report_lanes_release(&lanes);
}
