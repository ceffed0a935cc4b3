/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-text.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/list.h"
#include "base/str.h"
#include "base/terminal.h"
#include "base/vec.h"
#include "cli/table.h"
#include "events/text.h"
#include "ui/group.h"
#include "ui/text.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define RATE_SECONDS 10 /* period over which the job rate is measured */
#define IDLE_MS      10000 /* an idle node is reported after this time */
#define FULL_SPEED   1000 /* clock speed without throttling, in thousandths */

/* A node, with the values that kfarm top computes for it. */
struct node_row {
	const struct top_page *page;
	const struct ui_node *node;
	const struct events_node *reported;
	unsigned jobs;
	/* shown_* are EVENTS_UNKNOWN before the first heartbeat */
	int64_t mean_ms, idle_ms, shown_sent, shown_received;
};

static bool is_of_build(const void *row)
{
	return ((const struct node_row *)row)->page->pid != TOP_NODES_PID;
}

static char *format_size(int64_t n)
{
	return n >= INT64_C(10) << 30 ?
		       xasprintf("%.1f GiB", (double)n / (1 << 30)) :
		       xasprintf("%.1f MiB", (double)n / (1 << 20));
}

static char *format_mean(int64_t ms)
{
	return xasprintf("%.2f s", (double)ms / 1000);
}

/*
 * Format the note of a node: the reason for its state, the members of a relay,
 * its throttling and, if the build has jobs, a long idle time.
 */
static char *format_node_note(const void *row)
{
	const struct node_row *r = row;
	const struct ui_node *n = r->node;
	int64_t idle = r->page->model.n_jobs ? r->idle_ms : 0;
	struct buf out = { 0 };

	if (r->reported->reason)
		buf_add_str(&out, r->reported->reason);
	if (n->members)
		buf_printf(&out, "%srelay to %s", out.len ? ", " : "",
			   *n->members ? n->members : "no node");
	if (n->clock_speed != EVENTS_UNKNOWN && n->clock_speed < FULL_SPEED)
		buf_printf(&out, "%sthrottled to %lld %%", out.len ? ", " : "",
			   (long long)n->clock_speed / 10);
	if (idle >= IDLE_MS)
		buf_printf(&out, "%sno job for %lld s", out.len ? ", " : "",
			   (long long)idle / 1000);
	if (idle >= IDLE_MS && n->sandbox && !str_equal(n->sandbox, "ready"))
		buf_printf(&out, ", toolchain %s", n->sandbox);
	return out.len ? buf_steal(&out) : NULL;
}

#define NODE(name, member)                                               \
	RECORD_VALUE(name, ui_node, member), RECORD_VIA(node_row, node), \
		.empty_is_null = true
#define REPORTED(name, member)                   \
	RECORD_VALUE(name, events_node, member), \
		RECORD_VIA(node_row, reported), .empty_is_null = true
#define ROW(name, member) RECORD_VALUE(name, node_row, member)
/* Only the page of a build has these members and columns. */
#define IN_BUILD .is_present = is_of_build
/* A number in thousandths with one decimal in the table. */
#define MILLI .divisor = 1000, .decimals = 1
#define SIZE  .format_number = format_size

