/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/native-toolchain.h"

#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "peer/canary-db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELD_TOOLCHAINS_MAX 4096

/* An installed toolchain of the build host that is being read or uploaded. */
struct peer_native_toolchain_source {
	struct peer_native_toolchain *native;
	struct toolchain_installed installed;
	struct digest equivalent_id;
	struct peer_bundle bundle;
	struct task *task;
	atomic_bool stop;
	int ret;
	struct err err;
};

/*
 * Return true if the components of the shorter triplet are the first components
 * of the longer triplet ("aarch64-linux" and "aarch64-linux-gnu").
 */
static bool is_same_triplet(const char *a, size_t a_len, const char *b)
{
	size_t b_len = strlen(b), least = a_len < b_len ? a_len : b_len;
	size_t cpu = strcspn(b, "-");

	if (memcmp(a, b, least) || least < cpu)
		return false;
	return (a_len == least || a[least] == '-') &&
	       (b_len == least || b[least] == '-');
}

bool peer_native_toolchain_matches(const char *id, const char *host,
				   const struct compiler_manifest *m)
{
	char *release = xasprintf("%s-%s", m->is_clang ? "clang" : "gcc",
				  m->version);
	char *on = xasprintf("-on-%s", host);
	size_t skip = strlen(release), len = strlen(id);
	bool same = str_starts(id, release);

	if (str_ends(id, on))
		len -= strlen(on);
	if (same && m->is_clang)
		same = len == skip;
	else if (same)
		same = len > skip + 1 && id[skip] == '-' &&
		       is_same_triplet(id + skip + 1, len - skip - 1,
				       m->machine);
	free(release);
	free(on);
	return same;
}

/*
 * Request the node's list of installed toolchains.  If an earlier request is
 * pending, its reply is ignored.
 */
static void request_toolchain_list(struct peer_native_toolchain *f)
{
	struct wire_tools m = { .request_id = ++f->list_id };
	struct buf body = { 0 };

	f->list_received = false;
	wire_tools_encode_at(&body, &m, f->conn->version);
	peer_conn_send(f->conn, WIRE_TOOLS, &body, WIRE_PLAIN);
}

/* Return true while the node's list of toolchains or an upload is pending. */
static bool is_list_pending(const struct peer_native_toolchain *f)
{
	return (f->list_id && !f->list_received) || f->source;
}

static struct peer_native_toolchain_entry *find_native_entry(
	const struct peer_native_toolchain *f, const char *id)
{
	for (size_t i = 0; i < f->n_entries; i++) {
		if (!strcmp(f->entries[i].id, id))
			return &f->entries[i];
	}
	return NULL;
}

/*
 * Return true if the node's toolchain has the expected dir_digest, or if no
 * digest is expected.  peer/native-toolchain.h defines the expected digest.
 */
static bool has_expected_content(const struct peer_native_toolchain *f,
				 const struct peer_native_toolchain_entry *t)
{
	const struct peer_shared *shared = f->conn->shared;
	struct toolchain_installed local;
	struct digest expected = { 0 };
	struct err ignored;

	if (shared->data_dir &&
	    !toolchain_installed_read(shared->data_dir, t->id, &local,
				      &ignored)) {
		expected = local.dir_digest;
		toolchain_installed_release(&local);
	}
	if (!digest_is_set(&expected) && shared->canary_db)
		peer_canary_db_find_tested(shared->canary_db,
					   f->conn->entry->name, t->id,
					   &expected);
	return !digest_is_set(&expected) ||
	       digest_equal(&expected, &t->dir_digest);
}

/*
 * Format the reason why a toolchain with unexpected content is not used.  The
 * reason begins with `id` unless `id` is NULL.
 */
static char *format_replaced_reason(const struct peer_native_toolchain *f,
				    const char *id,
				    const struct compiler_manifest *m)
{
	return xasprintf(
		"%s%snot the toolchain that the build host installed or "
		"tested; run `kfarm toolchain install %s-%s ... --nodes %s`",
		id ? id : "", id ? ": " : "", m->is_clang ? "clang" : "gcc",
		m->version, f->conn->entry->name);
}

