/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/refs.h"

#include "base/str.h"
#include "tree/git.h"

#include <errno.h>
#include <git2/sys/repository.h>
#include <stdlib.h>
#include <string.h>

#define REASON "kfarm tree"

static bool has_reference(git_repository *repo, const char *name)
{
	git_oid id;

	return !git_reference_name_to_id(&id, repo, name);
}

/* refs/remotes/REMOTE/BRANCH; the caller frees it. */
static char *tracking_name(const char *remote, const char *branch)
{
	return xasprintf("refs/remotes/%s/%s", remote, branch);
}

/* The first branch of the remote that there is; NULL: none. */
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

/* The name of the branch that HEAD is to be, without refs/heads/. */
static char *choose_head(git_repository *repo, const char *remote,
			 const char *head)
{
	const char *wanted[] = { head ? head + strlen("refs/heads/") : NULL,
				 "main", "master" };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		char *name;
		bool is;

		if (!wanted[i])
			continue;
		name = tracking_name(remote, wanted[i]);
		is = has_reference(repo, name);
		free(name);
		if (is)
			return xstrdup(wanted[i]);
	}
	return first_branch(repo, remote);
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

static int set_direct(git_repository *repo, const char *name, const git_oid *id)
{
	git_reference *made = NULL;
	git_oid now;
	int ret;

	if (!git_reference_name_to_id(&now, repo, name) &&
	    git_oid_equal(&now, id))
		return 0;
	ret = git_reference_create(&made, repo, name, id, 1, REASON);
	git_reference_free(made);
	return ret;
}

/* The branch that HEAD was, when it is another now. */
static void remove_old_head(git_repository *repo, const char *now)
{
	git_reference *head = NULL;
	const char *was;

	if (!git_reference_lookup(&head, repo, "HEAD") &&
	    (was = git_reference_symbolic_target(head)) &&
	    strcmp(was, now) != 0)
		git_reference_remove(repo, was);
	git_reference_free(head);
}

int tree_refs_follow_head(git_repository *repo, const char *remote,
			  const char *head, struct err *err)
{
	char *branch = choose_head(repo, remote, head);
	char *own, *tracking, *remote_head;
	git_oid id;
	int ret = 0;

	if (!branch)
		return err_set(err, ENOENT, "there is no branch to be fetched");
	own = xasprintf("refs/heads/%s", branch);
	tracking = tracking_name(remote, branch);
	remote_head = tracking_name(remote, "HEAD");
	remove_old_head(repo, own);
	if (set_symbolic(repo, remote_head, tracking) ||
	    git_reference_name_to_id(&id, repo, tracking) ||
	    set_direct(repo, own, &id) || set_symbolic(repo, "HEAD", own))
		ret = tree_git_failed(err, -1, "HEAD");
	free(remote_head);
	free(tracking);
	free(own);
	free(branch);
	return ret;
}

/* --------------------------------------------------------------- mirror */

static bool is_mirrored(const char *name, bool remotes)
{
	return str_starts(name, "refs/heads/") ||
	       str_starts(name, "refs/tags/") ||
	       (remotes && str_starts(name, "refs/remotes/"));
}

/* Symbolic ones are made at once, the others put into the set. */
static int mirror_one(struct tree_refset *set, git_repository *to,
		      git_repository *from, const git_reference *ref)
{
	const char *name = git_reference_name(ref);
	git_oid id;

	if (git_reference_type(ref) == GIT_REFERENCE_SYMBOLIC &&
	    str_starts(name, "refs/remotes/"))
		return set_symbolic(to, name,
				    git_reference_symbolic_target(ref));
	if (!git_reference_name_to_id(&id, from, name))
		tree_refset_put(set, name, &id);
	return 0;
}

/* Also one that is a commit, not a branch. */
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

int tree_refs_mirror(git_repository *to, git_repository *from, bool remotes,
		     struct tree_worker *w, struct tree_changes *changes,
		     struct err *err)
{
	git_reference_iterator *all = NULL;
	struct tree_refset set;
	git_reference *ref;
	uint64_t n = 0;
	int failed, ret = tree_refset_read(&set, to, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < set.n; i++)
		set.v[i].keep = !str_starts(set.v[i].name, "refs/heads/");
	failed = git_reference_iterator_new(&all, from);
	while (!failed && !(failed = git_reference_next(&ref, all))) {
		if (is_mirrored(git_reference_name(ref), remotes))
			failed = mirror_one(&set, to, from, ref);
		git_reference_free(ref);
		tree_worker_progress(w, TREE_BRANCHES, ++n, 0);
	}
	git_reference_iterator_free(all);
	if (failed == GIT_ITEROVER)
		ret = tree_refset_write(&set, to, changes, err);
	if (!ret && failed == GIT_ITEROVER)
		failed = mirror_head(to, from);
	if (!ret && failed)
		ret = tree_git_failed(err, failed, "branches of %s",
				      git_repository_path(from));
	tree_refset_release(&set);
	return ret;
}
