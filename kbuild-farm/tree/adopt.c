/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/adopt.h"

#include "base/fs.h"
#include "base/str.h"
#include "tree/git.h"
#include "tree/refs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALTERNATES     "objects/info/alternates"
#define ALTERNATES_MAX (1u << 16)

bool tree_adopt_is_repository(const char *path)
{
	char *git = xasprintf("%s/.git", path);
	char *head = xasprintf("%s/HEAD", path);
	char *objects = xasprintf("%s/objects", path);
	bool is = fs_exists(git) || (fs_exists(head) && fs_is_dir(objects));

	free(objects);
	free(head);
	free(git);
	return is;
}

/* Open a clone.  A partial clone is rejected, because it lacks objects. */
static int open_clone(const char *source, git_repository **out, struct err *err)
{
	git_config_iterator *all = NULL;
	git_config *config = NULL;
	git_config_entry *entry;
	bool partial = false;

	if (git_repository_open_ext(out, source, GIT_REPOSITORY_OPEN_NO_SEARCH,
				    NULL))
		return tree_git_set_error(err, -1, "%s", source);
	if (!git_repository_config_snapshot(&config, *out) &&
	    !git_config_iterator_glob_new(&all, config,
					  "^remote\\..*\\.promisor$"))
		partial = !git_config_next(&entry, all);
	git_config_iterator_free(all);
	git_config_free(config);
	if (!partial)
		return 0;
	git_repository_free(*out);
	*out = NULL;
	return err_set(err, ENOTSUP,
		       "%s: partial clone with missing objects; fetch them "
		       "with `git fetch --refetch --no-filter`, or add its "
		       "URL instead",
		       source);
}

int tree_adopt_in_place(const char *repository, const char *source,
			git_repository **out, struct err *err)
{
	char *target;
	int ret = open_clone(source, out, err);

	if (ret)
		return ret;
	target = xstrdup(git_repository_commondir(*out));
	if (str_ends(target, "/"))
		target[strlen(target) - 1] = '\0';
	if (symlink(target, repository))
		ret = err_errno(err, "%s", repository);
	free(target);
	return ret;
}

static int write_alternates(const char *repository, const char *common,
			    struct err *err)
{
	char *path = xasprintf("%s/" ALTERNATES, repository);
	char *line = xasprintf("%sobjects\n", common);
	char *info = str_dir(path);
	int ret = 0;

	if (strchr(common, '\n'))
		ret = err_set(err, EINVAL, "%s: path contains a newline",
			      common);
	if (!ret)
		ret = fs_mkdirs(info, 0755, err);
	if (!ret)
		ret = fs_write(path, bytes_str(line), 0644, err);
	free(info);
	free(line);
	free(path);
	return ret;
}

/*
 * Copy url, fetch, tagOpt and skipFetchAll of all remotes.  Other variables,
 * some of which name programs, are not copied.
 */
static int copy_remotes(git_repository *to, git_repository *from)
{
	git_config *source = NULL, *target = NULL;
	git_config_iterator *all = NULL;
	git_config_entry *entry;
	int ret = git_repository_config_snapshot(&source, from);

	if (!ret)
		ret = git_repository_config(&target, to);
	if (!ret)
		ret = git_config_iterator_glob_new(
			&all, source,
			"^remote\\..*\\.(url|fetch|tagopt|skipfetchall)$");
	while (!ret && !git_config_next(&entry, all)) {
		/* "$^" matches no existing value, so the value is added. */
		ret = git_config_set_multivar(target, entry->name, "$^",
					      entry->value ? entry->value : "");
	}
	git_config_iterator_free(all);
	git_config_free(target);
	git_config_free(source);
	return ret;
}

int tree_adopt_borrow(const char *repository, const char *source,
		      struct tree_worker *w, git_repository **out,
		      struct err *err)
{
	git_repository *from = NULL, *made = NULL;
	struct tree_ref_changes ignored = { 0 };
	char *shallow = NULL, *copy = NULL;
	const char *common;
	int ret = open_clone(source, &from, err);

	if (!ret && git_repository_init(&made, repository, 1))
		ret = tree_git_set_error(err, -1, "%s", repository);
	/*
	 * Close `made`: libgit2 reads the alternates only on opening a
	 * repository.
	 */
	git_repository_free(made);
	if (ret)
		goto out;
	common = git_repository_commondir(from);
	ret = write_alternates(repository, common, err);
	if (ret)
		goto out;
	/*
	 * If the clone is shallow, the history of the new repository ends at
	 * the same commits.
	 */
	shallow = xasprintf("%sshallow", common);
	copy = xasprintf("%s/shallow", repository);
	if (fs_exists(shallow))
		ret = fs_copy(shallow, copy, err);
	if (ret)
		goto out;
	if (git_repository_open(out, repository))
		ret = tree_git_set_error(err, -1, "%s", repository);
	else if (copy_remotes(*out, from))
		ret = tree_git_set_error(err, -1, "remotes of %s",
					 git_repository_path(from));
	else
		ret = tree_refs_mirror(*out, from, true, w, &ignored, err);
out:
	free(copy);
	free(shallow);
	git_repository_free(from);
	return ret;
}

/*
 * Return the path of the clone that lends objects, or NULL.  The caller frees
 * it.
 */
static char *find_lender(const char *repository)
{
	char *path = xasprintf("%s" ALTERNATES, repository), *out = NULL;
	struct buf text = { 0 };
	struct err ignored;
	const char *line;
	size_t n;

	if (!fs_read(path, ALTERNATES_MAX, &text, &ignored)) {
		line = buf_str(&text);
		n = strcspn(line, "\n");
		if (n > strlen("/objects"))
			out = xstrndup(line, n - strlen("/objects"));
	}
	buf_release(&text);
	free(path);
	return out;
}

int tree_adopt_follow(git_repository *repo, const char *name,
		      struct tree_worker *w, struct tree_ref_changes *changes,
		      bool *borrows, struct err *err)
{
	char *source = find_lender(git_repository_path(repo));
	git_repository *from = NULL;
	unsigned n_dropped = 0;
	int ret = 0;

	*borrows = source != NULL;
	if (source && !fs_is_dir(source))
		ret = err_set(err, ENOENT,
			      "%s: no such directory, but the tree borrows "
			      "its objects; restore it, or remove the tree "
			      "and add its URL",
			      source);
	else if (source)
		ret = open_clone(source, &from, err);
	if (from)
		ret = tree_ref_transaction_drop_missing(repo, &n_dropped, err);
	if (n_dropped)
		tree_worker_report_note(
			w,
			"%s: %u branches or tags refer to commits that are "
			"missing in the borrowed clone; fetching them again",
			name, n_dropped);
	if (from && !ret)
		ret = tree_refs_mirror(repo, from, false, w, changes, err);
	git_repository_free(from);
	free(source);
	return ret;
}
