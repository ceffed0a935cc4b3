/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "kfarmd/input-update.h"

#include "../lib/fake-clock.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];
static struct store *store;
static struct kfarmd_blobs *blobs;
static struct err err;

/* A waiter for blobs. */
static struct waiter {
	struct kfarmd_blob_waiter want;
	unsigned came;
	int ret;
	bool pins; /* pins the blob on arrival */
	struct digest digest;
	uint64_t size;
} one, two;

static void came(struct kfarmd_blob_waiter *w, int ret)
{
	struct waiter *it = (struct waiter *)(void *)w;

	it->came++;
	it->ret = ret;
	if (!ret && it->pins)
		ck_assert_int_eq(store_pin(store, &it->digest, it->size), 0);
}

static void set_up(void)
{
	tempdir_make(dir);
	must(store_open(&store, dir, 64u << 20, &err));
	blobs = kfarmd_blobs_new(store);
	one = (struct waiter){ .want = { .on_received = came } };
	two = one;
}

static void tear_down(void)
{
	kfarmd_blobs_free(blobs);
	store_free(store);
	tempdir_remove(dir);
}

static bool wants(struct waiter *it, const char *content)
{
	bool ask;

	digest_bytes(bytes_str(content), &it->digest);
	it->size = strlen(content);
	ck_assert_int_eq(kfarmd_blobs_request(blobs, &it->digest, it->size,
					      &it->want, &ask),
			 0);
	return ask;
}

static int piece(const char *content, uint64_t offset, size_t n)
{
	struct wire_blob m = { .size = strlen(content),
			       .offset = offset,
			       .data = bytes_of(content + offset, n) };

	digest_bytes(bytes_str(content), &m.digest);
	return kfarmd_blobs_receive(blobs, &m, &err);
}

static int whole(const char *content)
{
	return piece(content, 0, strlen(content));
}

static const char *const contents[] = { "", "x", "some content\n" };

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_EACH(what_was_asked_for_is_stored, contents)
{
	const char *c = *row;

	ck_assert(wants(&one, c));
	ck_assert_int_eq(whole(c), 0);
	ck_assert_uint_eq(one.came, 1);
	ck_assert_int_eq(one.ret, 0);
	ck_assert(store_has(store, &one.digest, one.size));
}

TEST(it_is_asked_for_once_and_both_are_told)
{
	ck_assert(wants(&one, "both"));
	ck_assert(!wants(&two, "both"));
	ck_assert_int_eq(piece("both", 0, 2), 0);
	ck_assert_uint_eq(one.came, 0);
	two.pins = true;
	ck_assert_int_eq(piece("both", 2, 2), 0);
	ck_assert_uint_eq(one.came, 1);
	ck_assert_uint_eq(two.came, 1);
	store_unpin(store, &two.digest);
}

TEST(one_that_waits_no_more_is_not_told_and_it_comes_all_the_same)
{
	ck_assert(wants(&one, "late"));
	ck_assert_int_eq(piece("late", 0, 1), 0);
	kfarmd_blobs_cancel(&one.want);
	kfarmd_blobs_cancel(&one.want);
	ck_assert(!wants(&two, "late"));
	kfarmd_blobs_cancel(&two.want);
	ck_assert_int_eq(piece("late", 1, 3), 0);
	ck_assert_uint_eq(one.came + two.came, 0);
	ck_assert(store_has(store, &one.digest, 4));
}

TEST(several_arrive_at_once)
{
	ck_assert(wants(&one, "first"));
	ck_assert(wants(&two, "second"));
	ck_assert_int_eq(piece("first", 0, 1), 0);
	ck_assert_int_eq(piece("second", 0, 1), 0);
	ck_assert_int_eq(piece("second", 1, 5), 0);
	ck_assert_uint_eq(two.came, 1);
	ck_assert_uint_eq(one.came, 0);
	ck_assert_int_eq(piece("first", 1, 4), 0);
	ck_assert_uint_eq(one.came, 1);
}

