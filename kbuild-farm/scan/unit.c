/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order is gcc's: what the compiler predefines, the command line's
 * definitions, -imacros, the file that glibc wants in front, -include, the
 * source.
 */
#include "scan/unit.h"

#include "scan/assembly.h"
#include "scan/clang-name.h"
#include "scan/exact.h"
#include "scan/include.h"
#include "scan/input.h"
#include "scan/list.h"
#include "scan/precompiled.h"
#include "scan/walk.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* What one unit may add to the caches. */
#define UNIT_MAX ((size_t)96 << 20)

static void add_want(struct scan_walk *walk, int where, const char *path)
{
	struct scan_lists *l = walk->l;

	*SCAN_LIST_ADD(l, want) = (struct scan_want){ path, where };
}

static void no_dir(struct scan_walk *walk, struct scan_dir *d)
{
	if (d->error)
		scan_walk_fail(walk, REASON_FILE_STAT, d->path);
	else if (!d->exists)
		scan_walk_absent(walk, scan_tree_no_dir(walk->place->tree, d));
}

/* A directory that the compiler did not find when it was asked is there. */
static bool one_is_there(struct scan_walk *walk, const struct strv *absent)
{
	for (size_t i = 0; i < absent->n; i++) {
		if (scan_tree_dir(walk->place->tree, absent->v[i])->exists)
			return true;
	}
	return false;
}

static void want_own(struct scan_walk *walk)
{
	const struct strv *dirs = NULL, *absent = NULL;
	enum reason why = REASON_NONE;

	for (int again = 0; again < 2; again++) {
		if (scan_dialect_dirs(walk->w->common->answers, walk->dialect,
				      walk->unit, &walk->line, again, &dirs,
				      &absent, &why)) {
			scan_walk_fail(walk, why, NULL);
			return;
		}
		if (!one_is_there(walk, absent))
			break;
	}
	for (size_t i = 0; i < dirs->n; i++)
		add_want(walk, SCAN_PATH_SYSTEM, dirs->v[i]);
	for (size_t i = 0; i < absent->n; i++)
		no_dir(walk, scan_tree_dir(walk->place->tree, absent->v[i]));
}

static void make_chain(struct scan_walk *walk)
{
	const struct scan_line *line = &walk->line;
	struct scan_lists *l = walk->l;
	bool clang = walk->dialect->is_clang;

	/* -isystem stands before the compiler's own, -idirafter behind. */
	for (size_t i = 0; i < line->n_dir; i++)
		add_want(walk, (int)line->dir[i].where, line->dir[i].path);
	if (!line->nostdinc)
		want_own(walk);
	if (walk->why)
		return;
	for (size_t i = 0; i < l->n_want; i++) {
		struct scan_dir *d;

		d = scan_tree_dir(walk->place->tree, l->want[i].path);
		if (d->exists)
			scan_walk_dir(walk, d->path);
		else
			no_dir(walk, d);
	}
	walk->chain = scan_search_chain(walk->place->search, l->want, l->n_want,
					clang, !line->no_canonical && !clang);
}

