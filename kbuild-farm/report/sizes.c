/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/sizes.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static int64_t loaded(const struct history_size *s)
{
	return s->text + s->data + s->bss;
}

static bool is_module(const char *name)
{
	return str_ends(name, ".ko");
}

static int64_t size_of_change(const struct report_size *s)
{
	if (s->is_new)
		return s->now.file;
	return s->change < 0 ? -s->change : s->change;
}

static int by_weight(const void *a, const void *b)
{
	const struct report_size *x = a, *y = b;
	bool p = is_module(x->now.name), q = is_module(y->now.name);

	if (p != q)
		return p - q;
	if (size_of_change(x) != size_of_change(y))
		return size_of_change(x) < size_of_change(y) ? 1 : -1;
	if (x->now.file != y->now.file)
		return x->now.file < y->now.file ? 1 : -1;
	return strcmp(x->now.name, y->now.name);
}

static void compare_size(struct report_size *s, const struct history_size *now,
			 const struct history_size *was, bool compared)
{
	s->now = *now;
	s->is_elf = loaded(now) > 0;
	s->is_known = was != NULL;
	s->is_new = compared && !was;
	if (!was)
		return;
	s->was = *was;
	s->change = s->is_elf && loaded(was) ? loaded(now) - loaded(was) :
					       now->file - was->file;
}

static int by_size_name(const void *a, const void *b)
{
	const struct history_size *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* What was there before, and is not now. */
static void find_gone(struct report_sizes *out, const struct report_data *d)
{
	const struct history_details *is = &d->with, *was = &d->before_with;
	const struct history_size **now = xcalloc(is->n_sizes + 1,
						  sizeof(*now));

	for (size_t i = 0; i < is->n_sizes; i++)
		now[i] = &is->size[i];
	qsort(now, is->n_sizes, sizeof(*now), by_size_name);
	for (size_t i = 0; i < was->n_sizes; i++) {
		const struct history_size *s = &was->size[i];

		if (!bsearch(&s, now, is->n_sizes, sizeof(*now), by_size_name))
			*VEC_ADD(out->gone, out->n_gone) = s;
	}
	free(now);
}

void report_sizes_init(struct report_sizes *out, const struct report_data *d)
{
	const struct history_details *is = &d->with;

	*out = (struct report_sizes){ .compared = d->before_with.n_sizes > 0 };
	for (size_t i = 0; i < is->n_sizes; i++) {
		struct report_size *s = VEC_ADD(out->v, out->n);
		const char *name = is->size[i].name;

		compare_size(s, &is->size[i], report_data_size_before(d, name),
			     out->compared);
		out->n_changed += s->is_new || s->change;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_weight);
	if (out->n)
		find_gone(out, d);
}

void report_sizes_release(struct report_sizes *s)
{
	free(s->v);
	free(s->gone);
	*s = (struct report_sizes){ 0 };
}