/*
 * List the ids of all matching toolchains that the node has installed and can
 * run, in the order of the architectures in its FIT message.  Skip toolchains
 * with unexpected content.  Returns the id of a skipped toolchain, or NULL.
 */
static const char *list_matching_toolchains(
	const struct peer_native_toolchain *f,
	const struct compiler_manifest *m, struct strv *ids)
{
	const char *replaced = NULL;

	for (size_t h = 0; f->hosts && h < f->hosts->n; h++) {
		for (size_t i = 0; i < f->n_entries; i++) {
			const struct peer_native_toolchain_entry *t =
				&f->entries[i];

			if (strcmp(t->host, f->hosts->v[h]) != 0 ||
			    !peer_native_toolchain_matches(t->id, t->host, m))
				continue;
			if (has_expected_content(f, t))
				strv_add(ids, t->id);
			else
				replaced = t->id;
		}
	}
	return replaced;
}

/* Call on_notice_received() with a message for the user. */
static void report_notice(const struct peer_native_toolchain *f,
			  const struct inputs_toolchain *tc, const char *reason)
{
	f->conn->shared->ops->on_notice_received(f->conn->ctx, tc, reason);
}

static void report_toolchain_use(const struct peer_native_toolchain *f,
				 const char *what, const char *id)
{
	char *reason = xasprintf("%s %s", what, id);

	report_notice(f, NULL, reason);
	free(reason);
}

/* ------------------------------------------------------------- upload */

static void source_free(struct peer_native_toolchain_source *s)
{
	atomic_store(&s->stop, true);
	if (s->task)
		task_join(s->task);
	peer_bundle_release(&s->bundle);
	toolchain_installed_release(&s->installed);
	free(s);
}

/* Runs on a separate thread. */
static void read_source_bundle(void *arg)
{
	struct peer_native_toolchain_source *s = arg;

	s->ret = peer_bundle_read(&s->bundle, &s->installed, &s->equivalent_id,
				  &s->stop, &s->err);
}

static void finish_toolchain_upload(struct peer_native_toolchain *f,
				    const char *why)
{
	if (why)
		log_warning("node %s: cannot upload %s: %s",
			    f->conn->entry->name, f->source->installed.id, why);
	peer_bundle_upload_stop(&f->upload);
	source_free(f->source);
	f->source = NULL;
	f->list_changed = true;
	peer_shared_wake(f->conn->shared);
}

static void on_file_failed(void *ctx, const struct inputs_entry *e,
			   const char *why)
{
	struct peer_native_toolchain *f = ctx;

	(void)e;
	log_warning("node %s: cannot upload %s: %s", f->conn->entry->name,
		    f->source->installed.id, why);
	f->upload_failed = true;
	peer_shared_wake(f->conn->shared);
}

static void on_read(void *arg)
{
	struct peer_native_toolchain_source *s = arg;
	struct peer_native_toolchain *f = s->native;
	struct peer_blob_upload_user user = { .on_failed = on_file_failed,
					      .ctx = f };
	struct err err;

	s->task = NULL;
	if (s->ret) {
		finish_toolchain_upload(f, s->err.text);
		return;
	}
	report_toolchain_use(f, "uploading toolchain", s->installed.id);
	if (peer_bundle_upload_start(&f->upload, &s->bundle, f->conn, &user,
				     &err))
		finish_toolchain_upload(f, err.text);
}

/*
 * Find the first suitable toolchain in `list`, and move it to s->installed.  It
 * must match `m`, the node must be able to run it, and its upload must not have
 * been tried before.  Adopted toolchains, which kfarm did not install, are not
 * suitable.  Returns false if no toolchain is suitable.
 */
