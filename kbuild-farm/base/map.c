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
	free(map->bucket);
	*map = (struct map){ 0 };
}

static void link_node(struct map *map, struct map_node *node)
{
	struct map_node **head = &map->bucket[node->hash & map->mask];

	node->next = *head;
	*head = node;
}

static void grow_buckets(struct map *map)
{
	struct map old = *map;

	map->mask = old.bucket ? 2 * old.mask + 1 : 63;
	map->bucket = xcalloc(map->mask + 1, sizeof(struct map_node *));
	for (size_t i = 0; old.bucket && i <= old.mask; i++) {
		struct map_node *node = old.bucket[i], *next;

		for (; node; node = next) {
			next = node->next;
			link_node(map, node);
		}
	}
	free(old.bucket);
}

void map_add(struct map *map, struct map_node *node, uint64_t hash)
{
	if (!map->bucket || map->n > map->mask)
		grow_buckets(map);
	node->hash = hash;
	link_node(map, node);
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

static struct map_node *next_of_hash(struct map_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct map_node *map_find(const struct map *map, uint64_t hash)
{
	return map->n ? next_of_hash(map->bucket[hash & map->mask], hash) :
			NULL;
}

struct map_node *map_again(const struct map_node *node)
{
	return next_of_hash(node->next, node->hash);
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
	size_t i = node ? (node->hash & map->mask) + 1 : 0;

	if (node && node->next)
		return node->next;
	for (; map->n && i <= map->mask; i++)
		if (map->bucket[i])
			return map->bucket[i];
	return NULL;
}

void map_release_all(struct map *map, void (*release)(struct map_node *node))
{
	struct map_node *node = map_next(map, NULL), *next;

	for (; node; node = next) {
		next = map_next(map, node);
		if (release)
			release(node);
		else
			free(node);
	}
	map_release(map);
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/* In registers: what is hashed is short, and there is much of it. */
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

static void make_key(void)
{
	/* Where the kernel has no entropy yet, the clock has to do. */
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

	pthread_once(&once, make_key);
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
