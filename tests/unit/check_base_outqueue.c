/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/outqueue.h"

#include "base/clock.h"

#include <sys/time.h>

#define MAX (1u << 20)

static char big[300000];
static struct outqueue o;
static int ends[2];

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	memset(big, 'x', sizeof(big));
	outqueue_init(&o, ends[1], MAX);
}

static void tear_down(void)
{
	outqueue_release(&o);
	if (ends[0] >= 0)
		close(ends[0]);
	close(ends[1]);
}

FIXTURE(set_up, tear_down);

TEST(a_reader_that_does_not_read_does_not_block_the_writer)
{
	uint64_t began = clock_ms();
	size_t got = 0;
	char block[65536];
	ssize_t n;

	outqueue_add(&o, bytes_of(big, sizeof(big)));
	outqueue_flush(&o, 0);
	ck_assert_uint_lt(clock_ms() - began, 30000);
	ck_assert_uint_gt(o.pending.len, 100000);
	/* The reader continues and receives all data. */
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 100 && got < sizeof(big); i++) {
		while ((n = read(ends[0], block, sizeof(block))) > 0)
			got += (size_t)n;
		outqueue_flush(&o, 0);
	}
	ck_assert_uint_eq(got, sizeof(big));
	ck_assert_uint_eq(o.pending.len, 0);
}

TEST(the_length_of_the_queue_is_limited)
{
	for (int i = 0; i < 20; i++)
		outqueue_add(&o, bytes_of(big, sizeof(big)));
	ck_assert_uint_eq(o.pending.len, 3 * sizeof(big));
	ck_assert(!outqueue_has_space(&o, sizeof(big)));
	ck_assert(!outqueue_has_space(&o, SIZE_MAX));
	ck_assert(outqueue_has_space(&o, MAX - 3 * sizeof(big)));
}

TEST(a_flush_waits_until_its_timeout)
{
	uint64_t began = clock_ms();

	outqueue_add(&o, bytes_of(big, sizeof(big)));
	outqueue_flush(&o, 200);
	ck_assert_uint_ge(clock_ms() - began, 190);
	ck_assert_uint_lt(clock_ms() - began, 30000);
}

static void read_all(int sig)
{
	char block[4096];
	int saved = errno;

	(void)sig;
	while (read(ends[0], block, sizeof(block)) > 0)
		;
	errno = saved;
}

/* The pipe has space only after a signal. */
TEST(a_signal_does_not_end_a_flush)
{
	const struct itimerval often = { { 0, 10000 }, { 0, 10000 } };
	const struct itimerval never = { 0 };
	const struct sigaction act = { .sa_handler = read_all };

	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &act, NULL), 0);
	outqueue_add(&o, bytes_of(big, sizeof(big)));
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	outqueue_flush(&o, 60000);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	ck_assert_uint_eq(o.pending.len, 0);
	ck_assert_int_eq(o.error, 0);
}

TEST(data_for_a_closed_pipe_is_dropped)
{
	close(ends[0]);
	ends[0] = -1;
	outqueue_add(&o, bytes_str("hello"));
	outqueue_flush(&o, 0);
	ck_assert_int_eq(o.error, EPIPE);
	outqueue_add(&o, bytes_str("hello"));
	ck_assert_uint_eq(o.pending.len, 0);
	ck_assert(outqueue_has_space(&o, SIZE_MAX));
}

TEST(a_full_disk_is_an_error)
{
	int full = open("/dev/full", O_WRONLY);

	ck_assert_int_ge(full, 0);
	o.fd = full;
	outqueue_add(&o, bytes_str("hello"));
	outqueue_flush(&o, 1000);
	ck_assert_int_eq(o.error, ENOSPC);
	close(full);
}
