/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/tell.h"

#include "nightly/news.h"
#include "nightly/phrase.h"

#include <stdlib.h>
#include <string.h>

/* Of the job as a whole: the worst. */
static const char *worst_word(const struct nightly_told *v, size_t n)
{
	static const char *const worst_first[] = { "FAIL", "ERROR", "WARN" };

	for (size_t w = 0; w < sizeof(worst_first) / sizeof(*worst_first);
	     w++) {
		for (size_t i = 0; i < n; i++) {
			if (!strcmp(nightly_news_word(v[i].result),
				    worst_first[w]))
				return worst_first[w];
		}
	}
	return "PASS";
}

static size_t count_news(const struct nightly_told *v, size_t n)
{
	size_t news = 0;

	for (size_t i = 0; i < n; i++)
		news += nightly_news(v[i].result) != NIGHTLY_NO_NEWS;
	return news;
}

/* "arm64/defconfig: 2 errors (new); riscv/defconfig: fixed" */
static void add_named_news(struct buf *out, const struct nightly_told *v,
			   size_t n)
{
	const char *before = "";

	for (size_t i = 0; i < n; i++) {
		const struct nightly_result *r = v[i].result;
		char *text;

		if (nightly_news(r) == NIGHTLY_NO_NEWS)
			continue;
		text = nightly_phrase_outcome(r);
		buf_add_str(out, before);
		nightly_phrase_build(out, r, nightly_body_alike(v, n, r));
		buf_printf(out, ": %s", text);
		before = "; ";
		free(text);
	}
}

/* "3 newly failing, 1 with new warnings, 1 fixed" */
static void add_counted_news(struct buf *out, const struct nightly_told *v,
			     size_t n)
{
	static const struct kind {
		enum nightly_news news;
		const char *words;
	} kinds[] = {
		{ NIGHTLY_NEWS_FAILS, "newly failing" },
		{ NIGHTLY_NEWS_FAILS_ANEW, "failing otherwise than before" },
		{ NIGHTLY_NEWS_BROKEN, "not built" },
		{ NIGHTLY_NEWS_WARNS, "with new warnings" },
		{ NIGHTLY_NEWS_FIXED, "fixed" },
		{ NIGHTLY_NEWS_FIRST, "built for the first time" },
	};
	const char *before = "";

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		size_t count = 0;

		for (size_t i = 0; i < n; i++)
			count += nightly_news(v[i].result) == kinds[k].news;
		if (!count)
			continue;
		buf_printf(out, "%s%zu %s", before, count, kinds[k].words);
		before = ", ";
	}
}

/* Those of several that fail without that being news. */
static void add_still_failing(struct buf *out, const struct nightly_told *v,
			      size_t n)
{
	size_t still = 0;

	for (size_t i = 0; i < n; i++)
		still += nightly_news(v[i].result) == NIGHTLY_NO_NEWS &&
			 nightly_news_standing(v[i].result)->end !=
				 NIGHTLY_GOOD;
	if (still)
		buf_printf(out, "; %zu of %zu as bad as before", still, n);
}

/* Of a build that is news; a set-up may fail before it has a revision. */
static void add_revision(struct buf *out, const struct nightly_told *v,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct nightly_result *r = v[i].result;

		if (nightly_news(r) == NIGHTLY_NO_NEWS || !r->commit ||
		    !*r->commit)
			continue;
		buf_add_str(out, " ");
		nightly_phrase_revision(out, r);
		return;
	}
}

static char *subject(const char *name, const struct nightly_told *v, size_t n)
{
	struct buf out = { 0 };

	buf_printf(&out, "[kfarm] %s ", worst_word(v, n));
	nightly_phrase(&out, name);
	add_revision(&out, v, n);
	if (n == 1) {
		char *text = nightly_phrase_outcome(v->result);

		buf_add_str(&out, " ");
		nightly_phrase_build(&out, v->result, true);
		buf_printf(&out, "%s%s", *text ? ": " : "", text);
		free(text);
	} else {
		buf_add_str(&out, ": ");
		if (count_news(v, n) <= 2)
			add_named_news(&out, v, n);
		else
			add_counted_news(&out, v, n);
		add_still_failing(&out, v, n);
	}
	return buf_steal(&out);
}

bool nightly_tell(struct nightly_report *out, const char *name,
		  const struct nightly_told *builds, size_t n)
{
	struct buf text = { 0 };

	if (!count_news(builds, n))
		return false;
	nightly_body_add(&text, builds, n);
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
