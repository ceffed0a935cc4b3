/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/refs.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <fnmatch.h>
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>

/*
 * tree_ref_names_list() reads the files of gitrepository-layout(5) directly,
 * because shell completion must not wait for libgit2, which takes 0.2 s to open
 * 100,000 packed references.
 */

#define PACKED_MAX     (256u << 20)
#define NAME_DEPTH_MAX 8 /* directories in a name */

static const char *const kinds[] = { "refs/heads/", "refs/remotes/",
				     "refs/tags/" };

struct name_search {
	const char *prefix;
	size_t prefix_len, most;
	struct strv *out;
};

static void add_if_prefixed(const struct name_search *s, const char *name,
			    size_t len)
{
	if (s->out->n >= s->most || len < s->prefix_len ||
	    memcmp(name, s->prefix, s->prefix_len) ||
	    (len >= 5 && !memcmp(name + len - 5, "/HEAD", 5)))
		return;
	strv_own(s->out, xstrndup(name, len));
}

/*
 * Match a line of packed-refs, such as "OID refs/tags/v6.1".  Skip comments
 * ("# ...") and peeled tags ("^OID").
 */
static void match_packed_line(const struct name_search *s, const char *line,
			      size_t len)
{
	const char *name = memchr(line, ' ', len);

	if (!name || line[0] == '#')
		return;
	name++;
	len -= (size_t)(name - line);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i]);

		if (len > n && !memcmp(name, kinds[i], n))
			add_if_prefixed(s, name + n, len - n);
	}
}

static void list_packed(const struct name_search *s, const char *path)
{
	char *file = xasprintf("%s/packed-refs", path);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(file, PACKED_MAX, &text, &ignored)) {
		const char *line = buf_str(&text), *end = line + text.len;

		while (line < end) {
			const char *stop = memchr(line, '\n',
						  (size_t)(end - line));
			size_t n = (size_t)((stop ? stop : end) - line);

			match_packed_line(s, line, n);
			line += n + 1;
		}
	}
	buf_release(&text);
	free(file);
}

/* Return true if a name that begins with `name` can match the prefix. */
static bool can_match_prefix(const struct name_search *s, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(name, s->prefix, n < s->prefix_len ? n : s->prefix_len);
}

/* List references in separate files below DIR/NAME; `name` ends in a slash. */
static void list_loose(const struct name_search *s, const char *dir,
		       const char *name, int depth)
{
	char *path = xasprintf("%s%s", dir, name);
	struct strv entries = { 0 };

	fs_list(path, &entries);
	for (size_t i = 0; i < entries.n && s->out->n < s->most; i++) {
		char *whole = xasprintf("%s%s", name, entries.v[i]);
		char *entry = xasprintf("%s%s", dir, whole);
		char *below = xasprintf("%s/", whole);

		if (!can_match_prefix(s, whole))
			;
		else if (!fs_is_dir(entry))
			add_if_prefixed(s, whole, strlen(whole));
		else if (depth < NAME_DEPTH_MAX)
			list_loose(s, dir, below, depth + 1);
		free(below);
		free(entry);
		free(whole);
	}
	strv_release(&entries);
	free(path);
}

void tree_ref_names_list(const char *path, const char *prefix, size_t max,
			 struct strv *out)
{
	struct name_search s = { prefix, strlen(prefix), out->n + max, out };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *dir = xasprintf("%s/%s", path, kinds[i]);

		list_loose(&s, dir, "", 0);
		free(dir);
	}
	list_packed(&s, path);
}

#define REASON "kfarm tree"

/* Return refs/remotes/REMOTE/BRANCH, which the caller frees. */
static char *tracking_name(const char *remote, const char *branch)
{
	return xasprintf("refs/remotes/%s/%s", remote, branch);
}

/* Return the first branch that the remote has, or NULL. */
static char *first_branch(git_repository *repo, const char *remote)
{
	char *glob = xasprintf("refs/remotes/%s/*", remote), *out = NULL;
	git_reference_iterator *all = NULL;
	size_t n = strlen(glob) - 1;
	const char *name;

	if (!git_reference_iterator_glob_new(&all, repo, glob)) {
		while (!out && !git_reference_next_name(&name, all)) {
			if (strcmp(name + n, "HEAD") != 0)
				out = xstrdup(name + n);
		}
	}
	git_reference_iterator_free(all);
	free(glob);
	return out;
}

