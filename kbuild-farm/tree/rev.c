/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/rev.h"

#include "base/str.h"

#include <git2.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ABBREVIATED 12

/* A tag right at HEAD; anything farther means a walk through history. */
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

/* Not by git_remote_lookup(): its regular expressions leak in libgit2 1.5. */
static char *origin_url(git_repository *repo)
{
	git_config *config = NULL;
	const char *url;
	char *out = NULL;

	if (!git_repository_config_snapshot(&config, repo) &&
	    !git_config_get_string(&url, config, "remote.origin.url"))
		out = xstrdup(url);
	git_config_free(config);
	return out;
}

static bool read_head(struct tree_rev *r, git_repository *repo)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_reference *head = NULL;
	git_commit *commit = NULL;
	git_object *at = NULL;
	bool ok = false;

	if (git_repository_head(&head, repo) ||
	    git_reference_peel(&at, head, GIT_OBJECT_COMMIT))
		goto out;
	commit = (git_commit *)at;
	git_oid_tostr(hex, sizeof(hex), git_commit_id(commit));
	r->time = git_commit_time(commit);
	r->commit = xstrdup(hex);
	r->describe = describe_commit(commit, hex);
	r->url = origin_url(repo);
	if (git_reference_is_branch(head))
		r->branch = xstrdup(git_reference_shorthand(head));
	ok = true;
out:
	git_object_free(at);
	git_reference_free(head);
	return ok;
}

static int read_makefile(struct tree_rev *r, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/Makefile", dir);
	struct stat st;
	int ret = 0;

	if (stat(path, &st))
		ret = err_errno(err, "%s", path);
	else
		r->time = st.st_mtime;
	free(path);
	return ret;
}

int tree_rev_read(struct tree_rev *r, const char *dir, struct err *err)
{
	git_repository *repo = NULL;
	bool found;

	*r = (struct tree_rev){ 0 };
	git_libgit2_init();
	/* Only objects and references are read, so their owner does not matter.
	 */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	found = !git_repository_open_ext(&repo, dir,
					 GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) &&
		read_head(r, repo);
	git_repository_free(repo);
	git_libgit2_shutdown();
	return found ? 0 : read_makefile(r, dir, err);
}

void tree_rev_release(struct tree_rev *r)
{
	free(r->commit);
	free(r->branch);
	free(r->describe);
	free(r->url);
	*r = (struct tree_rev){ 0 };
}
