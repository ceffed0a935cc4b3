/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire toolchain */
#include "agent-client.h"

static struct node node;

static void set_up(void)
{
	client_set_up();
	node_start(&node, NULL);
}

static void tear_down(void)
{
	node_end(&node);
	client_tear_down();
}

START_TEST(its_hello_says_what_the_machine_has)
{
	const struct wire_inventory *inv = &node.c.hello.inventory;

	ck_assert(str_starts(node.c.hello.software, "kfarmd "));
	ck_assert_int_eq(wire_hello_version(&node.c.hello), WIRE_VERSION);
	ck_assert_uint_ge(inv->cores, 1);
	ck_assert_uint_eq(inv->slots, 0);
	ck_assert_uint_gt(inv->memory_mib, 16);
	ck_assert(strv_has(&inv->compilers, "gcc"));
	ck_assert(!strv_has(&inv->compilers, "c99-gcc")); /* a script */
}
END_TEST

START_TEST(it_beats_each_second_also_without_jobs)
{
	unsigned before = node.c.beats;

	client_idle(3300);
	ck_assert_uint_ge(node.c.beats - before, 2);
	ck_assert_uint_le(node.c.beats - before, 4);
	ck_assert_uint_eq(node.c.most_running, 0);
}
END_TEST

START_TEST(it_knows_a_compiler_by_its_identity_not_its_name)
{
	struct digest other = client_gcc.id;

	other.b[31] ^= 1;
	client_ask(&node.c, "gcc", &other);
	ck_assert_uint_eq(node.c.have.state, WIRE_HAVE_OTHER);
	ck_assert_ptr_nonnull(strstr(node.c.have.detail, client_gcc.version));
	client_ask(&node.c, "nosuch-gcc", &client_gcc.id);
	ck_assert_uint_eq(node.c.have.state, WIRE_HAVE_MISSING);
	/* The same program under a version's name. */
	client_ask(&node.c, "gcc-99", &client_gcc.id);
	ck_assert_uint_eq(node.c.have.state, WIRE_HAVE_SAME);
}
END_TEST

static void send_raw(enum wire_type type, const void *body, size_t len)
{
	wire_stream_send(node.c.stream, type, bytes_of(body, len), WIRE_PLAIN);
}

/* It says why and hangs up. */
static void expect_bye(const char *word)
{
	client_wait(&node.c.closed);
	ck_assert_ptr_nonnull(node.c.bye);
	ck_assert_msg(strstr(node.c.bye, word), "it said: %s", node.c.bye);
}

START_TEST(an_unknown_message_ends_the_conversation)
{
	send_raw(77, "x", 1);
	expect_bye("type 77");
}
END_TEST

START_TEST(a_second_hello_ends_the_conversation)
{
	client_greet(&node.c);
	expect_bye("hello");
}
END_TEST

static const enum wire_type bodies[] = { WIRE_ASK, WIRE_JOB, WIRE_TEXT,
					 WIRE_CANCEL };

START_TEST(a_message_that_makes_no_sense_ends_the_conversation)
{
	send_raw(bodies[_i], "\377\377\377", 3);
	expect_bye("not understood");
}
END_TEST

START_TEST(more_text_than_announced_ends_the_conversation)
{
	struct wire_job m = client_job(1, WIRE_LANG_C, 3, NULL);

	client_send_job(&node.c, &m);
	client_send_text(&node.c, 1, bytes_str("1234"));
	expect_bye("more text");
}
END_TEST

START_TEST(a_number_that_is_in_use_ends_the_conversation)
{
	struct wire_job m = client_job(1, WIRE_LANG_C, 3, NULL);
	struct wire_job again = client_job(1, WIRE_LANG_C, 3, NULL);

	client_send_job(&node.c, &m);
	client_send_job(&node.c, &again);
	expect_bye("number 1");
}
END_TEST

START_TEST(text_and_cancel_of_a_job_that_is_over_are_ignored)
{
	client_send_text(&node.c, 9, bytes_str("1234"));
	client_cancel(&node.c, 9);
	client_ask(&node.c, "gcc", &client_gcc.id);
	ck_assert_uint_eq(node.c.have.state, WIRE_HAVE_SAME);
}
END_TEST

