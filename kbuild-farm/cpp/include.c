/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search path has the order of gcc (incpath.cc, merge_include_chains).  The
 * system directories and the directories of -idirafter form one chain.  A
 * directory of this chain is dropped from the lists of -I and -iquote.
 * Repeated directories are dropped from each list.  The last directory of the
 * -iquote or -I list is also dropped if it equals the first directory of the
 * next list.  In clang (InitHeaderSearch.cpp), the same rules apply to -I, but
 * only repeated directories are dropped from the -iquote list.  Directories
 * with the same device and inode are equal.
 */
#include "cpp/include.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "cpp/cmdline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct search_dir {
	struct cpp_dir *dir;
	bool system;
};

/* A search path.  <x.h> is searched for from index `bracket_start` on. */
struct cpp_search_path {
	struct cpp_search_path *next;
	uint32_t n_dirs, bracket_start;
	bool canonical_system; /* gcc's -fcanonical-system-headers */
	struct search_dir dirs[];
};

/* Values of dir_index for headers outside the search path. */
enum {
	AT_CURRENT = -1, /* in the directory of the including file */
	AT_ABSOLUTE = -2,
};

#define BUCKETS 16384

/* The result of a search of the search path, cached for one unit. */
struct found_header {
	struct found_header *next;
	uint32_t name, start;
	uint32_t unit; /* the result is valid for this unit only */
	struct cpp_cached_file *file; /* NULL: not found */
	int dir_index; /* index in the search path */
	bool system;
};

struct cpp_search {
	struct cpp_search_path *paths;
	struct arena arena; /* holds the entries of `headers` */
	struct found_header *headers[BUCKETS];
};

