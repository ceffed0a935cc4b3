/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/vec.h"

#include <stdint.h>

struct thing {
	int value;
	const char *name;
};

TEST(added_elements_are_zero_and_keep_their_values)
{
	struct {
		struct thing *v;
		uint32_t n;
	} list = { 0 };

	for (int i = 0; i < 1000; i++) {
		struct thing *t = VEC_ADD(list.v, list.n);

		ck_assert_int_eq(t->value, 0);
		ck_assert_ptr_null(t->name);
		ck_assert_ptr_eq(t, &list.v[i]);
		*t = (struct thing){ i, "x" };
	}
	ck_assert_uint_eq(list.n, 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(list.v[i].value, i);
	free(list.v);
}

TEST(a_shortened_vector_can_grow_again)
{
	size_t n = 0;
	int *v = NULL;

	for (int i = 0; i < 100; i++)
		*VEC_ADD(v, n) = i;
	n = 5;
	for (int i = 5; i < 300; i++)
		*VEC_ADD(v, n) = 2 * i;
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(v[i], i < 5 ? i : 2 * i);
	n = 0;
	*VEC_ADD(v, n) = 7;
	ck_assert_int_eq(v[0], 7);
	free(v);
}

TEST(reserve_reallocates_only_beyond_the_capacity)
{
	size_t cap = 0;
	int *v = vec_reserve(NULL, &cap, 0, sizeof(*v)), *same;

	ck_assert_uint_ge(cap, 1);
	for (size_t i = 0; i < cap; i++)
		v[i] = (int)i;
	same = vec_reserve(v, &cap, cap - 1, sizeof(*v));
	ck_assert_ptr_eq(same, v);
	v = vec_reserve(v, &cap, 1000, sizeof(*v));
	ck_assert_uint_gt(cap, 1000);
	ck_assert_int_eq(v[31], 31);
	free(v);
}

TEST_EXIT(an_overflowing_size_exits_with_status_1, 1)
{
	size_t cap = 1;
	void *v = vec_reserve(NULL, &cap, SIZE_MAX / 4, 64);

	free(v);
}
