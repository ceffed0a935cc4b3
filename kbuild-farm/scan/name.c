/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/name.h"

#include "base/str.h"
#include "scan/arena.h"

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
	struct scan_arena arena;
	atomic_size_t charged;
};

static const char *const words[WORDS] = {
	[WORD_NONE] = "",
	[WORD_DEFINED] = "defined",
	[WORD_VA_ARGS] = "__VA_ARGS__",
	[WORD_VA_OPT] = "__VA_OPT__",
	[WORD_TRUE] = "true",
	[WORD_FALSE] = "false",
	[WORD_ONE] = "1",
	[WORD_FILE] = "__FILE__",
	[WORD_FILE_NAME] = "__FILE_NAME__",
	[WORD_MODULE] = "__MODULE__",
	[WORD_LINE] = "__LINE__",
	[WORD_COUNTER] = "__COUNTER__",
	[WORD_DATE] = "__DATE__",
	[WORD_TIME] = "__TIME__",
	[WORD_TIMESTAMP] = "__TIMESTAMP__",
	[WORD_BASE_FILE] = "__BASE_FILE__",
	[WORD_INCLUDE_LEVEL] = "__INCLUDE_LEVEL__",
	[WORD_PRAGMA] = "_Pragma",
	[WORD_MS_PRAGMA] = "__pragma",
	[WORD_MS_IDENTIFIER] = "__identifier",
	[WORD_HAS_INCLUDE] = "__has_include",
	[WORD_HAS_INCLUDE_NEXT] = "__has_include_next",
	[WORD_HAS_EMBED] = "__has_embed",
	[WORD_HAS_ATTRIBUTE] = "__has_attribute",
	[WORD_HAS_C_ATTRIBUTE] = "__has_c_attribute",
	[WORD_HAS_CPP_ATTRIBUTE] = "__has_cpp_attribute",
	[WORD_HAS_DECLSPEC_ATTRIBUTE] = "__has_declspec_attribute",
	[WORD_HAS_BUILTIN] = "__has_builtin",
	[WORD_HAS_CONSTEXPR_BUILTIN] = "__has_constexpr_builtin",
	[WORD_HAS_FEATURE] = "__has_feature",
	[WORD_HAS_EXTENSION] = "__has_extension",
	[WORD_HAS_WARNING] = "__has_warning",
	[WORD_IS_IDENTIFIER] = "__is_identifier",
	[WORD_IS_TARGET_ARCH] = "__is_target_arch",
	[WORD_IS_TARGET_VENDOR] = "__is_target_vendor",
	[WORD_IS_TARGET_OS] = "__is_target_os",
	[WORD_IS_TARGET_ENVIRONMENT] = "__is_target_environment",
	[WORD_IS_TARGET_VARIANT_OS] = "__is_target_variant_os",
	[WORD_IS_TARGET_VARIANT_ENVIRONMENT] =
		"__is_target_variant_environment",
	[WORD_BUILDING_MODULE] = "__building_module",
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
	scan_arena_release(&n->arena);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static uint32_t hash_of(const char *s, size_t len)
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

static uint32_t add(struct scan_names *n, const char *s, size_t len,
		    uint32_t hash)
{
	struct scan_name *name;
	uint32_t id = n->n;

	if (id / CHUNK >= CHUNKS_MAX)
		str_out_of_memory();
	name = scan_arena_alloc(&n->arena, sizeof(*name) + len + 1);
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
	uint32_t hash = hash_of(s, len);
	uint32_t i = hash & n->mask;

	for (; n->table[i]; i = (i + 1) & n->mask) {
		uint32_t id = n->table[i] - 1;
		const struct scan_name *name = scan_name(n, id);

		if (name->hash == hash && name->len == len &&
		    !memcmp(name->s, s, len))
			return id;
	}
	n->table[i] = n->n + 1;
	add(n, s, len, hash);
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
	size = scan_arena_memory(&n->arena) + atomic_load(&n->charged) +
	       ((size_t)n->mask + 1) * sizeof(*n->table) +
	       (n->n / CHUNK + 1) * CHUNK * sizeof(void *);
	scan_names_unlock(n);
	return size;
}
