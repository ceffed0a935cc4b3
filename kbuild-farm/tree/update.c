/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/update.h"

#include "base/buf.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/url.h"
#include "conf/conf.h"
#include "tree/add.h"
#include "tree/cleanup.h"
#include "tree/datadir.h"
#include "tree/fetch.h"
#include "tree/git.h"
#include "tree/refs.h"
#include "tree/state.h"
#include "tree/transport.h"
#include "tree/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree_update_state {
	const struct tree_datadir *home;
	git_repository *repo;
	git_repository *lender; /* clone from which the tree borrows, or NULL */
	struct tree_worker *worker;
	unsigned n_passed; /* remotes that earlier children have handled */
	struct tree_state state;
	struct tree_ref_changes changes;
};

/*
 * Return true for a remote that an update does not fetch: skipFetchAll is set,
 * or the remote has no URL to fetch from.
 */
static bool is_skipped(git_repository *repo, const char *remote)
{
	char *skip_key = xasprintf("remote.%s.skipfetchall", remote);
	char *url_key = xasprintf("remote.%s.url", remote);
	git_config *config = NULL;
	const char *url;
	int skip = 0;

	if (git_repository_config_snapshot(&config, repo) ||
	    git_config_get_bool(&skip, config, skip_key))
		skip = 0;
	if (config &&
	    git_config_get_string(&url, config, url_key) == GIT_ENOTFOUND)
		skip = 1;
	git_config_free(config);
	free(url_key);
	free(skip_key);
	return skip;
}

/*
 * Handle a server that no longer has any branch that this shallow tree fetches:
 * from now on, fetch only the branch of the server's HEAD.  Fetch one commit of
 * this branch, because the depth of the tree is not stored.
 */
static int fetch_head_only(struct tree_update_state *u, struct tree_fetch *f,
			   struct err *err)
{
	int ret = tree_add_narrow_to_head(f, err);

	if (ret)
		return ret;
	tree_worker_report_note(
		u->worker,
		"%s: the server has none of the tree's branches; "
		"now fetching %s",
		u->home->name, f->head_ref + strlen("refs/heads/"));
	f->depth = 1;
	return tree_fetch_remote(f, "origin", err);
}

static int update_remote(struct tree_update_state *u, const char *remote,
			 bool all_tags, struct err *err)
{
	struct tree_fetch f = { .worker = u->worker,
				.repo = u->repo,
				.all_tags = all_tags,
				.shared = u->state.kind == TREE_KIND_IN_PLACE,
				.lender = u->lender };
	struct tree_ref_changes *sum = &u->changes;
	bool follows_head = u->state.kind == TREE_KIND_CLONE &&
			    !strcmp(remote, "origin");
	int ret;

	/*
	 * A shallow tree without a branch results from a failed
	 * fetch_head_only().  Fetch one commit, as that function does.
	 */
	if (follows_head && git_repository_is_shallow(u->repo) == 1 &&
	    !tree_refs_has_branch(u->repo, remote))
		f.depth = 1;
	ret = tree_fetch_remote(&f, remote, err);
	if (!ret && f.none_left)
		ret = follows_head ? fetch_head_only(u, &f, err) :
				     err_set(err, ENOENT,
					     "the server has none of the "
					     "branches that remote.%s.fetch "
					     "names",
					     remote);
	sum->n_branches_added += f.changes.n_branches_added;
	sum->n_branches_moved += f.changes.n_branches_moved;
	sum->n_branches_pruned += f.changes.n_branches_pruned;
	sum->n_tags += f.changes.n_tags;
	sum->uncounted = sum->uncounted || f.changes.uncounted;
	if (!ret && follows_head)
		ret = tree_refs_follow_head(u->repo, u->home->name, f.head_ref,
					    &f.head_id, u->worker, err);
	tree_fetch_release(&f);
	return ret;
}

/* Fetch the remotes after the first u->n_passed ones until one fails. */
static int update_remotes(struct tree_update_state *u, struct err *err)
{
	git_strarray names = { 0 };
	unsigned n_begun = 0;
	int ret = 0;

	if (git_remote_list(&names, u->repo))
		return tree_git_set_error(err, -1, "%s", u->home->repository);
	for (size_t i = 0; !ret && i < names.count; i++) {
		const char *name = names.strings[i];
		bool all_tags = names.count == 1 || !strcmp(name, "origin");

		if (!is_skipped(u->repo, name) && n_begun++ >= u->n_passed)
			ret = update_remote(u, name, all_tags, err);
	}
	git_strarray_dispose(&names);
	return ret;
}

