/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/map.h - things found by a hash; the nodes are the caller's.
 *
 * A node is the first member of what is kept.  The caller says what the
 * hash is and compares the rest itself:
 *
 *	struct map_node *n = map_find(&map, hash);
 *	while (n && !is_it((struct thing *)n))
 *		n = map_again(n);
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

/* A zeroed one is empty. */
struct map {
	struct map_node **bucket;
	size_t n, mask;
};

/* Frees the table, not the nodes. */
void map_release(struct map *map);
/* The nodes as well, each by `release`, or by free() where that is NULL. */
void map_release_all(struct map *map, void (*release)(struct map_node *node));
void map_add(struct map *map, struct map_node *node, uint64_t hash);
/* `node` must be in it. */
void map_remove(struct map *map, struct map_node *node);
/* The first and the next node of a hash, or NULL. */
struct map_node *map_find(const struct map *map, uint64_t hash);
struct map_node *map_again(const struct map_node *node);
/*
 * All of them, in no order: the one after `node`, the first after NULL, and
 * NULL in the end.  `node` may be removed once its next one is known.
 */
struct map_node *map_next(const struct map *map, const struct map_node *node);
/*
 * A hash of some bytes.  Its key is this process's, so that no peer can choose
 * bytes that all collide.
 */
uint64_t map_hash(struct bytes in);

#endif
