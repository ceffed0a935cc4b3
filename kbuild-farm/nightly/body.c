/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/body.h"

#include "nightly/news.h"
#include "nightly/phrase.h"

#include <stdlib.h>
#include <string.h>

#define ABBREVIATED 12

static const char *const worst_first[] = { "FAIL", "ERROR", "WARN", "PASS" };

bool nightly_body_alike(const struct nightly_told *builds, size_t n,
			const struct nightly_result *r)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++) {
		const struct nightly_result *other = builds[i].result;

		same += str_equal(other->arch, r->arch) &&
			str_equal(other->config, r->config);
	}
	return same > 1;
}

/* ------------------------------------------------------- the first lines */

/* "v6.1-12-gabcdef (2026-11-21)" */
static void add_place(struct buf *out, const struct nightly_result *r)
{
	nightly_phrase_revision(out, r);
	buf_add_str(out, " (");
	nightly_phrase_date(out, r->began_s);
	buf_add_str(out, ")");
}

static const char *what_happened(enum nightly_news news)
{
	switch (news) {
	case NIGHTLY_NEWS_FIRST:
		return " is good";
	case NIGHTLY_NEWS_FIXED:
		return " is good again";
	case NIGHTLY_NEWS_WARNS:
		return " has new warnings";
	case NIGHTLY_NEWS_FAILS:
		return " fails";
	case NIGHTLY_NEWS_FAILS_ANEW:
		return " fails otherwise than before";
	case NIGHTLY_NEWS_BROKEN:
		return " could not be built";
	case NIGHTLY_NO_NEWS:
		break;
	}
	return " is as before";
}

/* What it was until now. */
static void add_before(struct buf *out, const struct nightly_result *r,
		       enum nightly_news news)
{
	const struct nightly_result *before = r->last_good;

	if (news == NIGHTLY_NEWS_FIRST) {
		buf_add_str(out, "It is the first build");
	} else if (news == NIGHTLY_NEWS_FIXED) {
		before = r->previous;
		buf_add_str(out, before->end == NIGHTLY_FAILED ?
					 "It failed at " :
					 "It could not be built at ");
	} else if (news == NIGHTLY_NEWS_WARNS) {
		before = r->previous;
		buf_add_str(out, "It did not have them at ");
	} else if (before) {
		buf_add_str(out, "It was good at ");
	} else {
		buf_add_str(out, "It was never good before");
	}
	if (before)
		add_place(out, before);
	buf_add_str(out, ".\n");
}

/* Where it was not built for a new commit. */
static void add_decision(struct buf *out, const struct nightly_result *r)
{
	static const char *const why[] = {
		[NIGHTLY_CONFIG] = "its configuration changed",
		[NIGHTLY_TOOLCHAIN] = "its toolchain changed",
		[NIGHTLY_OPTIONS] = "its targets, variables or options changed",
		[NIGHTLY_RETRY] = "its last build was not good",
		[NIGHTLY_FORCED] = "--force asked for it",
	};

	if (r->end != NIGHTLY_BROKEN &&
	    r->decision < sizeof(why) / sizeof(*why) && why[r->decision])
		buf_printf(out, "It was built because %s.\n", why[r->decision]);
	if (r->timed_out)
		buf_add_str(out,
			    "It was killed, as it had not ended in time.\n");
}

/* ------------------------------------------------------------------ lists */

static void add_indented(struct buf *out, const char *text)
{
	buf_add_str(out, "  ");
	nightly_phrase_cut(out, text, NIGHTLY_PHRASE_LONG);
	buf_add_str(out, "\n");
}

static void add_more(struct buf *out, size_t all, size_t listed)
{
	if (all > listed)
		buf_printf(out, "  and %zu more\n", all - listed);
}

/* Above the first lines of what is new, or of why it could not be built. */
static const char *said_title(const struct nightly_result *r, size_t n_new)
{
	if (r->end == NIGHTLY_BROKEN)
		return "Why:";
	if (r->end == NIGHTLY_GOOD)
		return r->previous && n_new ? "New warnings:" : "Warnings:";
	if (!r->errors)
		return "The end of its log:";
	if (!r->previous || !n_new)
		return "Errors:";
	if (nightly_news_errors(r))
		return r->new_warnings ? "New errors and warnings:" :
					 "New errors:";
	return "New warnings:";
}

static void add_said(struct buf *out, const struct nightly_result *r)
{
	size_t n_new = (size_t)nightly_news_errors(r) + r->new_warnings;

	if (!r->said.n)
		return;
	buf_printf(out, "\n%s\n", said_title(r, n_new));
	for (size_t i = 0; i < r->said.n; i++)
		add_indented(out, r->said.v[i]);
	if (r->end != NIGHTLY_BROKEN)
		add_more(out, n_new, r->said.n);
}

