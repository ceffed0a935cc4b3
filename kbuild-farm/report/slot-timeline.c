/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/slot-timeline.h"

#include "base/str.h"
#include "base/vec.h"
#include "events/event.h"

#include <stdlib.h>
#include <string.h>

/*
 * Add the build host, then all nodes.  Returns an array that maps the index of
 * a node in d->details.nodes to the index of its machine in l->machines.  The
 * caller frees the array.
 */
static unsigned *add_machines(struct report_slot_timeline *l,
			      const struct report_data *d)
{
	unsigned *of = xcalloc(d->details.n_nodes + 1, sizeof(*of));
	struct report_machine *m = VEC_ADD(l->machines, l->n_machines);

	m->name = REPORT_BUILD_HOST_NAME;
	m->local = true;
	for (size_t i = 0; i < d->details.n_nodes; i++) {
		const struct history_node *n = &d->details.nodes[i];

		if (!strcmp(n->name, EVENTS_LOCAL))
			continue;
		of[i] = (unsigned)l->n_machines;
		m = VEC_ADD(l->machines, l->n_machines);
		m->name = n->name;
		m->node = n;
	}
	return of;
}

static bool is_reported_ms(int64_t ms)
{
	return ms >= 0;
}

static int64_t clamp_ms(int64_t ms, int64_t least, int64_t most)
{
	return ms < least ? least : ms > most ? most : ms;
}

/*
 * Estimate when the compiler of a remote unit started.  Heartbeats report the
 * start up to a second late, or never if the unit ends before the next
 * heartbeat.  The compiler ran at least as long as its CPU time, so return the
 * earlier of the reported start and `receive_ms` minus the CPU time.  If
 * neither is known, return `begin_ms`.
 */
static int64_t estimate_run_ms(const struct history_unit *u, int64_t begin_ms,
			       int64_t receive_ms)
{
	int64_t latest = is_reported_ms(u->cpu_ms) ? receive_ms - u->cpu_ms :
						     receive_ms;

	if (is_reported_ms(u->run_ms) && u->run_ms < latest)
		latest = u->run_ms;
	else if (!is_reported_ms(u->run_ms) && !is_reported_ms(u->cpu_ms))
		latest = begin_ms;
	return clamp_ms(latest, begin_ms, receive_ms);
}

/* Return the times of a unit.  Times that were not reported are estimated. */
static struct report_span make_report_span(const struct history_unit *u)
{
	struct report_span s = { .unit = u };

	s.end_ms = clamp_ms(u->done_ms, 0, REPORT_MS_MAX);
	if (!u->remote) {
		/*
		 * Ignore sent_ms and received_ms of a local unit, because they
		 * can come from an earlier, failed execution on a node.
		 */
		s.received_ms = s.end_ms;
		s.start_ms = is_reported_ms(u->cpu_ms) ? s.end_ms - u->cpu_ms :
			     is_reported_ms(u->run_ms) ? u->run_ms :
							 s.end_ms;
		s.start_ms = clamp_ms(s.start_ms, 0, s.end_ms);
		s.run_ms = s.start_ms;
		return s;
	}
	s.received_ms = is_reported_ms(u->received_ms) ? u->received_ms :
							 s.end_ms;
	s.received_ms = clamp_ms(s.received_ms, 0, s.end_ms);
	s.start_ms = is_reported_ms(u->sent_ms) ? u->sent_ms :
		     is_reported_ms(u->run_ms)  ? u->run_ms :
						  s.received_ms;
	s.start_ms = clamp_ms(s.start_ms, 0, s.received_ms);
	s.run_ms = estimate_run_ms(u, s.start_ms, s.received_ms);
	return s;
}

