/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/jobserver.h"

#include "../lib/test.h"
#include "kernel-tree.h"

#include <poll.h>
#include <sys/ioctl.h>

#define DEADLINE_MS 20000 /* limit for an event that must happen */
#define QUIET_MS    60 /* time in which an event must not happen */

static struct kernel_jobserver j;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	err = (struct err){ 0 };
	j = (struct kernel_jobserver){ 0 };
}

static void tear_down(void)
{
	kernel_jobserver_stop(&j);
	tree_tear_down();
}

static void start(unsigned local, unsigned limit)
{
	must(kernel_jobserver_start(&j, local, limit, &err));
}

/* Take a token as make does.  Return false if none is free within `ms`. */
static bool take(int ms)
{
	struct pollfd p = { .fd = j.make_fds[0], .events = POLLIN };
	char token = 0;

	/* make does not block either: another make can take the token first. */
	fcntl(j.make_fds[0], F_SETFL, O_NONBLOCK);
	if (poll(&p, 1, ms) <= 0 || read(j.make_fds[0], &token, 1) != 1)
		return false;
	ck_assert_int_eq(token, '+');
	return true;
}

static void take_n(unsigned n)
{
	while (n--)
		ck_assert(take(DEADLINE_MS));
}

static void give(unsigned n)
{
	while (n--)
		ck_assert_int_eq(write(j.make_fds[1], "+", 1), 1);
}

/* Check that exactly `n` tokens are available. */
static void expect_tokens(unsigned n)
{
	take_n(n);
	ck_assert(!take(QUIET_MS));
	give(n);
}

/* Wait until the broker has withdrawn surplus tokens and `n` are left. */
static void wait_for_tokens(unsigned n)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		unsigned got = 0;

		while (take(QUIET_MS))
			got++;
		give(got);
		if (got == n)
			return;
	}
	ck_abort_msg("never %u tokens", n);
}

FIXTURE(set_up, tear_down);

TEST(one_token_fewer_than_slots_is_available)
{
	/* make owns one token without reading it. */
	start(4, 0);
	expect_tokens(3);
	expect_tokens(3);
}

TEST(a_single_slot_provides_no_token_until_a_recipe_waits)
{
	start(1, 0);
	ck_assert(!take(QUIET_MS));
	kernel_jobserver_set_waiting(&j, 1);
	take_n(1);
}

TEST(each_waiting_recipe_adds_a_token)
{
	start(2, 0);
	kernel_jobserver_set_waiting(&j, 60);
	expect_tokens(61);
	kernel_jobserver_set_waiting(&j, 5);
	wait_for_tokens(6);
	kernel_jobserver_set_waiting(&j, 3);
	take_n(4);
}

TEST(a_surplus_token_in_use_is_withdrawn_when_returned)
{
	start(2, 0);
	kernel_jobserver_set_waiting(&j, 3);
	take_n(4);
	kernel_jobserver_set_waiting(&j, 0);
	/* Returned tokens are not passed on, even if make reads at once. */
	give(1);
	ck_assert(!take(QUIET_MS));
	give(2);
	ck_assert(!take(QUIET_MS));
	give(1);
	expect_tokens(1);
}

TEST(a_new_waiting_recipe_cancels_a_pending_withdrawal)
{
	start(2, 0);
	kernel_jobserver_set_waiting(&j, 2);
	take_n(3);
	kernel_jobserver_set_waiting(&j, 1);
	kernel_jobserver_set_waiting(&j, 2);
	ck_assert(!take(QUIET_MS));
	give(3);
	expect_tokens(3);
}

TEST(tokens_do_not_exceed_the_limit)
{
	start(2, 5);
	kernel_jobserver_set_waiting(&j, 100);
	expect_tokens(4);
	kernel_jobserver_set_waiting(&j, 1);
	kernel_jobserver_set_waiting(&j, 3);
	wait_for_tokens(4);
}

TEST(the_number_of_tokens_is_limited_to_4096)
{
	start(2, 0);
	kernel_jobserver_set_waiting(&j, 1u << 30);
	expect_tokens(4096);
}

