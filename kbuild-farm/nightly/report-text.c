/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/report-text.h"

#include "base/format.h"
#include "base/printable.h"
#include "base/vec.h"
#include "nightly/notify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ABBREVIATED 12

/* Result words, the worst first. */
static const char *const severity[] = { "FAIL", "ERROR", "WARN", "PASS" };

void nightly_report_add_printable(struct buf *out, const char *text)
{
	char *line = xstrdup(text);

	for (char *c = line; *c; c++) {
		if (strchr("\t\r\n", *c))
			*c = ' ';
	}
	printable_add_escaped(out, bytes_str(line), 0);
	free(line);
}

void nightly_report_add_truncated(struct buf *out, const char *text,
				  size_t max_bytes)
{
	struct buf all = { 0 };
	size_t n;

	nightly_report_add_printable(&all, text);
	n = printable_prefix_len(buf_str(&all), max_bytes);
	buf_add(out, all.data, n);
	if (n < all.len)
		buf_add_str(out, "...");
	buf_release(&all);
}

void nightly_report_add_revision(struct buf *out,
				 const struct nightly_result *r)
{
	if (r->describe && *r->describe)
		nightly_report_add_truncated(out, r->describe,
					     NIGHTLY_REPORT_SUBJECT_BYTES);
	else if (r->commit)
		nightly_report_add_truncated(out, r->commit, ABBREVIATED);
}

void nightly_report_add_short_revision(struct buf *out,
				       const struct nightly_result *r)
{
	struct buf all = { 0 };
	const char *text, *id;
	size_t n;

	nightly_report_add_revision(&all, r);
	text = buf_str(&all);
	n = all.len;
	id = strrchr(text, '-');
	/* The suffix of a tag, as in "v6.1-google1", is no commit id. */
	if (id && id > text && id[1] == 'g' && id[2] &&
	    !id[2 + strspn(id + 2, "0123456789abcdef")])
		n = (size_t)(id - text);
	buf_add(out, text, n);
	buf_release(&all);
}

void nightly_report_add_date(struct buf *out, long long seconds)
{
	time_t t = (time_t)seconds;
	char text[20] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	buf_add_str(out, text);
}

/* Append a count, such as "2 errors (new)" or "3 errors (1 new)". */
static void add_count(struct buf *out, unsigned n, unsigned n_new,
		      const char *what)
{
	buf_printf(out, "%s%u %s%s", out->len ? ", " : "", n, what,
		   format_plural(n));
	if (n_new && n_new >= n)
		buf_add_str(out, " (new)");
	else if (n_new)
		buf_printf(out, " (%u new)", n_new);
}

/* Append the reason for a failure in a few words. */
static void add_end(struct buf *out, const struct nightly_result *r)
{
	static const char program[] = "kfarm: ";

	if (r->timed_out) {
		buf_add_str(out, "timed out");
	} else if (r->end == NIGHTLY_END_BROKEN) {
		const char *line = r->messages.n ? r->messages.v[0] :
						   "could not be built";

		if (str_starts(line, program))
			line += strlen(program);
		nightly_report_add_truncated(out, line,
					     NIGHTLY_REPORT_SUBJECT_BYTES);
	} else if (r->end == NIGHTLY_END_FAILED && !r->n_errors) {
		buf_printf(out, "exit status %d", r->status);
	}
}

/*
 * Return a summary such as "fixed, 1 warning" or "2 errors (new)", which can be
 * empty.  The caller frees it.
 */
static char *format_outcome(const struct nightly_result *r)
{
	struct buf out = { 0 };

	switch (nightly_notify_reason(r)) {
	case NIGHTLY_NOTIFY_FIRST:
		buf_add_str(&out, "first build");
		break;
	case NIGHTLY_NOTIFY_FIXED:
		buf_add_str(&out, "fixed");
		break;
	default:
		add_end(&out, r);
	}
	if (r->n_errors)
		add_count(&out, r->n_errors, nightly_notify_count_new_errors(r),
			  "error");
	if (r->n_warnings)
		add_count(&out, r->n_warnings, r->n_new_warnings, "warning");
	return buf_steal(&out);
}

/* -------------------------------------------------------- first lines */

static const char *describe_change(enum nightly_notify_reason news)
{
	switch (news) {
	case NIGHTLY_NOTIFY_FIRST:
		return " is good";
	case NIGHTLY_NOTIFY_FIXED:
		return " is good again";
	case NIGHTLY_NOTIFY_WARNINGS:
		return " has new warnings";
	case NIGHTLY_NOTIFY_FAILED:
		return " fails";
	case NIGHTLY_NOTIFY_FAILED_AGAIN:
		return " fails differently than before";
	case NIGHTLY_NOTIFY_BROKEN:
		return " could not be built";
	case NIGHTLY_NOTIFY_NONE:
		break;
	}
	return " is unchanged";
}

