/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/worker.h"

#include "base/str.h"

#include <string.h>

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

size_t cpp_walk_add_file(struct cpp_walk *walk, struct cpp_cached_file *node,
			 enum cpp_file_kind kind, uint32_t line)
{
	struct cpp_lists *l = walk->lists;
	const struct cpp_frame *f = cpp_walk_top(walk);
	struct cpp_closure_entry *e = node->entry;
	struct cpp_listed_file file = {
		.file = node,
		.path = e->path,
		.kind = kind,
		.includer = f ? f->file_index : 0,
		.line = line,
	};

	if (e->unit == walk->worker->unit) {
		/*
		 * Before, the file was only probed or was an extra input; now
		 * it is included.
		 */
		if (l->file[e->index].kind >= CPP_FILE_INPUT &&
		    kind < l->file[e->index].kind)
			l->file[e->index] = file;
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

void cpp_walk_add_dir(struct cpp_walk *walk, const char *path)
{
	struct cpp_lists *l = walk->lists;

	for (size_t i = 0; i < l->n_dir; i++) {
		if (!strcmp(l->dir[i], path))
			return;
	}
	*CPP_WALK_LISTS_ADD(l, dir) = path;
}
