/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/find.h"

#include "base/nearest.h"
#include "base/str.h"
#include "tree/git.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REMOTES "refs/remotes/"

/* The name in front of what leads from it to a commit. */
static size_t name_length(const char *rev)
{
	return strcspn(rev, "~^@:");
}

/* As a person writes a reference. */
static const char *short_name(const char *ref)
{
	static const char *const heads[] = { "refs/heads/", "refs/tags/",
					     REMOTES };

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		if (str_starts(ref, heads[i]))
			return ref + strlen(heads[i]);
	}
	return ref;
}

/* "REMOTE/NAME..." for a NAME that only a remote has; NULL: none. */
static int of_a_remote(git_repository *repo, const char *rev, char **out,
		       struct err *err)
{
	char *name = xstrndup(rev, name_length(rev));
	char *tail = xasprintf("/%s", name);
	struct strv found = { 0 };
	git_strarray all = { 0 };
	char *list = NULL;
	int ret = 0;

	git_reference_list(&all, repo);
	for (size_t i = 0; i < all.count; i++) {
		const char *ref = short_name(all.strings[i]);

		if (str_starts(all.strings[i], REMOTES) &&
		    str_equal(strchr(ref, '/'), tail))
			strv_add(&found, ref);
	}
	list = strv_join(&found, ", ");
	if (found.n > 1)
		ret = err_set(err, EINVAL, "%s may be %s: say which", name,
			      list);
	else if (found.n)
		*out = xasprintf("%s%s", found.v[0], rev + strlen(name));
	git_strarray_dispose(&all);
	strv_release(&found);
	free(list);
	free(tail);
	free(name);
	return ret;
}

static int unknown(git_repository *repo, const char *rev, struct err *err)
{
	char *name = xstrndup(rev, name_length(rev)), *question;
	git_strarray all = { 0 };
	struct nearest n;

	git_reference_list(&all, repo);
	nearest_init(&n, name);
	for (size_t i = 0; i < all.count; i++) {
		const char *known = short_name(all.strings[i]);
		const char *slash = strchr(known, '/');

		nearest_try(&n, known);
		if (slash && str_starts(all.strings[i], REMOTES))
			nearest_try(&n, slash + 1);
	}
	question = nearest_question(
		&n, "", "; `kfarm tree update` fetches what is new");
	err_set(err, ENOENT, "no revision \"%s\"%s", rev, question);
	git_strarray_dispose(&all);
	free(question);
	free(name);
	return -ENOENT;
}

static char *branch_of(const git_reference *ref)
{
	git_reference *end = NULL;
	char *out = NULL;

	if (ref && !git_reference_resolve(&end, ref) &&
	    (git_reference_is_branch(end) || git_reference_is_remote(end)))
		out = xstrdup(git_reference_shorthand(end));
	git_reference_free(end);
	return out;
}

static int no_head(git_repository *repo, struct err *err)
{
	git_strarray all = { 0 };
	bool any = !git_reference_list(&all, repo) && all.count;

	git_strarray_dispose(&all);
	return err_set(err, ENOENT,
		       any ? "it has no branch of its own: name a revision "
			     "with --rev" :
			     "there is no commit in it");
}

static int parse_revision(git_repository *repo, const char *rev,
			  git_object **at, git_reference **ref, struct err *err)
{
	char *remote = NULL;
	int ret = git_revparse_ext(at, ref, repo, rev);

	if (ret == GIT_ENOTFOUND && !strcmp(rev, "HEAD"))
		return no_head(repo, err);
	if (ret == GIT_ENOTFOUND) {
		ret = of_a_remote(repo, rev, &remote, err);
		if (!ret && remote)
			ret = git_revparse_ext(at, ref, repo, remote);
		else if (!ret)
			ret = GIT_ENOTFOUND;
		free(remote);
		if (ret == -EINVAL)
			return ret;
	}
	if (ret == GIT_ENOTFOUND)
		return unknown(repo, rev, err);
	if (ret == GIT_EAMBIGUOUS)
		return err_set(err, EINVAL,
			       "\"%s\" means several commits: write more of it",
			       rev);
	if (ret == GIT_EINVALIDSPEC)
		return err_set(err, EINVAL, "\"%s\" is no revision", rev);
	return ret ? tree_git_failed(err, ret, "%s", rev) : 0;
}

int tree_find(struct tree_found *out, git_repository *repo, const char *rev,
	      struct err *err)
{
	git_object *at = NULL, *commit = NULL;
	git_reference *ref = NULL;
	int ret;

	*out = (struct tree_found){ 0 };
	rev = rev ? rev : "HEAD";
	ret = parse_revision(repo, rev, &at, &ref, err);
	if (!ret && git_object_peel(&commit, at, GIT_OBJECT_COMMIT))
		ret = err_set(err, EINVAL, "\"%s\" is no commit but a %s", rev,
			      git_object_type2string(git_object_type(at)));
	if (!ret) {
		out->commit = *git_object_id(commit);
		if (!rev[name_length(rev)])
			out->branch = branch_of(ref);
	}
	git_object_free(commit);
	git_object_free(at);
	git_reference_free(ref);
	return ret;
}

void tree_found_release(struct tree_found *f)
{
	free(f->branch);
	*f = (struct tree_found){ 0 };
}
