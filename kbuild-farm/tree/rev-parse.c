/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/rev-parse.h"

#include "base/spellcheck.h"
#include "base/str.h"
#include "base/url.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ABBREVIATED 12

/*
 * Return the name of a tag of this commit or, if it has no tag, the first
 * digits of its id.  Tags of ancestors are ignored, because finding them
 * requires a walk through the history.  The caller frees the result.
 */
static char *describe_commit(git_commit *commit, const char *hex)
{
	git_describe_options find;
	git_describe_format_options form;
	git_describe_result *found = NULL;
	git_buf text = { 0 };
	char *out = NULL;

	git_describe_options_init(&find, GIT_DESCRIBE_OPTIONS_VERSION);
	git_describe_format_options_init(&form,
					 GIT_DESCRIBE_FORMAT_OPTIONS_VERSION);
	find.max_candidates_tags = 0;
	find.describe_strategy = GIT_DESCRIBE_TAGS;
	if (!git_describe_commit(&found, (git_object *)commit, &find) &&
	    !git_describe_format(&text, found, &form))
		out = xstrdup(text.ptr);
	git_buf_dispose(&text);
	git_describe_result_free(found);
	return out ? out : xstrndup(hex, ABBREVIATED);
}

static bool read_head(struct tree_rev *r, git_repository *repo)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_reference *head = NULL;
	git_commit *commit = NULL;
	git_config *config = NULL;
	git_object *at = NULL;
	const char *url;
	bool ok = false;

	if (git_repository_head(&head, repo) ||
	    git_reference_peel(&at, head, GIT_OBJECT_COMMIT))
		goto out;
	commit = (git_commit *)at;
	git_oid_tostr(hex, sizeof(hex), git_commit_id(commit));
	r->time_s = git_commit_time(commit);
	r->commit = xstrdup(hex);
	r->describe = describe_commit(commit, hex);
	/*
	 * Read the configuration directly, because git_remote_lookup() of
	 * libgit2 1.5 leaks its regular expressions.
	 */
	if (!git_repository_config_snapshot(&config, repo) &&
	    !git_config_get_string(&url, config, "remote.origin.url"))
		r->url = url_redact(url);
	if (git_reference_is_branch(head))
		r->branch = xstrdup(git_reference_shorthand(head));
	ok = true;
out:
	git_config_free(config);
	git_object_free(at);
	git_reference_free(head);
	return ok;
}

int tree_rev_read(struct tree_rev *r, const char *dir, struct err *err)
{
	git_repository *repo = NULL;
	struct stat st;
	char *makefile;
	bool found;
	int ret = 0;

	*r = (struct tree_rev){ 0 };
	tree_git_init();
	found = !git_repository_open_ext(&repo, dir,
					 GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) &&
		read_head(r, repo);
	git_repository_free(repo);
	git_libgit2_shutdown();
	if (found)
		return 0;
	makefile = xasprintf("%s/Makefile", dir);
	if (stat(makefile, &st))
		ret = err_errno(err, "%s", makefile);
	else
		r->time_s = st.st_mtime;
	free(makefile);
	return ret;
}

void tree_rev_release(struct tree_rev *r)
{
	free(r->commit);
	free(r->branch);
	free(r->describe);
	free(r->url);
	*r = (struct tree_rev){ 0 };
}

#define REMOTES "refs/remotes/"

/* Return the length of the reference name at the start of a revision. */
static size_t rev_name_length(const char *rev)
{
	return strcspn(rev, "~^@:");
}

/* Return the short form of a reference's name. */
static const char *short_name(const char *ref)
{
	static const char *const heads[] = { "refs/heads/", "refs/tags/",
					     REMOTES };

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		if (str_starts(ref, heads[i]))
			return ref + strlen(heads[i]);
	}
	return ref;
}

/*
 * If exactly one remote has the branch `rev`, set *out to "REMOTE/REV", which
 * the caller frees; otherwise leave *out unchanged.  Returns 0, or -EINVAL if
 * several remotes have the branch.
 */
static int find_in_remotes(git_repository *repo, const char *rev, char **out,
			   struct err *err)
{
	char *name = xstrndup(rev, rev_name_length(rev));
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
		ret = err_set(err, EINVAL, "%s is ambiguous: %s; specify one",
			      name, list);
	else if (found.n)
		*out = xasprintf("%s%s", found.v[0], rev + strlen(name));
	git_strarray_dispose(&all);
	strv_release(&found);
	free(list);
	free(tail);
	free(name);
	return ret;
}

