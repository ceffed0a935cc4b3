/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/input-update.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/manifest.h"
#include "machine/machine.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct wire_inode kfarmd_entry_to_inode(const struct compiler_entry *e)
{
	return (struct wire_inode){
		.kind = (uint8_t)e->kind,
		.executable = e->executable,
		.size = e->size_bytes,
		.mtime_ns = e->mtime_ns,
		.digest = e->digest,
		.target = e->target,
	};
}

struct compiler_entry kfarmd_entry_from_inode(const char *path,
					      const struct wire_inode *inode)
{
	return (struct compiler_entry){
		.path = (char *)path,
		.kind = (enum compiler_entry_kind)inode->kind,
		.executable = inode->executable,
		.size_bytes = inode->size,
		.mtime_ns = inode->mtime_ns,
		.digest = inode->digest,
		.target = inode->target,
	};
}

int kfarmd_entry_put(void *cell, const char *path,
		     const struct wire_inode *inode, int fd, struct err *err)
{
	switch ((enum wire_inode_kind)inode->kind) {
	case WIRE_INODE_FILE:
		return sandbox_put_file(cell, path, fd, inode->size,
					inode->executable, inode->mtime_ns,
					err);
	case WIRE_INODE_SYMLINK:
		return sandbox_put_symlink(cell, path, inode->target, err);
	case WIRE_INODE_DIR:
		return sandbox_put_dir(cell, path, err);
	case WIRE_INODE_ABSENT:
		return sandbox_remove_path(cell, path, err);
	}
	return err_set(err, EPROTO, "VIEW: invalid entry kind %u", inode->kind);
}

struct kfarmd_blob {
	struct digest digest; /* first member, for tsearch() */
	struct kfarmd_blobs *blobs;
	uint64_t size_bytes;
	uint64_t received_bytes;
	struct store_write *writer; /* NULL: not receiving, or rejected */
	int error; /* negative errno of the store if it rejected the blob */
	TAILQ_HEAD(, kfarmd_blob_waiter) waiters;
};

struct kfarmd_blobs {
	struct store *store;
	void *by_digest; /* tree of requested blobs that are incomplete */
	size_t n_blobs;
	unsigned n_open;
	/* clock_ms() of the last request, piece or kfarmd_blobs_expect() */
	uint64_t last_piece_ms;
};

struct kfarmd_blobs *kfarmd_blobs_new(struct store *store)
{
	struct kfarmd_blobs *b = xcalloc(1, sizeof(*b));

	b->store = store;
	return b;
}

static void notify_blob_waiters(struct kfarmd_blob *blob, int ret)
{
	struct kfarmd_blob_waiter *w;

	while ((w = TAILQ_FIRST(&blob->waiters))) {
		kfarmd_blobs_cancel(w);
		w->on_received(w, ret);
	}
}

static void free_blob(void *at)
{
	struct kfarmd_blob *blob = at;

	notify_blob_waiters(blob, -ECANCELED);
	store_write_abort(blob->writer);
	free(blob);
}

void kfarmd_blobs_free(struct kfarmd_blobs *b)
{
	tdestroy(b->by_digest, free_blob);
	free(b);
}

static struct kfarmd_blob *find_blob(struct kfarmd_blobs *b,
				     const struct digest *d)
{
	struct kfarmd_blob **at = tfind(d, &b->by_digest, digest_compare);

	return at ? *at : NULL;
}

int kfarmd_blobs_request(struct kfarmd_blobs *b, const struct digest *d,
			 uint64_t size, struct kfarmd_blob_waiter *waiter,
			 bool *must_ask)
{
	struct kfarmd_blob *blob = find_blob(b, d);

	*must_ask = !blob;
	if (!blob) {
		if (b->n_blobs >= KFARMD_BLOBS_REQUESTED_MAX)
			return -ENOBUFS;
		b->last_piece_ms = clock_ms();
		blob = xcalloc(1, sizeof(*blob));
		*blob = (struct kfarmd_blob){ .digest = *d,
					      .blobs = b,
					      .size_bytes = size };
		TAILQ_INIT(&blob->waiters);
		if (!tsearch(blob, &b->by_digest, digest_compare))
			str_out_of_memory();
		b->n_blobs++;
	}
	if (blob->size_bytes != size)
		return -EPROTO;
	waiter->blob = blob;
	TAILQ_INSERT_TAIL(&blob->waiters, waiter, entry);
	return 0;
}

