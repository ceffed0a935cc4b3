/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/sandbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "inputs/tool.h"
#include "wire/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS     10000 /* after the first refusal */
#define RETRY_MS_MAX 320000

/* Record that the node has closed the sandbox or refused it. */
static void set_closed(struct peer_sandbox *sandbox, const char *detail)
{
	sandbox->state = PEER_SANDBOX_CLOSED;
	sandbox->unconfirmed = false;
	sandbox->canary = (struct peer_canary_progress){ 0 };
	free(sandbox->detail);
	sandbox->detail = xstrdup(detail);
	peer_input_sync_stop(&sandbox->input_sync);
}

void peer_sandbox_close(struct peer_sandbox *sandbox, const char *detail)
{
	struct buf body = { 0 };

	if (sandbox->state == PEER_SANDBOX_CLOSED)
		return;
	wire_number_encode(&body, sandbox->input_sync.updates.number);
	peer_conn_send(sandbox->sandboxes->conn, WIRE_SHUT, &body, WIRE_PLAIN);
	set_closed(sandbox, detail);
}

bool peer_sandbox_handle_have(struct peer_sandbox *sandbox,
			      const struct wire_have *m)
{
	if (sandbox->state == PEER_SANDBOX_REQUESTED &&
	    m->state == WIRE_HAVE_READY) {
		sandbox->state = sandbox->native_name ? PEER_SANDBOX_TESTING :
							PEER_SANDBOX_READY;
		sandbox->has_native_id = digest_parse(&sandbox->native_id,
						      m->detail);
		return true;
	}
	if (sandbox->state == PEER_SANDBOX_CLOSED ||
	    m->state == WIRE_HAVE_READY)
		return false;
	sandbox->lost = m->state == WIRE_HAVE_LOST;
	sandbox->sandboxes->n_lost += sandbox->lost;
	if (m->state == WIRE_HAVE_REFUSED) {
		sandbox->reason_repeated = str_equal(sandbox->detail,
						     m->detail);
		sandbox->retry_delay_ms *= 2;
		if (!sandbox->retry_delay_ms)
			sandbox->retry_delay_ms = RETRY_MS;
		if (sandbox->retry_delay_ms > RETRY_MS_MAX)
			sandbox->retry_delay_ms = RETRY_MS_MAX;
		sandbox->retry_ms = clock_ms() + sandbox->retry_delay_ms;
	}
	set_closed(sandbox, m->detail);
	return true;
}

/*
 * Close the sandbox because the file `e` has changed.  Request another sandbox,
 * unless the file belongs to the toolchain.
 */
static void replace_sandbox(struct peer_sandbox *sandbox,
			    const struct inputs_entry *e, const char *why)
{
	struct peer_sandboxes *all = sandbox->sandboxes;
	struct peer_conn *l = all->conn;
	struct peer_job *job, *next;
	bool again = !peer_input_sync_is_frozen(&sandbox->input_sync, e->path);

	log_debug("node %s: sandbox closed: %s", l->entry->name, why);
	peer_sandbox_close(sandbox, e->path->name);
	/* Also cancel the jobs of earlier sandboxes with this toolchain. */
	list_for_each_safe(job, &l->jobs, list_entry, next) {
		if (job->sandbox->toolchain == sandbox->toolchain)
			peer_job_cancel(l, job);
	}
	l->shared->ops->on_sandbox_stale(l->ctx, sandbox->toolchain);
	if (again)
		peer_sandbox_request(all, sandbox->toolchain,
				     sandbox->native_name);
	peer_shared_wake(l->shared);
}

/*
 * The file `e` cannot be read any more, so the input update that needs it can
 * never complete.  Other sandboxes may wait for the same blob.  The node does
 * not request the blob again, so upload it from a file of another sandbox.
 */