static int suggest_revision(git_repository *repo, const char *rev,
			    struct err *err)
{
	char *name = xstrndup(rev, rev_name_length(rev)), *question;
	git_strarray all = { 0 };
	struct spellcheck n;

	git_reference_list(&all, repo);
	spellcheck_init(&n, name);
	for (size_t i = 0; i < all.count; i++) {
		const char *known = short_name(all.strings[i]);
		const char *slash = strchr(known, '/');

		spellcheck_add(&n, known);
		if (slash && str_starts(all.strings[i], REMOTES))
			spellcheck_add(&n, slash + 1);
	}
	question = spellcheck_suggestion(&n, "", TREE_REV_PARSE_ADVICE);
	err_set(err, ENOENT, "unknown revision \"%s\"%s", rev, question);
	git_strarray_dispose(&all);
	free(question);
	free(name);
	return -ENOENT;
}

static int parse_revision(git_repository *repo, const char *rev,
			  git_object **at, git_reference **ref, struct err *err)
{
	/* libgit2 1.5 does not parse "@~1" and "@^". */
	bool is_head = rev[0] == '@' && (rev[1] == '~' || rev[1] == '^');
	char *name = xasprintf("%s%s", is_head ? "HEAD" : "", rev + is_head);
	git_strarray all = { 0 };
	char *remote = NULL;
	bool any;
	int ret = git_revparse_ext(at, ref, repo, name);

	free(name);
	/* libgit2 reports a hash prefix that is too short as ambiguous. */
	if (ret == GIT_EAMBIGUOUS &&
	    rev_name_length(rev) < GIT_OID_MINPREFIXLEN)
		ret = GIT_ENOTFOUND;
	if (ret == GIT_ENOTFOUND && !strcmp(rev, "HEAD")) {
		any = !git_reference_list(&all, repo) && all.count;
		git_strarray_dispose(&all);
		return err_set(err, ENOENT,
			       any ? "HEAD does not point to a commit; specify "
				     "a revision with --rev" :
				     "the repository has no commits");
	}
	if (ret == GIT_ENOTFOUND) {
		ret = find_in_remotes(repo, rev, &remote, err);
		if (!ret && remote)
			ret = git_revparse_ext(at, ref, repo, remote);
		else if (!ret)
			ret = GIT_ENOTFOUND;
		free(remote);
		if (ret == -EINVAL)
			return ret;
	}
	if (ret == GIT_ENOTFOUND)
		return suggest_revision(repo, rev, err);
	if (ret == GIT_EAMBIGUOUS)
		return err_set(err, EINVAL,
			       "\"%s\" is ambiguous: several objects match; "
			       "use more digits",
			       rev);
	if (ret == GIT_EINVALIDSPEC)
		return err_set(err, EINVAL, "\"%s\" is not a valid revision",
			       rev);
	return ret ? tree_git_set_error(err, ret, "%s", rev) : 0;
}

int tree_rev_parse(struct tree_rev_parsed *out, git_repository *repo,
		   const char *rev, struct err *err)
{
	git_object *at = NULL, *commit = NULL;
	git_reference *ref = NULL, *end = NULL;
	int ret;

	*out = (struct tree_rev_parsed){ 0 };
	rev = rev ? rev : "HEAD";
	ret = parse_revision(repo, rev, &at, &ref, err);
	if (!ret && git_object_peel(&commit, at, GIT_OBJECT_COMMIT))
		ret = err_set(err, EINVAL,
			      "\"%s\": expected a commit, got a %s", rev,
			      git_object_type2string(git_object_type(at)));
	if (!ret) {
		out->commit = *git_object_id(commit);
		if (!rev[rev_name_length(rev)] && ref &&
		    !git_reference_resolve(&end, ref) &&
		    (git_reference_is_branch(end) ||
		     git_reference_is_remote(end)))
			out->branch = xstrdup(git_reference_shorthand(end));
	}
	git_reference_free(end);
	git_object_free(commit);
	git_object_free(at);
	git_reference_free(ref);
	return ret;
}
