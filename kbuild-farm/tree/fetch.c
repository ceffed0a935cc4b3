/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/fetch.h"

#include "base/str.h"
#include "base/url.h"
#include "tree/credential.h"
#include "tree/git-program.h"
#include "tree/git.h"
#include "tree/transport.h"
#include "tree/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One remote being talked to. */
struct talk {
	struct tree_fetch *f;
	struct tree_credential credential;
	git_remote *remote;
	git_remote_callbacks callbacks;
	bool is_local;
	bool resolving; /* deltas: nothing comes any more */
	char *shown; /* its URL */
};

/* All has come, to the last byte, when the first delta is resolved. */
static int on_transfer(const git_indexer_progress *p, void *payload)
{
	struct talk *t = payload;

	if (!p->indexed_deltas) {
		tree_worker_progress(t->f->worker, TREE_RECEIVING,
				     p->received_objects, p->total_objects);
		return 0;
	}
	if (!t->resolving)
		tree_worker_network(t->f->worker, false);
	t->resolving = true;
	tree_worker_progress(t->f->worker, TREE_RESOLVING, p->indexed_deltas,
			     p->total_deltas);
	return 0;
}

static int on_sideband(const char *text, int len, void *payload)
{
	struct talk *t = payload;

	(void)text;
	(void)len;
	tree_worker_progress(t->f->worker, TREE_COUNTING, 0, 0);
	return 0;
}

static int on_pack(int stage, uint32_t current, uint32_t total, void *payload)
{
	struct talk *t = payload;

	tree_worker_progress(t->f->worker,
			     stage == GIT_PACKBUILDER_ADDING_OBJECTS ?
				     TREE_COUNTING :
				     TREE_RECEIVING,
			     current, total);
	return 0;
}

static int on_tip(const char *name, const git_oid *before, const git_oid *after,
		  void *payload)
{
	struct talk *t = payload;
	struct tree_changes *c = &t->f->changes;

	if (str_starts(name, "refs/tags/"))
		c->tags += !git_oid_is_zero(after);
	else if (git_oid_is_zero(after))
		c->gone++;
	else if (git_oid_is_zero(before))
		c->branches++;
	else
		c->moved++;
	tree_worker_progress(t->f->worker, TREE_BRANCHES,
			     c->branches + c->moved + c->gone + c->tags, 0);
	return 0;
}

static void prepare_callbacks(struct talk *t)
{
	git_remote_init_callbacks(&t->callbacks, GIT_REMOTE_CALLBACKS_VERSION);
	t->callbacks.payload = t;
	t->callbacks.transfer_progress = on_transfer;
	t->callbacks.sideband_progress = on_sideband;
	t->callbacks.pack_progress = on_pack;
	t->callbacks.update_tips = on_tip;
}

/* The payload is one for all of them, so each unwraps its own. */
static int on_credentials(git_credential **out, const char *url,
			  const char *user, unsigned types, void *payload)
{
	struct talk *t = payload;

	return tree_credential_acquire(out, url, user, types, &t->credential);
}

static int find_remote(struct talk *t, const char *name, struct err *err)
{
	struct tree_url url;
	int ret;

	if (git_remote_lookup(&t->remote, t->f->repo, name))
		return tree_git_failed(err, -1, "remote %s", name);
	t->shown = url_shown(git_remote_url(t->remote));
	ret = tree_url_parse(&url, git_remote_url(t->remote), err);
	if (ret)
		return ret;
	t->is_local = url.kind == TREE_URL_LOCAL;
	tree_url_release(&url);
	prepare_callbacks(t);
	t->callbacks.credentials = on_credentials;
	t->credential.worker = t->f->worker;
	return 0;
}

static int talk_failed(struct talk *t, struct err *err)
{
	if (tree_transport_is_sha256())
		return tree_git_sha256(err, t->shown);
	return tree_git_failed(err, -1, "%s", t->shown);
}

