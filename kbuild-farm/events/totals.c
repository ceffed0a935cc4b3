/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/totals.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

char *events_totals_sanitize(const char *text, size_t max, unsigned allow)
{
	char *copy = xstrndup(text ? text : "", max);

	printable_replace(copy, strlen(copy), allow, '?');
	return copy;
}

static unsigned count_of(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)n;
}

/* ---- reasons ---- */
static struct events_reason *find_reason(const struct events_totals *t,
					 const char *text)
{
	for (size_t i = 0; i < t->n_reasons; i++) {
		if (!strcmp(t->reasons[i].text, text))
			return &t->reasons[i];
	}
	return NULL;
}

static struct events_reason *need_reason(struct events_totals *t,
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
	clean = events_totals_sanitize(text, EVENTS_NAME_MAX, 0);
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
	r = VEC_ADD(t->reasons, t->n_reasons);
	r->text = clean;
	return r;
}

static bool is_reason_before(const struct events_reason *a,
			     const struct events_reason *b)
{
	return a->n_jobs > b->n_jobs ||
	       (a->n_jobs == b->n_jobs && strcmp(a->text, b->text) < 0);
}

/* Set the number of jobs of a reason, and keep t->reasons sorted. */
static void set_jobs(struct events_totals *t, struct events_reason *r,
		     unsigned jobs)
{
	const struct events_reason *end = t->reasons + t->n_reasons;
	struct events_reason was;

	r->n_jobs = jobs;
	for (; r > t->reasons && is_reason_before(r, r - 1); r--) {
		was = r[-1];
		r[-1] = *r;
		*r = was;
	}
	for (; r + 1 < end && is_reason_before(r + 1, r); r++) {
		was = r[1];
		r[1] = *r;
		*r = was;
	}
}

const char *events_totals_need_reason(struct events_totals *t, const char *text)
{
	const struct events_reason *r = need_reason(t, text);

	return r ? r->text : NULL;
}

/* ---- nodes ---- */

struct events_node *events_totals_find_node(const struct events_totals *t,
					    const char *name)
{
	struct map_entry *at = map_find(&t->by_name, map_hash(bytes_str(name)));

	while (at && strcmp(((struct events_node *)at)->name, name))
		at = map_next_match(at);
	return (struct events_node *)at;
}

struct events_node *events_totals_need_node(struct events_totals *t,
					    const char *name)
{
	struct events_node *n = name ? events_totals_find_node(t, name) : NULL;
	char *clean;

	if (n || !name)
		return n;
	clean = events_totals_sanitize(name, EVENTS_NAME_MAX, 0);
	n = events_totals_find_node(t, clean);
	if (n || t->n_nodes >= EVENTS_NODES_MAX) {
		free(clean);
		return n;
	}
	n = xcalloc(1, sizeof(*n));
	n->name = clean;
	n->state = xstrdup("");
	n->n_slots = EVENTS_UNKNOWN;
	map_add(&t->by_name, &n->entry, map_hash(bytes_str(clean)));
	*VEC_ADD(t->nodes, t->n_nodes) = n;
	return n;
}

unsigned events_totals_count_done(const struct events_totals *t)
{
	return t->n_remote + t->n_local + t->n_cached;
}

void events_totals_fill_jobs(const struct events_totals *t,
			     struct events_event *ev)
{
	ev->n_remote = t->n_remote;
	ev->n_local = t->n_local;
	if (t->n_cached)
		ev->n_cached = t->n_cached;
	if (t->n_cached_remote)
		ev->n_cached_remote = t->n_cached_remote;
}

/* Return the number of tool steps that were executed with a job. */
static int64_t executed_steps(const struct events_totals *t)
{
	return t->n_shell_steps > t->n_cached_steps ?
		       t->n_shell_steps - t->n_cached_steps :
		       0;
}

int64_t events_totals_node_steps(const struct events_totals *t)
{
	int64_t n = executed_steps(t);

	return n < t->n_steps ? n : t->n_steps;
}

