/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/text.h"

#include "base/format.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/text-width.h"
#include "base/vec.h"
#include "events/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RATE_SECONDS 10
#define FILE_LEAST   12 /* columns needed to show a file name */

void ui_text_put_line(struct buf *out, const struct ui_model *m, uint64_t now,
		      unsigned columns)
{
	unsigned rate = ui_model_rate_milli(m, now, RATE_SECONDS), width;
	unsigned up, nodes = ui_model_count_nodes(m, &up);
	struct ui_prediction prediction;
	bool known = ui_model_predict(m, now, &prediction);
	struct buf line = { 0 };
	char *last_part;

	buf_printf(&line, "[%u", ui_model_count_done(m));
	if (known)
		buf_printf(&line, "/~%llu %u %%",
			   (unsigned long long)prediction.n_total,
			   prediction.percent);
	else
		buf_add_str(&line, " done");
	if (rate)
		buf_printf(&line, " %u.%u/s", rate / 1000, rate / 100 % 10);
	buf_add_str(&line, " ");
	format_time(&line, now);
	if (known && prediction.has_remaining) {
		buf_add_str(&line, " ETA ~");
		format_time(&line, prediction.remaining_ms);
	}
	buf_add_str(&line, "] ");
	ui_model_add_phase(m, &line);
	buf_add_str(&line, *m->activity ? ", " : ": ");
	/* "0 running" during the link would look like a failure. */
	if (!m->n_jobs && nodes && !strcmp(ui_model_phase(m), "link"))
		buf_add_str(&line, "farm idle");
	else
		buf_printf(&line, "%u running", ui_model_count_running(m));
	if (m->n_by_state[EVENTS_JOB_QUEUED])
		buf_printf(&line, ", %u queued",
			   m->n_by_state[EVENTS_JOB_QUEUED]);
	if (nodes) {
		buf_printf(&line, ", nodes %u/%u", up, nodes);
		if (m->totals.n_local)
			buf_printf(&line, ", %u local", m->totals.n_local);
	}
	if (m->totals.n_warnings)
		buf_printf(&line, ", %u warning%s", m->totals.n_warnings,
			   format_plural(m->totals.n_warnings));
	if (m->totals.n_errors)
		buf_printf(&line, ", %u error%s", m->totals.n_errors,
			   format_plural(m->totals.n_errors));
	if (m->totals.has_baseline && m->totals.n_new_diags)
		buf_printf(&line, " (%u new)", m->totals.n_new_diags);
	while ((width = text_width(buf_str(&line))) > columns &&
	       (last_part = memrchr(line.data, ',', line.len))) {
		*last_part = '\0';
		line.len = (size_t)((uint8_t *)last_part - line.data);
	}
	text_width_elide(out, buf_str(&line), columns);
	if (*m->last_file && m->n_jobs && width + FILE_LEAST + 2 <= columns) {
		buf_add_str(out, ": ");
		text_width_elide(out, m->last_file, columns - width - 2);
	}
	buf_release(&line);
}

#define FIRST_MS        10000
#define SECOND_MS       30000
#define OTHERS_MS       60000
#define LAST_MS         1000
#define LOCAL_WARN_JOBS (UI_TEXT_RECENT_JOBS / 5)
#define COLUMNS         80
#define CLEAR           "\r\033[K"
#define RED             "\033[31m"
#define MAGENTA         "\033[35m"
#define NO_COLOR        "\033[0m"

struct ui_text_node {
	char *name, *state;
	char *line; /* last line about the node, or NULL */
	int64_t n_slots; /* number reported last; 0 if unknown */
	bool failed; /* the last reported problem has not ended */
};

void ui_text_init(struct ui_text *p, int fd, enum ui_text_kind kind,
		  const struct ui_text_options *options, bool color,
		  const struct ui_model *model)
{
	*p = (struct ui_text){ .model = model,
			       .kind = kind,
			       .options = *options,
			       .color = color,
			       .prefix = "",
			       .next_line_ms = kind == UI_TEXT_PERIODIC ?
						       FIRST_MS :
						       0 };
	outqueue_init(&p->out, fd, UI_TEXT_QUEUE_BYTES);
}

/* ---- output ---- */

/* Remove the progress line, so that other lines can be printed. */
static void clear_line(struct ui_text *p)
{
	if (p->line.len)
		outqueue_add(&p->out, bytes_str(CLEAR));
	buf_reset(&p->line);
}

