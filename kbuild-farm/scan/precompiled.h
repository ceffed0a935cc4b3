/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/precompiled.h - is there a precompiled header that would be taken?
 *
 * Each but the first makes the unit not scannable where there is one.
 */
#ifndef SCAN_PRECOMPILED_H
#define SCAN_PRECOMPILED_H

#include "scan/worker.h"

/* May gcc take one for what is looked for now? */
bool scan_walk_takes_gch(const struct scan_walk *walk);
/* In one directory. */
void scan_walk_gch(struct scan_walk *walk, struct scan_dir *dir, uint32_t name);
/* In the chain up to where it was found; `at` below 0: in all of it. */
void scan_walk_gch_chain(struct scan_walk *walk, uint32_t name, int at);
void scan_walk_gch_source(struct scan_walk *walk, const struct scan_node *n);
/* For each -include, as clang's driver looks. */
void scan_walk_clang_pch(struct scan_walk *walk);

#endif