static bool pick_installed(struct peer_native_toolchain_source *s,
			   const struct peer_native_toolchain *f,
			   const struct compiler_manifest *m,
			   struct toolchain_installed_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct toolchain_installed *t = &list->v[i];

		if (t->adopted_from || !strv_has(f->hosts, t->host) ||
		    !peer_native_toolchain_matches(t->id, t->host, m) ||
		    strv_has(&f->offered, t->id))
			continue;
		s->installed = *t;
		*t = (struct toolchain_installed){ 0 };
		return true;
	}
	return false;
}

/*
 * If toolchain.sync is set, start to upload a matching toolchain that is
 * installed on the build host.  Returns false if no upload was started.
 */
static bool upload_installed(struct peer_native_toolchain *f,
			     const struct compiler_manifest *m)
{
	const struct peer_shared *shared = f->conn->shared;
	struct toolchain_installed_list list = { 0 };
	struct peer_native_toolchain_source *s;
	struct err err;

	if (!shared->sync_toolchains ||
	    toolchain_installed_list(shared->data_dir, &list, &err))
		return false;
	s = xcalloc(1, sizeof(*s));
	s->native = f;
	s->equivalent_id = m->id;
	if (pick_installed(s, f, m, &list)) {
		strv_add(&f->offered, s->installed.id);
		s->task = task_start_notify(shared->base, read_source_bundle,
					    on_read, s);
	}
	toolchain_installed_list_release(&list);
	if (!s->task) {
		source_free(s);
		return false;
	}
	f->source = s;
	return true;
}

/* Add an installed toolchain, or update its entry. */
static void set_native_entry(struct peer_native_toolchain *f, const char *id,
			     const char *host, const struct digest *dir_digest)
{
	struct peer_native_toolchain_entry *t = find_native_entry(f, id);

	if (!t) {
		t = VEC_ADD(f->entries, f->n_entries);
		t->id = xstrdup(id);
	}
	free(t->host);
	t->host = xstrdup(host);
	t->dir_digest = *dir_digest;
	t->list_id = f->list_id;
}

void peer_native_toolchain_handle_have(struct peer_native_toolchain *f,
				       const struct wire_have *m)
{
	const struct peer_bundle *b = f->upload.bundle;
	struct err err;
	int ret = peer_bundle_upload_check_have(&f->upload, m, &err);

	if (!ret)
		set_native_entry(f, b->id, b->host, &b->dir_digest);
	finish_toolchain_upload(f, ret ? err.text : NULL);
}

/* ------------------------------------------------ installed toolchains */

int peer_native_toolchain_handle_held(struct peer_native_toolchain *f,
				      struct bytes body, struct err *err)
{
	struct wire_held m;
	bool is_current;
	int ret = 0;

	if (!f->list_id || f->list_received ||
	    wire_held_decode_at(&m, body, f->conn->version))
		return err_set(err, EPROTO, "invalid HELD");
	/* A reply to an earlier TOOLS message is out of date. */
	is_current = m.request_id == f->list_id;
	if (!m.request_id || m.request_id > f->list_id ||
	    f->n_entries + m.n_toolchains > HELD_TOOLCHAINS_MAX)
		ret = err_set(err, EPROTO, "invalid HELD");
	for (uint32_t i = 0; is_current && i < m.n_toolchains && !ret; i++) {
		const struct wire_held_one *one = &m.toolchains[i];

		/* Damaged toolchains are never used. */
		if (one->state != WIRE_HELD_DAMAGED)
			set_native_entry(f, one->id, one->host,
					 &one->dir_digest);
	}
	if (is_current && m.last && !ret) {
		f->list_received = f->list_changed = true;
		peer_shared_wake(f->conn->shared);
	}
	wire_held_release(&m);
	return ret;
}

void peer_native_toolchain_release(struct peer_native_toolchain *f)
{
	peer_bundle_upload_stop(&f->upload);
	if (f->source)
		source_free(f->source);
	for (size_t i = 0; i < f->n_entries; i++) {
		free(f->entries[i].id);
		free(f->entries[i].host);
	}
	free(f->entries);
	strv_release(&f->offered);
	free(f->missing_reason);
	*f = (struct peer_native_toolchain){ 0 };
}

