/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/msg.h"

static struct wire_job job;
static struct wire_flag flags[] = { { "-O", "2" }, { "-w", NULL } };
static struct digest tools, key;

static void fresh(void)
{
	job = (struct wire_job){ .job = 1, .deadline_ms = 5 };
	job.source = xstrdup("a.c");
	job.object = xstrdup("a.o");
	flags[0].value = "2";
	digest_bytes(bytes_str("gcc"), &tools);
	wire_job_digest(NULL, &job, flags, 2, &tools, WIRE_VERSION, &key);
}

static void done(void)
{
	wire_job_release(&job);
}

static bool same_key(size_t n)
{
	struct digest now;

	wire_job_digest(NULL, &job, flags, n, &tools, WIRE_VERSION, &now);
	return digest_equal(&now, &key);
}

FIXTURE(fresh, done);

TEST(a_key_is_the_digest_that_the_protocol_states)
{
	struct buf b = { 0 };
	struct digest want;

	job.job = 0;
	wire_job_encode(&b, &job); /* followed by no runs and no variables */
	b.len -= 4;
	buf_put_u16(&b, 0);
	buf_put_u16(&b, 0);
	buf_put_u32(&b, 2);
	wire_flags_put(&b, &flags[0]);
	wire_flags_put(&b, &flags[1]);
	buf_add(&b, tools.b, sizeof(tools.b));
	digest_bytes(buf_bytes(&b), &want);
	ck_assert(digest_equal(&want, &key));
	buf_release(&b);
}

TEST(a_key_does_not_depend_on_numbers)
{
	static struct wire_run run = { 7, 2 };

	job.job = 99;
	job.n_flag_ranges = 1;
	job.flag_ranges = &run;
	ck_assert(same_key(2));
	ck_assert_uint_eq(job.job, 99);
	ck_assert_uint_eq(job.n_flag_ranges, 1);
	job.flag_ranges = NULL;
}

TEST_RANGE(a_key_depends_on_all_that_is_compiled, 0, 8)
{
	size_t n = 2;

	if (_i == 0)
		tools.b[0] ^= 1;
	else if (_i == 1)
		job.lang = WIRE_LANG_ASM;
	else if (_i == 2)
		n = 1;
	else if (_i == 3)
		flags[0].value = "3";
	else if (_i == 4)
		strv_add(&job.env, "LANG=C");
	else if (_i == 5)
		job.view = 3;
	else if (_i == 6)
		job.cwd = 3;
	else
		job.source[0] = 'b';
	ck_assert(!same_key(n));
}

TEST(a_step_is_in_front_of_its_job)
{
	struct wire_step step = { .job = 7, .tool = 4 };
	struct digest_ctx *run = digest_new();
	struct digest with, want, other;
	struct buf b = { 0 };

	strv_add(&step.args, "-r");
	wire_job_digest(&step, &job, flags, 2, &tools, WIRE_VERSION, &with);
	step.job = job.job = 0;
	wire_step_encode(&b, &step);
	wire_job_encode(&b, &job);
	buf_put_u32(&b, 2);
	wire_flags_put(&b, &flags[0]);
	wire_flags_put(&b, &flags[1]);
	digest_add(run, buf_bytes(&b));
	digest_add(run, bytes_of(tools.b, sizeof(tools.b)));
	digest_finish(run, &want);
	ck_assert(digest_equal(&with, &want));
	ck_assert(!digest_equal(&with, &key));
	step.kind = WIRE_STEP_OBJECT;
	wire_job_digest(&step, &job, flags, 2, &tools, WIRE_VERSION, &other);
	ck_assert(!digest_equal(&with, &other));
	buf_release(&b);
	wire_step_release(&step);
}

TEST_RANGE(an_answer_binds_each_stream_to_the_key, 0, 7)
{
	struct bytes s[WIRE_N_OUTPUTS];
	struct digest answer, other;
	struct buf b = { 0 };

	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		s[i] = bytes_of("abcdefghijklmnopqrstuvwxyz", (size_t)i);
	wire_result_digest(&key, s, &answer);
	buf_add(&b, key.b, sizeof(key.b));
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		buf_put_bytes(&b, s[i]);
	digest_bytes(buf_bytes(&b), &other);
	ck_assert(digest_equal(&answer, &other));

	if (_i < WIRE_N_OUTPUTS) {
		s[_i].len++;
	} else if (_i == WIRE_N_OUTPUTS) {
		key.b[0] ^= 1;
	} else { /* a byte moves to the next string */
		s[1] = bytes_of("", 0);
		s[2] = bytes_of("aab", 3);
	}
	wire_result_digest(&key, s, &other);
	ck_assert(!digest_equal(&answer, &other));
	buf_release(&b);
}
