/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many commits each comes from is counted with a set of bits per commit.
 * That is 32 MB for BITS_MAX of them; where there are more, those along the
 * first parents of the bad one alone are counted, which leads quickly to fewer.
 */
#include "tree/halve.h"

#include "base/map.h"
#include "base/vec.h"
#include "tree/git.h"
#include "tree/home.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BITS_MAX 16384
#define NONE     SIZE_MAX

struct candidate {
	git_oid id;
	size_t *parents; /* those that are candidates, the first in front */
	size_t n_parents;
	bool first_is_one; /* parents[0] is the first parent */
	size_t weight; /* candidates that it comes from, with itself */
	bool skipped, seen;
};

struct by_id {
	struct map_node node;
	size_t i;
};

struct range {
	git_repository *repo;
	struct candidate *v; /* parents before children; the last is the bad */
	size_t n;
	struct map ids;
	struct by_id *nodes;
};

static uint64_t hash_of_commit(const git_oid *id)
{
	return map_hash(bytes_of(id->id, GIT_OID_RAWSZ));
}

static size_t find_candidate(const struct range *r, const git_oid *id)
{
	struct map_node *n = map_find(&r->ids, hash_of_commit(id));

	for (; n; n = map_again(n)) {
		size_t i = ((struct by_id *)n)->i;

		if (git_oid_equal(&r->v[i].id, id))
			return i;
	}
	return NONE;
}

static int read_id(git_oid *id, const char *hex, struct err *err)
{
	if (git_oid_fromstr(id, hex))
		return err_set(err, EINVAL, "\"%s\" is no commit", hex);
	return 0;
}

static int walk_range(git_revwalk *walk, const struct strv *good,
		      const char *bad, struct err *err)
{
	git_oid id;
	int ret = read_id(&id, bad, err);

	if (ret)
		return ret;
	git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	ret = git_revwalk_push(walk, &id);
	if (ret)
		return tree_git_failed(err, ret, "%.12s", bad);
	for (size_t i = 0; i < good->n; i++) {
		ret = read_id(&id, good->v[i], err);
		if (ret)
			return ret;
		ret = git_revwalk_hide(walk, &id);
		if (ret)
			return tree_git_failed(err, ret, "%.12s", good->v[i]);
	}
	return 0;
}

static int list_range(struct range *r, const struct strv *good, const char *bad,
		      struct err *err)
{
	git_revwalk *walk = NULL;
	git_oid id;
	int ret = git_revwalk_new(&walk, r->repo), step;

	if (ret)
		return tree_git_failed(err, ret, "%.12s", bad);
	ret = walk_range(walk, good, bad, err);
	while (!ret && !(step = git_revwalk_next(&id, walk)))
		VEC_ADD(r->v, r->n)->id = id;
	if (!ret && step != GIT_ITEROVER)
		ret = tree_git_failed(err, step, "%.12s", bad);
	git_revwalk_free(walk);
	if (!ret && !r->n)
		ret = err_set(err, EINVAL,
			      "%.12s is part of what is good already", bad);
	return ret;
}

static void index_range(struct range *r)
{
	r->nodes = xcalloc(r->n, sizeof(*r->nodes));
	for (size_t i = 0; i < r->n; i++) {
		r->nodes[i].i = i;
		map_add(&r->ids, &r->nodes[i].node,
			hash_of_commit(&r->v[i].id));
	}
}

static int read_parents(struct range *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++) {
		struct candidate *c = &r->v[i];
		git_commit *commit;
		unsigned n;
		int ret = git_commit_lookup(&commit, r->repo, &c->id);

		if (ret)
			return tree_git_failed(err, ret, "a commit");
		n = git_commit_parentcount(commit);
		for (unsigned p = 0; p < n; p++) {
			size_t at = find_candidate(
				r, git_commit_parent_id(commit, p));

			if (at == NONE)
				continue;
			c->first_is_one = c->first_is_one || !p;
			*VEC_ADD(c->parents, c->n_parents) = at;
		}
		git_commit_free(commit);
	}
	return 0;
}

static void mark_skipped(struct range *r, const struct strv *skipped)
{
	git_oid id;

	for (size_t i = 0; i < skipped->n; i++) {
		size_t at = git_oid_fromstr(&id, skipped->v[i]) ?
				    NONE :
				    find_candidate(r, &id);

		if (at != NONE)
			r->v[at].skipped = true;
	}
}

static void weigh_all(struct range *r)
{
	const size_t words = (r->n + 63) / 64;
	uint64_t *bits = xcalloc(r->n * words, sizeof(*bits));

	for (size_t i = 0; i < r->n; i++) {
		struct candidate *c = &r->v[i];
		uint64_t *own = &bits[i * words];

		own[i / 64] |= UINT64_C(1) << (i % 64);
		for (size_t p = 0; p < c->n_parents; p++) {
			const uint64_t *of = &bits[c->parents[p] * words];

			for (size_t w = 0; w < words; w++)
				own[w] |= of[w];
		}
		for (size_t w = 0; w < words; w++)
			c->weight += (size_t)__builtin_popcountll(own[w]);
	}
	free(bits);
}

