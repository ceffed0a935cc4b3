/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/phrase.h"

#include "base/printable.h"
#include "nightly/news.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ABBREVIATED 12

void nightly_phrase(struct buf *out, const char *text)
{
	char *line = xstrdup(text);

	for (char *c = line; *c; c++) {
		if (strchr("\t\r\n", *c))
			*c = ' ';
	}
	printable_add(out, bytes_str(line), 0);
	free(line);
}

void nightly_phrase_cut(struct buf *out, const char *text, size_t most)
{
	struct buf all = { 0 };
	size_t n = most;

	nightly_phrase(&all, text);
	if (all.len <= most) {
		buf_add_bytes(out, buf_bytes(&all));
	} else {
		while (n && (all.data[n] & 0xc0) == 0x80)
			n--;
		buf_add(out, all.data, n);
		buf_add_str(out, "...");
	}
	buf_release(&all);
}

void nightly_phrase_revision(struct buf *out, const struct nightly_result *r)
{
	if (r->describe && *r->describe)
		nightly_phrase_cut(out, r->describe, NIGHTLY_PHRASE_SHORT);
	else if (r->commit)
		nightly_phrase_cut(out, r->commit, ABBREVIATED);
}

void nightly_phrase_date(struct buf *out, long long seconds)
{
	time_t t = (time_t)seconds;
	char text[20] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	buf_add_str(out, text);
}

/* "2 errors (new)", "3 errors (1 new)" */
static void add_count(struct buf *out, unsigned n, unsigned n_new,
		      const char *what)
{
	buf_printf(out, "%s%u %s%s", out->len ? ", " : "", n, what,
		   n == 1 ? "" : "s");
	if (n_new && n_new >= n)
		buf_add_str(out, " (new)");
	else if (n_new)
		buf_printf(out, " (%u new)", n_new);
}

/* Of what was said, without the name of who said it. */
static const char *first_words(const struct nightly_result *r)
{
	static const char us[] = "kfarm: ";
	const char *line = r->said.n ? r->said.v[0] : "could not be built";

	return str_starts(line, us) ? line + strlen(us) : line;
}

/* Why it failed, or could not be tried, in few words. */
static void add_end(struct buf *out, const struct nightly_result *r)
{
	if (r->timed_out)
		buf_add_str(out, "not done in time");
	else if (r->end == NIGHTLY_BROKEN)
		nightly_phrase_cut(out, first_words(r), NIGHTLY_PHRASE_SHORT);
	else if (r->end == NIGHTLY_FAILED && !r->errors)
		buf_printf(out, "exit status %d", r->status);
}

char *nightly_phrase_outcome(const struct nightly_result *r)
{
	bool first = !r->previous;
	struct buf out = { 0 };

	switch (nightly_news(r)) {
	case NIGHTLY_NEWS_FIRST:
		buf_add_str(&out, "first build");
		break;
	case NIGHTLY_NEWS_FIXED:
		buf_add_str(&out, "fixed");
		break;
	default:
		add_end(&out, r);
	}
	if (r->errors)
		add_count(&out, r->errors, nightly_news_errors(r), "error");
	if (r->warnings)
		add_count(&out, r->warnings, first ? 0 : r->new_warnings,
			  "warning");
	return buf_steal(&out);
}

void nightly_phrase_build(struct buf *out, const struct nightly_result *r,
			  bool toolchain)
{
	nightly_phrase(out, r->arch);
	buf_add_str(out, "/");
	nightly_phrase(out, r->config);
	if (!toolchain)
		return;
	buf_add_str(out, " ");
	nightly_phrase(out, r->toolchain);
}