void kfarmd_blobs_cancel(struct kfarmd_blob_waiter *w)
{
	if (w->blob)
		TAILQ_REMOVE(&w->blob->waiters, w, entry);
	w->blob = NULL;
}

uint64_t kfarmd_blobs_idle_ms(const struct kfarmd_blobs *b)
{
	return b->n_blobs ? clock_ms() - b->last_piece_ms : 0;
}

/* Remove a blob from the set, notify its waiters, and free it. */
static void end_blob(struct kfarmd_blob *blob, int ret)
{
	tdelete(blob, &blob->blobs->by_digest, digest_compare);
	blob->blobs->n_blobs--;
	notify_blob_waiters(blob, ret);
	free(blob);
}

/* End a blob that the writer has stored and pinned. */
static void provide_blob(struct kfarmd_blob *blob)
{
	struct store *store = blob->blobs->store;
	struct digest d = blob->digest;

	/* Waiters pin the blob before the pin of the writer is released. */
	end_blob(blob, 0);
	store_unpin(store, &d);
}

static void drop_writer(struct kfarmd_blob *blob)
{
	if (blob->writer)
		blob->blobs->n_open--;
	store_write_abort(blob->writer);
	blob->writer = NULL;
}

/*
 * Stop storing a blob.  Its remaining pieces are in transit; kfarmd drops them
 * when they arrive.
 */
static void abandon_blob(struct kfarmd_blob *blob, int ret)
{
	drop_writer(blob);
	blob->error = ret;
	notify_blob_waiters(blob, ret);
}

/* Publish a complete blob.  Returns 0 or a negative errno. */
static int commit_blob(struct kfarmd_blob *blob)
{
	int ret = blob->error;

	if (blob->writer) {
		blob->blobs->n_open--;
		ret = store_write_commit(blob->writer);
		blob->writer = NULL;
	}
	return ret;
}

static int finish_blob(struct kfarmd_blob *blob, struct err *err)
{
	char hex[DIGEST_HEX];
	int ret = commit_blob(blob);

	if (!ret) {
		provide_blob(blob);
		return 0;
	}
	if (ret != -EBADMSG) {
		end_blob(blob, ret);
		return 0;
	}
	digest_format(&blob->digest, hex);
	end_blob(blob, -EPROTO);
	return err_set(err, EPROTO, "blob %.12s: digest mismatch", hex);
}

/* Return true if storing the next piece requires a new writer. */
static bool needs_writer(const struct kfarmd_blob *blob)
{
	return !blob->writer && !blob->received_bytes && !blob->error;
}

/* Store the next piece of a blob.  Returns 0 or a negative errno. */
static int add_piece(struct kfarmd_blob *blob, struct bytes piece)
{
	struct kfarmd_blobs *b = blob->blobs;
	struct kfarmd_blob_waiter *w, *next;
	int ret = 0;

	if (needs_writer(blob)) {
		ret = store_write_begin(&blob->writer, b->store, &blob->digest,
					blob->size_bytes, true);
		if (ret)
			blob->writer = NULL;
		else
			b->n_open++;
	}
	blob->received_bytes += piece.len;
	if (blob->writer)
		ret = store_write_add(blob->writer, piece);
	if (ret || !blob->writer)
		return ret;
	list_for_each_safe(w, &blob->waiters, entry, next) {
		if (w->on_piece)
			w->on_piece(w);
	}
	return 0;
}

/* Return true if the blob needs a writer, but too many blobs are open. */
static bool has_too_many_open(const struct kfarmd_blob *blob)
{
	return needs_writer(blob) &&
	       blob->blobs->n_open >= KFARMD_BLOBS_OPEN_MAX;
}

int kfarmd_blobs_receive(struct kfarmd_blobs *b, const struct wire_blob *m,
			 struct err *err)
{
	struct kfarmd_blob *blob = find_blob(b, &m->digest);
	int ret;

	if (!blob)
		return err_set(err, EPROTO, "unexpected BLOB: not requested");
	b->last_piece_ms = clock_ms();
	if (m->size != blob->size_bytes || m->offset != blob->received_bytes)
		return err_set(err, EPROTO, "BLOB: unexpected size or offset");
	if (has_too_many_open(blob))
		return err_set(err, EPROTO,
			       "too many concurrent blobs: limit is %d",
			       KFARMD_BLOBS_OPEN_MAX);
	ret = add_piece(blob, m->data);
	if (ret)
		abandon_blob(blob, ret);
	return blob->received_bytes == blob->size_bytes ?
		       finish_blob(blob, err) :
		       0;
}

