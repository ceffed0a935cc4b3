/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/plain.h"

#include "base/format.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"
#include "events/words.h"
#include "ui/line.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_MS   10000
#define SECOND_MS  30000
#define OTHERS_MS  60000
#define LAST_MS    1000
#define LOCAL_MANY (UI_PLAIN_RECENT / 5)
#define COLUMNS    80
#define CLEAR      "\r\033[K"
#define RED        "\033[31m"
#define MAGENTA    "\033[35m"
#define NO_COLOR   "\033[0m"

struct ui_plain_noted {
	char *name, *state;
	char *line; /* or NULL */
	int64_t slots; /* as told last; 0: not */
};

void ui_plain_init(struct ui_plain *p, int fd, enum ui_plain_kind kind,
		   const struct ui_plain_shows *shows, bool color,
		   const struct ui_model *model)
{
	*p = (struct ui_plain){ .model = model,
				.kind = kind,
				.shows = *shows,
				.color = color,
				.prefix = "",
				.next_ms = kind == UI_PLAIN ? FIRST_MS : 0 };
	outlet_init(&p->out, fd, UI_PLAIN_WAITING);
}

/* --------------------------------------------------------------- output */

/* Make room for lines where the one line stands. */
static void clear_line(struct ui_plain *p)
{
	if (p->line.len)
		outlet_add(&p->out, bytes_str(CLEAR));
	buf_reset(&p->line);
}

static void flush_text(struct ui_plain *p, int timeout_ms)
{
	if (!p->held)
		outlet_flush(&p->out, timeout_ms);
}

static void queue_text(struct ui_plain *p, const struct buf *text)
{
	clear_line(p);
	outlet_add(&p->out, buf_bytes(text));
	flush_text(p, 0);
}

void ui_plain_hold(struct ui_plain *p, bool held)
{
	if (held && !p->held) {
		clear_line(p);
		outlet_flush(&p->out, 0);
	}
	p->held = held;
	flush_text(p, 0);
}

static void put_elapsed(struct buf *out, const struct ui_plain *p, uint64_t now)
{
	buf_printf(out, "[%5llus] %s", (unsigned long long)(now / 1000),
		   p->prefix);
}

void ui_plain_note(struct ui_plain *p, uint64_t now, const char *text)
{
	struct buf line = { 0 };

	put_elapsed(&line, p, now);
	printable_add(&line, bytes_str(text), 0);
	buf_add_str(&line, "\n");
	queue_text(p, &line);
	buf_release(&line);
}

void ui_plain_line(struct ui_plain *p, const char *text)
{
	struct buf line = { 0 };

	buf_printf(&line, "%s\n", text);
	queue_text(p, &line);
	buf_release(&line);
}

static const char *color_of(const char *line, size_t len)
{
	struct {
		const char *word, *color;
	} words[] = { { "error: ", RED },       { "Error", RED },
		      { "*** ", RED },          { "ERROR", RED },
		      { "warning: ", MAGENTA }, { "WARNING", MAGENTA } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (memmem(line, len, words[i].word, strlen(words[i].word)))
			return words[i].color;
	}
	return NULL;
}

static void put_colored(struct buf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *color = color_of(text, n);

		buf_add_str(out, color ? color : "");
		buf_add(out, text, n);
		buf_add_str(out, color ? NO_COLOR "\n" : "\n");
		text += n + (text[n] == '\n');
	}
}

/* `fresh`: the build before had not all of it. */
static void show_block(struct ui_plain *p, const char *text, bool fresh)
{
	struct buf out = { 0 };
	size_t n = strlen(text);

	if (fresh)
		buf_add_str(&out, "kfarm: new since the build before:\n");
	if (p->color)
		put_colored(&out, text);
	else
		buf_add(&out, text, n);
	if (!p->color && n && text[n - 1] != '\n')
		buf_add_str(&out, "\n");
	queue_text(p, &out);
	buf_release(&out);
}

/* --------------------------------------------------- how the build does */

