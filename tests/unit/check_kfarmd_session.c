/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire toolchain */
#include "../lib/test.h"
#include "kfarmd-single.h"

FIXTURE(one_set_up, one_tear_down);

TEST(hello_reports_the_inventory_of_the_machine)
{
	const struct wire_inventory *inv = &node.c.hello.inventory;

	text_starts(node.c.hello.software, "kfarmd ");
	ck_assert_int_eq(wire_hello_negotiate(&node.c.hello), WIRE_VERSION);
	ck_assert_uint_ge(inv->cores, 1);
	ck_assert_uint_eq(inv->slots, 0);
	ck_assert_uint_gt(inv->memory_mib, 16);
	ck_assert_uint_eq(inv->compilers.n, 0);
}

TEST(fit_reports_a_usable_node_with_seccomp)
{
	ck_assert_uint_eq(node.c.fit.usable, 1);
	ck_assert_str_eq(node.c.fit.reason, "");
	text_has(node.c.fit.layers, "seccomp");
}

TEST(heartbeats_are_sent_without_jobs)
{
	unsigned before = node.c.beats;
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (node.c.beats < before + 3 && clock_ms() < deadline)
		client_idle(50);
	ck_assert_uint_ge(node.c.beats - before, 3);
	ck_assert_uint_eq(node.c.most_running, 0);
}

static void send_raw(enum wire_type type, const void *body, size_t len)
{
	wire_stream_send(node.c.stream, type, bytes_of(body, len), WIRE_PLAIN);
}

TEST(an_unknown_message_type_ends_the_session)
{
	send_raw(77, "x", 1);
	client_expect_bye(&node.c, "type 77");
}

TEST(a_second_hello_ends_the_session)
{
	client_greet(&node.c);
	client_expect_bye(&node.c, "HELLO");
}

static const enum wire_type client_types[] = {
	WIRE_CELL,  WIRE_SHUT, WIRE_PATHS,  WIRE_VIEW, WIRE_BLOB,
	WIRE_FLAGS, WIRE_JOB,  WIRE_CANCEL, WIRE_PIN
};

TEST_EACH(a_malformed_message_ends_the_session, client_types)
{
	send_raw(*row, "\377\377\377", 3);
	client_expect_bye(&node.c, "malformed");
}

/*
 * The replies to these jobs exceed the output queue.  A client whose messages
 * were not read would close the connection.
 */
TEST(messages_of_a_client_that_does_not_read_are_received)
{
	struct wire_job m = { .cell = 77,
			      .view = 1,
			      .source = (char *)"a.c",
			      .object = (char *)"a.o" };
	struct buf body = { 0 };
	uint64_t deadline = clock_ms() + CLIENT_MS;

	wire_stream_set_paused(node.c.stream, true);
	for (m.job = 1; m.job <= 120000; m.job++) {
		wire_job_encode_at(&body, &m, client_version(&node.c));
		client_send(&node.c, WIRE_JOB, &body);
	}
	while (!wire_stream_is_flushed(node.c.stream) && clock_ms() < deadline)
		client_idle(20);
	ck_assert(wire_stream_is_flushed(node.c.stream));
}

/* Messages that only a kfarmd sends. */
static const enum wire_type kfarmd_only_types[] = {
	WIRE_FIT,    WIRE_HAVE, WIRE_NEED,   WIRE_BEAT,    WIRE_OUTPUT,
	WIRE_RESULT, WIRE_FAIL, WIRE_HEALTH, WIRE_MACHINE, WIRE_HEAT
};

TEST_EACH(a_message_that_only_kfarmd_sends_ends_the_session, kfarmd_only_types)
{
	send_raw(*row, "", 0);
	client_expect_bye(&node.c, "unknown message type");
}

TEST(a_job_number_in_use_ends_the_session)
{
	for (int i = 0; i < 2; i++) {
		struct wire_job m = play_job(&node.c, 1, WIRE_LANG_C, plain);

		play_send_job(&node.c, &m);
	}
	client_expect_bye(&node.c, "number 1");
}

static struct wire_job make_job(unsigned number)
{
	return play_job(&node.c, number, WIRE_LANG_C, plain);
}

TEST(a_job_with_an_undefined_path_ends_the_session)
{
	struct wire_job m = make_job(1);

	m.cwd = WIRE_PATHS_TABLE_MAX - 1;
	play_send_job(&node.c, &m);
	client_expect_bye(&node.c, "undefined path");
}

TEST(a_job_with_an_undefined_flag_ends_the_session)
{
	struct wire_job m = make_job(1);

	m.flag_ranges = xrealloc(m.flag_ranges, sizeof(*m.flag_ranges));
	m.flag_ranges[0] = (struct wire_run){ .first = 77, .n_flags = 1 };
	m.n_flag_ranges = 1;
	play_send_job(&node.c, &m);
	client_expect_bye(&node.c, "undefined flag");
}

TEST(a_job_with_an_unknown_input_update_ends_the_session)
{
	struct wire_job m = make_job(1);

	m.view = 99;
	play_send_job(&node.c, &m);
	client_expect_bye(&node.c, "VIEW 99");
}

TEST(a_job_for_an_unknown_sandbox_fails)
{
	struct wire_job m = make_job(1);

	m.cell = 9;
	play_send_job(&node.c, &m);
	ck_assert_uint_eq(failure(1)->class, WIRE_FAIL_TOOLCHAIN);
}

TEST(a_cancel_of_an_unknown_job_is_ignored)
{
	play_cancel(&node.c, 9);
	play_put(&node.c, 0, ROOT "/b.S", " nop\n");
	play_remote(&node.c, 1, "b.S", plain);
	ck_assert_int_eq(result(1)->wait_status, 0);
}

