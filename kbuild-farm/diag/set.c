/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag/set.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

const char *const diag_how_words[] = {
	[DIAG_NEW] = "new",         [DIAG_SAME] = "same", [DIAG_GONE] = "gone",
	[DIAG_CARRIED] = "carried", [DIAG_HOWS] = NULL,
};

const char *diag_how_word(enum diag_how how)
{
	return diag_how_words[how];
}

struct seen {
	struct map_node map;
	struct diag_entry *entry; /* NULL: beyond DIAG_SET_MAX */
};

static void free_found(struct diag_entry *e)
{
	diag_release(&e->d);
	free(e);
}

void diag_set_release(struct diag_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_found(s->v[i]);
	free(s->v);
	map_release_all(&s->seen, NULL);
	*s = (struct diag_set){ 0 };
}

static uint64_t hash_exactly(const struct diag *d)
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
	/* make's words are those of one recipe. */
	buf_put_str(&key, d->tool == DIAG_MAKE && d->object ? d->object : "");
	hash = map_hash(buf_bytes(&key));
	buf_release(&key);
	return hash;
}

static void name_object(struct diag_entry *e, const char *object)
{
	char *both;

	if (!object || e->objects >= DIAG_OBJECTS ||
	    str_list_has(e->d.object, ' ', object))
		return;
	both = e->d.object ? xasprintf("%s %s", e->d.object, object) :
			     xstrdup(object);
	free(e->d.object);
	e->d.object = both;
	e->objects++;
}

/* As history keeps it, it may name several. */
static unsigned count_objects(const char *objects)
{
	unsigned n = objects && *objects;

	for (; objects && *objects; objects++)
		n += *objects == ' ';
	return n;
}

/* Its `how` is not known yet. */
static struct diag_entry *append_entry(struct diag_set *s, struct diag *d)
{
	struct diag_entry *e = xcalloc(1, sizeof(*e));

	e->d = *d;
	e->objects = count_objects(d->object);
	e->how = DIAG_HOWS;
	*VEC_ADD(s->v, s->n) = e;
	*d = (struct diag){ 0 };
	return e;
}

void diag_set_restore(struct diag_set *s, struct diag *d)
{
	s->count[d->severity]++;
	append_entry(s, d);
}

bool diag_set_has(const struct diag_set *s, const struct diag *d)
{
	return map_find(&s->seen, hash_exactly(d));
}

bool diag_set_add(struct diag_set *s, struct diag *d)
{
	uint64_t hash = hash_exactly(d);
	struct seen *at = (struct seen *)map_find(&s->seen, hash);

	if (at) {
		if (at->entry)
			name_object(at->entry, d->object);
		diag_release(d);
		return false;
	}
	at = xcalloc(1, sizeof(*at));
	map_add(&s->seen, &at->map, hash);
	s->count[d->severity]++;
	if (s->n >= DIAG_SET_MAX) {
		diag_release(d);
		return true;
	}
	at->entry = append_entry(s, d);
	return true;
}
