/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

void map_release(struct map *map)
{
	free(map->bucket);
	*map = (struct map){ 0 };
}

static void put(struct map *map, struct map_node *node)
{
	struct map_node **head = &map->bucket[node->hash & map->mask];

	node->next = *head;
	*head = node;
}

static void grow(struct map *map)
{
	struct map old = *map;

	map->mask = old.bucket ? 2 * old.mask + 1 : 63;
	map->bucket = xcalloc(map->mask + 1, sizeof(struct map_node *));
	for (size_t i = 0; old.bucket && i <= old.mask; i++) {
		struct map_node *node = old.bucket[i], *next;

		for (; node; node = next) {
			next = node->next;
			put(map, node);
		}
	}
	free(old.bucket);
}

void map_add(struct map *map, struct map_node *node, uint64_t hash)
{
	if (!map->bucket || map->n > map->mask)
		grow(map);
	node->hash = hash;
	put(map, node);
	map->n++;
}

void map_remove(struct map *map, struct map_node *node)
{
	struct map_node **at = &map->bucket[node->hash & map->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	map->n--;
}

static struct map_node *skip(struct map_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct map_node *map_find(const struct map *map, uint64_t hash)
{
	return map->n ? skip(map->bucket[hash & map->mask], hash) : NULL;
}

struct map_node *map_again(const struct map_node *node)
{
	return skip(node->next, node->hash);
}

struct map_node *map_any(const struct map *map)
{
	for (size_t i = 0; map->n && i <= map->mask; i++)
		if (map->bucket[i])
			return map->bucket[i];
	return NULL;
}

uint64_t map_hash(const void *data, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), word = 0;
	const char *p = data;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	word = 0;
	for (; len; p++, len--)
		word = word << 8 | (unsigned char)*p;
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}
