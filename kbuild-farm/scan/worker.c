/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/walk.h"

#include "base/str.h"

#include <stdlib.h>

static int ask_operator(void *ctx, enum scan_word op, const char *text,
			long long *value, enum reason *why)
{
	struct scan_worker *w = ctx;
	struct scan_walk *walk = w->walk;
	const struct scan_lists *l = walk->l;

	return scan_dialect_operator(
		w->common->answers, walk->dialect, walk->unit, &walk->line, op,
		text, l->n_frame ? l->frame[l->n_frame - 1].text : NULL, value,
		why);
}

struct scan_worker *scan_worker_new(struct scan_common *common)
{
	struct scan_worker *w = xcalloc(1, sizeof(*w));
	struct scan_host host = {
		.ctx = w,
		.has_include = scan_walk_has_include,
		.ask = ask_operator,
	};

	w->common = common;
	scan_cpp_init(&w->cpp, common->names, &host);
	return w;
}

void scan_worker_free(struct scan_worker *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_place; i++) {
		scan_search_free(w->place[i].search);
		scan_tree_free(w->place[i].tree);
	}
	for (size_t i = 0; i < SCAN_DEFINED_BUCKETS; i++) {
		while (w->defined[i]) {
			struct scan_defined *d = w->defined[i];

			w->defined[i] = d->next;
			scan_text_free(d->text);
			free(d->line);
			free(d);
		}
	}
	scan_lists_release(&w->lists);
	scan_cpp_release(&w->cpp);
	scan_arena_release(&w->arena);
	free(w);
}

size_t scan_worker_memory(const struct scan_worker *w)
{
	size_t size = sizeof(*w) + scan_arena_memory(&w->arena) +
		      w->cpp.n_slot * sizeof(struct scan_slot) +
		      scan_arena_memory(&w->cpp.arena);

	for (size_t i = 0; i < w->n_place; i++)
		size += scan_tree_memory(w->place[i].tree) +
			scan_search_memory(w->place[i].search);
	return size;
}