/* Start another node without sending HELLO. */
static pid_t other_node(int *fd)
{
	static const char *const words[] = { "--stdio", NULL };
	int both[2];
	pid_t pid;

	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both));
	pid = kfarmd_start(node_store, both[1], words);
	close(both[1]);
	*fd = both[0];
	return pid;
}

TEST(garbage_ends_the_session)
{
	struct buf noise = { 0 };
	int fd, pid = other_node(&fd);

	for (int i = 0; i < 1000; i++)
		buf_printf(&noise, "GET / HTTP/1.%d\r\n", i);
	ck_assert_int_eq(bytes_write(fd, buf_bytes(&noise)), 0);
	ck_assert_int_eq(spawn_wait(pid), 0);
	close(fd);
	buf_release(&noise);
}

static void expect_bye_of_other_node(void (*send)(struct client *c),
				     const char *word)
{
	static struct client c;
	int fd, pid = other_node(&fd);

	client_attach(&c, fd);
	send(&c);
	client_expect_bye(&c, word);
	ck_assert_int_eq(spawn_wait(pid), 0);
	client_release(&c);
}

static void send_nothing(struct client *c)
{
	(void)c;
}

static void cancel_first(struct client *c)
{
	play_cancel(c, 1);
}

static void send_unsupported_version(struct client *c)
{
	struct wire_hello m = { .version_min = WIRE_VERSION + 1,
				.version_max = WIRE_VERSION + 2,
				.software = (char *)"kfarm 9.9" };
	struct buf body = { 0 };

	wire_hello_encode(&body, &m);
	client_send(c, WIRE_HELLO, &body);
}

TEST(a_client_that_sends_no_hello_times_out)
{
	uint64_t start = clock_ms();

	expect_bye_of_other_node(send_nothing, "no HELLO");
	ck_assert_uint_ge(clock_ms() - start, 4900);
}

TEST(a_message_before_hello_ends_the_session)
{
	expect_bye_of_other_node(cancel_first, "before HELLO");
}

/*
 * Send a HELLO with the versions 6 to `version`.  A client of version 6 would
 * disconnect if it received HEALTH.
 */
static void send_hello_up_to(struct client *c, uint16_t version)
{
	struct wire_hello m = { .version_min = 6,
				.version_max = version,
				.software = (char *)"kfarm 0.1" };
	struct buf body = { 0 };

	c->version = version;
	wire_hello_encode(&body, &m);
	client_send(c, WIRE_HELLO, &body);
}

static unsigned wait_for_three_beats(struct client *c)
{
	unsigned before = c->beats;
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while (c->beats < before + 3 && clock_ms() < deadline)
		client_idle(50);
	ck_assert_uint_ge(c->beats - before, 3);
	return c->healths;
}

TEST(health_is_sent_with_heartbeats)
{
	ck_assert_uint_ge(wait_for_three_beats(&node.c), 2);
}

TEST(machine_reports_kernel_cpus_memory_and_store)
{
	const struct wire_machine *m = &node.c.machine;
	unsigned cpus = 0;

	client_wait(&node.c.has_machine);
	ck_assert_uint_gt(strlen(m->kernel), 2);
	ck_assert_uint_ge(m->n_classes, 1);
	for (unsigned i = 0; i < m->n_classes; i++)
		cpus += m->classes[i].n_usable;
	ck_assert_uint_ge(cpus, node.c.hello.inventory.cores);
	ck_assert_str_eq(m->abis.v[0], node.c.fit.hosts.v[0]);
	ck_assert_uint_ge(m->memory_mib, node.c.hello.inventory.memory_mib);
	ck_assert_uint_gt(m->store_mib, 0);
	ck_assert_uint_le(m->health.store_mib, m->store_mib);
	ck_assert_uint_eq(m->n_toolchains, 0);
	ck_assert_uint_eq(m->health.n_usable, cpus);
}

/* Version 7 lacks MACHINE, and its HEALTH has three numbers. */
TEST(a_version_7_client_receives_health_but_no_machine)
{
	static struct client c;
	int fd, pid = other_node(&fd);

	client_attach(&c, fd);
	send_hello_up_to(&c, 7);
	ck_assert_uint_ge(wait_for_three_beats(&c), 2);
	ck_assert(!c.has_machine);
	ck_assert_uint_eq(c.health.n_usable, WIRE_HEALTH_UNKNOWN);
	client_release(&c);
	ck_assert_int_eq(spawn_wait(pid), 0);
}

TEST(a_version_6_client_receives_no_health)
{
	static struct client c;
	int fd, pid = other_node(&fd);

	client_attach(&c, fd);
	send_hello_up_to(&c, 6);
	ck_assert_uint_eq(wait_for_three_beats(&c), 0);
	client_release(&c);
	ck_assert_int_eq(spawn_wait(pid), 0);
}

static void pin_in_version_8(struct client *c)
{
	struct buf body = { 0 };

	send_hello_up_to(c, 8);
	wire_pin_encode(&body, &(struct wire_pin){ 1, 0 });
	client_send(c, WIRE_PIN, &body);
}

TEST(a_message_newer_than_the_client_version_ends_the_session)
{
	expect_bye_of_other_node(pin_in_version_8, "unknown message type 25");
}

TEST(an_unsupported_version_is_rejected_with_the_versions)
{
	char *words = xasprintf("kfarm 9.9 supports protocol versions %u to %u",
				WIRE_VERSION + 1, WIRE_VERSION + 2);

	expect_bye_of_other_node(send_unsupported_version, words);
	free(words);
}

TEST(a_bye_of_the_client_ends_the_session)
{
	struct buf body = { 0 };

	wire_bye_encode(&body, "done");
	client_send(&node.c, WIRE_BYE, &body);
	client_wait(&node.c.closed);
	ck_assert_ptr_null(node.c.bye);
}
