/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/cell.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/away.h"
#include "peer/canary.h"
#include "peer/foreign.h"
#include "peer/tune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct peer_told {
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

static struct peer_told *told_of(struct peer_cell *cell,
				 const struct inputs_path *path)
{
	if (path->id >= cell->n_told) {
		uint32_t n = path->id + path->id / 4 + 4096;

		cell->told = xrealloc(cell->told, n * sizeof(*cell->told));
		memset(cell->told + cell->n_told, 0,
		       (n - cell->n_told) * sizeof(*cell->told));
		cell->n_told = n;
	}
	return &cell->told[path->id];
}

struct peer_link peer_cell_link(const struct peer *p)
{
	return (struct peer_link){ .stream = p->stream,
				   .paths = p->paths,
				   .ship = p->ship,
				   .codec = p->entry->codec };
}

static void push(struct delta *d, const struct inputs_entry *e)
{
	*VEC_ADD(d->v, d->n) = e;
}

/* What the node now knows of a path. */
static void note(struct peer_cell *cell, const struct inputs_entry *e,
		 uint32_t view, bool frozen)
{
	struct peer_told *t = told_of(cell, e->path);

	t->is = e;
	t->view = view;
	t->frozen = frozen;
	t->holds = e->kind != WIRE_GONE;
	if (!t->holds)
		return;
	for (const struct inputs_path *up = e->path->parent;
	     up && !(t = told_of(cell, up))->holds; up = up->parent)
		t->holds = true;
}

static bool is_below(const struct inputs_path *path,
		     const struct inputs_path *top)
{
	while (path && path != top)
		path = path->parent;
	return path != NULL;
}

/* All below a path went with it. */
static void forget_below(struct peer_cell *cell, const struct inputs_path *top)
{
	for (uint32_t i = 0; i < cell->n_told; i++) {
		struct peer_told *t = &cell->told[i];

		if (t->is && t->is->path != top && is_below(t->is->path, top)) {
			t->is = NULL;
			t->holds = false;
		}
	}
}

static int send_views(struct peer_cell *cell, const struct delta *d,
		      bool toolchain)
{
	struct peer_link link = peer_cell_link(cell->peer);
	int ret = peer_views_send(&cell->views, &link, d->v, d->n, toolchain);

	for (size_t i = 0; i < d->n && !ret; i++) {
		if (d->v[i]->kind == WIRE_GONE)
			forget_below(cell, d->v[i]->path);
		note(cell, d->v[i], cell->views.last, toolchain);
	}
	return ret;
}

/*
 * The node brings its own: what lies at our paths is frozen all the same, and
 * what else claims to lie there is another file.
 */
static void send_own(struct peer_cell *cell)
{
	struct peer_link link = peer_cell_link(cell->peer);
	const struct inputs_toolchain *tc = cell->toolchain;

	peer_views_send(&cell->views, &link, NULL, 0, true);
	for (size_t i = 0; i < tc->n_entries; i++)
		note(cell, tc->entry[i], cell->views.last, true);
}

static void spoil(void *ctx, const struct inputs_entry *e, const char *why);