struct cpp_search *cpp_search_new(void)
{
	return xcalloc(1, sizeof(struct cpp_search));
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

static bool is_same_inode(const struct file_stamp *a,
			  const struct file_stamp *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

static bool has_dir(const struct search_dir *v, size_t n,
		    const struct cpp_dir *d)
{
	for (size_t i = 0; i < n; i++) {
		if (is_same_inode(&v[i].dir->stamp, &d->stamp))
			return true;
	}
	return false;
}

/* A part of a search path. */
struct dir_list {
	struct search_dir *v;
	size_t n;
};

/* Return the existing directories of the kinds `from` to `to`. */
static struct dir_list collect_dirs(const struct cpp_walk *walk, int from,
				    int to)
{
	const struct cpp_dir_option *want = walk->lists->dir_option;
	size_t n = walk->lists->n_dir_option;
	struct dir_list p = { xcalloc(n + 1, sizeof(*p.v)), 0 };

	for (int where = from; where <= to; where++) {
		for (size_t i = 0; i < n; i++) {
			struct cpp_dir *d;

			if (want[i].kind != where)
				continue;
			d = cpp_stat_cache_dir(walk->cwd_cache->stat_cache,
					       want[i].path);
			if (d->exists)
				p.v[p.n++] = (struct search_dir){
					d, where >= CPP_DIR_SYSTEM
				};
		}
	}
	return p;
}

/*
 * Remove duplicates from `p` like gcc's remove_duplicates().  `later` is the
 * system chain, whose directories are dropped from `p`.  `join` is the list
 * that directly follows `p`: the last directory of `p` is dropped if it is also
 * the first directory of `join`.
 */
static void remove_duplicate_dirs(struct dir_list *p,
				  const struct dir_list *later,
				  const struct dir_list *join)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct cpp_dir *d = p->v[i].dir;

		if (has_dir(later->v, later->n, d) || has_dir(p->v, n, d) ||
		    (i + 1 == p->n && join->n &&
		     is_same_inode(&d->stamp, &join->v[0].dir->stamp)))
			continue;
		p->v[n++] = p->v[i];
	}
	p->n = n;
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

/*
 * Return the search path of the unit's directory options, without missing
 * directories and without the duplicates that gcc or clang drops.  The cache
 * owns the path; equal paths are stored once.
 */
static const struct cpp_search_path *make_search_path(
	const struct cpp_walk *walk)
{
	struct cpp_search *s = walk->cwd_cache->search;
	bool clang = walk->dialect->is_clang;
	struct dir_list none = { 0 }, system, bracket, quote;
	size_t n = walk->lists->n_dir_option;
	struct cpp_search_path *c;

	system = collect_dirs(walk, CPP_DIR_SYSTEM, CPP_DIR_AFTER);
	remove_duplicate_dirs(&system, &none, &none);
	bracket = collect_dirs(walk, CPP_DIR_BRACKET, CPP_DIR_BRACKET);
	remove_duplicate_dirs(&bracket, &system, &system);
	quote = collect_dirs(walk, CPP_DIR_QUOTE, CPP_DIR_QUOTE);
	if (clang)
		remove_duplicate_dirs(&quote, &none, &none);
	else
		remove_duplicate_dirs(&quote, &system,
				      bracket.n ? &bracket : &system);
	c = xcalloc(1, sizeof(*c) + n * sizeof(c->dirs[0]));
	c->canonical_system = !walk->cmdline.no_canonical && !clang;
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
	c->next = s->paths;
	s->paths = c;
	return c;
}

/*
 * Return the cached result of a search for `name` from directory `start` on.
 * If the `unit` of the result is not the current unit, the caller must search
 * and fill in the result.
 */
static struct found_header *cached_search(struct cpp_search *s, uint32_t name,
					  uint32_t start)
{
	uint32_t h = (name + start * 0x85ebca6bu) * 0x9e3779b1u;
	struct found_header **head = &s->headers[h >> 16 & (BUCKETS - 1)], *f;

	for (f = *head; f; f = f->next) {
		if (f->name == name && f->start == start)
			return f;
	}
	f = arena_alloc(&s->arena, sizeof(*f));
	*f = (struct found_header){ .name = name,
				    .start = start,
				    .next = *head };
	*head = f;
	return f;
}

static bool is_clang_preprocessing(const struct cpp_walk *walk)
{
	return walk->full && walk->dialect && walk->dialect->is_clang;
}

/* Record that clang searches `d`.  If `dotted`, "./" precedes its path. */
static void add_clang_dir(struct cpp_walk *walk, struct cpp_dir *d, bool dotted)
{
	struct cpp_lists *l = walk->lists;
	uint32_t i = 0;

	if (!is_clang_preprocessing(walk) ||
	    d->clang_unit == walk->worker->unit)
		return;
	d = cpp_stat_cache_dir(walk->cwd_cache->stat_cache, d->path);
	if (!d->exists)
		return;
	while (i < l->n_clang_dir &&
	       !is_same_inode(&l->clang_dir[i].dir->stamp, &d->stamp))
		i++;
	if (i == l->n_clang_dir)
		*CPP_WALK_LISTS_ADD(l, clang_dir) = (struct cpp_clang_dir){
			d, dotted || !*d->path
		};
	d->clang_unit = walk->worker->unit;
	d->clang_index = i;
}

/* Record a lookup of file `n`.  If `dotted`, "./" precedes its path. */
static void add_clang_file(struct cpp_walk *walk, struct cpp_cached_file *n,
			   bool dotted)
{
	struct cpp_lists *l = walk->lists;
	uint32_t i = 0;

	if (!is_clang_preprocessing(walk) ||
	    n->clang_unit[dotted] == walk->worker->unit)
		return;
	add_clang_dir(walk, n->dir, dotted);
	while (i < l->n_clang_file &&
	       !is_same_inode(&l->clang_file[i].file->stamp, &n->stamp))
		i++;
	if (i == l->n_clang_file)
		CPP_WALK_LISTS_ADD(l, clang_file);
	l->clang_file[i] = (struct cpp_clang_file){ n, dotted };
	n->clang_unit[dotted] = walk->worker->unit;
	n->clang_index = i;
}

/*
 * Return the directory whose name clang uses to resolve #include "x.h" in files
 * of `d`: the name under which clang searched the directory first.  On entry,
 * *dotted is true if "./" precedes the path of `d`; on return, *dotted is true
 * if "./" precedes the path of the result.
 */
static struct cpp_dir *clang_name_of_dir(struct cpp_walk *walk,
					 struct cpp_dir *d, bool *dotted)
{
	const struct cpp_clang_dir *met;

