/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX            20 /* sandboxes and bundles of a client: 16 and 4 */
#define UPDATES_MAX            (1u << 20) /* retained VIEWs of a sandbox or bundle */
#define REQUESTS_MAX_PER_ENTRY 4 /* requests of a member for one blob */

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
	kfarmd_input_update_free(u->update);
	free(u->files);
	free(u->paths);
	free(u->names);
	free(u->waits);
	free(u);
}

/* Close a sandbox or bundle on all members and forget its state. */
static void free_target(struct relay_target *t)
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
	while ((u = TAILQ_FIRST(&t->updates)))
		free_update(u);
	free(t->detail);
	free(t->problem);
	free(t);
}

void relay_inputs_release(struct relay_session *s)
{
	struct relay_log_entry *e;
	struct relay_target *t;

	while ((t = TAILQ_FIRST(&s->targets)))
		free_target(t);
	while ((e = TAILQ_FIRST(&s->log)))
		free_log_entry(s, e);
	kfarmd_blobs_free(s->blobs);
	wire_intern_free(s->paths);
	wire_intern_free(s->flags);
}

static void send_have(struct relay_target *t, enum wire_have_state state,
		      const char *detail)
{
	struct wire_have m = { .cell = t->number,
			       .state = (uint8_t)state,
			       .detail = (char *)detail };
	struct buf body = { 0 };

	wire_have_encode_at(&body, &m, t->session->version);
	relay_session_send(t->session, WIRE_HAVE, &body);
}

/*
 * A sandbox is ready when it is ready on a member.  A bundle is ready when all
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

		if (lt && l->state == RELAY_LINK_UP) {
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
		send_have(t, WIRE_HAVE_READY, t->detail ? t->detail : "");
		if (t->is_bundle)
			free_target(t);
	} else if ((t->is_bundle && n_gone) || (!n_ready && !n_pending)) {
		send_have(t, t->ready ? WIRE_HAVE_LOST : WIRE_HAVE_REFUSED,
			  t->problem ? t->problem : "no member is usable");
		free_target(t);
	}
}

/* Return NULL if the number is in use, or there are too many targets. */
static struct relay_target *add_target(struct relay_session *s, uint32_t number)
{
	struct relay_target *t;
	size_t n = 0;

	list_for_each(t, &s->targets, entry)
		n++;
	if (relay_session_find(s, number) || n >= TARGETS_MAX)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->session = s;
	t->number = number;
	TAILQ_INIT(&t->updates);
	TAILQ_INSERT_TAIL(&s->targets, t, entry);
	return t;
}

