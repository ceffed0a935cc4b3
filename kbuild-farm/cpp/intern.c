/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/intern.h"

#include "base/arena.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      4096
#define CHUNKS_MAX 16384

/*
 * Names are found by number through `chunk`, whose entries never move.  A
 * reader that received a number under the lock can therefore use it without the
 * lock.
 */
struct cpp_names {
	pthread_mutex_t lock;
	const struct cpp_name **chunk[CHUNKS_MAX];
	uint32_t n;
	/* hash table with open addressing; an entry is number + 1, or 0 */
	uint32_t *table;
	uint32_t mask;
	struct arena arena;
	atomic_size_t charged;
	bool records_words;
};

static const char *const fixed_names[WORDS] = {
#define WORD(name, spelling) [WORD_##name] = (spelling),
	CPP_WORDS(WORD)
#undef WORD
};

struct cpp_names *cpp_names_new(void)
{
	struct cpp_names *n = xcalloc(1, sizeof(*n));

	pthread_mutex_init(&n->lock, NULL);
	n->mask = (1 << 10) - 1;
	n->table = xcalloc((size_t)n->mask + 1, sizeof(*n->table));
	for (size_t i = 0; i < WORDS; i++)
		cpp_names_intern_locked(n, fixed_names[i],
					strlen(fixed_names[i]));
	return n;
}

void cpp_names_free(struct cpp_names *n)
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

void cpp_names_record_words(struct cpp_names *n)
{
	n->records_words = true;
}

bool cpp_names_records_words(const struct cpp_names *n)
{
	return n->records_words;
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

static void grow_names(struct cpp_names *n)
{
	uint32_t mask = n->mask * 2 + 1;
	uint32_t *table = xcalloc((size_t)mask + 1, sizeof(*table));

	for (uint32_t id = 0; id < n->n; id++) {
		uint32_t i = cpp_names_get(n, id)->hash & mask;

		while (table[i])
			i = (i + 1) & mask;
		table[i] = id + 1;
	}
	free(n->table);
	n->table = table;
	n->mask = mask;
}

uint32_t cpp_names_intern_locked(struct cpp_names *n, const char *s, size_t len)
{
	uint32_t hash = name_hash(s, len);
	uint32_t i = hash & n->mask, id;
	struct cpp_name *added;

	for (; n->table[i]; i = (i + 1) & n->mask) {
		const struct cpp_name *name;

		id = n->table[i] - 1;
		name = cpp_names_get(n, id);
		if (name->hash == hash && name->len == len &&
		    !memcmp(name->s, s, len))
			return id;
	}
	id = n->n++;
	n->table[i] = n->n;
	if (id / CHUNK >= CHUNKS_MAX)
		str_out_of_memory();
	added = arena_alloc(&n->arena, sizeof(*added) + len + 1);
	added->len = (uint32_t)len;
	added->hash = hash;
	memcpy(added->s, s, len);
	added->s[len] = '\0';
	if (!n->chunk[id / CHUNK])
		n->chunk[id / CHUNK] = xcalloc(CHUNK, sizeof(added));
	n->chunk[id / CHUNK][id % CHUNK] = added;
	if (n->n > n->mask / 2)
		grow_names(n);
	return id;
}

uint32_t cpp_names_intern(struct cpp_names *n, const char *s, size_t len)
{
	uint32_t id;

	cpp_names_lock(n);
	id = cpp_names_intern_locked(n, s, len);
	cpp_names_unlock(n);
	return id;
}

void cpp_names_lock(struct cpp_names *n)
{
	pthread_mutex_lock(&n->lock);
}

void cpp_names_unlock(struct cpp_names *n)
{
	pthread_mutex_unlock(&n->lock);
}

const struct cpp_name *cpp_names_get(const struct cpp_names *n, uint32_t id)
{
	return n->chunk[id / CHUNK][id % CHUNK];
}

void cpp_names_charge(struct cpp_names *n, size_t bytes)
{
	atomic_fetch_add_explicit(&n->charged, bytes, memory_order_relaxed);
}

void cpp_names_discharge(struct cpp_names *n, size_t bytes)
{
	atomic_fetch_sub_explicit(&n->charged, bytes, memory_order_relaxed);
}

size_t cpp_names_memory(struct cpp_names *n)
{
	size_t size;

	cpp_names_lock(n);
	size = n->arena.size_bytes + atomic_load(&n->charged) +
	       ((size_t)n->mask + 1) * sizeof(*n->table) +
	       (n->n / CHUNK + 1) * CHUNK * sizeof(void *);
	cpp_names_unlock(n);
	return size;
}