/*
 * Return the key of the canary results for this node and compiler.  The caller
 * sets `native_id` if it needs this field.
 */
static struct peer_canary_db_subject canary_subject(
	const struct peer_native_toolchain *f,
	const struct inputs_toolchain *tc)
{
	struct peer_canary_db_subject key = { .node = f->conn->entry->name,
					      .local_id = tc->manifest.id };

	peer_canary_db_digest(&key.sources);
	return key;
}

/* ---------------------------------------------- selection for a build */

static void reject_native(const struct peer_native_toolchain *f,
			  struct peer_sandbox *sandbox, const char *why)
{
	log_warning("node %s: %s: %s", f->conn->entry->name,
		    sandbox->native_name, why);
	report_notice(f, sandbox->toolchain, why);
	peer_sandbox_close(sandbox, why);
}

static void reject_failed_canary(const struct peer_native_toolchain *f,
				 struct peer_sandbox *sandbox, const char *file)
{
	char *why = xasprintf("canary failed: %s", file);

	reject_native(f, sandbox, why);
	free(why);
}

static void accept_native(const struct peer_native_toolchain *f,
			  struct peer_sandbox *sandbox)
{
	sandbox->state = PEER_SANDBOX_READY;
	report_toolchain_use(f, "using node-native toolchain",
			     sandbox->native_name);
}

/* Start the canary of a sandbox in state TESTING. */
static void start_canary(struct peer_sandbox *sandbox)
{
	const struct peer_shared *shared = sandbox->sandboxes->conn->shared;

	sandbox->canary = (struct peer_canary_progress){
		.n_rounds_left = shared->benchmark ? PEER_BENCHMARK_ROUNDS : 1
	};
	peer_shared_wake(shared);
}

/*
 * Request the list of toolchains again.  When it has been received,
 * peer_native_toolchain_confirm() starts the canary of the sandbox.
 */
static void confirm_content(struct peer_native_toolchain *f,
			    struct peer_sandbox *sandbox)
{
	sandbox->state = PEER_SANDBOX_TESTING;
	sandbox->unconfirmed = true;
	request_toolchain_list(f);
}

static void test_unless_recorded(struct peer_native_toolchain *f,
				 struct peer_sandbox *sandbox)
{
	const struct peer_native_toolchain_entry *t = find_native_entry(
		f, sandbox->native_name);
	struct peer_canary_db_subject key = canary_subject(f,
							   sandbox->toolchain);
	struct peer_canary_db_entry known;

	key.native_id = sandbox->native_id;
	peer_canary_db_find(f->conn->shared->canary_db, &key, &known);
	if (known.status == PEER_CANARY_STATUS_FAILED)
		reject_failed_canary(f, sandbox, known.detail);
	else if (known.status == PEER_CANARY_STATUS_PASSED && t &&
		 digest_equal(&known.dir_digest, &t->dir_digest) &&
		 has_expected_content(f, t))
		accept_native(f, sandbox);
	else
		confirm_content(f, sandbox);
	peer_canary_db_entry_release(&known);
}

/*
 * Report that the node has no usable build of the compiler.  `replaced` is the
 * id of a build that was skipped because of unexpected content, or NULL.
 */
static void report_missing_toolchain(struct peer_native_toolchain *f,
				     const struct inputs_toolchain *tc,
				     const char *replaced)
{
	const struct compiler_manifest *m = &tc->manifest;
	const char *release = m->is_clang ? "clang" : "gcc";

	free(f->missing_reason);
	if (!f->conn->shared->canary_db)
		f->missing_reason = xasprintf("%s runs on %s, not on %s",
					      str_base(tc->driver), m->host,
					      f->machine);
	else if (replaced)
		f->missing_reason = format_replaced_reason(f, replaced, m);
	else
		f->missing_reason = xasprintf(
			"no build of %s-%s (%s) for %s; run `kfarm toolchain "
			"install %s-%s ... --nodes %s`",
			release, m->version, m->machine, f->machine, release,
			m->version, f->conn->entry->name);
	report_notice(f, tc, f->missing_reason);
}

