/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/watch.h"

#include "base/fs.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"
#include "kernel/summary.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS_MAX    (1u << 20)
#define RECENT      200 /* jobs that a farm in trouble is judged by */
#define RECENT_FAIL 40 /* a fifth of them */

struct seen_node {
	char *name, *state;
	char *noted; /* the last note about it; or NULL */
};

struct watch {
	enum watch_mode mode;
	char *tree; /* with its slash, or "" */
	struct kernel_hooks hooks;
	struct ui_model model;
	struct ui_plain plain;
	struct seen_node *node;
	size_t n_nodes;
	int json;
	unsigned char *job; /* by number: its last state + 1; 0: none */
	size_t n_jobs;
	bool recent_local[RECENT];
	unsigned recent_at, recent_n, recent_sum;
	bool warned;
};

static void copy_clean_text(char *out, size_t size, const char *text)
{
	size_t n = strnlen(text, size - 1);

	memcpy(out, text, n);
	out[n] = '\0';
	/* A file's name may hold anything; a line of the view may not. */
	printable_clean(out, n, 0, '?');
}

static void show_note(struct watch *w, const char *text)
{
	if (w->mode == WATCH_PLAIN || w->mode == WATCH_VERBOSE)
		ui_plain_note(&w->plain, &w->model, text);
}

static struct seen_node *find_or_add_node(struct watch *w, const char *name)
{
	struct seen_node *n;

	for (size_t i = 0; i < w->n_nodes; i++) {
		if (!strcmp(w->node[i].name, name))
			return &w->node[i];
	}
	n = VEC_ADD(w->node, w->n_nodes);
	n->name = xstrdup(name);
	n->state = xstrdup("");
	w->model.nodes++;
	return n;
}

/* A node that is dialled again and again has one reason, and one line. */
static void note_node(struct watch *w, struct seen_node *n,
		      const struct coord_event *ev)
{
	struct buf line = { 0 };

	kernel_summary_node(&line, ev->node, ev->text, ev->reason);
	if (str_equal(n->noted, buf_str(&line))) {
		buf_release(&line);
		return;
	}
	show_note(w, buf_str(&line));
	free(n->noted);
	n->noted = buf_steal(&line);
}

static void on_node(struct watch *w, const struct coord_event *ev)
{
	struct seen_node *n;
	bool again, up;

	if (!ev->node || !ev->text)
		return;
	n = find_or_add_node(w, ev->node);
	up = !strcmp(ev->text, "up");
	again = n->state[0] && strcmp(n->state, "connecting") &&
		strcmp(n->state, ev->text);
	w->model.nodes_up -= !strcmp(n->state, "up");
	w->model.nodes_up += up;
	free(n->state);
	n->state = xstrdup(ev->text);
	/* The note on -j says how many came up. */
	if (strcmp(ev->text, "connecting") && (!up || again))
		note_node(w, n, ev);
}

static unsigned char *job_state(struct watch *w, uint32_t number)
{
	size_t want = w->n_jobs ? w->n_jobs : 1024;

	if (number >= JOBS_MAX)
		return NULL;
	while (want <= number)
		want *= 2;
	if (want > w->n_jobs) {
		w->job = xrealloc(w->job, want);
		memset(w->job + w->n_jobs, 0, want - w->n_jobs);
		w->n_jobs = want;
	}
	return &w->job[number];
}

/* A job more, or one less, that is in this state. */
static void count_job(struct ui_model *m, unsigned char state, int by)
{
	if (state == EVENT_QUEUED + 1)
		m->queued += (unsigned)by;
	else if (state > EVENT_QUEUED + 1 && state < EVENT_JOB_DONE + 1)
		m->running += (unsigned)by;
}

/* Nobody would notice a farm that quietly does nothing. */
static void judge_farm(struct watch *w, const struct coord_event *ev)
{
	char *text;

	if (!w->n_nodes || w->warned)
		return;
	w->recent_sum -= w->recent_local[w->recent_at];
	w->recent_local[w->recent_at] = !ev->remote;
	w->recent_sum += !ev->remote;
	w->recent_at = (w->recent_at + 1) % RECENT;
	if (++w->recent_n < RECENT || w->recent_sum <= RECENT_FAIL ||
	    ev->remote)
		return;
	w->warned = true;
	text = xasprintf("%u of the last %u jobs were compiled locally; this "
			 "one because of: %s",
			 w->recent_sum, RECENT,
			 ev->reason ? ev->reason : "an unknown reason");
	show_note(w, text);
	free(text);
}