int kfarmd_blobs_receive_from_neighbor(struct kfarmd_blobs *b,
				       const struct wire_blob *m)
{
	struct kfarmd_blob *blob = find_blob(b, &m->digest);
	int ret;

	if (!blob || m->size != blob->size_bytes ||
	    m->offset != blob->received_bytes)
		return -EPROTO;
	b->last_piece_ms = clock_ms();
	if (has_too_many_open(blob))
		return -EMFILE;
	ret = add_piece(blob, m->data);
	if (ret || blob->received_bytes < blob->size_bytes)
		return ret;
	ret = commit_blob(blob);
	if (!ret)
		provide_blob(blob);
	return ret;
}

bool kfarmd_blobs_expect(struct kfarmd_blobs *b, const struct digest *d)
{
	if (!find_blob(b, d))
		return false;
	b->last_piece_ms = clock_ms();
	return true;
}

ssize_t kfarmd_blobs_read(const struct kfarmd_blob_waiter *w, void *to,
			  size_t len, uint64_t offset)
{
	return w->blob && w->blob->writer ?
		       store_write_read(w->blob->writer, to, len, offset) :
		       0;
}

int kfarmd_blobs_wait(struct kfarmd_blobs *b, const struct digest *d,
		      uint64_t size, struct kfarmd_blob_waiter *waiter)
{
	bool must_ask;

	return find_blob(b, d) ?
		       kfarmd_blobs_request(b, d, size, waiter, &must_ask) :
		       -ENOENT;
}

/* Limits of a small update, which is applied without a thread. */
#define SMALL_ENTRIES 32
#define SMALL_BYTES   (256u << 10)
/* number of written bytes after which the available memory is checked */
#define MEMORY_CHECK_BYTES (1u << 20)
/* memory that an update must leave free */
#define MEMORY_RESERVE_BYTES (256u << 20)
#define DAMAGED_MAX          3 /* n_damaged at which the update fails */

static void on_blob_received(struct kfarmd_blob_waiter *w, int ret);

struct kfarmd_input_update *kfarmd_input_update_new(
	struct wire_view *m, const struct wire_intern *paths,
	struct store *store, struct err *err)
{
	struct kfarmd_input_update *v = xcalloc(1, sizeof(*v));

	v->entries = xcalloc(m->n_entries + 1, sizeof(*v->entries));
	v->store = store;
	for (uint32_t i = 0; i < m->n_entries; i++) {
		struct kfarmd_input_update_entry *e = &v->entries[i];

		e->update = v;
		e->waiter.on_received = on_blob_received;
		e->path = wire_paths_get(paths, m->entries[i].path);
		if (!e->path) {
			err_set(err, EPROTO, "VIEW: undefined path number %u",
				m->entries[i].path);
			free(v->entries);
			free(v);
			return NULL;
		}
	}
	v->m = *m;
	*m = (struct wire_view){ 0 };
	return v;
}

static void unpin_entry(struct kfarmd_input_update *v, uint32_t i)
{
	if (v->entries[i].pinned)
		store_unpin(v->store, &v->m.entries[i].inode.digest);
	v->entries[i].pinned = false;
}

void kfarmd_input_update_cancel_waits(struct kfarmd_input_update *v)
{
	for (uint32_t i = 0; i < v->m.n_entries; i++)
		kfarmd_blobs_cancel(&v->entries[i].waiter);
}

char *kfarmd_input_update_explain(const struct kfarmd_input_update *v,
				  const char *store)
{
	int error = -v->error;

	return xasprintf("%s: %s%s", store, strerror(error),
			 error == ENOSPC || error == EFBIG || error == EDQUOT ?
				 "; see --store-size in kfarmd(8)" :
				 "");
}

void kfarmd_input_update_free(struct kfarmd_input_update *v)
{
	kfarmd_input_update_cancel_waits(v);
	for (uint32_t i = 0; i < v->m.n_entries; i++)
		unpin_entry(v, i);
	wire_view_release(&v->m);
	free(v->entries);
	free(v);
}

uint64_t kfarmd_input_update_remaining_bytes(
	const struct kfarmd_input_update *v)
{
	uint64_t sum = 0;

	for (size_t i = v->next_entry; i < v->m.n_entries; i++)
		sum += v->m.entries[i].inode.size;
	return sum;
}

