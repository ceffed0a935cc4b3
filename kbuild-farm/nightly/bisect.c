/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/bisect.h"

#include "base/clock.h"
#include "tree/commit.h"
#include "tree/halve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is known so far. */
struct known {
	const struct nightly_search *s;
	struct nightly_bisected *out;
	struct strv good, skipped;
	char *bad;
};

static bool is_used_up(const struct known *k, size_t between)
{
	const struct nightly_search *s = k->s;
	bool enough = k->out->builds >= s->builds;

	if (!enough && clock_ms() < s->until_ms)
		return false;
	k->out->why = xasprintf("given up %s %u builds: it is one of the %zu "
				"commits up to %.12s",
				enough ? "after" : "for want of time, after",
				k->out->builds, between, k->bad);
	return true;
}

static int try_commit(struct known *k, const char *commit, size_t between,
		      struct err *err)
{
	enum nightly_end end = NIGHTLY_BROKEN;
	int ret = k->s->build(k->s->ctx, commit, between, &end, err);

	if (ret)
		return ret;
	k->out->builds++;
	if (end == NIGHTLY_GOOD) {
		strv_add(&k->good, commit);
	} else if (end == NIGHTLY_FAILED) {
		free(k->bad);
		k->bad = xstrdup(commit);
	} else {
		strv_add(&k->skipped, commit);
	}
	return 0;
}

/*
 * The branch may have been written anew, so that the good commit is no part of
 * it: then what both come from is to be good, too.
 */
static int check_base(struct known *k, struct err *err)
{
	const struct nightly_search *s = k->s;
	char *base = NULL;
	int ret = tree_commit_base(s->tree, s->good, s->bad, &base, err);

	if (ret == -ENOENT) {
		k->out->why = xasprintf("%.12s and the last good commit have "
					"no common history",
					s->bad);
		ret = 0;
	} else if (!ret && strcmp(base, s->good) != 0) {
		ret = try_commit(k, base, 0, err);
		if (!ret && (k->skipped.n || !strcmp(k->bad, base)))
			k->out->why = xasprintf(
				"the last good commit is no part of this "
				"history, and %.12s, which both come from, %s",
				base,
				k->skipped.n ? "cannot be built" :
					       "is bad, too");
	}
	free(base);
	return ret;
}

static void tell_found(struct nightly_bisected *out,
		       const struct tree_halved *h)
{
	if (h->left.n == 1) {
		out->first_bad = xstrdup(h->left.v[0]);
		out->subject = xstrdup(h->subjects.v[0]);
		return;
	}
	for (size_t i = 0; i < h->left.n; i++)
		strv_addf(&out->left, "%.12s %s", h->left.v[i],
			  h->subjects.v[i]);
}

static int search_range(struct known *k, struct err *err)
{
	bool found = false;
	int ret = 0;

	while (!ret && !found && !k->out->why) {
		struct tree_halved h = { 0 };

		ret = tree_halve(&h, k->s->tree, &k->good, k->bad, &k->skipped,
				 err);
		found = !ret && !h.next;
		if (found)
			tell_found(k->out, &h);
		else if (!ret && !is_used_up(k, h.between))
			ret = try_commit(k, h.next, h.between, err);
		tree_halved_release(&h);
	}
	return ret;
}

int nightly_bisect(const struct nightly_search *s, struct nightly_bisected *out,
		   struct err *err)
{
	struct known k = { .s = s, .out = out, .bad = xstrdup(s->bad) };
	int ret;

	*out = (struct nightly_bisected){ 0 };
	strv_add(&k.good, s->good);
	ret = check_base(&k, err);
	if (!ret)
		ret = search_range(&k, err);
	strv_release(&k.good);
	strv_release(&k.skipped);
	free(k.bad);
	return ret;
}
