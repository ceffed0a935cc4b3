/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/input-sync.h"

#include "base/str.h"
#include "base/vec.h"
#include "peer/neighbors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NEEDS_PER_FILE_MAX 3 /* kfarmd requests no blob more often */

struct peer_input_update {
	TAILQ_ENTRY(peer_input_update) list_entry;
	uint32_t number;
	size_t n_needs; /* NEEDs answered so far */
	size_t n_files;
	const struct inputs_entry *files[]; /* NULL: entry is not a file */
};

void peer_input_updates_init(struct peer_input_updates *v, uint32_t number,
			     struct peer_blob_upload_user *user)
{
	*v = (struct peer_input_updates){ .number = number, .user = user };
	TAILQ_INIT(&v->sent);
}

void peer_input_updates_release(struct peer_input_updates *v)
{
	struct peer_input_update *update;

	while ((update = TAILQ_FIRST(&v->sent))) {
		TAILQ_REMOVE(&v->sent, update, list_entry);
		free(update);
	}
}

static int encode_entry(const struct peer_conn *conn, struct wire_entry *out,
			const struct inputs_entry *e)
{
	*out = (struct wire_entry){ .inode.kind = (uint8_t)e->kind };
	if (e->kind == WIRE_INODE_FILE) {
		out->inode.executable = e->file_digest.executable;
		out->inode.size = e->file_digest.stamp.size;
		out->inode.mtime_ns = e->file_digest.stamp.mtime_ns;
		out->inode.digest = e->file_digest.digest;
	} else if (e->kind == WIRE_INODE_SYMLINK) {
		out->inode.target = e->target;
	}
	return wire_paths_add(conn->paths, e->path->name, &out->path);
}

/*
 * Upload the lost blobs of the update.  The node requested them earlier, but
 * they could not be packed, and the node will not request them again.
 */
static void upload_lost_blobs(const struct peer_input_updates *v,
			      const struct peer_conn *conn,
			      const struct peer_input_update *update)
{
	for (size_t i = 0; i < update->n_files; i++) {
		const struct inputs_entry *e = update->files[i];

		if (e && peer_blob_upload_is_lost(conn->upload,
						  &e->file_digest.digest))
			peer_blob_upload_add(conn->upload, v->user, e);
	}
}

void peer_input_updates_retry_blob(const struct peer_input_updates *v,
				   const struct peer_conn *conn,
				   const struct digest *d)
{
	const struct peer_input_update *update;

	list_for_each(update, &v->sent, list_entry) {
		for (size_t i = 0; i < update->n_files; i++) {
			const struct inputs_entry *e = update->files[i];

			if (e && digest_equal(&e->file_digest.digest, d)) {
				peer_blob_upload_add(conn->upload, v->user, e);
				return;
			}
		}
	}
}

int peer_input_updates_send(struct peer_input_updates *v,
			    const struct peer_conn *conn,
			    const struct inputs_entry *const *entry, size_t n,
			    bool is_toolchain)
{
	struct wire_entry *encoded = xcalloc(n + 1, sizeof(*encoded));
	struct peer_input_update *update;
	struct buf body = { 0 };
	size_t at = 0;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = encode_entry(conn, &encoded[i], entry[i]);
	if (ret)
		goto out;
	peer_conn_send_paths(conn);
	do {
		struct wire_view m = { .cell = v->number,
				       .view = ++v->last,
				       .entries = encoded + at };

		/* The update for a node-native toolchain has no entries. */
		m.n_entries = n ? wire_view_count_fitting(m.entries, n - at) :
				  0;
		if (is_toolchain)
			m.part = at + m.n_entries == n ?
					 WIRE_PART_TOOLCHAIN_END :
					 WIRE_PART_TOOLCHAIN;
		update = xmalloc(sizeof(*update) +
				 m.n_entries * sizeof(*update->files));
		update->number = m.view;
		update->n_needs = 0;
		update->n_files = m.n_entries;
		for (size_t i = 0; i < m.n_entries; i++)
			update->files[i] = entry[at + i]->kind ==
							   WIRE_INODE_FILE ?
						   entry[at + i] :
						   NULL;
		TAILQ_INSERT_TAIL(&v->sent, update, list_entry);
		wire_view_encode_at(&body, &m, conn->version);
		peer_conn_send(conn, WIRE_VIEW, &body, conn->codec);
		upload_lost_blobs(v, conn, update);
		at += m.n_entries;
	} while (at < n);
out:
	free(encoded);
	return ret;
}

