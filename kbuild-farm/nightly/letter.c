/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/letter.h"

#include "base/fs.h"
#include "nightly/heard.h"
#include "nightly/news.h"
#include "nightly/phrase.h"
#include "nightly/send.h"
#include "tree/home.h"
#include "tree/log.h"

#include <stdlib.h>
#include <unistd.h>

/* What is told of the builds of a night. */
struct telling {
	const struct nightly_letter *l;
	struct nightly_result *seen; /* by nightly_heard_see() */
	struct tree_log *logs;
	size_t n;
};

/*
 * Those since the last good build of each that is news.  What a report says
 * without them is true, so whatever fails here is no error.
 */
static void read_commits(const struct telling *t)
{
	struct tree_home home = { 0 };
	struct err ignored = { 0 };
	bool open = !tree_home_open(&home, t->l->job->tree, TREE_READ,
				    &ignored);

	for (size_t i = 0; open && i < t->n; i++) {
		const struct nightly_result *r = &t->seen[i];
		const struct nightly_result *since = nightly_news_since(r);

		if (since && nightly_news(r))
			tree_log_read(&t->logs[i], home.repository,
				      since->commit, r->commit,
				      NIGHTLY_COMMITS_MAX, &ignored);
	}
	tree_home_release(&home);
}

static const struct nightly_result *first_news(const struct telling *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (nightly_news(&t->seen[i]))
			return &t->seen[i];
	}
	return NULL;
}

static void add_fact(struct strv *facts, const char *name, unsigned long n)
{
	strv_addf(facts, "KFARM_NIGHTLY_%s=%lu", name, n);
}

/* Of all builds of the night that are news; the directory is the first's. */
static void collect_facts(const struct telling *t,
			  const struct nightly_result *first,
			  struct strv *facts)
{
	unsigned long errors = 0, new_errors = 0, warnings = 0;
	unsigned long new_warnings = 0, bad = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct nightly_result *r = &t->seen[i];

		bad += nightly_news_standing(r)->end != NIGHTLY_GOOD;
		if (!nightly_news(r))
			continue;
		errors += r->errors;
		new_errors += nightly_news_errors(r);
		warnings += r->warnings;
		new_warnings += r->new_warnings;
	}
	add_fact(facts, "BUILDS", t->n);
	add_fact(facts, "BAD", bad);
	add_fact(facts, "ERRORS", errors);
	add_fact(facts, "NEW_ERRORS", new_errors);
	add_fact(facts, "WARNINGS", warnings);
	add_fact(facts, "NEW_WARNINGS", new_warnings);
	strv_addf(facts, "KFARM_NIGHTLY_COMMIT=%s", first->commit);
	strv_addf(facts, "KFARM_NIGHTLY_DIR=%s", first->dir ? first->dir : "");
}

/* Where the report is kept: with what it tells of. */
static void collect_directories(const struct telling *t, struct strv *out)
{
	for (size_t i = 0; i < t->n; i++) {
		if (nightly_news(&t->seen[i]) && t->seen[i].dir)
			strv_add(out, t->seen[i].dir);
	}
	if (!out->n)
		strv_add(out, t->l->job->results);
}

static int send_report(const struct telling *t,
		       const struct nightly_result *first,
		       const struct nightly_report *report, struct err *err)
{
	const struct nightly_letter *l = t->l;
	struct strv facts = { 0 }, keep = { 0 };
	struct nightly_send send = { .name = l->job->name,
				     .mail = &l->job->mail,
				     .mail_from = l->job->mail_from,
				     .command = l->job->command,
				     .facts = &facts,
				     .keep = &keep,
				     .stop = l->stop,
				     .out = l->out };
	int ret;

	collect_facts(t, first, &facts);
	collect_directories(t, &keep);
	ret = nightly_send(&send, report, err);
	strv_release(&facts);
	strv_release(&keep);
	return ret;
}

static int tell_all(const struct telling *t, const struct nightly_result *first,
		    struct err *err)
{
	struct nightly_told *told = xcalloc(t->n, sizeof(*told));
	struct nightly_report report = { 0 };
	int ret = 0;

	read_commits(t);
	for (size_t i = 0; i < t->n; i++)
		told[i] = (struct nightly_told){ &t->seen[i], &t->logs[i] };
	if (nightly_tell(&report, t->l->job->name, told, t->n))
		ret = send_report(t, first, &report, err);
	nightly_report_release(&report);
	free(told);
	return ret;
}

int nightly_letter_send(const struct nightly_letter *l, struct err *err)
{
	struct telling t = { .l = l, .n = l->n };
	const struct nightly_result *first;
	int ret = 0;

	if (!l->n)
		return 0;
	t.seen = xcalloc(l->n, sizeof(*t.seen));
	t.logs = xcalloc(l->n, sizeof(*t.logs));
	for (size_t i = 0; i < l->n; i++)
		nightly_heard_see(&t.seen[i], l->store, l->v[i]);
	first = first_news(&t);
	if (first)
		ret = tell_all(&t, first, err);
	for (size_t i = 0; i < l->n; i++) {
		if (!ret)
			nightly_heard_told(l->store, l->v[i]);
		tree_log_release(&t.logs[i]);
	}
	free(t.logs);
	free(t.seen);
	return ret;
}

static bool is_known_trouble(const char *path, const char *why)
{
	struct buf was = { 0 };
	struct err ignored = { 0 };
	bool known = !fs_read(path, ERR_TEXT_MAX, &was, &ignored) &&
		     nightly_news_same_words(buf_str(&was), why);

	buf_release(&was);
	return known;
}

static int send_trouble(const struct nightly_job *job, const char *why,
			const atomic_bool *stop, FILE *out, struct err *err)
{
	struct nightly_report report = { .result = "ERROR" };
	struct strv keep = { 0 };
	const struct nightly_send send = { .name = job->name,
					   .mail = &job->mail,
					   .mail_from = job->mail_from,
					   .command = job->command,
					   .keep = &keep,
					   .stop = stop,
					   .out = out };
	struct buf subject = { 0 }, text = { 0 };
	int ret;

	strv_add(&keep, job->results);
	buf_printf(&subject, "[kfarm] ERROR %s: ", job->name);
	nightly_phrase_cut(&subject, why, NIGHTLY_PHRASE_SHORT);
	buf_printf(&text, "Nothing of %s could be built.\n\nWhy:\n  ",
		   job->name);
	nightly_phrase_cut(&text, why, ERR_TEXT_MAX);
	buf_add_str(&text, "\n");
	report.subject = buf_steal(&subject);
	report.text = buf_steal(&text);
	ret = nightly_send(&send, &report, err);
	nightly_report_release(&report);
	strv_release(&keep);
	return ret;
}

int nightly_letter_trouble(const struct nightly_job *job, const char *why,
			   const atomic_bool *stop, FILE *out, struct err *err)
{
	char *path = xasprintf("%s/trouble", job->results);
	int ret = 0;

	if (!why) {
		unlink(path);
	} else if ((job->mail.n || job->command) &&
		   !is_known_trouble(path, why)) {
		ret = send_trouble(job, why, stop, out, err);
		if (!ret)
			ret = fs_write(path, bytes_str(why), 0666, err);
	}
	free(path);
	return ret;
}