static const struct record_member node_members[] = {
	{ REPORTED("name", name), RECORD_COLUMN(1, "NODE") },
	{ NODE("pool", pool) },
	{ NODE("site", site) },
	{ NODE("members", members) },
	{ REPORTED("state", state), RECORD_COLUMN(2, "STATE") },
	{ REPORTED("reason", reason) },
	{ NODE("machine", machine) },
	{ NODE("cores", n_cores) },
	{ REPORTED("slots", n_slots), RECORD_COLUMN_RIGHT(3, "SLOTS") },
	{ ROW("jobs", jobs), IN_BUILD, RECORD_COLUMN_RIGHT(4, "JOBS") },
	{ REPORTED("done", n_jobs), IN_BUILD, RECORD_COLUMN_RIGHT(5, "DONE") },
	{ REPORTED("failed", n_failed), IN_BUILD,
	  RECORD_COLUMN_RIGHT(6, "FAILED") },
	{ REPORTED("retries", n_retries), IN_BUILD,
	  RECORD_COLUMN_RIGHT(7, "RETRIED") },
	{ ROW("mean", mean_ms), IN_BUILD, MILLI, RECORD_COLUMN_RIGHT(8, "MEAN"),
	  .format_number = format_mean },
	{ ROW("idle", idle_ms), IN_BUILD, MILLI },
	{ NODE("cell", sandbox), IN_BUILD },
	{ REPORTED("sent", sent_bytes), IN_BUILD },
	{ ROW(NULL, shown_sent), IN_BUILD, SIZE,
	  RECORD_COLUMN_RIGHT(9, "SENT") },
	{ REPORTED("received", received_bytes), IN_BUILD },
	{ ROW(NULL, shown_received), IN_BUILD, SIZE,
	  RECORD_COLUMN_RIGHT(10, "RECEIVED") },
	{ REPORTED("cpu", cpu_ms), IN_BUILD, MILLI },
	{ NODE("load", load), MILLI, RECORD_COLUMN_RIGHT(11, "LOAD") },
	{ NODE("foreign", other_load), MILLI,
	  RECORD_COLUMN_RIGHT(12, "OTHER") },
	{ NODE("memory", memory), SIZE, RECORD_COLUMN_RIGHT(13, "MEMORY") },
	{ NODE("temperature", temperature), MILLI,
	  RECORD_COLUMN_RIGHT(14, "TEMP") },
	{ NODE("speed", clock_speed), MILLI },
	{ RECORD_COLUMN(15, "NOTE"), .format = format_node_note },
};
const struct record top_node_record = RECORD(node_row, node_members);

/* Return the row of a node or of a group of nodes. */
static struct node_row make_node_row(const struct top_page *p,
				     const struct ui_node *n)
{
	int64_t mean = (int64_t)ui_node_mean_ms(n);
	bool beat = n->has_heartbeat;

	return (struct node_row){
		.page = p,
		.node = n,
		.reported = n->reported,
		.jobs = ui_node_count_jobs(n),
		.mean_ms = mean ? mean : EVENTS_UNKNOWN,
		.idle_ms = (int64_t)ui_node_idle_ms(n, top_page_now_ms(p)),
		.shown_sent = beat ? n->reported->sent_bytes : EVENTS_UNKNOWN,
		.shown_received = beat ? n->reported->received_bytes :
					 EVENTS_UNKNOWN,
	};
}

/* Return the rows of the nodes of a page.  The caller frees them. */
static struct node_row *node_rows(const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	struct node_row *rows = xcalloc(m->n_nodes + 1, sizeof(*rows));

	for (size_t i = 0; i < m->n_nodes; i++)
		rows[i] = make_node_row(p, m->nodes[i]);
	return rows;
}

/*
 * Return true if `out` is a terminal with fewer rows than nodes, and the nodes
 * can be grouped by pools or sites.
 */
static bool exceeds_terminal(FILE *out, const struct ui_model *m)
{
	unsigned rows, columns;

	return terminal_size(fileno(out), &rows, &columns) &&
	       m->n_nodes > rows && m->groups.n > 1;
}

static int compare_group_health(const void *a, const void *b)
{
	return ui_node_compare_health(*(const struct ui_node *const *)a,
				      *(const struct ui_node *const *)b);
}

/* Add the build host and the groups of nodes, worst first. */
static void add_groups(struct table *t, const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	const struct ui_node **order;
	struct ui_groups groups = { 0 };
	struct node_row row;
	size_t n = 0;

	if (ui_node_is_local(m->nodes[0])) {
		row = make_node_row(p, m->nodes[0]);
		table_add_record(t, &top_node_record, &row);
	}
	ui_groups_sum(&groups, m, NULL);
	order = xcalloc(groups.n, sizeof(*order));
	for (size_t i = 0; i < groups.n; i++) {
		if (groups.v[i].n_listed)
			order[n++] = &groups.v[i].sums;
	}
	qsort(order, n, sizeof(*order), compare_group_health);
	for (size_t i = 0; i < n; i++) {
		row = make_node_row(p, order[i]);
		table_add_record(t, &top_node_record, &row);
	}
	free(order);
	ui_groups_release(&groups);
}

