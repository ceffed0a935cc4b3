/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/list.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

void scan_lists_release(struct scan_lists *l)
{
	free(l->file);
	free(l->absent);
	free(l->dir);
	free(l->frame);
	free(l->pushed);
	free(l->once);
	free(l->want);
	free(l->met);
	free(l->met_dir);
}

void scan_walk_fail(struct scan_walk *walk, enum reason why, const char *detail)
{
	const struct scan_frame *f = scan_walk_top(walk);

	if (walk->why)
		return;
	walk->why = why;
	if (f && f->node)
		walk->detail = xasprintf("%s:%u%s%s", f->node->entry->path,
					 f->line, detail ? ": " : "",
					 detail ? detail : "");
	else if (detail)
		walk->detail = xstrdup(detail);
}

void scan_walk_mark(struct scan_walk *walk, const struct scan_text *t)
{
	walk->marks |= t->marks;
	for (size_t i = 0; i < SCAN_PART_WORDS; i++)
		walk->parts.of[i] |= t->parts.of[i];
}

/* Directories in front of "..": they must be there for the path to lead on. */
static void list_steps(struct scan_walk *walk, const char *path)
{
	const char *dots;

	for (dots = path; (dots = strstr(dots, "/..")); dots += 3) {
		if ((dots[3] == '/' || !dots[3]) && dots > path)
			scan_walk_dir(walk, arena_copy(&walk->w->arena, path,
						       (size_t)(dots - path)));
	}
}

size_t scan_walk_list(struct scan_walk *walk, struct scan_node *node,
		      enum scan_kind kind, uint32_t line)
{
	struct scan_lists *l = walk->l;
	const struct scan_frame *f = scan_walk_top(walk);
	struct scan_entry *e = node->entry;
	struct scan_listed file = {
		.node = node,
		.path = e->path,
		.kind = kind,
		.from = f ? f->index : 0,
		.line = line,
	};

	if (e->unit == walk->w->unit) {
		/* Only probed so far, and now read; or read by another. */
		if (l->file[e->index].kind >= SCAN_INPUT &&
		    kind < l->file[e->index].kind)
			l->file[e->index] = file;
		return e->index;
	}
	e->unit = walk->w->unit;
	e->index = l->n_file;
	*SCAN_LIST_ADD(l, file) = file;
	if (e->steps)
		list_steps(walk, e->path);
	return e->index;
}

void scan_walk_absent(struct scan_walk *walk, const char *path)
{
	if (path)
		*SCAN_LIST_ADD(walk->l, absent) = path;
}

void scan_walk_dir(struct scan_walk *walk, const char *path)
{
	struct scan_lists *l = walk->l;

	for (size_t i = 0; i < l->n_dir; i++) {
		if (!strcmp(l->dir[i], path))
			return;
	}
	*SCAN_LIST_ADD(l, dir) = path;
}
