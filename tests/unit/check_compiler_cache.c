/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Lookups in the dynamic loader's cache, /etc/ld.so.cache. */
#include "../lib/test.h"

#include "compiler/library.h"

#include "base/buf.h"

struct pair {
	const char *name, *path;
	uint32_t hwcap;
};

static const struct pair pairs[] = {
	{ "liba.so.1", "/fast/liba.so.1", 2 },
	{ "liba.so.1", "/x/liba.so.1", 0 },
	{ "libb.so", "/x/libb.so", 0 },
	{ "liba.so.1", "/y/liba.so.1", 0 },
};

#define N (sizeof(pairs) / sizeof(*pairs))

static struct buf cache;

static void make(const char *front)
{
	uint32_t header[7] = { N };
	struct buf text = { 0 };

	buf_add(&cache, front, strlen(front));
	buf_add_str(&cache, "glibc-ld.so.cache1.1");
	buf_add(&cache, header, sizeof(header));
	for (size_t i = 0; i < N; i++) {
		uint32_t entry[6] = { 3 };

		entry[1] = (uint32_t)(48 + 24 * N + text.len);
		buf_add(&text, pairs[i].name, strlen(pairs[i].name) + 1);
		entry[2] = (uint32_t)(48 + 24 * N + text.len);
		buf_add(&text, pairs[i].path, strlen(pairs[i].path) + 1);
		entry[5] = pairs[i].hwcap;
		buf_add(&cache, entry, sizeof(entry));
	}
	buf_add_bytes(&cache, buf_bytes(&text));
	buf_release(&text);
}

static void tear_down(void)
{
	buf_release(&cache);
}

static const char *get(const char *name, size_t n)
{
	return compiler_library_find_cached(buf_bytes(&cache), name, n);
}

static const char *const fronts[] = { "",
				      "ld.so-1.7.0 and what old ones have" };

FIXTURE(NULL, tear_down);

TEST_RANGE(files_are_found_in_order_without_hwcap_variants, 0, 2)
{
	make(fronts[_i]);
	ck_assert_str_eq(get("liba.so.1", 0), "/x/liba.so.1");
	ck_assert_str_eq(get("liba.so.1", 1), "/y/liba.so.1");
	ck_assert_ptr_null(get("liba.so.1", 2));
	ck_assert_str_eq(get("libb.so", 0), "/x/libb.so");
	ck_assert_ptr_null(get("libc.so", 0));
}

TEST(a_truncated_or_damaged_cache_is_read_safely)
{
	size_t len;

	make("");
	len = cache.len;
	for (cache.len = 0; cache.len < len; cache.len++) {
		const char *path = get("libb.so", 0);

		ck_assert(!path || !strcmp(path, "/x/libb.so"));
	}
	for (size_t at = 0; at < len; at++) {
		cache.data[at] ^= 0xff;
		get("libb.so", 0);
		cache.data[at] ^= 0xff;
	}
}

TEST(the_cache_of_this_machine_names_libc)
{
	struct err err;
	const char *path;

	if (!fs_exists("/etc/ld.so.cache"))
		SKIP("no /etc/ld.so.cache");
	must(fs_read("/etc/ld.so.cache", 1 << 24, &cache, &err));
	path = get("libc.so.6", 0);
	ck_assert_ptr_nonnull(path);
	ck_assert_int_eq(path[0], '/');
	ck_assert(fs_exists(path));
}
