/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/admission.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define MANY 4096

static struct kfarmd_admission *gate;
static struct kfarmd_admission_conn guests[MANY];
static uint64_t now;

static void setup(void)
{
	gate = kfarmd_admission_new();
	now = 1000000;
}

static void teardown(void)
{
	while (kfarmd_admission_oldest(gate))
		kfarmd_admission_remove(gate, kfarmd_admission_oldest(gate),
					false);
	kfarmd_admission_free(gate);
}

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage at = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		at.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		at.ss_family = AF_INET6;
	else
		ck_abort_msg("%s", text);
	return at;
}

/*
 * Add a connection and close the one that must make room.  Returns true if the
 * new one was admitted.
 */
static bool come(struct kfarmd_admission_conn *g, const char *from,
		 struct kfarmd_admission_conn **left)
{
	struct sockaddr_storage at = address(from);
	struct kfarmd_admission_conn *leaves;
	bool in = kfarmd_admission_add(gate, g, (struct sockaddr *)&at, now,
				       &leaves);

	if (leaves)
		kfarmd_admission_remove(gate, leaves, false);
	if (left)
		*left = leaves;
	return in;
}

FIXTURE(setup, teardown);

TEST(of_one_address_a_few_wait_and_the_first_makes_room)
{
	struct kfarmd_admission_conn *left;

	for (int i = 0; i < KFARMD_ADMISSION_TRIES_PER_ADDR; i++) {
		ck_assert(come(&guests[i], "192.0.2.1", &left));
		if (i < KFARMD_ADMISSION_PENDING_PER_ADDR)
			ck_assert_ptr_null(left);
		else
			ck_assert_ptr_eq(
				left,
				&guests[i - KFARMD_ADMISSION_PENDING_PER_ADDR]);
	}
}

TEST(who_fails_again_and_again_is_refused_for_a_while)
{
	int i = 0;

	for (; come(&guests[i], "192.0.2.1", NULL); i++)
		kfarmd_admission_remove(gate, &guests[i], false);
	ck_assert_int_eq(i, KFARMD_ADMISSION_TRIES_PER_ADDR);
	/* Other addresses are not affected. */
	ck_assert(come(&guests[i++], "192.0.2.2", NULL));
	now += 1000 / KFARMD_ADMISSION_RATE_PER_ADDR;
	ck_assert(come(&guests[i++], "192.0.2.1", NULL));
	ck_assert(!come(&guests[i], "192.0.2.1", NULL));
	/* A day does not allow more tries than a minute. */
	now += 86400000;
	for (int n = 0; n < KFARMD_ADMISSION_TRIES_PER_ADDR; n++)
		ck_assert(come(&guests[i++], "192.0.2.1", NULL));
	ck_assert(!come(&guests[i], "192.0.2.1", NULL));
}

TEST(who_is_admitted_may_come_as_often_as_it_likes)
{
	for (int i = 0; i < 10000; i++) {
		ck_assert(come(&guests[0], "2001:db8::1", NULL));
		kfarmd_admission_remove(gate, &guests[0], true);
	}
}

/* Two texts, and whether they count as one address. */
static const struct pair {
	const char *one, *other;
	bool same;
} pairs[] = {
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "2001:db8::1", "2001:db8:0:0:ffff::2", true },
	{ "2001:db8::1", "2001:db8:0:1::1", false },
};

TEST_EACH(an_address_is_one_of_ipv4_or_64_bits_of_ipv6, pairs)
{
	int i = 0;

	while (come(&guests[i], row->one, NULL))
		kfarmd_admission_remove(gate, &guests[i++], false);
	ck_assert_int_eq(i, KFARMD_ADMISSION_TRIES_PER_ADDR);
	ck_assert_int_eq(come(&guests[i], row->other, NULL), !row->same);
}

static const char *nth_address(unsigned i)
{
	static char text[INET_ADDRSTRLEN];

	snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255,
		 i & 255);
	return text;
}

TEST(a_crowd_is_bounded_and_does_not_keep_known_ones_out)
{
	static struct kfarmd_admission_conn known;
	struct kfarmd_admission_conn *each;
	unsigned in = 0, waiting = 0;

	ck_assert(come(&known, "192.0.2.1", NULL));
	kfarmd_admission_remove(gate, &known, true);
	for (unsigned i = 0; i < MANY; i++)
		in += come(&guests[i], nth_address(i), NULL);
	ck_assert_uint_le(in, KFARMD_ADMISSION_TRIES_TOTAL + 32);
	/* A few share a slot with each other or with the known address. */
	ck_assert_uint_ge(in, KFARMD_ADMISSION_TRIES_TOTAL - 8);
	for (each = kfarmd_admission_oldest(gate); each;
	     each = TAILQ_NEXT(each, entry))
		waiting++;
	ck_assert_uint_eq(waiting, KFARMD_ADMISSION_PENDING_MAX);
	ck_assert(!come(&guests[0], "198.51.100.1", NULL));
	/*
	 * The known address gets a connection and keeps it while the crowd
	 * grows.
	 */
	ck_assert(come(&known, "192.0.2.1", NULL));
	now += 1000;
	for (unsigned i = 0; i < MANY; i++) {
		struct kfarmd_admission_conn *g = &guests[i], *left;

		for (each = kfarmd_admission_oldest(gate); each && each != g;
		     each = TAILQ_NEXT(each, entry))
			;
		if (!each && come(g, nth_address(i), &left))
			ck_assert_ptr_ne(left, &known);
	}
}