/* Switch to the configured URL if it differs from the URL in state.json. */
static int follow_configuration(struct tree_update_state *u, struct err *err)
{
	const char *url = u->home->url;
	char *shown;

	if (!url || str_equal(url, u->state.source))
		return 0;
	if (git_remote_set_url(u->repo, "origin", url))
		return tree_git_set_error(err, -1, "%s", u->home->repository);
	free(u->state.source);
	u->state.source = xstrdup(url);
	if (u->n_passed)
		return 0;
	shown = url_redact(url);
	tree_worker_report_note(u->worker, "%s: source changed to %s",
				u->home->name, shown);
	free(shown);
	return 0;
}

/*
 * Return a summary of the changes, such as "2 new branches, 1 updated, 3 tags".
 * The caller frees the result.
 */
static char *format_changes(const struct tree_ref_changes *c)
{
	struct strv parts = { 0 };
	char *out;

	if (c->n_branches_added)
		strv_addf(&parts, "%u new branch%s", c->n_branches_added,
			  c->n_branches_added == 1 ? "" : "es");
	if (c->n_branches_moved)
		strv_addf(&parts, "%u updated", c->n_branches_moved);
	if (c->n_branches_pruned)
		strv_addf(&parts, "%u pruned", c->n_branches_pruned);
	if (c->n_tags)
		strv_addf(&parts, "%u tag%s", c->n_tags,
			  format_plural(c->n_tags));
	if (c->uncounted)
		strv_add(&parts, "fetched by git");
	out = parts.n ? strv_join(&parts, ", ") : xstrdup("already up to date");
	strv_release(&parts);
	return out;
}

/*
 * Save the tree's state, even if the fetch of a remote has failed.  With
 * `report`, report a summary of the changes.
 */
static int finish_update(struct tree_update_state *u, bool report,
			 struct err *err)
{
	char *text;
	int ret = 0;

	tree_worker_report_progress(u->worker, TREE_PHASE_MEASURING, 0, 0);
	if (u->state.kind != TREE_KIND_IN_PLACE)
		ret = tree_ref_transaction_pack(u->repo, err);
	if (!ret)
		ret = tree_state_refresh(&u->state, u->repo, err);
	if (!ret)
		ret = tree_state_write(&u->state, u->home->dir, err);
	if (!ret && report) {
		text = u->state.kind == TREE_KIND_IMPORT ?
			       xasprintf("imported from %s; nothing to fetch",
					 u->state.source) :
			       format_changes(&u->changes);
		tree_worker_report_note(u->worker, "%s: %s", u->home->name,
					text);
		free(text);
	}
	return ret;
}

/*
 * Return the path of the clone that lends objects, or NULL.  The caller frees
 * it.
 */
static char *find_lender(const char *repository)
{
	char *path = xasprintf("%s" TREE_GIT_ALTERNATES, repository),
	     *out = NULL;
	struct buf text = { 0 };
	struct err ignored;
	const char *line;
	size_t n;

	if (!fs_read(path, TREE_GIT_ALTERNATES_MAX, &text, &ignored)) {
		line = buf_str(&text);
		n = strcspn(line, "\n");
		if (n > strlen("/objects"))
			out = xstrndup(line, n - strlen("/objects"));
	}
	buf_release(&text);
	free(path);
	return out;
}

/*
 * Open the clone from whose repository, `lender`, the tree borrows objects.  If
 * the tree was added from a linked worktree of the clone, and the worktree
 * still exists, open the worktree instead, because the tree follows the
 * worktree's HEAD.
 */
static int open_lender(const char *lender, const char *added_from,
		       git_repository **out, struct err *err)
{
	struct err ignored;
	const char *common;
	size_t n = strlen(lender);

	if (added_from && !tree_git_open_clone(added_from, out, &ignored)) {
		common = git_repository_commondir(*out);
		if (str_starts(common, lender) && !strcmp(common + n, "/"))
			return 0;
		git_repository_free(*out);
		*out = NULL;
	}
	return tree_git_open_clone(lender, out, err);
}

/*
 * Add to `out` the destinations of the remotes' refspecs.  Skip remotes that
 * libgit2 cannot parse: their fetches fail later.
 */
static int list_fetched(git_repository *repo, struct strv *out, struct err *err)
{
	git_strarray names = { 0 };
	int ret = git_remote_list(&names, repo);

	for (size_t i = 0; !ret && i < names.count; i++) {
		git_remote *remote = NULL;
		git_strarray specs = { 0 };

		if (is_skipped(repo, names.strings[i]) ||
		    git_remote_lookup(&remote, repo, names.strings[i]))
			continue;
		ret = git_remote_get_fetch_refspecs(&specs, remote);
		for (size_t k = 0; !ret && k < specs.count; k++) {
			const char *dst = strchr(specs.strings[k], ':');

			if (dst)
				strv_add(out, dst + 1);
		}
		git_strarray_dispose(&specs);
		git_remote_free(remote);
	}
	git_strarray_dispose(&names);
	return ret ? tree_git_set_error(err, -1, "%s",
					git_repository_path(repo)) :
		     0;
}

