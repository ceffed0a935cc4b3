/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Only the directories of results are read: no lock is waited for, no
 * repository opened.
 */
#include "cli/cmd.h"
#include "cli/nightly.h"
#include "cli/table.h"

#include "base/json.h"
#include "base/log.h"
#include "base/vec.h"
#include "nightly/news.h"
#include "nightly/phrase.h"
#include "nightly/plan.h"
#include "nightly/store.h"

#include <stdlib.h>
#include <string.h>

/* The widest that cells are, so that lines have 80 columns. */
#define NAME_MAX_WIDTH     10
#define BUILD_MAX_WIDTH    22
#define REVISION_MAX_WIDTH 15

/* One build of a job, and what came of it the last time. */
struct listed {
	const struct nightly_job *job;
	const struct nightly_plan *plan;
	const struct nightly_result *last; /* NULL: it was never built */
	const struct nightly_result *bad_since; /* NULL: it is good */
	bool alike; /* another one has the same arch and configuration */
};

/* One job, read. */
struct job_results {
	const struct nightly_job *job;
	struct nightly_plans plans;
	struct nightly_store store;
	struct listed *v;
	size_t n;
};

/* ---------------------------------------------------------------- reading */

/* What was before each result, for nightly_news(). */
static void link_results(struct nightly_store *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct nightly_result *r = s->v[i];

		for (size_t j = i; j-- > 0 && !r->last_good;) {
			const struct nightly_result *old = s->v[j];

			if (strcmp(old->build, r->build) != 0)
				continue;
			if (!r->previous)
				r->previous = old;
			if (old->end == NIGHTLY_GOOD)
				r->last_good = old;
		}
	}
}

static const struct nightly_result *first_bad(const struct nightly_result *r)
{
	const struct nightly_result *bad = NULL;

	for (; r && r->end != NIGHTLY_GOOD; r = r->previous)
		bad = r;
	return bad;
}

static bool has_namesake(const struct nightly_plans *plans, size_t i)
{
	const struct nightly_plan *p = &plans->v[i];

	for (size_t k = 0; k < plans->n; k++) {
		const struct nightly_plan *o = &plans->v[k];

		if (k != i && !strcmp(o->arch_text, p->arch_text) &&
		    !strcmp(o->config_text, p->config_text))
			return true;
	}
	return false;
}

static int read_job_results(struct job_results *j,
			    const struct nightly_job *job, struct err *err)
{
	int ret;

	*j = (struct job_results){ .job = job };
	ret = nightly_store_read(&j->store, job->results, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < j->store.damaged.n; i++)
		log_warning("%s/%s is damaged, and not listed", j->store.dir,
			    j->store.damaged.v[i]);
	link_results(&j->store);
	nightly_plans_make(&j->plans, job);
	for (size_t i = 0; i < j->plans.n; i++) {
		const struct nightly_plan *p = &j->plans.v[i];
		struct listed *l = VEC_ADD(j->v, j->n);

		l->job = job;
		l->plan = p;
		l->last = nightly_store_latest(&j->store, p->name);
		l->bad_since = first_bad(l->last);
		l->alike = has_namesake(&j->plans, i);
	}
	return 0;
}

static void job_results_release(struct job_results *j)
{
	free(j->v);
	nightly_plans_release(&j->plans);
	nightly_store_release(&j->store);
}

/* ------------------------------------------------------------------- text */

/* At most so many bytes of a cell; takes `text`, the caller frees the rest. */
static char *cut_cell(struct buf *text, size_t most)
{
	struct buf out = { 0 };

	if (text->len <= most)
		return buf_steal(text);
	nightly_phrase_cut(&out, buf_str(text), most - strlen("..."));
	buf_release(text);
	return buf_steal(&out);
}

static char *build_cell(const struct listed *l)
{
	struct buf out = { 0 };

	nightly_phrase(&out, l->plan->arch_text);
	buf_add_str(&out, "/");
	nightly_phrase(&out, l->plan->config_text);
	if (l->alike && l->plan->toolchain) {
		buf_add_str(&out, " ");
		nightly_phrase(&out, l->plan->toolchain);
	}
	return cut_cell(&out, BUILD_MAX_WIDTH);
}

/* "v6.1-rc3-12": its commit's digits are in --json. */
static void add_short_revision(struct buf *out, const struct nightly_result *r)
{
	struct buf all = { 0 };
	const char *text, *digits;

	nightly_phrase_revision(&all, r);
	text = buf_str(&all);
	digits = strrchr(text, '-');
	if (digits && digits[1] == 'g' && digits > text)
		buf_add(out, text, (size_t)(digits - text));
	else
		buf_add_str(out, text);
	buf_release(&all);
}

static char *revision_cell(const struct nightly_result *r)
{
	struct buf out = { 0 };

	add_short_revision(&out, r);
	return cut_cell(&out, REVISION_MAX_WIDTH);
}

static char *date_cell(const struct nightly_result *r)
{
	struct buf out = { 0 };

	nightly_phrase_date(&out, r->began_s);
	return buf_steal(&out);
}

static void add_listed_row(struct table *t, const struct listed *l)
{
	const struct nightly_result *r = l->last;
	struct buf name = { 0 };

	buf_add_str(&name, l->job->name);
	strv_own(&t->cells, cut_cell(&name, NAME_MAX_WIDTH));
	strv_own(&t->cells, build_cell(l));
	strv_add(&t->cells, r ? nightly_news_word(r) : "-");
	if (r && r->end != NIGHTLY_BROKEN)
		strv_addf(&t->cells, "%u/%u", r->errors, r->warnings);
	else
		strv_add(&t->cells, "-");
	strv_own(&t->cells, r ? revision_cell(r) : xstrdup("never built"));
	strv_own(&t->cells, r ? date_cell(r) : xstrdup("-"));
}

