/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/bisect.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/vec.h"
#include "tree/datadir.h"
#include "tree/git.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Ancestors are counted with a bitmap for each candidate.  The bitmaps of
 * BITS_MAX candidates take 32 MB.  In a range of more candidates, ancestors are
 * counted only for the commits on the first-parent chain of the bad commit, and
 * one of these commits is chosen.  After a few such steps, the range has at
 * most BITS_MAX candidates.
 */

#define BITS_MAX        16384
#define NONE            SIZE_MAX
#define TERMS_BYTES_MAX 4096

struct candidate {
	git_oid id;
	/* indexes of the parents that are candidates, in parent order */
	size_t *parents;
	size_t n_parents;
	bool has_first_parent; /* parents[0] is the first parent */
	/* number of candidates among the commit and its ancestors */
	size_t n_ancestors;
	bool skipped, visited;
};

struct candidate_entry {
	struct map_entry entry;
	size_t index;
};

struct range {
	git_repository *repo;
	/* Parents precede children; the last commit is the bad one. */
	struct candidate *commits;
	size_t n_commits;
	struct map ids;
	struct candidate_entry *entries;
};

static uint64_t hash_of_commit(const git_oid *id)
{
	return map_hash(bytes_of(id->id, GIT_OID_RAWSZ));
}

static size_t find_candidate(const struct range *r, const git_oid *id)
{
	struct map_entry *n = map_find(&r->ids, hash_of_commit(id));

	for (; n; n = map_next_match(n)) {
		size_t i = ((struct candidate_entry *)n)->index;

		if (git_oid_equal(&r->commits[i].id, id))
			return i;
	}
	return NONE;
}

static int list_range(struct range *r, const struct strv *good, const char *bad,
		      struct err *err)
{
	git_revwalk *walk = NULL;
	git_oid id;
	int ret = tree_git_parse_id(&id, bad, err), step;

	if (ret)
		return ret;
	ret = git_revwalk_new(&walk, r->repo);
	if (ret)
		return tree_git_set_error(err, ret, "%.12s", bad);
	git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	ret = git_revwalk_push(walk, &id);
	if (ret) {
		ret = tree_git_set_error(err, ret, "%.12s", bad);
		goto out;
	}
	for (size_t i = 0; i < good->n; i++) {
		ret = tree_git_parse_id(&id, good->v[i], err);
		if (ret)
			goto out;
		ret = git_revwalk_hide(walk, &id);
		if (ret) {
			ret = tree_git_set_error(err, ret, "%.12s", good->v[i]);
			goto out;
		}
	}
	while (!(step = git_revwalk_next(&id, walk)))
		VEC_ADD(r->commits, r->n_commits)->id = id;
	if (step != GIT_ITEROVER)
		ret = tree_git_set_error(err, step, "%.12s", bad);
out:
	git_revwalk_free(walk);
	if (!ret && !r->n_commits)
		ret = err_set(err, EINVAL,
			      "the bad commit %.12s is an ancestor of a good "
			      "commit",
			      bad);
	return ret;
}

static int read_parents(struct range *r, struct err *err)
{
	for (size_t i = 0; i < r->n_commits; i++) {
		struct candidate *c = &r->commits[i];
		git_commit *commit;
		unsigned n;
		int ret = git_commit_lookup(&commit, r->repo, &c->id);

		if (ret)
			return tree_git_set_error(err, ret,
						  "cannot read a commit");
		n = git_commit_parentcount(commit);
		for (unsigned p = 0; p < n; p++) {
			size_t at = find_candidate(
				r, git_commit_parent_id(commit, p));

			if (at == NONE)
				continue;
			c->has_first_parent = c->has_first_parent || !p;
			*VEC_ADD(c->parents, c->n_parents) = at;
		}
		git_commit_free(commit);
	}
	return 0;
}