int64_t events_totals_local_steps(const struct events_totals *t)
{
	return t->n_local_steps + executed_steps(t) -
	       events_totals_node_steps(t);
}

bool events_node_is_local(const struct events_node *n)
{
	return !strcmp(n->name, EVENTS_LOCAL);
}

bool events_node_is_up(const struct events_node *n)
{
	return !strcmp(n->state, "up");
}

static void on_node(struct events_totals *t, const struct events_event *ev)
{
	struct events_node *n = events_totals_need_node(t, ev->node);

	if (!n)
		return;
	if (ev->text && !str_equal(n->state, ev->text)) {
		free(n->state);
		n->state = events_totals_sanitize(ev->text, EVENTS_NAME_MAX, 0);
	}
	free(n->reason);
	n->reason = ev->reason ? events_totals_sanitize(ev->reason,
							EVENTS_NAME_MAX, 0) :
				 NULL;
	if (ev->n_slots != EVENTS_UNKNOWN)
		n->n_slots = ev->n_slots;
}

static void on_load(struct events_totals *t, const struct events_event *ev)
{
	struct events_node *n = events_totals_need_node(t, ev->node);

	if (!n)
		return;
	n->n_jobs = count_of(ev->n_done);
	n->n_failed = count_of(ev->n_failed);
	n->n_retries = count_of(ev->n_retries);
	n->cpu_ms = ev->cpu_ms;
	n->sent_bytes = ev->sent_bytes;
	n->received_bytes = ev->received_bytes;
}

static void remove_reasons(struct events_reason **v, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*v)[i].text);
	free(*v);
	*v = NULL;
	*n = 0;
}

/*
 * EVENTS_KIND_HOST and the EVENTS_KIND_STEPS events after it may be sent more
 * than once, so remove the reasons from the previous EVENTS_KIND_STEPS events.
 */
static void on_host(struct events_totals *t, const struct events_event *ev)
{
	remove_reasons(&t->step_reasons, &t->n_step_reasons);
	t->cpu_ms = ev->cpu_ms;
	t->scan_ms = ev->scan_ms;
	if (ev->n_shell_lines == EVENTS_UNKNOWN)
		return;
	t->n_shell_lines = ev->n_shell_lines;
	t->n_shell_fallbacks = ev->n_shell_fallbacks;
	t->n_shell_compiles = ev->n_shell_compiles;
	t->n_shell_fixdeps = ev->n_shell_fixdeps;
	t->n_shell_steps = ev->n_shell_steps;
	/* Older versions do not send this field. */
	if (ev->n_local_steps != EVENTS_UNKNOWN)
		t->n_local_steps = ev->n_local_steps;
}

/* Each reason is sent once, in descending order of the number of steps. */
static void on_steps(struct events_totals *t, const struct events_event *ev)
{
	struct events_reason *r;

	if (!ev->reason || t->n_step_reasons >= EVENTS_REASONS_MAX)
		return;
	r = VEC_ADD(t->step_reasons, t->n_step_reasons);
	r->text = events_totals_sanitize(ev->reason, EVENTS_NAME_MAX, 0);
	r->n_jobs = count_of(ev->n_steps);
}

static void release_disabled(struct events_disabled *d)
{
	free(d->tool);
	free(d->node);
	free(d->text);
}

static char *sanitize_or_null(const char *text)
{
	return text ? events_totals_sanitize(text, EVENTS_NAME_MAX, 0) : NULL;
}

static void on_disabled(struct events_totals *t, const struct events_event *ev)
{
	struct events_disabled now = { .tool = sanitize_or_null(ev->tool),
				       .node = sanitize_or_null(ev->node),
				       .text = sanitize_or_null(ev->text),
				       .n_failures = count_of(ev->n_failed) };
	struct events_disabled *d = t->disabled, *end = d + t->n_disabled;

	while (d < end &&
	       (!str_equal(d->tool, now.tool) || !str_equal(d->node, now.node)))
		d++;
	if (d < end) {
		release_disabled(d);
		*d = end[-1];
		t->n_disabled--;
	}
	if (now.tool && now.n_failures && t->n_disabled < EVENTS_REASONS_MAX)
		*VEC_ADD(t->disabled, t->n_disabled) = now;
	else
		release_disabled(&now);
}