static void on_file_lost(void *ctx, const struct inputs_entry *e,
			 const char *why)
{
	struct peer_sandbox *sandbox = ctx, *other;
	const struct peer_sandboxes *all = sandbox->sandboxes;

	if (sandbox->state != PEER_SANDBOX_CLOSED)
		replace_sandbox(sandbox, e, why);
	list_for_each(other, &all->list, list_entry) {
		if (other->state != PEER_SANDBOX_CLOSED)
			peer_input_updates_retry_blob(
				&other->input_sync.updates, all->conn,
				&e->file_digest.digest);
	}
}

void peer_sandbox_request(struct peer_sandboxes *all,
			  struct inputs_toolchain *tc, const char *native_name)
{
	struct peer_sandbox *sandbox = xcalloc(1, sizeof(*sandbox));
	/*
	 * A node-native sandbox does not receive the symbolic links of the
	 * local toolchain, so resolve the links in the path of the driver.
	 */
	char *real = native_name ? realpath(tc->driver, NULL) : NULL;
	struct wire_cell m = { .cell = all->conn->next_number++,
			       .toolchain = tc->manifest.id,
			       .is_clang = tc->manifest.is_clang,
			       .driver = real ? real : tc->driver,
			       .client_roots = all->conn->shared->roots };
	struct buf body = { 0 };

	sandbox->sandboxes = all;
	sandbox->toolchain = tc;
	sandbox->native_name = native_name ? xstrdup(native_name) : NULL;
	sandbox->upload_user = (struct peer_blob_upload_user){
		.on_failed = on_file_lost, .ctx = sandbox, .base_dir = ""
	};
	peer_input_sync_init(&sandbox->input_sync, all->conn, m.cell,
			     &sandbox->upload_user);
	TAILQ_INSERT_HEAD(&all->list, sandbox, list_entry);
	m.installed_id = sandbox->native_name;
	wire_cell_encode_at(&body, &m, all->conn->version);
	peer_conn_send(all->conn, WIRE_CELL, &body, WIRE_PLAIN);
	free(real);
	if (peer_input_sync_add_toolchain(&sandbox->input_sync, tc->entries,
					  tc->n_entries, native_name))
		peer_sandbox_close(sandbox, "too many paths in one session");
}

struct peer_sandbox *peer_sandbox_find(const struct peer_sandboxes *all,
				       const struct inputs_toolchain *tc)
{
	struct peer_sandbox *sandbox;

	list_for_each(sandbox, &all->list, list_entry) {
		if (sandbox->toolchain == tc)
			return sandbox;
	}
	return NULL;
}

void peer_sandbox_retry_refused(struct peer_sandboxes *all, uint64_t now_ms)
{
	const struct peer_sandbox *sandbox;

	list_for_each(sandbox, &all->list, list_entry) {
		struct inputs_toolchain *tc = sandbox->toolchain;
		struct peer_sandbox *next;

		if (!sandbox->retry_ms || now_ms < sandbox->retry_ms ||
		    tc->state != INPUTS_STATE_READY ||
		    peer_sandbox_find(all, tc) != sandbox)
			continue;
		peer_sandbox_request(all, tc, sandbox->native_name);
		next = peer_sandbox_find(all, tc);
		next->retry_delay_ms = sandbox->retry_delay_ms;
		if (!next->detail)
			next->detail = xstrdup(sandbox->detail);
	}
}

void peer_job_result_release(struct peer_job_result *a)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		buf_release(&a->streams[i]);
	if (a->total_bytes)
		atomic_fetch_sub(a->total_bytes, a->received_bytes);
	a->received_bytes = 0;
	free(a->member);
	a->member = NULL;
}

int peer_job_result_check(const struct peer_job_result *a, struct err *err)
{
	const struct wire_result *r = &a->wire;
	struct bytes streams[WIRE_N_OUTPUTS];
	struct digest answer;
	unsigned sides = r->wait_status ? 0 : a->n_side_outputs;

	if (r->n_sides != sides)
		return err_set(err, EBADMSG, "got %u side outputs, expected %u",
			       r->n_sides, sides);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		streams[i] = buf_bytes(&a->streams[i]);
		if (i >= WIRE_OUTPUT_SIDE + (int)sides && r->output_bytes[i])
			return err_set(err, EBADMSG,
				       "unexpected data in stream %d", i);
		if (r->output_bytes[i] != streams[i].len)
			return err_set(err, EBADMSG,
				       "got %zu of %u bytes of stream %d",
				       streams[i].len, r->output_bytes[i], i);
	}
	wire_result_digest(&a->job_digest, streams, &answer);
	if (!digest_equal(&answer, &r->digest))
		return err_set(err, EBADMSG, "result digest mismatch");
	if (!digest_equal(&r->toolchain, &a->toolchain))
		return err_set(err, EBADMSG, "result of a different toolchain");
	return 0;
}