/* A node can request a damaged blob again, but only a few times. */
static bool is_valid_need(const struct wire_need *m,
			  struct peer_input_update *update)
{
	if (!update || update->n_needs++ > NEEDS_PER_FILE_MAX * update->n_files)
		return false;
	for (uint32_t i = 0; i < m->n_indices; i++) {
		if (m->indices[i] >= update->n_files ||
		    !update->files[m->indices[i]])
			return false;
	}
	return true;
}

int peer_input_updates_handle_need(struct peer_input_updates *v,
				   const struct wire_need *m,
				   struct peer_conn *conn, struct err *err)
{
	struct peer_input_update *update;
	uint32_t at = 0;

	/* Search backwards: NEED mostly refers to a recent update. */
	TAILQ_FOREACH_REVERSE(update, &v->sent, peer_input_update_list,
			      list_entry)
	{
		if (update->number == m->view)
			break;
	}
	if (!is_valid_need(m, update))
		return err_set(
			err, EPROTO,
			"invalid NEED: unknown file, or too many requests");
	for (uint32_t i = 0; i < m->n_indices; i++) {
		const struct inputs_entry *e = update->files[m->indices[i]];

		if (!peer_neighbors_direct(conn->shared->neighbors, conn,
					   &e->file_digest.digest,
					   e->file_digest.stamp.size))
			peer_blob_upload_add(conn->upload, v->user, e);
		else if (v->user->stats)
			v->user->stats->n_files_fetched++;
	}
	/*
	 * The first NEED for an update omits the files that the node has, so
	 * record the node as a holder of their blobs.  NEED also omits a file
	 * whose content is equal to that of a requested file.  In this case,
	 * peer_neighbors_direct() has already recorded the node as a holder.
	 */
	for (size_t i = 0; update->n_needs == 1 && i < update->n_files; i++) {
		const struct inputs_entry *e = update->files[i];

		if (at < m->n_indices && m->indices[at] == i)
			at++;
		else if (e)
			peer_neighbors_hold(conn->shared->neighbors, conn,
					    &e->file_digest.digest,
					    e->file_digest.stamp.size);
	}
	return 0;
}

struct peer_input_sync_path {
	const struct inputs_entry *entry; /* last sent; NULL: none */
	/* number of the VIEW that contained `entry` or removed the path */
	uint32_t update;
	bool frozen; /* belongs to the toolchain */
	bool contains_frozen; /* is a directory with files of the toolchain */
	bool exists; /* the path, or a path below it, exists */
};

/*
 * Number of paths per page.  In a large build, a node gets few of all paths,
 * because other machines compile most sources.  The path ids of a closure are
 * mostly adjacent, so many pages contain no path of the node and are never
 * allocated.
 */
#define PAGE_PATHS 32

struct peer_input_sync_page {
	struct peer_input_sync_path paths[PAGE_PATHS];
};

/* Entries for the next VIEWs. */
struct entry_list {
	const struct inputs_entry **v;
	size_t n;
};

void peer_input_sync_init(struct peer_input_sync *t,
			  const struct peer_conn *conn, uint32_t cell,
			  struct peer_blob_upload_user *user)
{
	*t = (struct peer_input_sync){ .conn = conn };
	peer_input_updates_init(&t->updates, cell, user);
}

void peer_input_sync_stop(struct peer_input_sync *t)
{
	for (uint32_t i = 0; i < t->n_pages; i++)
		free(t->pages[i]);
	free(t->pages);
	t->pages = NULL;
	t->n_pages = 0;
}