/* ---- jobs ---- */

static void on_job(struct events_totals *t, const struct events_event *ev)
{
	struct events_reason *why;
	struct events_node *n;

	if (ev->state != EVENTS_JOB_DONE) {
		t->n_hedged += ev->hedged;
		return;
	}
	t->n_cached += ev->cached;
	t->n_cached_remote += ev->cached_remote;
	t->n_remote += ev->remote;
	t->n_local += !ev->remote && !ev->cached;
	t->n_steps += ev->remote && ev->step;
	t->n_cached_steps += ev->cached && ev->step;
	t->n_retried += count_of(ev->n_retries);
	why = ev->remote ? NULL : need_reason(t, ev->reason);
	if (why)
		set_jobs(t, why, why->n_jobs + 1);
	n = events_totals_need_node(t, ev->node);
	if (n)
		n->n_jobs++;
}

static void on_counts(struct events_totals *t, const struct events_event *ev)
{
	t->n_remote = count_of(ev->n_remote);
	t->n_local = count_of(ev->n_local);
	t->n_cached = count_of(ev->n_cached);
	t->n_cached_remote = count_of(ev->n_cached_remote);
	t->n_steps = count_of(ev->n_steps);
	t->n_retried = count_of(ev->n_retries);
	t->n_hedged = count_of(ev->n_hedged);
	t->n_warnings = count_of(ev->n_warnings);
	t->n_errors = count_of(ev->n_errors);
	t->has_baseline = ev->n_new_diags != EVENTS_UNKNOWN;
	t->n_new_diags = count_of(ev->n_new_diags);
}

static void on_diagnostics(struct events_totals *t,
			   const struct events_event *ev)
{
	t->n_warnings += count_of(ev->n_warnings);
	t->n_errors += count_of(ev->n_errors);
	if (ev->n_new_diags == EVENTS_UNKNOWN)
		return;
	t->has_baseline = true;
	t->n_new_diags += count_of(ev->n_new_diags);
}

void events_totals_add(void *totals, const struct events_event *ev)
{
	struct events_totals *t = totals;
	struct events_reason *why;

	switch (ev->kind) {
	case EVENTS_KIND_JOB:
		on_job(t, ev);
		break;
	case EVENTS_KIND_NODE:
		on_node(t, ev);
		break;
	case EVENTS_KIND_LOAD:
		on_load(t, ev);
		break;
	case EVENTS_KIND_HOST:
		on_host(t, ev);
		break;
	case EVENTS_KIND_STEPS:
		on_steps(t, ev);
		break;
	case EVENTS_KIND_DISABLED:
		on_disabled(t, ev);
		break;
	case EVENTS_KIND_DIAG:
		on_diagnostics(t, ev);
		break;
	case EVENTS_KIND_COUNTS:
		on_counts(t, ev);
		break;
	case EVENTS_KIND_REASON:
		why = need_reason(t, ev->reason);
		if (why)
			set_jobs(t, why, count_of(ev->n_local));
		break;
	default:
		break;
	}
}

void events_totals_release(struct events_totals *t)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		free(t->nodes[i]->name);
		free(t->nodes[i]->state);
		free(t->nodes[i]->reason);
		free(t->nodes[i]);
	}
	free(t->nodes);
	map_release(&t->by_name);
	for (size_t i = 0; i < t->n_disabled; i++)
		release_disabled(&t->disabled[i]);
	free(t->disabled);
	remove_reasons(&t->reasons, &t->n_reasons);
	remove_reasons(&t->step_reasons, &t->n_step_reasons);
	*t = (struct events_totals){ 0 };
}
