/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/update.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/url.h"
#include "conf/conf.h"
#include "tree/add.h"
#include "tree/adopt.h"
#include "tree/fetch.h"
#include "tree/git.h"
#include "tree/home.h"
#include "tree/refs.h"
#include "tree/state.h"
#include "tree/sweep.h"
#include "tree/transport.h"
#include "tree/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct updating {
	const struct tree_home *home;
	git_repository *repo;
	struct tree_worker *worker;
	struct tree_state state;
	struct tree_changes changes;
};

static void add_changes(struct tree_changes *sum, const struct tree_changes *c)
{
	sum->branches += c->branches;
	sum->moved += c->moved;
	sum->gone += c->gone;
	sum->tags += c->tags;
	sum->uncounted = sum->uncounted || c->uncounted;
}

static bool is_skipped(git_repository *repo, const char *remote)
{
	char *key = xasprintf("remote.%s.skipfetchall", remote);
	git_config *config = NULL;
	int skip = 0;

	if (git_repository_config_snapshot(&config, repo) ||
	    git_config_get_bool(&skip, config, key))
		skip = 0;
	git_config_free(config);
	free(key);
	return skip;
}

static int update_remote(struct updating *u, const char *remote, bool all_tags,
			 struct err *err)
{
	struct tree_fetch f = { .worker = u->worker,
				.repo = u->repo,
				.all_tags = all_tags,
				.shared = u->state.kind == TREE_IN_PLACE };
	int ret = tree_fetch_remote(&f, remote, err);

	add_changes(&u->changes, &f.changes);
	if (!ret && u->state.kind == TREE_CLONE && !strcmp(remote, "origin"))
		ret = tree_refs_follow_head(u->repo, remote, f.head, err);
	tree_fetch_release(&f);
	return ret;
}

/* One that fails does not keep the others from being fetched. */
static int update_remotes(struct updating *u, struct err *err)
{
	git_strarray names = { 0 };
	struct err why;
	int ret = 0;

	if (git_remote_list(&names, u->repo))
		return tree_git_failed(err, -1, "%s", u->home->repository);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.strings[i];
		bool all_tags = names.count == 1 || !strcmp(name, "origin");
		int failed;

		if (is_skipped(u->repo, name))
			continue;
		failed = update_remote(u, name, all_tags, &why);
		if (failed && ret)
			tree_worker_note(u->worker, "%s: %s", u->home->name,
					 why.text);
		else if (failed)
			*err = why;
		ret = ret ? ret : failed;
	}
	git_strarray_dispose(&names);
	return ret;
}

/* The configuration may name another URL than when it was cloned. */
static int follow_configuration(struct updating *u, struct err *err)
{
	const char *url = u->home->url;
	char *shown;

	if (!url || str_equal(url, u->state.source))
		return 0;
	if (git_remote_set_url(u->repo, "origin", url))
		return tree_git_failed(err, -1, "%s", u->home->repository);
	free(u->state.source);
	u->state.source = xstrdup(url);
	shown = url_shown(url);
	tree_worker_note(u->worker, "%s: comes from %s now", u->home->name,
			 shown);
	free(shown);
	return 0;
}

static int update_repository(struct updating *u, struct err *err)
{
	bool borrows = false;
	int ret = 0;

	if (u->state.kind != TREE_IN_PLACE)
		ret = tree_adopt_follow(u->repo, u->home->name, u->worker,
					&u->changes, &borrows, err);
	if (!ret && borrows)
		u->state.kind = TREE_BORROWS;
	if (!ret && u->state.kind == TREE_CLONE)
		ret = follow_configuration(u, err);
	if (!ret)
		ret = update_remotes(u, err);
	return ret;
}

/* "2 new branches, 1 moved, 3 new tags"; the caller frees it. */
static char *changes_text(const struct tree_changes *c)
{
	struct strv parts = { 0 };
	char *out;

	if (c->branches)
		strv_addf(&parts, "%u new branch%s", c->branches,
			  c->branches == 1 ? "" : "es");
	if (c->moved)
		strv_addf(&parts, "%u moved", c->moved);
	if (c->gone)
		strv_addf(&parts, "%u gone", c->gone);
	if (c->tags)
		strv_addf(&parts, "%u tag%s", c->tags, c->tags == 1 ? "" : "s");
	if (c->uncounted)
		strv_add(&parts, "fetched by git");
	out = parts.n ? strv_join(&parts, ", ") : xstrdup("nothing new");
	strv_release(&parts);
	return out;
}