int kfarmd_input_update_check_memory(uint64_t bytes, uint64_t *unchecked_bytes,
				     const char *root, struct err *err)
{
	uint32_t available, load;

	*unchecked_bytes += bytes;
	if (*unchecked_bytes < MEMORY_CHECK_BYTES)
		return 0;
	*unchecked_bytes = 0;
	if (!machine_inventory_read_load(&available, &load, root) ||
	    bytes + MEMORY_RESERVE_BYTES <= (uint64_t)available << 20)
		return 0;
	return err_set(err, ENOMEM,
		       "not enough memory for %llu MiB of files: %u MiB free",
		       (unsigned long long)(bytes >> 20) + 1, available);
}

bool kfarmd_input_update_is_small(const struct kfarmd_input_update *v)
{
	return v->m.n_entries <= SMALL_ENTRIES &&
	       kfarmd_input_update_remaining_bytes(v) <= SMALL_BYTES;
}

static int pin_entry(struct kfarmd_input_update_entry *e)
{
	struct kfarmd_input_update *v = e->update;
	const struct wire_entry *m = &v->m.entries[e - v->entries];
	int ret = store_pin(v->store, &m->inode.digest, m->inode.size);

	e->pinned = !ret;
	return ret;
}

int kfarmd_input_update_pin_blobs(struct kfarmd_input_update *v,
				  struct err *err)
{
	for (uint32_t i = 0; i < v->m.n_entries; i++) {
		int ret;

		if (v->m.entries[i].inode.kind != WIRE_INODE_FILE)
			continue;
		if (atomic_load(v->stop_requested))
			return err_set(err, ECANCELED, "cancelled");
		ret = pin_entry(&v->entries[i]);
		v->entries[i].missing = ret == -ENOENT;
		if (ret && ret != -ENOENT)
			return err_set(err, -ret, "node store: %s",
				       strerror(-ret));
	}
	v->blobs_pinned = true;
	return 0;
}

static void on_blob_received(struct kfarmd_blob_waiter *w, int ret)
{
	/* `waiter` is the first member. */
	struct kfarmd_input_update_entry *e =
		(struct kfarmd_input_update_entry *)(void *)w;
	struct kfarmd_input_update *v = e->update;

	if (!ret)
		ret = pin_entry(e);
	if (ret)
		v->error = ret;
	v->n_missing--;
	v->on_changed(v->ctx);
}

bool kfarmd_blobs_ask_again(struct kfarmd_blobs *b, const struct digest *d,
			    struct wire_need *need)
{
	struct kfarmd_blob *blob = find_blob(b, d);
	struct kfarmd_blob_waiter *w = NULL;
	const struct kfarmd_input_update_entry *e;

	*need = (struct wire_need){ 0 };
	if (!blob)
		return false;
	drop_writer(blob);
	blob->received_bytes = 0;
	blob->error = 0;
	list_for_each(w, &blob->waiters, entry) {
		if (w->on_received == on_blob_received)
			break;
	}
	if (!w) {
		end_blob(blob, -ENOENT);
		return false;
	}
	e = (const struct kfarmd_input_update_entry *)(const void *)w;
	need->cell = e->update->m.cell;
	need->view = e->update->m.view;
	*VEC_ADD(need->indices,
		 need->n_indices) = (uint32_t)(e - e->update->entries);
	b->last_piece_ms = clock_ms();
	return true;
}

/*
 * Withdraw the requests in `need`, which was not sent.  A later update would
 * otherwise wait for a blob that no NEED has requested.
 */
static void drop_requests(struct kfarmd_input_update *v,
			  struct kfarmd_blobs *blobs, struct wire_need *need)
{
	kfarmd_input_update_cancel_waits(v);
	for (uint32_t i = 0; i < need->n_indices; i++) {
		const struct wire_entry *m = &v->m.entries[need->indices[i]];

		end_blob(find_blob(blobs, &m->inode.digest), -ECANCELED);
	}
	need->n_indices = 0;
}