/*
 * Warn about the build `replaced`, which was skipped because of unexpected
 * content.  Does nothing if `replaced` is NULL.
 */
static void warn_about_replaced(const struct peer_native_toolchain *f,
				const struct inputs_toolchain *tc,
				const char *replaced)
{
	char *why;

	if (!replaced)
		return;
	why = format_replaced_reason(f, replaced, &tc->manifest);
	log_warning("node %s: %s", f->conn->entry->name, why);
	free(why);
}

static void request_native(struct peer_native_toolchain *f,
			   struct peer_sandboxes *sandboxes,
			   struct inputs_toolchain *tc, const char *chosen,
			   bool native)
{
	struct strv ids = { 0 };
	const char *id, *replaced;

	if (!f->list_id)
		request_toolchain_list(f);
	if (is_list_pending(f))
		return;
	replaced = list_matching_toolchains(f, &tc->manifest, &ids);
	/*
	 * Prefer the compiler build that `kfarm toolchain tune` has chosen.  If
	 * the node does not have this build, use the local build (NULL).  If
	 * the node cannot run the local build, use the first id of the list.
	 */
	if (chosen && strv_has(&ids, chosen))
		id = chosen;
	else
		id = native || !ids.n ? NULL : ids.v[0];
	if (id || native) {
		warn_about_replaced(f, tc, replaced);
		peer_sandbox_request(sandboxes, tc, id);
	} else if (!upload_installed(f, &tc->manifest)) {
		report_missing_toolchain(f, tc, replaced);
	}
	strv_release(&ids);
}

/* ------------------------------------------------------ benchmarking */

static struct peer_benchmark_node *find_benchmark_node(
	const struct peer_benchmark *t, const char *name)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		if (!strcmp(t->nodes[i].node, name))
			return &t->nodes[i];
	}
	return NULL;
}

static void finish_benchmark_node(struct peer_benchmark *t,
				  struct peer_benchmark_node *n)
{
	n->finished = true;
	for (size_t i = 0; i < t->n_nodes; i++) {
		if (!t->nodes[i].finished)
			return;
	}
	t->on_done(t->ctx);
}

void peer_benchmark_fail_node(struct peer_benchmark *t, const char *node,
			      const char *why)
{
	struct peer_benchmark_node *n = find_benchmark_node(t, node);

	if (!n || n->finished)
		return;
	n->error = xstrdup(why);
	finish_benchmark_node(t, n);
}

void peer_benchmark_fail_all(struct peer_benchmark *t, const char *why)
{
	for (size_t i = 0; i < t->n_nodes; i++)
		peer_benchmark_fail_node(t, t->nodes[i].node, why);
}

void peer_benchmark_release(struct peer_benchmark *t)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		struct peer_benchmark_node *n = &t->nodes[i];

		for (size_t k = 0; k < n->n_candidates; k++) {
			free(n->candidates[k].id);
			free(n->candidates[k].detail);
		}
		free(n->candidates);
		free(n->error);
	}
	free(t->nodes);
	*t = (struct peer_benchmark){ 0 };
}

/*
 * Record the result of the compiler build that is being measured on `node`.
 * Returns false if no build is being measured on this node.
 */
static bool record_benchmark(struct peer_benchmark *t, const char *node,
			     enum peer_canary_status is, const char *detail,
			     uint32_t cpu_ms)
{
	struct peer_benchmark_node *n = find_benchmark_node(t, node);
	struct peer_benchmark_candidate *one;

	if (!n || n->finished || n->next == n->n_candidates)
		return false;
	one = &n->candidates[n->next++];
	one->tested = true;
	one->status = is;
	one->cpu_ms = cpu_ms;
	one->detail = *detail ? xstrdup(detail) : NULL;
	return true;
}

/*
 * Request a sandbox for the next compiler build to measure.  After the last
 * build has been measured, store the id of the fastest build.
 */