	add_clang_dir(walk, d, *dotted);
	if (!is_clang_preprocessing(walk) ||
	    d->clang_unit != walk->worker->unit)
		return d;
	met = &walk->lists->clang_dir[d->clang_index];
	*dotted = met->dotted;
	return met->dir;
}

const struct cpp_cached_file *cpp_include_clang_name(
	const struct cpp_walk *walk, const struct cpp_cached_file *n,
	bool *dotted)
{
	const struct cpp_clang_file *met;

	*dotted = false;
	if (!is_clang_preprocessing(walk) ||
	    (n->clang_unit[0] != walk->worker->unit &&
	     n->clang_unit[1] != walk->worker->unit))
		return n;
	met = &walk->lists->clang_file[n->clang_index];
	*dotted = met->dotted;
	return met->file;
}

static void list_missing_dir(struct cpp_walk *walk, struct cpp_dir *d)
{
	/* If `d` is a file, gcc warns, and clang can use it as a header map. */
	if (d->is_file)
		cpp_walk_fail(walk, REASON_SEARCH_DIRECTORY, d->path);
	else if (d->error)
		cpp_walk_fail(walk, REASON_FILE_STAT, d->path);
	else if (!d->exists)
		cpp_walk_add_absent(walk,
				    cpp_stat_cache_missing_dir(
					    walk->cwd_cache->stat_cache, d));
}

/* Return true if a directory that the driver reported missing exists now. */
static bool has_existing_dir(struct cpp_walk *walk, const struct strv *absent)
{
	for (size_t i = 0; i < absent->n; i++) {
		if (cpp_stat_cache_dir(walk->cwd_cache->stat_cache,
				       absent->v[i])
			    ->exists)
			return true;
	}
	return false;
}

static void add_builtin_dirs(struct cpp_walk *walk)
{
	struct cpp_driver_request driver = cpp_walk_driver(walk);
	const struct strv *dirs = NULL, *absent = NULL;
	struct cpp_lists *l = walk->lists;
	enum reason why = REASON_NONE;

	for (int again = 0; again < 2; again++) {
		if (cpp_driver_query_dirs(&driver, again, &dirs, &absent,
					  &why)) {
			cpp_walk_fail(walk, why, NULL);
			return;
		}
		if (!has_existing_dir(walk, absent))
			break;
	}
	for (size_t i = 0; i < dirs->n; i++)
		*CPP_WALK_LISTS_ADD(l, dir_option) = (struct cpp_dir_option){
			dirs->v[i], CPP_DIR_SYSTEM
		};
	for (size_t i = 0; i < absent->n; i++)
		list_missing_dir(walk,
				 cpp_stat_cache_dir(walk->cwd_cache->stat_cache,
						    absent->v[i]));
}

/* Make the search path, or fail if the compiler's directories are unknown. */
static void begin_search(struct cpp_walk *walk, struct cpp_cached_file *source)
{
	/* The order in which clang's driver passes the directories. */
	static const int order[] = { CPP_DIR_BRACKET, CPP_DIR_AFTER,
				     CPP_DIR_QUOTE, CPP_DIR_SYSTEM };
	struct cpp_stat_cache *cache = walk->cwd_cache->stat_cache;
	const struct cpp_cmdline *line = &walk->cmdline;
	struct cpp_lists *l = walk->lists;

	/*
	 * Add the compiler's own directories last: they have the same kind as
	 * the directories of -isystem, but are searched later.
	 */
	for (size_t i = 0; i < line->n_dirs; i++)
		*CPP_WALK_LISTS_ADD(l, dir_option) = (struct cpp_dir_option){
			line->dirs[i].path, (int)line->dirs[i].kind
		};
	if (!line->nostdinc)
		add_builtin_dirs(walk);
	if (walk->reason)
		return;
	for (size_t i = 0; i < l->n_dir_option; i++) {
		struct cpp_dir *d = cpp_stat_cache_dir(cache,
						       l->dir_option[i].path);

		if (d->exists)
			cpp_walk_add_dir(walk, d->path);
		else
			list_missing_dir(walk, d);
	}
	walk->search_path = make_search_path(walk);

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < l->n_dir_option; j++) {
			if (l->dir_option[j].kind == order[i])
				add_clang_dir(
					walk,
					cpp_stat_cache_dir(
						cache, l->dir_option[j].path),
					false);
		}
	}
	add_clang_file(walk, source, false);
}