/* The directives of one definition, read once per worker. */
static struct scan_text *definition_text(struct scan_worker *w,
					 const char *line, unsigned mode)
{
	struct scan_defined **d;
	struct buf in = { 0 };
	uint32_t h = mode;

	for (const char *s = line; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x01000193u;
	d = &w->defined[(h ^ h >> 16) % SCAN_DEFINED_BUCKETS];
	for (; *d; d = &(*d)->next) {
		if (!strcmp((*d)->line, line) && (*d)->text->mode == mode)
			return (*d)->text;
	}
	buf_add_str(&in, line);
	*d = xcalloc(1, sizeof(**d));
	(*d)->line = xstrdup(line);
	(*d)->text = scan_lex(w->common->names, &in, mode, false);
	scan_names_charge(w->common->names, 256 + in.len * 2);
	buf_release(&in);
	return (*d)->text;
}

static bool has_definition(struct scan_worker *w, const char *name)
{
	uint32_t id = scan_name_id(w->common->names, name, strlen(name));

	return scan_cpp_def(&w->cpp, id);
}

/*
 * In C gcc does not say so by name: its least wchar_t is (-__WCHAR_MAX__ - 1),
 * or 0U (gcc/c-family/c-cppbuiltin.c).
 */
static bool wchar_is_unsigned(struct scan_worker *w)
{
	static const char least[] = "__WCHAR_MIN__";
	uint32_t id = scan_name_id(w->common->names, least, strlen(least));
	struct scan_def *def = scan_cpp_def(&w->cpp, id);
	const struct scan_macro *m;

	if (!def)
		return has_definition(w, "__WCHAR_UNSIGNED__");
	m = scan_macro_of(def, w->common->names);
	for (uint32_t i = 0; i < m->n; i++) {
		if (scan_is_punct(m->body[i], '-'))
			return false;
	}
	return true;
}

static void define_all(struct scan_walk *walk)
{
	struct scan_worker *w = walk->w;
	unsigned clang = walk->dialect->is_clang ? SCAN_CLANG : 0;

	scan_cpp_reset(&w->cpp, walk->line.mode | clang);
	for (size_t i = 0; i < walk->dialect->n_builtin; i++)
		scan_cpp_define(&w->cpp, &walk->dialect->builtin[i]);
	scan_walk_text(walk, walk->dialect->macros);
	w->cpp.char_unsigned = has_definition(w, "__CHAR_UNSIGNED__");
	w->cpp.wchar_unsigned = wchar_is_unsigned(w);
	for (size_t i = 0; i < walk->line.define.n; i++)
		scan_walk_text(walk, definition_text(w, walk->line.define.v[i],
						     walk->line.mode));
}

/* Go through a file and all that it includes. */
static void walk_through(struct scan_walk *walk, struct scan_node *node, int at,
			 bool system)
{
	scan_clang_met(walk, node, false);
	scan_walk_enter(walk, node, at, system);
	if (walk->exact)
		scan_exact_read(walk);
	else
		scan_walk_read(walk);
}

/* Where the command line's files are looked for first. */
static struct scan_dir *dir_of_line(struct scan_walk *walk)
{
	struct scan_dir *here = scan_tree_dir(walk->place->tree, "./"), *d;
	bool dotted = false;

	d = scan_clang_dir(walk, here, &dotted);
	return *d->path ? d : here;
}

/* -include and -imacros: here first, then as #include "x". */
static void command_line_file(struct scan_walk *walk, const char *path)
{
	struct scan_tree *tree = walk->place->tree;
	uint32_t name = scan_name_id(walk->w->common->names, path,
				     strlen(path));
	struct scan_dir *here = *path == '/' ? scan_tree_dir(tree, "") :
					       dir_of_line(walk);
	bool takes_gch = scan_walk_takes_gch(walk);
	const struct scan_found *f;
	struct scan_node *n;

	if (walk->why)
		return;
	walk->included = true;
	if (takes_gch)
		scan_walk_gch(walk, here, name);
	n = *path == '/' ? scan_tree_node(tree, path) :
			   scan_tree_probe(tree, here, name, false)->node;
	if (n && (n->exists || n->error)) {
		walk_through(walk, n,
			     *path == '/' ? SCAN_AT_ABSOLUTE : SCAN_AT_CURRENT,
			     false);
		return;
	}
	scan_walk_absent(walk, path);
	f = scan_walk_search(walk, name, 0);
	if (takes_gch && *path != '/' && !(f->node && f->node->error))
		scan_walk_gch_chain(walk, name, f->node ? f->at : -1);
	if (*path != '/' && f->node)
		walk_through(walk, f->node, f->at, f->system);
	else
		scan_walk_fail(walk, REASON_NO_HEADER, path);
}

/* gcc on glibc: <stdc-predef.h>, if there is one. */
static void preinclude(struct scan_walk *walk)
{
	static const char path[] = "stdc-predef.h";
	uint32_t name;
	const struct scan_found *f;

	if (walk->line.nostdinc || walk->line.freestanding || walk->why ||
	    walk->dialect->is_clang)
		return;
	name = scan_name_id(walk->w->common->names, path, strlen(path));
	f = scan_walk_search(walk, name, walk->chain->bracket);
	if (scan_walk_takes_gch(walk))
		scan_walk_gch_chain(walk, name, f->node ? f->at : -1);
	if (f->node)
		walk_through(walk, f->node, f->at, f->system);
}

static void walk_all(struct scan_walk *walk, struct scan_node *source)
{
	struct scan_line *line = &walk->line;

	walk->mute = true;
	for (size_t i = 0; i < line->imacros.n; i++)
		command_line_file(walk, line->imacros.v[i]);
	walk->mute = false;
	preinclude(walk);
	for (size_t i = 0; i < line->include.n; i++)
		command_line_file(walk, line->include.v[i]);
	if (!walk->why)
		walk_through(walk, source, SCAN_AT_CURRENT, false);
}

/*
 * A place for each mode: what is text for the assembler is a directive in C,
 * and a tree in which texts come and go forgets what conditions were.
 */
static struct scan_place *place_of(struct scan_worker *w, const char *cwd,
				   unsigned mode)
{
	struct scan_place *p;

	for (size_t i = 0; i < w->n_place; i++) {
		if (scan_tree_is(w->place[i].tree, cwd, mode))
			return &w->place[i];
	}
	if (w->n_place == SCAN_PLACES_MAX) {
		w->n_place--;
		w->stats += scan_tree_stats_take(w->place[w->n_place].tree);
		scan_search_free(w->place[w->n_place].search);
		scan_tree_free(w->place[w->n_place].tree);
	}
	p = &w->place[w->n_place++];
	p->tree = scan_tree_new(w->common->names, w->common->store, cwd, mode);
	p->search = scan_search_new(p->tree);
	return p;
}

static void begin_unit(struct scan_walk *walk, struct scan_worker *w)
{
	struct scan_cpp *cpp = &w->cpp;

	struct scan_lists *l = &w->lists;

	w->walk = walk;
	walk->memory_max = scan_names_memory(w->common->names) + UNIT_MAX;
	w->unit++;
	w->units++;
	arena_reset(&w->arena);
	l->n_file = l->n_absent = l->n_dir = l->n_frame = 0;
	l->n_pushed = l->n_once = l->n_want = l->n_met = l->n_met_dir = 0;
	cpp->exact = walk->exact;
	cpp->dated = cpp->doubt = false;
	cpp->counter = cpp->shift = 0;
}

/*
 * clang's assembler sources have digraphs.  In C its -Wa,-I is an -I in front
 * of all others when it compiles, and nothing when it preprocesses.
 */
static void for_clang(struct scan_walk *walk)
{
	struct scan_line *line = &walk->line;

	if (line->mode & SCAN_ASM)
		line->mode |= SCAN_CLANG;
	if (line->old_assembly)
		scan_walk_fail(walk, REASON_SOURCE_LANGUAGE,
			       "assembler of C90");
	else if (!(line->mode & SCAN_ASM) && line->asm_dirs.n)
		scan_walk_fail(walk, REASON_ASSEMBLER, line->asm_dirs.v[0]);
}

/* The assembler's own sources: -Wa,FILE. */
static void assembler_files(struct scan_walk *walk)
{
	const struct strv *files = &walk->line.assembler;

	for (size_t i = 0; i < files->n && !walk->why; i++)
		scan_walk_assembler(walk, files->v[i]);
}

static void ask_dialect(struct scan_walk *walk)
{
	struct scan_line *line = &walk->line;
	enum reason why = REASON_NONE;
	char *detail = NULL;

	walk->dialect = scan_answers_dialect(walk->w->common->answers,
					     walk->unit, line, &why, &detail);
	if (!walk->dialect) {
		walk->why = why;
		walk->detail = detail;
		return;
	}
	if (walk->dialect->no_raw)
		line->mode &= ~(unsigned)SCAN_RAW;
	if (walk->dialect->is_clang)
		for_clang(walk);
}

static void walk_source(struct scan_walk *walk, struct scan_node *source)
{
	make_chain(walk);
	if (walk->why)
		return;
	scan_clang_begin(walk, source);
	define_all(walk);
	scan_walk_gch_source(walk, source);
	if (walk->dialect->is_clang)
		scan_walk_clang_pch(walk);
	walk_all(walk, source);
}

/* Of a unit that no preprocessor reads no macro was asked for. */
static void look_at_assembly(struct scan_walk *walk)
{
	if (walk->why || !scan_walk_may_name_files(walk))
		return;
	if (!walk->dialect)
		ask_dialect(walk);
	if (!walk->why)
		scan_walk_assembly(walk);
}

/* What the compiler's driver looks for, whatever the language is. */
static void other_inputs(struct scan_walk *walk)
{
	const struct strv *input = &walk->line.input;

	for (size_t i = 0; i < input->n && !walk->why; i++)
		scan_walk_input(walk, input->v[i]);
}

static void look_at_unit(struct scan_walk *walk)
{
	struct scan_line *line = &walk->line;
	const struct scan_unit *unit = walk->unit;
	struct scan_node *source;

	begin_unit(walk, walk->w);
	scan_line_parse(line, unit->command, unit->env);
	if (line->why)
		scan_walk_fail(walk, line->why, line->detail);
	else if (!line->plain)
		ask_dialect(walk);
	if (walk->why)
		return;
	scan_assembly_init(walk->assembly, line->mode);
	walk->place = place_of(walk->w, unit->cwd, line->mode);
	scan_tree_begin(walk->place->tree, walk->w->unit, unit->trust_ns);
	source = scan_tree_node(walk->place->tree, line->source);
	if (!source->exists) {
		scan_walk_fail(walk, REASON_NO_SOURCE, line->source);
		return;
	}
	scan_walk_list(walk, source, SCAN_SOURCE, 0);
	if (line->plain)
		scan_walk_plain(walk, source);
	else
		walk_source(walk, source);
	other_inputs(walk);
	assembler_files(walk);
	if (line->plain || (walk->exact && !unit->command->expands))
		look_at_assembly(walk);
}

static bool in_doubt(const struct scan_walk *walk)
{
	const unsigned doubts = SCAN_MARK_TIME | SCAN_MARK_PASTED |
				SCAN_MARK_OPERATOR | SCAN_MARK_FILE |
				SCAN_MARK_SPLIT;
	bool expands = walk->unit->command->expands;
	unsigned marks = walk->marks;

	if (expands)
		marks &= ~(unsigned)SCAN_MARK_FILE;
	if (walk->w->cpp.doubt)
		return true;
	switch (walk->why) {
	case REASON_NONE:
		return walk->unit->output || (marks & doubts) ||
		       (!expands && scan_parts_whole(&walk->parts)) ||
		       ((marks & SCAN_MARK_PRAGMA) &&
			(marks & (SCAN_MARK_GCC | SCAN_MARK_ONCE)));
	case REASON_PRAGMA:
	case REASON_PRAGMA_OPTIONS:
	case REASON_LINE_MACRO:
		return true;
	default:
		/* What a macro is now may be another one's doing. */
		return marks & SCAN_MARK_OPERATOR;
	}
}

void scan_walk_unit(struct scan_walk *walk, struct scan_worker *w,
		    const struct scan_unit *unit)
{
	struct scan_assembly assembly = { 0 };
	unsigned kept;

	*walk = (struct scan_walk){
		.w = w, .l = &w->lists, .unit = unit, .assembly = &assembly
	};
	look_at_unit(walk);
	if (!walk->line.plain && in_doubt(walk)) {
		kept = walk->marks & (SCAN_MARK_BASE | SCAN_MARK_TREE);
		scan_walk_release(walk);
		*walk = (struct scan_walk){ .w = w,
					    .l = &w->lists,
					    .unit = unit,
					    .assembly = &assembly,
					    .exact = true };
		w->exact++;
		look_at_unit(walk);
		walk->marks = kept | (w->cpp.dated ? SCAN_MARK_TIME : 0) |
			      (w->cpp.counter ? SCAN_MARK_COUNTER : 0);
	}
	scan_assembly_release(&assembly);
	walk->assembly = NULL;
}

void scan_walk_release(struct scan_walk *walk)
{
	scan_line_release(&walk->line);
	strv_release(&walk->options);
	free(walk->detail);
}