/* Append a sentence about the previous state of the build. */
static void add_previous_state(struct buf *out, const struct nightly_result *r,
			       enum nightly_notify_reason news)
{
	const struct nightly_result *before = r->last_good;

	if (news == NIGHTLY_NOTIFY_FIRST && !before) {
		buf_add_str(out, "This is the first build");
	} else if (news == NIGHTLY_NOTIFY_FIXED) {
		before = r->previous;
		buf_add_str(out, before->end == NIGHTLY_END_FAILED ?
					 "It failed at " :
					 "It could not be built at ");
	} else if (news == NIGHTLY_NOTIFY_WARNINGS) {
		before = r->previous;
		buf_add_str(out, "They were not present at ");
	} else if (before) {
		buf_add_str(out, "It was good at ");
	} else {
		buf_add_str(out, "It was never good");
	}
	if (before) {
		nightly_report_add_revision(out, before);
		buf_add_str(out, " (");
		nightly_report_add_date(out, before->began_s);
		buf_add_str(out, ")");
	}
	buf_add_str(out, ".\n");
}

/*
 * Append the reason why a completed build was started, unless the reason is a
 * new commit or the first build.  If the build timed out, append a sentence
 * about the timeout.
 */
static void add_decision(struct buf *out, const struct nightly_result *r)
{
	static const char *const why[] = {
		[NIGHTLY_DECISION_CONFIG] = "its configuration changed",
		[NIGHTLY_DECISION_TOOLCHAIN] = "its toolchain changed",
		[NIGHTLY_DECISION_OPTIONS] =
			"its targets, variables or options changed",
		[NIGHTLY_DECISION_RETRY] =
			"its last build failed or was not completed",
		[NIGHTLY_DECISION_FORCED] = "--force was given",
	};

	if (r->end != NIGHTLY_END_BROKEN && r->decision < ARRAY_SIZE(why) &&
	    why[r->decision])
		buf_printf(out, "It was built because %s.\n", why[r->decision]);
	if (r->timed_out)
		buf_add_str(out,
			    "It was killed because it exceeded its timeout.\n");
}

/* -------------------------------------------------------------- lists */

static void add_indented(struct buf *out, const char *text)
{
	buf_add_str(out, "  ");
	nightly_report_add_truncated(out, text, NIGHTLY_REPORT_LINE_BYTES);
	buf_add_str(out, "\n");
}

static void add_more(struct buf *out, size_t all, size_t listed)
{
	if (all > listed)
		buf_printf(out, "  and %zu more\n", all - listed);
}

/* Return the title above the messages. */
static const char *messages_title(const struct nightly_result *r, size_t n_new)
{
	if (r->end == NIGHTLY_END_BROKEN)
		return "Reason:";
	if (r->end == NIGHTLY_END_GOOD)
		return n_new ? "New warnings:" : "Warnings:";
	if (!r->n_errors)
		return "End of the log:";
	if (!n_new)
		return "Errors:";
	if (nightly_notify_count_new_errors(r))
		return r->n_new_warnings ? "New errors and warnings:" :
					   "New errors:";
	return "New warnings:";
}

static void add_result_messages(struct buf *out, const struct nightly_result *r)
{
	size_t n_new = (size_t)nightly_notify_count_new_errors(r) +
		       r->n_new_warnings;

	if (!r->messages.n)
		return;
	buf_printf(out, "\n%s\n", messages_title(r, n_new));
	for (size_t i = 0; i < r->messages.n; i++)
		add_indented(out, r->messages.v[i]);
	if (r->end != NIGHTLY_END_BROKEN)
		add_more(out, n_new, r->messages.n);
}

static void add_bisected(struct buf *out, const struct nightly_bisect_result *b)
{
	if (b->first_bad) {
		buf_add_str(out, "\nFirst bad commit");
		/* If there is only one candidate, no build is necessary. */
		if (b->n_builds)
			buf_printf(out, ", found in %u build%s", b->n_builds,
				   format_plural(b->n_builds));
		buf_printf(out, ":\n  %.*s ", ABBREVIATED, b->first_bad);
		nightly_report_add_truncated(out, b->subject ? b->subject : "",
					     NIGHTLY_REPORT_LINE_BYTES);
		buf_add_str(out, "\n");
		return;
	}
	if (!b->n_builds) {
		if (b->incomplete_reason) {
			buf_add_str(out, "\n(");
			nightly_report_add_truncated(out, b->incomplete_reason,
						     NIGHTLY_REPORT_LINE_BYTES);
			buf_add_str(out, ")\n");
		}
		return;
	}
	buf_printf(out, "\nFirst bad commit: not found in %u build%s",
		   b->n_builds, format_plural(b->n_builds));
	if (b->incomplete_reason) {
		buf_add_str(out, ", ");
		nightly_report_add_truncated(out, b->incomplete_reason,
					     NIGHTLY_REPORT_LINE_BYTES);
	}
	buf_add_str(out, b->candidates.n ? "; it is one of\n" : "\n");
	for (size_t i = 0; i < b->candidates.n && i < NIGHTLY_MESSAGES_MAX; i++)
		add_indented(out, b->candidates.v[i]);
	add_more(out, b->candidates.n, NIGHTLY_MESSAGES_MAX);
}