/*
 * gcc uses NAME.gch, a precompiled header or a directory of them, for the
 * source, for <stdc-predef.h> and for the first header (libcpp's
 * pch_open_file()).  gcc looks for NAME.gch in each directory that it searches
 * for the header, even if the directory does not contain the header.  clang's
 * driver uses NAME.pch and NAME.gch for the files of -include, but not for
 * #include.  Only the compiler can decide whether it can use such a file.
 *
 * Precompiled headers are rare.  The check costs about two stat(2) calls per
 * unit: one for the source's .gch name and one for the directory of the source.
 * A repeated check for a header costs no call while the directories of the
 * search path are unchanged.
 */

static void check_suffix(struct cpp_walk *walk, struct cpp_dir *dir,
			 const char *name, const char *suffix)
{
	char *file = xasprintf("%s%s", name, suffix);
	uint32_t id = cpp_names_intern(walk->worker->shared->names, file,
				       strlen(file));

	if (!walk->reason &&
	    cpp_stat_cache_is_occupied(walk->cwd_cache->stat_cache, dir, id))
		cpp_walk_fail(walk, REASON_PRECOMPILED, file);
	free(file);
}

/* Return true if gcc can use a precompiled header for the next header. */
static bool is_pch_possible(const struct cpp_walk *walk)
{
	return !walk->header_included && !(walk->cmdline.mode & CPP_MODE_ASM) &&
	       !walk->dialect->is_clang;
}

/* Fail the unit if `dir` has a precompiled header for header `name`. */
static void check_pch_dir(struct cpp_walk *walk, struct cpp_dir *dir,
			  uint32_t name)
{
	check_suffix(walk, dir,
		     cpp_names_get(walk->worker->shared->names, name)->s,
		     ".gch");
}

/*
 * Call check_pch_dir() for the directories of the search path up to index `at`,
 * or for all of them if `at` is negative.
 */
static void check_pch_path(struct cpp_walk *walk, uint32_t name, int at)
{
	uint32_t end = at < 0 ? walk->search_path->n_dirs : (uint32_t)at + 1;

	for (uint32_t i = 0; i < end; i++)
		check_pch_dir(walk, walk->search_path->dirs[i].dir, name);
}

/*
 * Fail the unit if a precompiled header exists for the source `n` (gcc) or for
 * a file of -include (clang).
 */
static void check_pch_source(struct cpp_walk *walk,
			     const struct cpp_cached_file *n)
{
	const struct strv *includes = &walk->cmdline.includes;
	struct cpp_dir *cwd;

	if (is_pch_possible(walk))
		check_suffix(walk, n->dir, str_base(n->path), ".gch");
	if (!walk->dialect->is_clang)
		return;
	cwd = cpp_stat_cache_dir(walk->cwd_cache->stat_cache, "");
	for (size_t i = 0; i < includes->n; i++) {
		check_suffix(walk, cwd, includes->v[i], ".pch");
		check_suffix(walk, cwd, includes->v[i], ".gch");
	}
}

/* Include depth beyond which gcc and clang fail. */
#define INCLUDE_DEPTH_MAX 200

/* The result of a header search. */
struct found_path {
	struct cpp_cached_file *file;
	int dir_index;
	bool system;
	bool dotted; /* "./" precedes the path; see cpp/include.h */
};

/*
 * Search the directories from index `start` on for a header.  The result is
 * cached for the unit.
 */