static void put_outlook(struct buf *line, const struct ui_model *m,
			uint64_t now)
{
	struct ui_outlook look;

	if (!ui_model_look(m, now, &look)) {
		buf_add_str(line, " jobs");
		return;
	}
	buf_printf(line, " of %llu jobs, %u %%", (unsigned long long)look.total,
		   look.percent);
	if (look.has_rest) {
		buf_add_str(line, ", ETA ");
		format_time(line, look.rest_ms);
	}
}

static void put_progress(struct buf *line, const struct ui_model *m,
			 uint64_t now)
{
	unsigned up, nodes = ui_model_nodes(m, &up);
	const struct events_tally *t = &m->tally;

	buf_printf(line, "%s: %u", ui_model_phase(m), ui_model_jobs_done(m));
	put_outlook(line, m, now);
	buf_printf(line, ", %u remote, %u local, %u running", t->remote,
		   t->local, ui_model_running(m));
	if (m->now[EVENTS_QUEUED])
		buf_printf(line, ", %u queued", m->now[EVENTS_QUEUED]);
	if (nodes)
		buf_printf(line, ", nodes %u/%u", up, nodes);
	buf_printf(line, ", warnings %u, errors %u", t->warnings, t->errors);
	if (t->compares && t->new_diags)
		buf_printf(line, " (%u new)", t->new_diags);
	if (m->last[0])
		buf_printf(line, ", %s", m->last);
	buf_add_str(line, "\n");
}

static void show_due_line(struct ui_plain *p, uint64_t now)
{
	struct buf line = { 0 };
	unsigned ms = p->lines++ ? OTHERS_MS : SECOND_MS;

	/* At 10 s, 40 s, 100 s, 160 s; who slept does not make up for it. */
	p->next_ms += ms;
	if (p->next_ms <= now)
		p->next_ms = now + ms;
	put_elapsed(&line, p, now);
	put_progress(&line, p->model, now);
	queue_text(p, &line);
	buf_release(&line);
}

/* Nothing is written when nothing changed. */
static void show_line(struct ui_plain *p, uint64_t now)
{
	struct buf line = { 0 };

	/* The last column is not used: some terminals wrap there. */
	ui_line_put(&line, p->model, now,
		    (p->columns ? p->columns : COLUMNS) - 1);
	if (!p->out.waiting.len && strcmp(buf_str(&line), buf_str(&p->line))) {
		outlet_add(&p->out, bytes_str("\r"));
		outlet_add(&p->out, buf_bytes(&line));
		outlet_add(&p->out, bytes_str("\033[K"));
		buf_reset(&p->line);
		buf_add_bytes(&p->line, buf_bytes(&line));
	}
	buf_release(&line);
}

void ui_plain_due(struct ui_plain *p, uint64_t now)
{
	flush_text(p, 0);
	if (!p->shows.progress || p->held)
		return;
	if (p->kind == UI_LINE && !p->model->done)
		show_line(p, now);
	else if (p->kind == UI_PLAIN && now >= p->next_ms)
		show_due_line(p, now);
	flush_text(p, 0);
}

/* ------------------------------------------------------------ the nodes */

static struct ui_plain_noted *need_noted(struct ui_plain *p, const char *name)
{
	struct ui_plain_noted *n;

	for (size_t i = 0; i < p->n_noted; i++) {
		if (!strcmp(p->noted[i].name, name))
			return &p->noted[i];
	}
	n = VEC_ADD(p->noted, p->n_noted);
	n->name = xstrdup(name);
	n->state = xstrdup("");
	return n;
}

/* A node that is dialled again and again has one reason, and one line. */
static void note_node(struct ui_plain *p, struct ui_plain_noted *n,
		      const struct events_event *ev, const char *state)
{
	struct buf line = { 0 };

	events_words_node(&line, ev->node, state, ev->reason);
	if (str_equal(n->line, buf_str(&line))) {
		buf_release(&line);
		return;
	}
	ui_plain_note(p, ev->at_ms, buf_str(&line));
	free(n->line);
	n->line = buf_steal(&line);
}

