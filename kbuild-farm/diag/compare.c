/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/compare.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>

/* Those of the earlier build with one hash, in their order. */
struct waiting {
	struct map_node map;
	struct diag_entry **v;
	size_t n, next;
};

static uint64_t at_line(uint64_t identity, unsigned line)
{
	return identity ^ ((uint64_t)line + 1) * 0x9e3779b97f4a7c15u;
}

static void add_waiting(struct map *table, struct diag_entry *e, uint64_t hash)
{
	struct waiting *w = (struct waiting *)map_find(table, hash);

	if (!w) {
		w = xcalloc(1, sizeof(*w));
		map_add(table, &w->map, hash);
	}
	*VEC_ADD(w->v, w->n) = e;
}

static void free_waiting(struct map_node *node)
{
	free(((struct waiting *)node)->v);
	free(node);
}

/* The next of that hash that has no counterpart yet, or NULL. */
static struct diag_entry *take_waiting(const struct map *table, uint64_t hash)
{
	struct waiting *w = (struct waiting *)map_find(table, hash);

	return w && w->next < w->n ? w->v[w->next++] : NULL;
}

static void match_all(struct diag_set *now, const struct map *table,
		      const uint64_t *identity, bool by_line)
{
	for (size_t i = 0; i < now->n; i++) {
		struct diag_entry *e = now->v[i], *b;

		if (e->how != DIAG_NEW)
			continue;
		b = take_waiting(table,
				 by_line ? at_line(identity[i], e->d.line) :
					   identity[i]);
		if (b)
			b->how = e->how = DIAG_SAME;
	}
}

static uint64_t *identities(const struct diag_set *s)
{
	uint64_t *hash = xcalloc(s->n + 1, sizeof(*hash));

	for (size_t i = 0; i < s->n; i++)
		hash[i] = diag_identity(&s->v[i]->d);
	return hash;
}

static void fill_table(struct map *table, const struct diag_set *before,
		       const uint64_t *identity, bool by_line)
{
	for (size_t i = 0; i < before->n; i++) {
		struct diag_entry *e = before->v[i];

		if (e->how == DIAG_GONE)
			add_waiting(table, e,
				    by_line ? at_line(identity[i], e->d.line) :
					      identity[i]);
	}
}

/* Those without a counterpart whose units were not made. */
static void carry_on(struct diag_set *now, struct diag_set *before,
		     diag_stands *stands, void *ctx)
{
	for (size_t i = 0; stands && i < before->n; i++) {
		struct diag_entry *e = before->v[i];
		struct diag copy;

		if (e->how != DIAG_GONE || !stands(ctx, &e->d))
			continue;
		e->how = DIAG_CARRIED;
		copy = diag_copy(&e->d);
		diag_set_restore(now, &copy);
		now->v[now->n - 1]->how = DIAG_CARRIED;
	}
}

static void match_pass(struct diag_set *now, struct diag_set *before,
		       const uint64_t *now_hash, const uint64_t *before_hash,
		       bool by_line)
{
	struct map table = { 0 };

	fill_table(&table, before, before_hash, by_line);
	match_all(now, &table, now_hash, by_line);
	map_release_all(&table, free_waiting);
}

static struct diag_change count_changes(const struct diag_set *now,
					const struct diag_set *before)
{
	struct diag_change c = { 0 };

	for (size_t i = 0; i < now->n; i++) {
		const struct diag_entry *e = now->v[i];

		c.fresh[e->d.severity] += e->how == DIAG_NEW;
		c.same += e->how == DIAG_SAME;
		c.carried += e->how == DIAG_CARRIED;
	}
	for (size_t i = 0; i < before->n; i++) {
		const struct diag_entry *e = before->v[i];

		c.gone[e->d.severity] += e->how == DIAG_GONE;
	}
	return c;
}

struct diag_change diag_compare(struct diag_set *now, struct diag_set *before,
				diag_stands *stands, void *ctx)
{
	uint64_t *now_hash = identities(now);
	uint64_t *before_hash = identities(before);

	for (size_t i = 0; i < now->n; i++)
		now->v[i]->how = DIAG_NEW;
	for (size_t i = 0; i < before->n; i++)
		before->v[i]->how = DIAG_GONE;
	match_pass(now, before, now_hash, before_hash, true);
	/* What stands was not moved to another line. */
	carry_on(now, before, stands, ctx);
	match_pass(now, before, now_hash, before_hash, false);
	free(before_hash);
	free(now_hash);
	return count_changes(now, before);
}

/* ------------------------------------------------------ while it goes on */

struct left {
	struct map_node map;
	unsigned n;
};

void diag_known_init(struct diag_known *k, const struct diag_set *before)
{
	*k = (struct diag_known){ 0 };
	for (size_t i = 0; i < before->n; i++) {
		uint64_t hash = diag_identity(&before->v[i]->d);
		struct left *l = (struct left *)map_find(&k->left, hash);

		if (!l) {
			l = xcalloc(1, sizeof(*l));
			map_add(&k->left, &l->map, hash);
		}
		l->n++;
	}
}

void diag_known_release(struct diag_known *k)
{
	map_release_all(&k->left, NULL);
}

bool diag_known_take(struct diag_known *k, const struct diag *d)
{
	struct left *l = (struct left *)map_find(&k->left, diag_identity(d));

	if (!l || !l->n)
		return false;
	l->n--;
	return true;
}
