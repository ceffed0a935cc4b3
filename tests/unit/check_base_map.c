/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/map.h"

#define N 1000

struct thing {
	struct map_entry node;
	int value;
};

static struct thing *find(const struct map *map, uint64_t hash, int value)
{
	struct map_entry *n = map_find(map, hash);

	while (n && ((struct thing *)n)->value != value)
		n = map_next_match(n);
	return (struct thing *)n;
}

TEST(an_empty_map_has_no_entries)
{
	struct map map = { 0 };

	ck_assert_ptr_null(map_find(&map, 42));
	ck_assert_ptr_null(map_next(&map, NULL));
	map_release(&map);
}

TEST(an_entry_is_found_until_it_is_removed)
{
	static struct thing things[N];
	struct map_entry *n, *next;
	int seen = 0;
	struct map map = { 0 };

	/* Five of each hash. */
	for (int i = 0; i < N; i++) {
		things[i].value = i;
		map_add(&map, &things[i].node, (uint64_t)(i / 5));
	}
	ck_assert_uint_eq(map.n_entries, N);
	for (int i = 0; i < N; i++)
		ck_assert_ptr_eq(find(&map, (uint64_t)(i / 5), i), &things[i]);
	for (int i = 0; i < N; i += 2)
		map_remove(&map, &things[i].node);
	for (int i = 0; i < N; i++)
		ck_assert_ptr_eq(find(&map, (uint64_t)(i / 5), i),
				 i % 2 ? &things[i] : NULL);
	for (n = map_next(&map, NULL); n; n = next, seen++) {
		ck_assert_int_eq(((struct thing *)n)->value % 2, 1);
		next = map_next(&map, n);
		map_remove(&map, n);
	}
	ck_assert_int_eq(seen, N / 2);
	ck_assert_ptr_null(map_next(&map, NULL));
	map_release(&map);
}

static unsigned released;

static void count_released(struct map_entry *node)
{
	(void)node;
	released++;
}

TEST(all_entries_are_released_with_the_map)
{
	static struct thing things[N], *one;
	struct map map = { 0 };

	for (int i = 0; i < N; i++)
		map_add(&map, &things[i].node, (uint64_t)i * i);
	map_release_entries(&map, count_released);
	ck_assert_uint_eq(released, N);
	ck_assert_uint_eq(map.n_entries, 0);
	one = malloc(sizeof(*one));
	map_add(&map, &one->node, 7);
	map_release_entries(&map, NULL);
}

TEST(another_hash_of_the_same_chain_is_not_matched)
{
	struct thing a = { .value = 1 }, b = { .value = 2 };
	struct map map = { 0 };

	map_add(&map, &a.node, 1);
	map_add(&map, &b.node, 1 + (UINT64_C(1) << 40));
	ck_assert_ptr_eq(map_find(&map, 1), &a.node);
	ck_assert_ptr_null(map_next_match(&a.node));
	map_release(&map);
}

TEST(a_hash_depends_on_each_byte_and_the_length)
{
	char text[21] = { 0 };

	for (size_t n = 0; n < 20; n++) {
		uint64_t hash = map_hash(bytes_of(text, n));

		ck_assert_uint_eq(map_hash(bytes_of(text, n)), hash);
		ck_assert_uint_ne(map_hash(bytes_of(text, n + 1)), hash);
		for (size_t i = 0; i < n; i++) {
			text[i] = 'x';
			ck_assert_uint_ne(map_hash(bytes_of(text, n)), hash);
			text[i] = '\0';
		}
	}
}