static void flush_text(struct ui_text *p, int timeout_ms)
{
	if (!p->held)
		outqueue_flush(&p->out, timeout_ms);
}

static void queue_text(struct ui_text *p, const struct buf *text)
{
	clear_line(p);
	outqueue_add(&p->out, buf_bytes(text));
	flush_text(p, 0);
}

void ui_text_set_held(struct ui_text *p, bool held)
{
	if (held && !p->held) {
		clear_line(p);
		outqueue_flush(&p->out, 0);
	}
	p->held = held;
	flush_text(p, 0);
}

static void put_elapsed(struct buf *out, const struct ui_text *p, uint64_t now)
{
	buf_printf(out, "[%5llus] %s", (unsigned long long)(now / 1000),
		   p->prefix);
}

void ui_text_put_note(struct ui_text *p, uint64_t now, const char *text)
{
	struct buf line = { 0 };

	put_elapsed(&line, p, now);
	printable_add_escaped(&line, bytes_str(text), 0);
	buf_add_str(&line, "\n");
	queue_text(p, &line);
	buf_release(&line);
}

void ui_text_put_verbatim(struct ui_text *p, const char *text)
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

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (memmem(line, len, words[i].word, strlen(words[i].word)))
			return words[i].color;
	}
	return NULL;
}

static void put_log_line(struct buf *out, const struct ui_text *p,
			 const char *line, size_t len)
{
	const char *color = p->color ? color_of(line, len) : NULL;

	buf_add_str(out, color ? color : "");
	buf_add(out, line, len);
	buf_add_str(out, color ? NO_COLOR "\n" : "\n");
}

void ui_text_put_log_line(struct ui_text *p, const char *text)
{
	struct buf line = { 0 };

	put_log_line(&line, p, text, strlen(text));
	queue_text(p, &line);
	buf_release(&line);
}

/* Print a block of diagnostics. */
static void show_block(struct ui_text *p, const struct events_event *ev)
{
	uint64_t n = (uint64_t)ev->n_warnings + (uint64_t)ev->n_errors;
	/* The text of a recording can contain escape sequences. */
	char *text = events_totals_sanitize(ev->text, SIZE_MAX,
					    PRINTABLE_WHITESPACE);
	struct buf out = { 0 };

	/* The baseline is the previous build. */
	if (ev->n_new_diags > 0 && (uint64_t)ev->n_new_diags < n)
		buf_printf(&out,
			   "kfarm: %" PRId64 " of %" PRIu64
			   " new since the previous build:\n",
			   ev->n_new_diags, n);
	else if (ev->n_new_diags > 0)
		buf_add_str(&out, "kfarm: new since the previous build:\n");
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		put_log_line(&out, p, line, len);
		line += len + (line[len] == '\n');
	}
	queue_text(p, &out);
	buf_release(&out);
	free(text);
}

/* ---- progress ---- */

static void show_periodic_line(struct ui_text *p, uint64_t now)
{
	const struct ui_model *m = p->model;
	const struct events_totals *t = &m->totals;
	unsigned up, nodes = ui_model_count_nodes(m, &up);
	struct ui_prediction prediction;
	struct buf line = { 0 };
	unsigned ms = p->n_lines++ ? OTHERS_MS : SECOND_MS;

	/*
	 * Lines are due at 10 s, 40 s, 100 s, 160 s and so on.  Lines that were
	 * missed because the machine slept are skipped.
	 */
	p->next_line_ms += ms;
	if (p->next_line_ms <= now)
		p->next_line_ms = now + ms;
	put_elapsed(&line, p, now);
	ui_model_add_phase(m, &line);
	buf_printf(&line, ": %u", ui_model_count_done(m));
	if (ui_model_predict(m, now, &prediction)) {
		buf_printf(&line, " of ~%llu jobs, %u %%",
			   (unsigned long long)prediction.n_total,
			   prediction.percent);
		if (prediction.has_remaining) {
			buf_add_str(&line, ", ETA ~");
			format_time(&line, prediction.remaining_ms);
		}
	} else {
		buf_add_str(&line, " jobs");
	}
	buf_printf(&line, ", %u remote, %u local, %u running", t->n_remote,
		   t->n_local, ui_model_count_running(m));
	if (m->n_by_state[EVENTS_JOB_QUEUED])
		buf_printf(&line, ", %u queued",
			   m->n_by_state[EVENTS_JOB_QUEUED]);
	if (nodes)
		buf_printf(&line, ", nodes %u/%u", up, nodes);
	buf_printf(&line, ", warnings %u, errors %u", t->n_warnings,
		   t->n_errors);
	if (t->has_baseline && t->n_new_diags)
		buf_printf(&line, " (%u new)", t->n_new_diags);
	if (m->last_file[0])
		buf_printf(&line, ", %s", m->last_file);
	buf_add_str(&line, "\n");
	queue_text(p, &line);
	buf_release(&line);
}

