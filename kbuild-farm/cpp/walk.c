/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fast scan executes directives only.  In full preprocessing, all text
 * passes through macro expansion as in the compiler.  The expansion calls
 * next_text() at the end of each run of text, even inside macro arguments, and
 * next_text() executes the directives up to the next run of text.
 */
#include "cpp/walk.h"

#include "base/str.h"
#include "cpp/include.h"
#include "cpp/inline-asm.h"
#include "cpp/pragma.h"

#include <stdlib.h>
#include <string.h>

/*
 * Limit of directives and tokens per unit.  The limit ends the scan of a unit
 * in which files include each other an exponential number of times.
 */
#define WALK_STEPS_MAX (UINT64_C(1) << 27)

/* Limit in bytes of one unit's assembler text. */
#define ASSEMBLY_MAX ((size_t)64 << 20)

/* Tokens between two checks of the memory limit. */
#define MEMORY_CHECK_TOKENS 65536

void cpp_walk_fail(struct cpp_walk *walk, enum reason why, const char *detail)
{
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (walk->reason)
		return;
	walk->reason = why;
	if (f && f->file)
		walk->detail = xasprintf("%s:%u%s%s", f->file->entry->path,
					 f->line, detail ? ": " : "",
					 detail ? detail : "");
	else if (detail)
		walk->detail = xstrdup(detail);
}

void cpp_walk_add_marks(struct cpp_walk *walk, const struct cpp_text *t)
{
	walk->marks |= t->marks;
	for (size_t i = 0; i < CPP_INCBIN_N_WORDS; i++)
		walk->incbin_words.pieces[i] |= t->incbin_words.pieces[i];
}

size_t cpp_walk_add_file(struct cpp_walk *walk, struct cpp_cached_file *cached,
			 enum cpp_file_kind kind, uint32_t line)
{
	struct cpp_lists *l = walk->lists;
	const struct cpp_frame *f = cpp_walk_top(walk);
	struct cpp_closure_entry *e = cached->entry;
	struct cpp_listed_file file = {
		.file = cached,
		.path = e->path,
		.kind = kind,
		.includer = f ? f->file_index : 0,
		.line = line,
		.is_input = kind == CPP_FILE_INPUT,
	};

	if (e->unit == walk->worker->unit) {
		struct cpp_listed_file *listed = &l->file[e->index];

		file.is_input = listed->is_input || kind == CPP_FILE_INPUT;
		/*
		 * Replace the entry if the new kind is stronger: an included
		 * file replaces an extra input or a probed file, and an extra
		 * input replaces a probed file.
		 */
		if (listed->kind >= CPP_FILE_INPUT && kind < listed->kind)
			*listed = file;
		listed->is_input = file.is_input;
		return e->index;
	}
	e->unit = walk->worker->unit;
	e->index = l->n_file;
	*CPP_WALK_LISTS_ADD(l, file) = file;
	if (!e->has_dotdot)
		return e->index;
	/* A directory before ".." must exist for the path to be valid. */
	for (const char *dots = e->path; (dots = strstr(dots, "/.."));
	     dots += 3) {
		if ((dots[3] == '/' || !dots[3]) && dots > e->path)
			cpp_walk_add_dir(
				walk, arena_copy(&walk->worker->arena, e->path,
						 (size_t)(dots - e->path)));
	}
	return e->index;
}

void cpp_walk_add_absent(struct cpp_walk *walk, const char *path)
{
	if (path)
		*CPP_WALK_LISTS_ADD(walk->lists, absent) = path;
}

void cpp_walk_add_absence(struct cpp_walk *walk, struct cpp_path_lookup *p)
{
	const char *path = cpp_stat_cache_absent_path(
		walk->cwd_cache->stat_cache, p);

	if (path && p->is_dir)
		*CPP_WALK_LISTS_ADD(walk->lists, header_dir) = path;
	else
		cpp_walk_add_absent(walk, path);
}

void cpp_walk_add_dir(struct cpp_walk *walk, const char *path)
{
	struct cpp_lists *l = walk->lists;

	for (size_t i = 0; i < l->n_dir; i++) {
		if (!strcmp(l->dir[i], path))
			return;
	}
	*CPP_WALK_LISTS_ADD(l, dir) = path;
}

