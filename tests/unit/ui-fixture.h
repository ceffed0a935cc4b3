/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/ui-fixture.h - Events of an imaginary build, one per line of code.
 */
#ifndef UI_PLAY_H
#define UI_PLAY_H

#include "ui/model.h"

static struct ui_model m;
static uint64_t now_ms;
static events_event_fn *also; /* called after the model; can be NULL */
static void *also_ctx;
static int64_t job_cost = EVENTS_UNKNOWN; /* in the baseline, in ms */

static inline void play(struct events_event *ev)
{
	ev->at_ms = now_ms;
	ui_model_add_event(&m, ev);
	if (also)
		also(also_ctx, ev);
}

static inline void job(int64_t number, enum events_job_state state,
		       const char *node)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);
	bool local = node && node[0] == 'l';

	ev.job = number;
	ev.state = state;
	ev.file = "/src/linux/kernel/a.c";
	ev.node = node;
	ev.reason = local ? ".incbin" : NULL;
	ev.remote = node && !local;
	if (state == EVENTS_JOB_QUEUED)
		ev.cost_ms = job_cost;
	play(&ev);
}

/*
 * Set the baseline: `jobs` jobs of a second each at `rate` per second, then
 * `tail` seconds of other work.  Jobs queued from now on are part of it.
 */
static inline void last_build(int64_t jobs, int64_t rate, int64_t tail)
{
	struct events_event ev = events_event_make(EVENTS_KIND_ESTIMATE);

	job_cost = 1000;
	for (int64_t i = 1; i <= 10; i++) {
		ev.n_total_jobs = jobs * i / 10;
		ev.cost_ms = ev.n_total_jobs * job_cost;
		ev.wall_ms = ev.n_total_jobs * 1000 / rate +
			     (i == 10 ? tail : 0) * 1000;
		play(&ev);
	}
}

static inline void node(const char *name, const char *state, const char *reason)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NODE);

	ev.node = name;
	ev.text = state;
	ev.reason = reason;
	play(&ev);
}

/*
 * `fresh`: number of these that are new since the baseline, or EVENTS_UNKNOWN.
 */
static inline void diag_held(const char *text, enum events_severity severity,
			     int64_t fresh)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);

	ev.text = text;
	ev.severity = severity;
	ev.n_warnings = severity == EVENTS_SEV_WARNING;
	ev.n_errors = severity == EVENTS_SEV_ERROR;
	ev.n_new_diags = fresh;
	play(&ev);
}

static inline void diag(const char *text, enum events_severity severity)
{
	diag_held(text, severity, EVENTS_UNKNOWN);
}

/* EVENTS_KIND_PHASE, EVENTS_KIND_NOTE */
static inline void say(enum events_kind kind, const char *text)
{
	struct events_event ev = events_event_make(kind);

	ev.text = text;
	play(&ev);
}

static inline void tree(const char *dir)
{
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);

	ev.command = "Image";
	ev.tree = dir;
	ev.make_jobs = 12;
	play(&ev);
}

#endif
