/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gcc's order (incpath.cc, merge_include_chains): the system's directories
 * and what -idirafter gave are one chain; a directory that is in it already
 * is dropped from -I and from -iquote, and so is the last one of either if
 * that is the first of what follows.  clang's (InitHeaderSearch.cpp): the
 * same for -I, while -iquote loses only what it has twice itself.  Equal
 * means the same device and inode.
 */
#include "scan/search.h"

#include "base/arena.h"
#include "scan/line.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

struct scan_search {
	struct scan_tree *tree;
	struct scan_chain *chain;
	uint32_t n_chains;
	struct arena arena; /* what was found */
	struct scan_found *found[BUCKETS];
};

struct scan_search *scan_search_new(struct scan_tree *tree)
{
	struct scan_search *s = xcalloc(1, sizeof(*s));

	s->tree = tree;
	return s;
}

void scan_search_free(struct scan_search *s)
{
	if (!s)
		return;
	while (s->chain) {
		struct scan_chain *c = s->chain;

		s->chain = c->next;
		free(c);
	}
	arena_release(&s->arena);
	free(s);
}

size_t scan_search_memory(const struct scan_search *s)
{
	return sizeof(*s) + s->arena.memory;
}

static bool same_dir(const struct scan_dir *a, const struct scan_dir *b)
{
	return a->now.ino == b->now.ino && a->now.dev == b->now.dev;
}

static bool has(const struct scan_chain_dir *v, size_t n,
		const struct scan_dir *d)
{
	for (size_t i = 0; i < n; i++) {
		if (same_dir(v[i].dir, d))
			return true;
	}
	return false;
}

/* A part of a chain while it is built. */
struct part {
	struct scan_chain_dir *v;
	size_t n;
};

static struct part collect_dirs(struct scan_search *s,
				const struct scan_want *want, size_t n,
				int from, int to)
{
	struct part p = { xcalloc(n + 1, sizeof(*p.v)), 0 };

	for (int where = from; where <= to; where++) {
		for (size_t i = 0; i < n; i++) {
			struct scan_dir *d;

			if (want[i].where != where)
				continue;
			d = scan_tree_dir(s->tree, want[i].path);
			if (d->exists)
				p.v[p.n++] = (struct scan_chain_dir){
					d, where >= SCAN_PATH_SYSTEM
				};
		}
	}
	return p;
}

/* gcc's remove_duplicates(): `later` is the chain that will follow. */
static void unique(struct part *p, const struct part *later,
		   const struct part *join)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct scan_dir *d = p->v[i].dir;

		if (has(later->v, later->n, d) || has(p->v, kept, d) ||
		    (i + 1 == p->n && join->n && same_dir(d, join->v[0].dir)))
			continue;
		p->v[kept++] = p->v[i];
	}
	p->n = kept;
}

static bool chains_equal(const struct scan_chain *a, const struct scan_chain *b)
{
	if (a->n != b->n || a->bracket != b->bracket ||
	    a->shorten != b->shorten)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->dir[i].dir != b->dir[i].dir ||
		    a->dir[i].system != b->dir[i].system)
			return false;
	}
	return true;
}

/* The chain that we know already, else this one. */
static struct scan_chain *interned(struct scan_search *s, struct scan_chain *c)
{
	for (struct scan_chain *old = s->chain; old; old = old->next) {
		if (chains_equal(old, c)) {
			free(c);
			return old;
		}
	}
	c->id = s->n_chains++;
	c->next = s->chain;
	s->chain = c;
	return c;
}

static void append(struct scan_chain *c, struct part *p)
{
	if (p->n)
		memcpy(c->dir + c->n, p->v, p->n * sizeof(*p->v));
	c->n += (uint32_t)p->n;
	free(p->v);
}

const struct scan_chain *scan_search_chain(struct scan_search *s,
					   const struct scan_want *want,
					   size_t n, bool clang, bool shorten)
{
	struct part none = { 0 }, system, bracket, quote;
	struct scan_chain *c;

	system = collect_dirs(s, want, n, SCAN_PATH_SYSTEM, SCAN_PATH_AFTER);
	unique(&system, &none, &none);
	bracket = collect_dirs(s, want, n, SCAN_PATH_BRACKET,
			       SCAN_PATH_BRACKET);
	unique(&bracket, &system, &system);
	quote = collect_dirs(s, want, n, SCAN_PATH_QUOTE, SCAN_PATH_QUOTE);
	if (clang)
		unique(&quote, &none, &none);
	else
		unique(&quote, &system, bracket.n ? &bracket : &system);
	c = xcalloc(1, sizeof(*c) + n * sizeof(c->dir[0]));
	c->shorten = shorten;
	append(c, &quote);
	c->bracket = c->n;
	append(c, &bracket);
	append(c, &system);
	return interned(s, c);
}

struct scan_found *scan_search_found(struct scan_search *s, uint32_t name,
				     uint32_t start)
{
	uint32_t h = (name + start * 0x85ebca6bu) * 0x9e3779b1u;
	struct scan_found **head = &s->found[h >> 16 & (BUCKETS - 1)], *f;

	for (f = *head; f; f = f->next) {
		if (f->name == name && f->start == start)
			return f;
	}
	f = arena_alloc(&s->arena, sizeof(*f));
	*f = (struct scan_found){ .name = name, .start = start, .next = *head };
	*head = f;
	return f;
}