START_TEST(garbage_ends_the_conversation)
{
	struct client *c = &node.c;
	struct buf noise = { 0 };
	int fd[2], pid;

	/* A node of its own, whose descriptor we hold. */
	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	pid = kfarmd_start(node.work, fd[1],
			   (const char *const[]){ "--stdio", NULL });
	close(fd[1]);
	(void)c;
	for (int i = 0; i < 1000; i++)
		buf_printf(&noise, "GET / HTTP/1.%d\r\n", i);
	ck_assert_int_eq(fs_write_all(fd[0], buf_bytes(&noise)), 0);
	ck_assert_int_eq(spawn_wait(pid), 0);
	close(fd[0]);
	buf_release(&noise);
}
END_TEST

/* Starts one more node and says what `send` sends first. */
static void other_node(void (*send)(struct client *c), const char *word)
{
	struct client c = { 0 };
	int fd[2], pid;

	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	pid = kfarmd_start(node.work, fd[1],
			   (const char *const[]){ "--stdio", NULL });
	close(fd[1]);
	client_attach(&c, fd[0]);
	send(&c);
	client_wait(&c.closed);
	ck_assert_ptr_nonnull(c.bye);
	ck_assert_msg(strstr(c.bye, word), "it said: %s", c.bye);
	ck_assert_int_eq(spawn_wait(pid), 0);
	client_release(&c);
}

static void say_nothing(struct client *c)
{
	(void)c;
}

static void ask_first(struct client *c)
{
	struct buf body = { 0 };

	wire_cancel_encode(&body, 1);
	client_send(c, WIRE_CANCEL, &body);
}

static void speak_another_version(struct client *c)
{
	struct wire_hello m = { .version_min = WIRE_VERSION + 1,
				.version_max = WIRE_VERSION + 2,
				.software = (char *)"kfarm 9.9" };
	struct buf body = { 0 };

	wire_hello_encode(&body, &m);
	client_send(c, WIRE_HELLO, &body);
}

START_TEST(a_silent_peer_is_left_after_five_seconds)
{
	uint64_t start = clock_ms();

	other_node(say_nothing, "no hello");
	ck_assert_uint_ge(clock_ms() - start, 4900);
}
END_TEST

START_TEST(hello_comes_first)
{
	other_node(ask_first, "before the hello");
}
END_TEST

START_TEST(another_version_is_told_so)
{
	other_node(speak_another_version, "kfarm 9.9 speaks protocol 2 to 3");
}
END_TEST

START_TEST(the_peers_bye_ends_it)
{
	struct buf body = { 0 };

	wire_bye_encode(&body, "done");
	client_send(&node.c, WIRE_BYE, &body);
	client_wait(&node.c.closed);
	ck_assert_ptr_null(node.c.bye);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/session");
	TCase *t = tcase_create("session");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, its_hello_says_what_the_machine_has);
	tcase_add_test(t, it_beats_each_second_also_without_jobs);
	tcase_add_test(t, it_knows_a_compiler_by_its_identity_not_its_name);
	tcase_add_test(t, an_unknown_message_ends_the_conversation);
	tcase_add_test(t, a_second_hello_ends_the_conversation);
	tcase_add_loop_test(t,
			    a_message_that_makes_no_sense_ends_the_conversation,
			    0, sizeof(bodies) / sizeof(*bodies));
	tcase_add_test(t, more_text_than_announced_ends_the_conversation);
	tcase_add_test(t, a_number_that_is_in_use_ends_the_conversation);
	tcase_add_test(t, text_and_cancel_of_a_job_that_is_over_are_ignored);
	tcase_add_test(t, garbage_ends_the_conversation);
	tcase_add_test(t, a_silent_peer_is_left_after_five_seconds);
	tcase_add_test(t, hello_comes_first);
	tcase_add_test(t, another_version_is_told_so);
	tcase_add_test(t, the_peers_bye_ends_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
