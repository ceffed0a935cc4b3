/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* limits of a client, as in kfarmd/client.c */
#define SANDBOXES_MAX 16
#define BUNDLES_MAX   4
#define CLOSED_MAX    32 /* closed targets whose blobs are still sent */
/*
 * limit on the blobs that a member requests for an update in one session, as a
 * multiple of the number of entries of the update
 */
#define REQUESTS_MAX_PER_ENTRY 4

/* Record a message for members that connect later, and forward it. */
static void record(struct relay_session *s, uint16_t type, struct bytes body,
		   struct relay_target *t)
{
	struct relay_log_entry *e = xcalloc(1, sizeof(*e));

	e->type = type;
	e->target = t;
	buf_add_bytes(&e->body, body);
	TAILQ_INSERT_TAIL(&s->log, e, entry);
	for (size_t i = 0; s->links && i < s->relay->n_members; i++)
		relay_link_forward(&s->links[i], e);
}

static void free_log_entry(struct relay_session *s, struct relay_log_entry *e)
{
	TAILQ_REMOVE(&s->log, e, entry);
	buf_release(&e->body);
	free(e);
}

static void free_update(struct relay_update *u)
{
	TAILQ_REMOVE(&u->target->updates, u, entry);
	u->target->session->n_entries -= u->update->m.n_entries;
	kfarmd_input_update_free(u->update);
	buf_release(&u->body);
	free(u->files);
	free(u->paths);
	free(u->names);
	free(u->n_requests);
	free(u);
}

static void free_closed_target(struct relay_target *t)
{
	struct relay_session *s = t->session;
	struct relay_update *u;

	TAILQ_REMOVE(&s->closed, t, entry);
	s->n_closed--;
	for (size_t i = 0; s->links && i < s->relay->n_members; i++)
		relay_link_forget_closed(&s->links[i]);
	while ((u = TAILQ_FIRST(&t->updates)))
		free_update(u);
	free(t->views);
	free(t);
}

/*
 * Close a sandbox or bundle on all members.  A NEED of a member for blobs of
 * the target can be in transit.  The relay must still serve it, because the
 * member requests each blob only once, and another sandbox on the member can
 * wait for the same blob.  Therefore retain the updates that the members have
 * received.
 */
static void close_target(struct relay_target *t)
{
	struct relay_session *s = t->session;
	struct relay_log_entry *e, *next;
	struct relay_update *u;

	TAILQ_REMOVE(&s->targets, t, entry);
	relay_jobs_end_all(s, t->number);
	relay_dispatch_remove_target(t);
	for (size_t i = 0; s->links && i < s->relay->n_members; i++)
		relay_link_shut(&s->links[i], t->number);
	list_for_each_safe(e, &s->log, entry, next) {
		if (e->target == t)
			free_log_entry(s, e);
	}
	while ((u = t->held)) {
		t->held = TAILQ_NEXT(u, entry);
		free_update(u);
	}
	buf_release(&t->request);
	free(t->detail);
	free(t->problem);
	free(t->compiler);
	TAILQ_INSERT_TAIL(&s->closed, t, entry);
	if (++s->n_closed > CLOSED_MAX)
		free_closed_target(TAILQ_FIRST(&s->closed));
}

void relay_inputs_release(struct relay_session *s)
{
	struct relay_log_entry *e;
	struct relay_target *t;

	while ((t = TAILQ_FIRST(&s->targets)))
		close_target(t);
	while ((t = TAILQ_FIRST(&s->closed)))
		free_closed_target(t);
	while ((e = TAILQ_FIRST(&s->log)))
		free_log_entry(s, e);
	kfarmd_neighbors_free(s->neighbors);
	kfarmd_blobs_free(s->blobs);
	wire_intern_free(s->paths);
	wire_intern_free(s->flags);
}

static void send_have(struct relay_session *s, uint32_t number,
		      enum wire_have_state state, const char *detail)
{
	struct wire_have m = { .cell = number,
			       .state = (uint8_t)state,
			       .detail = (char *)detail };
	struct buf body = { 0 };

	wire_have_encode_at(&body, &m, s->version);
	relay_session_send(s, WIRE_HAVE, &body);
}

/* Notify the client that the sandbox or bundle has ended because of `why`. */
static void give_up_target(struct relay_target *t, const char *why)
{
	send_have(t->session, t->number,
		  t->ready ? WIRE_HAVE_LOST : WIRE_HAVE_REFUSED, why);
	close_target(t);
}

