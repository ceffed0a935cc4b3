/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/lanes.h"

#include "base/str.h"
#include "base/vec.h"
#include "events/event.h"

#include <stdlib.h>
#include <string.h>

/* The build host first; of[i] is node i of the history. */
static unsigned *add_machines(struct report_lanes *l,
			      const struct report_data *d)
{
	unsigned *of = xcalloc(d->with.n_nodes + 1, sizeof(*of));
	struct report_machine *m = VEC_ADD(l->machine, l->n_machines);

	m->name = EVENTS_LOCAL;
	m->local = true;
	for (size_t i = 0; i < d->with.n_nodes; i++) {
		const struct history_node *n = &d->with.node[i];

		if (!strcmp(n->name, EVENTS_LOCAL))
			continue;
		of[i] = (unsigned)l->n_machines;
		m = VEC_ADD(l->machine, l->n_machines);
		m->name = n->name;
		m->node = n;
	}
	return of;
}

/* ---------------------------------------------------------------- spans */

static bool is_told_ms(int64_t ms)
{
	return ms >= 0;
}

static int64_t clamp_ms(int64_t ms, int64_t least, int64_t most)
{
	return ms < least ? least : ms > most ? most : ms;
}

/*
 * A beat of its node says that it runs, up to a second late, and short ones
 * fall between two beats; but it began no later than its CPU time before its
 * end.  The earlier of the two is nearer to the truth.
 */
static int64_t run_of(const struct history_unit *u, int64_t begin_ms,
		      int64_t receive_ms)
{
	int64_t latest = is_told_ms(u->cpu_ms) ? receive_ms - u->cpu_ms :
						 receive_ms;

	if (is_told_ms(u->run_ms) && u->run_ms < latest)
		latest = u->run_ms;
	else if (!is_told_ms(u->run_ms) && !is_told_ms(u->cpu_ms))
		latest = begin_ms;
	return clamp_ms(latest, begin_ms, receive_ms);
}

/* What nobody told is taken from what is known. */
static struct report_span span_of(const struct history_unit *u)
{
	struct report_span s = { .unit = u };

	s.end_ms = clamp_ms(u->done_ms, 0, REPORT_MS_MAX);
	if (!u->remote) {
		/* The other times may be those of a node that it was on. */
		s.receive_ms = s.end_ms;
		s.begin_ms = is_told_ms(u->cpu_ms) ? s.end_ms - u->cpu_ms :
			     is_told_ms(u->run_ms) ? u->run_ms :
						     s.end_ms;
		s.begin_ms = clamp_ms(s.begin_ms, 0, s.end_ms);
		s.run_ms = s.begin_ms;
		return s;
	}
	s.receive_ms = is_told_ms(u->received_ms) ? u->received_ms : s.end_ms;
	s.receive_ms = clamp_ms(s.receive_ms, 0, s.end_ms);
	s.begin_ms = is_told_ms(u->sent_ms) ? u->sent_ms :
		     is_told_ms(u->run_ms)  ? u->run_ms :
					      s.receive_ms;
	s.begin_ms = clamp_ms(s.begin_ms, 0, s.receive_ms);
	s.run_ms = run_of(u, s.begin_ms, s.receive_ms);
	return s;
}

