/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-once.h"

#include "base/format.h"
#include "base/json.h"
#include "base/list.h"
#include "base/str.h"
#include "cli/table.h"

#include <stdlib.h>

#define RATE_SECONDS 10
#define IDLE_MS      10000
#define FULL_SPEED   1000

static unsigned now_there(const struct ui_node *n)
{
	unsigned jobs = 0;

	for (unsigned i = 0; i < EVENTS_STATES; i++)
		jobs += n->now[i];
	return jobs;
}

/* --------------------------------------------------------- text of nodes */

static void add_known_number(struct table *t, int64_t n)
{
	if (n == EVENTS_UNKNOWN)
		strv_add(&t->cells, "-");
	else
		strv_addf(&t->cells, "%lld", (long long)n);
}

static void add_milli(struct table *t, int64_t n)
{
	if (n == EVENTS_UNKNOWN)
		strv_add(&t->cells, "-");
	else
		strv_addf(&t->cells, "%.1f", (double)n / 1000);
}

static void add_bytes(struct table *t, int64_t n)
{
	if (n == EVENTS_UNKNOWN)
		strv_add(&t->cells, "-");
	else if (n >= INT64_C(10) << 30)
		strv_addf(&t->cells, "%.1f GiB", (double)n / (1 << 30));
	else
		strv_addf(&t->cells, "%.1f MiB", (double)n / (1 << 20));
}

/* What stands out; no job for a node while there are jobs. */
static char *remark(const struct ui_node *n, const struct ui_model *m,
		    uint64_t now)
{
	uint64_t idle = m->n_jobs ? ui_node_idle(n, now) : 0;
	struct buf out = { 0 };

	if (n->told->reason)
		buf_add_str(&out, n->told->reason);
	if (n->speed != EVENTS_UNKNOWN && n->speed < FULL_SPEED)
		buf_printf(&out, "%sthrottled to %lld %%", out.len ? ", " : "",
			   (long long)n->speed / 10);
	if (idle >= IDLE_MS)
		buf_printf(&out, "%sno job for %llu s", out.len ? ", " : "",
			   (unsigned long long)idle / 1000);
	if (idle >= IDLE_MS && n->cell && !str_equal(n->cell, "ready"))
		buf_printf(&out, ", toolchain %s", n->cell);
	if (!out.len)
		buf_add_str(&out, "-");
	return buf_steal(&out);
}

/* Of a build; a node without one has no jobs of ours to tell of. */
static void add_jobs(struct table *t, const struct ui_node *n)
{
	uint64_t mean = ui_node_mean(n);

	strv_addf(&t->cells, "%u", now_there(n));
	strv_addf(&t->cells, "%u", n->told->jobs);
	strv_addf(&t->cells, "%u", n->told->failed);
	strv_addf(&t->cells, "%u", n->told->retries);
	if (mean)
		strv_addf(&t->cells, "%.2f s", (double)mean / 1000);
	else
		strv_add(&t->cells, "-");
	add_bytes(t, n->beats ? n->told->sent : EVENTS_UNKNOWN);
	add_bytes(t, n->beats ? n->told->received : EVENTS_UNKNOWN);
}

static void add_node_row(struct table *t, const struct ui_node *n,
			 const struct top_page *p)
{
	strv_add(&t->cells, n->told->name);
	strv_add(&t->cells, *n->told->state ? n->told->state : "-");
	add_known_number(t, n->told->slots);
	if (p->pid != TOP_NODES)
		add_jobs(t, n);
	add_milli(t, n->load);
	add_milli(t, n->foreign);
	add_bytes(t, n->memory);
	add_milli(t, n->celsius);
	strv_own(&t->cells, remark(n, &p->model, top_now(p)));
}

static void put_node_table(FILE *out, const struct top_page *p)
{
	static const char *const head[] = { "NODE", "STATE", "SLOTS" };
	static const char *const jobs[] = { "JOBS",    "DONE", "FAILED",
					    "RETRIED", "MEAN", "SENT",
					    "RECEIVED" };
	static const char *const load[] = { "LOAD", "FOREIGN", "MEMORY",
					    "DEGREES", "REMARK" };
	const struct ui_model *m = &p->model;
	bool builds = p->pid != TOP_NODES;
	struct table t = { .align = builds ? "llrrrrrrrrrrrrl" : "llrrrrrl" };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; builds && i < sizeof(jobs) / sizeof(*jobs); i++)
		strv_add(&t.cells, jobs[i]);
	for (size_t i = 0; i < sizeof(load) / sizeof(*load); i++)
		strv_add(&t.cells, load[i]);
	for (size_t i = 0; i < m->n_nodes; i++)
		add_node_row(&t, m->node[i], p);
	table_print(out, &t);
}

/* -------------------------------------------------------- text of builds */