void ui_text_update(struct ui_text *p, uint64_t now)
{
	struct buf line = { 0 };

	flush_text(p, 0);
	if (!p->options.progress || p->held)
		return;
	if (p->kind == UI_TEXT_PERIODIC && now >= p->next_line_ms)
		show_periodic_line(p, now);
	if (p->kind != UI_TEXT_LINE || p->model->done)
		goto out;
	/* Leave the last column free, because some terminals wrap there. */
	ui_text_put_line(&line, p->model, now,
			 (p->columns ? p->columns : COLUMNS) - 1);
	if (!p->out.pending.len && strcmp(buf_str(&line), buf_str(&p->line))) {
		outqueue_add(&p->out, bytes_str("\r"));
		outqueue_add(&p->out, buf_bytes(&line));
		outqueue_add(&p->out, bytes_str("\033[K"));
		buf_reset(&p->line);
		buf_add_bytes(&p->line, buf_bytes(&line));
	}
	buf_release(&line);
out:
	flush_text(p, 0);
}

/* ---- nodes ---- */

/* Find or add a node.  Returns NULL if it would exceed EVENTS_NODES_MAX. */
static struct ui_text_node *need_text_node(struct ui_text *p, const char *name)
{
	struct ui_text_node *n;

	for (size_t i = 0; i < p->n_nodes; i++) {
		if (!strcmp(p->nodes[i].name, name))
			return &p->nodes[i];
	}
	if (p->n_nodes >= EVENTS_NODES_MAX)
		return NULL;
	n = VEC_ADD(p->nodes, p->n_nodes);
	n->name = xstrdup(name);
	n->state = xstrdup("");
	return n;
}

/*
 * Return true if the last line about another member of the same pool equals
 * `line` except for the name.
 */
static bool is_reported_for_pool(const struct ui_text *p,
				 const struct ui_text_node *n, const char *line)
{
	size_t len = events_text_pool_len(n->name), prefix = strlen("node ");

	for (size_t i = 0; i < p->n_nodes && len; i++) {
		const struct ui_text_node *other = &p->nodes[i];

		if (other->line && !strncmp(other->name, n->name, len + 1) &&
		    !strcmp(other->line + prefix + strlen(other->name),
			    line + prefix + strlen(n->name)))
			return true;
	}
	return false;
}

/*
 * Print a line with the state of a node.  Prints nothing if the previous line
 * about the node was equal, as during repeated attempts to connect, or if the
 * line was printed for another member of the same pool.
 */
static void report_node_state(struct ui_text *p, struct ui_text_node *n,
			      const struct events_event *ev, const char *state)
{
	struct buf line = { 0 };

	events_text_add_node(&line, ev->node, state, ev->reason);
	if (str_equal(n->line, buf_str(&line))) {
		buf_release(&line);
		return;
	}
	if (!is_reported_for_pool(p, n, buf_str(&line)))
		ui_text_put_note(p, ev->at_ms, buf_str(&line));
	free(n->line);
	n->line = buf_steal(&line);
}

/*
 * Return true if the state is a problem, or if the node is up again after a
 * problem that was printed.
 */
static bool is_problem(struct ui_text_node *n, const char *state)
{
	bool was_failed = n->failed;

	/* The removal of an idle member of a pool is not a problem. */
	if (!strcmp(state, "connecting") ||
	    (!strcmp(state, "removed") && events_text_pool_len(n->name)))
		return false;
	n->failed = !str_list_has("up draining drained", ' ', state);
	return n->failed || (was_failed && !strcmp(state, "up"));
}