/* Below one that is bad: since when. */
static void print_bad(const struct listed *l)
{
	const struct nightly_result *good = l->last->last_good;
	struct buf out = { 0 };

	buf_add_str(&out, "    since ");
	add_short_revision(&out, l->bad_since);
	buf_add_str(&out, " (");
	nightly_phrase_date(&out, l->bad_since->began_s);
	buf_add_str(&out, good ? "); good at " : "); never good");
	if (good) {
		add_short_revision(&out, good);
		buf_add_str(&out, " (");
		nightly_phrase_date(&out, good->began_s);
		buf_add_str(&out, ")");
	}
	printf("%s\n", buf_str(&out));
	buf_release(&out);
}

static void print_nightlies(const struct job_results *v, size_t n)
{
	static const char *const heads[] = { "NIGHTLY",  "BUILD",    "STATE",
					     "ERR/WARN", "REVISION", "BUILT" };
	struct table t = { .align = "lllrll" };
	char *text = NULL, *line;
	size_t len = 0, row = 0;
	FILE *out;

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		strv_add(&t.cells, heads[i]);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n; k++)
			add_listed_row(&t, &v[i].v[k]);
	}
	out = open_memstream(&text, &len);
	if (!out)
		str_out_of_memory();
	table_print(out, &t);
	fclose(out);
	line = strchr(text, '\n') + 1;
	printf("%.*s", (int)(line - text), text);
	for (size_t i = 0; i < n; i++) {
		for (row = 0; row < v[i].n; row++) {
			size_t end = strcspn(line, "\n");

			printf("%.*s\n", (int)end, line);
			line += end + 1;
			if (v[i].v[row].bad_since)
				print_bad(&v[i].v[row]);
		}
	}
	free(text);
}

/* ------------------------------------------------------------------- JSON */

static json_t *short_json(const struct nightly_result *r)
{
	json_t *o;

	if (!r)
		return json_null();
	o = json_object();
	json_object_set_new(o, "commit", json_text(r->commit));
	json_object_set_new(o, "describe", json_text(r->describe));
	json_object_set_new(o, "began", json_integer(r->began_s));
	json_object_set_new(o, "dir", json_text(r->dir));
	return o;
}

static json_t *listed_json(const struct listed *l)
{
	const struct nightly_result *r = l->last;
	json_t *o = json_object();

	json_object_set_new(o, "build", json_text(l->plan->name));
	json_object_set_new(o, "arch", json_text(l->plan->arch_text));
	json_object_set_new(o, "config", json_text(l->plan->config_text));
	json_object_set_new(o, "toolchain",
			    json_text(r ? r->toolchain : l->plan->toolchain));
	json_object_set_new(o, "result",
			    json_text(r ? nightly_news_word(r) : NULL));
	if (!r)
		return o;
	json_object_set_new(o, "commit", json_text(r->commit));
	json_object_set_new(o, "describe", json_text(r->describe));
	json_object_set_new(o, "began", json_integer(r->began_s));
	json_object_set_new(o, "wall_ms", json_integer((json_int_t)r->wall_ms));
	json_object_set_new(o, "status", json_integer(r->status));
	json_object_set_new(o, "errors", json_integer(r->errors));
	json_object_set_new(o, "new_errors", json_integer(r->new_errors));
	json_object_set_new(o, "warnings", json_integer(r->warnings));
	json_object_set_new(o, "new_warnings", json_integer(r->new_warnings));
	json_object_set_new(o, "history", json_integer(r->history));
	json_object_set_new(o, "dir", json_text(r->dir));
	json_object_set_new(o, "bad_since", short_json(l->bad_since));
	json_object_set_new(
		o, "last_good",
		short_json(r->end == NIGHTLY_GOOD ? r : r->last_good));
	return o;
}

static void print_nightlies_json(const struct job_results *v, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object(), *builds = json_array();

		for (size_t k = 0; k < v[i].n; k++)
			json_array_append_new(builds, listed_json(&v[i].v[k]));
		json_object_set_new(o, "name", json_text(v[i].job->name));
		json_object_set_new(o, "tree", json_text(v[i].job->tree));
		json_object_set_new(o, "results", json_text(v[i].job->results));
		json_object_set_new(o, "builds", builds);
		json_array_append_new(all, o);
	}
	table_json(json_pack("{s:o}", "nightlies", all));
}

int nightly_list_main(struct nightly_request *r)
{
	struct strv standard = { 0 };
	struct nightly_jobs jobs = { 0 };
	struct job_results *v = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int ret = nightly_load(&jobs, &standard, &err);

	if (!ret)
		ret = nightly_check_names(r, &jobs, &err);
	for (size_t i = 0; !ret && i < jobs.n; i++) {
		if (!r->words.n || strv_has(&r->words, jobs.v[i].name))
			ret = read_job_results(VEC_ADD(v, n), &jobs.v[i], &err);
	}
	if (ret)
		log_error("nightly list: %s", err.text);
	else if (r->json)
		print_nightlies_json(v, n);
	else
		print_nightlies(v, n);
	for (size_t i = 0; i < n; i++)
		job_results_release(&v[i]);
	free(v);
	nightly_jobs_release(&jobs);
	strv_release(&standard);
	return ret ? EXIT_USAGE : EXIT_OK;
}