static void benchmark_next(struct peer_native_toolchain *f,
			   struct peer_sandboxes *sandboxes,
			   struct inputs_toolchain *tc)
{
	struct peer_benchmark *t = f->conn->shared->benchmark;
	struct peer_canary_db_subject key = canary_subject(f, tc);
	struct peer_benchmark_node *n = find_benchmark_node(t, key.node);
	struct err err;

	if (!n || n->finished)
		return;
	if (n->next < n->n_candidates) {
		const char *id = n->candidates[n->next].id;

		peer_sandbox_request(sandboxes, tc, *id ? id : NULL);
		return;
	}
	/* Of two equally fast builds, choose the first. */
	n->best = NULL;
	for (size_t i = 0; i < n->n_candidates; i++) {
		const struct peer_benchmark_candidate *one = &n->candidates[i];

		if (one->status == PEER_CANARY_STATUS_PASSED && one->tested &&
		    (!n->best || one->cpu_ms < n->best->cpu_ms))
			n->best = one;
	}
	if (n->best && peer_canary_db_set_choice(f->conn->shared->canary_db,
						 &key, n->best->id, &err)) {
		n->best = NULL;
		n->error = xstrdup(err.text);
	}
	finish_benchmark_node(t, n);
}

static void request_for_benchmark(struct peer_native_toolchain *f,
				  struct peer_sandboxes *sandboxes,
				  struct inputs_toolchain *tc, bool native)
{
	struct peer_benchmark_node *n;
	struct strv ids = { 0 };

	if (!f->list_id)
		request_toolchain_list(f);
	if (is_list_pending(f))
		return;
	n = find_benchmark_node(f->conn->shared->benchmark,
				f->conn->entry->name);
	if (!n || n->started)
		return;
	n->started = true;
	if (native)
		strv_add(&ids, "");
	warn_about_replaced(f, tc,
			    list_matching_toolchains(f, &tc->manifest, &ids));
	for (size_t i = 0; i < ids.n; i++)
		VEC_ADD(n->candidates, n->n_candidates)->id = xstrdup(ids.v[i]);
	benchmark_next(f, sandboxes, tc);
	strv_release(&ids);
}

/* -------------------------------------------------------- common part */

void peer_native_toolchain_request(struct peer_native_toolchain *f,
				   struct peer_sandboxes *sandboxes,
				   struct inputs_toolchain *tc)
{
	bool native = compiler_host_can_run(tc->manifest.host, f->machine);
	const char *db = f->conn->shared->canary_db;
	struct peer_canary_db_subject key;
	char *chosen;

	if (f->conn->shared->benchmark) {
		request_for_benchmark(f, sandboxes, tc, native);
		return;
	}
	key = canary_subject(f, tc);
	/* id of the fastest measured compiler build; "" for the local build */
	chosen = db ? peer_canary_db_get_choice(db, &key) : NULL;
	if (native && (!chosen || !*chosen))
		peer_sandbox_request(sandboxes, tc, NULL);
	else if (db)
		request_native(f, sandboxes, tc, chosen, native);
	else
		report_missing_toolchain(f, tc, NULL);
	free(chosen);
}

void peer_native_toolchain_handle_sandbox(struct peer_native_toolchain *f,
					  struct peer_sandbox *sandbox)
{
	struct peer_benchmark *t = f->conn->shared->benchmark;
	const char *node = f->conn->entry->name;

	if (sandbox->state == PEER_SANDBOX_CLOSED) {
		if (!sandbox->reason_repeated)
			log_warning("node %s: %s: %s", node,
				    sandbox->toolchain->driver,
				    sandbox->detail);
		report_notice(f, sandbox->toolchain, sandbox->detail);
		if (t && record_benchmark(t, node, PEER_CANARY_STATUS_ERROR,
					  sandbox->detail, 0))
			benchmark_next(f, sandbox->sandboxes,
				       sandbox->toolchain);
	} else if (sandbox->native_name && !sandbox->has_native_id) {
		reject_native(
			f, sandbox,
			"node did not report the digest of its toolchain");
	} else if (t && sandbox->native_name) {
		confirm_content(f, sandbox);
	} else if (t) {
		sandbox->state = PEER_SANDBOX_TESTING;
		start_canary(sandbox);
	} else if (sandbox->native_name) {
		test_unless_recorded(f, sandbox);
	}
}

