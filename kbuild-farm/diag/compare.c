/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/compare.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>

/* The entries of the baseline that have the same hash, in order. */
struct unmatched_entries {
	struct map_entry map;
	struct diag_entry **v;
	size_t n, next;
};

static uint64_t hash_with_line(uint64_t identity, unsigned line)
{
	return identity ^ ((uint64_t)line + 1) * 0x9e3779b97f4a7c15u;
}

static void add_unmatched(struct map *table, struct diag_entry *e,
			  uint64_t hash)
{
	struct unmatched_entries *w = (struct unmatched_entries *)map_find(
		table, hash);

	if (!w) {
		w = xcalloc(1, sizeof(*w));
		map_add(table, &w->map, hash);
	}
	*VEC_ADD(w->v, w->n) = e;
}

static void free_unmatched(struct map_entry *node)
{
	free(((struct unmatched_entries *)node)->v);
	free(node);
}

/* Return the next entry with this hash that is not matched yet, or NULL. */
static struct diag_entry *take_unmatched(const struct map *table, uint64_t hash)
{
	struct unmatched_entries *w = (struct unmatched_entries *)map_find(
		table, hash);

	return w && w->next < w->n ? w->v[w->next++] : NULL;
}

static void match_all(struct diag_set *now, const struct map *table,
		      const uint64_t *identity, bool by_line)
{
	for (size_t i = 0; i < now->n_entries; i++) {
		struct diag_entry *e = now->entries[i], *b;

		if (e->status != DIAG_STATUS_NEW)
			continue;
		b = take_unmatched(table, by_line ?
						  hash_with_line(identity[i],
								 e->diag.line) :
						  identity[i]);
		if (b)
			b->status = e->status = DIAG_STATUS_SAME;
	}
}

static uint64_t *identities(const struct diag_set *s)
{
	uint64_t *hash = xcalloc(s->n_entries + 1, sizeof(*hash));

	for (size_t i = 0; i < s->n_entries; i++)
		hash[i] = diag_hash(&s->entries[i]->diag);
	return hash;
}

static void fill_table(struct map *table, const struct diag_set *before,
		       const uint64_t *identity, bool by_line)
{
	for (size_t i = 0; i < before->n_entries; i++) {
		struct diag_entry *e = before->entries[i];

		if (e->status == DIAG_STATUS_REMOVED)
			add_unmatched(table, e,
				      by_line ? hash_with_line(identity[i],
							       e->diag.line) :
						identity[i]);
	}
}

/* Carry over unmatched entries whose units were not compiled. */
static void add_carried(struct diag_set *now, struct diag_set *before,
			diag_is_carried_fn *stands, void *ctx)
{
	for (size_t i = 0; stands && i < before->n_entries; i++) {
		struct diag_entry *e = before->entries[i];
		struct diag copy;

		if (e->status != DIAG_STATUS_REMOVED || !stands(ctx, &e->diag))
			continue;
		e->status = DIAG_STATUS_CARRIED;
		copy = diag_copy(&e->diag);
		diag_set_restore(now, &copy);
		now->entries[now->n_entries - 1]->status = DIAG_STATUS_CARRIED;
	}
}

static void match_unmatched(struct diag_set *now, struct diag_set *before,
			    const uint64_t *now_hash,
			    const uint64_t *before_hash, bool by_line)
{
	struct map table = { 0 };

	fill_table(&table, before, before_hash, by_line);
	match_all(now, &table, now_hash, by_line);
	map_release_entries(&table, free_unmatched);
}

static struct diag_change count_changes(const struct diag_set *now,
					const struct diag_set *before)
{
	struct diag_change c = { 0 };

	for (size_t i = 0; i < now->n_entries; i++) {
		const struct diag_entry *e = now->entries[i];

		c.n_new[e->diag.severity] += e->status == DIAG_STATUS_NEW;
		c.n_same += e->status == DIAG_STATUS_SAME;
		c.n_carried += e->status == DIAG_STATUS_CARRIED;
	}
	for (size_t i = 0; i < before->n_entries; i++) {
		const struct diag_entry *e = before->entries[i];

		c.n_removed[e->diag.severity] += e->status ==
						 DIAG_STATUS_REMOVED;
	}
	return c;
}

struct diag_change diag_compare(struct diag_set *now, struct diag_set *baseline,
				diag_is_carried_fn *is_carried, void *ctx)
{
	uint64_t *now_hash = identities(now);
	uint64_t *before_hash = identities(baseline);

	for (size_t i = 0; i < now->n_entries; i++)
		now->entries[i]->status = DIAG_STATUS_NEW;
	for (size_t i = 0; i < baseline->n_entries; i++)
		baseline->entries[i]->status = DIAG_STATUS_REMOVED;
	match_unmatched(now, baseline, now_hash, before_hash, true);
	/*
	 * Carry over before the second match_unmatched(), which ignores lines:
	 * a diagnostic of a unit that was not compiled cannot have moved to
	 * another line.
	 */
	add_carried(now, baseline, is_carried, ctx);
	match_unmatched(now, baseline, now_hash, before_hash, false);
	free(before_hash);
	free(now_hash);
	return count_changes(now, baseline);
}

/* ---- baseline during a build ---- */

struct unmatched_count {
	struct map_entry map;
	unsigned n;
};

void diag_baseline_init(struct diag_baseline *k,
			const struct diag_set *baseline)
{
	*k = (struct diag_baseline){ 0 };
	for (size_t i = 0; i < baseline->n_entries; i++) {
		uint64_t hash = diag_hash(&baseline->entries[i]->diag);
		struct unmatched_count *l = (struct unmatched_count *)map_find(
			&k->unmatched, hash);

		if (!l) {
			l = xcalloc(1, sizeof(*l));
			map_add(&k->unmatched, &l->map, hash);
		}
		l->n++;
	}
}

void diag_baseline_release(struct diag_baseline *k)
{
	map_release_entries(&k->unmatched, NULL);
}

bool diag_baseline_match(struct diag_baseline *k, const struct diag *d)
{
	struct unmatched_count *l = (struct unmatched_count *)map_find(
		&k->unmatched, diag_hash(d));

	if (!l || !l->n)
		return false;
	l->n--;
	return true;
}
