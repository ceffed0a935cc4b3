/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/search.h - where headers are looked for, in which order.
 */
#ifndef SCAN_SEARCH_H
#define SCAN_SEARCH_H

#include "scan/tree.h"

struct scan_chain_dir {
	struct scan_dir *dir;
	bool system;
};

/* A search path: -iquote first, from `bracket` on what <x.h> uses too. */
struct scan_chain {
	struct scan_chain *next;
	uint32_t id;
	uint32_t n, bracket;
	bool shorten; /* gcc's -fcanonical-system-headers */
	struct scan_chain_dir dir[];
};

/* One directory of a command line. */
struct scan_want {
	const char *path;
	int where; /* enum scan_path */
};

struct scan_search;

struct scan_search *scan_search_new(struct scan_tree *tree);
void scan_search_free(struct scan_search *s);
size_t scan_search_memory(const struct scan_search *s);

/*
 * The chain of `n` directories in order of the command line, without those
 * that do not exist and without duplicates, as the compiler does it.
 */
const struct scan_chain *scan_search_chain(struct scan_search *s,
					   const struct scan_want *want,
					   size_t n, bool clang, bool shorten);

/* Where a header was found. */
enum {
	SCAN_AT_CURRENT = -1, /* beside the file that includes it */
	SCAN_AT_ABSOLUTE = -2,
};

struct scan_found {
	struct scan_found *next;
	uint32_t name, start;
	uint32_t unit; /* that it holds for: a unit has one chain */
	struct scan_node *node; /* NULL: nowhere */
	int at; /* index in the chain */
	bool system;
};

/*
 * What is known of a name from directory `start` of the chain on: of this
 * unit, or, with another `unit` in it, nothing yet.
 */
struct scan_found *scan_search_found(struct scan_search *s, uint32_t name,
				     uint32_t start);

#endif
