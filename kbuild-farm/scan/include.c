/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/include.h"

#include "scan/clang-name.h"
#include "scan/list.h"
#include "scan/precompiled.h"

#include "base/fs.h"

#include <errno.h>
#include <string.h>

/* gcc's and clang's own limit; beyond it they stop with an error. */
#define INCLUDE_DEPTH_MAX 200

/* A result of a search, with what it is worth to say about the way. */
struct hit {
	struct scan_node *node;
	int at;
	bool system;
	bool dotted; /* see scan/clang-name.h */
};

const struct scan_found *scan_walk_search(struct scan_walk *walk, uint32_t name,
					  uint32_t start)
{
	struct scan_tree *tree = walk->place->tree;
	const struct scan_chain *c = walk->chain;
	const struct scan_frame *frame = scan_walk_top(walk);
	struct scan_found *f;

	f = scan_search_found(walk->place->search, name, start);
	if (f->unit == walk->w->unit)
		return f;
	f->unit = walk->w->unit;
	f->node = NULL;
	for (uint32_t i = start; i < c->n; i++) {
		struct scan_probe *p;

		p = scan_tree_probe(tree, c->dir[i].dir, name,
				    c->shorten && c->dir[i].system);
		f->node = p->node;
		f->at = (int)i;
		f->system = c->dir[i].system;
		/* The compiler looks there, and opens it by a shorter name. */
		if (p->spelled)
			scan_walk_list(walk, p->spelled, SCAN_PROBED,
				       frame ? frame->line : 0);
		if (f->node)
			break;
		scan_walk_absent(walk, scan_tree_absent(tree, p));
		if (walk->exact)
			scan_clang_met_dir(walk, p->parent, false);
	}
	return f;
}

static struct hit search(struct scan_walk *walk, uint32_t name, uint32_t start)
{
	const struct scan_found *f = scan_walk_search(walk, name, start);

	return (struct hit){ .node = f->node,
			     .at = f->at,
			     .system = f->node && f->system };
}

static struct hit find_absolute(struct scan_walk *walk, const char *path)
{
	struct scan_node *n = scan_tree_node(walk->place->tree, path);

	if (!n->exists && !n->error) {
		scan_walk_absent(walk, n->path);
		n = NULL;
	}
	return (struct hit){ .node = n, .at = SCAN_AT_ABSOLUTE };
}

/* "x.h" beside the file that includes it. */
static struct hit beside(struct scan_walk *walk, uint32_t name)
{
	struct scan_frame *f = scan_walk_top(walk);
	struct hit hit = { .at = SCAN_AT_CURRENT, .system = f->system };
	struct scan_dir *d = f->node->dir;
	struct scan_probe *p;

	if (walk->exact)
		d = scan_clang_dir(walk, d, &hit.dotted);
	p = scan_tree_probe(walk->place->tree, d, name, false);
	hit.node = p->node;
	if (!p->node) {
		scan_walk_absent(walk, scan_tree_absent(walk->place->tree, p));
		if (walk->exact)
			scan_clang_met_dir(walk, p->parent, hit.dotted);
	}
	return hit;
}

/* Where the search goes on for #include_next; false: as if it were #include. */
static bool next_start(struct scan_walk *walk, uint32_t *start)
{
	const struct scan_frame *f = scan_walk_top(walk);

	if (walk->l->n_frame == 1 && f->index == 0)
		return false;
	if (f->at >= 0) {
		*start = (uint32_t)f->at + 1;
		return true;
	}
	/* gcc: behind the directory beside which it was found is the chain. */
	*start = 0;
	return f->at == SCAN_AT_CURRENT && !walk->dialect->is_clang;
}

static struct hit find_text(struct scan_walk *walk, uint32_t name, bool angled,
			    bool next)
{
	const struct scan_name *s = scan_name(walk->w->common->names, name);
	struct hit hit = { 0 };
	uint32_t start = 0;

	if (s->s[0] == '/')
		return find_absolute(walk, s->s);
	if (next && next_start(walk, &start))
		return search(walk, name, start);
	if (!angled)
		hit = beside(walk, name);
	if (!hit.node)
		hit = search(walk, name, angled ? walk->chain->bracket : 0);
	return hit;
}

/* Where find_text() looked, and for #include_next a little more. */
static void see_gch(struct scan_walk *walk, uint32_t name, bool angled,
		    const struct hit *hit)
{
	const char *s = scan_name(walk->w->common->names, name)->s;

	if (*s == '/')
		scan_walk_gch(walk, scan_tree_dir(walk->place->tree, ""), name);
	else if (!angled)
		scan_walk_gch(walk, scan_walk_top(walk)->node->dir, name);
	if (*s != '/' && (!hit->node || hit->at >= 0))
		scan_walk_gch_chain(walk, name,
				    hit->node ? hit->at : SCAN_AT_CURRENT);
}

static struct hit find_header(struct scan_walk *walk, uint32_t name,
			      bool angled, bool next)
{
	struct hit hit = find_text(walk, name, angled, next);

	if (scan_walk_takes_gch(walk) && !(hit.node && hit.node->error))
		see_gch(walk, name, angled, &hit);
	if (walk->exact && hit.node)
		scan_clang_met(walk, hit.node, hit.dotted);
	return hit;
}

int scan_walk_has_include(void *ctx, uint32_t name, bool angled, bool next,
			  enum reason *why)
{
	struct scan_worker *w = ctx;
	struct hit hit;