static struct found_path search_dirs(struct cpp_walk *walk, uint32_t name,
				     uint32_t start)
{
	struct cpp_stat_cache *cache = walk->cwd_cache->stat_cache;
	const struct cpp_search_path *c = walk->search_path;
	const struct cpp_frame *frame = cpp_walk_top(walk);
	struct found_header *f;
	uint32_t i = start;

	f = cached_search(walk->cwd_cache->search, name, start);
	if (f->unit == walk->worker->unit)
		i = c->n_dirs;
	else
		f->file = NULL;
	f->unit = walk->worker->unit;
	for (; i < c->n_dirs; i++) {
		struct cpp_path_lookup *p;

		p = cpp_stat_cache_lookup(cache, c->dirs[i].dir, name,
					  c->canonical_system &&
						  c->dirs[i].system);
		f->file = p->file;
		f->dir_index = (int)i;
		f->system = c->dirs[i].system;
		/*
		 * gcc looks up the long path and opens the file by its shorter
		 * real path.
		 */
		if (p->long_file)
			cpp_walk_add_file(walk, p->long_file, CPP_FILE_PROBED,
					  frame ? frame->line : 0);
		if (f->file)
			break;
		cpp_walk_add_absence(walk, p);
		if (walk->full)
			add_clang_dir(walk, p->parent, false);
	}
	return (struct found_path){ .file = f->file,
				    .dir_index = f->dir_index,
				    .system = f->file && f->system };
}

/* Search the directory of the file that includes "x.h". */
static struct found_path find_near_includer(struct cpp_walk *walk,
					    uint32_t name)
{
	struct cpp_frame *f = cpp_walk_top(walk);
	struct found_path hit = { .dir_index = AT_CURRENT,
				  .system = f->system };
	struct cpp_dir *d = f->file->dir;
	struct cpp_path_lookup *p;

	if (walk->full)
		d = clang_name_of_dir(walk, d, &hit.dotted);
	p = cpp_stat_cache_lookup(walk->cwd_cache->stat_cache, d, name, false);
	hit.file = p->file;
	if (!p->file) {
		cpp_walk_add_absence(walk, p);
		if (walk->full)
			add_clang_dir(walk, p->parent, hit.dotted);
	}
	return hit;
}

/*
 * Find the directory where the search of #include_next starts.  Return false if
 * the directive acts as #include.
 */
static bool next_start(struct cpp_walk *walk, uint32_t *start)
{
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (walk->lists->n_frame == 1 && f->file_index == 0)
		return false;
	if (f->dir_index >= 0) {
		*start = (uint32_t)f->dir_index + 1;
		return true;
	}
	/* In gcc, the includer's directory precedes the whole search path. */
	*start = 0;
	return f->dir_index == AT_CURRENT && !walk->dialect->is_clang;
}

static struct found_path find_header_file(struct cpp_walk *walk, uint32_t name,
					  bool angled, bool next)
{
	const struct cpp_name *s = cpp_names_get(walk->worker->shared->names,
						 name);
	struct found_path hit = { 0 };
	uint32_t start = 0;

	if (s->s[0] == '/') {
		hit.dir_index = AT_ABSOLUTE;
		hit.file = cpp_stat_cache_file(walk->cwd_cache->stat_cache,
					       s->s);
		if (!hit.file->exists && !hit.file->error) {
			cpp_walk_add_absent(walk, hit.file->path);
			hit.file = NULL;
		}
		return hit;
	}
	if (next && next_start(walk, &start))
		return search_dirs(walk, name, start);
	if (!angled)
		hit = find_near_includer(walk, name);
	if (!hit.file)
		hit = search_dirs(walk, name,
				  angled ? walk->search_path->bracket_start :
					   0);
	return hit;
}

static struct found_path find_header(struct cpp_walk *walk, uint32_t name,
				     bool angled, bool next)
{
	struct found_path hit = find_header_file(walk, name, angled, next);

	/*
	 * Look for precompiled headers in all directories that were searched
	 * for the header.  For <x.h> and #include_next, the check also includes
	 * the directories before the start of the search.
	 */
	if (is_pch_possible(walk) && !(hit.file && hit.file->error)) {
		const char *s =
			cpp_names_get(walk->worker->shared->names, name)->s;

		if (*s == '/')
			check_pch_dir(walk,
				      cpp_stat_cache_dir(
					      walk->cwd_cache->stat_cache, ""),
				      name);
		else if (!angled)
			check_pch_dir(walk, cpp_walk_top(walk)->file->dir,
				      name);
		if (*s != '/' && (!hit.file || hit.dir_index >= 0))
			check_pch_path(walk, name,
				       hit.file ? hit.dir_index : AT_CURRENT);
	}
	if (walk->full && hit.file)
		add_clang_file(walk, hit.file, hit.dotted);
	return hit;
}

