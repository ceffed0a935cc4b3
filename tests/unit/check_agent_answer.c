/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
#include "agent/answer.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static uint8_t large[2 * WIRE_CHUNK_MAX + 5];

START_TEST(pieces_come_in_order_and_no_larger_than_one_may_be)
{
	struct agent_answer a = {
		.out = { [WIRE_OBJECT] = bytes_of(large, sizeof(large)),
			 [WIRE_STDERR] = bytes_str("words"),
			 [WIRE_AS_DEPS] = bytes_str("x") },
	};
	static const size_t sizes[] = { WIRE_CHUNK_MAX, WIRE_CHUNK_MAX, 5, 5,
					1 };
	static const uint8_t streams[] = { WIRE_OBJECT, WIRE_OBJECT,
					   WIRE_OBJECT, WIRE_STDERR,
					   WIRE_AS_DEPS };
	struct wire_piece p;

	ck_assert_uint_eq(agent_answer_size(&a), sizeof(large) + 6);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ck_assert(agent_answer_piece(&a, &p));
		ck_assert_uint_eq(p.stream, streams[i]);
		ck_assert_uint_eq(p.data.len, sizes[i]);
	}
	ck_assert(!agent_answer_piece(&a, &p));
	ck_assert(!agent_answer_piece(&a, &p));
}
END_TEST

START_TEST(an_empty_answer_has_no_piece)
{
	struct agent_answer a = { 0 };
	struct wire_piece p;

	ck_assert(!agent_answer_piece(&a, &p));
}
END_TEST

/* In which streams our directories' names are told. */
START_TEST(only_the_lists_may_name_our_directories)
{
	struct digest key = { { 1 } }, want;

	for (int i = 0; i < WIRE_STREAMS; i++) {
		struct agent_answer a = { 0 };

		a.out[i] = bytes_str("x /.kfarm/out/out.o");
		agent_answer_seal(&a, &key);
		ck_assert_int_eq(a.tells, i != WIRE_DEPS && i != WIRE_AS_DEPS);
		wire_answer_digest(&key, a.out, &want);
		ck_assert(digest_equal(&want, &a.digest));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/answer");
	TCase *t = tcase_create("answer");

	tcase_add_test(t, pieces_come_in_order_and_no_larger_than_one_may_be);
	tcase_add_test(t, an_empty_answer_has_no_piece);
	tcase_add_test(t, only_the_lists_may_name_our_directories);
	suite_add_tcase(s, t);
	return suite_run(s);
}