void peer_native_toolchain_confirm(struct peer_native_toolchain *f,
				   struct peer_sandboxes *sandboxes)
{
	struct peer_sandbox *sandbox, *next;

	if (!f->list_received)
		return;
	list_for_each_safe(sandbox, &sandboxes->list, list_entry, next) {
		const struct peer_native_toolchain_entry *t;
		struct peer_canary_result bad = {
			.status = PEER_CANARY_STATUS_ERROR
		};

		if (!sandbox->unconfirmed)
			continue;
		sandbox->unconfirmed = false;
		t = find_native_entry(f, sandbox->native_name);
		if (t && t->list_id == f->list_id &&
		    has_expected_content(f, t)) {
			start_canary(sandbox);
			continue;
		}
		bad.detail = format_replaced_reason(
			f, NULL, &sandbox->toolchain->manifest);
		peer_native_toolchain_handle_canary(f, sandbox, &bad);
	}
}

void peer_native_toolchain_handle_canary(struct peer_native_toolchain *f,
					 struct peer_sandbox *sandbox,
					 struct peer_canary_result *o)
{
	const struct peer_native_toolchain_entry *tested =
		sandbox->native_name ?
			find_native_entry(f, sandbox->native_name) :
			NULL;
	const struct peer_shared *shared = f->conn->shared;
	struct peer_benchmark *t = shared->benchmark;
	struct peer_canary_db_entry e = { .status = o->status,
					  .id = sandbox->native_name,
					  .detail = o->detail,
					  .cpu_ms = o->cpu_ms };
	struct peer_canary_db_subject key;

	if (o->status != PEER_CANARY_STATUS_ERROR && sandbox->native_name) {
		if (tested)
			e.dir_digest = tested->dir_digest;
		key = canary_subject(f, sandbox->toolchain);
		key.native_id = sandbox->native_id;
		peer_canary_db_start_add(shared->pool, shared->canary_db, &key,
					 &e);
	}
	if (t) {
		if (record_benchmark(t, f->conn->entry->name, o->status,
				     o->detail, o->cpu_ms)) {
			peer_sandbox_close(sandbox, "benchmark finished");
			benchmark_next(f, sandbox->sandboxes,
				       sandbox->toolchain);
		}
	} else if (o->status == PEER_CANARY_STATUS_PASSED) {
		accept_native(f, sandbox);
	} else if (o->status == PEER_CANARY_STATUS_FAILED) {
		reject_failed_canary(f, sandbox, o->detail);
	} else {
		reject_native(f, sandbox, o->detail);
	}
	free(o->detail);
	o->detail = NULL;
}

enum peer_toolchain_state peer_native_toolchain_get_state(
	const struct peer_native_toolchain *f,
	const struct peer_sandboxes *sandboxes,
	const struct inputs_toolchain *tc)
{
	const struct peer_sandbox *sandbox = peer_sandbox_find(sandboxes, tc);

	if (!sandbox)
		return is_list_pending(f) ? PEER_TOOLCHAIN_PENDING :
					    PEER_TOOLCHAIN_NONE;
	switch (sandbox->state) {
	case PEER_SANDBOX_READY:
		return PEER_TOOLCHAIN_READY;
	case PEER_SANDBOX_REQUESTED:
		return sandbox->blobs_missing ? PEER_TOOLCHAIN_PENDING :
						PEER_TOOLCHAIN_REQUESTED;
	case PEER_SANDBOX_TESTING:
		return PEER_TOOLCHAIN_PENDING;
	default:
		return PEER_TOOLCHAIN_NONE;
	}
}
