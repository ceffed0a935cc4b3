/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/trace.h"

#include "base/json.h"
#include "report/page.h"
#include "report/slot-timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUILD_PID   1
#define MACHINE_PID 2 /* pid of the first machine; other machines follow */
#define NAME_BYTES  1024
#define COUNTS_MAX  4000 /* maximum number of samples of the counter */

struct report_trace {
	struct buf *out;
	const struct report_data *data;
	const struct report_slot_timeline *timeline;
	bool event_written; /* the next event needs a comma before it */
};

static void trace_member_name(struct report_trace *t, const char *key)
{
	buf_add_str(t->out, ",\"");
	buf_add_str(t->out, key);
	buf_add_str(t->out, "\":");
}

/*
 * Append `text` as a JSON string.  Trace viewers display strings unchanged, so
 * escape unsafe characters first.
 */
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
	trace_member_name(t, key);
	trace_string(t, text);
}

static void trace_number(struct report_trace *t, const char *key, int64_t n)
{
	trace_member_name(t, key);
	buf_printf(t->out, "%" PRId64, n);
}

/* Begin an event of type `ph` with the members that all types have. */
static void begin_event(struct report_trace *t, const char *ph,
			const char *name, size_t pid, size_t tid)
{
	buf_add_str(t->out,
		    t->event_written ? ",\n{\"ph\":\"" : "\n{\"ph\":\"");
	t->event_written = true;
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

/*
 * Begin an event with a duration.  The caller can then add "args", and must
 * call end_event().
 */
static void begin_slice(struct report_trace *t, const char *cat,
			const char *name, size_t pid, size_t tid,
			int64_t from_ms, int64_t to_ms)
{
	begin_event(t, "X", name, pid, tid);
	trace_text(t, "cat", cat);
	trace_number(t, "ts", from_ms * 1000);
	trace_number(t, "dur", (to_ms - from_ms) * 1000);
}

/* Write an event of type M (metadata) that names a process or thread. */
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

/* Make viewers sort processes by pid, so that the build host is on top. */
static void trace_sort_index(struct report_trace *t, size_t pid)
{
	begin_event(t, "M", "process_sort_index", pid, 0);
	trace_number(t, "ts", 0);
	buf_printf(t->out, ",\"args\":{\"sort_index\":%zu}", pid);
	end_event(t);
}

/* Name the processes and threads, which are machines and slots. */
static void trace_names(struct report_trace *t)
{
	trace_meta(t, "process_name", BUILD_PID, 0, "build");
	trace_sort_index(t, BUILD_PID);
	trace_meta(t, "thread_name", BUILD_PID, 1, "phases");
	for (size_t i = 0; i < t->timeline->n_machines; i++) {
		const struct report_machine *m = &t->timeline->machines[i];

		if (!m->n_spans)
			continue;
		trace_meta(t, "process_name", MACHINE_PID + i, 0, m->name);
		trace_sort_index(t, MACHINE_PID + i);
		for (unsigned slot = 1; slot <= m->n_slots; slot++) {
			char *name = xasprintf("slot %u", slot);

			trace_meta(t, "thread_name", MACHINE_PID + i, slot,
				   name);
			free(name);
		}
	}
}

static void trace_phases(struct report_trace *t)
{
	const struct history_details *d = &t->data->details;

	for (size_t i = 0; i < d->n_phases; i++) {
		const struct history_phase *p = &d->phases[i];
		int64_t at = report_slot_timeline_clamp_ms(t->timeline,
							   p->start_ms);
		int64_t rest = t->timeline->end_ms - at;

		begin_slice(
			t, "phase", p->name, BUILD_PID, 1, at,
			at + (p->duration_ms < rest ? p->duration_ms : rest));
		end_event(t);
	}
}

/* Write one part of a job, unless it is empty. */
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
		    MACHINE_PID + s->machine, s->slot + 1, s->start_ms,
		    s->end_ms);
	buf_printf(t->out, ",\"args\":{\"job\":%" PRId64, u->job_number);
	trace_text(t, "file", u->file);
	if (u->queued_ms >= 0 && u->queued_ms <= s->start_ms)
		trace_number(t, "waited_ms", s->start_ms - u->queued_ms);
	if (u->cpu_ms >= 0)
		trace_number(t, "cpu_ms", u->cpu_ms);
	if (u->n_retries > 0)
		trace_number(t, "retries", u->n_retries);
	if (u->reason_index >= 0)
		trace_text(t, "reason",
			   t->data->details.reasons[u->reason_index].text);
	buf_add_str(t->out, "}");
	end_event(t);
	trace_part(t, s, "send", s->start_ms, s->run_ms);
	trace_part(t, s, "compile", s->run_ms, s->received_ms);
	trace_part(t, s, "receive", s->received_ms, s->end_ms);
}