struct peer_job *peer_job_find(const struct peer_conn *l, uint32_t number)
{
	struct peer_job *job;

	list_for_each(job, &l->jobs, list_entry) {
		if (job->number == number)
			return job;
	}
	return NULL;
}

struct peer_job *peer_job_new(struct peer_conn *l, enum peer_job_kind kind,
			      struct peer_sandbox *sandbox)
{
	struct peer_job *job = xcalloc(1, sizeof(*job));

	job->number = ++l->shared->n_jobs;
	job->kind = kind;
	job->sandbox = sandbox;
	TAILQ_INSERT_TAIL(&l->jobs, job, list_entry);
	l->n_jobs++;
	l->n_test_jobs += kind != PEER_JOB_UNIT;
	return job;
}

void peer_job_free(struct peer_conn *l, struct peer_job *job)
{
	TAILQ_REMOVE(&l->jobs, job, list_entry);
	l->n_jobs--;
	l->n_test_jobs -= job->kind != PEER_JOB_UNIT;
	l->output_bytes -= job->output_bytes;
	peer_job_result_release(&job->result);
	free(job);
}

void peer_job_free_all(struct peer_conn *l)
{
	struct peer_job *job;

	while ((job = TAILQ_FIRST(&l->jobs)))
		peer_job_free(l, job);
}

void peer_job_send_cancel(const struct peer_conn *l, uint32_t number)
{
	struct buf body = { 0 };

	wire_number_encode(&body, number);
	peer_conn_send(l, WIRE_CANCEL, &body, WIRE_PLAIN);
}

void peer_job_cancel(struct peer_conn *l, struct peer_job *job)
{
	peer_job_send_cancel(l, job->number);
	peer_job_free(l, job);
}

int peer_job_add_output(struct peer_conn *l, struct peer_job *job,
			const struct wire_piece *m, struct err *err)
{
	struct peer_job_result *a = &job->result;
	struct buf *to = &a->streams[m->stream];

	if (m->stream >= WIRE_OUTPUT_SIDE + a->n_side_outputs)
		return 0;
	if (m->data.len > PEER_NODE_OUTPUT_MAX - l->output_bytes)
		return err_set(
			err, ENOBUFS,
			"output of the unfinished jobs of the node exceeds %zu "
			"MiB",
			PEER_NODE_OUTPUT_MAX >> 20);
	if (l->shared->output_bytes + m->data.len > PEER_ALL_OUTPUT_MAX)
		return err_set(
			err, EBUSY,
			"undelivered output of all nodes exceeds %zu MiB",
			PEER_ALL_OUTPUT_MAX >> 20);
	if (to->len + m->data.len > wire_output_max(m->stream) ||
	    buf_reserve(to, m->data.len))
		return err_set(err, EMSGSIZE, "output of the job is too large");
	buf_add_bytes(to, m->data);
	job->output_bytes += m->data.len;
	l->output_bytes += m->data.len;
	a->received_bytes += m->data.len;
	a->total_bytes = &l->shared->output_bytes;
	atomic_fetch_add(a->total_bytes, m->data.len);
	return 0;
}

/*
 * Send the entries that changed.  If the input update with these entries has a
 * higher number than *update, set *update to that number.
 */
static int sync_more_inputs(struct peer_sandbox *sandbox,
			    const struct inputs_entry *const *entry, size_t n,
			    uint32_t *update)
{
	uint32_t more = 0;
	int ret = peer_input_sync_add_entries(&sandbox->input_sync, entry, n,
					      &more);

	if (more > *update)
		*update = more;
	return ret;
}

