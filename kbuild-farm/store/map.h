/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store/map.h - things found by a hash; the nodes are the caller's.
 *
 * A node is the first member of what is kept.  The caller says what the
 * hash is and compares the rest itself:
 *
 *	struct store_node *n = store_map_find(&map, hash);
 *	while (n && !is_it((struct thing *)n))
 *		n = store_map_again(n);
 */
#ifndef STORE_MAP_H
#define STORE_MAP_H

#include "base/digest.h"

struct store_node {
	struct store_node *next;
	uint64_t hash;
};

/* A zeroed one is empty. */
struct store_map {
	struct store_node **bucket;
	size_t n, mask;
};

/* Frees the table, not the nodes. */
void store_map_release(struct store_map *map);
void store_map_add(struct store_map *map, struct store_node *node,
		   uint64_t hash);
/* `node` must be in it. */
void store_map_remove(struct store_map *map, struct store_node *node);
/* The first and the next node of a hash, or NULL. */
struct store_node *store_map_find(const struct store_map *map, uint64_t hash);
struct store_node *store_map_again(const struct store_node *node);
/* Any node, or NULL when it is empty. */
struct store_node *store_map_any(const struct store_map *map);
/* A digest is a hash already. */
uint64_t store_map_hash(const struct digest *d);

#endif
