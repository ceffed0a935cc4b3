/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/clang-name.h - what clang calls a file, in __FILE__ of an exact look.
 *
 * clang's FileManager knows a directory by the name that it met it by first, be
 * it in a search in vain, and looks beside files by that name.  A file has the
 * name that it was met by last (clang 14).  Two names are one's when device and
 * inode are equal.  But for an exact look by clang these functions do nothing:
 * all names lead to the same file.
 */
#ifndef SCAN_CLANG_NAME_H
#define SCAN_CLANG_NAME_H

#include "scan/worker.h"

/* Of a unit's first moment: the search path, then the source. */
void scan_clang_begin(struct scan_walk *walk, struct scan_node *source);
/* Something is looked for in `d`, or below "./" in front of it. */
void scan_clang_met_dir(struct scan_walk *walk, struct scan_dir *d,
			bool dotted);
/* A file was found by its path, or by that with "./" in front of it. */
void scan_clang_met(struct scan_walk *walk, struct scan_node *n, bool dotted);
/*
 * Where to look for what stands in `d`; *dotted: with "./" in front of its
 * path.
 */
struct scan_dir *scan_clang_dir(struct scan_walk *walk, struct scan_dir *d,
				bool *dotted);
/* The node by whose path a file goes that was met; *dotted as above. */
const struct scan_node *scan_clang_node(const struct scan_walk *walk,
					const struct scan_node *n,
					bool *dotted);

#endif
