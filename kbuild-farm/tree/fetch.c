/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/fetch.h"

#include "base/buf.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/url.h"
#include "base/which.h"
#include "tree/git-fetch.h"
#include "tree/git.h"
#include "tree/transport.h"
#include "tree/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX (1u << 16) /* bytes of the output of git credential */
#define TRIES_MAX  2

/* Connection to one remote. */
struct fetch_session {
	struct tree_fetch *fetch;
	char *credential; /* output of `git credential fill`, or NULL */
	unsigned n_credential_tries;
	git_remote *remote;
	git_remote_callbacks callbacks;
	char *local_path; /* NULL unless the remote is local */
	bool resolving; /* download is complete; deltas are being resolved */
	char *shown_url; /* the remote's URL without a password */
};

/*
 * Return the result for a callback of libgit2: GIT_EUSER if this process was
 * interrupted, otherwise 0.  On GIT_EUSER, libgit2 aborts the fetch, and
 * removes its temporary pack and its locks.
 */
static int abort_if_interrupted(void)
{
	return tree_worker_is_interrupted() ? GIT_EUSER : 0;
}

/* The download is complete when libgit2 resolves the first delta. */
static int on_transfer(const git_indexer_progress *p, void *payload)
{
	struct fetch_session *t = payload;

	if (!p->indexed_deltas) {
		tree_worker_report_progress(
			t->fetch->worker, TREE_PHASE_RECEIVING,
			p->received_objects, p->total_objects);
		return abort_if_interrupted();
	}
	if (!t->resolving)
		tree_worker_set_network_wait(t->fetch->worker, false);
	t->resolving = true;
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_RESOLVING,
				    p->indexed_deltas, p->total_deltas);
	return abort_if_interrupted();
}

static int on_sideband(const char *text, int len, void *payload)
{
	struct fetch_session *t = payload;

	(void)text;
	(void)len;
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_COUNTING, 0,
				    0);
	return abort_if_interrupted();
}

static int on_pack(int stage, uint32_t current, uint32_t total, void *payload)
{
	struct fetch_session *t = payload;

	tree_worker_report_progress(t->fetch->worker,
				    stage == GIT_PACKBUILDER_ADDING_OBJECTS ?
					    TREE_PHASE_COUNTING :
					    TREE_PHASE_RECEIVING,
				    current, total);
	return abort_if_interrupted();
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
	return abort_if_interrupted();
}

/* ---- credentials ---- */

static bool has_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/*
 * Run `git credential WHAT` with `text` on stdin.  Returns its output, or NULL
 * on failure.  The program stays in this process group, because a program in a
 * background process group cannot read from the terminal.
 */
static char *git_credential_program(const char *what, const char *text)
{
	char *argv[] = { "git", "credential", (char *)what, NULL };
	struct spawn run = { .argv = argv,
			     .stdio_fds = { -1, -1, -1 },
			     .terminated_with_parent = true };
	struct buf out = { 0 };
	struct strv env = { 0 };
	struct err ignored;
	pid_t pid;
	int ret;

	/* Put this first: getenv() returns the first value of a name. */
	if (!has_terminal())
		strv_add(&env, "GIT_TERMINAL_PROMPT=0");
	strv_add_all(&env, environ);
	run.env = env.v;
	ret = fs_memfd_new(bytes_str(text), &run.stdio_fds[0], &ignored);
	if (!ret)
		ret = fs_memfd_new(bytes_str(""), &run.stdio_fds[1], &ignored);
	if (!ret)
		ret = spawn_start(&run, &pid, &ignored);
	if (!ret)
		ret = tree_git_wait(pid);
	if (!ret)
		ret = fs_memfd_read(run.stdio_fds[1], ANSWER_MAX, &out,
				    &ignored);
	for (int i = 0; i < 2; i++) {
		if (run.stdio_fds[i] >= 0)
			close(run.stdio_fds[i]);
	}
	strv_release(&env);
	if (!ret)
		return buf_steal(&out);
	buf_release(&out);
	return NULL;
}

/* Return the value of the line KEY=VALUE, or NULL.  The caller frees it. */
static char *credential_value(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; *line; line++) {
		size_t len = strcspn(line, "\n");

		if (len > n && !strncmp(line, key, n) && line[n] == '=')
			return xstrndup(line + n + 1, len - n - 1);
		line += len;
		if (!*line)
			break;
	}
	return NULL;
}

