/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/admission.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define MANY 4096

static struct kfarmd_admission *admission;
static struct kfarmd_admission_conn conns[MANY];
static uint64_t now;

static void setup(void)
{
	admission = kfarmd_admission_new();
	now = 1000000;
}

static void teardown(void)
{
	while (kfarmd_admission_oldest(admission))
		kfarmd_admission_remove(
			admission, kfarmd_admission_oldest(admission), false);
	kfarmd_admission_free(admission);
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
 * Add a connection, and remove the one that it evicts.  Returns true if the new
 * connection was accepted.
 */
static bool add_conn(struct kfarmd_admission_conn *g, const char *from,
		     struct kfarmd_admission_conn **evicted)
{
	struct sockaddr_storage at = address(from);
	struct kfarmd_admission_conn *victim;
	bool accepted = kfarmd_admission_add(
		admission, g, (struct sockaddr *)&at, now, &victim);

	if (victim)
		kfarmd_admission_remove(admission, victim, false);
	if (evicted)
		*evicted = victim;
	return accepted;
}

FIXTURE(setup, teardown);

TEST(a_new_connection_evicts_the_oldest_pending_of_its_address)
{
	struct kfarmd_admission_conn *evicted;

	for (int i = 0; i < KFARMD_ADMISSION_TRIES_PER_ADDR; i++) {
		ck_assert(add_conn(&conns[i], "192.0.2.1", &evicted));
		if (i < KFARMD_ADMISSION_PENDING_PER_ADDR)
			ck_assert_ptr_null(evicted);
		else
			ck_assert_ptr_eq(
				evicted,
				&conns[i - KFARMD_ADMISSION_PENDING_PER_ADDR]);
	}
}

TEST(failed_attempts_are_rate_limited_per_address)
{
	int i = 0;

	for (; add_conn(&conns[i], "192.0.2.1", NULL); i++)
		kfarmd_admission_remove(admission, &conns[i], false);
	ck_assert_int_eq(i, KFARMD_ADMISSION_TRIES_PER_ADDR);
	/* Other addresses are not affected. */
	ck_assert(add_conn(&conns[i++], "192.0.2.2", NULL));
	now += 1000 / KFARMD_ADMISSION_RATE_PER_ADDR;
	ck_assert(add_conn(&conns[i++], "192.0.2.1", NULL));
	ck_assert(!add_conn(&conns[i], "192.0.2.1", NULL));
	/* A day does not allow more tries than a minute. */
	now += 86400000;
	for (int n = 0; n < KFARMD_ADMISSION_TRIES_PER_ADDR; n++)
		ck_assert(add_conn(&conns[i++], "192.0.2.1", NULL));
	ck_assert(!add_conn(&conns[i], "192.0.2.1", NULL));
}

TEST(authenticated_connections_are_not_rate_limited)
{
	for (int i = 0; i < 10000; i++) {
		ck_assert(add_conn(&conns[0], "2001:db8::1", NULL));
		kfarmd_admission_remove(admission, &conns[0], true);
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

TEST_EACH(limits_apply_per_ipv4_address_or_64_bit_ipv6_prefix, pairs)
{
	int i = 0;

	while (add_conn(&conns[i], row->one, NULL))
		kfarmd_admission_remove(admission, &conns[i++], false);
	ck_assert_int_eq(i, KFARMD_ADMISSION_TRIES_PER_ADDR);
	ck_assert_int_eq(add_conn(&conns[i], row->other, NULL), !row->same);
}

static const char *nth_address(unsigned i)
{
	static char text[INET_ADDRSTRLEN];

	snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255,
		 i & 255);
	return text;
}

TEST(a_flood_of_connections_does_not_evict_a_known_address)
{
	static struct kfarmd_admission_conn known;
	struct kfarmd_admission_conn *each;
	unsigned accepted = 0, n_pending = 0;

	ck_assert(add_conn(&known, "192.0.2.1", NULL));
	kfarmd_admission_remove(admission, &known, true);
	for (unsigned i = 0; i < MANY; i++)
		accepted += add_conn(&conns[i], nth_address(i), NULL);
	ck_assert_uint_le(accepted, KFARMD_ADMISSION_TRIES_TOTAL + 32);
	/* A few share a slot with each other or with the known address. */
	ck_assert_uint_ge(accepted, KFARMD_ADMISSION_TRIES_TOTAL - 8);
	for (each = kfarmd_admission_oldest(admission); each;
	     each = TAILQ_NEXT(each, entry))
		n_pending++;
	ck_assert_uint_eq(n_pending, KFARMD_ADMISSION_PENDING_MAX);
	ck_assert(!add_conn(&conns[0], "198.51.100.1", NULL));
	/*
	 * A connection from the known address is accepted, and further
	 * connections from other addresses do not evict it.
	 */
	ck_assert(add_conn(&known, "192.0.2.1", NULL));
	now += 1000;
	for (unsigned i = 0; i < MANY; i++) {
		struct kfarmd_admission_conn *g = &conns[i], *evicted;

		for (each = kfarmd_admission_oldest(admission);
		     each && each != g; each = TAILQ_NEXT(each, entry))
			;
		if (!each && add_conn(g, nth_address(i), &evicted))
			ck_assert_ptr_ne(evicted, &known);
	}
}
