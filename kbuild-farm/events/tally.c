/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/tally.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

char *events_shown(const char *text, size_t max, unsigned allow)
{
	char *copy = xstrndup(text ? text : "", max);

	printable_clean(copy, strlen(copy), allow, '?');
	return copy;
}

static unsigned count_of(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)n;
}

/* -------------------------------------------------------------- reasons */

/* NULL: there are none beyond those kept. */
static struct events_reason *find_reason(const struct events_tally *t,
					 const char *text)
{
	for (size_t i = 0; i < t->n_reasons; i++) {
		if (!strcmp(t->reason[i].text, text))
			return &t->reason[i];
	}
	return NULL;
}

static struct events_reason *need_reason(struct events_tally *t,
					 const char *text)
{
	static const char others[] = "other reasons";
	struct events_reason *r;
	char *clean;

	if (!text)
		return NULL;
	r = find_reason(t, text);
	if (r)
		return r;
	clean = events_shown(text, EVENTS_NAME_MAX, 0);
	r = find_reason(t, clean);
	if (!r && t->n_reasons >= EVENTS_REASONS_MAX) {
		free(clean);
		clean = xstrdup(others);
		r = find_reason(t, clean);
	}
	if (r) {
		free(clean);
		return r;
	}
	r = VEC_ADD(t->reason, t->n_reasons);
	r->text = clean;
	return r;
}

static bool comes_before(const struct events_reason *a,
			 const struct events_reason *b)
{
	return a->jobs > b->jobs ||
	       (a->jobs == b->jobs && strcmp(a->text, b->text) < 0);
}

/* It has more or fewer jobs now, and so another place. */
static void set_jobs(struct events_tally *t, struct events_reason *r,
		     unsigned jobs)
{
	const struct events_reason *end = t->reason + t->n_reasons;
	struct events_reason was;

	r->jobs = jobs;
	for (; r > t->reason && comes_before(r, r - 1); r--) {
		was = r[-1];
		r[-1] = *r;
		*r = was;
	}
	for (; r + 1 < end && comes_before(r + 1, r); r++) {
		was = r[1];
		r[1] = *r;
		*r = was;
	}
}

const char *events_tally_reason(struct events_tally *t, const char *text)
{
	const struct events_reason *r = need_reason(t, text);

	return r ? r->text : NULL;
}

/* ---------------------------------------------------------------- nodes */

struct events_node *events_tally_node(const struct events_tally *t,
				      const char *name)
{
	struct map_node *at = map_find(&t->by_name, map_hash(bytes_str(name)));

	while (at && strcmp(((struct events_node *)at)->name, name))
		at = map_again(at);
	return (struct events_node *)at;
}

static struct events_node *node_new(struct events_tally *t, char *name)
{
	struct events_node *n = xcalloc(1, sizeof(*n));

	n->name = name;
	n->state = xstrdup("");
	n->slots = EVENTS_UNKNOWN;
	map_add(&t->by_name, &n->map, map_hash(bytes_str(name)));
	*VEC_ADD(t->node, t->n_nodes) = n;
	return n;
}

struct events_node *events_tally_need(struct events_tally *t, const char *name)
{
	struct events_node *n = name ? events_tally_node(t, name) : NULL;
	char *clean;

	if (n || !name)
		return n;
	clean = events_shown(name, EVENTS_NAME_MAX, 0);
	n = events_tally_node(t, clean);
	if (!n && t->n_nodes < EVENTS_NODES_MAX)
		return node_new(t, clean);
	free(clean);
	return n;
}

bool events_node_is_local(const struct events_node *n)
{
	return !strcmp(n->name, EVENTS_LOCAL);
}

bool events_node_is_up(const struct events_node *n)
{
	return !strcmp(n->state, "up");
}

static void on_node(struct events_tally *t, const struct events_event *ev)
{
	struct events_node *n = events_tally_need(t, ev->node);

	if (!n)
		return;
	if (ev->text && !str_equal(n->state, ev->text)) {
		free(n->state);
		n->state = events_shown(ev->text, EVENTS_NAME_MAX, 0);
	}
	free(n->reason);
	n->reason = ev->reason ? events_shown(ev->reason, EVENTS_NAME_MAX, 0) :
				 NULL;
	if (ev->slots != EVENTS_UNKNOWN)
		n->slots = ev->slots;
}

static void on_load(struct events_tally *t, const struct events_event *ev)
{
	struct events_node *n = events_tally_need(t, ev->node);

	if (!n)
		return;
	n->jobs = count_of(ev->jobs_done);
	n->failed = count_of(ev->failed);
	n->retries = count_of(ev->retries);
	n->cpu_ms = ev->cpu_ms;
	n->sent = ev->sent;
	n->received = ev->received;
}