	if (!w->walk->l->n_frame) {
		*why = REASON_HAS_INCLUDE_OUTSIDE;
		return -1;
	}
	hit = find_header(w->walk, name, angled, next);
	if (hit.node && hit.node->error) {
		*why = REASON_FILE_STAT;
		return -1;
	}
	if (hit.node)
		scan_walk_list(w->walk, hit.node, SCAN_PROBED,
			       scan_walk_top(w->walk)->line);
	return hit.node != NULL;
}

void scan_walk_include(struct scan_walk *walk, uint32_t name, bool angled,
		       bool next)
{
	struct hit hit = find_header(walk, name, angled, next);

	walk->included = true;
	if (hit.node)
		scan_walk_enter(walk, hit.node, hit.at, hit.system);
	else
		scan_walk_fail(walk, REASON_NO_HEADER,
			       scan_name(walk->w->common->names, name)->s);
}

static bool same_bytes(const char *a, const char *b)
{
	struct buf x = { 0 }, y = { 0 };
	struct err err;
	bool same;

	/* When they cannot be read, the walk will say so. */
	same = !fs_read(a, SIZE_MAX / 4, &x, &err) &&
	       !fs_read(b, SIZE_MAX / 4, &y, &err) &&
	       bytes_equal(buf_bytes(&x), buf_bytes(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

/*
 * #pragma once: gcc takes two files for one when time and content are equal
 * (the time in seconds), clang when device and inode are.
 */
static bool said_once(struct scan_walk *walk, const struct scan_node *n)
{
	const struct stamp *a = &n->now;
	bool clang = walk->dialect->is_clang;

	if (n->once == walk->w->unit)
		return true;
	for (size_t i = 0; i < walk->l->n_once; i++) {
		const struct scan_node *o = walk->l->once[i];
		const struct stamp *b = &o->now;
		bool same = a->ino == b->ino && a->dev == b->dev;

		if (clang ? same :
			    a->size == b->size &&
				    a->mtime_ns / 1000000000 ==
					    b->mtime_ns / 1000000000 &&
				    (same || same_bytes(n->abs, o->abs)))
			return true;
	}
	return false;
}

static void push(struct scan_walk *walk, struct scan_node *node,
		 const struct scan_frame *frame)
{
	struct scan_lists *l = walk->l;

	if (l->n_frame >= INCLUDE_DEPTH_MAX) {
		scan_walk_fail(walk, REASON_INCLUDE_DEPTH, node->path);
		return;
	}
	*SCAN_LIST_ADD(l, frame) = *frame;
}

/* See that the directives of a file are at hand. */
static bool read_node(struct scan_walk *walk, struct scan_node *node)
{
	struct scan_names *names = walk->w->common->names;
	int ret = node->error;

	if (node->text && (!walk->exact || atomic_load(&node->text->full)))
		return true;
	if (!ret)
		ret = scan_tree_read(walk->place->tree, node, walk->exact);
	if (ret)
		scan_walk_fail(walk,
			       node->error    ? REASON_FILE_STAT :
			       ret == -EAGAIN ? REASON_FILE_CHANGES :
						REASON_FILE_UNREADABLE,
			       node->path);
	else if (scan_names_memory(names) > walk->memory_max)
		scan_walk_fail(walk, REASON_MEMORY, node->path);
	return !walk->why && node->text;
}

/* Is it in the list, as a file that was read? */
static bool was_opened(const struct scan_walk *walk,
		       const struct scan_node *node)
{
	const struct scan_entry *e = node->entry;

	return e->unit == walk->w->unit &&
	       walk->l->file[e->index].kind < SCAN_INPUT;
}

/* Does its guard hold, with all of it inside? */
static inline bool has_no_effect(struct scan_walk *walk, struct scan_text *t)
{
	const struct scan_full *full;

	if (t->guard == WORD_NONE || !scan_cpp_def(&walk->w->cpp, t->guard))
		return false;
	if (!walk->exact)
		return true;
	full = atomic_load(&t->full);
	return full && !full->from[1] && full->from[t->n] == full->n;
}

void scan_walk_enter(struct scan_walk *walk, struct scan_node *node, int at,
		     bool system)
{
	const struct scan_frame *f = scan_walk_top(walk);
	enum scan_kind kind;
	size_t index;

	if (f)
		system |= f->system;
	/* clang: a file beside another one was found where that was. */
	if (f && at == SCAN_AT_CURRENT && walk->dialect->is_clang)
		at = f->at;
	/* A file that was listed may be skipped; one that was not is opened. */
	if (node->text && was_opened(walk, node) &&
	    has_no_effect(walk, node->text))
		return;
	if (!read_node(walk, node))
		return;
	/* Behind a guard, too: what is outside of it counts. */
	scan_walk_mark(walk, node->text);
	if (walk->l->n_once && said_once(walk, node))
		return;
	kind = !f && walk->l->n_file == 0 ? SCAN_SOURCE :
	       system                     ? SCAN_SYSTEM :
					    SCAN_HEADER;
	index = scan_walk_list(walk, node, kind, f ? f->line : 0);
	if (node->text->unbalanced) {
		scan_walk_fail(walk, REASON_CONDITIONALS, node->path);
		return;
	}
	if (node->text->slashes) {
		scan_walk_fail(walk, REASON_LINE_COMMENT, node->path);
		return;
	}
	if (has_no_effect(walk, node->text))
		return;
	push(walk, node,
	     &(struct scan_frame){ .node = node,
				   .text = node->text,
				   .at = at,
				   .system = system,
				   .index = index });
}
