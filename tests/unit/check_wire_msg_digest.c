/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/msg.h"

static struct wire_job job;
static struct wire_flag flags[] = { { "-O", "2" }, { "-w", NULL } };
static struct digest toolchain, job_digest;

static void set_up(void)
{
	job = (struct wire_job){ .job = 1, .deadline_ms = 5 };
	job.source = xstrdup("a.c");
	job.object = xstrdup("a.o");
	flags[0].value = "2";
	digest_bytes(bytes_str("gcc"), &toolchain);
	wire_job_digest(NULL, &job, flags, 2, &toolchain, WIRE_VERSION,
			&job_digest);
}

static void tear_down(void)
{
	wire_job_release(&job);
}

static bool is_same_digest(size_t n)
{
	struct digest now;

	wire_job_digest(NULL, &job, flags, n, &toolchain, WIRE_VERSION, &now);
	return digest_equal(&now, &job_digest);
}

FIXTURE(set_up, tear_down);

TEST(a_job_digest_covers_the_bytes_that_the_protocol_specifies)
{
	struct buf b = { 0 };
	struct digest want;

	job.job = 0;
	/* The encoding ends with no flag ranges and no variables. */
	wire_job_encode(&b, &job);
	b.len -= 4;
	buf_put_u16(&b, 0);
	buf_put_u16(&b, 0);
	buf_put_u32(&b, 2);
	wire_flags_put(&b, &flags[0]);
	wire_flags_put(&b, &flags[1]);
	buf_add(&b, toolchain.b, sizeof(toolchain.b));
	digest_bytes(buf_bytes(&b), &want);
	ck_assert(digest_equal(&want, &job_digest));
	buf_release(&b);
}

TEST(a_job_digest_does_not_depend_on_job_and_flag_numbers)
{
	static struct wire_run run = { 7, 2 };

	job.job = 99;
	job.n_flag_ranges = 1;
	job.flag_ranges = &run;
	ck_assert(is_same_digest(2));
	ck_assert_uint_eq(job.job, 99);
	ck_assert_uint_eq(job.n_flag_ranges, 1);
	job.flag_ranges = NULL;
}

TEST_RANGE(a_job_digest_depends_on_every_input_of_the_compile, 0, 8)
{
	size_t n = 2;

	if (_i == 0)
		toolchain.b[0] ^= 1;
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
	ck_assert(!is_same_digest(n));
}

TEST(a_tool_step_precedes_its_job_in_the_digest)
{
	struct wire_step step = { .job = 7, .tool = 4 };
	struct digest_ctx *run = digest_new();
	struct digest with, want, other;
	struct buf b = { 0 };

	strv_add(&step.args, "-r");
	wire_job_digest(&step, &job, flags, 2, &toolchain, WIRE_VERSION, &with);
	step.job = job.job = 0;
	wire_step_encode(&b, &step);
	wire_job_encode(&b, &job);
	buf_put_u32(&b, 2);
	wire_flags_put(&b, &flags[0]);
	wire_flags_put(&b, &flags[1]);
	digest_add(run, buf_bytes(&b));
	digest_add(run, bytes_of(toolchain.b, sizeof(toolchain.b)));
	digest_finish(run, &want);
	ck_assert(digest_equal(&with, &want));
	ck_assert(!digest_equal(&with, &job_digest));
	step.kind = WIRE_STEP_OBJECT;
	wire_job_digest(&step, &job, flags, 2, &toolchain, WIRE_VERSION,
			&other);
	ck_assert(!digest_equal(&with, &other));
	buf_release(&b);
	wire_step_release(&step);
}

TEST_RANGE(a_result_digest_depends_on_the_job_digest_and_each_output, 0,
	   WIRE_N_OUTPUTS + 2)
{
	struct bytes s[WIRE_N_OUTPUTS];
	struct digest result, other;
	struct buf b = { 0 };

	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		s[i] = bytes_of("abcdefghijklmnopqrstuvwxyz", (size_t)i);
	wire_result_digest(&job_digest, s, &result);
	buf_add(&b, job_digest.b, sizeof(job_digest.b));
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		buf_put_bytes(&b, s[i]);
	digest_bytes(buf_bytes(&b), &other);
	ck_assert(digest_equal(&result, &other));

	if (_i < WIRE_N_OUTPUTS) {
		s[_i].len++;
	} else if (_i == WIRE_N_OUTPUTS) {
		job_digest.b[0] ^= 1;
	} else { /* a byte moves to the next output */
		s[1] = bytes_of("", 0);
		s[2] = bytes_of("aab", 3);
	}
	wire_result_digest(&job_digest, s, &other);
	ck_assert(!digest_equal(&result, &other));
	buf_release(&b);
}
