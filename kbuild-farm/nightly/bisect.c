/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/bisect.h"

#include "base/clock.h"
#include "base/format.h"
#include "tree/bisect.h"
#include "tree/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* State of the search. */
struct bisect_state {
	const struct nightly_search *s;
	struct nightly_bisect_result *out;
	struct strv good, skipped;
	char *bad;
};

/*
 * Stop the search and set the reason.  `n_candidates` is the number of commits
 * that may be the first bad one, or 0 after a build of the merge base.
 */
static void stop_search(struct bisect_state *k, const char *why,
			size_t n_candidates)
{
	struct buf text = { 0 };

	buf_printf(&text, "stopped %s %u build%s: ", why, k->out->n_builds,
		   format_plural(k->out->n_builds));
	if (n_candidates)
		buf_printf(&text, "it is one of the %zu commits up to %.12s",
			   n_candidates, k->bad);
	else
		buf_add_str(&text,
			    "it is unknown whether the merge base is good");
	k->out->incomplete_reason = buf_steal(&text);
}

static bool is_budget_exhausted(struct bisect_state *k, size_t n_candidates)
{
	if (k->out->n_builds >= k->s->max_builds)
		stop_search(k, "after", n_candidates);
	else if (clock_ms() >= k->s->until_ms)
		stop_search(k, "for lack of time, after", n_candidates);
	return k->out->incomplete_reason;
}

static int try_commit(struct bisect_state *k, const char *commit,
		      size_t between, struct err *err)
{
	enum nightly_end end = NIGHTLY_END_BROKEN;
	int ret = k->s->build_commit(k->s->ctx, commit, between, &end, err);

	if (ret)
		return ret;
	k->out->n_builds++;
	if (end == NIGHTLY_END_GOOD) {
		strv_add(&k->good, commit);
	} else if (end == NIGHTLY_END_FAILED) {
		free(k->bad);
		k->bad = xstrdup(commit);
	} else if (clock_ms() >= k->s->until_ms) {
		/* The build was stopped because the time is up. */
		stop_search(k, "for lack of time, after", between);
	} else {
		strv_add(&k->skipped, commit);
	}
	return 0;
}

/*
 * If the branch was rewritten, the good commit is not an ancestor of the bad
 * commit.  In this case, build the merge base of both commits.  If they have no
 * merge base, or the merge base is not good, set k->out->incomplete_reason.
 */
static int check_base(struct bisect_state *k, struct err *err)
{
	const struct nightly_search *s = k->s;
	char *base = NULL;
	int ret = tree_commit_merge_base(s->tree, s->good, s->bad, &base, err);

	if (ret == -ENOENT) {
		k->out->incomplete_reason = xasprintf(
			"%.12s and the last good commit have "
			"no common history",
			s->bad);
		ret = 0;
	} else if (!ret && strcmp(base, s->good) != 0) {
		ret = try_commit(k, base, 0, err);
		if (!ret && (k->skipped.n || !strcmp(k->bad, base)))
			k->out->incomplete_reason = xasprintf(
				"the last good commit is not an ancestor of the "
				"bad one, and their merge base %.12s %s",
				base,
				k->skipped.n ? "cannot be built" :
					       "is bad as well");
	}
	free(base);
	return ret;
}

static void copy_candidates(struct nightly_bisect_result *out,
			    const struct tree_bisect_step *h)
{
	if (h->candidates.n == 1) {
		out->first_bad = xstrdup(h->candidates.v[0]);
		out->subject = xstrdup(h->subjects.v[0]);
		return;
	}
	for (size_t i = 0; i < h->candidates.n; i++)
		strv_addf(&out->candidates, "%.12s %s", h->candidates.v[i],
			  h->subjects.v[i]);
}

int nightly_bisect(const struct nightly_search *s,
		   struct nightly_bisect_result *out, struct err *err)
{
	struct bisect_state k = { .s = s, .out = out, .bad = xstrdup(s->bad) };
	bool found = false;
	int ret;

	*out = (struct nightly_bisect_result){ 0 };
	strv_add(&k.good, s->good);
	ret = check_base(&k, err);
	while (!ret && !found && !out->incomplete_reason) {
		struct tree_bisect_step h = { 0 };

		ret = tree_bisect_choose(&h, s->tree, &k.good, k.bad,
					 &k.skipped, err);
		found = !ret && !h.next;
		if (found)
			copy_candidates(out, &h);
		else if (!ret && !is_budget_exhausted(&k, h.n_candidates))
			ret = try_commit(&k, h.next, h.n_candidates, err);
		tree_bisect_step_release(&h);
	}
	strv_release(&k.good);
	strv_release(&k.skipped);
	free(k.bad);
	return ret;
}