static int query_git_credential(struct fetch_session *t, const char *text,
				const char *user, char **name, char **password)
{
	char *port, *username, *query;
	struct tree_url url;
	struct err err;

	if (tree_url_parse(&url, text, &err)) {
		git_error_set_str(GIT_ERROR_HTTP, err.text);
		return GIT_EAUTH;
	}
	user = user ? user : url.user;
	port = url.port ? xasprintf(":%s", url.port) : xstrdup("");
	username = user ? xasprintf("username=%s\n", user) : xstrdup("");
	query = xasprintf("protocol=%s\nhost=%s%s\npath=%s\n%s\n",
			  url.kind == TREE_URL_HTTPS ? "https" : "http",
			  url.host, port, url.path + strspn(url.path, "/"),
			  username);
	/*
	 * At a terminal, suspend the timeout while the user enters a password.
	 */
	tree_worker_set_prompting(t->fetch->worker, has_terminal());
	t->credential = git_credential_program("fill", query);
	tree_worker_set_prompting(t->fetch->worker, false);
	free(port);
	free(username);
	free(query);
	tree_url_release(&url);
	if (!t->credential)
		return GIT_EAUTH;
	*name = credential_value(t->credential, "username");
	*password = credential_value(t->credential, "password");
	return *name && *password ? 0 : GIT_EAUTH;
}

static int refuse_server(const char *url, const char *why)
{
	char *shown = url_redact(url), *text;

	text = xasprintf("%s: %s; configure a git credential helper, or run "
			 "kfarm at a terminal",
			 shown, why);
	git_error_set_str(GIT_ERROR_HTTP, text);
	free(text);
	free(shown);
	return GIT_EAUTH;
}

static void forget_credential(struct fetch_session *t)
{
	free(t->credential);
	t->credential = NULL;
}

/*
 * If credentials of `git credential` were sent, report to `git credential`
 * whether the server accepted them.  Then forget the credentials.
 */
static void report_credential(struct fetch_session *t, bool accepted)
{
	if (t->credential)
		free(git_credential_program(accepted ? "approve" : "reject",
					    t->credential));
	forget_credential(t);
}

/*
 * A git_credential_acquire_cb: get the user's name and password for `url` from
 * `git credential`.
 */
static int on_credentials(git_credential **out, const char *url,
			  const char *user, unsigned types, void *payload)
{
	struct fetch_session *t = payload;
	char *name = NULL, *password = NULL;
	int ret;

	if (!(types & GIT_CREDENTIAL_USERPASS_PLAINTEXT))
		return refuse_server(url, "unsupported authentication method");
	report_credential(t, false);
	if (t->n_credential_tries++ >= TRIES_MAX)
		return refuse_server(url, "authentication failed");
	ret = query_git_credential(t, url, user, &name, &password);
	ret = ret ? refuse_server(url, "user name and password required") :
		    git_credential_userpass_plaintext_new(out, name, password);
	free(name);
	free(password);
	return ret;
}

/* ---- connection ---- */

/* One fetch can connect to its remote several times. */
static void begin_remote(struct tree_fetch *f, const char *url)
{
	if (!f->begun)
		tree_worker_begin_remote(f->worker, url);
	f->begun = true;
}

static int find_remote(struct fetch_session *t, const char *name,
		       struct err *err)
{
	struct tree_url url;
	int ret;

	tree_worker_defer_signals();
	if (git_remote_lookup(&t->remote, t->fetch->repo, name)) {
		begin_remote(t->fetch, name);
		return tree_git_set_error(err, -1, "remote %s", name);
	}
	if (!git_remote_url(t->remote)) {
		begin_remote(t->fetch, name);
		return err_set(err, EINVAL, "remote %s: the URL is empty",
			       name);
	}
	t->shown_url = url_redact(git_remote_url(t->remote));
	begin_remote(t->fetch, t->shown_url);
	ret = tree_url_parse(&url, git_remote_url(t->remote), err);
	if (ret)
		return ret;
	t->local_path = url.kind == TREE_URL_LOCAL ? xstrdup(url.path) : NULL;
	tree_url_release(&url);
	git_remote_init_callbacks(&t->callbacks, GIT_REMOTE_CALLBACKS_VERSION);
	t->callbacks.payload = t;
	t->callbacks.transfer_progress = on_transfer;
	t->callbacks.sideband_progress = on_sideband;
	t->callbacks.pack_progress = on_pack;
	t->callbacks.update_tips = on_tip;
	t->callbacks.credentials = on_credentials;
	return 0;
}

