/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/log.h"

#include "base/str.h"
#include "base/vec.h"
#include "tree/datadir.h"
#include "tree/git.h"
#include "tree/rev-parse.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>

#define ABBREVIATED 12

/* A managed tree that is locked for reading, and its open repository. */
struct opened_tree {
	struct tree_datadir home;
	git_repository *repo;
};

static int open_tree(struct opened_tree *l, const char *tree, struct err *err)
{
	int ret;

	*l = (struct opened_tree){ 0 };
	tree_git_init();
	ret = tree_datadir_open(&l->home, tree, TREE_LOCK_READ, err);
	if (ret)
		return ret;
	ret = git_repository_open(&l->repo, l->home.repository);
	return ret ? tree_git_set_error(err, ret, "%s", l->home.repository) : 0;
}

static void close_tree(struct opened_tree *l)
{
	git_repository_free(l->repo);
	tree_datadir_release(&l->home);
	git_libgit2_shutdown();
}

int tree_commit_find(struct tree_commit *out, const char *tree, const char *rev,
		     struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	struct tree_rev_parsed found = { 0 };
	git_commit *commit = NULL;
	struct opened_tree l;
	const char *subject;
	int ret = open_tree(&l, tree, err);

	*out = (struct tree_commit){ 0 };
	if (!ret) {
		ret = tree_rev_parse(&found, l.repo, rev, err);
		if (ret)
			err_wrap(err, "tree %s", tree);
	}
	if (!ret && git_commit_lookup(&commit, l.repo, &found.commit))
		ret = tree_git_set_error(err, -1, "tree %s", tree);
	if (!ret) {
		subject = git_commit_summary(commit);
		out->id = xstrdup(
			git_oid_tostr(hex, sizeof(hex), &found.commit));
		out->subject = xstrdup(subject ? subject : "");
	}
	git_commit_free(commit);
	free(found.branch);
	close_tree(&l);
	return ret;
}

void tree_commit_release(struct tree_commit *c)
{
	free(c->id);
	free(c->subject);
	*c = (struct tree_commit){ 0 };
}

char *tree_commit_describe(const char *tree, const char *id)
{
	git_describe_options find;
	git_describe_format_options form;
	git_describe_result *found = NULL;
	git_object *commit = NULL;
	git_buf text = { 0 };
	struct err ignored;
	struct opened_tree l;
	char *out = NULL;

	if (!open_tree(&l, tree, &ignored)) {
		git_describe_options_init(&find, GIT_DESCRIBE_OPTIONS_VERSION);
		git_describe_format_options_init(
			&form, GIT_DESCRIBE_FORMAT_OPTIONS_VERSION);
		find.describe_strategy = GIT_DESCRIBE_TAGS;
		form.abbreviated_size = ABBREVIATED;
		if (!git_revparse_single(&commit, l.repo, id) &&
		    !git_describe_commit(&found, commit, &find) &&
		    !git_describe_format(&text, found, &form))
			out = xstrdup(text.ptr);
		git_buf_dispose(&text);
		git_describe_result_free(found);
		git_object_free(commit);
	}
	close_tree(&l);
	return out ? out : xstrndup(id, ABBREVIATED);
}

int tree_commit_merge_base(const char *tree, const char *a, const char *b,
			   char **out, struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_oid one, other, base;
	struct opened_tree l;
	int ret = open_tree(&l, tree, err);

	*out = NULL;
	if (!ret) {
		ret = git_oid_fromstr(&one, a);
		if (!ret)
			ret = git_oid_fromstr(&other, b);
		if (!ret)
			ret = git_merge_base(&base, l.repo, &one, &other);
		if (ret)
			ret = tree_git_set_error(err, ret, "%.12s and %.12s", a,
						 b);
	}
	if (!ret)
		*out = xstrdup(git_oid_tostr(hex, sizeof(hex), &base));
	close_tree(&l);
	return ret;
}

/* Return an error unless the repository contains the commit. */
static int check_commit(git_repository *repo, const git_oid *id,
			struct err *err)
{
	git_commit *commit = NULL;
	int ret = git_commit_lookup(&commit, repo, id);

	git_commit_free(commit);
	return ret ? tree_git_set_error(err, ret, "commit %.12s",
					git_oid_tostr_s(id)) :
		     0;
}

static int walk_commits(struct tree_commit_log *out, git_repository *repo,
			const git_oid *from, const git_oid *to, size_t most,
			struct err *err)
{
	git_revwalk *walk = NULL;
	git_oid id;
	int ret = git_revwalk_new(&walk, repo);

	if (!ret)
		ret = git_revwalk_push(walk, to);
	if (!ret)
		ret = git_revwalk_hide(walk, from);
	if (ret)
		ret = tree_git_set_error(err, ret, "commits");
	while (!ret && out->n < most) {
		int got = git_revwalk_next(&id, walk);
		struct tree_commit_log_entry *line;
		git_commit *commit = NULL;
		const char *subject;

		if (got == GIT_ITEROVER)
			break;
		if (got) {
			ret = tree_git_set_error(err, got, "commits");
			break;
		}
		ret = git_commit_lookup(&commit, repo, &id);
		if (ret) {
			ret = tree_git_set_error(err, ret,
						 "cannot read a commit");
			break;
		}
		subject = git_commit_summary(commit);
		line = VEC_ADD(out->v, out->n);
		line->commit = xstrdup(git_oid_tostr_s(&id));
		line->subject = xstrdup(subject ? subject : "");
		git_commit_free(commit);
	}
	git_revwalk_free(walk);
	return ret;
}

int tree_commit_log_read(struct tree_commit_log *out, const char *repository,
			 const char *from, const char *to, size_t max,
			 struct err *err)
{
	git_repository *repo = NULL;
	git_oid old, now;
	int ret;

	*out = (struct tree_commit_log){ 0 };
	tree_git_init();
	ret = tree_git_parse_id(&old, from, err);
	if (!ret)
		ret = tree_git_parse_id(&now, to, err);
	if (!ret && git_repository_open(&repo, repository))
		ret = tree_git_set_error(err, GIT_ENOTFOUND, "%s", repository);
	if (!ret)
		ret = check_commit(repo, &old, err);
	if (!ret)
		ret = check_commit(repo, &now, err);
	if (!ret && git_graph_ahead_behind(&out->n_total, &out->n_missing, repo,
					   &now, &old))
		ret = tree_git_set_error(err, GIT_ERROR, "%s", repository);
	if (!ret)
		ret = walk_commits(out, repo, &old, &now, max, err);
	git_repository_free(repo);
	git_libgit2_shutdown();
	if (ret)
		tree_commit_log_release(out);
	return ret;
}

void tree_commit_log_release(struct tree_commit_log *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].commit);
		free(l->v[i].subject);
	}
	free(l->v);
	*l = (struct tree_commit_log){ 0 };
}
