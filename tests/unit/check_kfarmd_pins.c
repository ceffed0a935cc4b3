/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd toolchain */
#include "kfarmd/client.h"

#include "../lib/test.h"
#include "kfarmd-single.h"

static const char *const o2[] = { "-O 2", NULL };

static void send_pin(uint32_t job, uint8_t class)
{
	struct wire_pin m = { .job = job, .class = class };
	struct buf body = { 0 };

	wire_pin_encode(&body, &m);
	client_send(&node.c, WIRE_PIN, &body);
}

FIXTURE(one_set_up, one_tear_down);

TEST(a_job_pinned_to_a_core_class_returns_a_valid_result)
{
	struct wire_job m;

	play_put(&node.c, 0, ROOT "/a.c", "int a;\n");
	for (uint32_t job = 1; job < 4; job++) {
		m = play_job(&node.c, job, WIRE_LANG_C, plain);
		if (job != 2)
			send_pin(job, 0);
		play_send_job(&node.c, &m);
		ck_assert_int_eq(result(job)->wait_status, 0);
		m = play_job(&node.c, job, WIRE_LANG_C, plain);
		check_answer(&m, plain);
	}
}

TEST(heat_is_sent_only_while_a_pinned_job_runs)
{
	struct buf text = slow_source();
	uint64_t deadline = clock_ms() + CLIENT_MS;

	play_put(&node.c, 0, ROOT "/a.c", buf_str(&text));
	play_remote(&node.c, 1, "a.c", o2);
	while (!node.c.most_running && clock_ms() < deadline)
		client_idle(20);
	ck_assert_uint_eq(node.c.heats, 0);
	play_cancel(&node.c, 1);
	send_pin(2, 0);
	play_remote(&node.c, 2, "a.c", o2);
	while (!node.c.heats && clock_ms() < deadline)
		client_idle(20);
	ck_assert_uint_ge(node.c.heats, 1);
	play_cancel(&node.c, 2);
	buf_release(&text);
}

TEST(an_unknown_core_class_fails_only_its_job)
{
	play_put(&node.c, 0, ROOT "/b.S", " nop\n");
	send_pin(1, WIRE_CLASSES_MAX - 1);
	play_remote(&node.c, 1, "b.S", plain);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_UNSUPPORTED);
	text_has(failure(1)->reason, "no such core class: 31");
	play_remote(&node.c, 2, "b.S", plain);
	ck_assert_int_eq(result(2)->wait_status, 0);
}

TEST(a_pin_for_another_job_ends_the_session)
{
	struct wire_job m = play_job(&node.c, 2, WIRE_LANG_C, plain);

	send_pin(1, 0);
	play_send_job(&node.c, &m);
	client_expect_bye(&node.c, "PIN for job 1 is followed by JOB 2");
}

TEST(two_pins_without_a_job_between_them_end_the_session)
{
	send_pin(1, 0);
	send_pin(1, 0);
	client_expect_bye(&node.c, "PIN: previous PIN has no JOB");
}

/* kfarmd may use CPUs of class 0 only. */
TEST(a_pinned_job_uses_only_cpus_that_kfarmd_may_use)
{
	struct machine_cpus *cpus = xcalloc(2, sizeof(*cpus)), usable;
	struct kfarmd_pins pins;
	struct kfarmd_pin *pin;
	struct buf body = { 0 };
	struct err err;

	machine_cpus_read_usable(&usable, "");
	for (unsigned i = 0; i < MACHINE_CPUS_MAX; i++)
		machine_cpus_add(&cpus[0], i);
	machine_cpus_add(&cpus[1], MACHINE_CPUS_MAX - 1);
	kfarmd_client_init_pins(&pins, cpus, 2);
	for (uint8_t class = 0; class < 2; class ++) {
		wire_pin_encode(&body, &(struct wire_pin){ 5, class });
		ck_assert_int_eq(kfarmd_client_receive_pin(&pins,
							   buf_bytes(&body),
							   WIRE_VERSION, &err),
				 0);
		buf_reset(&body);
		ck_assert_int_eq(
			kfarmd_client_take_job_pin(&pins, 5, &pin, &err),
			class ? -EPERM : 0);
		if (class)
			continue;
		ck_assert_mem_eq(&pin->cpus, &usable, sizeof(usable));
		ck_assert_uint_eq(pin->share.max_running,
				  machine_cpus_count(&usable));
	}
	ck_assert_ptr_null(pin);
	kfarmd_client_release_pins(&pins);
	buf_release(&body);
}