static bool is_local_shallow(const struct fetch_session *t)
{
	git_repository *repo = NULL;
	bool is = t->local_path && !git_repository_open(&repo, t->local_path) &&
		  git_repository_is_shallow(repo) == 1;

	git_repository_free(repo);
	return is;
}

/*
 * Connect through `git upload-pack` if libgit2 1.5 has failed to connect to a
 * local repository in which a symbolic reference names a missing branch
 * ("reference '...' not found").  After any other failure, return -1.  If `git
 * upload-pack` fails as well, restore libgit2's first error message.
 */
static int connect_upload_pack(struct fetch_session *t,
			       const git_remote_connect_options *options)
{
	const git_error *last = git_error_last();
	char *text = xstrdup(last ? last->message : "");
	git_repository *repo = NULL;
	int ret = str_starts(text, "reference '") &&
				  str_ends(text, "' not found") ?
			  git_repository_open(&repo, t->local_path) :
			  -1;

	git_repository_free(repo);
	if (!ret)
		ret = git_remote_set_instance_url(t->remote, "file:///");
	if (!ret) {
		tree_transport_use_upload_pack(t->local_path);
		ret = git_remote_connect_ext(t->remote, GIT_DIRECTION_FETCH,
					     options);
		tree_transport_use_upload_pack(NULL);
	}
	if (ret)
		git_error_set_str(GIT_ERROR_REFERENCE, text);
	free(text);
	return ret;
}

static int set_fetch_error(struct fetch_session *t, struct err *err)
{
	int ret;

	if (tree_transport_is_sha256())
		return tree_git_set_sha256_error(err, t->shown_url);
	ret = tree_git_set_error(err, -1, "%s", t->shown_url);
	if (tree_transport_is_shallow() || is_local_shallow(t))
		ret = err_set(err, EPROTONOSUPPORT,
			      "%s: libgit2 " LIBGIT2_VERSION " cannot fetch "
			      "from a shallow repository; clone it with git, "
			      "and add the directory of the clone",
			      t->shown_url);
	return ret;
}

/*
 * Record the HEAD of the connected remote.  Ignore a detached HEAD if the user
 * has selected branches, that is, if the first refspec has no wildcard.
 */
static void read_remote_head(struct fetch_session *t)
{
	const git_refspec *first = git_remote_get_refspec(t->remote, 0);
	struct tree_fetch *f = t->fetch;
	const git_remote_head **heads;
	git_buf name = { 0 };
	size_t n;

	free(f->head_ref);
	f->head_ref = NULL;
	f->head_id = (git_oid){ { 0 } };
	if (!git_remote_default_branch(&name, t->remote)) {
		if (str_starts(name.ptr, "refs/heads/"))
			f->head_ref = xstrdup(name.ptr);
	} else if (first && strchr(git_refspec_src(first), '*') &&
		   !git_remote_ls(&heads, &n, t->remote) && n &&
		   !strcmp(heads[0]->name, "HEAD")) {
		f->head_id = heads[0]->oid;
	}
	git_buf_dispose(&name);
}