static int fill_job_message(struct peer_sandbox *sandbox,
			    const struct peer_job_request *q,
			    const struct wire_flag *flags, struct wire_job *m)
{
	int ret = wire_flags_encode_job(sandbox->sandboxes->conn->flags, m,
					flags, q->flags->n_flags);

	m->lang = (uint8_t)q->lang;
	m->deadline_ms = q->deadline_ms;
	m->cost_ms = q->cost_ms;
	m->source = xstrdup(q->source);
	m->object = xstrdup(q->object);
	m->output_named = q->sides_named;
	m->n_sides = (uint8_t)q->n_side_outputs;
	strv_add_all(&m->env, q->env);
	if (ret)
		return ret;
	ret = wire_paths_add(sandbox->sandboxes->conn->paths, q->cwd->name,
			     &m->cwd);
	if (ret)
		return ret;
	/* The job waits for the input update m->view. */
	ret = peer_input_sync_add_entries(&sandbox->input_sync, q->entries,
					  q->n_entries, &m->view);
	if (!ret && q->n_language)
		ret = sync_more_inputs(sandbox, q->language, q->n_language,
				       &m->view);
	if (!ret && q->tool)
		ret = sync_more_inputs(sandbox, q->tool->entries,
				       q->tool->n_entries, &m->view);
	if (!ret && wire_find_unsupported(&wire_job_layout, m,
					  sandbox->sandboxes->conn->version))
		return -EPROTONOSUPPORT;
	return !ret && !wire_job_fits(m) ? -E2BIG : ret;
}

int peer_job_send(struct peer_sandbox *sandbox, enum peer_job_kind kind,
		  const struct peer_job_request *q, struct peer_job **job)
{
	struct peer_conn *l = sandbox->sandboxes->conn;
	const struct digest *toolchain = &sandbox->toolchain->manifest.id;
	struct wire_flag *flags = xcalloc(q->flags->n_flags + 1,
					  sizeof(*flags));
	struct wire_job m = { .cell = sandbox->input_sync.updates.number };
	struct wire_step step = { 0 };
	struct buf body = { 0 };
	int ret;

	for (size_t i = 0; i < q->flags->n_flags; i++)
		flags[i] = (struct wire_flag){
			.name = q->flags->flags[i].name,
			.value = q->flags->flags[i].value
		};
	ret = fill_job_message(sandbox, q, flags, &m);
	if (ret)
		goto out;
	if (q->tool) {
		step.kind = (uint8_t)q->step;
		strv_add_all(&step.args, q->arguments);
		ret = wire_paths_add(l->paths, q->tool->path->name, &step.tool);
		if (ret)
			goto out;
	}
	*job = peer_job_new(l, kind, sandbox);
	m.job = step.job = (*job)->number;
	(*job)->result.toolchain = *toolchain;
	(*job)->result.n_side_outputs = q->n_side_outputs;
	wire_job_digest(q->tool ? &step : NULL, &m, flags, q->flags->n_flags,
			toolchain, l->version, &(*job)->result.job_digest);
	peer_conn_send_paths(l);
	while (wire_flags_put_new(l->flags, &body))
		peer_conn_send(l, WIRE_FLAGS, &body, l->codec);
	/* STEP and PIN precede the JOB. */
	if (q->tool) {
		wire_step_encode_at(&body, &step, l->version);
		peer_conn_send(l, WIRE_STEP, &body, WIRE_PLAIN);
	}
	if (q->pinned) {
		struct wire_pin pin = { .job = m.job, .class = q->class };

		wire_pin_encode_at(&body, &pin, l->version);
		peer_conn_send(l, WIRE_PIN, &body, WIRE_PLAIN);
	}
	wire_job_encode_at(&body, &m, l->version);
	peer_conn_send(l, WIRE_JOB, &body, WIRE_PLAIN);
out:
	wire_job_release(&m);
	wire_step_release(&step);
	free(flags);
	return ret;
}