void peer_cell_ask(struct peer *p, struct inputs_toolchain *tc, const char *own)
{
	struct peer_cell *cell = xcalloc(1, sizeof(*cell));
	struct wire_cell m = { .toolchain = tc->manifest.id,
			       .is_clang = tc->manifest.is_clang,
			       .driver = tc->driver,
			       .own = (char *)own };
	struct delta all = { .v = tc->entry, .n = tc->n_entries };
	struct buf body = { 0 };
	/* The links to it are not there: the node goes by where it lies. */
	char *real = own ? realpath(tc->driver, NULL) : NULL;

	if (real)
		m.driver = real;
	cell->peer = p;
	cell->toolchain = tc;
	cell->own = own ? xstrdup(own) : NULL;
	cell->user = (struct peer_ship_user){ .failed = spoil,
					      .ctx = cell,
					      .top = "" };
	m.cell = p->next_cell++;
	peer_views_init(&cell->views, m.cell);
	cell->asked_ms = clock_ms();
	TAILQ_INSERT_HEAD(&p->cells, cell, link);
	m.roots = p->coord->roots;
	wire_cell_encode(&body, &m);
	free(real);
	wire_stream_send(p->stream, WIRE_CELL, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	if (own) {
		send_own(cell);
	} else if (send_views(cell, &all, true)) {
		cell->state = CELL_OVER;
		cell->detail = xstrdup("this connection knows too many paths");
	}
	cell->toolchain_view = cell->views.last;
}

struct peer_cell *peer_cell_find(const struct peer *p,
				 const struct inputs_toolchain *tc)
{
	struct peer_cell *cell;

	list_for_each(cell, &p->cells, link) {
		if (cell->toolchain == tc)
			return cell;
	}
	return NULL;
}

/*
 * A file cannot take the place of a directory, nor the other way, in one
 * step: what stands in the way goes first.
 */
static void clear_way(struct peer_cell *cell, struct delta *gone,
		      const struct inputs_entry *e)
{
	const struct inputs_path *p = e->path;
	struct peer_told *t = told_of(cell, p);
	bool was_dir = t->holds && (!t->is || t->is->kind == WIRE_DIR);

	if (e->kind == WIRE_GONE)
		return;
	if (t->holds && was_dir != (e->kind == WIRE_DIR))
		push(gone, e);
	while ((p = p->parent) && p->parent) {
		t = told_of(cell, p);
		if (t->is &&
		    (t->is->kind == WIRE_FILE || t->is->kind == WIRE_LINK) &&
		    t->holds && !t->frozen) {
			push(gone, t->is);
			return;
		}
	}
}

static int send_gone(struct peer_cell *cell, const struct delta *gone)
{
	struct inputs_entry *v = xcalloc(gone->n, sizeof(*v));
	struct delta d = { 0 };
	int ret;

	for (size_t i = 0; i < gone->n; i++) {
		bool twice = false;

		v[i] = (struct inputs_entry){ .path = gone->v[i]->path,
					      .kind = WIRE_GONE };
		for (size_t j = 0; j < i; j++)
			twice = twice || v[j].path == v[i].path;
		if (!twice)
			push(&d, &v[i]);
	}
	ret = send_views(cell, &d, false);
	/* These entries do not outlive us. */
	for (size_t i = 0; i < d.n; i++)
		told_of(cell, d.v[i]->path)->is = NULL;
	free(d.v);
	free(v);
	return ret;
}

static bool same_file(const struct inputs_entry *a,
		      const struct inputs_entry *b)
{
	return a->kind != WIRE_FILE || b->kind != WIRE_FILE ||
	       digest_equal(&a->identity.digest, &b->identity.digest);
}

static int make_delta(struct peer_cell *cell,
		      const struct inputs_entry *const *entry, size_t n,
		      struct delta *d, uint32_t *view)
{
	for (size_t i = 0; i < n; i++) {
		const struct inputs_entry *e = entry[i];
		struct peer_told *t = told_of(cell, e->path);

		if (t->is == e) {
			if (t->view > *view)
				*view = t->view;
		} else if (t->frozen) {
			if (!same_file(t->is, e))
				return -ESTALE;
		} else if (e->kind == WIRE_GONE ? t->holds : true) {
			push(d, e);
		}
	}
	return 0;
}

int peer_cell_tell(struct peer_cell *cell,
		   const struct inputs_entry *const *entry, size_t n,
		   uint32_t *view)
{
	struct delta d = { 0 }, gone = { 0 };
	int ret;

	*view = cell->toolchain_view;
	ret = make_delta(cell, entry, n, &d, view);
	for (size_t i = 0; i < d.n && !ret; i++)
		clear_way(cell, &gone, d.v[i]);
	if (gone.n && !ret)
		ret = send_gone(cell, &gone);
	if (d.n && !ret) {
		ret = send_views(cell, &d, false);
		*view = cell->views.last;
	}
	free(gone.v);
	free(d.v);
	return ret;
}

static struct peer_cell *cell_of(struct peer *p, uint32_t id)
{
	struct peer_cell *cell;

	list_for_each(cell, &p->cells, link) {
		if (cell->views.number == id)
			return cell;
	}
	return NULL;
}

static void end(struct peer_cell *cell, const char *detail)
{
	cell->state = CELL_OVER;
	peer_canary_drop(cell);
	free(cell->detail);
	cell->detail = detail ? xstrdup(detail) : NULL;
	peer_ship_forget(cell->peer->ship, &cell->user);
	peer_views_release(&cell->views);
	free(cell->told);
	cell->told = NULL;
	cell->n_told = 0;
}

int peer_cell_have(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_cell *cell;
	struct wire_have m;

	if (wire_have_decode(&m, body))
		return err_set(err, EPROTO, "broken HAVE");
	cell = cell_of(p, m.cell);
	if (cell && cell->state == CELL_ASKED && m.state == WIRE_HAVE_READY) {
		cell->state = cell->own ? CELL_TRYING : CELL_READY;
		if (cell->own)
			peer_foreign_ready(cell, m.detail);
		else if (p->coord->tune)
			peer_tune_ready(cell);
	} else if (cell && cell->state != CELL_OVER &&
		   m.state != WIRE_HAVE_READY) {
		log_warning("node %s: %s: %s", p->entry->name,
			    cell->toolchain->driver, m.detail);
		coord_emit_node(p->coord, p->entry->name, "no toolchain",
				m.detail);
		p->lost_cells += m.state == WIRE_HAVE_LOST;
		cell->lost = m.state == WIRE_HAVE_LOST;
		end(cell, m.detail);
		if (p->coord->tune)
			peer_tune_refused(cell, m.detail);
	}
	wire_have_release(&m);
	coord_kick(p->coord);
	return 0;
}

int peer_cell_need(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_cell *cell;
	struct wire_need m;
	int ret = 0;

	if (wire_need_decode(&m, body))
		return err_set(err, EPROTO, "broken NEED");
	if (m.cell & WIRE_NEED_KEEP) {
		ret = peer_foreign_need(p, &m, err);
		wire_need_release(&m);
		return ret;
	}
	cell = cell_of(p, m.cell);
	if (cell && cell->state != CELL_OVER) {
		ret = peer_views_need(&cell->views, &m, p->ship, &cell->user,
				      err);
		if (m.n && m.view <= cell->toolchain_view)
			cell->needs = true;
	}
	wire_need_release(&m);
	coord_kick(p->coord);
	return ret;
}

void peer_cell_shut(struct peer_cell *cell, const char *detail)
{
	struct buf body = { 0 };

	if (cell->state == CELL_OVER)
		return;
	wire_shut_encode(&body, cell->views.number);
	wire_stream_send(cell->peer->stream, WIRE_SHUT, buf_bytes(&body),
			 WIRE_PLAIN);
	buf_release(&body);
	end(cell, detail);
	coord_away_leave_cell(cell);
	coord_kick(cell->peer->coord);
}

/*
 * The bytes of this file, which it needs, are not to be had any more: its view
 * can never be complete.  Shut it, look for the inputs of its jobs anew, and
 * ask for another cell; not where the file is the toolchain's own.
 */
static void spoil(void *ctx, const struct inputs_entry *e, const char *why)
{
	struct peer_cell *cell = ctx;
	struct peer *p = cell->peer;
	bool again = !told_of(cell, e->path)->frozen;

	log_debug("node %s: a cell is shut: %s", p->entry->name, why);
	peer_cell_shut(cell, e->path->name);
	if (again)
		peer_cell_ask(p, cell->toolchain, cell->own);
	coord_kick(p->coord);
}

void peer_cell_free_all(struct peer *p)
{
	struct peer_cell *cell;

	while ((cell = TAILQ_FIRST(&p->cells))) {
		end(cell, NULL);
		TAILQ_REMOVE(&p->cells, cell, link);
		free(cell->own);
		free(cell);
	}
}
