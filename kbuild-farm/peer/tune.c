/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/tune.h"

#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "inputs/toolchain.h"
#include "peer/canary-db.h"
#include "peer/foreign.h"

#include <stdlib.h>
#include <string.h>

static struct peer_tune_node *node_of(const struct peer *p)
{
	struct peer_tune *t = p->coord->tune;

	for (size_t i = 0; t && i < t->n; i++) {
		if (!strcmp(t->nodes[i].node, p->entry->name))
			return &t->nodes[i];
	}
	return NULL;
}

static void over(struct peer_tune *t, struct peer_tune_node *n)
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
static void choose(struct peer_tune_node *n)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct peer_tune_try *t = &n->v[i];

		if (t->is == PEER_CANARY_PASSED &&
		    (!n->best || t->cpu_ms < n->best->cpu_ms))
			n->best = t;
	}
}

static void finish(struct peer *p, struct peer_tune_node *n,
		   const struct inputs_toolchain *tc)
{
	struct peer_canary_db_key key;
	struct err err;

	choose(n);
	peer_foreign_key(&key, p, tc, NULL);
	if (n->best &&
	    peer_canary_db_choose(p->coord->trust, &key, n->best->id, &err)) {
		n->best = NULL;
		n->why = xstrdup(err.text);
	}
	over(p->coord->tune, n);
}

static void next(struct peer *p, struct peer_tune_node *n,
		 struct inputs_toolchain *tc)
{
	const char *id;

	if (n->at == n->n) {
		finish(p, n, tc);
		return;
	}
	id = n->v[n->at].id;
	peer_cell_ask(p, tc, *id ? id : NULL);
}

static void add(struct peer_tune_node *n, const char *id)
{
	*VEC_ADD(n->v, n->n) = (struct peer_tune_try){ .id = xstrdup(id) };
}

void peer_tune_node(struct peer *p, struct inputs_toolchain *tc, bool native)
{
	struct peer_tune_node *n = node_of(p);
	struct strv ids = { 0 };

	if (!n || n->begun)
		return;
	n->begun = true;
	if (native)
		add(n, "");
	peer_foreign_tools(p, tc, &ids);
	for (size_t i = 0; i < ids.n; i++)
		add(n, ids.v[i]);
	strv_release(&ids);
	next(p, n, tc);
}

void peer_tune_ready(struct peer_cell *cell)
{
	cell->state = CELL_TRYING;
	peer_foreign_try(cell, PEER_TUNE_ROUNDS);
}

static void note(struct peer_tune_node *n, enum peer_canary_is is,
		 const char *detail, uint32_t cpu_ms)
{
	struct peer_tune_try *t = &n->v[n->at++];

	t->tried = true;
	t->is = is;
	t->cpu_ms = cpu_ms;
	t->detail = *detail ? xstrdup(detail) : NULL;
}

void peer_tune_tried(struct peer_cell *cell, enum peer_canary_is is,
		     const char *detail, uint32_t cpu_ms)
{
	struct peer *p = cell->peer;
	struct inputs_toolchain *tc = cell->toolchain;
	struct peer_tune_node *n = node_of(p);

	if (!n || n->over || n->at == n->n)
		return;
	note(n, is, detail, cpu_ms);
	peer_cell_shut(cell, "tried");
	next(p, n, tc);
}

void peer_tune_refused(struct peer_cell *cell, const char *why)
{
	struct peer_tune_node *n = node_of(cell->peer);

	if (!n || n->over || n->at == n->n)
		return;
	note(n, PEER_CANARY_BROKEN, why, 0);
	next(cell->peer, n, cell->toolchain);
}

void peer_tune_lost(struct peer *p, const char *why)
{
	struct peer_tune_node *n = node_of(p);

	if (!n || n->over)
		return;
	n->why = xstrdup(why);
	over(p->coord->tune, n);
}

void peer_tune_none(struct coord *c, const char *why)
{
	for (size_t i = 0; c->tune && i < c->n_peers; i++)
		peer_tune_lost(c->peers[i], why);
}

void peer_tune_release(struct peer_tune *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct peer_tune_node *n = &t->nodes[i];

		for (size_t k = 0; k < n->n; k++) {
			free(n->v[k].id);
			free(n->v[k].detail);
		}
		free(n->v);
		free(n->why);
	}
	free(t->nodes);
	*t = (struct peer_tune){ 0 };
}