/* Return true if a job of the target is on the member. */
static bool has_job(const struct relay_link *l, const struct relay_target *t)
{
	const struct relay_job *job;

	list_for_each(job, &l->session->jobs, entry) {
		for (unsigned i = 0; i < job->n_attempts; i++) {
			if (job->target == t->number &&
			    job->attempts[i].link == l)
				return true;
		}
	}
	return false;
}

/*
 * A sandbox is ready when it is ready on at least one member.  A drained member
 * counts only while it has jobs of the sandbox.  A bundle is ready when all
 * members have installed it, and refused if a member has refused it.
 */
static void update_target(struct relay_target *t)
{
	struct relay_session *s = t->session;
	unsigned n_ready = 0, n_pending = 0, n_gone = 0;

	for (size_t i = 0; i < s->relay->n_members; i++) {
		struct relay_link *l = &s->links[i];
		const struct relay_link_target *lt = relay_link_find(l,
								     t->number);

		if (lt && l->state == RELAY_LINK_UP &&
		    (t->is_bundle || relay_member_is_usable(l->member) ||
		     has_job(l, t))) {
			n_ready += lt->state == RELAY_TARGET_READY;
			n_pending += lt->state == RELAY_TARGET_PENDING;
			n_gone += lt->state == RELAY_TARGET_GONE;
		} else if (relay_link_is_expected(l)) {
			n_pending++;
		}
	}
	if (!t->ready && n_ready &&
	    (!t->is_bundle || (!n_pending && !n_gone))) {
		t->ready = true;
		send_have(s, t->number, WIRE_HAVE_READY,
			  t->detail ? t->detail : "");
		if (t->is_bundle)
			close_target(t);
	} else if ((t->is_bundle && n_gone) || (!n_ready && !n_pending)) {
		give_up_target(t,
			       t->problem ? t->problem : "no member is usable");
	}
}

/*
 * Called if the blob in the store of the relay is damaged or too large to be
 * packed.
 */
static void on_blob_lost(void *ctx, const struct inputs_entry *e,
			 const char *why)
{
	struct relay_target *t = ctx;
	char *text = xasprintf("store of the relay: %s", why);
	/*
	 * Open the blob, because the store then removes a damaged blob.  The
	 * next sandbox of the client requests the blob again.
	 */
	int fd = store_open_blob(t->session->relay->daemon->store,
				 &e->file_digest.digest,
				 e->file_digest.stamp.size);

	if (fd >= 0)
		close(fd);
	log_warning("%s", text);
	give_up_target(t, text);
	free(text);
}

/* Return the number of bundles, or of sandboxes, of a session. */
static unsigned count_targets(const struct relay_session *s, bool bundles)
{
	const struct relay_target *t;
	unsigned n = 0;

	list_for_each(t, &s->targets, entry)
		n += t->is_bundle == bundles;
	return n;
}

/* Add a sandbox or a bundle, whose number must be unused. */
static struct relay_target *add_target(struct relay_session *s, uint32_t number,
				       bool is_bundle, struct bytes request)
{
	struct relay_target *t = xcalloc(1, sizeof(*t));

	t->session = s;
	t->number = number;
	t->is_bundle = is_bundle;
	t->activity_ms = clock_ms();
	t->on_blob_lost = on_blob_lost;
	buf_add_bytes(&t->request, request);
	TAILQ_INIT(&t->updates);
	TAILQ_INSERT_TAIL(&s->targets, t, entry);
	return t;
}