static void put_node_table(FILE *out, const struct top_page *p, bool grouped)
{
	const struct ui_model *m = &p->model;
	struct table t = { 0 };
	struct node_row row;

	if (!m->n_nodes)
		return;
	if (grouped || exceeds_terminal(out, m)) {
		add_groups(&t, p);
		table_print(out, &t);
		return;
	}
	for (size_t i = 0; i < m->n_nodes; i++) {
		row = make_node_row(p, m->nodes[i]);
		table_add_record(&t, &top_node_record, &row);
	}
	table_print(out, &t);
}

/* Print "build PID: GOALS, LABEL, TOOLCHAIN, TREE: END REASON". */
static void put_build_title_line(FILE *out, const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	struct buf which = { 0 };
	const char *words[] = { NULL, m->toolchain, m->tree };

	ui_model_add_label(m, &which);
	words[0] = buf_str(&which);
	fprintf(out, "build %d: %s", (int)p->pid,
		*m->goals ? m->goals : "starting");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (*words[i])
			fprintf(out, ", %s", words[i]);
	}
	if (p->end_reason)
		fprintf(out, ": %s", p->end_reason);
	fputc('\n', out);
	buf_release(&which);
}

/* Print one line with time, phase, jobs, prediction and rate of a build. */
static void put_build_state(FILE *out, const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	uint64_t now = top_page_now_ms(p);
	unsigned rate = ui_model_rate_milli(m, now, RATE_SECONDS);
	struct ui_prediction prediction;
	bool known = ui_model_predict(m, now, &prediction);
	struct buf line = { 0 };

	buf_add_str(&line, "  ");
	format_time(&line, now);
	if (m->done)
		buf_printf(&line, ", ended with status %lld",
			   (long long)m->status);
	else
		buf_add_str(&line, ", ");
	if (!m->done)
		ui_model_add_phase(m, &line);
	buf_printf(&line, ": %u", ui_model_count_done(m));
	if (known)
		buf_printf(&line, " of ~%llu",
			   (unsigned long long)prediction.n_total);
	buf_printf(&line, " job%s done (%u remote, %u local",
		   format_plural(known ? prediction.n_total :
					 ui_model_count_done(m)),
		   m->totals.n_remote, m->totals.n_local);
	if (m->totals.n_cached) {
		buf_add_str(&line, ", ");
		events_text_add_cached(&line, m->totals.n_cached,
				       m->totals.n_cached_remote);
	}
	buf_add_str(&line, ")");
	if (m->totals.n_steps)
		buf_printf(&line, " with %u tool step%s", m->totals.n_steps,
			   format_plural(m->totals.n_steps));
	if (known)
		buf_printf(&line, ", %u %%", prediction.percent);
	if (known && prediction.has_remaining) {
		buf_add_str(&line, ", ETA ~");
		format_time(&line, prediction.remaining_ms);
	}
	if (!m->done)
		buf_printf(&line, ", %u.%u/s, %u running, %u queued",
			   rate / 1000, rate / 100 % 10,
			   ui_model_count_running(m),
			   m->n_by_state[EVENTS_JOB_QUEUED]);
	if (m->totals.n_retried)
		buf_printf(&line, ", %u retried", m->totals.n_retried);
	if (m->totals.n_hedged)
		buf_printf(&line, ", %u duplicated", m->totals.n_hedged);
	if (m->n_dropped)
		buf_printf(&line, ", %llu events lost",
			   (unsigned long long)m->n_dropped);
	fprintf(out, "%s\n", buf_str(&line));
	buf_release(&line);
}

