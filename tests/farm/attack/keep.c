/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/keep.c - the part of client.h about toolchains that a node keeps.
 */
#include "client.h"

#include "toolchain/tree.h"

#include <stdlib.h>

bool node_has_kept(struct node *n)
{
	return n->has_kept;
}

/* What a NEED may ask for. */
static void show(struct node *n, uint32_t cell, const struct file *files)
{
	uint32_t view = 1;

	for (size_t i = 0; i < n->n_shown; i++)
		view += n->shown[i].cell == cell;
	n->shown = xrealloc(n->shown, (n->n_shown + 1) * sizeof(*n->shown));
	n->shown[n->n_shown++] = (struct shown){ cell, view, files };
}

void node_keep_send(struct node *n, struct wire_keep *m,
		    const struct file *files)
{
	struct buf b = { 0 };

	if (files)
		show(n, m->keep | WIRE_NEED_KEEP, files);
	wire_keep_encode(&b, m);
	node_send(n, WIRE_KEEP, buf_bytes(&b));
	buf_release(&b);
}

static void keep_entry(struct node *n, const struct file *f,
		       struct wire_keep_entry *to, struct compiler_entry *t)
{
	struct file named = *f;
	struct wire_entry e;

	/* Numbers are for absolute paths; this one is never sent. */
	named.path = "/kept";
	file_entry(n, &named, &e);
	*to = (struct wire_keep_entry){
		.path = (char *)f->path,
		.inode.kind = e.inode.kind,
		.inode.executable = e.inode.executable,
		.inode.size = e.inode.size,
		.inode.mtime_ns = e.inode.mtime_ns,
		.inode.digest = e.inode.digest,
		.inode.target = e.inode.target,
	};
	*t = (struct compiler_entry){
		.path = (char *)f->path,
		.kind = (enum compiler_kind)e.inode.kind,
		.executable = e.inode.executable,
		.digest = e.inode.digest,
		.target = e.inode.target,
	};
}

void node_keep(struct node *n, uint32_t keep, const struct gift *g)
{
	struct compiler_entries all = { .n = g->n };
	struct wire_keep m = { .keep = keep,
			       .id = (char *)g->id,
			       .host = g->host ? (char *)g->host :
						 n->hosts.v[0] };
	struct wire_keep_entry *v = xcalloc(g->n + 1, sizeof(*v));
	size_t at = 0;

	all.v = xcalloc(g->n + 1, sizeof(*all.v));
	for (size_t i = 0; i < g->n; i++)
		keep_entry(n, &g->files[i], &v[i], &all.v[i]);
	toolchain_tree_digest(&all, &m.tree);
	if (g->tree)
		m.tree = *g->tree;
	if (n->has_kept)
		wire_kept_release(&n->kept);
	n->has_kept = false;
	do {
		m.n = wire_keep_fits(v + at, g->n - at);
		m.entries = v + at;
		m.last = at + m.n == g->n;
		m.json = (char *)(m.last ? "{}\n" : "");
		node_keep_send(n, &m, g->files + at);
		at += m.n;
	} while (at < g->n && !n->over && !n->has_kept);
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
	struct wire_tools m = { .ask = 1, .verify = verify };
	struct buf b = { 0 };

	n->has_held = false;
	wire_tools_encode(&b, &m);
	node_send(n, WIRE_TOOLS, buf_bytes(&b));
	buf_release(&b);
	node_wait(n, has_held, 120000);
	return &n->held;
}

void node_drop(struct node *n, uint32_t keep, const char *id)
{
	struct wire_drop m = { .keep = keep, .id = (char *)id };
	struct buf b = { 0 };

	if (n->has_kept)
		wire_kept_release(&n->kept);
	n->has_kept = false;
	wire_drop_encode(&b, &m);
	node_send(n, WIRE_DROP, buf_bytes(&b));
	buf_release(&b);
	node_wait(n, node_has_kept, 60000);
}
