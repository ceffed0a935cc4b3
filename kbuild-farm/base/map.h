/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/map.h - Intrusive hash table.
 *
 * A struct map_entry is the first member of the caller's struct.  The caller
 * supplies the hash of the key.  Different keys can have the same hash, so the
 * caller compares the keys:
 *
 * 	struct map_entry *n = map_find(&map, hash);
 * 	while (n && !is_it((struct thing *)n))
 * 		n = map_next_match(n);
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"

struct map_entry {
	struct map_entry *next;
	uint64_t hash;
};

/* A zeroed struct is an empty map. */
struct map {
	struct map_entry **buckets;
	size_t n_entries, bucket_mask;
};

/* Free the table, but not the entries. */
void map_release(struct map *map);
/*
 * Free the table and each entry with `free_entry`, or with free() if
 * `free_entry` is NULL.
 */
void map_release_entries(struct map *map,
			 void (*free_entry)(struct map_entry *node));
void map_add(struct map *map, struct map_entry *entry, uint64_t hash);
/* Remove `entry`, which must be in the map. */
void map_remove(struct map *map, struct map_entry *entry);
/* Return the first or the next entry with this hash, or NULL. */
struct map_entry *map_find(const struct map *map, uint64_t hash);
struct map_entry *map_next_match(const struct map_entry *entry);
/*
 * Return the entry after `entry`, in an unspecified order, or NULL after the
 * last entry.  If `entry` is NULL, returns the first entry.  The caller may
 * remove `entry` after it has fetched the next entry.
 */
struct map_entry *map_next(const struct map *map,
			   const struct map_entry *entry);
/*
 * Hash some bytes.  The hash function has a secret that is random per process,
 * so that no peer can choose many inputs with the same hash.
 */
uint64_t map_hash(struct bytes in);

#endif
