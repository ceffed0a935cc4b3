/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/fetch.h"

#include "base/str.h"
#include "base/url.h"
#include "tree/git.h"
#include "tree/transport.h"
#include "tree/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Connection to one remote. */
struct fetch_session {
	struct tree_fetch *fetch;
	struct tree_transport_credential credential;
	git_remote *remote;
	git_remote_callbacks callbacks;
	bool is_local;
	bool resolving; /* download is complete; deltas are being resolved */
	char *shown_url; /* the remote's URL without a password */
};

/* The download is complete when libgit2 resolves the first delta. */
static int on_transfer(const git_indexer_progress *p, void *payload)
{
	struct fetch_session *t = payload;

	if (!p->indexed_deltas) {
		tree_worker_report_progress(
			t->fetch->worker, TREE_PHASE_RECEIVING,
			p->received_objects, p->total_objects);
		return 0;
	}
	if (!t->resolving)
		tree_worker_set_network_wait(t->fetch->worker, false);
	t->resolving = true;
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_RESOLVING,
				    p->indexed_deltas, p->total_deltas);
	return 0;
}

static int on_sideband(const char *text, int len, void *payload)
{
	struct fetch_session *t = payload;

	(void)text;
	(void)len;
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_COUNTING, 0,
				    0);
	return 0;
}

static int on_pack(int stage, uint32_t current, uint32_t total, void *payload)
{
	struct fetch_session *t = payload;

	tree_worker_report_progress(t->fetch->worker,
				    stage == GIT_PACKBUILDER_ADDING_OBJECTS ?
					    TREE_PHASE_COUNTING :
					    TREE_PHASE_RECEIVING,
				    current, total);
	return 0;
}

static int on_tip(const char *name, const git_oid *before, const git_oid *after,
		  void *payload)
{
	struct fetch_session *t = payload;
	struct tree_ref_changes *c = &t->fetch->changes;

	if (str_starts(name, "refs/tags/"))
		c->n_tags += !git_oid_is_zero(after);
	else if (git_oid_is_zero(after))
		c->n_branches_pruned++;
	else if (git_oid_is_zero(before))
		c->n_branches_added++;
	else
		c->n_branches_moved++;
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_BRANCHES,
				    c->n_branches_added + c->n_branches_moved +
					    c->n_branches_pruned + c->n_tags,
				    0);
	return 0;
}

/*
 * Select the credentials from the payload, which libgit2 shares between all
 * callbacks.
 */
static int on_credentials(git_credential **out, const char *url,
			  const char *user, unsigned types, void *payload)
{
	struct fetch_session *t = payload;

	return tree_transport_acquire_credential(out, url, user, types,
						 &t->credential);
}

static int find_remote(struct fetch_session *t, const char *name,
		       struct err *err)
{
	struct tree_url url;
	int ret;

	if (git_remote_lookup(&t->remote, t->fetch->repo, name))
		return tree_git_set_error(err, -1, "remote %s", name);
	t->shown_url = url_redact(git_remote_url(t->remote));
	ret = tree_url_parse(&url, git_remote_url(t->remote), err);
	if (ret)
		return ret;
	t->is_local = url.kind == TREE_URL_LOCAL;
	tree_url_release(&url);
	git_remote_init_callbacks(&t->callbacks, GIT_REMOTE_CALLBACKS_VERSION);
	t->callbacks.payload = t;
	t->callbacks.transfer_progress = on_transfer;
	t->callbacks.sideband_progress = on_sideband;
	t->callbacks.pack_progress = on_pack;
	t->callbacks.update_tips = on_tip;
	t->callbacks.credentials = on_credentials;
	t->credential.worker = t->fetch->worker;
	return 0;
}

static int set_fetch_error(struct fetch_session *t, struct err *err)
{
	if (tree_transport_is_sha256())
		return tree_git_set_sha256_error(err, t->shown_url);
	return tree_git_set_error(err, -1, "%s", t->shown_url);
}

static int connect_remote(struct fetch_session *t, struct err *err)
{
	git_remote_connect_options options;
	git_buf head = { 0 };
	int ret;

	tree_worker_set_network_wait(t->fetch->worker, !t->is_local);
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_CONNECTING, 0,
				    0);
	git_remote_connect_options_init(&options,
					GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	options.callbacks = t->callbacks;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	ret = git_remote_connect_ext(t->remote, GIT_DIRECTION_FETCH, &options);
	tree_transport_report_credential(&t->credential, !ret);
	if (ret)
		return set_fetch_error(t, err);
	free(t->fetch->head_ref);
	t->fetch->head_ref = NULL;
	if (!git_remote_default_branch(&head, t->remote) &&
	    str_starts(head.ptr, "refs/heads/"))
		t->fetch->head_ref = xstrdup(head.ptr);
	git_buf_dispose(&head);
	return 0;
}

static bool is_fetched_tag(git_odb *odb, git_remote_autotag_option_t tags,
			   const struct tree_ref_transaction *set,
			   const git_remote_head *head)
{
	if (!str_starts(head->name, "refs/tags/") ||
	    tags == GIT_REMOTE_DOWNLOAD_TAGS_NONE)
		return false;
	return tags == GIT_REMOTE_DOWNLOAD_TAGS_ALL ||
	       (!tree_ref_transaction_find(set, head->name) &&
		git_odb_exists_ext(odb, &head->oid, GIT_ODB_LOOKUP_NO_REFRESH));
}