static int by_machine_and_begin(const void *a, const void *b)
{
	const struct report_span *x = a, *y = b;

	if (x->machine != y->machine)
		return x->machine < y->machine ? -1 : 1;
	if (x->start_ms != y->start_ms)
		return x->start_ms < y->start_ms ? -1 : 1;
	if (x->end_ms != y->end_ms)
		return x->end_ms < y->end_ms ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

/*
 * Assign each unit to the first slot of its machine that is free when the unit
 * starts.  l->spans must be sorted by machine and start.
 */
static void assign_slots(struct report_slot_timeline *l)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n_machines; i++) {
		struct report_machine *m = &l->machines[i];
		int64_t *free_ms = NULL; /* end of the last unit in each slot */
		size_t n = 0;

		m->first_span = at;
		for (; at < l->n_spans && l->spans[at].machine == i; at++) {
			struct report_span *s = &l->spans[at];
			size_t slot = 0;

			while (slot < n && free_ms[slot] > s->start_ms)
				slot++;
			if (slot == n)
				*VEC_ADD(free_ms, n) = 0;
			free_ms[slot] = s->end_ms;
			s->slot = (unsigned)slot;
			if (s->end_ms > l->end_ms)
				l->end_ms = s->end_ms;
		}
		m->n_spans = at - m->first_span;
		m->n_slots = (unsigned)n;
		l->n_slots += m->n_slots;
		free(free_ms);
	}
}

void report_slot_timeline_init(struct report_slot_timeline *out,
			       const struct report_data *d)
{
	unsigned *of;

	*out = (struct report_slot_timeline){ 0 };
	out->end_ms = clamp_ms(d->build.wall_ms, 0, REPORT_MS_MAX);
	of = add_machines(out, d);
	out->spans = xcalloc(d->details.n_units + 1, sizeof(*out->spans));
	for (size_t i = 0; i < d->details.n_units; i++) {
		const struct history_unit *u = &d->details.units[i];
		struct report_span *s = &out->spans[out->n_spans];

		if (u->cached || !is_reported_ms(u->done_ms))
			continue;
		*s = make_report_span(u);
		s->machine = u->node_index >= 0 ? of[u->node_index] : 0;
		out->n_spans++;
	}
	qsort(out->spans, out->n_spans, sizeof(*out->spans),
	      by_machine_and_begin);
	assign_slots(out);
	free(of);
}

void report_slot_timeline_release(struct report_slot_timeline *timeline)
{
	free(timeline->machines);
	free(timeline->spans);
	*timeline = (struct report_slot_timeline){ 0 };
}

int64_t report_slot_timeline_clamp_ms(
	const struct report_slot_timeline *timeline, int64_t ms)
{
	return clamp_ms(ms, 0, timeline->end_ms);
}

void report_slot_timeline_add_load(const struct report_slot_timeline *timeline,
				   int64_t *out, size_t n, int64_t from_ms,
				   int64_t to_ms)
{
	int64_t end = timeline->end_ms, parts = (int64_t)n;

	while (from_ms < to_ms && from_ms < end) {
		int64_t part = from_ms * parts / end;
		/* The start of the next part, rounded up. */
		int64_t next = (end * (part + 1) + parts - 1) / parts;

		if (next > to_ms)
			next = to_ms;
		out[part] += next - from_ms;
		from_ms = next;
	}
}

int64_t report_slot_timeline_span_ms(const struct report_span *s)
{
	return s->received_ms - s->run_ms;
}

int64_t report_slot_timeline_compile_ms(
	const struct report_slot_timeline *timeline)
{
	int64_t sum_ms = 0;

	for (size_t i = 0; i < timeline->n_spans; i++)
		sum_ms += report_slot_timeline_span_ms(&timeline->spans[i]);
	return sum_ms;
}

static int by_elapsed(const void *a, const void *b)
{
	const struct report_span *x = *(struct report_span *const *)a,
				 *y = *(struct report_span *const *)b;
	int64_t p = report_slot_timeline_span_ms(x),
		q = report_slot_timeline_span_ms(y);

	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(x->unit->object, y->unit->object);
}

size_t report_slot_timeline_find_slowest(
	const struct report_slot_timeline *timeline,
	const struct report_span ***out, size_t max)
{
	*out = xcalloc(timeline->n_spans + 1, sizeof(**out));
	for (size_t i = 0; i < timeline->n_spans; i++)
		(*out)[i] = &timeline->spans[i];
	qsort(*out, timeline->n_spans, sizeof(**out), by_elapsed);
	return timeline->n_spans < max ? timeline->n_spans : max;
}