static int on_cell(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	struct wire_cell m;
	int ret = 0;

	if (wire_cell_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed CELL");
	if (relay_session_find(s, m.cell)) {
		ret = relay_session_end(s, "CELL: number %u already in use",
					m.cell);
	} else if (count_targets(s, false) >= SANDBOXES_MAX) {
		send_have(s, m.cell, WIRE_HAVE_REFUSED,
			  "too many sandboxes for one client");
	} else {
		t = add_target(s, m.cell, false, body);
		t->has_identity = *m.installed_id;
		t->compiler = xstrdup(t->has_identity ? m.installed_id :
							m.driver);
		relay_dispatch_add_target(t);
		update_target(t);
	}
	wire_cell_release(&m);
	return ret;
}

/* Return true if each usable member can run programs for `host`. */
static bool is_host_supported(const struct relay *r, const char *host)
{
	struct wire_fit fit;
	bool found;

	relay_sum_fit(r, &fit);
	found = strv_has(&fit.hosts, host);
	wire_fit_release(&fit);
	return found;
}

static int on_bundle(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	struct wire_bundle m;
	char *why;
	int ret = 0;

	if (wire_bundle_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed BUNDLE");
	if (relay_session_find(s, m.bundle) ||
	    count_targets(s, true) >= BUNDLES_MAX) {
		ret = relay_session_end(
			s, "BUNDLE: number in use, or too many bundles");
	} else if (is_host_supported(s->relay, m.host)) {
		t = add_target(s, m.bundle, true, body);
		update_target(t);
	} else {
		/* Reject the toolchain before its files are requested. */
		why = xasprintf("%s: built for %s, which a member of the relay "
				"cannot run",
				m.id, m.host);
		send_have(s, m.bundle, WIRE_HAVE_REFUSED, why);
		free(why);
	}
	wire_bundle_release(&m);
	return ret;
}

static int on_shut(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	uint32_t number;

	if (wire_number_decode(&number, body))
		return relay_session_end(s, "malformed SHUT");
	t = relay_session_find(s, number);
	if (t)
		close_target(t);
	return 0;
}

static int on_paths(struct relay_session *s, struct bytes body)
{
	if (wire_paths_receive(s->paths, body))
		return relay_session_end(s, "malformed PATHS");
	record(s, WIRE_PATHS, body, NULL);
	return 0;
}

static int on_flags(struct relay_session *s, struct bytes body)
{
	if (wire_flags_receive(s->flags, body))
		return relay_session_end(s, "malformed FLAGS");
	record(s, WIRE_FLAGS, body, NULL);
	return 0;
}

/* Replace an earlier WEIGHT in the log. */
static int on_weight(struct relay_session *s, struct bytes body)
{
	struct relay_log_entry *e, *next;
	struct wire_weight m;

	if (wire_weight_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed WEIGHT");
	list_for_each_safe(e, &s->log, entry, next) {
		if (e->type == WIRE_WEIGHT)
			free_log_entry(s, e);
	}
	record(s, WIRE_WEIGHT, body, NULL);
	return 0;
}

static bool has_all_blobs(const struct relay_update *u)
{
	return u->requested && !u->update->n_missing;
}

/* Return true if the relay has all files of the toolchain. */
static bool is_toolchain_complete(const struct relay_target *t)
{
	const struct relay_update *u;

	list_for_each(u, &t->updates, entry) {
		if (!has_all_blobs(u))
			return false;
		if (u->update->m.part == WIRE_PART_TOOLCHAIN_END)
			return true;
	}
	return false;
}

/*
 * Forward CELL or BUNDLE if the relay has the whole toolchain, and then, in
 * order, the updates whose blobs the relay has.  Dispatch the jobs that need no
 * further updates.
 */
static void forward_updates(struct relay_target *t)
{
	struct relay_session *s = t->session;
	uint32_t number = t->number;
	struct relay_update *u;

	if (t->request.len && !is_toolchain_complete(t))
		return;
	if (t->request.len)
		record(s, t->is_bundle ? WIRE_BUNDLE : WIRE_CELL,
		       buf_bytes(&t->request), t);
	buf_release(&t->request);
	while ((u = t->held) && has_all_blobs(u)) {
		record(s, WIRE_VIEW, buf_bytes(&u->body), t);
		buf_release(&u->body);
		t->forwarded_view = u->update->m.view;
		t->held = TAILQ_NEXT(u, entry);
	}
	if (!t->is_bundle)
		relay_jobs_resume(s, number);
}

/* Give up the target of an update whose blobs the store cannot provide. */
static void give_up_update(const struct relay_update *u)
{
	char *why = kfarmd_input_update_explain(u->update,
						"store of the relay");

	give_up_target(u->target, why);
	free(why);
}

static void on_update_changed(void *ctx)
{
	struct relay_update *u = ctx;

	u->target->activity_ms = clock_ms();
	if (u->update->error)
		give_up_update(u);
	else if (has_all_blobs(u))
		forward_updates(u->target);
}

static void send_need(void *ctx, const struct wire_need *need)
{
	struct relay_session *s = ctx;
	struct buf body = { 0 };

	wire_need_encode_at(&body, need, s->version);
	relay_session_send(s, WIRE_NEED, &body);
}

void relay_inputs_init(struct relay_session *s)
{
	TAILQ_INIT(&s->log);
	TAILQ_INIT(&s->targets);
	TAILQ_INIT(&s->closed);
	s->paths = wire_paths_new();
	s->flags = wire_flags_new();
	s->blobs = kfarmd_blobs_new(s->relay->daemon->store);
	s->neighbors = kfarmd_neighbors_new(s->relay->daemon, s->blobs,
					    send_need, s);
}

/* Request the blobs of an update from the client. */
static int request_blobs(struct relay_session *s, struct relay_update *u)
{
	struct wire_need need;
	struct err err;
	int ret = kfarmd_input_update_request_blobs(u->update, s->blobs, &need,
						    &err);

	u->requested = true;
	if (ret)
		relay_session_end(s, "%s", err.text);
	else
		send_need(s, &need);
	wire_need_release(&need);
	return ret ? -EPROTO : 0;
}

static struct relay_update *add_update(struct relay_target *t,
				       struct kfarmd_input_update *v,
				       struct bytes body)
{
	struct relay_update *u = xcalloc(1, sizeof(*u));
	uint32_t n = v->m.n_entries;

	u->target = t;
	u->update = v;
	v->on_changed = on_update_changed;
	v->ctx = u;
	buf_add_bytes(&u->body, body);
	u->files = xcalloc(n + 1, sizeof(*u->files));
	u->paths = xcalloc(n + 1, sizeof(*u->paths));
	u->names = xcalloc(n + 1, sizeof(*u->names));
	u->n_requests = xcalloc(t->session->relay->n_members,
				sizeof(*u->n_requests));
	for (uint32_t i = 0; i < n; i++) {
		const struct wire_inode *inode = &v->m.entries[i].inode;

		if (inode->kind != WIRE_INODE_FILE)
			continue;
		store_blob_name(&inode->digest, u->names[i]);
		u->paths[i].name = u->names[i];
		u->files[i].path = &u->paths[i];
		u->files[i].kind = WIRE_INODE_FILE;
		u->files[i].file_digest.digest = inode->digest;
		u->files[i].file_digest.stamp.size = inode->size;
	}
	TAILQ_INSERT_TAIL(&t->updates, u, entry);
	*VEC_ADD(t->views, t->n_views) = u;
	if (!t->held)
		t->held = u;
	t->session->n_entries += n;
	return u;
}

/* Return 0, or -EPROTO if the session ends because the VIEW is invalid. */
static int check_view(struct relay_session *s, const struct relay_target *t,
		      const struct wire_view *m)
{
	if (m->view != t->n_views + 1)
		return relay_session_end(s, "VIEW: unexpected number %u",
					 m->view);
	if (m->part != WIRE_PART_SOURCES && t->complete)
		return relay_session_end(s,
					 "VIEW: toolchain is already complete");
	/*
	 * Reject an empty VIEW: it uses memory, but `max_entries` limits only
	 * entries.
	 */
	if (!m->n_entries && m->part != WIRE_PART_TOOLCHAIN_END)
		return relay_session_end(s, "VIEW: no entries");
	if (s->n_entries + m->n_entries > s->relay->max_entries)
		return relay_session_end(
			s,
			"the input updates of a session have more than %zu "
			"entries",
			s->relay->max_entries);
	return 0;
}

static int add_view(struct relay_target *t, struct wire_view *m,
		    struct bytes body)
{
	static atomic_bool never;
	struct relay_session *s = t->session;
	struct kfarmd_input_update *v;
	struct relay_update *u;
	struct err err;

	if (check_view(s, t, m))
		return -EPROTO;
	v = kfarmd_input_update_new(m, s->paths, s->relay->daemon->store, &err);
	if (!v)
		return relay_session_end(s, "%s", err.text);
	v->stop_requested = &never;
	t->complete |= v->m.part == WIRE_PART_TOOLCHAIN_END;
	t->activity_ms = clock_ms();
	u = add_update(t, v, body);
	v->error = kfarmd_input_update_pin_blobs(v, &err);
	if (v->error) {
		give_up_update(u);
		return 0;
	}
	if (!t->is_bundle && request_blobs(s, u))
		return -EPROTO;
	/* Request the files of a bundle only after its last VIEW. */
	list_for_each(u, &t->updates, entry) {
		if (t->complete && !u->requested && request_blobs(s, u))
			return -EPROTO;
	}
	forward_updates(t);
	return 0;
}

static int on_view(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	struct wire_view m;
	int ret;

	if (wire_view_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed VIEW");
	t = relay_session_find(s, m.cell);
	/* A VIEW for a sandbox that has ended may have been in flight. */
	ret = t ? add_view(t, &m, body) : 0;
	wire_view_release(&m);
	return ret;
}

static int on_blob(struct relay_session *s, struct bytes body)
{
	struct wire_blob m;
	struct err err;

	if (wire_blob_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed BLOB");
	if (kfarmd_blobs_receive(s->blobs, &m, &err))
		return relay_session_end(s, "%s", err.text);
	return 0;
}

static int on_neighbor_msg(struct relay_session *s, uint16_t type,
			   struct bytes body)
{
	struct err err;

	return kfarmd_neighbors_handle_msg(s->neighbors, type, body, s->version,
					   &err) ?
		       relay_session_end(s, "%s", err.text) :
		       0;
}

int relay_inputs_receive(struct relay_session *s, uint16_t type,
			 struct bytes body)
{
	switch (type) {
	case WIRE_CELL:
		return on_cell(s, body);
	case WIRE_BUNDLE:
		return on_bundle(s, body);
	case WIRE_SHUT:
		return on_shut(s, body);
	case WIRE_PATHS:
		return on_paths(s, body);
	case WIRE_VIEW:
		return on_view(s, body);
	case WIRE_BLOB:
		return on_blob(s, body);
	case WIRE_FLAGS:
		return on_flags(s, body);
	case WIRE_WEIGHT:
		return on_weight(s, body);
	case WIRE_NEIGHBOR:
	case WIRE_FETCH:
		return on_neighbor_msg(s, type, body);
	default:
		return relay_session_end(s, "unexpected message type %u", type);
	}
}

void relay_inputs_update(struct relay_session *s)
{
	struct relay_target *t, *next;

	if (s->end_reason)
		return;
	list_for_each_safe(t, &s->targets, entry, next)
		update_target(t);
}

/*
 * Return true if the member's toolchain differs from that of the first member
 * that was ready.  The member then gets no jobs, because the canary of the
 * client tests the toolchain of one member only.
 */
static bool is_other_identity(const struct relay_link *l,
			      struct relay_target *t, const char *detail)
{
	if (!t->detail)
		t->detail = xstrdup(detail);
	if ((!t->has_identity && !t->is_bundle) || !strcmp(t->detail, detail))
		return false;
	log_warning("member %s: its toolchain differs from that of other "
		    "members; the member gets no jobs for this toolchain",
		    l->member->entry.name);
	return true;
}

int relay_inputs_have(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_link_target *lt;
	struct relay_target *t;
	struct buf shut = { 0 };
	struct wire_have m;

	if (wire_have_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed HAVE");
	lt = relay_link_find(l, m.cell);
	t = lt ? lt->target : NULL;
	if (!lt || lt->state == RELAY_TARGET_GONE) {
		wire_have_release(&m);
		return 0;
	}
	if (m.state == WIRE_HAVE_READY && is_other_identity(l, t, m.detail)) {
		lt->state = RELAY_TARGET_GONE;
		wire_number_encode(&shut, m.cell);
		peer_conn_send(&l->conn, WIRE_SHUT, &shut, WIRE_PLAIN);
	} else if (m.state == WIRE_HAVE_READY) {
		lt->state = RELAY_TARGET_READY;
	} else {
		lt->state = RELAY_TARGET_GONE;
		free(t->problem);
		t->problem = xasprintf("%s: %s", l->member->entry.name,
				       m.detail);
		log_warning("member %s: sandbox or toolchain upload %u %s: %s",
			    l->member->entry.name, m.cell,
			    m.state == WIRE_HAVE_LOST ? "lost" : "refused",
			    m.detail);
	}
	wire_have_release(&m);
	relay_dispatch_set_sandbox(l, t,
				   lt->state == RELAY_TARGET_READY ?
					   SCHED_SANDBOX_READY :
					   SCHED_SANDBOX_NONE);
	update_target(t);
	return 0;
}

/* Return the update with the number `view`, or NULL if it was not forwarded. */
static struct relay_update *find_update(const struct relay_target *t,
					uint32_t view)
{
	return view && view <= t->forwarded_view ? t->views[view - 1] : NULL;
}

static int serve_need(struct relay_link *l, const struct wire_need *m,
		      struct err *err)
{
	struct relay_link_target *lt = relay_link_find(l, m->cell);
	struct relay_target *t = lt ? lt->target : NULL;
	struct relay_update *u;
	uint32_t *n_requests;

	if (!t) {
		list_for_each(t, &l->session->closed, entry) {
			if (t->number == m->cell)
				break;
		}
	}
	if (!t)
		return 0;
	u = find_update(t, m->view);
	if (!u)
		return err_set(err, EPROTO, "NEED: unknown VIEW");
	n_requests = &u->n_requests[l - l->session->links];
	if (m->n_indices >
	    (size_t)REQUESTS_MAX_PER_ENTRY * u->update->m.n_entries -
		    *n_requests)
		return err_set(err, EPROTO, "invalid NEED: too many requests");
	*n_requests += m->n_indices;
	if (lt)
		lt->activity_ms = clock_ms();
	for (uint32_t i = 0; i < m->n_indices; i++) {
		uint32_t index = m->indices[i];

		if (index >= u->update->m.n_entries ||
		    u->update->m.entries[index].inode.kind != WIRE_INODE_FILE)
			return err_set(err, EPROTO,
				       "invalid NEED: unknown file");
		peer_blob_upload_add(l->conn.upload,
				     lt ? lt->user : &l->closed_user,
				     &u->files[index]);
	}
	return 0;
}

int relay_inputs_need(struct relay_link *l, struct bytes body, struct err *err)
{
	struct wire_need m;
	int ret;

	if (wire_need_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed NEED");
	ret = serve_need(l, &m, err);
	wire_need_release(&m);
	return ret;
}

static void forget_requests(const struct relay_target *t, size_t link)
{
	const struct relay_update *u;

	list_for_each(u, &t->updates, entry)
		u->n_requests[link] = 0;
}

void relay_inputs_forget(struct relay_link *l, const char *why)
{
	const struct relay_session *s = l->session;
	struct relay_target *t;

	list_for_each(t, &s->targets, entry) {
		free(t->problem);
		t->problem = xasprintf("%s: %s", l->member->entry.name, why);
		forget_requests(t, (size_t)(l - s->links));
	}
	list_for_each(t, &s->closed, entry)
		forget_requests(t, (size_t)(l - s->links));
}

/*
 * Mark the bundle as failed on each member that has not installed it in time.
 */
static void check_bundle_replies(struct relay_target *t)
{
	const struct relay *r = t->session->relay;
	unsigned limit_ms = r->reply_ms * RELAY_REPLY_FACTOR;
	uint64_t now = clock_ms();

	for (size_t i = 0; i < r->n_members; i++) {
		struct relay_link *l = &t->session->links[i];
		struct relay_link_target *lt = relay_link_find(l, t->number);

		if (!lt || lt->state != RELAY_TARGET_PENDING ||
		    now < lt->activity_ms + limit_ms)
			continue;
		lt->state = RELAY_TARGET_GONE;
		free(t->problem);
		t->problem = xasprintf("%s: no reply within %u s",
				       l->member->entry.name, limit_ms / 1000);
		log_warning("member %s", t->problem);
	}
	update_target(t);
}

void relay_inputs_tick(struct relay_session *s)
{
	struct relay_target *t, *next;

	list_for_each_safe(t, &s->targets, entry, next) {
		if (t->held && !has_all_blobs(t->held) && t->held->requested &&
		    kfarmd_blobs_idle_ms(s->blobs) > KFARMD_BLOBS_IDLE_MAX_MS)
			give_up_target(t, "timed out waiting for input files");
		else if (!t->complete && (!t->held || t->is_bundle) &&
			 clock_ms() - t->activity_ms > KFARMD_BLOBS_IDLE_MAX_MS)
			give_up_target(t,
				       "timed out waiting for the toolchain");
		else if (t->is_bundle && t->complete && !t->held)
			check_bundle_replies(t);
		else if (!t->is_bundle)
			update_target(t);
	}
}
