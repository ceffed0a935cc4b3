/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/tune.h"

#include "base/log.h"
#include "base/str.h"
#include "coord/own.h"
#include "coord/toolchain.h"
#include "coord/trust.h"

#include <stdlib.h>
#include <string.h>

static struct coord_tune_node *node_of(const struct coord_peer *p)
{
	struct coord_tune *t = p->coord->tune;

	for (size_t i = 0; t && i < t->n; i++) {
		if (!strcmp(t->nodes[i].node, p->entry->name))
			return &t->nodes[i];
	}
	return NULL;
}

static void over(struct coord_tune *t, struct coord_tune_node *n)
{
	if (n->over)
		return;
	n->over = true;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->nodes[i].over)
			return;
	}
	t->done(t->ctx);
}

/* The fastest that passed; what ships with the build where both are equal. */
static void choose(struct coord_tune_node *n)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct coord_tune_try *t = &n->v[i];

		if (t->is == COORD_CANARY_PASSED &&
		    (!n->best || t->cpu_ms < n->best->cpu_ms))
			n->best = t;
	}
}

static void finish(struct coord_peer *p, struct coord_tune_node *n,
		   const struct coord_toolchain *tc)
{
	struct coord_trust_key key;
	struct err err;

	choose(n);
	coord_own_key(&key, p, tc, NULL);
	if (n->best &&
	    coord_trust_choose(p->coord->trust, &key, n->best->id, &err)) {
		n->best = NULL;
		n->why = xstrdup(err.text);
	}
	over(p->coord->tune, n);
}

static void next(struct coord_peer *p, struct coord_tune_node *n,
		 struct coord_toolchain *tc)
{
	const char *id;

	if (n->at == n->n) {
		finish(p, n, tc);
		return;
	}
	id = n->v[n->at].id;
	coord_cell_ask(p, tc, *id ? id : NULL);
}

static void add(struct coord_tune_node *n, const char *id)
{
	n->v = xrealloc(n->v, (n->n + 1) * sizeof(*n->v));
	n->v[n->n++] = (struct coord_tune_try){ .id = xstrdup(id) };
}

void coord_tune_node(struct coord_peer *p, struct coord_toolchain *tc,
		     bool native)
{
	struct coord_tune_node *n = node_of(p);
	struct strv ids = { 0 };

	if (!n || n->begun)
		return;
	n->begun = true;
	if (native)
		add(n, "");
	coord_own_tools(p, tc, &ids);
	for (size_t i = 0; i < ids.n; i++)
		add(n, ids.v[i]);
	strv_release(&ids);
	next(p, n, tc);
}

void coord_tune_ready(struct coord_cell *cell)
{
	cell->state = CELL_TRYING;
	coord_own_try(cell, COORD_TUNE_ROUNDS);
}

static void note(struct coord_tune_node *n, enum coord_canary_is is,
		 const char *detail, uint32_t cpu_ms)
{
	struct coord_tune_try *t = &n->v[n->at++];

	t->tried = true;
	t->is = is;
	t->cpu_ms = cpu_ms;
	t->detail = *detail ? xstrdup(detail) : NULL;
}

void coord_tune_tried(struct coord_cell *cell, enum coord_canary_is is,
		      const char *detail, uint32_t cpu_ms)
{
	struct coord_peer *p = cell->peer;
	struct coord_toolchain *tc = cell->toolchain;
	struct coord_tune_node *n = node_of(p);

	if (!n || n->over || n->at == n->n)
		return;
	note(n, is, detail, cpu_ms);
	coord_cell_shut(cell, "tried");
	next(p, n, tc);
}

void coord_tune_refused(struct coord_cell *cell, const char *why)
{
	struct coord_tune_node *n = node_of(cell->peer);

	if (!n || n->over || n->at == n->n)
		return;
	note(n, COORD_CANARY_BROKEN, why, 0);
	next(cell->peer, n, cell->toolchain);
}

void coord_tune_lost(struct coord_peer *p, const char *why)
{
	struct coord_tune_node *n = node_of(p);

	if (!n || n->over)
		return;
	n->why = xstrdup(why);
	over(p->coord->tune, n);
}

void coord_tune_none(struct coord *c, const char *why)
{
	for (size_t i = 0; c->tune && i < c->n_peers; i++)
		coord_tune_lost(c->peers[i], why);
}

void coord_tune_release(struct coord_tune *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct coord_tune_node *n = &t->nodes[i];

		for (size_t k = 0; k < n->n; k++) {
			free(n->v[k].id);
			free(n->v[k].detail);
		}
		free(n->v);
		free(n->why);
	}
	free(t->nodes);
	*t = (struct coord_tune){ 0 };
}