/* Return the number of reasons for finished local jobs. */
static size_t count_reasons(const struct events_totals *t)
{
	size_t n = 0;

	while (n < t->n_reasons && t->reasons[n].n_jobs)
		n++;
	return n;
}

void top_once_print(FILE *out, const struct top *t, bool grouped)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, entry) {
		const struct events_totals *totals = &p->model.totals;
		size_t n = count_reasons(totals);

		if (p != TAILQ_FIRST(&t->pages))
			fputc('\n', out);
		if (p->pid != TOP_NODES_PID) {
			put_build_title_line(out, p);
			put_build_state(out, p);
			for (size_t i = 0; i < n; i++)
				fprintf(out, "%s%u %s", i ? ", " : "  local: ",
					totals->reasons[i].n_jobs,
					totals->reasons[i].text);
			if (n)
				fputc('\n', out);
			fprintf(out, "  warnings %u, errors %u\n",
				totals->n_warnings, totals->n_errors);
		}
		put_node_table(out, p, grouped);
	}
}

void top_once_print_brief(const struct top *t)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, entry) {
		if (p->pid == TOP_NODES_PID)
			continue;
		put_build_title_line(stdout, p);
		put_build_state(stdout, p);
	}
}

static json_t *nodes_json(const struct top_page *p)
{
	struct node_row *rows = node_rows(p);
	json_t *list = record_array_to_json(&top_node_record, rows,
					    p->model.n_nodes);

	free(rows);
	return list;
}

/* Return a number of thousandths as a real number; null if it is unknown. */
static json_t *milli(int64_t n)
{
	return n == EVENTS_UNKNOWN ? json_null() : json_real((double)n / 1000);
}

static json_t *count(unsigned n)
{
	return json_integer(n);
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_text(text) : json_null();
}

/* Return the unfinished jobs of a build. */
static json_t *running_json(const struct top_page *p)
{
	static const char *const states[] = {
		[EVENTS_JOB_QUEUED] = "queued",   [EVENTS_JOB_SCAN] = "scan",
		[EVENTS_JOB_SEND] = "send",       [EVENTS_JOB_RUN] = "run",
		[EVENTS_JOB_RECEIVE] = "receive", [EVENTS_JOB_DONE] = "done",
	};
	uint64_t now = top_page_now_ms(p);
	json_t *list = json_array();
	const struct ui_job *j;

	list_for_each(j, &p->model.open_jobs, entry) {
		uint64_t age = now > j->state_ms ? now - j->state_ms : 0;
		json_t *o = json_object();

		json_object_set_new(o, "job", json_integer(j->number));
		json_object_set_new(o, "file", json_text(j->file));
		json_object_set_new(o, "state", json_text(states[j->state]));
		json_object_set_new(o, "seconds", milli((int64_t)age));
		json_object_set_new(
			o, "node",
			json_text(j->node ? j->node->reported->name : NULL));
		json_object_set_new(o, "reason", json_text(j->reason));
		json_array_append_new(list, o);
	}
	return list;
}

