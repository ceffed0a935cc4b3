/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/extra-inputs.h"

#include "cpp/inline-asm.h"
#include "cpp/worker.h"
#include "gas/gas.h"

#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Limit in bytes of an assembler file that is searched for file names. */
#define ASSEMBLER_MAX ((size_t)16 << 20)

/* Search as the assembler does: the working directory, then those of -I. */
static struct cpp_cached_file *find_asm_file(struct cpp_walk *walk,
					     const char *name)
{
	struct cpp_stat_cache *tree = walk->cwd_cache->stat_cache;
	const struct cpp_cmdline *l = &walk->cmdline;
	struct cpp_cached_file *n = cpp_stat_cache_file(tree, name);

	if (n->exists || n->error || *name == '/')
		return n->exists || n->error ? n : NULL;
	cpp_walk_add_absent(walk, n->path);
	for (size_t i = 0; i < l->n_dirs + l->asm_dirs.n; i++) {
		const char *dir;
		char *path;

		if (i < l->n_dirs && l->dirs[i].kind != CPP_DIR_BRACKET)
			continue;
		dir = i < l->n_dirs ? l->dirs[i].path :
				      l->asm_dirs.v[i - l->n_dirs];
		path = xasprintf("%s/%s", dir, name);
		n = cpp_stat_cache_file(tree, path);
		free(path);
		if (n->exists || n->error)
			return n;
		cpp_walk_add_absent(walk, n->path);
	}
	return NULL;
}

void cpp_extra_inputs_add_line_file(struct cpp_walk *walk, uint32_t name)
{
	struct cpp_stat_cache *tree = walk->cwd_cache->stat_cache;
	struct cpp_dir *cwd = cpp_stat_cache_dir(tree, "");
	struct cpp_path_lookup *p = cpp_stat_cache_lookup(tree, cwd, name,
							  false);
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (p->file && p->file->error)
		cpp_walk_fail(walk, REASON_FILE_STAT, p->path);
	else if (p->file)
		cpp_walk_add_file(walk, p->file, CPP_FILE_INPUT,
				  f ? f->line : 0);
	else if (!cpp_stat_cache_is_occupied(tree, cwd, name))
		cpp_walk_add_absent(walk, cpp_stat_cache_absent_path(tree, p));
}

static struct cpp_cached_file *list_input(struct cpp_walk *walk,
					  const char *name, enum reason why)
{
	struct cpp_cached_file *n = find_asm_file(walk, name);
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (!n || n->error)
		cpp_walk_fail(walk, n ? REASON_FILE_STAT : why,
			      n ? n->path : name);
	else
		cpp_walk_add_file(walk, n, CPP_FILE_INPUT, f ? f->line : 0);
	return n;
}

/*
 * Return true if assembler text contains .incbin or .include or, with `origin`,
 * .file.
 */
static bool has_file_directive(const struct buf *text, bool origin)
{
	const char *s = buf_str(text), *end = s + text->len;

	for (; s < end && (s = memchr(s, '.', (size_t)(end - s))); s++) {
		if (!strncasecmp(s, ".incbin", 7) ||
		    !strncasecmp(s, ".include", 8) ||
		    (origin && !strncasecmp(s, ".file", 5)))
			return true;
	}
	return false;
}

static bool read_assembler(struct cpp_walk *walk,
			   const struct cpp_cached_file *n, struct buf *text)
{
	struct err err;

	if (!fs_read(n->abs, ASSEMBLER_MAX, text, &err))
		return true;
	cpp_walk_fail(walk, REASON_ASSEMBLER_UNREADABLE, n->path);
	return false;
}

/* Record the pieces of "incbin" and "include" in assembler text. */
static void add_incbin_words(struct cpp_walk *walk, const struct buf *text)
{
	cpp_incbin_words_add_text(
		&walk->incbin_words,
		&(struct cpp_incbin_text){ .s = buf_str(text),
					   .len = text->len,
					   .params = buf_str(text),
					   .statement_start = true });
}