void cpp_walk_add_line_file(struct cpp_walk *walk, uint32_t name)
{
	struct cpp_stat_cache *cache = walk->cwd_cache->stat_cache;
	struct cpp_dir *cwd = cpp_stat_cache_dir(cache, "");
	struct cpp_path_lookup *p = cpp_stat_cache_lookup(cache, cwd, name,
							  false);
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (p->file && p->file->error)
		cpp_walk_fail(walk, REASON_FILE_STAT, p->path);
	else if (p->file)
		cpp_walk_add_file(walk, p->file, CPP_FILE_INPUT,
				  f ? f->line : 0);
	else if (!cpp_stat_cache_is_occupied(cache, cwd, name))
		cpp_walk_add_absent(walk, cpp_stat_cache_absent_path(cache, p));
}

void cpp_walk_apply_definitions(struct cpp_walk *walk, struct cpp_text *text)
{
	struct cpp_state *cpp = &walk->worker->state;

	for (uint32_t i = 0; i < text->n_directives; i++) {
		const struct cpp_directive *d = &text->directives[i];

		if (d->op == CPP_OP_DEFINE)
			cpp_macro_define(cpp, &text->defs[d->index]);
		else if (d->op == CPP_OP_UNDEF && d->name != WORD_NONE)
			cpp_macro_undef(cpp, d->name);
		else if (d->op == CPP_OP_UNSUPPORTED)
			cpp_walk_fail(walk, d->form, NULL);
		else
			cpp_walk_fail(walk, REASON_UNSUPPORTED_DEFINITION,
				      NULL);
	}
	if (text->has_slash_comments)
		cpp_walk_fail(walk, REASON_LINE_COMMENT, NULL);
	cpp_walk_add_marks(walk, text);
	*CPP_WALK_LISTS_ADD(walk->lists, applied) = text;
}

/* Set the position for __LINE__ and similar macros before an evaluation. */
static void set_macro_line(struct cpp_walk *walk, const struct cpp_directive *d)
{
	struct cpp_state *cpp = &walk->worker->state;

	cpp->line = d->line + cpp_walk_top(walk)->line_offset;
	cpp->line_known = !d->spliced &&
			  (walk->full || !(walk->marks & CPP_MARK_LINE));
	cpp->include_level = cpp_walk_level(walk);
}

/*
 * Fail and return true if the compilers disagree about a directive: gcc
 * -std=c11 ignores #elifdef, which is new in C23, and clang executes it.
 */
static bool is_unknown(struct cpp_walk *walk, const struct cpp_directive *d)
{
	unsigned mode = walk->cmdline.mode &
			(CPP_MODE_STRICT | CPP_MODE_DIGIT_SEPARATORS);

	if ((d->op != CPP_OP_ELIFDEF && d->op != CPP_OP_ELIFNDEF) ||
	    mode != CPP_MODE_STRICT)
		return false;
	cpp_walk_fail(walk, REASON_ELIFDEF, NULL);
	return true;
}

/*
 * Return true if the group after `d` must be read.  Return false if it is
 * skipped or the unit fails.
 */
static bool is_taken(struct cpp_walk *walk, struct cpp_frame *f,
		     const struct cpp_directive *d)
{
	struct cpp_state *cpp = &walk->worker->state;
	int ret;

	if (is_unknown(walk, d))
		return false;
	switch ((enum cpp_op)d->op) {
	case CPP_OP_IFDEF:
	case CPP_OP_ELIFDEF:
	case CPP_OP_IFNDEF:
	case CPP_OP_ELIFNDEF:
		if (d->name == WORD_NONE) {
			cpp_walk_fail(walk, REASON_CONDITION_NAME, NULL);
			return false;
		}
		return !cpp_macro_find(cpp, d->name) ==
		       (d->op == CPP_OP_IFNDEF || d->op == CPP_OP_ELIFNDEF);
	case CPP_OP_IF:
	case CPP_OP_ELIF:
		break;
	default:
		return true; /* #else */
	}
	if (d->form) {
		cpp_walk_fail(walk, REASON_HAS_INCLUDE_OPERAND, NULL);
		return false;
	}
	set_macro_line(walk, d);
	ret = cpp_expr_eval_memoized(
		cpp, f->text, d->index, &f->file->memos[d->index],
		cpp_stat_cache_epoch(walk->cwd_cache->stat_cache));
	if (ret < 0)
		cpp_walk_fail(walk, cpp->expansion.reason, NULL);
	return ret > 0;
}