bool tree_refs_has_branch(git_repository *repo, const char *remote)
{
	char *branch = first_branch(repo, remote);
	bool has = branch != NULL;

	free(branch);
	return has;
}

/* Return the branch for HEAD (without "refs/heads/"), or NULL. */
static char *choose_head(git_repository *repo, const char *remote,
			 const char *head, const char *present)
{
	size_t skip = strlen("refs/heads/");
	const char *wanted[] = { head ? head + skip : NULL,
				 present ? present + skip : NULL, "main",
				 "master" };
	git_oid id;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char *name;
		bool exists;

		if (!wanted[i])
			continue;
		name = tracking_name(remote, wanted[i]);
		exists = !git_reference_name_to_id(&id, repo, name);
		free(name);
		if (exists)
			return xstrdup(wanted[i]);
	}
	return first_branch(repo, remote);
}

/* Return the name of the branch that HEAD names if it exists, else NULL. */
static char *present_head(git_repository *repo)
{
	git_reference *head = NULL;
	char *out = NULL;

	if (git_repository_head_detached(repo) != 1 &&
	    !git_repository_head(&head, repo) && git_reference_is_branch(head))
		out = xstrdup(git_reference_name(head));
	git_reference_free(head);
	return out;
}

static int set_symbolic(git_repository *repo, const char *name,
			const char *target)
{
	git_reference *made = NULL;
	int ret = git_reference_symbolic_create(&made, repo, name, target, 1,
						REASON);

	git_reference_free(made);
	return ret;
}

/* Set refs/heads/BRANCH, HEAD and the remote's HEAD to the remote's branch. */
static int set_head(git_repository *repo, const char *remote,
		    const char *branch)
{
	char *own = xasprintf("refs/heads/%s", branch);
	char *tracking = tracking_name(remote, branch);
	char *remote_head = tracking_name(remote, "HEAD");
	git_reference *made = NULL;
	git_oid id, now;
	int ret = set_symbolic(repo, remote_head, tracking);

	if (!ret)
		ret = git_reference_name_to_id(&id, repo, tracking);
	/* Do not write a reference that already has this value. */
	if (!ret && (git_reference_name_to_id(&now, repo, own) ||
		     !git_oid_equal(&now, &id)))
		ret = git_reference_create(&made, repo, own, &id, 1, REASON);
	git_reference_free(made);
	if (!ret)
		ret = set_symbolic(repo, "HEAD", own);
	free(remote_head);
	free(tracking);
	free(own);
	return ret;
}

int tree_refs_follow_head(git_repository *repo, const char *tree,
			  const char *head, const git_oid *id,
			  struct tree_worker *w, struct err *err)
{
	static const char remote[] = "origin";
	char *present = present_head(repo), *branch = NULL;
	git_commit *commit = NULL;
	bool is_new = !present && git_repository_head_detached(repo) != 1;
	bool changed;
	int ret;

	if (!head && !git_oid_is_zero(id))
		git_commit_lookup(&commit, repo, id);
	if (!commit)
		branch = choose_head(repo, remote, head, present);
	if (!commit && !branch) {
		free(present);
		return err_set(err, ENOENT, "no branch to fetch");
	}
	/* Remove the branch that HEAD named before. */
	changed = !present ||
		  !str_equal(present + strlen("refs/heads/"), branch);
	if (present && changed)
		git_reference_remove(repo, present);
	if (branch && changed && (!is_new || !head) &&
	    !(head && !strcmp(head + strlen("refs/heads/"), branch)))
		tree_worker_report_note(
			w,
			"%s: the server's HEAD names no branch of the tree; "
			"the tree's HEAD is now %s",
			tree, branch);
	ret = branch ? set_head(repo, remote, branch) :
		       git_repository_set_head_detached(repo, id);
	git_commit_free(commit);
	free(branch);
	free(present);
	return ret ? tree_git_set_error(err, -1, "HEAD") : 0;
}

static bool is_mirrored(const char *name)
{
	return str_starts(name, "refs/heads/") ||
	       str_starts(name, "refs/tags/") ||
	       str_starts(name, "refs/remotes/");
}

static bool is_fetched(const char *name, const struct strv *fetched)
{
	for (size_t i = 0; fetched && i < fetched->n; i++) {
		if (!fnmatch(fetched->v[i], name, 0))
			return true;
	}
	return false;
}

