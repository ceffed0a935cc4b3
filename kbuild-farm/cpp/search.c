/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of gcc (incpath.cc, merge_include_chains): the system directories
 * and those of -idirafter form one chain.  A directory of this chain is dropped
 * from -I and -iquote.  The last directory of the -iquote or -I list is also
 * dropped if it equals the first directory of the next list.  In clang
 * (InitHeaderSearch.cpp) -I has the same rules, but -iquote loses only its own
 * duplicates.  Directories with the same device and inode are equal.
 */
#include "cpp/search.h"

#include "base/arena.h"
#include "base/str.h"
#include "cpp/cmdline.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384

struct cpp_search {
	struct cpp_stat_cache *tree;
	struct cpp_search_path *paths;
	uint32_t n_paths;
	struct arena arena; /* of `headers` */
	struct cpp_found_header *headers[BUCKETS];
};

struct cpp_search *cpp_search_new(struct cpp_stat_cache *tree)
{
	struct cpp_search *s = xcalloc(1, sizeof(*s));

	s->tree = tree;
	return s;
}

void cpp_search_free(struct cpp_search *s)
{
	if (!s)
		return;
	while (s->paths) {
		struct cpp_search_path *c = s->paths;

		s->paths = c->next;
		free(c);
	}
	arena_release(&s->arena);
	free(s);
}

size_t cpp_search_memory(const struct cpp_search *s)
{
	return sizeof(*s) + s->arena.size_bytes;
}

static bool is_same_dir(const struct cpp_dir *a, const struct cpp_dir *b)
{
	return a->stamp.ino == b->stamp.ino && a->stamp.dev == b->stamp.dev;
}

static bool has_dir(const struct cpp_search_dir *v, size_t n,
		    const struct cpp_dir *d)
{
	for (size_t i = 0; i < n; i++) {
		if (is_same_dir(v[i].dir, d))
			return true;
	}
	return false;
}

/* A part of a search path. */
struct dir_list {
	struct cpp_search_dir *v;
	size_t n;
};

static struct dir_list collect_dirs(struct cpp_search *s,
				    const struct cpp_dir_option *want, size_t n,
				    int from, int to)
{
	struct dir_list p = { xcalloc(n + 1, sizeof(*p.v)), 0 };

	for (int where = from; where <= to; where++) {
		for (size_t i = 0; i < n; i++) {
			struct cpp_dir *d;

			if (want[i].kind != where)
				continue;
			d = cpp_stat_cache_dir(s->tree, want[i].path);
			if (d->exists)
				p.v[p.n++] = (struct cpp_search_dir){
					d, where >= CPP_DIR_SYSTEM
				};
		}
	}
	return p;
}

/*
 * Remove duplicates from `p` like gcc's remove_duplicates().  `later` is the
 * system chain, whose directories are dropped from `p`.  `join` is the list
 * that directly follows `p`: the last directory of `p` is dropped if it is the
 * first one of `join`.
 */
static void remove_duplicate_dirs(struct dir_list *p,
				  const struct dir_list *later,
				  const struct dir_list *join)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct cpp_dir *d = p->v[i].dir;

		if (has_dir(later->v, later->n, d) || has_dir(p->v, kept, d) ||
		    (i + 1 == p->n && join->n &&
		     is_same_dir(d, join->v[0].dir)))
			continue;
		p->v[kept++] = p->v[i];
	}
	p->n = kept;
}

static bool are_paths_equal(const struct cpp_search_path *a,
			    const struct cpp_search_path *b)
{
	if (a->n_dirs != b->n_dirs || a->bracket_start != b->bracket_start ||
	    a->canonical_system != b->canonical_system)
		return false;
	for (uint32_t i = 0; i < a->n_dirs; i++) {
		if (a->dirs[i].dir != b->dirs[i].dir ||
		    a->dirs[i].system != b->dirs[i].system)
			return false;
	}
	return true;
}

static void append_dirs(struct cpp_search_path *c, struct dir_list *p)
{
	if (p->n)
		memcpy(c->dirs + c->n_dirs, p->v, p->n * sizeof(*p->v));
	c->n_dirs += (uint32_t)p->n;
	free(p->v);
}

const struct cpp_search_path *cpp_search_make_path(
	struct cpp_search *s, const struct cpp_dir_option *want, size_t n,
	bool clang, bool shorten)
{
	struct dir_list none = { 0 }, system, bracket, quote;
	struct cpp_search_path *c;

	system = collect_dirs(s, want, n, CPP_DIR_SYSTEM, CPP_DIR_AFTER);
	remove_duplicate_dirs(&system, &none, &none);
	bracket = collect_dirs(s, want, n, CPP_DIR_BRACKET, CPP_DIR_BRACKET);
	remove_duplicate_dirs(&bracket, &system, &system);
	quote = collect_dirs(s, want, n, CPP_DIR_QUOTE, CPP_DIR_QUOTE);
	if (clang)
		remove_duplicate_dirs(&quote, &none, &none);
	else
		remove_duplicate_dirs(&quote, &system,
				      bracket.n ? &bracket : &system);
	c = xcalloc(1, sizeof(*c) + n * sizeof(c->dirs[0]));
	c->canonical_system = shorten;
	append_dirs(c, &quote);
	c->bracket_start = c->n_dirs;
	append_dirs(c, &bracket);
	append_dirs(c, &system);
	for (struct cpp_search_path *old = s->paths; old; old = old->next) {
		if (are_paths_equal(old, c)) {
			free(c);
			return old;
		}
	}
	c->id = s->n_paths++;
	c->next = s->paths;
	s->paths = c;
	return c;
}

struct cpp_found_header *cpp_search_cached(struct cpp_search *s, uint32_t name,
					   uint32_t start)
{
	uint32_t h = (name + start * 0x85ebca6bu) * 0x9e3779b1u;
	struct cpp_found_header **head = &s->headers[h >> 16 & (BUCKETS - 1)],
				*f;

	for (f = *head; f; f = f->next) {
		if (f->name == name && f->start == start)
			return f;
	}
	f = arena_alloc(&s->arena, sizeof(*f));
	*f = (struct cpp_found_header){ .name = name,
					.start = start,
					.next = *head };
	*head = f;
	return f;
}