/* Continue in the first group whose condition is true, or after the #endif. */
static void enter_group(struct cpp_walk *walk, struct cpp_frame *f, uint32_t i)
{
	const struct cpp_directive *d = &f->text->directives[i];

	while (d->op != CPP_OP_ENDIF) {
		f->line = d->line;
		if (is_taken(walk, f, d) || walk->reason)
			break;
		i = d->next_group;
		d = &f->text->directives[i];
	}
	f->next_directive = i + 1;
}

/* At the end of a group that was read, continue after the #endif. */
static void leave_group(struct cpp_walk *walk, struct cpp_frame *f, uint32_t i)
{
	while (f->text->directives[i].op != CPP_OP_ENDIF) {
		if (is_unknown(walk, &f->text->directives[i]))
			return;
		i = f->text->directives[i].next_group;
	}
	f->next_directive = i + 1;
}

static void follow_include(struct cpp_walk *walk, struct cpp_frame *f,
			   const struct cpp_directive *d)
{
	struct cpp_state *cpp = &walk->worker->state;
	uint32_t name = d->name;
	bool angled = d->form == '<';

	/* A computed name. */
	if (!d->form) {
		const struct cpp_tokens *t = cpp_expr_piece_tokens(cpp, f->text,
								   d->index);

		set_macro_line(walk, d);
		cpp_expand_begin(cpp, t->tokens, t->n_tokens);
		if (!cpp_expand_header_name(cpp, cpp_expand_next(cpp), false,
					    &name, &angled) ||
		    cpp->expansion.reason) {
			cpp_walk_fail(walk,
				      cpp->expansion.reason ?
					      cpp->expansion.reason :
					      REASON_INCLUDE_OPERAND,
				      NULL);
			return;
		}
	}
	cpp_include_header(walk, name, angled, d->op == CPP_OP_INCLUDE_NEXT);
}

/* Apply #pragma once to the file of `f`. */
static void set_once(struct cpp_walk *walk, struct cpp_frame *f)
{
	struct cpp_lists *l = walk->lists;

	/* #pragma once has no effect in the source itself. */
	if (!f->file || f->file_index == 0 ||
	    f->file->once_unit == walk->worker->unit)
		return;
	f->file->once_unit = walk->worker->unit;
	*CPP_WALK_LISTS_ADD(l, once) = f->file;
}

/* Save the definition of a name. */
static void push_macro(struct cpp_walk *walk, uint32_t name)
{
	struct cpp_lists *l = walk->lists;

	*CPP_WALK_LISTS_ADD(l, pushed) = (struct cpp_pushed_macro){
		name, cpp_macro_find(&walk->worker->state, name)
	};
}

/* Restore the last saved definition of a name. */
static void pop_macro(struct cpp_walk *walk, uint32_t name)
{
	struct cpp_lists *l = walk->lists;
	struct cpp_def *def;
	size_t i = l->n_pushed;

	while (i && l->pushed[i - 1].name != name)
		i--;
	if (!i)
		return;
	def = l->pushed[i - 1].def;
	memmove(l->pushed + i - 1, l->pushed + i,
		(l->n_pushed - i) * sizeof(*l->pushed));
	l->n_pushed--;
	if (def)
		cpp_macro_define(&walk->worker->state, def);
	else
		cpp_macro_undef(&walk->worker->state, name);
}

/*
 * Execute a directive that is neither a definition nor a conditional.  In full
 * preprocessing, pragmas are ignored, because the text contains them as tokens,
 * which apply_pragma() executes.
 */
