/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/compare.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

const char *const diag_status_names[] = {
	[DIAG_STATUS_NEW] = "new",      [DIAG_STATUS_SAME] = "same",
	[DIAG_STATUS_REMOVED] = "gone", [DIAG_STATUS_CARRIED] = "carried",
	[DIAG_N_STATUSES] = NULL,
};

const char *diag_status_name(enum diag_status status)
{
	return diag_status_names[status];
}

struct seen_diag {
	struct map_entry map;
	struct diag_entry *entry; /* NULL if the set was full */
};

void diag_set_release(struct diag_set *s)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		diag_release(&s->entries[i]->diag);
		free(s->entries[i]);
	}
	free(s->entries);
	map_release_entries(&s->by_hash, NULL);
	*s = (struct diag_set){ 0 };
}

static uint64_t hash_all_fields(const struct diag *d)
{
	struct buf key = { 0 };
	uint64_t hash;

	buf_put_u8(&key, (uint8_t)d->tool);
	buf_put_u8(&key, (uint8_t)d->severity);
	buf_put_u32(&key, d->line);
	buf_put_u32(&key, d->column);
	buf_put_str(&key, d->file ? d->file : "");
	buf_put_str(&key, d->flag ? d->flag : "");
	buf_put_str(&key, d->text);
	/*
	 * For messages of make, add the object as well, because equal texts can
	 * refer to different recipes.
	 */
	buf_put_str(&key,
		    d->tool == DIAG_TOOL_MAKE && d->object ? d->object : "");
	hash = map_hash(buf_bytes(&key));
	buf_release(&key);
	return hash;
}

static void add_object_name(struct diag_entry *e, const char *object)
{
	char *both;

	if (!object || e->n_objects >= DIAG_OBJECTS_MAX ||
	    str_list_has(e->diag.object, ' ', object))
		return;
	both = e->diag.object ? xasprintf("%s %s", e->diag.object, object) :
				xstrdup(object);
	free(e->diag.object);
	e->diag.object = both;
	e->n_objects++;
}

/* Append an entry that is not compared yet. */
static struct diag_entry *append_entry(struct diag_set *s, struct diag *d)
{
	struct diag_entry *e = xcalloc(1, sizeof(*e));
	const char *at = d->object;

	e->diag = *d;
	/* A diagnostic from the history may name several objects. */
	e->n_objects = at && *at;
	for (; at && *at; at++)
		e->n_objects += *at == ' ';
	e->status = DIAG_N_STATUSES;
	*VEC_ADD(s->entries, s->n_entries) = e;
	*d = (struct diag){ 0 };
	return e;
}

void diag_set_restore(struct diag_set *s, struct diag *d)
{
	s->n_by_severity[d->severity]++;
	append_entry(s, d);
}

bool diag_set_has(const struct diag_set *s, const struct diag *d)
{
	return map_find(&s->by_hash, hash_all_fields(d));
}

bool diag_set_add(struct diag_set *s, struct diag *d)
{
	uint64_t hash = hash_all_fields(d);
	struct seen_diag *at = (struct seen_diag *)map_find(&s->by_hash, hash);

	if (at) {
		if (at->entry)
			add_object_name(at->entry, d->object);
		diag_release(d);
		return false;
	}
	at = xcalloc(1, sizeof(*at));
	map_add(&s->by_hash, &at->map, hash);
	s->n_by_severity[d->severity]++;
	if (s->n_entries >= DIAG_SET_MAX) {
		diag_release(d);
		return true;
	}
	at->entry = append_entry(s, d);
	return true;
}

/* ---- comparison ---- */

/* Unmatched entries of the baseline with the same match_hash(), in order. */
struct unmatched_entries {
	struct map_entry map;
	struct diag_entry **v;
	size_t n, next;
};

static uint64_t match_hash(uint64_t identity, const struct diag_entry *e,
			   bool by_line)
{
	return by_line ? identity ^ ((uint64_t)e->diag.line + 1) *
					    0x9e3779b97f4a7c15u :
			 identity;
}

static void free_unmatched(struct map_entry *node)
{
	free(((struct unmatched_entries *)node)->v);
	free(node);
}

static uint64_t *identities(const struct diag_set *s)
{
	uint64_t *hash = xcalloc(s->n_entries + 1, sizeof(*hash));

	for (size_t i = 0; i < s->n_entries; i++)
		hash[i] = diag_hash(&s->entries[i]->diag);
	return hash;
}

static char *copy_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static struct diag copy_diag(const struct diag *d)
{
	struct diag copy = *d;

	copy.file = copy_or_null(d->file);
	copy.flag = copy_or_null(d->flag);
	copy.text = xstrdup(d->text);
	copy.object = copy_or_null(d->object);
	return copy;
}

/*
 * Carry over the unmatched entries of `before` whose units were not compiled,
 * that is, for which `is_carried` returns true.
 */
