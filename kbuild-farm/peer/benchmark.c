/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/benchmark.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static struct peer_benchmark_node *find_benchmark_node(
	const struct peer_benchmark *t, const char *name)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		if (!strcmp(t->nodes[i].node, name))
			return &t->nodes[i];
	}
	return NULL;
}

static void finish_benchmark_node(struct peer_benchmark *t,
				  struct peer_benchmark_node *n)
{
	n->finished = true;
	for (size_t i = 0; i < t->n_nodes; i++) {
		if (!t->nodes[i].finished)
			return;
	}
	t->on_done(t->ctx);
}

bool peer_benchmark_start(struct peer_benchmark *t, const char *node,
			  const struct strv *ids)
{
	struct peer_benchmark_node *n = find_benchmark_node(t, node);

	if (!n || n->started)
		return false;
	n->started = true;
	for (size_t i = 0; i < ids->n; i++)
		VEC_ADD(n->candidates, n->n_candidates)->id = xstrdup(
			ids->v[i]);
	return true;
}

const char *peer_benchmark_next(const struct peer_benchmark *t,
				const char *node)
{
	const struct peer_benchmark_node *n = find_benchmark_node(t, node);

	return n && !n->finished && n->next < n->n_candidates ?
		       n->candidates[n->next].id :
		       NULL;
}

bool peer_benchmark_record(struct peer_benchmark *t, const char *node,
			   enum peer_canary_status is, const char *detail,
			   uint32_t cpu_ms)
{
	struct peer_benchmark_node *n = find_benchmark_node(t, node);
	struct peer_benchmark_candidate *one;

	if (!n || n->finished || n->next == n->n_candidates)
		return false;
	one = &n->candidates[n->next++];
	one->tested = true;
	one->status = is;
	one->cpu_ms = cpu_ms;
	one->detail = *detail ? xstrdup(detail) : NULL;
	return true;
}

void peer_benchmark_finish(struct peer_benchmark *t, const char *db,
			   const struct peer_canary_db_subject *key)
{
	struct peer_benchmark_node *n = find_benchmark_node(t, key->node);
	struct err err;

	if (!n || n->finished)
		return;
	/* Of two equally fast builds, choose the first. */
	n->best = NULL;
	for (size_t i = 0; i < n->n_candidates; i++) {
		const struct peer_benchmark_candidate *one = &n->candidates[i];

		if (one->status == PEER_CANARY_STATUS_PASSED && one->tested &&
		    (!n->best || one->cpu_ms < n->best->cpu_ms))
			n->best = one;
	}
	if (n->best && peer_canary_db_set_choice(db, key, n->best->id, &err)) {
		n->best = NULL;
		n->error = xstrdup(err.text);
	}
	finish_benchmark_node(t, n);
}

void peer_benchmark_fail_node(struct peer_benchmark *t, const char *node,
			      const char *why)
{
	struct peer_benchmark_node *n = find_benchmark_node(t, node);

	if (!n || n->finished)
		return;
	n->error = xstrdup(why);
	finish_benchmark_node(t, n);
}

void peer_benchmark_fail_all(struct peer_benchmark *t, const char *why)
{
	for (size_t i = 0; i < t->n_nodes; i++)
		peer_benchmark_fail_node(t, t->nodes[i].node, why);
}

void peer_benchmark_release(struct peer_benchmark *t)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		struct peer_benchmark_node *n = &t->nodes[i];

		for (size_t k = 0; k < n->n_candidates; k++) {
			free(n->candidates[k].id);
			free(n->candidates[k].detail);
		}
		free(n->candidates);
		free(n->error);
	}
	free(t->nodes);
	*t = (struct peer_benchmark){ 0 };
}
