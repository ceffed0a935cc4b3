/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/view.h"

#include "agent/inode.h"
#include "base/str.h"
#include "compiler/manifest-id.h"
#include "node/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL_ENTRIES 32
#define SMALL_BYTES   (256u << 10)
#define LARGE         (1u << 20) /* bytes, to be held against the memory */
#define MEMORY_LEAST  256 /* MiB that a view leaves */
#define DAMAGED_MOST  3 /* times that one blob may turn out to be so */

static void came(struct agent_want *w, int ret);

static struct agent_view *allocate(uint32_t n, struct store *store)
{
	struct agent_view *v = xcalloc(1, sizeof(*v));

	v->entries = xcalloc(n + 1, sizeof(*v->entries));
	v->store = store;
	for (uint32_t i = 0; i < n; i++) {
		v->entries[i].view = v;
		v->entries[i].want.came = came;
	}
	return v;
}

static int resolve_paths(struct agent_view *v, const struct wire_view *m,
			 const struct wire_intern *paths, struct err *err)
{
	for (uint32_t i = 0; i < m->n; i++) {
		struct agent_view_entry *e = &v->entries[i];

		e->path = wire_paths_get(paths, m->entries[i].path);
		if (!e->path)
			return err_set(err, EPROTO,
				       "a VIEW with path %u, which has no name",
				       m->entries[i].path);
	}
	return 0;
}

struct agent_view *agent_view_new(struct wire_view *m,
				  const struct wire_intern *paths,
				  struct store *store, struct err *err)
{
	struct agent_view *v = allocate(m->n, store);

	if (resolve_paths(v, m, paths, err)) {
		free(v->entries);
		free(v);
		return NULL;
	}
	v->m = *m;
	*m = (struct wire_view){ 0 };
	return v;
}

static void unpin(struct agent_view *v, uint32_t i)
{
	if (v->entries[i].pinned)
		store_unpin(v->store, &v->m.entries[i].inode.digest);
	v->entries[i].pinned = false;
}

void agent_view_forget(struct agent_view *v)
{
	for (uint32_t i = 0; i < v->m.n; i++)
		agent_blobs_forget(&v->entries[i].want);
}

void agent_view_free(struct agent_view *v)
{
	agent_view_forget(v);
	for (uint32_t i = 0; i < v->m.n; i++)
		unpin(v, i);
	wire_view_release(&v->m);
	free(v->entries);
	free(v);
}

uint64_t agent_view_bytes(const struct agent_view *v)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < v->m.n; i++)
		sum += v->m.entries[i].inode.size;
	return sum;
}

int agent_view_room(uint64_t bytes, struct err *err)
{
	uint64_t mib = bytes >> 20;
	uint32_t available, load;

	if (mib < LARGE >> 20)
		return 0;
	node_inventory_load(&available, &load, "");
	if (mib + MEMORY_LEAST <= available)
		return 0;
	return err_set(err, ENOMEM,
		       "%llu MiB of files, and %u MiB of memory free",
		       (unsigned long long)mib, available);
}

bool agent_view_small(const struct agent_view *v)
{
	return v->m.n <= SMALL_ENTRIES && agent_view_bytes(v) <= SMALL_BYTES;
}

static int pin(struct agent_view_entry *e)
{
	struct agent_view *v = e->view;
	const struct wire_entry *m = &v->m.entries[e - v->entries];
	int ret = store_pin(v->store, &m->inode.digest, m->inode.size);

	e->pinned = !ret;
	return ret;
}

int agent_view_look(struct agent_view *v, struct err *err)
{
	for (uint32_t i = 0; i < v->m.n; i++) {
		int ret;

		if (v->m.entries[i].inode.kind != WIRE_FILE)
			continue;
		if (atomic_load(v->stop))
			return err_set(err, ECANCELED, "not wanted any more");
		ret = pin(&v->entries[i]);
		v->entries[i].lacks = ret == -ENOENT;
		if (ret && ret != -ENOENT)
			return err_set(err, -ret, "the node's store: %s",
				       strerror(-ret));
	}
	v->looked = true;
	return 0;
}

static void came(struct agent_want *w, int ret)
{
	/* `want` is the first member. */
	struct agent_view_entry *e = (struct agent_view_entry *)(void *)w;
	struct agent_view *v = e->view;

	if (!ret)
		ret = pin(e);
	if (ret)
		v->failed = ret;
	v->missing--;
	v->changed(v->ctx);
}

