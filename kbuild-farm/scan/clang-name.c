/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/clang-name.h"

#include "scan/line.h"

static bool counts(const struct scan_walk *walk)
{
	return walk->exact && walk->dialect && walk->dialect->is_clang;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

void scan_clang_met_dir(struct scan_walk *walk, struct scan_dir *d, bool dotted)
{
	struct scan_lists *l = walk->l;
	uint32_t i = 0;

	if (!counts(walk) || d->met == walk->w->unit)
		return;
	d = scan_tree_dir(walk->place->tree, d->path);
	if (!d->exists)
		return;
	while (i < l->n_met_dir && !same(&l->met_dir[i].dir->now, &d->now))
		i++;
	if (i == l->n_met_dir)
		*SCAN_LIST_ADD(l, met_dir) = (struct scan_met_dir){
			d, dotted || !*d->path
		};
	d->met = walk->w->unit;
	d->met_as = i;
}

void scan_clang_met(struct scan_walk *walk, struct scan_node *n, bool dotted)
{
	struct scan_lists *l = walk->l;
	uint32_t i = 0;

	if (!counts(walk) || n->met[dotted] == walk->w->unit)
		return;
	scan_clang_met_dir(walk, n->dir, dotted);
	while (i < l->n_met && !same(&l->met[i].node->now, &n->now))
		i++;
	if (i == l->n_met)
		SCAN_LIST_ADD(l, met);
	l->met[i] = (struct scan_met){ n, dotted };
	n->met[dotted] = walk->w->unit;
	n->met_as = i;
}

struct scan_dir *scan_clang_dir(struct scan_walk *walk, struct scan_dir *d,
				bool *dotted)
{
	const struct scan_met_dir *met;

	scan_clang_met_dir(walk, d, *dotted);
	if (!counts(walk) || d->met != walk->w->unit)
		return d;
	met = &walk->l->met_dir[d->met_as];
	*dotted = met->dotted;
	return met->dir;
}

const struct scan_node *scan_clang_node(const struct scan_walk *walk,
					const struct scan_node *n, bool *dotted)
{
	const struct scan_met *met;

	*dotted = false;
	if (!counts(walk) ||
	    (n->met[0] != walk->w->unit && n->met[1] != walk->w->unit))
		return n;
	met = &walk->l->met[n->met_as];
	*dotted = met->dotted;
	return met->node;
}

/* In the order in which its driver hands them on. */
void scan_clang_begin(struct scan_walk *walk, struct scan_node *source)
{
	static const int order[] = { SCAN_PATH_BRACKET, SCAN_PATH_AFTER,
				     SCAN_PATH_QUOTE, SCAN_PATH_SYSTEM };
	const struct scan_lists *l = walk->l;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (size_t j = 0; j < l->n_want; j++) {
			if (l->want[j].where == order[i])
				scan_clang_met_dir(
					walk,
					scan_tree_dir(walk->place->tree,
						      l->want[j].path),
					false);
		}
	}
	scan_clang_met(walk, source, false);
}