static int connect_remote(struct fetch_session *t, struct err *err)
{
	git_remote_connect_options options;
	int ret;

	tree_worker_set_network_wait(t->fetch->worker, !t->local_path);
	tree_worker_report_progress(t->fetch->worker, TREE_PHASE_CONNECTING, 0,
				    0);
	git_remote_connect_options_init(&options,
					GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	options.callbacks = t->callbacks;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	ret = git_remote_connect_ext(t->remote, GIT_DIRECTION_FETCH, &options);
	if (ret && t->local_path)
		ret = connect_upload_pack(t, &options);
	/*
	 * Do not report the credentials as rejected, because the connection may
	 * have failed for another reason.  If the server rejects the
	 * credentials, libgit2 calls on_credentials() again, and
	 * on_credentials() reports the rejection.
	 */
	if (ret) {
		forget_credential(t);
		return set_fetch_error(t, err);
	}
	report_credential(t, true);
	read_remote_head(t);
	return 0;
}

/*
 * Return true if a fetch creates the tag `head` in a repository that lacks it:
 * either all tags are fetched, or the repository has the object of the tag.
 */
static bool is_new_tag(git_odb *odb, git_remote_autotag_option_t tags,
		       const git_remote_head *head)
{
	return tags == GIT_REMOTE_DOWNLOAD_TAGS_ALL ||
	       git_odb_exists_ext(odb, &head->oid, GIT_ODB_LOOKUP_NO_REFRESH);
}

/* Return true if the clone that lends objects has a reference `name`. */
static bool is_lent(const struct tree_fetch *f, const char *name)
{
	git_oid id;

	return f->lender && !git_reference_name_to_id(&id, f->lender, name);
}

static bool is_fetched_tag(const struct fetch_session *t, git_odb *odb,
			   git_remote_autotag_option_t tags,
			   const struct tree_ref_transaction *set,
			   const git_remote_head *head)
{
	const struct tree_ref *was;

	if (!str_starts(head->name, "refs/tags/") ||
	    tags == GIT_REMOTE_DOWNLOAD_TAGS_NONE)
		return false;
	was = tree_ref_transaction_find(set, head->name);
	if (!was)
		return is_new_tag(odb, tags, head);
	return tags == GIT_REMOTE_DOWNLOAD_TAGS_ALL &&
	       !git_oid_equal(&was->id, &head->oid) &&
	       !is_lent(t->fetch, head->name);
}

/*
 * Map the server's reference `head` by the i-th refspec of the remote, and
 * store the name of the local reference in *name.  Returns the refspec, or NULL
 * if the refspec does not fetch `head`.
 */
static const git_refspec *find_destination(const struct fetch_session *t,
					   size_t i,
					   const git_remote_head *head,
					   git_buf *name)
{
	const git_refspec *spec = git_remote_get_refspec(t->remote, i);

	if (git_refspec_direction(spec) != GIT_DIRECTION_FETCH ||
	    !git_refspec_src_matches(spec, head->name) ||
	    git_refspec_transform(name, spec, head->name) || !name->ptr)
		return NULL;
	return spec;
}

static void put_fetched_head(struct fetch_session *t,
			     struct tree_ref_transaction *set,
			     const git_remote_head *head)
{
	size_t n = git_remote_refspec_count(t->remote);

	for (size_t i = 0; i < n; i++) {
		git_buf name = { 0 };
		const git_refspec *spec = find_destination(t, i, head, &name);
		struct tree_ref *was;
		bool allowed;

		if (!spec)
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
 * Return true if `name` matches the destination of a fetch refspec.  A fetch
 * removes the reference `name` if the server lacks the corresponding branch.
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
		if (is_fetched_tag(t, odb, tags, &set, heads[i]))
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

/*
 * Set one reference of a shared repository.  If `forced` is false, an existing
 * tag is not changed, and a branch is only moved forward.  Returns 0, even if
 * the reference already has this value; GIT_EEXISTS if the change is not
 * allowed; or another result of libgit2.
 */
static int set_shared_ref(struct fetch_session *t, const char *name,
			  const git_oid *id, bool forced)
{
	git_repository *repo = t->fetch->repo;
	git_reference *made = NULL;
	git_oid was = { { 0 } };
	int valid = 0, ret;

	/* The server also lists peeled tags ("NAME^{}"). */
	if (git_reference_name_is_valid(&valid, name) || !valid)
		return 0;
	ret = git_reference_name_to_id(&was, repo, name);
	if (ret && ret != GIT_ENOTFOUND)
		return ret;
	if (!ret && git_oid_equal(&was, id))
		return 0;
	if (!ret && !forced &&
	    (str_starts(name, "refs/tags/") ||
	     git_graph_descendant_of(repo, id, &was) != 1))
		return GIT_EEXISTS;
	ret = git_reference_create_matching(&made, repo, name, id, !ret,
					    ret ? NULL : &was,
					    "kfarm tree update");
	git_reference_free(made);
	return ret ? ret : on_tip(name, &was, id, t);
}

/*
 * Update the references of a shared repository, one at a time under git's
 * locks.  Do not call git_remote_update_tips(), which would move existing tags
 * and truncate FETCH_HEAD.  Prune first: if the server has replaced the branch
 * "a" by "a/b", the reference for "a/b" cannot be created while the reference
 * for "a" exists.
 */
static int update_shared_refs(struct fetch_session *t,
			      git_remote_autotag_option_t tags, struct err *err)
{
	size_t n_specs = git_remote_refspec_count(t->remote), n_refused = 0;
	const git_remote_head **heads = NULL;
	size_t n = 0;
	git_odb *odb = NULL;
	int ret = git_remote_prune(t->remote, &t->callbacks);

	if (!ret)
		ret = git_remote_ls(&heads, &n, t->remote);
	if (!ret)
		ret = git_repository_odb(&odb, t->fetch->repo);
	for (size_t i = 0; !ret && i < n; i++) {
		for (size_t k = 0; !ret && k < n_specs; k++) {
			git_buf name = { 0 };
			const git_refspec *spec = find_destination(
				t, k, heads[i], &name);

			if (spec)
				ret = set_shared_ref(t, name.ptr,
						     &heads[i]->oid,
						     git_refspec_force(spec));
			ret = ret == GIT_EEXISTS ? 0 : ret;
			git_buf_dispose(&name);
		}
		if (ret || !str_starts(heads[i]->name, "refs/tags/") ||
		    tags == GIT_REMOTE_DOWNLOAD_TAGS_NONE ||
		    !is_new_tag(odb, tags, heads[i]))
			continue;
		ret = set_shared_ref(t, heads[i]->name, &heads[i]->oid, false);
		n_refused += ret == GIT_EEXISTS;
		ret = ret == GIT_EEXISTS ? 0 : ret;
	}
	if (n_refused && tags == GIT_REMOTE_DOWNLOAD_TAGS_ALL)
		tree_worker_report_note(
			t->fetch->worker,
			"%s: %zu tag%s not fetched: the clone has %s",
			t->shown_url, n_refused, format_plural(n_refused),
			n_refused == 1 ? "a different tag of this name" :
					 "different tags of these names");
	git_odb_free(odb);
	return ret ? tree_git_set_error(err, -1, "%s", t->shown_url) : 0;
}

/*
 * Reject a refspec that updates a branch checked out in a worktree of the
 * shared repository: the index and the files of the worktree would not follow
 * the branch.
 */
static int check_checked_out(struct fetch_session *t, struct err *err)
{
	git_branch_iterator *all = NULL;
	git_reference *branch;
	git_branch_t type;
	int ret = 0;

	if (git_branch_iterator_new(&all, t->fetch->repo, GIT_BRANCH_LOCAL))
		return tree_git_set_error(err, -1, "%s", t->shown_url);
	while (!ret && !git_branch_next(&branch, &type, all)) {
		const char *name = git_reference_name(branch);

		if (is_pruned(t, name) && git_branch_is_checked_out(branch))
			ret = err_set(err, EBUSY,
				      "%s: refusing to fetch into %s, which is "
				      "checked out; change remote.%s.fetch",
				      t->shown_url, name,
				      git_remote_name(t->remote));
		git_reference_free(branch);
	}
	git_branch_iterator_free(all);
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
	report_credential(t, true);
	tree_worker_set_network_wait(t->fetch->worker, false);
	return t->fetch->shared ?
		       update_shared_refs(t, options.download_tags, err) :
		       update_owned_refs(t, options.download_tags, err);
}

/* ---- fetch by the program git ---- */

static bool is_on_server(const git_remote_head **heads, size_t n,
			 const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(heads[i]->name, name))
			return true;
	}
	return false;
}

static int remove_ref(git_repository *repo, const char *name, unsigned *n)
{
	git_oid id;

	if (git_reference_name_to_id(&id, repo, name))
		return 0;
	++*n;
	return git_reference_remove(repo, name);
}

/*
 * Append the fetch refspecs of the connected remote to `specs`.  If a refspec
 * names a branch that the server does not have, `git fetch` would fail.
 * Therefore omit the refspec, and remove the remote-tracking reference of the
 * branch.  Set fetch->none_left if all refspecs are omitted.
 */
static int list_refspecs(struct fetch_session *t, struct strv *specs,
			 struct err *err)
{
	size_t n, n_specs = git_remote_refspec_count(t->remote);
	const git_remote_head **heads;
	bool missing = false;
	int ret = git_remote_ls(&heads, &n, t->remote);

	for (size_t i = 0; !ret && i < n_specs; i++) {
		const git_refspec *spec = git_remote_get_refspec(t->remote, i);
		const char *src = git_refspec_src(spec);
		const char *dst = git_refspec_dst(spec);

		if (git_refspec_direction(spec) != GIT_DIRECTION_FETCH)
			continue;
		if (strchr(src, '*') || !str_starts(src, "refs/") ||
		    is_on_server(heads, n, src)) {
			strv_add(specs, git_refspec_string(spec));
			continue;
		}
		missing = true;
		if (dst && str_starts(dst, "refs/remotes/"))
			ret = remove_ref(t->fetch->repo, dst,
					 &t->fetch->changes.n_branches_pruned);
	}
	t->fetch->none_left = !specs->n && missing;
	return ret ? tree_git_set_error(err, -1, "%s", t->shown_url) : 0;
}

/*
 * Remove tags that have another value on the connected server, because `git
 * fetch` does not move existing tags.  `git fetch` then creates a removed tag
 * again, unless the repository lacks the tag's commit after the fetch.  Do not
 * fetch the tags by refspecs: git would fetch the complete history of each tag.
 * Append the name and the old value of each removed tag to `removed`.
 */
static int remove_moved_tags(struct fetch_session *t, struct strv *removed,
			     struct err *err)
{
	git_repository *repo = t->fetch->repo;
	const git_remote_head **heads;
	size_t n;
	int ret = git_remote_ls(&heads, &n, t->remote);

	for (size_t i = 0; !ret && i < n; i++) {
		const char *name = heads[i]->name;
		git_oid id;

		if (!str_starts(name, "refs/tags/") ||
		    git_reference_name_to_id(&id, repo, name) ||
		    git_oid_equal(&id, &heads[i]->oid) ||
		    is_lent(t->fetch, name))
			continue;
		ret = git_reference_remove(repo, name);
		strv_add(removed, name);
		strv_add(removed, git_oid_tostr_s(&id));
	}
	return ret ? tree_git_set_error(err, -1, "%s", t->shown_url) : 0;
}

/* Restore tags that remove_moved_tags() has removed, if they do not exist. */
static void restore_tags(git_repository *repo, const struct strv *removed)
{
	for (size_t i = 0; i + 1 < removed->n; i += 2) {
		git_reference *made = NULL;
		git_oid id;

		git_oid_fromstr(&id, removed->v[i + 1]);
		git_reference_create(&made, repo, removed->v[i], &id, 0,
				     "kfarm tree update");
		git_reference_free(made);
	}
}

/*
 * Fetch from the connected remote by the program git.  Returns 0, -ENOENT if
 * git is not installed, or another negative errno.
 */
static int download_by_git(struct fetch_session *t, const char *remote,
			   struct err *err)
{
	char *program = which("git", getenv("PATH"));
	const struct tree_git_fetch git = { .worker = t->fetch->worker,
					    .repo = t->fetch->repo,
					    .depth = t->fetch->depth,
					    .remote = remote };
	struct strv specs = { 0 }, removed = { 0 };
	int ret;

	if (!program)
		return err_set(err, ENOENT,
			       "--depth requires git, which is not in PATH; "
			       "install git, or add the tree without --depth");
	free(program);
	ret = list_refspecs(t, &specs, err);
	if (!ret && specs.n && t->fetch->all_tags && !t->fetch->shared &&
	    git_remote_autotag(t->remote) != GIT_REMOTE_DOWNLOAD_TAGS_NONE)
		ret = remove_moved_tags(t, &removed, err);
	git_remote_disconnect(t->remote);
	if (!ret && specs.n) {
		ret = tree_git_fetch(&git, &specs, err);
		t->fetch->changes.uncounted = true;
		if (ret)
			err_wrap(err, "%s", t->shown_url);
	}
	if (ret)
		restore_tags(t->fetch->repo, &removed);
	strv_release(&removed);
	strv_release(&specs);
	return ret;
}

static void disconnect_remote(struct fetch_session *t)
{
	if (t->remote)
		git_remote_disconnect(t->remote);
	git_remote_free(t->remote);
	forget_credential(t);
	tree_worker_set_network_wait(t->fetch->worker, false);
	free(t->shown_url);
	free(t->local_path);
	tree_worker_deliver_signals();
}

int tree_fetch_remote(struct tree_fetch *f, const char *remote, struct err *err)
{
	struct fetch_session t = { .fetch = f };
	int ret = find_remote(&t, remote, err);

	if (!ret)
		ret = connect_remote(&t, err);
	if (!ret && (f->depth || git_repository_is_shallow(f->repo) == 1)) {
		ret = download_by_git(&t, remote, err);
	} else if (!ret && f->shared) {
		ret = check_checked_out(&t, err);
		ret = ret ? ret : download(&t, err);
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