/* At `at_ms`, the number of jobs in the state `counter` changes by `delta`. */
struct counter_change {
	int64_t at_ms;
	int counter, delta;
};

enum {
	COUNTER_WAITING,
	COUNTER_REMOTE,
	COUNTER_LOCAL,
	N_COUNTERS,
};

static int by_change_time(const void *a, const void *b)
{
	const struct counter_change *x = a, *y = b;

	return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

/* Return the changes of all counters by time; the caller frees them. */
static struct counter_change *list_changes(const struct report_slot_timeline *l,
					   size_t *n)
{
	struct counter_change *v = xcalloc(4 * l->n_spans + 1, sizeof(*v));

	*n = 0;
	for (size_t i = 0; i < l->n_spans; i++) {
		const struct report_span *s = &l->spans[i];
		int64_t queued = s->unit->queued_ms;
		int state = s->unit->remote ? COUNTER_REMOTE : COUNTER_LOCAL;

		if (queued >= 0 && queued < s->start_ms) {
			v[(*n)++] = (struct counter_change){ queued,
							     COUNTER_WAITING,
							     1 };
			v[(*n)++] = (struct counter_change){ s->start_ms,
							     COUNTER_WAITING,
							     -1 };
		}
		v[(*n)++] = (struct counter_change){ s->start_ms, state, 1 };
		v[(*n)++] = (struct counter_change){ s->end_ms, state, -1 };
	}
	qsort(v, *n, sizeof(*v), by_change_time);
	return v;
}

/*
 * Write the counter of jobs.  The build is divided into at most COUNTS_MAX
 * intervals.  Each interval has at most one sample, at its last change.  A
 * viewer shows a sample until the next sample, so a sample must include all
 * changes of its interval.
 */
static void trace_counts(struct report_trace *t)
{
	int64_t step = t->timeline->end_ms / COUNTS_MAX + 1;
	int now[N_COUNTERS] = { 0 };
	struct counter_change *v;
	size_t n;

	v = list_changes(t->timeline, &n);
	for (size_t i = 0; i < n; i++) {
		now[v[i].counter] += v[i].delta;
		if (i + 1 < n && v[i].at_ms / step == v[i + 1].at_ms / step)
			continue;
		begin_event(t, "C", "jobs", BUILD_PID, 0);
		trace_number(t, "ts", v[i].at_ms * 1000);
		buf_printf(t->out,
			   ",\"args\":{\"waiting\":%d,\"on nodes\":%d,"
			   "\"on the build host\":%d}",
			   now[COUNTER_WAITING], now[COUNTER_REMOTE],
			   now[COUNTER_LOCAL]);
		end_event(t);
	}
	free(v);
}

void report_trace(struct buf *out, const struct report_data *d)
{
	struct report_slot_timeline lanes;
	struct report_trace t = { .out = out, .data = d, .timeline = &lanes };

	report_slot_timeline_init(&lanes, d);
	buf_printf(out,
		   "{\"displayTimeUnit\":\"ms\",\"otherData\":"
		   "{\"build\":%" PRId64,
		   d->build.number);
	trace_text(&t, "what", d->build.command);
	trace_text(&t, "verdict", report_data_status_text(d));
	trace_number(&t, "began", d->build.start_s);
	buf_add_str(out, "},\"traceEvents\":[");
	trace_names(&t);
	trace_phases(&t);
	for (size_t i = 0; i < lanes.n_spans; i++)
		trace_job(&t, &lanes.spans[i]);
	trace_counts(&t);
	buf_add_str(out, "\n]}\n");
	report_slot_timeline_release(&lanes);
}
