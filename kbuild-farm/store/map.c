/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/map.h"

#include "base/str.h"

#include <stdlib.h>

void store_map_release(struct store_map *map)
{
	free(map->bucket);
	*map = (struct store_map){ 0 };
}

static void put(struct store_map *map, struct store_node *node)
{
	struct store_node **head = &map->bucket[node->hash & map->mask];

	node->next = *head;
	*head = node;
}

static void grow(struct store_map *map)
{
	struct store_map old = *map;

	map->mask = old.bucket ? 2 * old.mask + 1 : 63;
	map->bucket = xcalloc(map->mask + 1, sizeof(struct store_node *));
	for (size_t i = 0; old.bucket && i <= old.mask; i++) {
		struct store_node *node = old.bucket[i], *next;

		for (; node; node = next) {
			next = node->next;
			put(map, node);
		}
	}
	free(old.bucket);
}

void store_map_add(struct store_map *map, struct store_node *node,
		   uint64_t hash)
{
	if (!map->bucket || map->n > map->mask)
		grow(map);
	node->hash = hash;
	put(map, node);
	map->n++;
}

void store_map_remove(struct store_map *map, struct store_node *node)
{
	struct store_node **at = &map->bucket[node->hash & map->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	map->n--;
}

static struct store_node *skip(struct store_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct store_node *store_map_find(const struct store_map *map, uint64_t hash)
{
	return map->n ? skip(map->bucket[hash & map->mask], hash) : NULL;
}

struct store_node *store_map_again(const struct store_node *node)
{
	return skip(node->next, node->hash);
}

struct store_node *store_map_any(const struct store_map *map)
{
	for (size_t i = 0; map->n && i <= map->mask; i++)
		if (map->bucket[i])
			return map->bucket[i];
	return NULL;
}

uint64_t store_map_hash(const struct digest *d)
{
	return get_le64(d->b);
}