TEST(many_changes_neither_lose_nor_add_tokens)
{
	unsigned held = 0;

	start(3, 0);
	for (unsigned i = 0; i < 20000; i++) {
		kernel_jobserver_set_waiting(&j, i * 7919 % 40);
		if (held < 30 && take(0))
			held++;
		else if (held && i % 3) {
			give(1);
			held--;
		}
	}
	give(held);
	kernel_jobserver_set_waiting(&j, 0);
	wait_for_tokens(2);
	kernel_jobserver_set_waiting(&j, 1);
	take_n(3);
	ck_assert(!take(QUIET_MS));
}

/* Tokens that a client writes without having read them add no slots. */
TEST(tokens_that_make_never_took_are_dropped)
{
	int waiting = 1;

	start(2, 0);
	give(50);
	while (waiting)
		ck_assert_int_eq(ioctl(j.make_fds[1], FIONREAD, &waiting), 0);
	/* The broker can still be processing the last of them. */
	take_n(1);
	take(QUIET_MS);
	ck_assert(!take(QUIET_MS));
}

TEST(only_the_local_tokens_remain_when_kfarm_ends)
{
	start(3, 0);
	kernel_jobserver_set_waiting(&j, 10);
	take_n(12);
	close(j.wake_fd);
	j.wake_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	/* When kfarm ends, the tokens of waiting recipes are withdrawn. */
	give(10);
	wait_for_tokens(0);
	give(2);
	wait_for_tokens(2);
}

TEST(the_broker_exits_when_makes_descriptors_are_closed)
{
	int wake, status = -1;

	start(3, 0);
	wake = dup(j.wake_fd);
	close(j.make_fds[0]);
	close(j.make_fds[1]);
	j.make_fds[0] = j.make_fds[1] = -1;
	ck_assert_int_eq(waitpid(j.broker_pid, &status, 0), j.broker_pid);
	ck_assert_int_eq(status, 0);
	j.broker_pid = 0;
	close(wake);
}

TEST(a_killed_broker_causes_no_error)
{
	start(3, 0);
	take_n(2);
	kill(j.broker_pid, SIGKILL);
	ck_assert_int_eq(waitpid(j.broker_pid, NULL, 0), j.broker_pid);
	j.broker_pid = 0;
	give(2); /* no SIGPIPE */
	ck_assert(!take(QUIET_MS)); /* no token without the broker */
	kernel_jobserver_set_waiting(&j, 7);
}

TEST(the_broker_does_not_hold_other_descriptors_open)
{
	struct pollfd p;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	start(3, 0);
	close(ends[1]);
	p = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, DEADLINE_MS), 1);
	ck_assert_int_eq(p.revents & POLLHUP, POLLHUP);
	close(ends[0]);
}

TEST(the_broker_ignores_signals_that_end_make)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	start(3, 0);
	expect_tokens(2);
	ck_assert_int_ne(getpgid(j.broker_pid), getpgrp());
	for (int i = 0; i < 4; i++)
		kill(j.broker_pid, signals[i]);
	expect_tokens(2);
}

TEST(stop_is_allowed_twice_and_without_a_start)
{
	kernel_jobserver_stop(&j);
	kernel_jobserver_set_waiting(&j, 3);
	start(2, 0);
	kernel_jobserver_stop(&j);
	kernel_jobserver_stop(&j);
	kernel_jobserver_set_waiting(&j, 3);
	ck_assert_int_eq(j.broker_pid, 0);
}

