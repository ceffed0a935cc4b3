/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/bundle.c - The part of client.h for toolchains installed on a node.
 */
#include "client.h"

#include "toolchain/dir-digest.h"

#include <stdlib.h>

static void forget_have(struct node *n)
{
	if (n->has_have)
		wire_have_release(&n->have);
	n->has_have = false;
}

uint32_t node_bundle_open(struct node *n, const struct bundle *g)
{
	struct wire_bundle m = { .bundle = n->next_cell++,
				 .id = (char *)g->id,
				 .host = g->host ? (char *)g->host :
						   n->hosts.v[0],
				 .metadata = (char *)"{}\n" };
	struct buf b = { 0 };

	if (g->tree)
		m.dir_digest = *g->tree;
	wire_bundle_encode(&b, &m);
	node_send(n, WIRE_BUNDLE, buf_bytes(&b));
	buf_release(&b);
	return m.bundle;
}

void node_bundle_send(struct node *n, struct wire_view *m,
		      const struct file *files)
{
	struct buf b = { 0 };

	node_send_paths(n);
	if (files) {
		n->shown = xrealloc(n->shown,
				    (n->n_shown + 1) * sizeof(*n->shown));
		n->shown[n->n_shown++] = (struct shown){ m->cell, m->view,
							 files };
	}
	wire_view_encode(&b, m);
	node_send(n, WIRE_VIEW, buf_bytes(&b));
	buf_release(&b);
}

/*
 * Send a path that wire_path_is_valid() rejects, without struct wire_intern.
 * Returns false if the path is valid.
 */
static bool send_odd_path(struct node *n, const char *path)
{
	struct buf b = { 0 };

	if (wire_path_is_valid(path))
		return false;
	buf_put_u32(&b, 0);
	buf_put_u32(&b, 1);
	buf_put_u16(&b, 0);
	buf_put_str(&b, path);
	node_send(n, WIRE_PATHS, buf_bytes(&b));
	buf_release(&b);
	return true;
}

/*
 * Fill in the VIEW entry and the manifest entry of a file.  The path in the
 * VIEW starts with '/'.  Returns false if the path was sent as an invalid one.
 */
static bool make_entry(struct node *n, const struct file *f,
		       struct wire_entry *e, struct compiler_entry *t)
{
	struct file named = *f;
	char *path = xasprintf("/%s", f->path);
	bool good = !send_odd_path(n, path);

	named.path = path;
	file_entry(n, &named, e);
	free(path);
	*t = (struct compiler_entry){
		.path = (char *)f->path,
		.kind = (enum compiler_entry_kind)e->inode.kind,
		.executable = e->inode.executable,
		.digest = e->inode.digest,
		.target = e->inode.target,
	};
	return good;
}

/*
 * Return the number of entries that fit into one VIEW without a repeated path.
 */
static uint32_t count_fitting(const struct wire_entry *v, size_t n)
{
	uint32_t fits = wire_view_count_fitting(v, n);

	for (uint32_t i = 1; i < fits; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (v[k].path == v[i].path)
				return i;
		}
	}
	return fits;
}

void node_bundle(struct node *n, const struct bundle *g)
{
	struct wire_entry *v = xcalloc(g->n + 1, sizeof(*v));
	struct compiler_entries all = { .n = g->n };
	struct wire_view m = { 0 };
	struct bundle named = *g;
	struct digest tree;
	bool good = true;

	all.v = xcalloc(g->n + 1, sizeof(*all.v));
	for (size_t i = 0; i < g->n; i++)
		good &= make_entry(n, &g->files[i], &v[i], &all.v[i]);
	toolchain_dir_digest_compute(&all, &tree);
	if (!g->tree)
		named.tree = &tree;
	forget_have(n);
	m.cell = node_bundle_open(n, &named);
	for (size_t at = 0; good && !n->over && (at < g->n || !at);
	     at += m.n_entries) {
		m.view++;
		m.n_entries = count_fitting(v + at, g->n - at);
		m.entries = v + at;
		m.part = at + m.n_entries == g->n ? WIRE_PART_TOOLCHAIN_END :
						    WIRE_PART_TOOLCHAIN;
		node_bundle_send(n, &m, g->files + at);
		if (!g->n)
			break;
	}
	for (size_t i = 0; i < g->n; i++)
		free(v[i].inode.target);
	free(v);
	free(all.v);
}

static bool has_held(struct node *n)
{
	return n->has_held;
}

const struct wire_held *node_tools(struct node *n, bool verify)
{
	struct wire_tools m = { .request_id = 1, .verify = verify };
	struct buf b = { 0 };

	n->has_held = false;
	wire_tools_encode(&b, &m);
	node_send(n, WIRE_TOOLS, buf_bytes(&b));
	buf_release(&b);
	node_wait(n, has_held, 120000);
	return &n->held;
}

static bool has_dropped(struct node *n)
{
	return n->has_dropped;
}

bool node_drop(struct node *n, const char *id)
{
	struct wire_drop m = { .request_id = 1, .id = (char *)id };
	struct buf b = { 0 };

	n->has_dropped = false;
	wire_drop_encode(&b, &m);
	node_send(n, WIRE_DROP, buf_bytes(&b));
	buf_release(&b);
	return node_wait(n, has_dropped, 60000) && !n->dropped.state;
}
