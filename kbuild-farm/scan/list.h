/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/list.h - what a walk finds goes into its lists.
 */
#ifndef SCAN_LIST_H
#define SCAN_LIST_H

#include "scan/worker.h"

void scan_lists_release(struct scan_lists *l);
/* Not scannable; the first reason counts.  `detail` is copied. */
void scan_walk_fail(struct scan_walk *walk, enum reason why,
		    const char *detail);
/* What the files hold, all together. */
void scan_walk_mark(struct scan_walk *walk, const struct scan_text *t);
/* A file of the closure; returns its index. */
size_t scan_walk_list(struct scan_walk *walk, struct scan_node *node,
		      enum scan_kind kind, uint32_t line);
/* What must not be there; borrowed.  NULL: it is listed already. */
void scan_walk_absent(struct scan_walk *walk, const char *path);
/* A directory that must be there; borrowed. */
void scan_walk_dir(struct scan_walk *walk, const char *path);

#endif
