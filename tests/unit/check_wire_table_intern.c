/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/table.h"

static struct wire_intern *table;

static void fresh(void)
{
	table = wire_intern_new(100000, 1 << 20);
}

static void done(void)
{
	wire_intern_free(table);
}

static int add(const char *s, uint32_t *number)
{
	return wire_intern_add(table, bytes_str(s), number);
}

FIXTURE(fresh, done);

TEST(numbers_count_up_and_stay)
{
	uint32_t n = 42;

	ck_assert_int_eq(wire_intern_find(table, bytes_str("a"), &n), -ENOENT);
	ck_assert_uint_eq(n, 42);
	ck_assert_int_eq(add("a", &n), 1);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(add("", &n), 1);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(wire_intern_add(table, bytes_of("a\0b", 3), &n), 1);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(add("a", &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(wire_intern_find(table, bytes_str(""), &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(wire_intern_count(table), 3);
	ck_assert_mem_eq(wire_intern_get(table, 2).data, "a\0b", 4);
	ck_assert_uint_eq(wire_intern_get(table, 2).len, 3);
}

TEST(many_strings_keep_their_numbers_and_places)
{
	const uint8_t *first;
	char s[32];
	uint32_t n;

	add("string 0", &n);
	first = wire_intern_get(table, 0).data;
	for (uint32_t i = 0; i < 50000; i++) {
		snprintf(s, sizeof(s), "string %u", i);
		ck_assert_int_eq(add(s, &n), i > 0);
		ck_assert_uint_eq(n, i);
	}
	for (uint32_t i = 0; i < 50000; i++) {
		snprintf(s, sizeof(s), "string %u", i);
		ck_assert_int_eq(wire_intern_find(table, bytes_str(s), &n), 0);
		ck_assert_uint_eq(n, i);
		ck_assert_str_eq((const char *)wire_intern_get(table, i).data,
				 s);
	}
	ck_assert_ptr_eq(wire_intern_get(table, 0).data, first);
}

TEST(a_full_table_takes_no_more)
{
	struct wire_intern *few = wire_intern_new(2, 100);
	struct wire_intern *small = wire_intern_new(100, 10);
	uint32_t n;

	ck_assert_int_eq(wire_intern_add(few, bytes_str("a"), &n), 1);
	ck_assert_int_eq(wire_intern_add(few, bytes_str("b"), &n), 1);
	ck_assert_int_eq(wire_intern_add(few, bytes_str("c"), &n), -ENOSPC);
	ck_assert_int_eq(wire_intern_add(few, bytes_str("b"), &n), 0);
	ck_assert_int_eq(wire_intern_add(small, bytes_str("0123456789"), &n),
			 -ENOSPC);
	ck_assert_int_eq(wire_intern_add(small, bytes_str("012345678"), &n), 1);
	ck_assert_int_eq(wire_intern_add(small, bytes_str(""), &n), -ENOSPC);
	ck_assert_uint_eq(wire_intern_count(small), 1);
	wire_intern_free(few);
	wire_intern_free(small);
	wire_intern_free(NULL);
}

TEST(a_string_longer_than_a_chunk_is_kept_whole)
{
	char *s = xasprintf("%*s", 200000, "end");
	uint32_t n;

	ck_assert_int_eq(add("before", &n), 1);
	ck_assert_int_eq(add(s, &n), 1);
	ck_assert_int_eq(add("behind", &n), 1);
	ck_assert_str_eq((const char *)wire_intern_get(table, 1).data, s);
	ck_assert_str_eq((const char *)wire_intern_get(table, 0).data,
			 "before");
	free(s);
}
