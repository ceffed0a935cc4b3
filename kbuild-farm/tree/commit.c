/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/commit.h"

#include "base/str.h"
#include "tree/find.h"
#include "tree/git.h"
#include "tree/home.h"

#include <errno.h>
#include <stdlib.h>

#define ABBREVIATED 12

/* A tree that is looked into. */
struct looked {
	struct tree_home home;
	git_repository *repo;
};

static int open_tree(struct looked *l, const char *tree, struct err *err)
{
	int ret;

	*l = (struct looked){ 0 };
	tree_git_init();
	ret = tree_home_open(&l->home, tree, TREE_READ, err);
	if (ret)
		return ret;
	ret = git_repository_open(&l->repo, l->home.repository);
	return ret ? tree_git_failed(err, ret, "%s", l->home.repository) : 0;
}

static void close_tree(struct looked *l)
{
	git_repository_free(l->repo);
	tree_home_release(&l->home);
	git_libgit2_shutdown();
}

int tree_commit_find(struct tree_commit *out, const char *tree, const char *rev,
		     struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	struct tree_found found = { 0 };
	git_commit *commit = NULL;
	struct looked l;
	const char *subject;
	int ret = open_tree(&l, tree, err);

	*out = (struct tree_commit){ 0 };
	if (!ret) {
		ret = tree_find(&found, l.repo, rev, err);
		if (ret)
			err_wrap(err, "tree %s", tree);
	}
	if (!ret && git_commit_lookup(&commit, l.repo, &found.commit))
		ret = tree_git_failed(err, -1, "tree %s", tree);
	if (!ret) {
		subject = git_commit_summary(commit);
		out->id = xstrdup(
			git_oid_tostr(hex, sizeof(hex), &found.commit));
		out->subject = xstrdup(subject ? subject : "");
	}
	git_commit_free(commit);
	tree_found_release(&found);
	close_tree(&l);
	return ret;
}

void tree_commit_release(struct tree_commit *c)
{
	free(c->id);
	free(c->subject);
	*c = (struct tree_commit){ 0 };
}

static char *describe_in(git_repository *repo, const char *id)
{
	git_describe_options find;
	git_describe_format_options form;
	git_describe_result *found = NULL;
	git_object *commit = NULL;
	git_buf text = { 0 };
	char *out = NULL;

	git_describe_options_init(&find, GIT_DESCRIBE_OPTIONS_VERSION);
	git_describe_format_options_init(&form,
					 GIT_DESCRIBE_FORMAT_OPTIONS_VERSION);
	find.describe_strategy = GIT_DESCRIBE_TAGS;
	form.abbreviated_size = ABBREVIATED;
	if (!git_revparse_single(&commit, repo, id) &&
	    !git_describe_commit(&found, commit, &find) &&
	    !git_describe_format(&text, found, &form))
		out = xstrdup(text.ptr);
	git_buf_dispose(&text);
	git_describe_result_free(found);
	git_object_free(commit);
	return out;
}

char *tree_commit_describe(const char *tree, const char *id)
{
	struct err ignored;
	struct looked l;
	char *out = NULL;

	if (!open_tree(&l, tree, &ignored))
		out = describe_in(l.repo, id);
	close_tree(&l);
	return out ? out : xstrndup(id, ABBREVIATED);
}

int tree_commit_base(const char *tree, const char *a, const char *b, char **out,
		     struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_oid one, other, base;
	struct looked l;
	int ret = open_tree(&l, tree, err);

	*out = NULL;
	if (!ret) {
		ret = git_oid_fromstr(&one, a);
		if (!ret)
			ret = git_oid_fromstr(&other, b);
		if (!ret)
			ret = git_merge_base(&base, l.repo, &one, &other);
		if (ret)
			ret = tree_git_failed(err, ret, "%.12s and %.12s", a,
					      b);
	}
	if (!ret)
		*out = xstrdup(git_oid_tostr(hex, sizeof(hex), &base));
	close_tree(&l);
	return ret;
}
