/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/letter.h"

#include "nightly/news.h"
#include "nightly/send.h"
#include "tree/home.h"
#include "tree/log.h"

#include <stdlib.h>

/*
 * Those since the last good build of each that is news.  What a report says
 * without them is true, so whatever fails here is no error.
 */
static void read_commits(const struct nightly_letter *l, struct tree_log *logs)
{
	struct tree_home home = { 0 };
	struct err ignored = { 0 };
	bool open = !tree_home_open(&home, l->job->tree, TREE_READ, &ignored);

	for (size_t i = 0; open && i < l->n; i++) {
		const struct nightly_result *r = l->v[i];
		const struct nightly_result *since = nightly_news_since(r);

		if (since && nightly_news(r))
			tree_log_read(&logs[i], home.repository, since->commit,
				      r->commit, NIGHTLY_COMMITS_MAX, &ignored);
	}
	tree_home_release(&home);
}

static bool has_news(const struct nightly_letter *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (nightly_news(l->v[i]))
			return true;
	}
	return false;
}

static void add_fact(struct strv *facts, const char *name, unsigned long n)
{
	strv_addf(facts, "KFARM_NIGHTLY_%s=%lu", name, n);
}

/* Of all builds of the night that are news; the directory is the first's. */
static void collect_facts(const struct nightly_letter *l, struct strv *facts)
{
	unsigned long errors = 0, new_errors = 0, warnings = 0;
	unsigned long new_warnings = 0, bad = 0;
	const struct nightly_result *first = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct nightly_result *r = l->v[i];

		bad += nightly_news_standing(r)->end != NIGHTLY_GOOD;
		if (!nightly_news(r))
			continue;
		if (!first)
			first = r;
		errors += r->errors;
		new_errors += r->new_errors;
		warnings += r->warnings;
		new_warnings += r->new_warnings;
	}
	add_fact(facts, "BUILDS", l->n);
	add_fact(facts, "BAD", bad);
	add_fact(facts, "ERRORS", errors);
	add_fact(facts, "NEW_ERRORS", new_errors);
	add_fact(facts, "WARNINGS", warnings);
	add_fact(facts, "NEW_WARNINGS", new_warnings);
	strv_addf(facts, "KFARM_NIGHTLY_COMMIT=%s", first->commit);
	strv_addf(facts, "KFARM_NIGHTLY_DIR=%s", first->dir ? first->dir : "");
}

/* Where the report is kept: with what it tells of. */
static void collect_directories(const struct nightly_letter *l,
				struct strv *out)
{
	for (size_t i = 0; i < l->n; i++) {
		if (nightly_news(l->v[i]) && l->v[i]->dir)
			strv_add(out, l->v[i]->dir);
	}
	if (!out->n)
		strv_add(out, l->job->results);
}

static int send_report(const struct nightly_letter *l,
		       const struct nightly_report *report, struct err *err)
{
	struct strv facts = { 0 }, keep = { 0 };
	struct nightly_send send = { .name = l->job->name,
				     .mail = &l->job->mail,
				     .mail_from = l->job->mail_from,
				     .command = l->job->command,
				     .facts = &facts,
				     .keep = &keep,
				     .out = l->out };
	int ret;

	collect_facts(l, &facts);
	collect_directories(l, &keep);
	ret = nightly_send(&send, report, err);
	strv_release(&facts);
	strv_release(&keep);
	return ret;
}

int nightly_letter_send(const struct nightly_letter *l, struct err *err)
{
	struct nightly_report report = { 0 };
	struct nightly_told *told;
	struct tree_log *logs;
	int ret = 0;

	if (!has_news(l))
		return 0;
	told = xcalloc(l->n, sizeof(*told));
	logs = xcalloc(l->n, sizeof(*logs));
	read_commits(l, logs);
	for (size_t i = 0; i < l->n; i++)
		told[i] = (struct nightly_told){ l->v[i], &logs[i] };
	if (nightly_tell(&report, l->job->name, told, l->n))
		ret = send_report(l, &report, err);
	nightly_report_release(&report);
	for (size_t i = 0; i < l->n; i++)
		tree_log_release(&logs[i]);
	free(logs);
	free(told);
	return ret;
}