/* How many `from` comes from that no earlier call has seen. */
static size_t count_unseen(struct range *r, size_t from)
{
	size_t *stack = NULL, n = 0, count = 0;

	*VEC_ADD(stack, n) = from;
	while (n) {
		struct candidate *c = &r->v[stack[--n]];

		if (c->seen)
			continue;
		c->seen = true;
		count++;
		for (size_t p = 0; p < c->n_parents; p++)
			*VEC_ADD(stack, n) = c->parents[p];
	}
	free(stack);
	return count;
}

/* The others keep a weight of 0. */
static void weigh_first_parents(struct range *r)
{
	size_t *chain = NULL, n = 0, at = r->n - 1, sum = 0;

	for (;;) {
		*VEC_ADD(chain, n) = at;
		if (!r->v[at].first_is_one)
			break;
		at = r->v[at].parents[0];
	}
	while (n) {
		at = chain[--n];
		sum += count_unseen(r, at);
		r->v[at].weight = sum;
	}
	free(chain);
}

/* What is ruled out at least, whatever comes of it. */
static size_t worth(const struct range *r, size_t i)
{
	size_t w = r->v[i].weight;

	return w < r->n - w ? w : r->n - w;
}

static size_t choose_candidate(const struct range *r)
{
	size_t best = NONE;

	for (size_t i = 0; i + 1 < r->n; i++) {
		if (!r->v[i].weight || r->v[i].skipped)
			continue;
		if (best == NONE || worth(r, i) > worth(r, best))
			best = i;
	}
	return best;
}

static size_t weigh_and_choose(struct range *r)
{
	size_t best;

	if (r->n <= BITS_MAX) {
		weigh_all(r);
		return choose_candidate(r);
	}
	weigh_first_parents(r);
	best = choose_candidate(r);
	/* All of the first parents were skipped: any other, then. */
	for (size_t i = r->n / 2; best == NONE && i + 1 < r->n; i++)
		best = r->v[i].skipped ? NONE : i;
	for (size_t i = r->n / 2; best == NONE && i-- > 0;)
		best = r->v[i].skipped ? NONE : i;
	return best;
}

static void list_left(const struct range *r, struct tree_halved *out)
{
	char hex[GIT_OID_HEXSZ + 1];

	for (size_t i = 0; i < r->n; i++) {
		git_commit *commit = NULL;
		const char *subject = NULL;

		if (!git_commit_lookup(&commit, r->repo, &r->v[i].id))
			subject = git_commit_summary(commit);
		strv_add(&out->left,
			 git_oid_tostr(hex, sizeof(hex), &r->v[i].id));
		strv_add(&out->subjects, subject ? subject : "");
		git_commit_free(commit);
	}
}

static int halve_range(struct range *r, struct tree_halved *out,
		       const struct strv *good, const char *bad,
		       const struct strv *skipped, struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	int ret = list_range(r, good, bad, err);
	size_t best;

	if (ret)
		return ret;
	index_range(r);
	ret = read_parents(r, err);
	if (ret)
		return ret;
	mark_skipped(r, skipped);
	out->between = r->n;
	best = weigh_and_choose(r);
	if (best == NONE)
		list_left(r, out);
	else
		out->next = xstrdup(
			git_oid_tostr(hex, sizeof(hex), &r->v[best].id));
	return 0;
}

int tree_halve(struct tree_halved *out, const char *tree,
	       const struct strv *good, const char *bad,
	       const struct strv *skipped, struct err *err)
{
	struct range r = { 0 };
	struct tree_home home;
	int ret;

	*out = (struct tree_halved){ 0 };
	tree_git_init();
	ret = tree_home_open(&home, tree, TREE_READ, err);
	if (!ret) {
		ret = git_repository_open(&r.repo, home.repository);
		if (ret)
			ret = tree_git_failed(err, ret, "%s", home.repository);
	}
	if (!ret)
		ret = halve_range(&r, out, good, bad, skipped, err);
	for (size_t i = 0; i < r.n; i++)
		free(r.v[i].parents);
	free(r.v);
	free(r.nodes);
	map_release(&r.ids);
	git_repository_free(r.repo);
	tree_home_release(&home);
	git_libgit2_shutdown();
	return ret;
}

void tree_halved_release(struct tree_halved *h)
{
	free(h->next);
	strv_release(&h->left);
	strv_release(&h->subjects);
	*h = (struct tree_halved){ 0 };
}