TEST(another_content_is_told_as_a_violation)
{
	struct wire_blob m = { .size = 5, .data = bytes_str("wrong") };

	ck_assert(wants(&one, "right"));
	m.digest = one.digest;
	ck_assert_int_eq(kfarmd_blobs_receive(blobs, &m, &err), -EPROTO);
	text_has(err.text, "digest mismatch");
	ck_assert_int_ne(one.ret, 0);
	ck_assert(!store_has(store, &one.digest, 5));
}

/* Size, offset and bytes of a second piece, after "ri" of "right". */
static const struct {
	uint64_t size, offset;
	const char *data;
} unfit[] = {
	{ 6, 2, "ght" }, /* another size */
	{ 1ull << 30, 2, "ght" }, { 5, 3, "ht" }, /* a gap */
	{ 5, 0, "ri" }, /* again */
	{ 5, 1, "ight" },
};

TEST_EACH(a_piece_that_does_not_fit_is_a_violation, unfit)
{
	struct wire_blob m = { .size = row->size,
			       .offset = row->offset,
			       .data = bytes_str(row->data) };

	ck_assert(wants(&one, "right"));
	m.digest = one.digest;
	ck_assert_int_eq(piece("right", 0, 2), 0);
	ck_assert_int_eq(kfarmd_blobs_receive(blobs, &m, &err), -EPROTO);
	ck_assert_uint_eq(one.came, 0);
}

TEST(what_was_not_asked_for_is_a_violation)
{
	struct digest d;

	ck_assert_int_eq(whole("unasked"), -EPROTO);
	digest_bytes(bytes_str("unasked"), &d);
	ck_assert(!store_has(store, &d, 7));
	/* The same blob twice is an error too. */
	ck_assert(wants(&one, "once"));
	ck_assert_int_eq(whole("once"), 0);
	ck_assert_int_eq(whole("once"), -EPROTO);
}

TEST(one_blob_has_one_size)
{
	bool ask;

	ck_assert(wants(&one, "right"));
	ck_assert_int_eq(
		kfarmd_blobs_request(blobs, &one.digest, 6, &two.want, &ask),
		-EPROTO);
}

TEST(a_store_that_is_full_is_told_and_the_rest_is_dropped)
{
	struct wire_blob m = { .size = 1u << 30, .data = bytes_str("x") };
	bool ask;

	digest_bytes(bytes_str("huge"), &m.digest);
	ck_assert_int_eq(
		kfarmd_blobs_request(blobs, &m.digest, m.size, &one.want, &ask),
		0);
	must(kfarmd_blobs_receive(blobs, &m, &err));
	ck_assert_uint_eq(one.came, 1);
	ck_assert_int_lt(one.ret, 0);
	m.offset = 1;
	must(kfarmd_blobs_receive(blobs, &m, &err));
	ck_assert_uint_eq(one.came, 1);
	/* Other blobs are not affected. */
	ck_assert(wants(&two, "small"));
	ck_assert_int_eq(whole("small"), 0);
	ck_assert_int_eq(two.ret, 0);
}

TEST(so_many_may_be_open_and_no_more)
{
	static struct waiter many[KFARMD_BLOBS_OPEN_MAX + 1];

	for (int i = 0; i <= KFARMD_BLOBS_OPEN_MAX; i++) {
		char content[32];

		snprintf(content, sizeof(content), "blob %d", i);
		many[i].want.on_received = came;
		ck_assert(wants(&many[i], content));
		ck_assert_int_eq(piece(content, 0, 1),
				 i < KFARMD_BLOBS_OPEN_MAX ? 0 : -EPROTO);
	}
	for (int i = 0; i <= KFARMD_BLOBS_OPEN_MAX; i++)
		kfarmd_blobs_cancel(&many[i].want);
}

TEST(silence_counts_while_something_is_awaited)
{
	ck_assert_uint_eq(kfarmd_blobs_idle_ms(blobs), 0);
	ck_assert(wants(&one, "slow"));
	fake_clock_ms += 20;
	ck_assert_uint_eq(kfarmd_blobs_idle_ms(blobs), 20);
	ck_assert_int_eq(whole("slow"), 0);
	fake_clock_ms += 20;
	ck_assert_uint_eq(kfarmd_blobs_idle_ms(blobs), 0);
}