/*
 * Copy the remotes, branches, tags and HEAD of the clone whose objects the tree
 * borrows, and add the differences to u->changes.  If the tree borrows no
 * objects, set *borrows to false and do nothing.  References whose commits the
 * clone has lost are dropped, with a note.
 */
static int follow_lender(struct tree_update_state *u, bool *borrows,
			 struct err *err)
{
	char *source = find_lender(git_repository_path(u->repo));
	struct strv fetched = { 0 };
	unsigned n_dropped = 0;
	int ret = 0;

	*borrows = source != NULL;
	if (source && !fs_is_dir(source))
		ret = err_set(
			err, ENOENT,
			"%s: no such directory, but the tree borrows objects "
			"from a clone there; restore the clone, or remove the "
			"tree and add it again by its URL",
			source);
	else if (source)
		ret = open_lender(source, u->state.source, &u->lender, err);
	if (!u->lender)
		goto out;
	/*
	 * libgit2 reads the alternates when it first needs an object, so update
	 * them before any object is read.
	 */
	ret = tree_add_write_alternates(u->home->repository, u->lender, err);
	if (!ret)
		ret = tree_add_copy_shallow(u->home->repository, u->lender,
					    err);
	if (!ret)
		ret = tree_ref_transaction_drop_missing(u->repo, &n_dropped,
							err);
	if (n_dropped)
		tree_worker_report_note(
			u->worker,
			"%s: the clone from which this tree borrows lacks "
			"the commits of %u branches or tags; fetching these again",
			u->home->name, n_dropped);
	if (!ret)
		ret = tree_add_copy_remotes(u->repo, u->lender, err);
	if (!ret)
		ret = list_fetched(u->repo, &fetched, err);
	if (!ret)
		ret = tree_refs_mirror(u->repo, u->lender, &fetched, u->worker,
				       &u->changes, err);
out:
	strv_release(&fetched);
	free(source);
	return ret;
}

/*
 * Set the umask according to core.sharedRepository (git-config(1)), because
 * libgit2 ignores this setting when it creates files.
 */
static void set_shared_umask(git_repository *repo)
{
	static const char key[] = "core.sharedrepository";
	git_config *config = NULL;
	const char *value;
	mode_t mask = umask(0);
	int on = 0, mode = 0;
	char *end;

	if (!git_repository_config_snapshot(&config, repo) &&
	    !git_config_get_string(&value, config, key)) {
		/* The values 1 and 2 are not modes: they mean group and all. */
		mode = (int)strtol(value, &end, 8);
		if (!strcmp(value, "group") ||
		    ((*end || !*value) &&
		     !git_config_get_bool(&on, config, key) && on))
			mode = 1;
		else if (!strcmp(value, "all") || !strcmp(value, "world") ||
			 !strcmp(value, "everybody"))
			mode = 2;
		else if (*end)
			mode = 0;
	}
	if (mode == 1 || mode == 2)
		mask &= mode == 1 ? ~(mode_t)070 : ~(mode_t)075;
	else if ((mode & 0600) == 0600) /* git rejects other modes */
		/* Readers of files must be able to search directories. */
		mask = 0777 & ~(mode_t)((mode & 0666) | (mode & 0444) >> 2);
	umask(mask);
	git_config_free(config);
}

static int run_update(struct tree_worker *w, void *arg, struct err *err)
{
	struct tree_update_state *u = arg;
	bool borrows = false;
	struct err second;
	int ret, other;

	u->worker = w;
	tree_git_init();
	ret = tree_transport_register(w, err);
	if (!ret && git_repository_open(&u->repo, u->home->repository))
		ret = tree_git_set_error(err, -1, "%s", u->home->repository);
	if (!ret)
		ret = tree_git_check_remotes(u->repo, err);
	if (ret)
		goto out;
	if (u->state.kind == TREE_KIND_IN_PLACE)
		set_shared_umask(u->repo);
	else
		ret = follow_lender(u, &borrows, err);
	if (!ret && borrows)
		u->state.kind = TREE_KIND_BORROWED;
	if (!ret && u->state.kind == TREE_KIND_CLONE)
		ret = follow_configuration(u, err);
	if (!ret)
		ret = update_remotes(u, err);
	other = finish_update(u, !ret && !u->n_passed, ret ? &second : err);
	ret = ret ? ret : other;
out:
	git_repository_free(u->lender);
	git_repository_free(u->repo);
	git_libgit2_shutdown();
	return ret;
}

/*
 * If the tree does not exist, set *source to its configured URL, which the
 * caller frees.  If the tree exists or has no URL, set *source to NULL.
 */
