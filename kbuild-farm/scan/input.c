/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/input.h"

#include "scan/asm-text.h"
#include "scan/assembly.h"
#include "scan/list.h"

#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Assembler text that is read whole, to see whether it names files. */
#define ASSEMBLER_MAX ((size_t)16 << 20)

/* As the assembler looks for it: here, then along -I. */
static struct scan_node *find_assembled(struct scan_walk *walk,
					const char *name)
{
	struct scan_tree *tree = walk->place->tree;
	const struct scan_line *l = &walk->line;
	struct scan_node *n = scan_tree_node(tree, name);

	if (n->exists || n->error || *name == '/')
		return n->exists || n->error ? n : NULL;
	scan_walk_absent(walk, n->path);
	for (size_t i = 0; i < l->n_dir + l->asm_dirs.n; i++) {
		const char *dir;
		char *path;

		if (i < l->n_dir && l->dir[i].where != SCAN_PATH_BRACKET)
			continue;
		dir = i < l->n_dir ? l->dir[i].path :
				     l->asm_dirs.v[i - l->n_dir];
		path = xasprintf("%s/%s", dir, name);
		n = scan_tree_node(tree, path);
		free(path);
		if (n->exists || n->error)
			return n;
		scan_walk_absent(walk, n->path);
	}
	return NULL;
}

void scan_walk_origin(struct scan_walk *walk, uint32_t name)
{
	struct scan_tree *tree = walk->place->tree;
	struct scan_dir *cwd = scan_tree_dir(tree, "");
	struct scan_probe *p = scan_tree_probe(tree, cwd, name, false);
	const struct scan_frame *f = scan_walk_top(walk);

	if (p->node && p->node->error)
		scan_walk_fail(walk, REASON_FILE_STAT, p->path);
	else if (p->node)
		scan_walk_list(walk, p->node, SCAN_INPUT, f ? f->line : 0);
	else if (!scan_tree_is_occupied(tree, cwd, name))
		scan_walk_absent(walk, scan_tree_absent(tree, p));
}

static struct scan_node *list_input(struct scan_walk *walk, const char *name,
				    enum reason why)
{
	struct scan_node *n = find_assembled(walk, name);
	const struct scan_frame *f = scan_walk_top(walk);

	if (!n || n->error)
		scan_walk_fail(walk, n ? REASON_FILE_STAT : why,
			       n ? n->path : name);
	else
		scan_walk_list(walk, n, SCAN_INPUT, f ? f->line : 0);
	return n;
}

/* Does assembler text name further files?  `origin`: .file counts. */
static bool names_files(const struct buf *text, bool origin)
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

static bool read_assembler(struct scan_walk *walk, const struct scan_node *n,
			   struct buf *text)
{
	struct err err;

	if (!fs_read(n->abs, ASSEMBLER_MAX, text, &err))
		return true;
	scan_walk_fail(walk, REASON_ASSEMBLER_UNREADABLE, n->path);
	return false;
}

/* Which words stand in it? */
static void note_parts(struct scan_walk *walk, const struct buf *text)
{
	scan_parts_text(&walk->parts,
			&(struct scan_prose){ .s = buf_str(text),
					      .len = text->len,
					      .params = buf_str(text),
					      .first = true });
}

void scan_walk_assembler(struct scan_walk *walk, const char *name)
{
	struct scan_node *n;
	struct buf text = { 0 };

	n = list_input(walk, name, REASON_NO_ASSEMBLER_FILE);
	if (!n || walk->why || !read_assembler(walk, n, &text))
		goto out;
	if (names_files(&text, false))
		scan_walk_fail(walk, REASON_ASSEMBLER_INCLUDES, name);
	note_parts(walk, &text);
out:
	buf_release(&text);
}

void scan_walk_plain(struct scan_walk *walk, const struct scan_node *source)
{
	struct buf text = { 0 };

	if (read_assembler(walk, source, &text)) {
		if (names_files(&text, true))
			walk->marks |= SCAN_MARK_FILE;
		note_parts(walk, &text);
		scan_assembly_source(walk->assembly, buf_bytes(&text));
	}
	buf_release(&text);
}

bool scan_walk_may_name_files(const struct scan_walk *walk)
{
	return (walk->marks & SCAN_MARK_FILE) || scan_parts_whole(&walk->parts);
}

/* ------------------------------------------------- text that was expanded */

static bool is_predefined(void *ctx, const char *macro)
{
	const struct scan_walk *walk = ctx;
	const struct scan_text *t = walk->dialect->macros;

	for (uint32_t i = 0; i < t->n_def; i++) {
		if (!strcmp(scan_name(t->names, t->def[i].name)->s, macro))
			return true;
	}
	return false;
}

/* The text of .include "NAME", which may name more. */
static void add_included(struct scan_walk *walk, struct scan_asm_text *all,
			 const char *name)
{
	const struct scan_node *n;
	struct buf text = { 0 };

	n = list_input(walk, name, REASON_NO_ASSEMBLER_FILE);
	if (n && !walk->why && read_assembler(walk, n, &text))
		scan_asm_add(all, buf_str(&text), text.len, SCAN_ASM_SOURCE);
	buf_release(&text);
}

/* List what is named; true: text was added, which may name more. */
static bool take_named(struct scan_walk *walk, struct scan_asm_text *all,
		       const struct scan_asm_result *r, struct strv *included)
{
	size_t before = included->n;

	if (r->open)
		scan_walk_fail(walk, REASON_ASSEMBLY, r->open);
	for (size_t i = 0; i < r->incbin.n && !walk->why; i++)
		list_input(walk, r->incbin.v[i], REASON_NO_INCBIN);
	for (size_t i = 0; i < r->origin.n && !walk->why; i++)
		scan_walk_origin(walk, scan_name_id(walk->w->common->names,
						    r->origin.v[i],
						    strlen(r->origin.v[i])));
	for (size_t i = 0; i < r->include.n && !walk->why; i++) {
		if (strv_has(included, r->include.v[i]))
			continue;
		strv_add(included, r->include.v[i]);
		add_included(walk, all, r->include.v[i]);
	}
	return !walk->why && included->n > before;
}

void scan_walk_assembly(struct scan_walk *walk)
{
	const struct scan_assembly *a = walk->assembly;
	struct scan_asm_setup setup = { .alternate = walk->line.alternate };
	struct scan_asm_result r = { 0 };
	struct scan_asm_text *all;
	struct strv included = { 0 };
	bool more = true;

	/* Its macros would be known to the text. */
	if (walk->line.assembler.n) {
		scan_walk_fail(walk, REASON_ASSEMBLY,
			       walk->line.assembler.v[0]);
		return;
	}
	setup.architecture = scan_asm_architecture(is_predefined, walk);
	all = scan_asm_new(&setup);
	for (size_t i = 0; i < a->n_part; i++)
		scan_asm_add(all, buf_str(&a->text) + a->part[i].from,
			     a->part[i].len, a->part[i].kind);
	while (more) {
		scan_asm_end(all, &r);
		more = take_named(walk, all, &r, &included);
		scan_asm_result_release(&r);
	}
	scan_asm_free(all);
	strv_release(&included);
}

void scan_walk_input(struct scan_walk *walk, const char *name)
{
	struct scan_node *n = scan_tree_node(walk->place->tree, name);

	if (n->exists)
		scan_walk_list(walk, n, SCAN_INPUT, 0);
	else
		scan_walk_fail(walk, REASON_NO_INPUT, name);
}