static void add_carried(struct diag_set *now, struct diag_set *before,
			diag_is_carried_fn *is_carried, void *ctx)
{
	for (size_t i = 0; is_carried && i < before->n_entries; i++) {
		struct diag_entry *e = before->entries[i];
		struct diag copy;

		if (e->status != DIAG_STATUS_REMOVED ||
		    !is_carried(ctx, &e->diag))
			continue;
		e->status = DIAG_STATUS_CARRIED;
		copy = copy_diag(&e->diag);
		diag_set_restore(now, &copy);
		now->entries[now->n_entries - 1]->status = DIAG_STATUS_CARRIED;
	}
}

/*
 * Match each entry of `now` with status NEW to the next entry of `before` that
 * has the same hash and status REMOVED, and set the status of both to SAME.  If
 * `by_line` is true, their lines must be equal as well.
 */
static void match_unmatched(struct diag_set *now, struct diag_set *before,
			    const uint64_t *now_hash,
			    const uint64_t *before_hash, bool by_line)
{
	struct map table = { 0 };

	for (size_t i = 0; i < before->n_entries; i++) {
		struct diag_entry *e = before->entries[i];
		struct unmatched_entries *w;
		uint64_t hash;

		if (e->status != DIAG_STATUS_REMOVED)
			continue;
		hash = match_hash(before_hash[i], e, by_line);
		w = (struct unmatched_entries *)map_find(&table, hash);
		if (!w) {
			w = xcalloc(1, sizeof(*w));
			map_add(&table, &w->map, hash);
		}
		*VEC_ADD(w->v, w->n) = e;
	}
	for (size_t i = 0; i < now->n_entries; i++) {
		struct diag_entry *e = now->entries[i];
		struct unmatched_entries *w;
		uint64_t hash;

		/*
		 * Entries that add_carried() added have no element in now_hash.
		 */
		if (e->status != DIAG_STATUS_NEW)
			continue;
		hash = match_hash(now_hash[i], e, by_line);
		w = (struct unmatched_entries *)map_find(&table, hash);
		if (w && w->next < w->n) {
			e->status = DIAG_STATUS_SAME;
			w->v[w->next++]->status = DIAG_STATUS_SAME;
		}
	}
	map_release_entries(&table, free_unmatched);
}

struct diag_change diag_compare(struct diag_set *now, struct diag_set *baseline,
				diag_is_carried_fn *is_carried, void *ctx)
{
	uint64_t *now_hash = identities(now);
	uint64_t *before_hash = identities(baseline);
	struct diag_change c = { 0 };

	for (size_t i = 0; i < now->n_entries; i++)
		now->entries[i]->status = DIAG_STATUS_NEW;
	for (size_t i = 0; i < baseline->n_entries; i++)
		baseline->entries[i]->status = DIAG_STATUS_REMOVED;
	match_unmatched(now, baseline, now_hash, before_hash, true);
	/*
	 * Call add_carried() before the second match_unmatched(), which ignores
	 * lines.  A diagnostic of a unit that was not compiled cannot have
	 * moved, so it must not match a diagnostic on another line.
	 */
	add_carried(now, baseline, is_carried, ctx);
	match_unmatched(now, baseline, now_hash, before_hash, false);
	free(before_hash);
	free(now_hash);

	for (size_t i = 0; i < now->n_entries; i++) {
		const struct diag_entry *e = now->entries[i];

		c.n_new[e->diag.severity] += e->status == DIAG_STATUS_NEW;
		c.n_same += e->status == DIAG_STATUS_SAME;
		c.n_carried[e->diag.severity] += e->status ==
						 DIAG_STATUS_CARRIED;
	}
	for (size_t i = 0; i < baseline->n_entries; i++) {
		const struct diag_entry *e = baseline->entries[i];

		c.n_removed[e->diag.severity] += e->status ==
						 DIAG_STATUS_REMOVED;
	}
	return c;
}

/* ---- baseline during a build ---- */

struct unmatched_count {
	struct map_entry map;
	unsigned n;
};

void diag_baseline_init(struct diag_baseline *b,
			const struct diag_set *baseline)
{
	*b = (struct diag_baseline){ 0 };
	for (size_t i = 0; i < baseline->n_entries; i++) {
		uint64_t hash = diag_hash(&baseline->entries[i]->diag);
		struct unmatched_count *c = (struct unmatched_count *)map_find(
			&b->unmatched, hash);

		if (!c) {
			c = xcalloc(1, sizeof(*c));
			map_add(&b->unmatched, &c->map, hash);
		}
		c->n++;
	}
}

void diag_baseline_release(struct diag_baseline *b)
{
	map_release_entries(&b->unmatched, NULL);
}

bool diag_baseline_match(struct diag_baseline *b, const struct diag *d)
{
	struct unmatched_count *c = (struct unmatched_count *)map_find(
		&b->unmatched, diag_hash(d));

	if (!c || !c->n)
		return false;
	c->n--;
	return true;
}