static void add_commits(struct buf *out, const struct nightly_result *r,
			const struct tree_commit_log *log)
{
	const struct nightly_result *since = nightly_notify_commit_base(r);

	if (!log || !since || (!log->n_total && !log->n_missing))
		return;
	buf_printf(out, "\nCommits since ");
	nightly_report_add_revision(out, since);
	buf_printf(out, ": %zu", log->n_total);
	if (log->n_missing)
		buf_printf(out,
			   " (the branch was rewritten: %zu earlier commit%s "
			   "gone)",
			   log->n_missing,
			   log->n_missing == 1 ? " is" : "s are");
	buf_add_str(out, "\n");
	for (size_t i = 0; i < log->n; i++) {
		buf_printf(out, "  %.*s ", ABBREVIATED, log->v[i].commit);
		nightly_report_add_truncated(out, log->v[i].subject,
					     NIGHTLY_REPORT_LINE_BYTES);
		buf_add_str(out, "\n");
	}
	add_more(out, log->n_total, log->n);
}

/* --------------------------------------------------------------- body */

static void add_file_paths(struct buf *out, const struct nightly_result *r)
{
	const bool good = r->end == NIGHTLY_END_GOOD;

	if (r->command && !good) {
		buf_add_str(out, "\nTo build it again:\n  ");
		nightly_report_add_printable(out, r->command);
		buf_add_str(out, "\n");
	}
	if (!r->dir)
		return;
	buf_add_str(out, good ? "\nResult:  " : "\nLog:     ");
	nightly_report_add_printable(out, r->dir);
	if (r->end == NIGHTLY_END_FAILED)
		buf_add_str(out, "/build.log");
	else if (!good)
		buf_add_str(out, "/" NIGHTLY_LOG_FILE);
	buf_add_str(out, "\n");
	if (r->history_id)
		buf_printf(out, "Report:  kfarm report %lld\n",
			   (long long)r->history_id);
}

static void add_build_section(struct buf *out,
			      const struct nightly_report_build *b)
{
	const struct nightly_result *r = b->result;
	const enum nightly_notify_reason news = nightly_notify_reason(r);

	nightly_report_add_printable(out, r->build);
	buf_add_str(out, describe_change(news));
	if (r->commit && *r->commit) {
		buf_add_str(out, " at ");
		nightly_report_add_revision(out, r);
	}
	if (r->end != NIGHTLY_END_BROKEN) {
		buf_add_str(out, " with ");
		nightly_report_add_printable(out, r->toolchain);
	}
	buf_add_str(out, ".\n");
	add_previous_state(out, r, news);
	add_decision(out, r);
	add_result_messages(out, r);
	add_bisected(out, &r->bisect);
	add_commits(out, r, b->commits);
	add_file_paths(out, r);
}

/* Append a table with one line per build. */
static void add_builds_table(struct buf *out,
			     const struct nightly_report_build *v, size_t n)
{
	int wide = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			const struct nightly_result *r = v[i].result;
			struct buf name = { 0 };
			char *text;

			nightly_report_add_printable(&name, r->build);
			if ((int)name.len > wide)
				wide = (int)name.len;
			text = nightly_notify_reason(r) ? format_outcome(r) :
							  xstrdup("unchanged");
			if (pass)
				buf_printf(out, "%-5s  %-*s  %s\n",
					   nightly_notify_result_word(r), wide,
					   buf_str(&name), text);
			free(text);
			buf_release(&name);
		}
	}
}

/* Return the word for the worst result of all builds. */
static const char *worst_word(const struct nightly_report_build *v, size_t n)
{
	for (size_t w = 0; w < ARRAY_SIZE(severity); w++) {
		for (size_t i = 0; i < n; i++) {
			if (!strcmp(nightly_notify_result_word(v[i].result),
				    severity[w]))
				return severity[w];
		}
	}
	return "PASS";
}