void cpp_extra_inputs_add_asm_file(struct cpp_walk *walk, const char *name)
{
	struct cpp_cached_file *n;
	struct buf text = { 0 };

	n = list_input(walk, name, REASON_NO_ASSEMBLER_FILE);
	if (!n || walk->reason || !read_assembler(walk, n, &text))
		goto out;
	if (has_file_directive(&text, false))
		cpp_walk_fail(walk, REASON_ASSEMBLER_INCLUDES, name);
	add_incbin_words(walk, &text);
out:
	buf_release(&text);
}

void cpp_extra_inputs_read_asm_source(struct cpp_walk *walk,
				      const struct cpp_cached_file *source)
{
	struct buf text = { 0 };

	if (read_assembler(walk, source, &text)) {
		if (has_file_directive(&text, true))
			walk->marks |= CPP_MARK_ASM_FILE;
		add_incbin_words(walk, &text);
		cpp_inline_asm_add_source(walk->inline_asm, buf_bytes(&text));
	}
	buf_release(&text);
}

static bool is_predefined(void *ctx, const char *macro)
{
	const struct cpp_walk *walk = ctx;
	const struct cpp_text *t = walk->dialect->macros;

	for (uint32_t i = 0; i < t->n_defs; i++) {
		if (!strcmp(cpp_names_get(t->names, t->defs[i].name)->s, macro))
			return true;
	}
	return false;
}

/*
 * Add the files that `r` names to the closure, and add the text of .include
 * files to `all`.  Return true if text was added, because the text can name
 * further files.
 */
static bool add_named_files(struct cpp_walk *walk, struct gas_scanner *all,
			    const struct gas_result *r, struct strv *included)
{
	size_t before = included->n;
	const struct cpp_cached_file *n;
	struct buf text = { 0 };

	if (r->undecided)
		cpp_walk_fail(walk, REASON_ASSEMBLY, r->undecided);
	for (size_t i = 0; i < r->incbins.n && !walk->reason; i++)
		list_input(walk, r->incbins.v[i], REASON_NO_INCBIN);
	for (size_t i = 0; i < r->source_names.n && !walk->reason; i++)
		cpp_extra_inputs_add_line_file(
			walk, cpp_names_intern(walk->worker->shared->names,
					       r->source_names.v[i],
					       strlen(r->source_names.v[i])));
	for (size_t i = 0; i < r->includes.n && !walk->reason; i++) {
		if (strv_has(included, r->includes.v[i]))
			continue;
		strv_add(included, r->includes.v[i]);
		n = list_input(walk, r->includes.v[i],
			       REASON_NO_ASSEMBLER_FILE);
		if (n && !walk->reason && read_assembler(walk, n, &text))
			gas_scanner_add_text(all, buf_str(&text), text.len,
					     GAS_TEXT_SOURCE);
		buf_release(&text);
	}
	return !walk->reason && included->n > before;
}

void cpp_extra_inputs_add_incbins(struct cpp_walk *walk)
{
	const struct cpp_inline_asm *a = walk->inline_asm;
	struct gas_setup setup = { .alternate = walk->cmdline.alternate };
	struct gas_result r = { 0 };
	struct gas_scanner *all;
	struct strv included = { 0 };
	bool more = true;

	/* Macros of a -Wa,FILE would apply to the text: not supported. */
	if (walk->cmdline.asm_files.n) {
		cpp_walk_fail(walk, REASON_ASSEMBLY,
			      walk->cmdline.asm_files.v[0]);
		return;
	}
	setup.architecture = gas_scrub_detect_arch(is_predefined, walk);
	all = gas_scanner_new(&setup);
	for (size_t i = 0; i < a->n_parts; i++)
		gas_scanner_add_text(all, buf_str(&a->text) + a->parts[i].from,
				     a->parts[i].len, a->parts[i].kind);
	while (more) {
		gas_scanner_find_files(all, &r);
		more = add_named_files(walk, all, &r, &included);
		gas_result_release(&r);
	}
	gas_scanner_free(all);
	strv_release(&included);
}
