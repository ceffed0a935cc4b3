/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/include.h"

#include "base/fs.h"
#include "base/str.h"
#include "cpp/cmdline.h"
#include "cpp/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_clang_preprocessing(const struct cpp_walk *walk)
{
	return walk->full && walk->dialect && walk->dialect->is_clang;
}

static bool is_same_inode(const struct file_stamp *a,
			  const struct file_stamp *b)
{
	return a->ino == b->ino && a->dev == b->dev;
}

/* Record that clang searches `d`, under a name with "./" if `dotted`. */
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

void cpp_clang_name_add_file(struct cpp_walk *walk, struct cpp_cached_file *n,
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

struct cpp_dir *cpp_clang_name_dir(struct cpp_walk *walk, struct cpp_dir *d,
				   bool *dotted)
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

const struct cpp_cached_file *cpp_clang_name_file(
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

/* clang's driver passes the include directories in the order of `order`. */
void cpp_clang_name_begin(struct cpp_walk *walk, struct cpp_cached_file *source)
{
	static const int order[] = { CPP_DIR_BRACKET, CPP_DIR_AFTER,
				     CPP_DIR_QUOTE, CPP_DIR_SYSTEM };
	const struct cpp_lists *l = walk->lists;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (size_t j = 0; j < l->n_dir_option; j++) {
			if (l->dir_option[j].kind == order[i])
				add_clang_dir(
					walk,
					cpp_stat_cache_dir(
						walk->cwd_cache->stat_cache,
						l->dir_option[j].path),
					false);
		}
	}
	cpp_clang_name_add_file(walk, source, false);
}

/*
 * gcc uses NAME.gch, a precompiled header or a directory of them, for the
 * source, for <stdc-predef.h> and for the first header (libcpp's
 * pch_open_file()).  It tries each directory that it searches, even if the
 * directory does not contain the header.  clang's driver uses NAME.pch and
 * NAME.gch for the files of -include, but not for #include.  Only the compiler
 * can decide whether it can use such a file.
 *
 * Precompiled headers are rare.  The check costs about two stat(2) per unit, of
 * the source's .gch name and of its directory, because an unchanged directory
 * is not searched again.
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

bool cpp_pch_is_possible(const struct cpp_walk *walk)
{
	return !walk->header_included && !(walk->cmdline.mode & CPP_MODE_ASM) &&
	       !walk->dialect->is_clang;
}

void cpp_pch_check_dir(struct cpp_walk *walk, struct cpp_dir *dir,
		       uint32_t name)
{
	check_suffix(walk, dir,
		     cpp_names_get(walk->worker->shared->names, name)->s,
		     ".gch");
}

void cpp_pch_check_search_path(struct cpp_walk *walk, uint32_t name, int at)
{
	uint32_t end = at < 0 ? walk->search_path->n_dirs : (uint32_t)at + 1;

	for (uint32_t i = 0; i < end; i++)
		cpp_pch_check_dir(walk, walk->search_path->dirs[i].dir, name);
}

void cpp_pch_check_source(struct cpp_walk *walk,
			  const struct cpp_cached_file *n)
{
	const struct strv *includes = &walk->cmdline.includes;
	struct cpp_dir *cwd;

	if (cpp_pch_is_possible(walk))
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

const struct cpp_found_header *cpp_include_search(struct cpp_walk *walk,
						  uint32_t name, uint32_t start)
{
	struct cpp_stat_cache *tree = walk->cwd_cache->stat_cache;
	const struct cpp_search_path *c = walk->search_path;
	const struct cpp_frame *frame = cpp_walk_top(walk);
	struct cpp_found_header *f;

	f = cpp_search_cached(walk->cwd_cache->search, name, start);
	if (f->unit == walk->worker->unit)
		return f;
	f->unit = walk->worker->unit;
	f->file = NULL;
	for (uint32_t i = start; i < c->n_dirs; i++) {
		struct cpp_path_lookup *p;

		p = cpp_stat_cache_lookup(tree, c->dirs[i].dir, name,
					  c->canonical_system &&
						  c->dirs[i].system);
		f->file = p->file;
		f->dir_index = (int)i;
		f->system = c->dirs[i].system;
		/*
		 * The compiler looks up the long name and opens the canonical
		 * name.
		 */
		if (p->long_file)
			cpp_walk_add_file(walk, p->long_file, CPP_FILE_PROBED,
					  frame ? frame->line : 0);
		if (f->file)
			break;
		cpp_walk_add_absent(walk, cpp_stat_cache_absent_path(tree, p));
		if (walk->full)
			add_clang_dir(walk, p->parent, false);
	}
	return f;
}

static struct found_path search_dirs(struct cpp_walk *walk, uint32_t name,
				     uint32_t start)
{
	const struct cpp_found_header *f = cpp_include_search(walk, name,
							      start);

	return (struct found_path){ .file = f->file,
				    .dir_index = f->dir_index,
				    .system = f->file && f->system };
}

/* Search next to the file that includes "x.h". */
static struct found_path find_near_includer(struct cpp_walk *walk,
					    uint32_t name)
{
	struct cpp_frame *f = cpp_walk_top(walk);
	struct found_path hit = { .dir_index = CPP_AT_CURRENT,
				  .system = f->system };
	struct cpp_dir *d = f->file->dir;
	struct cpp_path_lookup *p;

	if (walk->full)
		d = cpp_clang_name_dir(walk, d, &hit.dotted);
	p = cpp_stat_cache_lookup(walk->cwd_cache->stat_cache, d, name, false);
	hit.file = p->file;
	if (!p->file) {
		cpp_walk_add_absent(walk,
				    cpp_stat_cache_absent_path(
					    walk->cwd_cache->stat_cache, p));
		if (walk->full)
			add_clang_dir(walk, p->parent, hit.dotted);
	}
	return hit;
}