static size_t count_news(const struct nightly_report_build *v, size_t n)
{
	size_t news = 0;

	for (size_t i = 0; i < n; i++)
		news += nightly_notify_reason(v[i].result) !=
			NIGHTLY_NOTIFY_NONE;
	return news;
}

/*
 * Append the outcome of each build with news, such as
 * "arm64-defconfig: 2 errors (new); riscv-defconfig: fixed".
 */
static void add_news_of_builds(struct buf *out,
			       const struct nightly_report_build *v, size_t n)
{
	const char *before = "";

	for (size_t i = 0; i < n; i++) {
		const struct nightly_result *r = v[i].result;
		char *text;

		if (nightly_notify_reason(r) == NIGHTLY_NOTIFY_NONE)
			continue;
		text = format_outcome(r);
		buf_add_str(out, before);
		nightly_report_add_printable(out, r->build);
		buf_printf(out, ": %s", text);
		before = "; ";
		free(text);
	}
}

/* Append totals such as "3 newly failing, 1 with new warnings, 1 fixed". */
static void add_news_totals(struct buf *out,
			    const struct nightly_report_build *v, size_t n)
{
	static const struct kind {
		enum nightly_notify_reason news;
		const char *words;
	} kinds[] = {
		{ NIGHTLY_NOTIFY_FAILED, "newly failing" },
		{ NIGHTLY_NOTIFY_FAILED_AGAIN,
		  "failing differently than before" },
		{ NIGHTLY_NOTIFY_BROKEN, "not built" },
		{ NIGHTLY_NOTIFY_WARNINGS, "with new warnings" },
		{ NIGHTLY_NOTIFY_FIXED, "fixed" },
		{ NIGHTLY_NOTIFY_FIRST, "built for the first time" },
	};
	const char *before = "";

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		size_t count = 0;

		for (size_t i = 0; i < n; i++)
			count += nightly_notify_reason(v[i].result) ==
				 kinds[k].news;
		if (!count)
			continue;
		buf_printf(out, "%s%zu %s", before, count, kinds[k].words);
		before = ", ";
	}
}

static char *subject(const char *name, const struct nightly_report_build *v,
		     size_t n)
{
	struct buf out = { 0 };
	size_t still = 0; /* builds without news that still fail */

	buf_printf(&out, "[kfarm] %s ", worst_word(v, n));
	nightly_report_add_printable(&out, name);
	/*
	 * Append the revision of the first build with news.  A build whose
	 * set-up failed may have no revision and is skipped.
	 */
	for (size_t i = 0; i < n; i++) {
		const struct nightly_result *r = v[i].result;

		if (nightly_notify_reason(r) == NIGHTLY_NOTIFY_NONE ||
		    !r->commit || !*r->commit)
			continue;
		buf_add_str(&out, " ");
		nightly_report_add_revision(&out, r);
		break;
	}
	if (n == 1) {
		char *text = format_outcome(v->result);

		buf_add_str(&out, " ");
		nightly_report_add_printable(&out, v->result->build);
		buf_printf(&out, "%s%s", *text ? ": " : "", text);
		free(text);
	} else {
		buf_add_str(&out, ": ");
		if (count_news(v, n) <= 2)
			add_news_of_builds(&out, v, n);
		else
			add_news_totals(&out, v, n);
		for (size_t i = 0; i < n; i++)
			still += nightly_notify_reason(v[i].result) ==
					 NIGHTLY_NOTIFY_NONE &&
				 nightly_notify_effective_result(v[i].result)
						 ->end != NIGHTLY_END_GOOD;
		if (still)
			buf_printf(&out, "; %zu of %zu still failing", still,
				   n);
	}
	return buf_steal(&out);
}

bool nightly_report_write(struct nightly_report *out, const char *name,
			  const struct nightly_report_build *builds, size_t n)
{
	struct buf text = { 0 };

	if (!count_news(builds, n))
		return false;
	/* The table includes builds without news. */
	if (n > 1)
		add_builds_table(&text, builds, n);
	for (size_t w = 0; w < ARRAY_SIZE(severity); w++) {
		for (size_t i = 0; i < n; i++) {
			const struct nightly_result *r = builds[i].result;

			if (!nightly_notify_reason(r) ||
			    strcmp(nightly_notify_result_word(r), severity[w]))
				continue;
			if (text.len)
				buf_add_str(&text, "\n\n");
			add_build_section(&text, &builds[i]);
		}
	}
	*out = (struct nightly_report){
		.result = worst_word(builds, n),
		.subject = subject(name, builds, n),
		.text = buf_steal(&text),
	};
	return true;
}

void nightly_report_release(struct nightly_report *r)
{
	free(r->subject);
	free(r->text);
	*r = (struct nightly_report){ 0 };
}
