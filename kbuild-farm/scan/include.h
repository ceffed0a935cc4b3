/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/include.h - find what #include names, and enter it.
 */
#ifndef SCAN_INCLUDE_H
#define SCAN_INCLUDE_H

#include "scan/worker.h"

/* The chain from `start` on, for this unit. */
const struct scan_found *scan_walk_search(struct scan_walk *walk, uint32_t name,
					  uint32_t start);
/* An #include in the file at hand; enters the file if it has an effect. */
void scan_walk_include(struct scan_walk *walk, uint32_t name, bool angled,
		       bool next);
/* See struct scan_host. */
int scan_walk_has_include(void *ctx, uint32_t name, bool angled, bool next,
			  enum reason *why);
/* Open a file: the frame that goes through it, if it has any effect. */
void scan_walk_enter(struct scan_walk *walk, struct scan_node *node, int at,
		     bool system);

#endif