static int configured_source(const char *name, char **source, struct err *err)
{
	char *top = tree_datadir_top(), *dir = xasprintf("%s/%s", top, name);
	struct conf *conf = NULL;
	const char *url = NULL;
	int ret = tree_datadir_check_name(name, err);

	if (!ret && !fs_exists(dir)) {
		ret = conf_load(&conf, NULL, err);
		url = ret ? NULL : conf_get(conf, "tree", name, "url");
	}
	*source = url ? xstrdup(url) : NULL;
	conf_free(conf);
	free(dir);
	free(top);
	return ret;
}

static int add_configured(const char *name, const struct tree_observer *watch,
			  const char *source, struct err *err)
{
	struct tree_add a = { .name = name, .source = source, .watch = watch };
	char *url = NULL, *shown, *text;
	int ret = tree_add(&a, &url, err);

	if (!ret && watch->on_note) {
		shown = url_redact(url);
		text = xasprintf("%s: added from %s", name, shown);
		watch->on_note(watch->ctx, text);
		free(text);
		free(shown);
	}
	free(url);
	return ret;
}

/*
 * Run run_update() in a child process.  The child ends when a remote fails, and
 * is killed if a server is silent.  In both cases, another child continues with
 * the next remote.  Returns 0, -ECANCELED after an interrupt, or the first
 * error; on_note() receives the errors of later remotes.
 */
static int run_workers(struct tree_update_state *u,
		       const struct tree_observer *watch, struct err *err)
{
	struct tree_observer counting = *watch;
	unsigned n_begun = 0;
	int ret = 0, failed;
	struct err why;
	char *text;

	counting.n_remotes = &n_begun;
	do {
		u->n_passed = n_begun;
		if (u->state.kind != TREE_KIND_IN_PLACE)
			tree_cleanup_repository(u->home->dir);
		failed = tree_worker_run(&counting, run_update, u, &why);
		if (failed && (!ret || failed == -ECANCELED)) {
			ret = failed;
			*err = why;
		} else if (failed && n_begun > u->n_passed && watch->on_note) {
			text = xasprintf("%s: %s", u->home->name, why.text);
			watch->on_note(watch->ctx, text);
			free(text);
		}
	} while (failed && failed != -ECANCELED && n_begun > u->n_passed);
	return ret;
}

int tree_update(const char *name, const struct tree_observer *watch,
		struct err *err)
{
	struct tree_datadir home;
	struct tree_update_state u = { .home = &home };
	char *source = NULL, target[2];
	struct err ignored;
	int ret = configured_source(name, &source, err);

	if (ret || source) {
		ret = ret ? ret : add_configured(name, watch, source, err);
		free(source);
		return ret;
	}
	ret = tree_datadir_open(&home, name, TREE_LOCK_UPDATE, err);
	if (ret)
		return ret;
	/* Without a state file, only the configuration names the source. */
	if (tree_state_read(&u.state, home.dir, &ignored) && home.url)
		u.state.source = xstrdup(home.url);
	if (readlink(home.repository, target, sizeof(target)) > 0)
		u.state.kind = TREE_KIND_IN_PLACE;
	ret = run_workers(&u, watch, err);
	tree_state_release(&u.state);
	tree_datadir_release(&home);
	return ret;
}

int tree_remove(const char *name, char **summary, struct err *err)
{
	struct tree_datadir home;
	struct tree_state s = { 0 };
	struct err ignored;
	char *top = tree_datadir_top(), *away, *link;
	int ret = tree_datadir_open(&home, name, TREE_LOCK_REMOVE, err);
	const char *clone;

	*summary = NULL;
	if (ret) {
		free(top);
		return ret;
	}
	away = xasprintf("%s/.gone-%d-%s", top, (int)getpid(), name);
	link = realpath(home.repository, NULL);
	ret = tree_state_read(&s, home.dir, &ignored);
	clone = link && s.kind == TREE_KIND_IN_PLACE ? link : s.source;
	if (ret)
		*summary = xasprintf("removed %s", home.dir);
	else if (clone &&
		 (s.kind == TREE_KIND_IN_PLACE || s.kind == TREE_KIND_BORROWED))
		*summary = xasprintf("removed %s; the clone %s was not changed",
				     home.dir, clone);
	else
		*summary = xasprintf("removed %s (repository: %.1f MiB)",
				     home.dir,
				     (double)s.size_bytes / (1 << 20));
	free(link);
	tree_state_release(&s);
	if (rename(home.dir, away))
		ret = err_errno(err, "%s", home.dir);
	else
		ret = fs_remove(away, err);
	/*
	 * Remove the remains of earlier additions and removals.  Files of this
	 * tree that could not be removed remain until a later cleanup.
	 */
	tree_cleanup_datadir(top, NULL);
	tree_datadir_release(&home);
	free(away);
	free(top);
	return ret;
}