static void run_directive_op(struct cpp_walk *walk, struct cpp_frame *f,
			     const struct cpp_directive *d)
{
	switch ((enum cpp_op)d->op) {
	case CPP_OP_INCLUDE:
	case CPP_OP_INCLUDE_NEXT:
		follow_include(walk, f, d);
		break;
	case CPP_OP_IMPORT:
		cpp_walk_fail(walk, REASON_IMPORT, NULL);
		break;
	case CPP_OP_ONCE:
		if (!walk->full)
			set_once(walk, f);
		break;
	case CPP_OP_PUSH_MACRO:
		if (!walk->full)
			push_macro(walk, d->name);
		break;
	case CPP_OP_POP_MACRO:
		if (!walk->full)
			pop_macro(walk, d->name);
		break;
	case CPP_OP_SYSTEM_HEADER:
		if (!walk->full)
			f->system |= f->file_index != 0;
		break;
	case CPP_OP_LINE:
		cpp_walk_add_line_file(walk, d->name);
		break;
	case CPP_OP_UNSUPPORTED:
		if (!walk->full || (d->form != REASON_PRAGMA &&
				    d->form != REASON_PRAGMA_OPTIONS))
			cpp_walk_fail(walk, d->form, NULL);
		break;
	default:
		cpp_walk_fail(walk, REASON_DIRECTIVE, NULL);
	}
}

/* Return true if text before the next directive has not been read. */
static bool has_text(const struct cpp_frame *f)
{
	const struct cpp_full_text *full;

	if (f->n_given == f->next_directive + 1)
		return false;
	full = atomic_load_explicit(&f->text->full, memory_order_acquire);
	return full->starts[f->next_directive] !=
	       full->starts[f->next_directive + 1];
}

/*
 * Execute directives of frame `f` up to an included file, the end of the file
 * or, in full preprocessing, text.
 */
static void run_directives(struct cpp_walk *walk, struct cpp_frame *f)
{
	struct cpp_state *cpp = &walk->worker->state;
	size_t depth = walk->lists->n_frame;
	const struct cpp_text *t = f->text;
	bool exact = walk->full;

	while (f->next_directive < t->n_directives && !(exact && has_text(f))) {
		const struct cpp_directive *d =
			&t->directives[f->next_directive++];

		walk->n_steps++;
		switch ((enum cpp_op)d->op) {
		case CPP_OP_DEFINE:
			cpp_macro_define_as(cpp, d->name, &t->defs[d->index]);
			continue;
		case CPP_OP_UNDEF:
			cpp_macro_undef(cpp, d->name);
			continue;
		case CPP_OP_IFDEF:
		case CPP_OP_IFNDEF:
		case CPP_OP_IF:
			enter_group(walk, f, (uint32_t)(d - t->directives));
			break;
		case CPP_OP_ELIF:
		case CPP_OP_ELIFDEF:
		case CPP_OP_ELIFNDEF:
		case CPP_OP_ELSE:
			leave_group(walk, f, (uint32_t)(d - t->directives));
			break;
		case CPP_OP_ENDIF:
			continue;
		default:
			f->line = d->line;
			run_directive_op(walk, f, d);
		}
		if (walk->reason || walk->lists->n_frame != depth)
			return;
	}
}

/* Execute all directives of the current file and of the files it includes. */
static void walk_directives(struct cpp_walk *walk)
{
	struct cpp_frame *f;

	while ((f = cpp_walk_top(walk)) && !walk->reason) {
		if (walk->n_steps > WALK_STEPS_MAX)
			cpp_walk_fail(walk, REASON_ENDLESS_INCLUDES, NULL);
		else if (f->next_directive < f->text->n_directives)
			run_directives(walk, f);
		else
			walk->lists->n_frame--;
	}
}

/*
 * Get the text before the next directive.  Return false if there is no text or
 * it was returned before.
 */
static bool next_text_run(struct cpp_walk *walk, struct cpp_frame *f,
			  const struct cpp_token **v, size_t *n)
{
	const struct cpp_full_text *full = atomic_load_explicit(
		&f->text->full, memory_order_acquire);
	struct cpp_state *cpp = &walk->worker->state;
	uint32_t from = full->starts[f->next_directive];

	if (f->n_given == f->next_directive + 1)
		return false;
	f->n_given = f->next_directive + 1;
	*v = full->tokens + from;
	*n = full->starts[f->next_directive + 1] - from;
	cpp->line_offset = f->line_offset;
	cpp->include_level = cpp_walk_level(walk);
	return *n;
}