static void put_what(FILE *out, const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	struct buf which = { 0 };
	const char *words[] = { NULL, m->toolchain, m->tree };

	ui_model_add_which(m, &which);
	words[0] = buf_str(&which);
	fprintf(out, "build %d: %s", (int)p->pid,
		*m->what ? m->what : "beginning");
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (*words[i])
			fprintf(out, ", %s", words[i]);
	}
	if (p->why)
		fprintf(out, ": %s", p->why);
	fputc('\n', out);
	buf_release(&which);
}

static void put_expected(struct buf *out, const struct ui_outlook *look)
{
	buf_printf(out, ", %u %%", look->percent);
	if (look->has_rest) {
		buf_add_str(out, ", ETA ");
		format_time(out, look->rest_ms);
	}
}

static void put_build_state(FILE *out, const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	uint64_t now = top_now(p);
	unsigned rate = ui_model_rate(m, now, RATE_SECONDS);
	struct ui_outlook look;
	bool known = ui_model_look(m, now, &look);
	struct buf line = { 0 };

	buf_add_str(&line, "  ");
	format_time(&line, now);
	if (m->done)
		buf_printf(&line, ", ended with status %lld",
			   (long long)m->status);
	else
		buf_printf(&line, ", %s", ui_model_phase(m));
	buf_printf(&line, ": %u", ui_model_jobs_done(m));
	if (known)
		buf_printf(&line, " of %llu", (unsigned long long)look.total);
	buf_printf(&line, " jobs done (%u remote, %u local)", m->tally.remote,
		   m->tally.local);
	if (m->tally.steps)
		buf_printf(&line, " with %u steps of kbuild", m->tally.steps);
	if (known)
		put_expected(&line, &look);
	if (!m->done)
		buf_printf(&line, ", %u.%u/s, %u running, %u queued",
			   rate / 1000, rate / 100 % 10, ui_model_running(m),
			   m->now[EVENTS_QUEUED]);
	if (m->tally.retried)
		buf_printf(&line, ", %u retried", m->tally.retried);
	if (m->tally.beside)
		buf_printf(&line, ", %u compiled twice", m->tally.beside);
	if (m->dropped)
		buf_printf(&line, ", %llu events lost",
			   (unsigned long long)m->dropped);
	fprintf(out, "%s\n", buf_str(&line));
	buf_release(&line);
}

static void put_local_reasons(FILE *out, const struct ui_model *m)
{
	for (size_t i = 0; i < m->tally.n_reasons; i++)
		fprintf(out, "%s%u %s",
			i ? ", " : "  local: ", m->tally.reason[i].jobs,
			m->tally.reason[i].text);
	if (m->tally.n_reasons)
		fputc('\n', out);
	fprintf(out, "  warnings %u, errors %u\n", m->tally.warnings,
		m->tally.errors);
}

void top_once_text(FILE *out, const struct top *t)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, link) {
		if (p != TAILQ_FIRST(&t->pages))
			fputc('\n', out);
		if (p->pid != TOP_NODES) {
			put_what(out, p);
			put_build_state(out, p);
			put_local_reasons(out, &p->model);
		}
		if (p->model.n_nodes)
			put_node_table(out, p);
	}
}

void top_once_brief(FILE *out, const struct top *t)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, link) {
		if (p->pid == TOP_NODES)
			continue;
		put_what(out, p);
		put_build_state(out, p);
	}
}

/* ---------------------------------------------------------------- JSON */

static json_t *number(int64_t n)
{
	return n == EVENTS_UNKNOWN ? json_null() : json_integer(n);
}

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

static void add_node_jobs(json_t *o, const struct ui_node *n, uint64_t now)
{
	uint64_t mean = ui_node_mean(n);

	json_object_set_new(o, "jobs", count(now_there(n)));
	json_object_set_new(o, "done", count(n->told->jobs));
	json_object_set_new(o, "failed", count(n->told->failed));
	json_object_set_new(o, "retries", count(n->told->retries));
	json_object_set_new(o, "mean",
			    mean ? milli((int64_t)mean) : json_null());
	json_object_set_new(o, "idle", milli((int64_t)ui_node_idle(n, now)));
	json_object_set_new(o, "cell", text_or_null(n->cell));
	json_object_set_new(o, "sent", number(n->told->sent));
	json_object_set_new(o, "received", number(n->told->received));
	json_object_set_new(o, "cpu", milli(n->told->cpu_ms));
}

static json_t *node_now_json(const struct ui_node *n, uint64_t now, bool builds)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(n->told->name));
	json_object_set_new(o, "state", text_or_null(n->told->state));
	json_object_set_new(o, "reason", text_or_null(n->told->reason));
	json_object_set_new(o, "machine", text_or_null(n->machine));
	json_object_set_new(o, "cores", number(n->cores));
	json_object_set_new(o, "slots", number(n->told->slots));
	if (builds)
		add_node_jobs(o, n, now);
	json_object_set_new(o, "load", milli(n->load));
	json_object_set_new(o, "foreign", milli(n->foreign));
	json_object_set_new(o, "memory", number(n->memory));
	json_object_set_new(o, "temperature", milli(n->celsius));
	json_object_set_new(o, "speed", milli(n->speed));
	return o;
}