static void forget_reasons(struct events_reason **v, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*v)[i].text);
	free(*v);
	*v = NULL;
	*n = 0;
}

/* It may be told again, and what is behind it, too. */
static void on_host(struct events_tally *t, const struct events_event *ev)
{
	forget_reasons(&t->step_reason, &t->n_step_reasons);
	t->cpu_ms = ev->cpu_ms;
	t->scan_ms = ev->scan_ms;
	if (ev->shell_lines == EVENTS_UNKNOWN)
		return;
	t->shell_lines = ev->shell_lines;
	t->shell_handed = ev->shell_handed;
	t->shell_compiles = ev->shell_compiles;
	t->shell_fixdeps = ev->shell_fixdeps;
	t->shell_steps = ev->shell_steps;
	/* It is not told by a kfarm from before. */
	if (ev->shell_steps_here != EVENTS_UNKNOWN)
		t->shell_steps_here = ev->shell_steps_here;
}

/* Each once, in the order of the reasons' list. */
static void on_steps(struct events_tally *t, const struct events_event *ev)
{
	struct events_reason *r;

	if (!ev->reason || t->n_step_reasons >= EVENTS_REASONS_MAX)
		return;
	r = VEC_ADD(t->step_reason, t->n_step_reasons);
	r->text = events_shown(ev->reason, EVENTS_NAME_MAX, 0);
	r->jobs = count_of(ev->steps);
}

/* ----------------------------------------------------------------- jobs */

static void on_job(struct events_tally *t, const struct events_event *ev)
{
	struct events_reason *why;
	struct events_node *n;

	if (ev->state != EVENTS_JOB_DONE) {
		t->beside += ev->beside;
		return;
	}
	t->remote += ev->remote;
	t->local += !ev->remote;
	t->steps += ev->remote && ev->step;
	t->retried += count_of(ev->retries);
	why = ev->remote ? NULL : need_reason(t, ev->reason);
	if (why)
		set_jobs(t, why, why->jobs + 1);
	n = events_tally_need(t, ev->node);
	if (n)
		n->jobs++;
}

static void on_counts(struct events_tally *t, const struct events_event *ev)
{
	t->remote = count_of(ev->remote_n);
	t->local = count_of(ev->local);
	t->steps = count_of(ev->steps);
	t->retried = count_of(ev->retries);
	t->beside = count_of(ev->beside_n);
	t->warnings = count_of(ev->warnings);
	t->errors = count_of(ev->errors);
	t->compares = ev->new_diags != EVENTS_UNKNOWN;
	t->new_diags = count_of(ev->new_diags);
}

static void on_diagnostics(struct events_tally *t,
			   const struct events_event *ev)
{
	t->warnings += count_of(ev->warnings);
	t->errors += count_of(ev->errors);
	if (ev->new_diags == EVENTS_UNKNOWN)
		return;
	t->compares = true;
	t->new_diags += count_of(ev->new_diags);
}

static void on_reason(struct events_tally *t, const struct events_event *ev)
{
	struct events_reason *why = need_reason(t, ev->reason);

	if (why)
		set_jobs(t, why, count_of(ev->local));
}

void events_tally_tell(void *tally, const struct events_event *ev)
{
	struct events_tally *t = tally;

	switch (ev->kind) {
	case EVENTS_JOB:
		on_job(t, ev);
		break;
	case EVENTS_NODE:
		on_node(t, ev);
		break;
	case EVENTS_LOAD:
		on_load(t, ev);
		break;
	case EVENTS_HOST:
		on_host(t, ev);
		break;
	case EVENTS_STEPS:
		on_steps(t, ev);
		break;
	case EVENTS_DIAG:
		on_diagnostics(t, ev);
		break;
	case EVENTS_COUNTS:
		on_counts(t, ev);
		break;
	case EVENTS_REASON:
		on_reason(t, ev);
		break;
	default:
		break;
	}
}

static void node_free(struct events_node *n)
{
	free(n->name);
	free(n->state);
	free(n->reason);
	free(n);
}

void events_tally_release(struct events_tally *t)
{
	for (size_t i = 0; i < t->n_nodes; i++)
		node_free(t->node[i]);
	free(t->node);
	map_release(&t->by_name);
	forget_reasons(&t->reason, &t->n_reasons);
	forget_reasons(&t->step_reason, &t->n_step_reasons);
	*t = (struct events_tally){ 0 };
}