/*
 * Copy the symbolic references below refs/remotes/ from `from` to `to`, and
 * remove those that `from` does not have.  Skip references that match
 * `fetched`.  Call this function after the commit of the transaction.  If
 * `from` has "a/HEAD" where `to` had "a", "a/HEAD" cannot be created before the
 * commit has removed "a".
 */
static int mirror_symbolic(git_repository *to, git_repository *from,
			   const struct strv *fetched)
{
	git_repository *const sides[] = { to, from };
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(sides); i++) {
		git_reference_iterator *all = NULL;
		git_reference *ref, *other;

		ret = git_reference_iterator_glob_new(&all, sides[i],
						      "refs/remotes/*");
		while (!ret && !(ret = git_reference_next(&ref, all))) {
			const char *name = git_reference_name(ref);

			if (git_reference_type(ref) != GIT_REFERENCE_SYMBOLIC ||
			    is_fetched(name, fetched))
				;
			else if (sides[i] == from)
				ret = set_symbolic(
					to, name,
					git_reference_symbolic_target(ref));
			else if (git_reference_lookup(&other, from, name))
				ret = git_reference_delete(ref);
			else
				git_reference_free(other);
			git_reference_free(ref);
		}
		git_reference_iterator_free(all);
		ret = ret == GIT_ITEROVER ? 0 : ret;
	}
	return ret;
}

/*
 * Resolve a reference of `from` and add it to the transaction.  If a fetch into
 * `to` also updates the reference, add only an update that moves an existing
 * branch forward, and leave all other updates to the fetch.  Otherwise, the
 * values of the clone and of the server would alternate, and each update of the
 * tree would report a change.
 */
static int mirror_one(struct tree_ref_transaction *set, git_repository *to,
		      git_repository *from, const git_reference *ref,
		      const struct strv *fetched)
{
	const char *name = git_reference_name(ref);
	const struct tree_ref *was;
	git_oid id;

	if ((git_reference_type(ref) == GIT_REFERENCE_SYMBOLIC &&
	     str_starts(name, "refs/remotes/")) ||
	    git_reference_name_to_id(&id, from, name))
		return 0;
	if (is_fetched(name, fetched)) {
		was = tree_ref_transaction_find(set, name);
		if (!was || str_starts(name, "refs/tags/") ||
		    git_oid_equal(&was->id, &id) ||
		    git_graph_descendant_of(to, &id, &was->id) != 1)
			return 0;
	}
	tree_ref_transaction_update(set, name, &id);
	return 0;
}

/* Copy HEAD of `from`, which names a branch or a commit. */
static int mirror_head(git_repository *to, git_repository *from)
{
	git_reference *head = NULL;
	int ret = git_reference_lookup(&head, from, "HEAD");

	if (!ret && git_reference_type(head) == GIT_REFERENCE_SYMBOLIC)
		ret = set_symbolic(to, "HEAD",
				   git_reference_symbolic_target(head));
	else if (!ret)
		ret = git_repository_set_head_detached(
			to, git_reference_target(head));
	git_reference_free(head);
	return ret;
}

int tree_refs_mirror(git_repository *to, git_repository *from,
		     const struct strv *fetched, struct tree_worker *w,
		     struct tree_ref_changes *changes, struct err *err)
{
	git_reference_iterator *all = NULL;
	struct tree_ref_transaction set;
	git_reference *ref;
	uint64_t n = 0;
	int failed, ret = tree_ref_transaction_read(&set, to, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < set.n_refs; i++) {
		const char *name = set.refs[i].name;

		set.refs[i].retained = (!str_starts(name, "refs/heads/") &&
					!str_starts(name, "refs/remotes/")) ||
				       is_fetched(name, fetched);
	}
	failed = git_reference_iterator_new(&all, from);
	while (!failed && !(failed = git_reference_next(&ref, all))) {
		if (is_mirrored(git_reference_name(ref)))
			failed = mirror_one(&set, to, from, ref, fetched);
		git_reference_free(ref);
		tree_worker_report_progress(w, TREE_PHASE_BRANCHES, ++n, 0);
	}
	git_reference_iterator_free(all);
	if (failed == GIT_ITEROVER)
		ret = tree_ref_transaction_commit(&set, to, changes, err);
	if (!ret && failed == GIT_ITEROVER)
		failed = mirror_symbolic(to, from, fetched);
	if (!ret && !failed)
		failed = mirror_head(to, from);
	if (!ret && failed)
		ret = tree_git_set_error(err, failed, "branches of %s",
					 git_repository_path(from));
	tree_ref_transaction_release(&set);
	return ret;
}