static json_t *nodes_json(const struct top_page *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->model.n_nodes; i++)
		json_array_append_new(list, node_now_json(p->model.node[i],
							  top_now(p),
							  p->pid != TOP_NODES));
	return list;
}

static json_t *running_json(const struct top_page *p)
{
	static const char *const states[] = {
		[EVENTS_QUEUED] = "queued",   [EVENTS_SCAN] = "scan",
		[EVENTS_SEND] = "send",       [EVENTS_RUN] = "run",
		[EVENTS_RECEIVE] = "receive", [EVENTS_JOB_DONE] = "done",
	};
	uint64_t now = top_now(p);
	json_t *list = json_array();
	const struct ui_job *j;

	list_for_each(j, &p->model.jobs_now, link) {
		uint64_t age = now > j->since_ms ? now - j->since_ms : 0;
		json_t *o = json_object();

		json_object_set_new(o, "job", json_integer(j->number));
		json_object_set_new(o, "file", json_text(j->file));
		json_object_set_new(o, "state", json_text(states[j->state]));
		json_object_set_new(o, "seconds", milli((int64_t)age));
		json_object_set_new(
			o, "node",
			json_text(j->node ? j->node->told->name : NULL));
		json_object_set_new(o, "reason", json_text(j->reason));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *reasons_json(const struct ui_model *m)
{
	json_t *o = json_object();

	for (size_t i = 0; i < m->tally.n_reasons; i++)
		json_object_set_new(o, m->tally.reason[i].text,
				    count(m->tally.reason[i].jobs));
	return o;
}

static void add_what(json_t *o, const struct top_page *p)
{
	const struct ui_model *m = &p->model;

	json_object_set_new(o, "pid", json_integer(p->pid));
	json_object_set_new(o, "what", text_or_null(m->what));
	json_object_set_new(o, "arch", text_or_null(m->arch));
	json_object_set_new(o, "config", text_or_null(m->config));
	json_object_set_new(o, "number",
			    m->of ? json_integer(m->number) : json_null());
	json_object_set_new(o, "of", m->of ? json_integer(m->of) : json_null());
	json_object_set_new(o, "toolchain", text_or_null(m->toolchain));
	json_object_set_new(o, "tree", text_or_null(m->tree));
	json_object_set_new(o, "dir", text_or_null(m->dir));
	json_object_set_new(o, "output", text_or_null(m->output));
	json_object_set_new(o, "began", json_integer(m->began_s));
	json_object_set_new(o, "elapsed", milli((int64_t)top_now(p)));
	json_object_set_new(o, "make_jobs", json_integer(m->jobs));
	json_object_set_new(o, "phase", json_text(ui_model_phase(m)));
	json_object_set_new(o, "status",
			    m->done ? json_integer(m->status) : json_null());
	json_object_set_new(o, "lost", text_or_null(p->why));
}

/* null: nobody knows. */
static json_t *outlook_json(const struct top_page *p)
{
	struct ui_outlook look;
	json_t *o;

	if (!ui_model_look(&p->model, top_now(p), &look))
		return json_null();
	o = json_object();
	json_object_set_new(o, "jobs", json_integer((json_int_t)look.total));
	json_object_set_new(o, "percent", count(look.percent));
	json_object_set_new(o, "rest",
			    look.has_rest ? milli((int64_t)look.rest_ms) :
					    json_null());
	return o;
}

static json_t *build_json(const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	unsigned rate = ui_model_rate(m, top_now(p), RATE_SECONDS);
	json_t *o = json_object();

	add_what(o, p);
	json_object_set_new(o, "running", count(ui_model_running(m)));
	json_object_set_new(o, "queued", count(m->now[EVENTS_QUEUED]));
	json_object_set_new(o, "remote", count(m->tally.remote));
	json_object_set_new(o, "local", count(m->tally.local));
	json_object_set_new(o, "steps", count(m->tally.steps));
	json_object_set_new(o, "estimate", outlook_json(p));
	json_object_set_new(o, "reasons", reasons_json(m));
	json_object_set_new(o, "retried", count(m->tally.retried));
	json_object_set_new(o, "beside", count(m->tally.beside));
	json_object_set_new(o, "rate", milli(rate));
	json_object_set_new(o, "warnings", count(m->tally.warnings));
	json_object_set_new(o, "errors", count(m->tally.errors));
	json_object_set_new(o, "nodes", nodes_json(p));
	json_object_set_new(o, "jobs", running_json(p));
	return o;
}

json_t *top_once_json(const struct top *t)
{
	json_t *builds = json_array(), *nodes = json_array();
	const struct top_page *p;

	list_for_each(p, &t->pages, link) {
		if (p->pid == TOP_NODES) {
			json_decref(nodes);
			nodes = nodes_json(p);
		} else {
			json_array_append_new(builds, build_json(p));
		}
	}
	return json_pack("{s:o, s:o}", "builds", builds, "nodes", nodes);
}