/* Return the complete state of a build. */
static json_t *build_json(const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	unsigned rate = ui_model_rate_milli(m, top_page_now_ms(p),
					    RATE_SECONDS);
	json_t *o = json_object(), *reasons = json_object();
	json_t *estimate = json_null();
	struct ui_prediction prediction;

	for (size_t i = 0; i < count_reasons(&m->totals); i++)
		json_object_set_new(reasons, m->totals.reasons[i].text,
				    count(m->totals.reasons[i].n_jobs));
	/*
	 * "estimate" is null if the build has ended or its number of jobs is
	 * unknown.
	 */
	if (ui_model_predict(m, top_page_now_ms(p), &prediction)) {
		estimate = json_object();
		json_object_set_new(
			estimate, "jobs",
			json_integer((json_int_t)prediction.n_total));
		json_object_set_new(estimate, "percent",
				    count(prediction.percent));
		json_object_set_new(
			estimate, "rest",
			prediction.has_remaining ?
				milli((int64_t)prediction.remaining_ms) :
				json_null());
	}

	json_object_set_new(o, "pid", json_integer(p->pid));
	json_object_set_new(o, "what", text_or_null(m->goals));
	json_object_set_new(o, "arch", text_or_null(m->arch));
	json_object_set_new(o, "config", text_or_null(m->config));
	json_object_set_new(o, "number",
			    m->n_builds ? json_integer(m->build_number) :
					  json_null());
	json_object_set_new(
		o, "of", m->n_builds ? json_integer(m->n_builds) : json_null());
	json_object_set_new(o, "toolchain", text_or_null(m->toolchain));
	json_object_set_new(o, "tree", text_or_null(m->tree));
	json_object_set_new(o, "dir", text_or_null(m->dir));
	json_object_set_new(o, "output", text_or_null(m->output));
	json_object_set_new(o, "began", json_integer(m->began_s));
	json_object_set_new(o, "elapsed", milli((int64_t)top_page_now_ms(p)));
	json_object_set_new(o, "make_jobs", json_integer(m->make_jobs));
	json_object_set_new(o, "phase", json_text(ui_model_phase(m)));
	json_object_set_new(o, "activity", text_or_null(m->activity));
	json_object_set_new(o, "status",
			    m->done ? json_integer(m->status) : json_null());
	json_object_set_new(o, "lost", text_or_null(p->end_reason));
	json_object_set_new(o, "running", count(ui_model_count_running(m)));
	json_object_set_new(o, "queued",
			    count(m->n_by_state[EVENTS_JOB_QUEUED]));
	json_object_set_new(o, "remote", count(m->totals.n_remote));
	json_object_set_new(o, "local", count(m->totals.n_local));
	json_object_set_new(o, "cached", count(m->totals.n_cached));
	json_object_set_new(o, "cached_remote",
			    count(m->totals.n_cached_remote));
	json_object_set_new(o, "steps", count(m->totals.n_steps));
	json_object_set_new(o, "estimate", estimate);
	json_object_set_new(o, "reasons", reasons);
	json_object_set_new(o, "retried", count(m->totals.n_retried));
	json_object_set_new(o, "duplicated", count(m->totals.n_hedged));
	json_object_set_new(o, "rate", milli(rate));
	json_object_set_new(o, "warnings", count(m->totals.n_warnings));
	json_object_set_new(o, "errors", count(m->totals.n_errors));
	json_object_set_new(o, "nodes", nodes_json(p));
	json_object_set_new(o, "jobs", running_json(p));
	return o;
}

json_t *top_once_json(const struct top *t)
{
	json_t *builds = json_array(), *nodes = json_array();
	const struct top_page *p;

	list_for_each(p, &t->pages, entry) {
		if (p->pid == TOP_NODES_PID) {
			json_decref(nodes);
			nodes = nodes_json(p);
		} else {
			json_array_append_new(builds, build_json(p));
		}
	}
	return json_pack("{s:o, s:o}", "builds", builds, "nodes", nodes);
}

#define NODES_MS 60000 /* interval between two tables of the nodes */

/* The view_data of a page for top_plain_ops. */
struct plain {
	struct ui_text text;
	char *prefix; /* "build 123: ", or "" for the nodes */
	bool title_printed;
	uint64_t next_table_ms; /* build time of the next table of the nodes */
};

static void set_prefix(struct plain *view, const struct top_page *p)
{
	free(view->prefix);
	view->prefix = p->pid == TOP_NODES_PID ?
			       xstrdup("") :
			       xasprintf("build %d: ", (int)p->pid);
	view->text.prefix = view->prefix;
}

static void on_page_added(void *ctx, struct top_page *p)
{
	static const struct ui_text_options all = { true, true, true, true };
	struct plain *view = xcalloc(1, sizeof(*view));

	(void)ctx;
	p->view_data = view;
	ui_text_init(&view->text, STDOUT_FILENO, UI_TEXT_PERIODIC, &all, false,
		     &p->model);
	set_prefix(view, p);
}

