/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-single.h - Tests with one node and one sandbox each.
 */
#ifndef AGENT_ONE_H
#define AGENT_ONE_H

#include "../lib/test.h"
#include "kfarmd-node.h"

static const char *const plain[] = { NULL };
static struct node node;

static inline void one_set_up(void)
{
	(void)plain;
	client_set_up();
	node_start(&node, NULL);
}

static inline void one_tear_down(void)
{
	node_end(&node);
	client_tear_down();
}

static inline const struct wire_fail *failure(unsigned job)
{
	client_wait_job(&node.c, job);
	ck_assert_msg(node.c.job[job].has_fail, "job %u: status %u: %s", job,
		      node.c.job[job].result.wait_status,
		      buf_str(&node.c.job[job].stream[WIRE_OUTPUT_STDERR]));
	return &node.c.job[job].fail;
}

static inline const struct wire_result *result(unsigned job)
{
	client_wait_job(&node.c, job);
	ck_assert_msg(node.c.job[job].has_result, "job %u failed: %s", job,
		      node.c.job[job].fail.reason);
	return &node.c.job[job].result;
}

static inline struct bytes stream(unsigned job, enum wire_output which)
{
	return buf_bytes(&node.c.job[job].stream[which]);
}

static inline const char *diagnostics(unsigned job)
{
	return buf_str(&node.c.job[job].stream[WIRE_OUTPUT_STDERR]);
}

/*
 * Check the result against its request like a coordinator.  Releases `m`, the
 * job as sent; `step` is its tool step, or NULL.
 */
static inline void check_step_answer(const struct wire_step *step,
				     struct wire_job *m,
				     const char *const *flags)
{
	const struct wire_result *r = result(m->job);
	struct bytes streams[WIRE_N_OUTPUTS];
	struct digest key, answer;
	struct wire_flag *v;
	size_t n;

	for (unsigned i = 0; i < WIRE_N_OUTPUTS; i++) {
		streams[i] = stream(m->job, i);
		ck_assert_uint_eq(r->output_bytes[i], streams[i].len);
	}
	ck_assert(digest_equal(&r->toolchain, &client_gcc.id));
	v = play_flags(flags, &n);
	wire_job_digest(step, m, v, n, &client_gcc.id, WIRE_VERSION, &key);
	wire_result_digest(&key, streams, &answer);
	ck_assert(digest_equal(&answer, &r->digest));
	play_flags_release(v, n);
	wire_job_release(m);
}

static inline void check_answer(struct wire_job *m, const char *const *flags)
{
	check_step_answer(NULL, m, flags);
}

FIXTURE_ONCE(node_set_up_all, node_tear_down_all);
TIMEOUT(240);

#endif