TEST(make_gets_the_reserved_descriptor_numbers)
{
	int fds[200], r, w;

	kernel_jobserver_reserve(&j);
	r = j.make_fds[0];
	w = j.make_fds[1];
	ck_assert_int_ge(r, 100);
	ck_assert_int_gt(w, r);
	for (int i = 0; i < 200; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	start(3, 0);
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	ck_assert_int_eq(j.make_fds[0], r);
	ck_assert_int_eq(j.make_fds[1], w);
	ck_assert_int_eq(fcntl(r, F_GETFD), FD_CLOEXEC);
	take_n(2);
	give(2);
	kernel_jobserver_stop(&j);
	ck_assert_int_eq(fcntl(r, F_GETFD), -1);

	/* The reserved descriptors are closed without a start, too. */
	j = (struct kernel_jobserver){ 0 };
	kernel_jobserver_reserve(&j);
	kernel_jobserver_stop(&j);
	ck_assert_int_eq(fcntl(r, F_GETFD), -1);
	ck_assert_int_eq(fcntl(w, F_GETFD), -1);
}

/* MAKEFLAGS before, and after the addition of descriptors 7 and 8. */
static const struct {
	const char *before, *after;
} flags[] = {
	/* The blank prevents kbuild from finding an "s" in the first word. */
	{ NULL, " -j3 --jobserver-auth=7,8" },
	{ "", " -j3 --jobserver-auth=7,8" },
	{ "ks", "ks -j3 --jobserver-auth=7,8" },
	{ " -j4", "-j4 -j3 --jobserver-auth=7,8" },
	{ "w -j4 --jobserver-auth=3,4", "w -j4 -j3 --jobserver-auth=7,8" },
	{ "--jobserver-fds=3,4 -j", "-j -j3 --jobserver-auth=7,8" },
	{ "k --jobserver-auth=fifo:/x -- V=1 W=--jobserver-auth=1,2",
	  "k -j3 --jobserver-auth=7,8 -- V=1 W=--jobserver-auth=1,2" },
	{ "-- V=1", " -j3 --jobserver-auth=7,8 -- V=1" },
};

TEST_EACH(makeflags_contain_the_jobserver_descriptors, flags)
{
	const struct kernel_jobserver at = { .n_slots = 3,
					     .make_fds = { 7, 8, -1 } };
	char *got = kernel_jobserver_makeflags(&at, row->before);

	ck_assert_str_eq(got, row->after);
	free(got);
}

TEST(a_jobserver_is_inherited_only_if_its_pipe_or_fifo_exists)
{
	char *fifo = at("fifo"), *text;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(!kernel_jobserver_is_inherited(NULL));
	ck_assert(!kernel_jobserver_is_inherited(""));
	ck_assert(!kernel_jobserver_is_inherited(
		"k -j4 -- X=--jobserver-auth=0,1"));
	ck_assert(
		!kernel_jobserver_is_inherited(" -j --jobserver-auth=900,901"));
	ck_assert(!kernel_jobserver_is_inherited(
		" -j --jobserver-auth=fifo:/none"));
	text = xasprintf(" -j --jobserver-auth=%d,%d", ends[0], ends[1]);
	ck_assert(kernel_jobserver_is_inherited(text));
	free(text);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	text = xasprintf("k -j2 --jobserver-auth=fifo:%s -- A=1", fifo);
	ck_assert(kernel_jobserver_is_inherited(text));
	free(text);
	close(ends[0]);
	close(ends[1]);
	/* The number now belongs to another file. */
	ck_assert_int_eq(open("/dev/null", O_RDWR), ends[0]);
	text = xasprintf(" --jobserver-auth=%d,%d", ends[0], ends[0]);
	ck_assert(!kernel_jobserver_is_inherited(text));
	free(text);
	close(ends[0]);
	free(fifo);
}

TEST(jobserver_support_depends_on_the_version_of_make)
{
	char *real = which("make", str_find_env(env.v, "PATH"));
	char *fake = at("bin/make");

	ck_assert_uint_ge(kernel_jobserver_make_release(real, env.v), 402);
	put_file("bin/make", "#!/bin/sh\necho 'GNU Make 4.1'\n", 0755);
	ck_assert_uint_eq(kernel_jobserver_make_release(fake, env.v), 0);
	put_file("bin/make", "#!/bin/sh\necho 'GNU Make 4.4.1'\n", 0755);
	ck_assert_uint_eq(kernel_jobserver_make_release(fake, env.v), 404);
	put_file("bin/make", "#!/bin/sh\necho 'GNU Make 5.0'\n", 0755);
	ck_assert_uint_eq(kernel_jobserver_make_release(fake, env.v), 500);
	put_file("bin/make", "#!/bin/sh\necho bmake; exit 1\n", 0755);
	ck_assert_uint_eq(kernel_jobserver_make_release(fake, env.v), 0);
	ck_assert_uint_eq(kernel_jobserver_make_release("/nonexistent", env.v),
			  0);
	free(fake);
	free(real);
}
