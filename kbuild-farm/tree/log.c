/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/log.h"

#include "base/str.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>

static int read_name(git_oid *id, const char *hex, struct err *err)
{
	if (git_oid_fromstr(id, hex))
		return err_set(err, EINVAL, "\"%.80s\" is no commit's name",
			       hex);
	return 0;
}

/* Is it there? */
static int check_commit(git_repository *repo, const git_oid *id,
			struct err *err)
{
	git_commit *commit = NULL;
	int ret = git_commit_lookup(&commit, repo, id);

	git_commit_free(commit);
	return ret ? tree_git_failed(err, ret, "commit %.12s",
				     git_oid_tostr_s(id)) :
		     0;
}

static int add_log_line(struct tree_log *out, git_repository *repo,
			const git_oid *id, struct err *err)
{
	struct tree_log_line *line;
	git_commit *commit = NULL;
	const char *subject;
	int ret = git_commit_lookup(&commit, repo, id);

	if (ret)
		return tree_git_failed(err, ret, "a commit");
	subject = git_commit_summary(commit);
	line = VEC_ADD(out->v, out->n);
	line->commit = xstrdup(git_oid_tostr_s(id));
	line->subject = xstrdup(subject ? subject : "");
	git_commit_free(commit);
	return 0;
}

static int walk_commits(struct tree_log *out, git_repository *repo,
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
		ret = tree_git_failed(err, ret, "commits");
	while (!ret && out->n < most) {
		int got = git_revwalk_next(&id, walk);

		if (got == GIT_ITEROVER)
			break;
		ret = got ? tree_git_failed(err, got, "commits") :
			    add_log_line(out, repo, &id, err);
	}
	git_revwalk_free(walk);
	return ret;
}

int tree_log_read(struct tree_log *out, const char *repository,
		  const char *from, const char *to, size_t most,
		  struct err *err)
{
	git_repository *repo = NULL;
	git_oid old, now;
	int ret;

	*out = (struct tree_log){ 0 };
	tree_git_init();
	ret = read_name(&old, from, err);
	if (!ret)
		ret = read_name(&now, to, err);
	if (!ret && git_repository_open(&repo, repository))
		ret = tree_git_failed(err, GIT_ENOTFOUND, "%s", repository);
	if (!ret)
		ret = check_commit(repo, &old, err);
	if (!ret)
		ret = check_commit(repo, &now, err);
	if (!ret &&
	    git_graph_ahead_behind(&out->all, &out->lost, repo, &now, &old))
		ret = tree_git_failed(err, GIT_ERROR, "%s", repository);
	if (!ret)
		ret = walk_commits(out, repo, &old, &now, most, err);
	git_repository_free(repo);
	git_libgit2_shutdown();
	if (ret)
		tree_log_release(out);
	return ret;
}

void tree_log_release(struct tree_log *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].commit);
		free(l->v[i].subject);
	}
	free(l->v);
	*l = (struct tree_log){ 0 };
}