static void count_all_ancestors(struct range *r)
{
	const size_t words = (r->n_commits + 63) / 64;
	uint64_t *bits = xcalloc(r->n_commits * words, sizeof(*bits));

	for (size_t i = 0; i < r->n_commits; i++) {
		struct candidate *c = &r->commits[i];
		uint64_t *own = &bits[i * words];

		own[i / 64] |= UINT64_C(1) << (i % 64);
		for (size_t p = 0; p < c->n_parents; p++) {
			const uint64_t *of = &bits[c->parents[p] * words];

			for (size_t w = 0; w < words; w++)
				own[w] |= of[w];
		}
		for (size_t w = 0; w < words; w++)
			c->n_ancestors += (size_t)__builtin_popcountll(own[w]);
	}
	free(bits);
}

/* Count `from` and those of its ancestors that no earlier call has counted. */
static size_t count_unvisited(struct range *r, size_t from)
{
	size_t *stack = NULL, n = 0, count = 0;

	*VEC_ADD(stack, n) = from;
	while (n) {
		struct candidate *c = &r->commits[stack[--n]];

		if (c->visited)
			continue;
		c->visited = true;
		count++;
		for (size_t p = 0; p < c->n_parents; p++)
			*VEC_ADD(stack, n) = c->parents[p];
	}
	free(stack);
	return count;
}

/*
 * Set n_ancestors of the commits on the first-parent chain.  The n_ancestors of
 * all other commits remains 0.
 */
static void count_linear_ancestors(struct range *r)
{
	size_t *chain = NULL, n = 0, at = r->n_commits - 1, sum = 0;

	for (;;) {
		*VEC_ADD(chain, n) = at;
		if (!r->commits[at].has_first_parent)
			break;
		at = r->commits[at].parents[0];
	}
	while (n) {
		at = chain[--n];
		sum += count_unvisited(r, at);
		r->commits[at].n_ancestors = sum;
	}
	free(chain);
}

/*
 * Return the number of candidates that a test of commit `i` excludes in the
 * worse of its two outcomes, good and bad.
 */
static size_t min_excluded(const struct range *r, size_t i)
{
	size_t w = r->commits[i].n_ancestors;

	return w < r->n_commits - w ? w : r->n_commits - w;
}

static size_t choose_candidate(const struct range *r)
{
	size_t best = NONE;

	for (size_t i = 0; i + 1 < r->n_commits; i++) {
		if (!r->commits[i].n_ancestors || r->commits[i].skipped)
			continue;
		if (best == NONE || min_excluded(r, i) > min_excluded(r, best))
			best = i;
	}
	return best;
}

static size_t weigh_and_choose(struct range *r)
{
	size_t best;

	if (r->n_commits <= BITS_MAX) {
		count_all_ancestors(r);
		return choose_candidate(r);
	}
	count_linear_ancestors(r);
	best = choose_candidate(r);
	/*
	 * If the first-parent chain contains no commit to test, choose a commit
	 * near the middle of the range.
	 */
	for (size_t i = r->n_commits / 2; best == NONE && i + 1 < r->n_commits;
	     i++)
		best = r->commits[i].skipped ? NONE : i;
	for (size_t i = r->n_commits / 2; best == NONE && i-- > 0;)
		best = r->commits[i].skipped ? NONE : i;
	return best;
}

static void list_candidates(const struct range *r, struct tree_bisect_step *out)
{
	char hex[GIT_OID_HEXSZ + 1];

	for (size_t i = 0; i < r->n_commits; i++) {
		git_commit *commit = NULL;
		const char *subject = NULL;

		if (!git_commit_lookup(&commit, r->repo, &r->commits[i].id))
			subject = git_commit_summary(commit);
		strv_add(&out->candidates,
			 git_oid_tostr(hex, sizeof(hex), &r->commits[i].id));
		strv_add(&out->subjects, subject ? subject : "");
		git_commit_free(commit);
	}
}

