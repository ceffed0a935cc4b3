/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/cache.h"

#include <stdint.h>
#include <string.h>

#define HEADER 48 /* magic, counts, flags, extensions, unused */
#define ENTRY  24 /* flags, key, value, osversion, hwcap */

static const char magic[] = "glibc-ld.so.cache1.1";

/* Numbers are in the machine's own order. */
static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Older ones begin with a part for older loaders: what counts is behind. */
static struct bytes find_header(struct bytes cache)
{
	const uint8_t *at = NULL;

	if (cache.len)
		at = memmem(cache.data, cache.len, magic, sizeof(magic) - 1);
	if (!at)
		return bytes_of(NULL, 0);
	return bytes_of(at, cache.len - (size_t)(at - cache.data));
}

static const char *string_at(struct bytes cache, uint32_t at)
{
	if (at >= cache.len || !memchr(cache.data + at, '\0', cache.len - at))
		return NULL;
	return (const char *)cache.data + at;
}

static bool is_plain(const uint8_t *entry)
{
	return !get_u32(entry + 16) && !get_u32(entry + 20);
}

const char *compiler_cache_find(struct bytes cache, const char *name, size_t n)
{
	struct bytes c = find_header(cache);
	uint32_t count;

	if (c.len < HEADER)
		return NULL;
	count = get_u32(c.data + sizeof(magic) - 1);
	if (count > (c.len - HEADER) / ENTRY)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry = c.data + HEADER + (size_t)i * ENTRY;
		const char *key = string_at(c, get_u32(entry + 4));
		const char *value = string_at(c, get_u32(entry + 8));

		if (!key || !value)
			return NULL;
		if (is_plain(entry) && !strcmp(key, name) && !n--)
			return value;
	}
	return NULL;
}