static int on_cell(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	struct wire_cell m;

	if (wire_cell_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed CELL");
	t = add_target(s, m.cell);
	if (t)
		t->has_identity = *m.installed_id;
	wire_cell_release(&m);
	if (!t)
		return relay_session_end(
			s, "CELL: number in use, or too many sandboxes");
	relay_dispatch_add_target(t);
	record(s, WIRE_CELL, body, t);
	update_target(t);
	return 0;
}

static int on_bundle(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	struct wire_bundle m;

	if (wire_bundle_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed BUNDLE");
	t = add_target(s, m.bundle);
	wire_bundle_release(&m);
	if (!t)
		return relay_session_end(
			s, "BUNDLE: number in use, or too many bundles");
	t->is_bundle = true;
	record(s, WIRE_BUNDLE, body, t);
	update_target(t);
	return 0;
}

static int on_shut(struct relay_session *s, struct bytes body)
{
	struct relay_target *t;
	uint32_t number;

	if (wire_number_decode(&number, body))
		return relay_session_end(s, "malformed SHUT");
	t = relay_session_find(s, number);
	if (t)
		free_target(t);
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

/* Only the last WEIGHT counts. */
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

static void upload(struct relay_link *l, const struct relay_update *u,
		   uint32_t index)
{
	struct relay_link_target *lt = relay_link_find(l, u->target->number);

	if (lt && l->conn.upload)
		peer_blob_upload_add(l->conn.upload, lt->user,
				     &u->files[index]);
}

/* Send the blobs that have arrived to the members that wait for them. */
static void on_update_changed(void *ctx)
{
	struct relay_update *u = ctx;
	size_t kept = 0;

	if (u->update->error) {
		relay_session_end(u->target->session, "relay: store: %s",
				  strerror(-u->update->error));
		return;
	}
	for (size_t i = 0; i < u->n_waits; i++) {
		struct relay_blob_wait w = u->waits[i];

		if (u->update->entries[w.index].pinned)
			upload(w.link, u, w.index);
		else
			u->waits[kept++] = w;
	}
	u->n_waits = kept;
}

/* Request the blobs of an update from the client. */
static int request_blobs(struct relay_session *s, struct relay_update *u)
{
	struct wire_need need;
	struct buf body = { 0 };
	struct err err;
	int ret = kfarmd_input_update_request_blobs(u->update, s->blobs, &need,
						    &err);

	u->requested = true;
	if (ret) {
		relay_session_end(s, "%s", err.text);
	} else {
		wire_need_encode_at(&body, &need, s->version);
		relay_session_send(s, WIRE_NEED, &body);
	}
	wire_need_release(&need);
	return ret ? -EPROTO : 0;
}

static struct relay_update *add_update(struct relay_target *t,
				       struct kfarmd_input_update *v)
{
	struct relay_update *u = xcalloc(1, sizeof(*u));
	uint32_t n = v->m.n_entries;

	u->target = t;
	u->update = v;
	v->on_changed = on_update_changed;
	v->ctx = u;
	u->files = xcalloc(n + 1, sizeof(*u->files));
	u->paths = xcalloc(n + 1, sizeof(*u->paths));
	u->names = xcalloc(n + 1, sizeof(*u->names));
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
	return u;
}

static int on_view(struct relay_session *s, struct bytes body)
{
	static atomic_bool never;
	struct kfarmd_input_update *v = NULL;
	struct relay_target *t;
	struct relay_update *u;
	struct wire_view m;
	struct err err;
	bool end;

	if (wire_view_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed VIEW");
	t = relay_session_find(s, m.cell);
	if (t && (m.view != t->last_view + 1 || m.view > UPDATES_MAX))
		relay_session_end(s, "VIEW: unexpected number %u", m.view);
	else if (t)
		v = kfarmd_input_update_new(&m, s->paths,
					    s->relay->daemon->store, &err);
	if (t && !v)
		relay_session_end(s, "%s", err.text);
	/* A VIEW for a sandbox that has ended may have been in flight. */
	if (!v) {
		wire_view_release(&m);
		return s->end_reason ? -EPROTO : 0;
	}
	t->last_view = v->m.view;
	end = v->m.part == WIRE_PART_TOOLCHAIN_END;
	v->stop_requested = &never;
	u = add_update(t, v);
	if (kfarmd_input_update_pin_blobs(v, &err))
		return relay_session_end(s, "%s", err.text);
	record(s, WIRE_VIEW, body, t);
	if (!t->is_bundle)
		return request_blobs(s, u);
	list_for_each(u, &t->updates, entry) {
		if (end && !u->requested && request_blobs(s, u))
			return -EPROTO;
	}
	return 0;
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
 * The build host has verified that one build of the compiler compiles as the
 * local one, so a member with another build is not used.
 */
static bool is_other_identity(const struct relay_link *l,
			      struct relay_target *t, const char *detail)
{
	if (!t->detail)
		t->detail = xstrdup(detail);
	if ((!t->has_identity && !t->is_bundle) || !strcmp(t->detail, detail))
		return false;
	log_warning("member %s: its build of the compiler differs from that of "
		    "other members; the member is not used for it",
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
		log_warning("member %s: sandbox or bundle %u %s: %s",
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

static int serve_need(struct relay_link *l, const struct wire_need *m,
		      struct err *err)
{
	const struct relay_target *t = relay_session_find(l->session, m->cell);
	struct relay_update *u = NULL;

	/* The client may have closed the sandbox. */
	if (!t)
		return 0;
	list_for_each(u, &t->updates, entry) {
		if (u->update->m.view == m->view)
			break;
	}
	if (!u)
		return err_set(err, EPROTO, "NEED: unknown view");
	if (u->n_waits + m->n_indices > (size_t)REQUESTS_MAX_PER_ENTRY *
						u->update->m.n_entries *
						l->session->relay->n_members)
		return err_set(err, EPROTO, "NEED: repeated too often");
	for (uint32_t i = 0; i < m->n_indices; i++) {
		uint32_t index = m->indices[i];

		if (index >= u->update->m.n_entries ||
		    u->update->m.entries[index].inode.kind != WIRE_INODE_FILE)
			return err_set(err, EPROTO, "NEED: no such file");
		if (u->update->entries[index].pinned)
			upload(l, u, index);
		else
			*VEC_ADD(u->waits, u->n_waits) =
				(struct relay_blob_wait){ l, index };
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

void relay_inputs_forget(struct relay_link *l, const char *why)
{
	struct relay_target *t;
	struct relay_update *u;

	list_for_each(t, &l->session->targets, entry) {
		free(t->problem);
		t->problem = xasprintf("%s: %s", l->member->entry.name, why);
		list_for_each(u, &t->updates, entry) {
			size_t kept = 0;

			for (size_t i = 0; i < u->n_waits; i++) {
				if (u->waits[i].link != l)
					u->waits[kept++] = u->waits[i];
			}
			u->n_waits = kept;
		}
	}
}