static void add_bisected(struct buf *out, const struct nightly_bisected *b)
{
	if (!b->builds) {
		if (b->why) {
			buf_add_str(out, "\n(");
			nightly_phrase_cut(out, b->why, NIGHTLY_PHRASE_LONG);
			buf_add_str(out, ")\n");
		}
		return;
	}
	if (b->first_bad) {
		buf_printf(out, "\nFirst bad commit, by %u build%s:\n  %.*s ",
			   b->builds, b->builds == 1 ? "" : "s", ABBREVIATED,
			   b->first_bad);
		nightly_phrase_cut(out, b->subject ? b->subject : "",
				   NIGHTLY_PHRASE_LONG);
		buf_add_str(out, "\n");
		return;
	}
	buf_printf(out, "\nFirst bad commit: not found by %u build%s",
		   b->builds, b->builds == 1 ? "" : "s");
	if (b->why) {
		buf_add_str(out, ", ");
		nightly_phrase_cut(out, b->why, NIGHTLY_PHRASE_LONG);
	}
	buf_add_str(out, b->left.n ? "; it is one of\n" : "\n");
	for (size_t i = 0; i < b->left.n && i < NIGHTLY_SAID_MAX; i++)
		add_indented(out, b->left.v[i]);
	add_more(out, b->left.n, NIGHTLY_SAID_MAX);
}

static void add_commits(struct buf *out, const struct nightly_result *r,
			const struct tree_log *log)
{
	const struct nightly_result *since = nightly_news_since(r);

	if (!log || !since || (!log->all && !log->lost))
		return;
	buf_printf(out, "\nCommits since ");
	nightly_phrase_revision(out, since);
	buf_printf(out, ": %zu", log->all);
	if (log->lost)
		buf_printf(out,
			   " (the branch was rewritten: %zu of that are "
			   "gone)",
			   log->lost);
	buf_add_str(out, "\n");
	for (size_t i = 0; i < log->n; i++) {
		buf_printf(out, "  %.*s ", ABBREVIATED, log->v[i].commit);
		nightly_phrase_cut(out, log->v[i].subject, NIGHTLY_PHRASE_LONG);
		buf_add_str(out, "\n");
	}
	add_more(out, log->all, log->n);
}

/* ------------------------------------------------------------------ whole */

static void add_places(struct buf *out, const struct nightly_result *r)
{
	const bool good = r->end == NIGHTLY_GOOD;

	if (r->command && !good) {
		buf_add_str(out, "\nTo build it again:\n  ");
		nightly_phrase(out, r->command);
		buf_add_str(out, "\n");
	}
	if (!r->dir)
		return;
	buf_add_str(out, good ? "\nResult:  " : "\nLog:     ");
	nightly_phrase(out, r->dir);
	if (r->end == NIGHTLY_FAILED)
		buf_add_str(out, "/build.log");
	else if (!good)
		buf_add_str(out, "/" NIGHTLY_LOG_FILE);
	buf_add_str(out, "\n");
	if (r->history)
		buf_printf(out, "Report:  kfarm report %lld\n",
			   (long long)r->history);
}

static void add_told(struct buf *out, const struct nightly_told *told)
{
	const struct nightly_result *r = told->result;
	const enum nightly_news news = nightly_news(r);

	nightly_phrase_build(out, r, true);
	buf_add_str(out, what_happened(news));
	if (r->commit && *r->commit) {
		buf_add_str(out, " at ");
		nightly_phrase_revision(out, r);
	}
	buf_add_str(out, ".\n");
	add_before(out, r, news);
	add_decision(out, r);
	add_said(out, r);
	add_bisected(out, &r->bisected);
	add_commits(out, r, told->commits);
	add_places(out, r);
}

/* A line for each, with columns. */
static void add_builds_table(struct buf *out, const struct nightly_told *v,
			     size_t n)
{
	int wide = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			const struct nightly_result *r = v[i].result;
			struct buf name = { 0 };
			char *text;

			nightly_phrase_build(&name, r, true);
			if ((int)name.len > wide)
				wide = (int)name.len;
			text = nightly_news(r) ? nightly_phrase_outcome(r) :
						 xstrdup("as before");
			if (pass)
				buf_printf(out, "%-5s  %-*s  %s\n",
					   nightly_news_word(r), wide,
					   buf_str(&name), text);
			free(text);
			buf_release(&name);
		}
	}
}

void nightly_body_add(struct buf *out, const struct nightly_told *builds,
		      size_t n)
{
	bool first = true;

	if (n > 1) {
		add_builds_table(out, builds, n);
		first = false;
	}
	for (size_t w = 0; w < sizeof(worst_first) / sizeof(*worst_first);
	     w++) {
		for (size_t i = 0; i < n; i++) {
			const struct nightly_result *r = builds[i].result;

			if (!nightly_news(r) ||
			    strcmp(nightly_news_word(r), worst_first[w]))
				continue;
			if (!first)
				buf_add_str(out, "\n\n");
			add_told(out, &builds[i]);
			first = false;
		}
	}
}
