/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "sched/sched.h"

#include "sched-play.h"
#include "suite.h"

START_TEST(a_unit_goes_to_a_node_and_comes_back)
{
	struct sched *s = story("node a up 2 slots; unit 1");

	ck_assert_actions(s, "scan 1");
	ck_assert_play(s, "scanned 1", "send 1 a");
	ck_assert_play(s, "answer 1 a 200", "examine 1");
	ck_assert_play(s, "examined 1 good", "deliver 1");
	ck_assert_play(s, "left 1", "");
	sched_free(s);
}
END_TEST

START_TEST(late_answer_of_a_cancelled_job_changes_nothing)
{
	struct sched *s = story("node a up 2 slots; unit 1; scanned 1");

	ck_assert_actions(s, "send 1 a");
	ck_assert_play(s, "beat 1 a 20; 10 s", "hedge 1");
	ck_assert_play(s, "hedged 1 good", "cancel 1 a; deliver 1");
	ck_assert_play(s, "answer 1 a", "");
	sched_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sched/sched");
	TCase *tc = tcase_create("sched");

	tcase_add_test(tc, a_unit_goes_to_a_node_and_comes_back);
	tcase_add_test(tc, late_answer_of_a_cancelled_job_changes_nothing);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