static int bisect_range(struct range *r, struct tree_bisect_step *out,
			const struct strv *good, const char *bad,
			const struct strv *skipped, struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	int ret = list_range(r, good, bad, err);
	size_t best;
	git_oid id;

	if (ret)
		return ret;
	r->entries = xcalloc(r->n_commits, sizeof(*r->entries));
	for (size_t i = 0; i < r->n_commits; i++) {
		r->entries[i].index = i;
		map_add(&r->ids, &r->entries[i].entry,
			hash_of_commit(&r->commits[i].id));
	}
	ret = read_parents(r, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < skipped->n; i++) {
		size_t at = git_oid_fromstr(&id, skipped->v[i]) ?
				    NONE :
				    find_candidate(r, &id);

		if (at != NONE)
			r->commits[at].skipped = true;
	}
	out->n_candidates = r->n_commits;
	best = weigh_and_choose(r);
	if (best == NONE)
		list_candidates(r, out);
	else
		out->next = xstrdup(
			git_oid_tostr(hex, sizeof(hex), &r->commits[best].id));
	return 0;
}

int tree_bisect_choose(struct tree_bisect_step *out, const char *tree,
		       const struct strv *good, const char *bad,
		       const struct strv *skipped, struct err *err)
{
	struct range r = { 0 };
	struct tree_datadir home;
	int ret;

	*out = (struct tree_bisect_step){ 0 };
	tree_git_init();
	ret = tree_datadir_open(&home, tree, TREE_LOCK_READ, err);
	if (!ret) {
		ret = git_repository_open(&r.repo, home.repository);
		if (ret)
			ret = tree_git_set_error(err, ret, "%s",
						 home.repository);
	}
	if (!ret)
		ret = bisect_range(&r, out, good, bad, skipped, err);
	for (size_t i = 0; i < r.n_commits; i++)
		free(r.commits[i].parents);
	free(r.commits);
	free(r.entries);
	map_release(&r.ids);
	git_repository_free(r.repo);
	tree_datadir_release(&home);
	git_libgit2_shutdown();
	return ret;
}

void tree_bisect_step_release(struct tree_bisect_step *h)
{
	free(h->next);
	strv_release(&h->candidates);
	strv_release(&h->subjects);
	*h = (struct tree_bisect_step){ 0 };
}

/*
 * Return the prefix of the references of good commits, such as "good-".  The
 * second line of BISECT_TERMS is the user's word for "good"; see --term-good in
 * git-bisect(1).  The caller frees the result.
 */
static char *good_prefix(const char *git_dir)
{
	char *path = xasprintf("%sBISECT_TERMS", git_dir), *prefix;
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	if (!fs_read(path, TERMS_BYTES_MAX, &text, &ignored))
		strv_split(&lines, buf_str(&text), "\n");
	prefix = xasprintf("%s-", lines.n > 1 ? lines.v[1] : "good");
	strv_release(&lines);
	buf_release(&text);
	free(path);
	return prefix;
}

static bool read_bisect_state(const char *dir, unsigned flags,
			      struct strv *good)
{
	git_repository *repo = NULL;
	struct strv names = { 0 };
	char *refs, *prefix = NULL;
	bool yes;

	tree_git_init();
	/*
	 * git_repository_state() reports a merge or cherry-pick that is not
	 * committed, such as a hot fix for the revision, but not the bisection.
	 */
	yes = !git_repository_open_ext(&repo, dir, flags, NULL) &&
	      fs_exists_in(git_repository_path(repo), "BISECT_LOG");
	if (yes && good) {
		/* Each worktree has its own refs/bisect. */
		refs = xasprintf("%srefs/bisect", git_repository_path(repo));
		fs_list(refs, &names);
		free(refs);
		prefix = good_prefix(git_repository_path(repo));
	}
	for (size_t i = 0; i < names.n; i++) {
		if (str_starts(names.v[i], prefix))
			strv_add(good, names.v[i] + strlen(prefix));
	}
	free(prefix);
	strv_release(&names);
	git_repository_free(repo);
	git_libgit2_shutdown();
	return yes;
}

bool tree_bisect_is_active(const char *dir)
{
	return read_bisect_state(dir, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
}

bool tree_bisect_list_good(const char *dir, struct strv *good)
{
	return read_bisect_state(dir, 0, good);
}