static void put_fetched_head(struct fetch_session *t,
			     struct tree_ref_transaction *set,
			     const git_remote_head *head)
{
	size_t n = git_remote_refspec_count(t->remote);

	for (size_t i = 0; i < n; i++) {
		const git_refspec *spec = git_remote_get_refspec(t->remote, i);
		git_buf name = { 0 };
		struct tree_ref *was;
		bool allowed;

		if (git_refspec_direction(spec) != GIT_DIRECTION_FETCH ||
		    !git_refspec_src_matches(spec, head->name) ||
		    git_refspec_transform(&name, spec, head->name) || !name.ptr)
			continue;
		/* A refspec without "+" permits fast-forward updates only. */
		was = tree_ref_transaction_find(set, name.ptr);
		allowed = !was || git_refspec_force(spec) ||
			  git_graph_descendant_of(t->fetch->repo, &head->oid,
						  &was->id) == 1;
		tree_ref_transaction_update(set, name.ptr,
					    allowed ? &head->oid : &was->id);
		git_buf_dispose(&name);
	}
}

/*
 * Return true if a refspec of the remote covers the reference, so that it is
 * removed if the server does not have the branch.
 */
static bool is_pruned(const struct fetch_session *t, const char *name)
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

static int update_owned_refs(struct fetch_session *t,
			     git_remote_autotag_option_t tags, struct err *err)
{
	const git_remote_head **heads;
	struct tree_ref_transaction set;
	git_odb *odb = NULL;
	size_t n;
	int ret = tree_ref_transaction_read(&set, t->fetch->repo, err);

	if (!ret && (git_remote_ls(&heads, &n, t->remote) ||
		     git_repository_odb(&odb, t->fetch->repo)))
		ret = tree_git_set_error(err, -1, "%s", t->shown_url);
	for (size_t i = 0; !ret && i < set.n_initial; i++)
		set.refs[i].retained = !is_pruned(t, set.refs[i].name);
	for (size_t i = 0; !ret && i < n; i++) {
		tree_worker_report_progress(t->fetch->worker,
					    TREE_PHASE_BRANCHES, i, n);
		if (is_fetched_tag(odb, tags, &set, heads[i]))
			tree_ref_transaction_update(&set, heads[i]->name,
						    &heads[i]->oid);
		put_fetched_head(t, &set, heads[i]);
	}
	if (!ret) {
		ret = tree_ref_transaction_commit(&set, t->fetch->repo,
						  &t->fetch->changes, err);
		if (ret)
			err_wrap(err, "%s", t->shown_url);
	}
	git_odb_free(odb);
	tree_ref_transaction_release(&set);
	return ret;
}

static int download(struct fetch_session *t, struct err *err)
{
	git_fetch_options options;

	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	options.callbacks = t->callbacks;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	options.update_fetchhead = 0;
	if (git_remote_autotag(t->remote) == GIT_REMOTE_DOWNLOAD_TAGS_NONE)
		options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	else if (t->fetch->all_tags)
		options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_ALL;
	else
		options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_AUTO;
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_NEGOTIATING, 0,
				    0);
	if (git_remote_download(t->remote, NULL, &options))
		return set_fetch_error(t, err);
	tree_worker_set_network_wait(t->fetch->worker, false);
	if (!t->fetch->shared)
		return update_owned_refs(t, options.download_tags, err);
	/*
	 * Update a shared repository reference by reference under git's locks.
	 * Prune first, because a branch "a" may have become "a/b".
	 */
	if (git_remote_prune(t->remote, &t->callbacks) ||
	    git_remote_update_tips(t->remote, &t->callbacks, 0,
				   options.download_tags, "kfarm tree update"))
		return tree_git_set_error(err, -1, "%s", t->shown_url);
	return 0;
}

static void disconnect_remote(struct fetch_session *t)
{
	if (t->remote)
		git_remote_disconnect(t->remote);
	git_remote_free(t->remote);
	tree_transport_report_credential(&t->credential, false);
	tree_worker_set_network_wait(t->fetch->worker, false);
	free(t->shown_url);
}

int tree_fetch_remote(struct tree_fetch *f, const char *remote, struct err *err)
{
	struct fetch_session t = { .fetch = f };
	int ret = find_remote(&t, remote, err);

	if (!ret)
		ret = connect_remote(&t, err);
	if (!ret && (f->depth || git_repository_is_shallow(f->repo) == 1)) {
		git_remote_disconnect(t.remote);
		ret = tree_transport_fetch_shallow(f->worker,
						   git_repository_path(f->repo),
						   remote, f->depth, err);
		f->changes.uncounted = true;
		if (ret)
			err_wrap(err, "%s", t.shown_url);
	} else if (!ret) {
		ret = download(&t, err);
	}
	disconnect_remote(&t);
	return ret;
}

int tree_fetch_head(struct tree_fetch *f, const char *remote, struct err *err)
{
	struct fetch_session t = { .fetch = f };
	int ret = find_remote(&t, remote, err);

	if (!ret)
		ret = connect_remote(&t, err);
	disconnect_remote(&t);
	return ret;
}

void tree_fetch_release(struct tree_fetch *f)
{
	free(f->head_ref);
	f->head_ref = NULL;
}
