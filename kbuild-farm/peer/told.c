/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/told.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct peer_told_path {
	const struct inputs_entry *is; /* NULL: nothing was said of it */
	uint32_t view; /* in which it was said */
	bool frozen; /* an entry of the toolchain */
	bool holds; /* it, or something below it, is there */
};

/* A list that becomes VIEWs. */
struct delta {
	const struct inputs_entry **v;
	size_t n;
};

void peer_told_init(struct peer_told *t, const struct peer_link *link,
		    uint32_t cell)
{
	*t = (struct peer_told){ .link = link };
	peer_views_init(&t->views, cell);
}

void peer_told_release(struct peer_told *t)
{
	peer_views_release(&t->views);
	free(t->path);
	t->path = NULL;
	t->n_paths = 0;
}

static struct peer_told_path *told_path(struct peer_told *t,
					const struct inputs_path *path)
{
	if (path->id >= t->n_paths) {
		uint32_t n = path->id + path->id / 4 + 4096;

		t->path = xrealloc(t->path, n * sizeof(*t->path));
		memset(t->path + t->n_paths, 0,
		       (n - t->n_paths) * sizeof(*t->path));
		t->n_paths = n;
	}
	return &t->path[path->id];
}

/* What the node now knows of a path. */
static void note_told(struct peer_told *t, const struct inputs_entry *e,
		      uint32_t view, bool frozen)
{
	struct peer_told_path *p = told_path(t, e->path);

	p->is = e;
	p->view = view;
	p->frozen = frozen;
	p->holds = e->kind != WIRE_GONE;
	if (!p->holds)
		return;
	for (const struct inputs_path *up = e->path->parent;
	     up && !(p = told_path(t, up))->holds; up = up->parent)
		p->holds = true;
}

static bool is_under(const struct inputs_path *path,
		     const struct inputs_path *top)
{
	while (path && path != top)
		path = path->parent;
	return path != NULL;
}

/* All below a path went with it. */
static void forget_below(struct peer_told *t, const struct inputs_path *top)
{
	for (uint32_t i = 0; i < t->n_paths; i++) {
		struct peer_told_path *p = &t->path[i];

		if (p->is && p->is->path != top && is_under(p->is->path, top)) {
			p->is = NULL;
			p->holds = false;
		}
	}
}

static int send_entries(struct peer_told *t,
			const struct inputs_entry *const *entry, size_t n,
			bool is_toolchain)
{
	int ret = peer_views_send(&t->views, t->link, entry, n, is_toolchain);

	for (size_t i = 0; i < n && !ret; i++) {
		if (entry[i]->kind == WIRE_GONE)
			forget_below(t, entry[i]->path);
		note_told(t, entry[i], t->views.last, is_toolchain);
	}
	return ret;
}

int peer_told_toolchain(struct peer_told *t,
			const struct inputs_entry *const *entry, size_t n,
			bool foreign)
{
	int ret;

	if (foreign)
		ret = peer_views_send(&t->views, t->link, NULL, 0, true);
	else
		ret = send_entries(t, entry, n, true);
	/*
	 * What lies at our paths is frozen all the same, and what else claims
	 * to lie there is another file.
	 */
	for (size_t i = 0; foreign && !ret && i < n; i++)
		note_told(t, entry[i], t->views.last, true);
	t->toolchain = t->views.last;
	return ret;
}

/*
 * A file cannot take the place of a directory, nor the other way, in one
 * step: what stands in the way goes first.
 */
static void clear_way(struct peer_told *t, struct delta *gone,
		      const struct inputs_entry *e)
{
	const struct inputs_path *up = e->path;
	struct peer_told_path *p = told_path(t, up);
	bool was_dir = p->holds && (!p->is || p->is->kind == WIRE_DIR);

	if (e->kind == WIRE_GONE)
		return;
	if (p->holds && was_dir != (e->kind == WIRE_DIR))
		*VEC_ADD(gone->v, gone->n) = e;
	while ((up = up->parent) && up->parent) {
		p = told_path(t, up);
		if (p->is &&
		    (p->is->kind == WIRE_FILE || p->is->kind == WIRE_LINK) &&
		    p->holds && !p->frozen) {
			*VEC_ADD(gone->v, gone->n) = p->is;
			return;
		}
	}
}

static int send_gone(struct peer_told *t, const struct delta *gone)
{
	struct inputs_entry *entry = xcalloc(gone->n, sizeof(*entry));
	struct delta d = { 0 };
	int ret;

	for (size_t i = 0; i < gone->n; i++) {
		bool twice = false;

		entry[i] = (struct inputs_entry){ .path = gone->v[i]->path,
						  .kind = WIRE_GONE };
		for (size_t j = 0; j < i; j++)
			twice = twice || entry[j].path == entry[i].path;
		if (!twice)
			*VEC_ADD(d.v, d.n) = &entry[i];
	}
	ret = send_entries(t, d.v, d.n, false);
	/* These entries do not outlive us. */
	for (size_t i = 0; i < d.n; i++)
		told_path(t, d.v[i]->path)->is = NULL;
	free(d.v);
	free(entry);
	return ret;
}

static bool same_content(const struct inputs_entry *a,
			 const struct inputs_entry *b)
{
	return a->kind != WIRE_FILE || b->kind != WIRE_FILE ||
	       digest_equal(&a->identity.digest, &b->identity.digest);
}

static int make_delta(struct peer_told *t,
		      const struct inputs_entry *const *entry, size_t n,
		      struct delta *d, uint32_t *view)
{
	for (size_t i = 0; i < n; i++) {
		const struct inputs_entry *e = entry[i];
		struct peer_told_path *p = told_path(t, e->path);

		if (p->is == e) {
			if (p->view > *view)
				*view = p->view;
		} else if (p->frozen) {
			if (!same_content(p->is, e))
				return -ESTALE;
		} else if (e->kind == WIRE_GONE ? p->holds : true) {
			*VEC_ADD(d->v, d->n) = e;
		}
	}
	return 0;
}

int peer_told_add(struct peer_told *t, const struct inputs_entry *const *entry,
		  size_t n, uint32_t *view)
{
	struct delta d = { 0 }, gone = { 0 };
	int ret;

	*view = t->toolchain;
	ret = make_delta(t, entry, n, &d, view);
	for (size_t i = 0; i < d.n && !ret; i++)
		clear_way(t, &gone, d.v[i]);
	if (gone.n && !ret)
		ret = send_gone(t, &gone);
	if (d.n && !ret) {
		ret = send_entries(t, d.v, d.n, false);
		*view = t->views.last;
	}
	free(gone.v);
	free(d.v);
	return ret;
}

bool peer_told_is_frozen(struct peer_told *t, const struct inputs_path *path)
{
	return told_path(t, path)->frozen;
}
