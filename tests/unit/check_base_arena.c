/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/arena.h"

#include <stdint.h>

static struct arena arena;

static void release(void)
{
	arena_release(&arena);
	ck_assert_ptr_null(arena.chunk);
	ck_assert_ptr_null(arena.spare);
	ck_assert_uint_eq(arena.size_bytes, 0);
}

FIXTURE(NULL, release);

TEST(allocations_are_aligned_and_do_not_overlap)
{
	char *small = arena_alloc(&arena, 3);
	char *copy = arena_copy(&arena, "abcdef", 3);
	char *large = arena_alloc(&arena, 1 << 20);

	memset(small, 1, 3);
	memset(large, 2, 1 << 20);
	ck_assert_str_eq(copy, "abc");
	ck_assert_uint_eq((uintptr_t)large % 8, 0);
	ck_assert_uint_eq((uintptr_t)copy % 8, 0);
}

TEST(a_rewind_frees_the_allocations_after_its_mark)
{
	struct arena_mark start = arena_mark(&arena);
	struct arena_mark mark;
	size_t memory;
	char *first, *after;

	first = arena_copy(&arena, "stays", 5);
	memory = arena.size_bytes;
	mark = arena_mark(&arena);
	after = arena_alloc(&arena, 10);
	arena_alloc(&arena, 1 << 20);
	arena_rewind(&arena, mark);
	ck_assert_uint_eq(arena.size_bytes, memory);
	ck_assert_ptr_eq(arena_alloc(&arena, 10), after);
	ck_assert_str_eq(first, "stays");

	arena_rewind(&arena, start);
	ck_assert_uint_eq(arena.size_bytes, 0);
}

TEST(an_arena_rewound_in_a_loop_does_not_grow)
{
	arena_alloc(&arena, 1);
	for (int i = 0; i < 1000; i++) {
		struct arena_mark mark = arena_mark(&arena);

		arena_alloc(&arena, 50000);
		arena_alloc(&arena, 50000);
		arena_rewind(&arena, mark);
	}
	ck_assert_uint_lt(arena.size_bytes, 200000);
}

TEST(a_loop_at_the_end_of_a_chunk_reuses_one_chunk)
{
	struct arena_mark mark;
	size_t memory;
	char *first;

	arena_alloc(&arena, 8);
	memory = arena.size_bytes;
	while (arena.size_bytes == memory) {
		mark = arena_mark(&arena);
		first = arena_alloc(&arena, 64);
	}
	for (int i = 0; i < 10; i++) {
		arena_rewind(&arena, mark);
		ck_assert_uint_eq(arena.size_bytes, memory);
		ck_assert_ptr_eq(arena_alloc(&arena, 64), first);
	}
	arena_reset(&arena);
	ck_assert_ptr_null(arena.spare);
}
