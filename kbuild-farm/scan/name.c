/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/name.h"

#include "base/arena.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      4096
#define CHUNKS_MAX 16384

/*
 * Names are found by number through `chunk`, which never moves: so readers
 * need no lock for a number that they got through one.
 */
struct scan_names {
	pthread_mutex_t lock;
	const struct scan_name **chunk[CHUNKS_MAX];
	uint32_t n;
	uint32_t *table; /* open addressing, number + 1 */
	uint32_t mask;
	struct arena arena;
	atomic_size_t charged;
};

static const char *const words[WORDS] = {
#define WORD(name, spelling) [WORD_##name] = (spelling),
	SCAN_WORDS(WORD)
#undef WORD
};

struct scan_names *scan_names_new(void)
{
	struct scan_names *n = xcalloc(1, sizeof(*n));

	pthread_mutex_init(&n->lock, NULL);
	n->mask = (1 << 10) - 1;
	n->table = xcalloc((size_t)n->mask + 1, sizeof(*n->table));
	for (size_t i = 0; i < WORDS; i++)
		scan_name_id_locked(n, words[i], strlen(words[i]));
	return n;
}

void scan_names_free(struct scan_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < CHUNKS_MAX; i++)
		free(n->chunk[i]);
	free(n->table);
	arena_release(&n->arena);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static uint32_t name_hash(const char *s, size_t len)
{
	uint32_t h = 0x811c9dc5u ^ (uint32_t)len;

	for (; len >= 4; s += 4, len -= 4) {
		uint32_t v;

		memcpy(&v, s, 4);
		h = (h ^ v) * 0x9e3779b1u;
		h ^= h >> 15;
	}
	for (; len; s++, len--)
		h = (h ^ (unsigned char)*s) * 0x01000193u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	return h ^ h >> 13;
}

static void grow(struct scan_names *n)
{
	uint32_t mask = n->mask * 2 + 1;
	uint32_t *table = xcalloc((size_t)mask + 1, sizeof(*table));

	for (uint32_t id = 0; id < n->n; id++) {
		uint32_t i = scan_name(n, id)->hash & mask;

		while (table[i])
			i = (i + 1) & mask;
		table[i] = id + 1;
	}
	free(n->table);
	n->table = table;
	n->mask = mask;
}

static uint32_t add_name(struct scan_names *n, const char *s, size_t len,
			 uint32_t hash)
{
	struct scan_name *name;
	uint32_t id = n->n;

	if (id / CHUNK >= CHUNKS_MAX)
		str_out_of_memory();
	name = arena_alloc(&n->arena, sizeof(*name) + len + 1);
	name->len = (uint32_t)len;
	name->hash = hash;
	memcpy(name->s, s, len);
	name->s[len] = '\0';
	if (!n->chunk[id / CHUNK])
		n->chunk[id / CHUNK] = xcalloc(CHUNK, sizeof(name));
	n->chunk[id / CHUNK][id % CHUNK] = name;
	n->n++;
	return id;
}

uint32_t scan_name_id_locked(struct scan_names *n, const char *s, size_t len)
{
	uint32_t hash = name_hash(s, len);
	uint32_t i = hash & n->mask;

	for (; n->table[i]; i = (i + 1) & n->mask) {
		uint32_t id = n->table[i] - 1;
		const struct scan_name *name = scan_name(n, id);

		if (name->hash == hash && name->len == len &&
		    !memcmp(name->s, s, len))
			return id;
	}
	n->table[i] = n->n + 1;
	add_name(n, s, len, hash);
	if (n->n > n->mask / 2)
		grow(n);
	return n->n - 1;
}

uint32_t scan_name_id(struct scan_names *n, const char *s, size_t len)
{
	uint32_t id;

	scan_names_lock(n);
	id = scan_name_id_locked(n, s, len);
	scan_names_unlock(n);
	return id;
}

void scan_names_lock(struct scan_names *n)
{
	pthread_mutex_lock(&n->lock);
}

void scan_names_unlock(struct scan_names *n)
{
	pthread_mutex_unlock(&n->lock);
}

const struct scan_name *scan_name(const struct scan_names *n, uint32_t id)
{
	return n->chunk[id / CHUNK][id % CHUNK];
}

void scan_names_charge(struct scan_names *n, size_t bytes)
{
	atomic_fetch_add_explicit(&n->charged, bytes, memory_order_relaxed);
}

void scan_names_discharge(struct scan_names *n, size_t bytes)
{
	atomic_fetch_sub_explicit(&n->charged, bytes, memory_order_relaxed);
}

size_t scan_names_memory(struct scan_names *n)
{
	size_t size;

	scan_names_lock(n);
	size = n->arena.memory + atomic_load(&n->charged) +
	       ((size_t)n->mask + 1) * sizeof(*n->table) +
	       (n->n / CHUNK + 1) * CHUNK * sizeof(void *);
	scan_names_unlock(n);
	return size;
}
