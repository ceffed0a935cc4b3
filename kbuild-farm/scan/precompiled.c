/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gcc takes NAME.gch, a file or a directory of them, in place of the source,
 * of <stdc-predef.h> and of the first header (libcpp's pch_open_file()): in
 * each directory where it looks for it, also where the header is not.
 * clang's driver does so for what -include says (NAME.pch and NAME.gch), not
 * for #include.  Whether such a file fits is the compiler's to say.
 *
 * Nearly always there is none.  That costs a unit some two stat(2), of the
 * source's name and of its directory: one that is unchanged has still none.
 */
#include "scan/precompiled.h"

#include "scan/list.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static void check_suffix(struct scan_walk *walk, struct scan_dir *dir,
			 const char *name, const char *suffix)
{
	char *file = xasprintf("%s%s", name, suffix);
	uint32_t id = scan_name_id(walk->w->common->names, file, strlen(file));

	if (!walk->why && scan_tree_is_occupied(walk->place->tree, dir, id))
		scan_walk_fail(walk, REASON_PRECOMPILED, file);
	free(file);
}

bool scan_walk_takes_gch(const struct scan_walk *walk)
{
	return !walk->included && !(walk->line.mode & SCAN_ASM) &&
	       !walk->dialect->is_clang;
}

void scan_walk_gch(struct scan_walk *walk, struct scan_dir *dir, uint32_t name)
{
	check_suffix(walk, dir, scan_name(walk->w->common->names, name)->s,
		     ".gch");
}

void scan_walk_gch_chain(struct scan_walk *walk, uint32_t name, int at)
{
	uint32_t end = at < 0 ? walk->chain->n : (uint32_t)at + 1;

	for (uint32_t i = 0; i < end; i++)
		scan_walk_gch(walk, walk->chain->dir[i].dir, name);
}

void scan_walk_gch_source(struct scan_walk *walk, const struct scan_node *n)
{
	if (scan_walk_takes_gch(walk))
		check_suffix(walk, n->dir, str_base(n->path), ".gch");
}

void scan_walk_clang_pch(struct scan_walk *walk)
{
	struct scan_dir *cwd = scan_tree_dir(walk->place->tree, "");

	for (size_t i = 0; i < walk->line.include.n; i++) {
		check_suffix(walk, cwd, walk->line.include.v[i], ".pch");
		check_suffix(walk, cwd, walk->line.include.v[i], ".gch");
	}
}