/* What is there now is written down, also where a remote failed. */
static int finish_update(struct updating *u, bool tell, struct err *err)
{
	char *text;
	int ret = 0;

	tree_worker_progress(u->worker, TREE_MEASURING, 0, 0);
	if (u->state.kind != TREE_IN_PLACE)
		ret = tree_refset_pack(u->repo, err);
	if (!ret)
		ret = tree_state_look(&u->state, u->repo, err);
	if (!ret)
		ret = tree_state_write(&u->state, u->home->dir, err);
	if (!ret && tell) {
		text = u->state.kind == TREE_IMPORT ?
			       xasprintf("an import of %s, which nothing is "
					 "fetched for",
					 u->state.source) :
			       changes_text(&u->changes);
		tree_worker_note(u->worker, "%s: %s", u->home->name, text);
		free(text);
	}
	return ret;
}

static int run_update(struct tree_worker *w, void *arg, struct err *err)
{
	struct updating *u = arg;
	struct err second;
	int ret, other;

	u->worker = w;
	tree_git_init();
	ret = tree_transport_register(w, err);
	if (!ret && git_repository_open(&u->repo, u->home->repository))
		ret = tree_git_failed(err, -1, "%s", u->home->repository);
	if (!ret) {
		ret = update_repository(u, err);
		other = finish_update(u, !ret, ret ? &second : err);
		ret = ret ? ret : other;
	}
	git_repository_free(u->repo);
	git_libgit2_shutdown();
	return ret;
}

/* What the file no longer tells the repository does, but for the source. */
static void read_state(struct updating *u)
{
	char target[2];
	struct err ignored;

	if (tree_state_read(&u->state, u->home->dir, &ignored) && u->home->url)
		u->state.source = xstrdup(u->home->url);
	if (readlink(u->home->repository, target, sizeof(target)) > 0)
		u->state.kind = TREE_IN_PLACE;
}

/* What the configuration says of a tree that is not there; else NULL. */
static int source_to_add(const char *name, char **source, struct err *err)
{
	char *top = tree_home_top(), *dir = xasprintf("%s/%s", top, name);
	struct conf *conf = NULL;
	const char *url = NULL;
	int ret = tree_home_check_name(name, err);

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

static int add_configured(const char *name, const struct tree_watch *watch,
			  const char *source, struct err *err)
{
	struct tree_add a = { .name = name, .source = source, .watch = watch };
	char *url = NULL, *shown, *text;
	int ret = tree_add(&a, &url, err);

	if (!ret && watch->note) {
		shown = url_shown(url);
		text = xasprintf("%s: added from %s", name, shown);
		watch->note(watch->ctx, text);
		free(text);
		free(shown);
	}
	free(url);
	return ret;
}

int tree_update(const char *name, const struct tree_watch *watch,
		struct err *err)
{
	struct tree_home home;
	struct updating u = { .home = &home };
	char *source = NULL;
	int ret = source_to_add(name, &source, err);

	if (ret || source) {
		ret = ret ? ret : add_configured(name, watch, source, err);
		free(source);
		return ret;
	}
	ret = tree_home_open(&home, name, TREE_UPDATE, err);
	if (ret)
		return ret;
	read_state(&u);
	if (u.state.kind != TREE_IN_PLACE)
		tree_sweep_repository(home.dir);
	ret = tree_worker_run(watch, run_update, &u, err);
	tree_state_release(&u.state);
	tree_home_release(&home);
	return ret;
}

/* --------------------------------------------------------------- removing */

static char *removed_text(const struct tree_home *home)
{
	struct tree_state s = { 0 };
	struct err ignored;
	char *link, *out;

	link = realpath(home->repository, NULL);
	if (tree_state_read(&s, home->dir, &ignored))
		out = xasprintf("removed %s", home->dir);
	else if (s.kind == TREE_IN_PLACE)
		out = xasprintf("removed %s; the clone %s stays as it is",
				home->dir, link ? link : s.source);
	else if (s.kind == TREE_BORROWS)
		out = xasprintf("removed %s; the clone %s stays as it is",
				home->dir, s.source);
	else
		out = xasprintf("removed %s, %.1f MiB of repository", home->dir,
				(double)s.size / (1 << 20));
	free(link);
	tree_state_release(&s);
	return out;
}

int tree_remove(const char *name, char **what, struct err *err)
{
	struct tree_home home;
	char *top = tree_home_top(), *away;
	int ret = tree_home_open(&home, name, TREE_CHANGE, err);

	*what = NULL;
	if (ret) {
		free(top);
		return ret;
	}
	away = xasprintf("%s/.gone-%d-%s", top, (int)getpid(), name);
	*what = removed_text(&home);
	if (rename(home.dir, away))
		ret = err_errno(err, "%s", home.dir);
	else
		ret = fs_remove(away, err);
	/* What cannot be removed now is the next one's to try. */
	tree_sweep_top(top, NULL);
	tree_home_release(&home);
	free(away);
	free(top);
	return ret;
}