int kfarmd_input_update_request_blobs(struct kfarmd_input_update *v,
				      struct kfarmd_blobs *blobs,
				      struct wire_need *need, struct err *err)
{
	*need = (struct wire_need){ .cell = v->m.cell, .view = v->m.view };
	need->indices = xcalloc(v->m.n_entries + 1, sizeof(*need->indices));
	for (uint32_t i = 0; i < v->m.n_entries; i++) {
		struct kfarmd_input_update_entry *e = &v->entries[i];
		const struct wire_entry *m = &v->m.entries[i];
		bool ask;
		int ret;

		if (!e->missing)
			continue;
		ret = kfarmd_blobs_request(blobs, &m->inode.digest,
					   m->inode.size, &e->waiter, &ask);
		if (ret == -EPROTO)
			err_set(err, EPROTO,
				"VIEW: conflicting sizes for a blob");
		else if (ret)
			err_set(err, -ret,
				"too many missing blobs: limit is %u",
				KFARMD_BLOBS_REQUESTED_MAX);
		if (ret) {
			drop_requests(v, blobs, need);
			return ret;
		}
		e->missing = false;
		v->n_missing++;
		if (ask)
			need->indices[need->n_indices++] = i;
	}
	return 0;
}

static int apply_entry(struct kfarmd_input_update *v, uint32_t i,
		       kfarmd_input_update_put_fn *put, void *ctx,
		       struct err *err)
{
	struct kfarmd_input_update_entry *e = &v->entries[i];
	const struct wire_inode *inode = &v->m.entries[i].inode;
	int fd = -1, ret;

	if (inode->kind == WIRE_INODE_FILE) {
		fd = store_open_blob(v->store, &inode->digest, inode->size);
		if (fd == -ENOENT || fd == -EBADMSG) {
			/*
			 * The blob was lost, or it was damaged and the store
			 * has removed it.  Request the blob again, a limited
			 * number of times.
			 */
			unpin_entry(v, i);
			if (++e->n_damaged >= DAMAGED_MAX)
				return err_set(
					err, EIO,
					"node store: blob repeatedly lost or "
					"damaged");
			e->missing = true;
			return -EBADMSG;
		}
		if (fd < 0)
			return err_set(err, -fd, "node store: %s",
				       strerror(-fd));
	}
	ret = put(ctx, e->path, inode, fd, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int kfarmd_input_update_apply(struct kfarmd_input_update *v,
			      kfarmd_input_update_put_fn *put, void *ctx,
			      struct err *err)
{
	for (; v->next_entry < v->m.n_entries; v->next_entry++) {
		int ret;

		if (atomic_load(v->stop_requested))
			return err_set(err, ECANCELED, "cancelled");
		ret = apply_entry(v, (uint32_t)v->next_entry, put, ctx, err);
		if (ret)
			return ret;
		if (v->m.part == WIRE_PART_SOURCES)
			unpin_entry(v, (uint32_t)v->next_entry);
	}
	return 0;
}

/*
 * List the entries of all updates; the caller frees the list.  Set *only_adds
 * to false if an entry removes a path, which is invalid in a toolchain.
 */
static struct compiler_entry *collect_update_entries(
	const struct kfarmd_input_update_queue *views, size_t *n,
	bool *only_adds)
{
	const struct kfarmd_input_update *v;
	struct compiler_entry *all, *out;

	*n = 0;
	list_for_each(v, views, entry)
		*n += v->m.n_entries;
	all = out = xcalloc(*n + 1, sizeof(*all));
	*only_adds = true;
	list_for_each(v, views, entry) {
		for (uint32_t i = 0; i < v->m.n_entries; i++) {
			*only_adds &= v->m.entries[i].inode.kind !=
				      WIRE_INODE_ABSENT;
			*out++ = kfarmd_entry_from_inode(
				v->entries[i].path, &v->m.entries[i].inode);
		}
	}
	return all;
}

char *kfarmd_input_update_resolve_driver(
	const struct kfarmd_input_update_queue *views,
	const struct wire_cell *m)
{
	bool only_adds;
	size_t n;
	struct compiler_entry *all = collect_update_entries(views, &n,
							    &only_adds);
	char *driver = compiler_manifest_resolve(all, n, m->driver);

	free(all);
	return driver;
}

int kfarmd_input_update_check_identity(
	const struct kfarmd_input_update_queue *views,
	const struct wire_cell *m, struct err *err)
{
	bool only_adds;
	size_t n;
	struct compiler_entry *all = collect_update_entries(views, &n,
							    &only_adds);
	struct digest id;
	int ret = -EINVAL;

	if (only_adds)
		ret = compiler_manifest_id(all, n, m->driver, m->is_clang, &id);
	free(all);
	if (ret)
		return err_set(err, EINVAL, "invalid toolchain");
	if (!digest_equal(&id, &m->toolchain))
		return err_set(err, EINVAL, "toolchain digest mismatch");
	return 0;
}
