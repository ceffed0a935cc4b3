/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
#include "agent/text.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct agent_text *text;
static struct err err;

static void tear_down(void)
{
	agent_text_free(text);
}

START_TEST(what_came_in_pieces_is_whole)
{
	static const char all[] = "int x;\nint y;\n";
	struct digest want, got;
	char back[64] = "";

	ck_assert_int_eq(agent_text_new(&text, sizeof(all) - 1, &err), 0);
	for (size_t i = 0; i < sizeof(all) - 1; i++) {
		ck_assert(!agent_text_complete(text));
		ck_assert_int_eq(
			agent_text_add(text, bytes_of(all + i, 1), &err), 0);
	}
	ck_assert(agent_text_complete(text));
	digest_of(bytes_str(all), &want);
	agent_text_digest(text, &got);
	ck_assert(digest_equal(&want, &got));
	ck_assert_int_eq(pread(agent_text_fd(text), back, 63, 0),
			 sizeof(all) - 1);
	ck_assert_str_eq(back, all);
}
END_TEST

START_TEST(more_than_announced_is_refused)
{
	ck_assert_int_eq(agent_text_new(&text, 3, &err), 0);
	ck_assert_int_eq(agent_text_add(text, bytes_str("1234"), &err),
			 -EPROTO);
	ck_assert_int_eq(agent_text_add(text, bytes_str("123"), &err), 0);
	ck_assert_int_eq(agent_text_add(text, bytes_str("4"), &err), -EPROTO);
	ck_assert_int_eq(agent_text_add(text, bytes_of("", 0), &err), 0);
}
END_TEST

START_TEST(an_empty_one_is_complete)
{
	struct digest want, got;

	ck_assert_int_eq(agent_text_new(&text, 0, &err), 0);
	ck_assert(agent_text_complete(text));
	digest_of(bytes_of("", 0), &want);
	agent_text_digest(text, &got);
	ck_assert(digest_equal(&want, &got));
}
END_TEST

START_TEST(silence_is_counted)
{
	ck_assert_int_eq(agent_text_new(&text, 3, &err), 0);
	usleep(20000);
	ck_assert_uint_ge(agent_text_silence(text), 15);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/text");
	TCase *t = tcase_create("text");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, what_came_in_pieces_is_whole);
	tcase_add_test(t, more_than_announced_is_refused);
	tcase_add_test(t, an_empty_one_is_complete);
	tcase_add_test(t, silence_is_counted);
	suite_add_tcase(s, t);
	return suite_run(s);
}
