/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/map.h"

#include "base/clock.h"
#include "base/str.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void map_release(struct map *map)
{
	free(map->buckets);
	*map = (struct map){ 0 };
}

static void add_to_bucket(struct map *map, struct map_entry *entry)
{
	struct map_entry **head = &map->buckets[entry->hash & map->bucket_mask];

	entry->next = *head;
	*head = entry;
}

static void grow_buckets(struct map *map)
{
	struct map old = *map;

	map->bucket_mask = old.buckets ? 2 * old.bucket_mask + 1 : 63;
	map->buckets = xcalloc(map->bucket_mask + 1,
			       sizeof(struct map_entry *));
	for (size_t i = 0; old.buckets && i <= old.bucket_mask; i++) {
		struct map_entry *node = old.buckets[i], *next;

		for (; node; node = next) {
			next = node->next;
			add_to_bucket(map, node);
		}
	}
	free(old.buckets);
}

void map_add(struct map *map, struct map_entry *entry, uint64_t hash)
{
	if (!map->buckets || map->n_entries > map->bucket_mask)
		grow_buckets(map);
	entry->hash = hash;
	add_to_bucket(map, entry);
	map->n_entries++;
}

void map_remove(struct map *map, struct map_entry *entry)
{
	struct map_entry **at = &map->buckets[entry->hash & map->bucket_mask];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	map->n_entries--;
}

static struct map_entry *next_with_hash(struct map_entry *entry, uint64_t hash)
{
	while (entry && entry->hash != hash)
		entry = entry->next;
	return entry;
}

struct map_entry *map_find(const struct map *map, uint64_t hash)
{
	return map->n_entries ?
		       next_with_hash(map->buckets[hash & map->bucket_mask],
				      hash) :
		       NULL;
}

struct map_entry *map_next_match(const struct map_entry *entry)
{
	return next_with_hash(entry->next, entry->hash);
}

struct map_entry *map_next(const struct map *map, const struct map_entry *entry)
{
	size_t i = entry ? (entry->hash & map->bucket_mask) + 1 : 0;

	if (entry && entry->next)
		return entry->next;
	for (; map->n_entries && i <= map->bucket_mask; i++)
		if (map->buckets[i])
			return map->buckets[i];
	return NULL;
}

void map_release_entries(struct map *map,
			 void (*free_entry)(struct map_entry *node))
{
	struct map_entry *node = map_next(map, NULL), *next;

	for (; node; node = next) {
		next = map_next(map, node);
		if (free_entry)
			free_entry(node);
		else
			free(node);
	}
	map_release(map);
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/*
 * The state of SipHash.  It is passed by value so that it remains in registers,
 * because map_hash() is called often and with short inputs.
 */
struct sip {
	uint64_t a, b, c, d;
};

static inline struct sip sip_round(struct sip v)
{
	v.a += v.b;
	v.b = rotate(v.b, 13) ^ v.a;
	v.a = rotate(v.a, 32);
	v.c += v.d;
	v.d = rotate(v.d, 16) ^ v.c;
	v.a += v.d;
	v.d = rotate(v.d, 21) ^ v.a;
	v.c += v.b;
	v.b = rotate(v.b, 17) ^ v.c;
	v.c = rotate(v.c, 32);
	return v;
}

static inline struct sip sip_word(struct sip v, uint64_t word)
{
	v.d ^= word;
	v = sip_round(v);
	v.a ^= word;
	return v;
}

static uint64_t hash_key[2];

static void make_hash_key(void)
{
	/* If the kernel has no entropy yet, use the clock and an address. */
	if (getrandom(hash_key, sizeof(hash_key), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(hash_key))
		hash_key[0] = clock_us() ^ (uintptr_t)&hash_key;
}

/* SipHash-1-3 (Aumasson and Bernstein). */
uint64_t map_hash(struct bytes in)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sip v;
	uint64_t word;
	size_t at = 0;

	pthread_once(&once, make_hash_key);
	v.a = hash_key[0] ^ 0x736f6d6570736575;
	v.b = hash_key[1] ^ 0x646f72616e646f6d;
	v.c = hash_key[0] ^ 0x6c7967656e657261;
	v.d = hash_key[1] ^ 0x7465646279746573;
	for (; at + 8 <= in.len; at += 8) {
		memcpy(&word, in.data + at, sizeof(word));
		v = sip_word(v, le64toh(word));
	}
	word = (uint64_t)in.len << 56;
	for (size_t i = 0; at + i < in.len; i++)
		word |= (uint64_t)in.data[at + i] << 8 * i;
	v = sip_word(v, word);
	v.c ^= 0xff;
	for (int i = 0; i < 3; i++)
		v = sip_round(v);
	return v.a ^ v.b ^ v.c ^ v.d;
}
