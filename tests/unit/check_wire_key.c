/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base wire */
#include "wire/msg.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct wire_job job;
static struct digest text, key;

static void fresh(void)
{
	job = (struct wire_job){ .job = 1, .text_len = 10, .deadline_ms = 5 };
	wire_job_add_flag(&job, "-O", "2");
	digest_of(bytes_str("int x;"), &text);
	wire_job_key(&job, &text, &key);
}

static void done(void)
{
	wire_job_release(&job);
}

static bool same_key(void)
{
	struct digest now;

	wire_job_key(&job, &text, &now);
	return digest_equal(&now, &key);
}

START_TEST(a_key_is_the_digest_that_the_protocol_states)
{
	struct buf b = { 0 };
	struct digest want;

	job.job = 0;
	wire_job_encode(&b, &job);
	buf_add(&b, text.b, sizeof(text.b));
	digest_of(buf_bytes(&b), &want);
	ck_assert(digest_equal(&want, &key));
	buf_release(&b);
}
END_TEST

START_TEST(a_key_does_not_depend_on_the_number)
{
	job.job = 99;
	ck_assert(same_key());
	ck_assert_uint_eq(job.job, 99);
}
END_TEST

START_TEST(a_key_depends_on_all_that_is_compiled)
{
	if (_i == 0)
		text.b[31] ^= 1;
	else if (_i == 1)
		job.toolchain.b[0] ^= 1;
	else if (_i == 2)
		job.lang = WIRE_LANG_ASM;
	else if (_i == 3)
		wire_job_add_flag(&job, "-g", NULL);
	else if (_i == 4)
		job.flags[0].value[0] = '3';
	else
		strv_add(&job.env, "LANG=C");
	ck_assert(!same_key());
}
END_TEST

START_TEST(an_answer_binds_the_object_to_the_key)
{
	struct digest answer, other;
	struct buf b = { 0 };

	wire_answer_digest(&key, bytes_str("\177ELF"), &answer);
	buf_add(&b, key.b, sizeof(key.b));
	buf_add_str(&b, "\177ELF");
	digest_of(buf_bytes(&b), &other);
	ck_assert(digest_equal(&answer, &other));

	wire_answer_digest(&key, bytes_str("\177ELG"), &other);
	ck_assert(!digest_equal(&answer, &other));
	key.b[0] ^= 1;
	wire_answer_digest(&key, bytes_str("\177ELF"), &other);
	ck_assert(!digest_equal(&answer, &other));
	wire_answer_digest(&key, bytes_of(NULL, 0), &other);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire/key");
	TCase *tc = tcase_create("key");
	SRunner *sr = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, fresh, done);
	tcase_add_test(tc, a_key_is_the_digest_that_the_protocol_states);
	tcase_add_test(tc, a_key_does_not_depend_on_the_number);
	tcase_add_loop_test(tc, a_key_depends_on_all_that_is_compiled, 0, 6);
	tcase_add_test(tc, an_answer_binds_the_object_to_the_key);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
