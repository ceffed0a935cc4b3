/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/assembly.h"
#include "scan/walk.h"

#include "base/fs.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Assembler text that is read whole, to see whether it names files. */
#define ASSEMBLER_MAX ((size_t)16 << 20)

/* As the assembler looks for it: here, then along -I. */
static struct scan_node *find(struct scan_walk *walk, const char *name)
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

	if (p->node && p->node->error)
		scan_walk_fail(walk, REASON_FILE_STAT, p->path);
	else if (p->node)
		scan_walk_list(walk, p->node, SCAN_INPUT,
			       scan_walk_top(walk)->line);
	else if (!scan_tree_is_occupied(tree, cwd, name))
		scan_walk_absent(walk, scan_tree_absent(tree, p));
}

static struct scan_node *list_input(struct scan_walk *walk, const char *name,
				    enum reason why)
{
	struct scan_node *n = find(walk, name);
	const struct scan_frame *f = scan_walk_top(walk);

	if (!n || n->error)
		scan_walk_fail(walk, n ? REASON_FILE_STAT : why,
			       n ? n->path : name);
	else
		scan_walk_list(walk, n, SCAN_INPUT, f ? f->line : 0);
	return n;
}

void scan_walk_incbin(struct scan_walk *walk, const char *name)
{
	list_input(walk, name, REASON_NO_INCBIN);
}

/* Does assembler text name further files? */
static bool names_files(const char *s, size_t len)
{
	const char *end = s + len;

	for (; s < end && (s = memchr(s, '.', (size_t)(end - s))); s++) {
		if (!strncasecmp(s, ".incbin", 7) ||
		    !strncasecmp(s, ".include", 8))
			return true;
	}
	return false;
}

void scan_walk_assembler(struct scan_walk *walk, const char *name)
{
	struct scan_node *n;
	struct buf text = { 0 };
	struct err err;

	n = list_input(walk, name, REASON_NO_ASSEMBLER_FILE);
	if (!n || walk->why)
		return;
	if (fs_read(n->abs, ASSEMBLER_MAX, &text, &err))
		scan_walk_fail(walk, REASON_ASSEMBLER_UNREADABLE, name);
	else if (names_files(buf_str(&text), text.len))
		scan_walk_fail(walk, REASON_ASSEMBLER_INCLUDES, name);
	else
		scan_parts_text(&walk->parts,
				&(struct scan_prose){ .s = buf_str(&text),
						      .len = text.len,
						      .params = buf_str(&text),
						      .first = true });
	buf_release(&text);
}

void scan_walk_parts(struct scan_walk *walk)
{
	if (scan_parts_whole(&walk->parts))
		scan_walk_fail(walk, REASON_INCBIN_PIECES, NULL);
}

/* .incbin "NAME" or .include "NAME" at `s`; false: not so plainly. */
static bool take_name(struct scan_walk *walk, const char *s, const char *end)
{
	bool bin = end - s > 7 && !strncasecmp(s, ".incbin", 7);
	const char *close;
	char *name;

	s += bin ? 7 : 8;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (s == end || *s++ != '"')
		return false;
	for (close = s; close < end && *close != '"'; close++) {
		if (strchr("\\%\n", *close))
			return false;
	}
	if (close == end || close == s)
		return false;
	name = scan_arena_copy(&walk->w->arena, s, (size_t)(close - s));
	if (bin)
		scan_walk_incbin(walk, name);
	else
		scan_walk_assembler(walk, name);
	return true;
}

static void read_assembly(struct scan_walk *walk, const char *s, size_t len)
{
	const char *end = s + len, *start = s;

	scan_parts_text(&walk->parts, &(struct scan_prose){ .s = s,
							    .len = len,
							    .params = s,
							    .first = true });
	for (; s < end && (s = memchr(s, '.', (size_t)(end - s))); s++) {
		if (strncasecmp(s, ".incbin", 7) &&
		    strncasecmp(s, ".include", 8))
			continue;
		if (!take_name(walk, s, end))
			scan_walk_fail(walk, REASON_INCBIN_NAME, start);
	}
}

void scan_walk_assembly(struct scan_walk *walk)
{
	const struct scan_assembly *a = walk->assembly;

	if (!(walk->marks & SCAN_MARK_FILE) && !scan_parts_whole(&walk->parts))
		return;
	walk->parts = (struct scan_parts){ 0 };
	for (size_t i = 0; i < a->n_part; i++)
		read_assembly(walk, buf_str(&a->text) + a->part[i].from,
			      a->part[i].len);
	scan_walk_parts(walk);
}

void scan_walk_input(struct scan_walk *walk, const char *name)
{
	struct scan_node *n = scan_tree_node(walk->place->tree, name);

	if (n->exists)
		scan_walk_list(walk, n, SCAN_INPUT, 0);
	else
		scan_walk_fail(walk, REASON_NO_INPUT, name);
}