static bool next_file_text(struct cpp_walk *walk, bool inside,
			   const struct cpp_token **v, size_t *n)
{
	struct cpp_frame *f;

	while ((f = cpp_walk_top(walk)) && !walk->reason) {
		if (walk->n_steps > WALK_STEPS_MAX)
			cpp_walk_fail(walk, REASON_ENDLESS_INCLUDES, NULL);
		else if (next_text_run(walk, f, v, n))
			return true;
		else if (f->next_directive < f->text->n_directives)
			run_directives(walk, f);
		else if (inside)
			return false; /* No argument continues after EOF. */
		else
			walk->lists->n_frame--;
	}
	return false;
}

/*
 * Exchange the current expansion with the worker's other expansion, so that a
 * directive or a pragma can be expanded in the middle of text.  A second call
 * restores the first expansion.
 */
static void swap_expansion(struct cpp_worker *w)
{
	struct cpp_expansion run = w->state.expansion;

	w->state.expansion = w->other_expansion;
	w->other_expansion = run;
}

/* Callback: get more text; see struct cpp_callbacks. */
static bool next_text(void *ctx, bool inside, const struct cpp_token **v,
		      size_t *n)
{
	struct cpp_worker *w = ctx;
	bool more;

	/*
	 * gcc does not expand macros in the text of -imacros files.  For such
	 * text, `inside` is true only because preprocess_files() has disabled
	 * expansion; the text does not belong to macro arguments.
	 */
	if (w->walk->in_imacros && !w->walk->dialect->is_clang)
		inside = false;
	swap_expansion(w);
	more = next_file_text(w->walk, inside, v, n);
	swap_expansion(w);
	return more;
}

static void change_macro(struct cpp_walk *walk, const struct cpp_name *s,
			 bool push)
{
	size_t len;
	const char *name = cpp_pragma_macro_name(s->s, s->len, &len);
	uint32_t id;

	if (!name) {
		cpp_walk_fail(walk, REASON_PRAGMA, s->s);
		return;
	}
	id = cpp_names_intern(walk->worker->shared->names, name, len);
	if (push)
		push_macro(walk, id);
	else
		pop_macro(walk, id);
}

/*
 * Expand a pragma for its side effects.
 *
 * Fail if the pragma uses __COUNTER__, because the next value of __COUNTER__ is
 * then uncertain: gcc and clang expand macros in different pragmas, and in some
 * pragmas only when they compile, not when they only preprocess.
 */
static void expand_pragma(struct cpp_walk *walk, const struct cpp_name *s)
{
	struct cpp_state *cpp = &walk->worker->state;
	struct cpp_tokens *t;
	unsigned counter = cpp->counter;

	t = cpp_tokens_new(cpp->names, s->s, s->len, cpp->mode);
	swap_expansion(walk->worker);
	cpp_expand_begin(cpp, t->tokens, t->n_tokens);
	cpp->expansion.reads_text = true;
	cpp->expansion.depth = 1; /* so that _Pragma remains a name */
	while (cpp_expand_next(cpp).kind != CPP_TOK_END)
		;
	swap_expansion(walk->worker);
	if (cpp->counter != counter)
		cpp_walk_fail(walk, REASON_PRAGMA, s->s);
	free(t);
}

/* Apply a pragma that changes gcc's predefined macros; clang ignores it. */
static void change_options(struct cpp_walk *walk, const struct cpp_name *s)
{
	struct cpp_driver_request driver = cpp_walk_driver(walk);
	struct cpp_text *changes;
	enum reason why = REASON_NONE;
	char *detail = NULL;

	if (walk->dialect->is_clang)
		return;
	/*
	 * The text of assembler sources and of -imacros files is not compiled.
	 * Whether the pragma affects this text depends on the release of gcc,
	 * so the unit is not scannable.
	 */
	if (walk->in_imacros || (walk->cmdline.mode & CPP_MODE_ASM)) {
		cpp_walk_fail(walk, REASON_PRAGMA_OPTIONS, s->s);
		return;
	}
	strv_add(&walk->pragma_options, s->s);
	changes = cpp_driver_query_pragmas(&driver, &walk->pragma_options, &why,
					   &detail);
	cpp_pragma_options_prune(&walk->pragma_options);
	if (changes)
		cpp_walk_apply_definitions(walk, changes);
	else
		cpp_walk_fail(walk, why, detail);
	free(detail);
}

