/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/tune.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static struct peer_tune_node *find_tuned(const struct peer_tune *t,
					 const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!strcmp(t->nodes[i].node, name))
			return &t->nodes[i];
	}
	return NULL;
}

static void end_node(struct peer_tune *t, struct peer_tune_node *n)
{
	n->over = true;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->nodes[i].over)
			return;
	}
	t->done(t->ctx);
}

bool peer_tune_begin(struct peer_tune *t, const char *node,
		     const struct strv *ids)
{
	struct peer_tune_node *n = find_tuned(t, node);

	if (!n || n->begun)
		return false;
	n->begun = true;
	for (size_t i = 0; i < ids->n; i++)
		VEC_ADD(n->v, n->n)->id = xstrdup(ids->v[i]);
	return true;
}

const char *peer_tune_next(const struct peer_tune *t, const char *node)
{
	const struct peer_tune_node *n = find_tuned(t, node);

	return n && !n->over && n->at < n->n ? n->v[n->at].id : NULL;
}

bool peer_tune_note(struct peer_tune *t, const char *node,
		    enum peer_canary_is is, const char *detail, uint32_t cpu_ms)
{
	struct peer_tune_node *n = find_tuned(t, node);
	struct peer_tune_try *one;

	if (!n || n->over || n->at == n->n)
		return false;
	one = &n->v[n->at++];
	one->tried = true;
	one->is = is;
	one->cpu_ms = cpu_ms;
	one->detail = *detail ? xstrdup(detail) : NULL;
	return true;
}

/* The fastest that passed; what ships with the build where both are equal. */
static const struct peer_tune_try *fastest(const struct peer_tune_node *n)
{
	const struct peer_tune_try *best = NULL;

	for (size_t i = 0; i < n->n; i++) {
		const struct peer_tune_try *t = &n->v[i];

		if (t->is == PEER_CANARY_PASSED && t->tried &&
		    (!best || t->cpu_ms < best->cpu_ms))
			best = t;
	}
	return best;
}

void peer_tune_finish(struct peer_tune *t, const char *db,
		      const struct peer_canary_db_key *key)
{
	struct peer_tune_node *n = find_tuned(t, key->node);
	struct err err;

	if (!n || n->over)
		return;
	n->best = fastest(n);
	if (n->best && peer_canary_db_choose(db, key, n->best->id, &err)) {
		n->best = NULL;
		n->why = xstrdup(err.text);
	}
	end_node(t, n);
}

void peer_tune_lost(struct peer_tune *t, const char *node, const char *why)
{
	struct peer_tune_node *n = find_tuned(t, node);

	if (!n || n->over)
		return;
	n->why = xstrdup(why);
	end_node(t, n);
}

void peer_tune_none(struct peer_tune *t, const char *why)
{
	for (size_t i = 0; i < t->n; i++)
		peer_tune_lost(t, t->nodes[i].node, why);
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