static void on_page_event(void *ctx, struct top_page *p,
			  const struct events_event *ev)
{
	struct plain *view = p->view_data;
	const struct ui_model *m = &p->model;
	struct buf title = { 0 };

	(void)ctx;
	/* In a recording, this event sets the pid that the prefix contains. */
	if (ev->kind == EVENTS_KIND_STREAM)
		set_prefix(view, p);
	/* Until the page is complete, events are part of the snapshot. */
	if (!p->complete || p->pid == TOP_NODES_PID)
		return;
	/* Print the title once, as soon as the goals are known. */
	if (!view->title_printed && *m->goals) {
		view->title_printed = true;
		buf_printf(&title, "%s%s", m->goals, *m->arch ? ", " : "");
		ui_model_add_label(m, &title);
		buf_printf(&title, ": %s, %u job%s done", ui_model_phase(m),
			   ui_model_count_done(m),
			   format_plural(ui_model_count_done(m)));
		ui_text_put_note(&view->text, m->at_ms, buf_str(&title));
		buf_release(&title);
	}
	ui_text_add_event(&view->text, ev);
}

static void on_page_ended(void *ctx, struct top_page *p)
{
	struct plain *view = p->view_data;
	const struct ui_model *m = &p->model;
	char *text;

	(void)ctx;
	if (p->end_reason)
		text = xstrdup(p->end_reason);
	else
		text = xasprintf("ended with status %lld: %u job%s, %u remote, "
				 "%u local, warnings %u, errors %u",
				 (long long)m->status, ui_model_count_done(m),
				 format_plural(ui_model_count_done(m)),
				 m->totals.n_remote, m->totals.n_local,
				 m->totals.n_warnings, m->totals.n_errors);
	ui_text_put_note(&view->text, top_page_now_ms(p), text);
	free(text);
}

static void on_page_removed(void *ctx, struct top_page *p)
{
	struct plain *view = p->view_data;

	(void)ctx;
	ui_text_release(&view->text);
	free(view->prefix);
	free(view);
}

const struct top_ops top_plain_ops = {
	.on_page_added = on_page_added,
	.on_page_event = on_page_event,
	.on_page_ended = on_page_ended,
	.on_page_removed = on_page_removed,
};

void top_plain_update(struct top *t)
{
	struct top_page *p;

	list_for_each(p, &t->pages, entry) {
		struct plain *view = p->view_data;
		uint64_t now = top_page_now_ms(p);

		if (p->pid != TOP_NODES_PID && p->complete && !p->ended)
			ui_text_update(&view->text, now);
		else if (p->pid == TOP_NODES_PID && p->complete &&
			 now >= view->next_table_ms) {
			view->next_table_ms = now + NODES_MS;
			top_once_print(stdout, t, false);
			if (fflush(stdout))
				t->error = errno;
		}
		if (view->text.out.error)
			t->error = view->text.out.error;
	}
	if (t->error)
		event_base_loopbreak(t->base);
}

/* Print the JSON line of an event with the additional member "build". */
static void on_line(void *ctx, struct top_page *p, struct bytes line)
{
	struct top *t = ctx;
	struct buf out = { 0 };

	if (t->error)
		return;
	/* Every event has members, so a comma follows the new member. */
	while (line.len && *line.data != '{')
		line = bytes_of(line.data + 1, line.len - 1);
	if (!line.len)
		return;
	buf_printf(&out, "{\"build\":%d,", (int)p->pid);
	buf_add(&out, line.data + 1, line.len - 1);
	buf_add_str(&out, "\n");
	t->error = -bytes_write(STDOUT_FILENO, buf_bytes(&out));
	buf_release(&out);
	if (t->error)
		event_base_loopbreak(t->base);
}

const struct top_ops top_events_ops = { .on_page_line = on_line };