static void apply_pragma(struct cpp_walk *walk, uint32_t id)
{
	const struct cpp_name *s = cpp_names_get(walk->worker->shared->names,
						 id);
	struct cpp_frame *f = cpp_walk_top(walk);

	switch (cpp_pragma_classify(s->s, s->len)) {
	case CPP_PRAGMA_ONCE:
		set_once(walk, f);
		break;
	case CPP_PRAGMA_PUSH_MACRO:
		change_macro(walk, s, true);
		break;
	case CPP_PRAGMA_POP_MACRO:
		change_macro(walk, s, false);
		break;
	case CPP_PRAGMA_SYSTEM_HEADER:
		f->system |= f->file_index != 0;
		break;
	case CPP_PRAGMA_OPTIONS:
		change_options(walk, s);
		break;
	case CPP_PRAGMA_UNKNOWN:
		cpp_walk_fail(walk, REASON_PRAGMA, s->s);
		break;
	case CPP_PRAGMA_OTHER:
		expand_pragma(walk, s);
		cpp_inline_asm_add_pragma(walk->inline_asm, s->s, s->len);
	}
}

/* Apply a directive such as #line 33 "gram.y". */
static void apply_line_directive(struct cpp_walk *walk, uint32_t id)
{
	const struct cpp_name *s = cpp_names_get(walk->worker->shared->names,
						 id);
	struct cpp_state *cpp = &walk->worker->state;
	struct cpp_frame *f = cpp_walk_top(walk);
	uint32_t line = cpp->line - cpp->line_offset;
	const char *open = strchr(s->s, '"'), *close = strrchr(s->s, '"');

	f->line_offset = cpp->line_offset = (uint32_t)strtoul(s->s, NULL, 10) -
					    line - 1;
	if (open && close > open)
		f->line_file = cpp_names_intern(walk->worker->shared->names,
						open + 1,
						(size_t)(close - open - 1));
}

static void on_directive(void *ctx, struct cpp_token t)
{
	struct cpp_worker *w = ctx;
	struct cpp_walk *walk = w->walk;

	if (!cpp_walk_top(walk))
		cpp_walk_fail(walk, REASON_PRAGMA, NULL);
	else if (t.kind == CPP_TOK_PRAGMA)
		apply_pragma(walk, t.id);
	else
		apply_line_directive(walk, t.id);
	if (walk->reason)
		cpp_state_fail(&w->state, walk->reason);
}

/*
 * Return "OLD=NEW" of the last -fmacro-prefix-map or -ffile-prefix-map whose
 * OLD is a prefix of `path`, or NULL.
 */
static const char *map_macro_prefix(const struct cpp_walk *walk,
				    const char *path)
{
	const struct options_command *c = walk->unit->command;

	for (size_t i = c->n_items; i; i--) {
		const char *value = c->items[i - 1].value, *equals;

		if (!value ||
		    (!str_starts(c->items[i - 1].text, "-fmacro-prefix-map=") &&
		     !str_starts(c->items[i - 1].text, "-ffile-prefix-map=")))
			continue;
		equals = strchr(value, '=');
		if (equals && !strncmp(path, value, (size_t)(equals - value)))
			return value;
	}
	return NULL;
}

/* Return a string literal of a path with prefix maps applied. */
static uint32_t path_literal(struct cpp_walk *walk, const char *dot,
			     const char *path)
{
	const char *map = map_macro_prefix(walk, path);
	struct buf b = { 0 };
	uint32_t id;

	buf_add(&b, "\"", 1);
	buf_add_str(&b, dot);
	if (map) {
		path += strcspn(map, "=");
		buf_add_str(&b, strchr(map, '=') + 1);
	}
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			buf_add(&b, "\\", 1);
		buf_add(&b, path, 1);
	}
	buf_add(&b, "\"", 1);
	id = cpp_names_intern(walk->worker->shared->names, buf_str(&b), b.len);
	buf_release(&b);
	return id;
}