void peer_input_sync_release(struct peer_input_sync *t)
{
	peer_input_updates_release(&t->updates);
	peer_input_sync_stop(t);
}

static struct peer_input_sync_path *find_synced_path(
	struct peer_input_sync *t, const struct inputs_path *path)
{
	uint32_t page = path->id / PAGE_PATHS;

	if (page >= t->n_pages) {
		uint32_t n = page + page / 4 + 16;

		t->pages = xrealloc(t->pages, n * sizeof(*t->pages));
		memset(t->pages + t->n_pages, 0,
		       (n - t->n_pages) * sizeof(*t->pages));
		t->n_pages = n;
	}
	if (!t->pages[page])
		t->pages[page] = xcalloc(1, sizeof(*t->pages[page]));
	return &t->pages[page]->paths[path->id % PAGE_PATHS];
}

/* Record the entry that was sent to the node for a path. */
static void record_synced(struct peer_input_sync *t,
			  const struct inputs_entry *e, uint32_t update,
			  bool frozen)
{
	struct peer_input_sync_path *p = find_synced_path(t, e->path);

	p->entry = e;
	p->update = update;
	p->frozen = frozen;
	p->exists = e->kind != WIRE_INODE_ABSENT;
	if (!p->exists)
		return;
	for (const struct inputs_path *up = e->path->parent; up;
	     up = up->parent) {
		p = find_synced_path(t, up);
		if (!p->exists)
			p->contains_frozen = frozen;
		p->exists = true;
		/*
		 * If the directory was absent, the node has created it for
		 * `e`.
		 */
		if (p->entry && p->entry->kind == WIRE_INODE_ABSENT)
			p->entry = NULL;
	}
}

static bool is_path_below(const struct inputs_path *path,
			  const struct inputs_path *top)
{
	while (path && path != top)
		path = path->parent;
	return path != NULL;
}

/*
 * Forget the entries below `top`: the node removes them together with `top` in
 * the current update.
 */
static void forget_paths_below(struct peer_input_sync *t,
			       const struct inputs_path *top)
{
	for (uint32_t i = 0; i < t->n_pages * PAGE_PATHS; i++) {
		struct peer_input_sync_page *page = t->pages[i / PAGE_PATHS];
		struct peer_input_sync_path *p = NULL;

		if (page)
			p = &page->paths[i % PAGE_PATHS];
		if (p && p->entry && p->entry->path != top &&
		    is_path_below(p->entry->path, top)) {
			p->entry = NULL;
			p->update = t->updates.last;
			p->exists = false;
		}
	}
}

static int send_entries(struct peer_input_sync *t,
			const struct inputs_entry *const *entry, size_t n,
			bool is_toolchain)
{
	int ret = peer_input_updates_send(&t->updates, t->conn, entry, n,
					  is_toolchain);

	for (size_t i = 0; i < n && !ret; i++) {
		if (entry[i]->kind == WIRE_INODE_ABSENT)
			forget_paths_below(t, entry[i]->path);
		record_synced(t, entry[i], t->updates.last, is_toolchain);
	}
	return ret;
}

int peer_input_sync_add_toolchain(struct peer_input_sync *t,
				  const struct inputs_entry *const *entry,
				  size_t n, bool native)
{
	int ret;

	if (native)
		ret = peer_input_updates_send(&t->updates, t->conn, NULL, 0,
					      true);
	else
		ret = send_entries(t, entry, n, true);
	/*
	 * With `native`, the node uses the files of its own toolchain at the
	 * paths of the local toolchain.  Freeze these paths, too, so that no
	 * later entry replaces one of these files.
	 */
	for (size_t i = 0; native && !ret && i < n; i++)
		record_synced(t, entry[i], t->updates.last, true);
	t->toolchain_update = t->updates.last;
	return ret;
}

/*
 * A single update cannot replace a directory by a file, or a file by a
 * directory.  Add the conflicting entries to `gone`.  The caller removes them
 * by a separate update, which it sends first.
 */
