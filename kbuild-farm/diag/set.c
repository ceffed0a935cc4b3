/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/set.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

const char *const diag_status_names[] = {
	[DIAG_STATUS_NEW] = "new",      [DIAG_STATUS_SAME] = "same",
	[DIAG_STATUS_REMOVED] = "gone", [DIAG_STATUS_CARRIED] = "carried",
	[DIAG_N_STATUSES] = NULL,
};

const char *diag_status_name(enum diag_status how)
{
	return diag_status_names[how];
}

struct seen_diag {
	struct map_entry map;
	struct diag_entry *entry; /* NULL: beyond DIAG_SET_MAX */
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
	 * Messages of make with equal texts can refer to different recipes, so
	 * the object distinguishes them.
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