static int by_machine_and_begin(const void *a, const void *b)
{
	const struct report_span *x = a, *y = b;

	if (x->machine != y->machine)
		return x->machine < y->machine ? -1 : 1;
	if (x->begin_ms != y->begin_ms)
		return x->begin_ms < y->begin_ms ? -1 : 1;
	if (x->end_ms != y->end_ms)
		return x->end_ms < y->end_ms ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static void add_spans(struct report_lanes *l, const unsigned *of,
		      const struct report_data *d)
{
	l->span = xcalloc(d->with.n_units + 1, sizeof(*l->span));
	for (size_t i = 0; i < d->with.n_units; i++) {
		const struct history_unit *u = &d->with.unit[i];
		struct report_span *s = &l->span[l->n_spans];

		if (!is_told_ms(u->done_ms))
			continue;
		*s = span_of(u);
		s->machine = u->node >= 0 ? of[u->node] : 0;
		l->n_spans++;
	}
	qsort(l->span, l->n_spans, sizeof(*l->span), by_machine_and_begin);
}

/* When each of a machine's slots is free again. */
struct slots {
	int64_t *until_ms;
	size_t n;
};

/* The first one that is free when the unit comes. */
static unsigned take_slot(struct slots *slots, const struct report_span *s)
{
	size_t i = 0;

	while (i < slots->n && slots->until_ms[i] > s->begin_ms)
		i++;
	if (i == slots->n)
		*VEC_ADD(slots->until_ms, slots->n) = 0;
	slots->until_ms[i] = s->end_ms;
	return (unsigned)i;
}

static void give_slots(struct report_lanes *l, struct report_machine *m)
{
	struct slots slots = { 0 };

	for (size_t i = m->first; i < m->first + m->n; i++) {
		struct report_span *s = &l->span[i];

		s->slot = take_slot(&slots, s);
		m->busy_ms += s->receive_ms - s->run_ms;
		if (s->end_ms > l->end_ms)
			l->end_ms = s->end_ms;
	}
	m->slots = (unsigned)slots.n;
	l->slots += m->slots;
	free(slots.until_ms);
}

static void split_spans(struct report_lanes *l)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n_machines; i++) {
		struct report_machine *m = &l->machine[i];

		m->first = at;
		while (at < l->n_spans && l->span[at].machine == i)
			at++;
		m->n = at - m->first;
		give_slots(l, m);
	}
}

void report_lanes_init(struct report_lanes *out, const struct report_data *d)
{
	unsigned *of;

	*out = (struct report_lanes){ 0 };
	out->end_ms = clamp_ms(d->build.wall_ms, 0, REPORT_MS_MAX);
	of = add_machines(out, d);
	add_spans(out, of, d);
	split_spans(out);
	free(of);
}

void report_lanes_release(struct report_lanes *lanes)
{
	free(lanes->machine);
	free(lanes->span);
	*lanes = (struct report_lanes){ 0 };
}

/* -------------------------------------------------------------- figures */

int64_t report_lanes_within(const struct report_lanes *lanes, int64_t ms)
{
	return clamp_ms(ms, 0, lanes->end_ms);
}

void report_lanes_spread(const struct report_lanes *lanes, int64_t *out,
			 size_t n, int64_t from_ms, int64_t to_ms)
{
	int64_t end = lanes->end_ms, parts = (int64_t)n;

	while (from_ms < to_ms && from_ms < end) {
		int64_t part = from_ms * parts / end;
		/* Where the next one begins: rounded up. */
		int64_t next = (end * (part + 1) + parts - 1) / parts;

		if (next > to_ms)
			next = to_ms;
		out[part] += next - from_ms;
		from_ms = next;
	}
}

int64_t report_span_cost(const struct report_span *s)
{
	return is_told_ms(s->unit->cpu_ms) ? s->unit->cpu_ms :
					     s->receive_ms - s->run_ms;
}

static int by_cost(const void *a, const void *b)
{
	const struct report_span *x = *(struct report_span *const *)a,
				 *y = *(struct report_span *const *)b;
	int64_t p = report_span_cost(x), q = report_span_cost(y);

	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(x->unit->object, y->unit->object);
}

size_t report_lanes_slowest(const struct report_lanes *lanes,
			    const struct report_span ***out, size_t max)
{
	*out = xcalloc(lanes->n_spans + 1, sizeof(**out));
	for (size_t i = 0; i < lanes->n_spans; i++)
		(*out)[i] = &lanes->span[i];
	qsort(*out, lanes->n_spans, sizeof(**out), by_cost);
	return lanes->n_spans < max ? lanes->n_spans : max;
}
