/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/views.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

#define NEEDS_MOST 3 /* of one file: see agent/view.c */

struct peer_view {
	TAILQ_ENTRY(peer_view) link;
	uint32_t number;
	size_t needs; /* how often it was answered */
	size_t n;
	const struct inputs_entry *file[]; /* NULL: that entry is none */
};

void peer_views_init(struct peer_views *v, uint32_t number)
{
	*v = (struct peer_views){ .number = number };
	TAILQ_INIT(&v->sent);
}

void peer_views_release(struct peer_views *v)
{
	struct peer_view *view;

	while ((view = TAILQ_FIRST(&v->sent))) {
		TAILQ_REMOVE(&v->sent, view, link);
		free(view);
	}
}

static int encode_entry(const struct peer_link *link, struct wire_entry *out,
			const struct inputs_entry *e)
{
	*out = (struct wire_entry){ .inode.kind = (uint8_t)e->kind };
	if (e->kind == WIRE_FILE) {
		out->inode.executable = e->identity.executable;
		out->inode.size = e->identity.stamp.size;
		out->inode.mtime_ns = e->identity.stamp.mtime_ns;
		out->inode.digest = e->identity.digest;
	} else if (e->kind == WIRE_LINK) {
		out->inode.target = e->target;
	}
	return wire_paths_number(link->paths, e->path->name, &out->path);
}

static void send_one(struct peer_views *v, const struct peer_link *link,
		     struct wire_view *m,
		     const struct inputs_entry *const *entry)
{
	struct peer_view *view = xmalloc(sizeof(*view) +
					 m->n * sizeof(*view->file));
	struct buf body = { 0 };

	m->cell = v->number;
	m->view = view->number = ++v->last;
	view->needs = 0;
	view->n = m->n;
	for (size_t i = 0; i < m->n; i++)
		view->file[i] = entry[i]->kind == WIRE_FILE ? entry[i] : NULL;
	TAILQ_INSERT_TAIL(&v->sent, view, link);
	wire_view_encode(&body, m);
	peer_link_send(link, WIRE_VIEW, &body, link->codec);
}

int peer_views_send(struct peer_views *v, const struct peer_link *link,
		    const struct inputs_entry *const *entry, size_t n,
		    bool is_toolchain)
{
	struct wire_entry *encoded = xcalloc(n + 1, sizeof(*encoded));
	size_t at = 0;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = encode_entry(link, &encoded[i], entry[i]);
	if (ret)
		goto out;
	peer_link_send_paths(link);
	do {
		struct wire_view m = { .entries = encoded + at };

		m.n = wire_view_fits(m.entries, n - at);
		if (is_toolchain)
			m.part = at + m.n == n ? WIRE_PART_TOOLCHAIN_END :
						 WIRE_PART_TOOLCHAIN;
		send_one(v, link, &m, entry + at);
		at += m.n;
	} while (at < n);
out:
	free(encoded);
	return ret;
}

/* Mostly one of the last. */
static struct peer_view *find_view(struct peer_views *v, uint32_t number)
{
	struct peer_view *view;

	TAILQ_FOREACH_REVERSE(view, &v->sent, peer_view_list, link)
	{
		if (view->number == number)
			return view;
	}
	return NULL;
}

/* Each blob may turn out to be damaged, but not for ever. */
static bool may_need(const struct wire_need *m, struct peer_view *view)
{
	if (!view || view->needs++ > NEEDS_MOST * view->n)
		return false;
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->index[i] >= view->n || !view->file[m->index[i]])
			return false;
	}
	return true;
}

int peer_views_need(struct peer_views *v, const struct wire_need *m,
		    struct peer_ship *ship, struct peer_ship_user *user,
		    struct err *err)
{
	struct peer_view *view = find_view(v, m->view);

	if (!may_need(m, view))
		return err_set(err, EPROTO, "it needs what nobody told it of");
	for (uint32_t i = 0; i < m->n; i++)
		peer_ship_add(ship, user, view->file[m->index[i]]);
	return 0;
}