/* Return the path of the current file, or the path that #line set. */
static const char *file_macro_path(const struct cpp_walk *walk, bool *dotted)
{
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (!f)
		return walk->cmdline.source;
	if (f->line_file)
		return cpp_names_get(walk->worker->shared->names, f->line_file)
			->s;
	return cpp_include_clang_name(walk, f->file, dotted)->path;
}

/* Record that the name of the current file, or that of the source, is used. */
static void mark_name(struct cpp_walk *walk, bool source)
{
	const struct cpp_frame *f = cpp_walk_top(walk);
	struct cpp_lists *l = walk->lists;
	const struct cpp_closure_entry *e = NULL;
	bool dotted;

	if (f && f->line_file && !source)
		return; /* #line sets the name */
	if (f && !source)
		e = cpp_include_clang_name(walk, f->file, &dotted)->entry;
	if (e && e->unit != walk->worker->unit)
		walk->any_name_expanded = true;
	else
		l->file[e ? e->index : 0].expands_name = true;
}

static uint32_t file_macro(void *ctx, enum cpp_word which)
{
	struct cpp_worker *w = ctx;
	const char *path = w->walk->cmdline.source;
	bool dotted = false;

	switch (which) {
	case WORD_DATE:
		return cpp_names_intern(w->shared->names, "\"??? ?? ????\"",
					13);
	case WORD_TIME:
		return cpp_names_intern(w->shared->names, "\"??:??:??\"", 10);
	case WORD_TIMESTAMP:
		return cpp_names_intern(w->shared->names,
					"\"??? ??? ?? ??:??:?? ????\"", 26);
	case WORD_BASE_FILE:
		mark_name(w->walk, true);
		return path_literal(w->walk, "", path);
	case WORD_FILE_NAME:
		path = file_macro_path(w->walk, &dotted);
		return path_literal(w->walk, "", str_base(path));
	default:
		mark_name(w->walk, false);
		path = file_macro_path(w->walk, &dotted);
		return path_literal(w->walk, dotted ? "./" : "", path);
	}
}

/* Preprocess the text of the current file and of the files it includes. */
static void preprocess_files(struct cpp_walk *walk)
{
	const struct cpp_output *out = walk->unit->output;
	const struct cpp_names *names = walk->worker->shared->names;
	struct cpp_state *cpp = &walk->worker->state;
	struct cpp_token t;

	cpp_expand_begin_text(cpp);
	/* gcc skips the text of -imacros; clang expands it. */
	if (walk->in_imacros && !walk->dialect->is_clang)
		cpp->expansion.prevent++;
	while ((t = cpp_expand_next(cpp)).kind != CPP_TOK_END) {
		const struct cpp_name *s = cpp_names_get(names, t.id);

		/* Memory grows because ## and # add strings to the names. */
		if (walk->n_emitted++ % MEMORY_CHECK_TOKENS == 0 &&
		    (cpp_names_memory(walk->worker->shared->names) >
			     walk->max_memory_bytes ||
		     walk->inline_asm->text.len > ASSEMBLY_MAX))
			cpp_walk_fail(walk, REASON_MEMORY, NULL);
		walk->any_name_expanded |= t.id == WORD_BUILTIN_FILE;
		if (!walk->in_imacros) {
			cpp_inline_asm_add_token(walk->inline_asm, &t, s);
			if (out)
				out->on_token(out->ctx, s->s, s->len,
					      t.flags & CPP_FLAG_LINE_START);
		}
		if (walk->reason)
			return;
		if (cpp->expansion.n_contexts > 1)
			continue;
		walk->n_steps += cpp->expansion.n_steps;
		cpp->expansion.n_steps = 0;
		arena_reset(&cpp->expansion.arena);
		if (walk->n_steps > WALK_STEPS_MAX)
			cpp_walk_fail(walk, REASON_ENDLESS_MACRO, NULL);
	}
	if (cpp->expansion.reason)
		cpp_walk_fail(walk, cpp->expansion.reason, NULL);
}

void cpp_walk_run(struct cpp_walk *walk)
{
	if (walk->full)
		preprocess_files(walk);
	else
		walk_directives(walk);
}

void cpp_walk_set_callbacks(struct cpp_callbacks *c)
{
	c->next_text = next_text;
	c->on_directive = on_directive;
	c->file_macro = file_macro;
}
