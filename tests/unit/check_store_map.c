/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/map.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

#define N 1000

struct thing {
	struct store_node node;
	int value;
};

static struct thing *find(const struct store_map *map, uint64_t hash, int value)
{
	struct store_node *n = store_map_find(map, hash);

	while (n && ((struct thing *)n)->value != value)
		n = store_map_again(n);
	return (struct thing *)n;
}

START_TEST(an_empty_map_holds_nothing)
{
	struct store_map map = { 0 };

	ck_assert_ptr_null(store_map_find(&map, 42));
	ck_assert_ptr_null(store_map_any(&map));
	store_map_release(&map);
}
END_TEST

START_TEST(what_is_added_is_found_until_it_is_removed)
{
	static struct thing things[N];
	struct store_map map = { 0 };

	/* Five of each hash. */
	for (int i = 0; i < N; i++) {
		things[i].value = i;
		store_map_add(&map, &things[i].node, (uint64_t)(i / 5));
	}
	ck_assert_uint_eq(map.n, N);
	for (int i = 0; i < N; i++)
		ck_assert_ptr_eq(find(&map, (uint64_t)(i / 5), i), &things[i]);
	for (int i = 0; i < N; i += 2)
		store_map_remove(&map, &things[i].node);
	for (int i = 0; i < N; i++)
		ck_assert_ptr_eq(find(&map, (uint64_t)(i / 5), i),
				 i % 2 ? &things[i] : NULL);
	for (int i = 0; i < N / 2; i++)
		store_map_remove(&map, store_map_any(&map));
	ck_assert_ptr_null(store_map_any(&map));
	store_map_release(&map);
}
END_TEST

START_TEST(a_hash_of_another_in_the_same_chain_is_not_taken_for_it)
{
	struct thing a = { .value = 1 }, b = { .value = 2 };
	struct store_map map = { 0 };

	store_map_add(&map, &a.node, 1);
	store_map_add(&map, &b.node, 1 + (UINT64_C(1) << 40));
	ck_assert_ptr_eq(store_map_find(&map, 1), &a.node);
	ck_assert_ptr_null(store_map_again(&a.node));
	store_map_release(&map);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/map");
	TCase *tc = tcase_create("map");

	tcase_add_test(tc, an_empty_map_holds_nothing);
	tcase_add_test(tc, what_is_added_is_found_until_it_is_removed);
	tcase_add_test(tc,
		       a_hash_of_another_in_the_same_chain_is_not_taken_for_it);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