static void on_job_done(struct watch *w, const struct coord_event *ev)
{
	struct ui_model *m = &w->model;

	if (ev->remote)
		m->remote++;
	else
		m->local++;
	if (ev->file)
		copy_clean_text(m->last, sizeof(m->last),
				ev->file + (str_starts(ev->file, w->tree) ?
						    strlen(w->tree) :
						    0));
	judge_farm(w, ev);
}

static void on_job(struct watch *w, const struct coord_event *ev)
{
	unsigned char *state = job_state(w, ev->job);

	if (state && *state != EVENT_JOB_DONE + 1) {
		count_job(&w->model, *state, -1);
		*state = (unsigned char)(ev->state + 1);
		count_job(&w->model, *state, 1);
	}
	if (ev->state == EVENT_JOB_DONE)
		on_job_done(w, ev);
}

static void on_diag(struct watch *w, const struct coord_event *ev)
{
	bool error = ev->n == EVENT_ERROR;

	if (w->mode == WATCH_PLAIN || (w->mode == WATCH_QUIET && error))
		ui_plain_block(&w->plain, ev->text);
}

static void write_json(struct watch *w, const struct coord_event *ev)
{
	struct buf line = { 0 };

	if (w->json < 0)
		return;
	coord_event_json(&line, ev);
	/* The reader may go away; the build goes on. */
	if (fs_write_all(w->json, buf_bytes(&line))) {
		if (w->json != STDOUT_FILENO)
			close(w->json);
		w->json = -1;
	}
	buf_release(&line);
}

static void on_event(void *ctx, const struct coord_event *ev)
{
	struct watch *w = ctx;

	w->model.elapsed_ms = ev->at_ms;
	write_json(w, ev);
	switch (ev->kind) {
	case EVENT_PHASE:
		copy_clean_text(w->model.phase, sizeof(w->model.phase),
				ev->text);
		show_note(w, ev->text);
		break;
	case EVENT_JOB:
		on_job(w, ev);
		break;
	case EVENT_NODE:
		on_node(w, ev);
		break;
	case EVENT_DIAG:
		on_diag(w, ev);
		break;
	case EVENT_BUILD:
	case EVENT_DONE:
		break;
	}
}

static void on_note(void *ctx, const char *text)
{
	show_note(ctx, text);
}

static void on_line(void *ctx, const char *text)
{
	struct watch *w = ctx;

	ui_plain_line(&w->plain, text);
}

static void on_tick(void *ctx, const struct kernel_figures *now)
{
	struct watch *w = ctx;

	w->model.elapsed_ms = now->at_ms;
	w->model.warnings = now->warnings;
	w->model.errors = now->errors;
	if (w->mode == WATCH_PLAIN)
		ui_plain_tick(&w->plain, &w->model);
	else
		ui_plain_flush(&w->plain);
}

static int open_json(struct watch *w, const char *path, struct err *err)
{
	if (!path)
		return 0;
	if (!strcmp(path, "-")) {
		w->json = STDOUT_FILENO;
		return 0;
	}
	w->json = open(path,
		       O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		       0666);
	return w->json < 0 ? err_errno(err, "--json %s", path) : 0;
}

int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	int ret;

	w->mode = setup->mode;
	w->tree = setup->tree ? xasprintf("%s/", setup->tree) : xstrdup("");
	w->json = -1;
	copy_clean_text(w->model.phase, sizeof(w->model.phase), "start");
	ui_plain_init(&w->plain, STDERR_FILENO, setup->terminal, setup->color);
	w->hooks = (struct kernel_hooks){
		.sink = on_event,
		.note = on_note,
		.line = setup->mode == WATCH_VERBOSE ? on_line : NULL,
		.tick = on_tick,
		.ctx = w,
	};
	ret = open_json(w, setup->json, err);
	if (ret) {
		watch_free(w);
		return ret;
	}
	*out = w;
	return 0;
}

const struct kernel_hooks *watch_hooks(const struct watch *w)
{
	return &w->hooks;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	ui_plain_release(&w->plain);
	if (w->json >= 0 && w->json != STDOUT_FILENO)
		close(w->json);
	for (size_t i = 0; i < w->n_nodes; i++) {
		free(w->node[i].name);
		free(w->node[i].state);
		free(w->node[i].noted);
	}
	free(w->node);
	free(w->job);
	free(w->tree);
	free(w);
}