static void add_conflicts(struct peer_input_sync *t, struct entry_list *gone,
			  const struct inputs_entry *e)
{
	const struct inputs_path *up = e->path;
	struct peer_input_sync_path *p = find_synced_path(t, up);
	bool was_dir = p->exists &&
		       (!p->entry || p->entry->kind == WIRE_INODE_DIR);

	if (e->kind == WIRE_INODE_ABSENT)
		return;
	if (p->exists && was_dir != (e->kind == WIRE_INODE_DIR))
		*VEC_ADD(gone->v, gone->n) = e;
	while ((up = up->parent) && up->parent) {
		p = find_synced_path(t, up);
		if (p->entry &&
		    (p->entry->kind == WIRE_INODE_FILE ||
		     p->entry->kind == WIRE_INODE_SYMLINK) &&
		    p->exists && !p->frozen) {
			*VEC_ADD(gone->v, gone->n) = p->entry;
			return;
		}
	}
}

static int send_absences(struct peer_input_sync *t,
			 const struct entry_list *gone)
{
	struct inputs_entry *entry = xcalloc(gone->n, sizeof(*entry));
	struct entry_list d = { 0 };
	int ret;

	for (size_t i = 0; i < gone->n; i++) {
		bool twice = false;

		entry[i] = (struct inputs_entry){ .path = gone->v[i]->path,
						  .kind = WIRE_INODE_ABSENT };
		for (size_t j = 0; j < i; j++)
			twice = twice || entry[j].path == entry[i].path;
		if (!twice)
			*VEC_ADD(d.v, d.n) = &entry[i];
	}
	ret = send_entries(t, d.v, d.n, false);
	/* Drop the references to these entries, which are freed below. */
	for (size_t i = 0; i < d.n; i++)
		find_synced_path(t, d.v[i]->path)->entry = NULL;
	free(d.v);
	free(entry);
	return ret;
}

static bool same_content(const struct inputs_entry *a,
			 const struct inputs_entry *b)
{
	return a->kind != WIRE_INODE_FILE || b->kind != WIRE_INODE_FILE ||
	       digest_equal(&a->file_digest.digest, &b->file_digest.digest);
}

static int list_changed_entries(struct peer_input_sync *t,
				const struct inputs_entry *const *entry,
				size_t n, struct entry_list *d,
				uint32_t *update)
{
	for (size_t i = 0; i < n; i++) {
		const struct inputs_entry *e = entry[i];
		struct peer_input_sync_path *p = find_synced_path(t, e->path);

		if (p->entry == e) {
			if (p->update > *update)
				*update = p->update;
		} else if (p->frozen) {
			if (!same_content(p->entry, e))
				return -ESTALE;
		} else if (p->contains_frozen && e->kind != WIRE_INODE_DIR) {
			return -ESTALE;
		} else if (e->kind != WIRE_INODE_ABSENT || p->exists) {
			*VEC_ADD(d->v, d->n) = e;
		} else if (p->update > *update) {
			*update = p->update;
		}
	}
	return 0;
}

int peer_input_sync_add_entries(struct peer_input_sync *t,
				const struct inputs_entry *const *entry,
				size_t n, uint32_t *update)
{
	struct entry_list d = { 0 }, gone = { 0 };
	int ret;

	*update = t->toolchain_update;
	ret = list_changed_entries(t, entry, n, &d, update);
	for (size_t i = 0; i < d.n && !ret; i++)
		add_conflicts(t, &gone, d.v[i]);
	if (gone.n && !ret)
		ret = send_absences(t, &gone);
	if (d.n && !ret) {
		ret = send_entries(t, d.v, d.n, false);
		*update = t->updates.last;
	}
	free(gone.v);
	free(d.v);
	return ret;
}

bool peer_input_sync_is_frozen(struct peer_input_sync *t,
			       const struct inputs_path *path)
{
	return find_synced_path(t, path)->frozen;
}