/*
 * Find where #include_next continues.  Return false if the directive acts as
 * #include.
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
	return f->dir_index == CPP_AT_CURRENT && !walk->dialect->is_clang;
}

static struct found_path find_header_file(struct cpp_walk *walk, uint32_t name,
					  bool angled, bool next)
{
	const struct cpp_name *s = cpp_names_get(walk->worker->shared->names,
						 name);
	struct found_path hit = { 0 };
	uint32_t start = 0;

	if (s->s[0] == '/') {
		hit.dir_index = CPP_AT_ABSOLUTE;
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
	 * Look for precompiled headers in all directories that were searched.
	 * After #include_next, this checks a few more directories.
	 */
	if (cpp_pch_is_possible(walk) && !(hit.file && hit.file->error)) {
		const char *s =
			cpp_names_get(walk->worker->shared->names, name)->s;

		if (*s == '/')
			cpp_pch_check_dir(
				walk,
				cpp_stat_cache_dir(walk->cwd_cache->stat_cache,
						   ""),
				name);
		else if (!angled)
			cpp_pch_check_dir(walk, cpp_walk_top(walk)->file->dir,
					  name);
		if (*s != '/' && (!hit.file || hit.dir_index >= 0))
			cpp_pch_check_search_path(walk, name,
						  hit.file ? hit.dir_index :
							     CPP_AT_CURRENT);
	}
	if (walk->full && hit.file)
		cpp_clang_name_add_file(walk, hit.file, hit.dotted);
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

void cpp_include_header(struct cpp_walk *walk, uint32_t name, bool angled,
			bool next)
{
	struct found_path hit = find_header(walk, name, angled, next);

	walk->header_included = true;
	if (hit.file)
		cpp_include_enter(walk, hit.file, hit.dir_index, hit.system);
	else
		cpp_walk_fail(
			walk, REASON_NO_HEADER,
			cpp_names_get(walk->worker->shared->names, name)->s);
}

static bool has_same_bytes(const char *a, const char *b)
{
	struct buf x = { 0 }, y = { 0 };
	struct err err;
	bool same;

	/* If a file is unreadable, the walk reports it. */
	same = !fs_read(a, SIZE_MAX / 4, &x, &err) &&
	       !fs_read(b, SIZE_MAX / 4, &y, &err) &&
	       bytes_equal(buf_bytes(&x), buf_bytes(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

/*
 * #pragma once identifies files by mtime in seconds and content in gcc, and by
 * device and inode in clang.
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
			     struct cpp_cached_file *node)
{
	struct cpp_names *names = walk->worker->shared->names;
	int ret = node->error;

	if (node->text && (!walk->full || atomic_load(&node->text->full)))
		return true;
	if (!ret)
		ret = cpp_stat_cache_read(walk->cwd_cache->stat_cache, node,
					  walk->full);
	if (ret)
		cpp_walk_fail(walk,
			      node->error    ? REASON_FILE_STAT :
			      ret == -EAGAIN ? REASON_FILE_CHANGES :
					       REASON_FILE_UNREADABLE,
			      node->path);
	else if (cpp_names_memory(names) > walk->max_memory_bytes)
		cpp_walk_fail(walk, REASON_MEMORY, node->path);
	return !walk->reason && node->text;
}

/* Return true if the file's guard is defined and covers all of it. */
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

void cpp_include_enter(struct cpp_walk *walk, struct cpp_cached_file *node,
		       int at, bool system)
{
	const struct cpp_closure_entry *e = node->entry;
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
	if (f && at == CPP_AT_CURRENT && walk->dialect->is_clang)
		at = f->dir_index;
	/* Skip the file unopened only if it is already listed as read. */
	if (node->text && e->unit == walk->worker->unit &&
	    l->file[e->index].kind < CPP_FILE_INPUT &&
	    has_no_effect(walk, node->text))
		return;
	if (!read_cached_file(walk, node))
		return;
	/* Text outside the guard matters even if the guard is defined. */
	cpp_walk_add_marks(walk, node->text);
	if (l->n_once && is_included_once(walk, node))
		return;
	kind = !f && l->n_file == 0 ? CPP_FILE_SOURCE :
	       system               ? CPP_FILE_SYSTEM_HEADER :
				      CPP_FILE_HEADER;
	index = cpp_walk_add_file(walk, node, kind, f ? f->line : 0);
	if (node->text->unbalanced) {
		cpp_walk_fail(walk, REASON_CONDITIONALS, node->path);
		return;
	}
	if (node->text->has_slash_comments) {
		cpp_walk_fail(walk, REASON_LINE_COMMENT, node->path);
		return;
	}
	if (has_no_effect(walk, node->text))
		return;
	if (l->n_frame >= INCLUDE_DEPTH_MAX) {
		cpp_walk_fail(walk, REASON_INCLUDE_DEPTH, node->path);
		return;
	}
	*CPP_WALK_LISTS_ADD(l, frame) = (struct cpp_frame){
		.file = node,
		.text = node->text,
		.dir_index = at,
		.system = system,
		.file_index = index,
	};
}