/* Of a node that is up: its limit fell, or came back. */
static bool has_new_limit(struct ui_plain_noted *n,
			  const struct events_event *ev)
{
	bool is_new = ev->reason && n->slots && ev->slots != n->slots;

	n->slots = ev->slots == EVENTS_UNKNOWN ? 0 : ev->slots;
	return is_new;
}

static void on_node(struct ui_plain *p, const struct events_event *ev)
{
	struct ui_plain_noted *n;
	bool again, up;

	if (!ev->node || !ev->text || p->n_noted >= EVENTS_NODES_MAX)
		return;
	n = need_noted(p, ev->node);
	up = !strcmp(ev->text, "up");
	again = n->state[0] && strcmp(n->state, "connecting") &&
		strcmp(n->state, ev->text);
	again |= has_new_limit(n, ev);
	free(n->state);
	n->state = xstrdup(ev->text);
	/* The note on -j says how many came up. */
	if (strcmp(ev->text, "connecting") && (!up || again))
		note_node(p, n, ev, ev->text);
}

/* It cannot have that toolchain; it may have others. */
static void on_cell(struct ui_plain *p, const struct events_event *ev)
{
	if (ev->node && ev->reason && p->n_noted < EVENTS_NODES_MAX)
		note_node(p, need_noted(p, ev->node), ev, "no toolchain");
}

/* Nobody would notice a farm that quietly does nothing. */
static void judge_farm(struct ui_plain *p, const struct events_event *ev)
{
	bool *at = &p->local[p->n_judged % UI_PLAIN_RECENT];
	char *text;

	if (!p->n_noted || p->warned)
		return;
	p->n_local -= *at;
	*at = !ev->remote;
	p->n_local += *at;
	if (++p->n_judged < UI_PLAIN_RECENT || p->n_local <= LOCAL_MANY ||
	    ev->remote)
		return;
	p->warned = true;
	text = xasprintf("%u of the last %u jobs were compiled locally; this "
			 "one because of: %s",
			 p->n_local, UI_PLAIN_RECENT,
			 ev->reason ? ev->reason : "an unknown reason");
	ui_plain_note(p, ev->at_ms, text);
	free(text);
}

/* --------------------------------------------------------------- events */

static void on_diag(struct ui_plain *p, const struct events_event *ev)
{
	bool error = ev->severity == EVENTS_ERROR;

	if (ev->text &&
	    ((p->shows.progress && !p->held) || (p->shows.errors && error)))
		show_block(p, ev->text, ev->new_diags > 0);
}

void ui_plain_tell(void *plain, const struct events_event *ev)
{
	struct ui_plain *p = plain;

	if (ev->kind == EVENTS_DIAG)
		on_diag(p, ev);
	if (ev->kind == EVENTS_DONE) {
		clear_line(p);
		flush_text(p, 0);
	}
	if (!p->shows.notes)
		return;
	/* The one line has the phase in it. */
	if ((ev->kind == EVENTS_NOTE ||
	     (ev->kind == EVENTS_PHASE && p->kind == UI_PLAIN && !p->held)) &&
	    ev->text)
		ui_plain_note(p, ev->at_ms, ev->text);
	else if (ev->kind == EVENTS_NODE)
		on_node(p, ev);
	else if (ev->kind == EVENTS_CELL)
		on_cell(p, ev);
	else if (ev->kind == EVENTS_JOB && ev->state == EVENTS_JOB_DONE)
		judge_farm(p, ev);
}

void ui_plain_release(struct ui_plain *p)
{
	clear_line(p);
	p->held = false;
	flush_text(p, LAST_MS);
	outlet_release(&p->out);
	buf_release(&p->line);
	for (size_t i = 0; i < p->n_noted; i++) {
		free(p->noted[i].name);
		free(p->noted[i].state);
		free(p->noted[i].line);
	}
	free(p->noted);
	p->noted = NULL;
	p->n_noted = 0;
}