int agent_view_ask(struct agent_view *v, struct agent_blobs *blobs,
		   struct wire_need *need, struct err *err)
{
	*need = (struct wire_need){ .cell = v->m.cell, .view = v->m.view };
	need->index = xcalloc(v->m.n + 1, sizeof(*need->index));
	for (uint32_t i = 0; i < v->m.n; i++) {
		struct agent_view_entry *e = &v->entries[i];
		const struct wire_entry *m = &v->m.entries[i];
		bool ask;
		int ret;

		if (!e->lacks)
			continue;
		ret = agent_blobs_want(blobs, &m->inode.digest, m->inode.size,
				       &e->want, &ask);
		if (ret == -EPROTO)
			err_set(err, EPROTO, "one blob with two sizes");
		else if (ret)
			err_set(err, -ret, "more than %u blobs are awaited",
				AGENT_BLOBS_ASKED);
		if (ret)
			return ret;
		e->lacks = false;
		v->missing++;
		if (ask)
			need->index[need->n++] = i;
	}
	return 0;
}

/* The store removed it: ask again, but not for ever. */
static int was_damaged(struct agent_view *v, uint32_t i, struct err *err)
{
	struct agent_view_entry *e = &v->entries[i];

	unpin(v, i);
	if (++e->damaged >= DAMAGED_MOST)
		return err_set(err, EIO,
			       "the node's store spoils what it is given");
	e->lacks = true;
	return -EBADMSG;
}

static int put_entry(struct agent_view *v, uint32_t i, agent_view_put_fn *put,
		     void *ctx, struct err *err)
{
	const struct wire_inode *inode = &v->m.entries[i].inode;
	int fd = -1, ret;

	if (inode->kind == WIRE_FILE) {
		fd = store_open_blob(v->store, &inode->digest, inode->size);
		if (fd == -ENOENT || fd == -EBADMSG)
			return was_damaged(v, i, err);
		if (fd < 0)
			return err_set(err, -fd, "the node's store: %s",
				       strerror(-fd));
	}
	ret = put(ctx, v->entries[i].path, inode, fd, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int agent_view_apply(struct agent_view *v, agent_view_put_fn *put, void *ctx,
		     struct err *err)
{
	for (; v->next < v->m.n; v->next++) {
		int ret;

		if (atomic_load(v->stop))
			return err_set(err, ECANCELED, "not wanted any more");
		ret = put_entry(v, (uint32_t)v->next, put, ctx, err);
		if (ret)
			return ret;
		if (v->m.part == WIRE_PART_TREE)
			unpin(v, (uint32_t)v->next);
	}
	return 0;
}

/* ------------------------------------------------------- a toolchain's */

/* A toolchain only adds: nothing of it is GONE. */
static bool gather(const struct agent_view_queue *views,
		   struct compiler_entry *out)
{
	const struct agent_view *v;
	bool good = true;

	list_for_each(v, views, link) {
		for (uint32_t i = 0; i < v->m.n; i++) {
			good &= v->m.entries[i].inode.kind != WIRE_GONE;
			*out++ = agent_inode_entry(v->entries[i].path,
						   &v->m.entries[i].inode);
		}
	}
	return good;
}

static size_t count_entries(const struct agent_view_queue *views)
{
	const struct agent_view *v;
	size_t n = 0;

	list_for_each(v, views, link)
		n += v->m.n;
	return n;
}

char *agent_view_driver(const struct agent_view_queue *views,
			const struct wire_cell *m)
{
	size_t n = count_entries(views);
	struct compiler_entry *all = xcalloc(n + 1, sizeof(*all));
	char *driver;

	gather(views, all);
	driver = compiler_manifest_resolve(all, n, m->driver);
	free(all);
	return driver;
}

int agent_view_check_identity(const struct agent_view_queue *views,
			      const struct wire_cell *m, struct err *err)
{
	size_t n = count_entries(views);
	struct compiler_entry *all = xcalloc(n + 1, sizeof(*all));
	struct digest id;
	int ret = -EINVAL;

	if (gather(views, all))
		ret = compiler_manifest_id(all, n, m->driver, m->is_clang, &id,
					   NULL);
	free(all);
	if (ret)
		return err_set(err, EINVAL, "its toolchain makes no sense");
	if (!digest_equal(&id, &m->toolchain))
		return err_set(err, EINVAL,
			       "its toolchain is another than it says");
	return 0;
}