int cpp_include_exists(void *ctx, uint32_t name, bool angled, bool next,
		       enum reason *why)
{
	struct cpp_worker *w = ctx;
	struct found_path hit;

	if (!w->walk->lists->n_frame) {
		*why = REASON_HAS_INCLUDE_OUTSIDE;
		return -1;
	}
	hit = find_header(w->walk, name, angled, next);
	if (hit.file && hit.file->error) {
		*why = REASON_FILE_STAT;
		return -1;
	}
	if (hit.file)
		cpp_walk_add_file(w->walk, hit.file, CPP_FILE_PROBED,
				  cpp_walk_top(w->walk)->line);
	return hit.file != NULL;
}

static bool has_same_bytes(const char *a, const char *b)
{
	struct buf x = { 0 }, y = { 0 };
	struct err err;
	bool same;

	/* If a file cannot be read, treat the files as different. */
	same = !fs_read(a, SIZE_MAX / 4, &x, &err) &&
	       !fs_read(b, SIZE_MAX / 4, &y, &err) &&
	       bytes_equal(buf_bytes(&x), buf_bytes(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

/*
 * In gcc, #pragma once identifies a file by its size, its mtime in seconds and
 * its content; in clang, by its device and inode.
 */
static bool is_included_once(struct cpp_walk *walk,
			     const struct cpp_cached_file *n)
{
	const struct file_stamp *a = &n->stamp;
	bool clang = walk->dialect->is_clang;

	if (n->once_unit == walk->worker->unit)
		return true;
	for (size_t i = 0; i < walk->lists->n_once; i++) {
		const struct cpp_cached_file *o = walk->lists->once[i];
		const struct file_stamp *b = &o->stamp;
		bool same = is_same_inode(a, b);

		if (clang ? same :
			    a->size == b->size &&
				    a->mtime_ns / 1000000000 ==
					    b->mtime_ns / 1000000000 &&
				    (same || has_same_bytes(n->abs, o->abs)))
			return true;
	}
	return false;
}

/* Ensure that a file's directives are loaded. */
static bool read_cached_file(struct cpp_walk *walk,
			     struct cpp_cached_file *file)
{
	struct cpp_names *names = walk->worker->shared->names;
	int ret = file->error;

	if (file->text && (!walk->full || atomic_load(&file->text->full)))
		return true;
	if (!ret)
		ret = cpp_stat_cache_read(walk->cwd_cache->stat_cache, file,
					  walk->full);
	if (ret)
		cpp_walk_fail(walk,
			      file->error    ? REASON_FILE_STAT :
			      ret == -EAGAIN ? REASON_FILE_CHANGES :
					       REASON_FILE_UNREADABLE,
			      file->path);
	else if (cpp_names_memory(names) > walk->max_memory_bytes)
		cpp_walk_fail(walk, REASON_MEMORY, file->path);
	return !walk->reason && file->text;
}

/*
 * Return true if the guard of `t` is defined and covers all directives and, in
 * full preprocessing, all text.
 */
static inline bool has_no_effect(struct cpp_walk *walk, struct cpp_text *t)
{
	const struct cpp_full_text *full;

	if (t->guard == WORD_NONE ||
	    !cpp_macro_find(&walk->worker->state, t->guard))
		return false;
	if (!walk->full)
		return true;
	full = atomic_load(&t->full);
	return full && !full->starts[1] &&
	       full->starts[t->n_directives] == full->n_tokens;
}

/*
 * Add a file to the closure, and push a frame for the file unless #pragma once
 * excludes it or its include guard makes it empty.
 */
static void enter_file(struct cpp_walk *walk, struct cpp_cached_file *file,
		       int at, bool system)
{
	const struct cpp_closure_entry *e = file->entry;
	const struct cpp_frame *f = cpp_walk_top(walk);
	struct cpp_lists *l = walk->lists;
	enum cpp_file_kind kind;
	size_t index;

	if (f)
		system |= f->system;
	/*
	 * In clang, a file found next to its includer has the search position
	 * of the includer.
	 */
	if (f && at == AT_CURRENT && walk->dialect->is_clang)
		at = f->dir_index;
	/*
	 * Return without reading the file only if the closure already lists the
	 * file as the source or as a header.
	 */
	if (file->text && e->unit == walk->worker->unit &&
	    l->file[e->index].kind < CPP_FILE_INPUT &&
	    has_no_effect(walk, file->text))
		return;
	if (!read_cached_file(walk, file))
		return;
	/* Text outside the guard matters even if the guard is defined. */
	cpp_walk_add_marks(walk, file->text);
	kind = !f && l->n_file == 0 ? CPP_FILE_SOURCE :
	       system               ? CPP_FILE_SYSTEM_HEADER :
				      CPP_FILE_HEADER;
	if (l->n_once && is_included_once(walk, file))
		kind = CPP_FILE_PROBED;
	index = cpp_walk_add_file(walk, file, kind, f ? f->line : 0);
	if (kind == CPP_FILE_PROBED)
		return;
	if (file->text->reason) {
		cpp_walk_fail(walk, file->text->reason, file->path);
		return;
	}
	if (file->text->has_slash_comments) {
		cpp_walk_fail(walk, REASON_LINE_COMMENT, file->path);
		return;
	}
	if (has_no_effect(walk, file->text))
		return;
	if (l->n_frame >= INCLUDE_DEPTH_MAX) {
		cpp_walk_fail(walk, REASON_INCLUDE_DEPTH, file->path);
		return;
	}
	walk->n_locations += file->text->n_locations;
	*CPP_WALK_LISTS_ADD(l, frame) = (struct cpp_frame){
		.file = file,
		.text = file->text,
		.dir_index = at,
		.system = system,
		.file_index = index,
	};
}

void cpp_include_header(struct cpp_walk *walk, uint32_t name, bool angled,
			bool next)
{
	struct found_path hit = find_header(walk, name, angled, next);

	walk->header_included = true;
	if (hit.file)
		enter_file(walk, hit.file, hit.dir_index, hit.system);
	else
		cpp_walk_fail(
			walk, REASON_NO_HEADER,
			cpp_names_get(walk->worker->shared->names, name)->s);
}

/* Walk a file and everything that it includes. */
static void walk_from_file(struct cpp_walk *walk, struct cpp_cached_file *file,
			   int at, bool system)
{
	add_clang_file(walk, file, false);
	enter_file(walk, file, at, system);
	cpp_walk_run(walk);
}

/*
 * Walk a file of -include or -imacros.  The working directory is searched
 * first.
 */
static void walk_command_line_file(struct cpp_walk *walk, const char *path)
{
	struct cpp_stat_cache *cache = walk->cwd_cache->stat_cache;
	uint32_t name = cpp_names_intern(walk->worker->shared->names, path,
					 strlen(path));
	struct cpp_dir *here = cpp_stat_cache_dir(cache,
						  *path == '/' ? "" : "./");
	struct found_path f;
	struct cpp_cached_file *n;
	bool takes_gch, dotted = false;

	if (*path != '/') {
		struct cpp_dir *d = clang_name_of_dir(walk, here, &dotted);

		if (*d->path)
			here = d;
	}
	takes_gch = is_pch_possible(walk);
	if (walk->reason)
		return;
	walk->header_included = true;
	if (takes_gch)
		check_pch_dir(walk, here, name);
	n = *path == '/' ?
		    cpp_stat_cache_file(cache, path) :
		    cpp_stat_cache_lookup(cache, here, name, false)->file;
	if (n && (n->exists || n->error)) {
		walk_from_file(walk, n, *path == '/' ? AT_ABSOLUTE : AT_CURRENT,
			       false);
		return;
	}
	cpp_walk_add_absent(walk, path);
	f = search_dirs(walk, name, 0);
	if (takes_gch && *path != '/' && !(f.file && f.file->error))
		check_pch_path(walk, name, f.file ? f.dir_index : AT_CURRENT);
	if (*path != '/' && f.file)
		walk_from_file(walk, f.file, f.dir_index, f.system);
	else
		cpp_walk_fail(walk, REASON_NO_HEADER, path);
}

/* Walk <stdc-predef.h>, which gcc preincludes if the C library has it. */
static void walk_stdc_predef(struct cpp_walk *walk)
{
	static const char path[] = "stdc-predef.h";
	uint32_t name;
	struct found_path f;

	if (walk->cmdline.nostdinc || walk->cmdline.freestanding ||
	    walk->reason || walk->dialect->is_clang)
		return;
	name = cpp_names_intern(walk->worker->shared->names, path,
				strlen(path));
	f = search_dirs(walk, name, walk->search_path->bracket_start);
	if (is_pch_possible(walk))
		check_pch_path(walk, name, f.file ? f.dir_index : AT_CURRENT);
	if (f.file)
		walk_from_file(walk, f.file, f.dir_index, f.system);
}

/* Return the lexed text of a #define or #undef line, cached in the worker. */
static struct cpp_text *definition_text(struct cpp_worker *w, const char *line,
					unsigned mode)
{
	struct cpp_cmdline_macro **d;
	struct buf in = { 0 };
	uint32_t h = mode;

	for (const char *s = line; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x01000193u;
	d = &w->cmdline_macros[(h ^ h >> 16) % CPP_CMDLINE_MACRO_BUCKETS];
	for (; *d; d = &(*d)->next) {
		if (!strcmp((*d)->line, line) && (*d)->text->mode == mode)
			return (*d)->text;
	}
	buf_add_str(&in, line);
	*d = xcalloc(1, sizeof(**d));
	(*d)->line = xstrdup(line);
	(*d)->text = cpp_lex_file(w->shared->names, &in, mode, false);
	cpp_names_charge(w->shared->names, 256 + in.len * 2);
	buf_release(&in);
	return (*d)->text;
}

/* Return the current definition of a macro, or NULL. */
static struct cpp_def *find_definition(struct cpp_worker *w, const char *name)
{
	uint32_t id = cpp_names_intern(w->shared->names, name, strlen(name));

	return cpp_macro_find(&w->state, id);
}

/*
 * Return true if wchar_t is unsigned.  In C, gcc predefines no macro for the
 * signedness, but __WCHAR_MIN__ is (-__WCHAR_MAX__ - 1) if wchar_t is signed,
 * else 0U (gcc/c-family/c-cppbuiltin.c).
 */
static bool wchar_is_unsigned(struct cpp_worker *w)
{
	struct cpp_def *def = find_definition(w, "__WCHAR_MIN__");
	const struct cpp_macro *m;

	if (!def)
		return find_definition(w, "__WCHAR_UNSIGNED__");
	m = cpp_macro_parsed(def, w->shared->names);
	for (uint32_t i = 0; i < m->n_tokens; i++) {
		if (cpp_is_punct(m->body[i], '-'))
			return false;
	}
	return true;
}

void cpp_include_walk_source(struct cpp_walk *walk,
			     struct cpp_cached_file *source)
{
	const struct cpp_cmdline *line = &walk->cmdline;
	struct cpp_worker *w = walk->worker;
	unsigned clang = walk->dialect->is_clang ? CPP_MODE_CLANG : 0;

	begin_search(walk, source);
	if (walk->reason)
		return;

	cpp_state_reset(&w->state, line->mode | clang);
	for (size_t i = 0; i < walk->dialect->n_builtins; i++)
		cpp_macro_define(&w->state, &walk->dialect->builtins[i]);
	cpp_walk_apply_definitions(walk, walk->dialect->macros);
	w->state.char_unsigned = find_definition(w, "__CHAR_UNSIGNED__");
	w->state.wchar_unsigned = wchar_is_unsigned(w);
	for (size_t i = 0; i < line->defines.n; i++)
		cpp_walk_apply_definitions(
			walk,
			definition_text(w, line->defines.v[i], line->mode));

	check_pch_source(walk, source);
	walk->in_imacros = true;
	for (size_t i = 0; i < line->imacros.n; i++)
		walk_command_line_file(walk, line->imacros.v[i]);
	walk->in_imacros = false;
	walk_stdc_predef(walk);
	for (size_t i = 0; i < line->includes.n; i++)
		walk_command_line_file(walk, line->includes.v[i]);
	if (!walk->reason)
		walk_from_file(walk, source, AT_CURRENT, false);
}
