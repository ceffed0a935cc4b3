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

static bool is_budget_exhausted(const struct bisect_state *k,
				size_t n_candidates)
{
	const struct nightly_search *s = k->s;
	bool enough = k->out->n_builds >= s->max_builds;

	if (!enough && clock_ms() < s->until_ms)
		return false;
	k->out->incomplete_reason = xasprintf(
		"stopped %s %u build%s: it is one of the %zu commits up to "
		"%.12s",
		enough ? "after" : "for lack of time, after", k->out->n_builds,
		format_plural(k->out->n_builds), n_candidates, k->bad);
	return true;
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