static void on_node(struct ui_text *p, const struct events_event *ev)
{
	struct ui_text_node *n = need_text_node(p, ev->node);
	bool again, up, problem;

	if (!n)
		return;
	up = !strcmp(ev->text, "up");
	again = n->state[0] && strcmp(n->state, "connecting") &&
		strcmp(n->state, ev->text);
	/* Also print a changed number of slots, if a reason is given. */
	again |= ev->reason && n->n_slots && ev->n_slots != n->n_slots;
	n->n_slots = ev->n_slots == EVENTS_UNKNOWN ? 0 : ev->n_slots;
	free(n->state);
	n->state = xstrdup(ev->text);
	problem = is_problem(n, ev->text);
	if (!p->options.details && !problem)
		return;
	/*
	 * A node's first "up" is not printed, because the note at the start of
	 * the build ("-j 12: 10 slots on 1 node ...") counts the connected
	 * nodes.
	 */
	if (strcmp(ev->text, "connecting") && (!up || again || problem))
		report_node_state(p, n, ev, ev->text);
}

static void on_cell(struct ui_text *p, const struct events_event *ev)
{
	struct ui_text_node *n = need_text_node(p, ev->node);

	if (n)
		report_node_state(p, n, ev, "no toolchain");
}

/*
 * Warn once if there are nodes but more than a fifth of the last
 * UI_TEXT_RECENT_JOBS jobs ran locally.
 */
static void warn_if_all_local(struct ui_text *p, const struct events_event *ev)
{
	bool *at = &p->recent_local[p->n_recent % UI_TEXT_RECENT_JOBS];
	char *text;

	if (!p->n_nodes || p->warned)
		return;
	p->n_local -= *at;
	*at = !ev->remote && !ev->cached;
	p->n_local += *at;
	if (++p->n_recent < UI_TEXT_RECENT_JOBS ||
	    p->n_local <= LOCAL_WARN_JOBS || !*at)
		return;
	p->warned = true;
	text = xasprintf("%u of the last %u jobs were compiled locally; "
			 "reason for the last local job: %s",
			 p->n_local, UI_TEXT_RECENT_JOBS,
			 ev->reason ? ev->reason : "an unknown reason");
	ui_text_put_note(p, ev->at_ms, text);
	free(text);
}

/*
 * For UI_TEXT_PERIODIC, print the phase and the activity with which it begins.
 * With UI_TEXT_LINE, the progress line contains both.
 */
static void show_phase(struct ui_text *p, const struct events_event *ev)
{
	struct buf line = { 0 };

	if (p->kind != UI_TEXT_PERIODIC || p->held ||
	    (!p->options.progress && !p->options.details))
		return;
	buf_add_str(&line, ev->text);
	if (ev->activity)
		buf_printf(&line, ": %s", ev->activity);
	ui_text_put_note(p, ev->at_ms, buf_str(&line));
	buf_release(&line);
}

void ui_text_add_event(void *plain, const struct events_event *ev)
{
	struct ui_text *p = plain;

	if (ev->kind == EVENTS_KIND_DIAG && ev->text &&
	    (p->options.warnings ||
	     (p->options.progress && (!p->held || ev->n_new_diags ||
				      ev->severity == EVENTS_SEV_ERROR))))
		show_block(p, ev);
	if (ev->kind == EVENTS_KIND_DONE) {
		clear_line(p);
		flush_text(p, 0);
	}
	if (!p->options.notes)
		return;
	if (ev->kind == EVENTS_KIND_NOTE && ev->text &&
	    (!ev->detail || p->options.details))
		ui_text_put_note(p, ev->at_ms, ev->text);
	else if (ev->kind == EVENTS_KIND_PHASE && ev->text)
		show_phase(p, ev);
	else if (ev->kind == EVENTS_KIND_NODE && ev->node && ev->text)
		on_node(p, ev);
	else if (ev->kind == EVENTS_KIND_CELL && ev->node && ev->reason)
		on_cell(p, ev);
	else if (ev->kind == EVENTS_KIND_JOB && ev->state == EVENTS_JOB_DONE)
		warn_if_all_local(p, ev);
}

void ui_text_release(struct ui_text *p)
{
	clear_line(p);
	p->held = false;
	flush_text(p, LAST_MS);
	outqueue_release(&p->out);
	buf_release(&p->line);
	for (size_t i = 0; i < p->n_nodes; i++) {
		free(p->nodes[i].name);
		free(p->nodes[i].state);
		free(p->nodes[i].line);
	}
	free(p->nodes);
	p->nodes = NULL;
	p->n_nodes = 0;
}