static int connect_talk(struct talk *t, struct err *err)
{
	git_remote_connect_options options;
	git_buf head = { 0 };
	int ret;

	tree_worker_network(t->f->worker, !t->is_local);
	tree_worker_progress(t->f->worker, TREE_CONNECTING, 0, 0);
	git_remote_connect_options_init(&options,
					GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	options.callbacks = t->callbacks;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	ret = git_remote_connect_ext(t->remote, GIT_DIRECTION_FETCH, &options);
	tree_credential_end(&t->credential, !ret);
	if (ret)
		return talk_failed(t, err);
	free(t->f->head);
	t->f->head = NULL;
	if (!git_remote_default_branch(&head, t->remote) &&
	    str_starts(head.ptr, "refs/heads/"))
		t->f->head = xstrdup(head.ptr);
	git_buf_dispose(&head);
	return 0;
}

static void options_of(const struct talk *t, git_fetch_options *o)
{
	git_fetch_options_init(o, GIT_FETCH_OPTIONS_VERSION);
	o->callbacks = t->callbacks;
	o->proxy_opts.type = GIT_PROXY_AUTO;
	o->update_fetchhead = 0;
	if (git_remote_autotag(t->remote) == GIT_REMOTE_DOWNLOAD_TAGS_NONE)
		o->download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	else if (t->f->all_tags)
		o->download_tags = GIT_REMOTE_DOWNLOAD_TAGS_ALL;
	else
		o->download_tags = GIT_REMOTE_DOWNLOAD_TAGS_AUTO;
}

/* As git and libgit2 do it: reference by reference, with their locks. */
static int update_shared(struct talk *t, const git_fetch_options *options,
			 struct err *err)
{
	/* Pruned first: a branch "a" may have become "a/b". */
	if (git_remote_prune(t->remote, &t->callbacks) ||
	    git_remote_update_tips(t->remote, &t->callbacks, 0,
				   options->download_tags, "kfarm tree update"))
		return tree_git_failed(err, -1, "%s", t->shown);
	return 0;
}

static bool is_fetched_tag(git_odb *odb, git_remote_autotag_option_t tags,
			   const struct tree_refset *set,
			   const git_remote_head *head)
{
	if (!str_starts(head->name, "refs/tags/") ||
	    tags == GIT_REMOTE_DOWNLOAD_TAGS_NONE)
		return false;
	return tags == GIT_REMOTE_DOWNLOAD_TAGS_ALL ||
	       (!tree_refset_find(set, head->name) &&
		git_odb_exists_ext(odb, &head->oid, GIT_ODB_LOOKUP_NO_REFRESH));
}

/* Without a "+" in front a branch moves forward only. */
static bool may_become(const struct talk *t, const git_refspec *spec,
		       const struct tree_ref *was, const git_oid *id)
{
	return !was || git_refspec_force(spec) ||
	       git_graph_descendant_of(t->f->repo, id, &was->id) == 1;
}

static void put_head(struct talk *t, struct tree_refset *set,
		     const git_remote_head *head)
{
	size_t n = git_remote_refspec_count(t->remote);

	for (size_t i = 0; i < n; i++) {
		const git_refspec *spec = git_remote_get_refspec(t->remote, i);
		git_buf name = { 0 };
		struct tree_ref *was;

		if (git_refspec_direction(spec) != GIT_DIRECTION_FETCH ||
		    !git_refspec_src_matches(spec, head->name) ||
		    git_refspec_transform(&name, spec, head->name) || !name.ptr)
			continue;
		was = tree_refset_find(set, name.ptr);
		if (may_become(t, spec, was, &head->oid))
			tree_refset_put(set, name.ptr, &head->oid);
		else
			tree_refset_put(set, name.ptr, &was->id);
		git_buf_dispose(&name);
	}
}

/* What a refspec may have made, and the server has no more. */
static bool is_pruned(const struct talk *t, const char *name)
{
	size_t n = git_remote_refspec_count(t->remote);

	for (size_t i = 0; i < n; i++) {
		const git_refspec *spec = git_remote_get_refspec(t->remote, i);

		if (git_refspec_direction(spec) == GIT_DIRECTION_FETCH &&
		    git_refspec_dst_matches(spec, name))
			return true;
	}
	return false;
}

static int update_own(struct talk *t, const git_fetch_options *options,
		      struct err *err)
{
	const git_remote_head **heads;
	struct tree_refset set;
	git_odb *odb = NULL;
	size_t n;
	int ret = tree_refset_read(&set, t->f->repo, err);

	if (!ret && (git_remote_ls(&heads, &n, t->remote) ||
		     git_repository_odb(&odb, t->f->repo)))
		ret = tree_git_failed(err, -1, "%s", t->shown);
	for (size_t i = 0; !ret && i < set.were; i++)
		set.v[i].keep = !is_pruned(t, set.v[i].name);
	for (size_t i = 0; !ret && i < n; i++) {
		tree_worker_progress(t->f->worker, TREE_BRANCHES, i, n);
		if (is_fetched_tag(odb, options->download_tags, &set, heads[i]))
			tree_refset_put(&set, heads[i]->name, &heads[i]->oid);
		put_head(t, &set, heads[i]);
	}
	if (!ret) {
		ret = tree_refset_write(&set, t->f->repo, &t->f->changes, err);
		if (ret)
			err_wrap(err, "%s", t->shown);
	}
	git_odb_free(odb);
	tree_refset_release(&set);
	return ret;
}

static int download(struct talk *t, struct err *err)
{
	git_fetch_options options;

	options_of(t, &options);
	tree_worker_progress(t->f->worker, TREE_NEGOTIATING, 0, 0);
	if (git_remote_download(t->remote, NULL, &options))
		return talk_failed(t, err);
	tree_worker_network(t->f->worker, false);
	return t->f->shared ? update_shared(t, &options, err) :
			      update_own(t, &options, err);
}

static void leave_remote(struct talk *t)
{
	if (t->remote)
		git_remote_disconnect(t->remote);
	git_remote_free(t->remote);
	tree_credential_end(&t->credential, false);
	tree_worker_network(t->f->worker, false);
	free(t->shown);
}

int tree_fetch_remote(struct tree_fetch *f, const char *remote, struct err *err)
{
	struct talk t = { .f = f };
	int ret = find_remote(&t, remote, err);

	if (!ret)
		ret = connect_talk(&t, err);
	if (!ret && (f->depth || git_repository_is_shallow(f->repo) == 1)) {
		git_remote_disconnect(t.remote);
		ret = tree_git_program_fetch(f->worker,
					     git_repository_path(f->repo),
					     remote, f->depth, err);
		f->changes.uncounted = true;
		if (ret)
			err_wrap(err, "%s", t.shown);
	} else if (!ret) {
		ret = download(&t, err);
	}
	leave_remote(&t);
	return ret;
}

int tree_fetch_head(struct tree_fetch *f, const char *remote, struct err *err)
{
	struct talk t = { .f = f };
	int ret = find_remote(&t, remote, err);

	if (!ret)
		ret = connect_talk(&t, err);
	leave_remote(&t);
	return ret;
}

void tree_fetch_release(struct tree_fetch *f)
{
	free(f->head);
	f->head = NULL;
}
