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
	unsigned n_received;
	int ret;
	bool pins; /* pins the blob on arrival */
	struct digest digest;
	uint64_t size;
} one, two;

static void on_received_blob(struct kfarmd_blob_waiter *w, int ret)
{
	struct waiter *self = (struct waiter *)(void *)w;

	self->n_received++;
	self->ret = ret;
	if (!ret && self->pins)
		ck_assert_int_eq(store_pin(store, &self->digest, self->size),
				 0);
}

static void set_up(void)
{
	tempdir_make(dir);
	must(store_open(&store, dir, 64u << 20, &err));
	blobs = kfarmd_blobs_new(store);
	one = (struct waiter){ .want = { .on_received = on_received_blob } };
	two = one;
}

static void tear_down(void)
{
	kfarmd_blobs_free(blobs);
	store_free(store);
	tempdir_remove(dir);
}

static bool request(struct waiter *self, const char *content)
{
	bool must_request;

	digest_bytes(bytes_str(content), &self->digest);
	self->size = strlen(content);
	ck_assert_int_eq(kfarmd_blobs_request(blobs, &self->digest, self->size,
					      &self->want, &must_request),
			 0);
	return must_request;
}

static int receive_piece(const char *content, uint64_t offset, size_t n)
{
	struct wire_blob m = { .size = strlen(content),
			       .offset = offset,
			       .data = bytes_of(content + offset, n) };

	digest_bytes(bytes_str(content), &m.digest);
	return kfarmd_blobs_receive(blobs, &m, &err);
}

static int receive_whole(const char *content)
{
	return receive_piece(content, 0, strlen(content));
}

static const char *const contents[] = { "", "x", "some content\n" };

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST_EACH(a_requested_blob_is_stored_and_its_waiter_notified, contents)
{
	const char *c = *row;

	ck_assert(request(&one, c));
	ck_assert_int_eq(receive_whole(c), 0);
	ck_assert_uint_eq(one.n_received, 1);
	ck_assert_int_eq(one.ret, 0);
	ck_assert(store_has(store, &one.digest, one.size));
}

TEST(a_blob_with_two_waiters_is_requested_once)
{
	ck_assert(request(&one, "both"));
	ck_assert(!request(&two, "both"));
	ck_assert_int_eq(receive_piece("both", 0, 2), 0);
	ck_assert_uint_eq(one.n_received, 0);
	two.pins = true;
	ck_assert_int_eq(receive_piece("both", 2, 2), 0);
	ck_assert_uint_eq(one.n_received, 1);
	ck_assert_uint_eq(two.n_received, 1);
	store_unpin(store, &two.digest);
}

TEST(cancelled_waiters_are_not_notified_but_the_blob_is_stored)
{
	ck_assert(request(&one, "late"));
	ck_assert_int_eq(receive_piece("late", 0, 1), 0);
	kfarmd_blobs_cancel(&one.want);
	kfarmd_blobs_cancel(&one.want);
	ck_assert(!request(&two, "late"));
	kfarmd_blobs_cancel(&two.want);
	ck_assert_int_eq(receive_piece("late", 1, 3), 0);
	ck_assert_uint_eq(one.n_received + two.n_received, 0);
	ck_assert(store_has(store, &one.digest, 4));
}

TEST(pieces_of_two_blobs_may_be_interleaved)
{
	ck_assert(request(&one, "first"));
	ck_assert(request(&two, "second"));
	ck_assert_int_eq(receive_piece("first", 0, 1), 0);
	ck_assert_int_eq(receive_piece("second", 0, 1), 0);
	ck_assert_int_eq(receive_piece("second", 1, 5), 0);
	ck_assert_uint_eq(two.n_received, 1);
	ck_assert_uint_eq(one.n_received, 0);
	ck_assert_int_eq(receive_piece("first", 1, 4), 0);
	ck_assert_uint_eq(one.n_received, 1);
}

TEST(a_digest_mismatch_is_a_protocol_error)
{
	struct wire_blob m = { .size = 5, .data = bytes_str("wrong") };

	ck_assert(request(&one, "right"));
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
} wrong_pieces[] = {
	{ 6, 2, "ght" }, /* another size */
	{ 1ull << 30, 2, "ght" }, { 5, 3, "ht" }, /* a gap */
	{ 5, 0, "ri" }, /* a repetition */
	{ 5, 1, "ight" },
};

TEST_EACH(a_piece_with_a_wrong_size_or_offset_is_a_protocol_error, wrong_pieces)
{
	struct wire_blob m = { .size = row->size,
			       .offset = row->offset,
			       .data = bytes_str(row->data) };

	ck_assert(request(&one, "right"));
	m.digest = one.digest;
	ck_assert_int_eq(receive_piece("right", 0, 2), 0);
	ck_assert_int_eq(kfarmd_blobs_receive(blobs, &m, &err), -EPROTO);
	ck_assert_uint_eq(one.n_received, 0);
}

TEST(an_unrequested_blob_is_a_protocol_error)
{
	struct digest d;

	ck_assert_int_eq(receive_whole("unasked"), -EPROTO);
	digest_bytes(bytes_str("unasked"), &d);
	ck_assert(!store_has(store, &d, 7));
	/* The same blob twice is an error too. */
	ck_assert(request(&one, "once"));
	ck_assert_int_eq(receive_whole("once"), 0);
	ck_assert_int_eq(receive_whole("once"), -EPROTO);
}

TEST(two_sizes_for_one_digest_are_a_protocol_error)
{
	bool must_request;

	ck_assert(request(&one, "right"));
	ck_assert_int_eq(kfarmd_blobs_request(blobs, &one.digest, 6, &two.want,
					      &must_request),
			 -EPROTO);
}

TEST(a_blob_that_exceeds_the_store_fails_and_its_rest_is_ignored)
{
	struct wire_blob m = { .size = 1u << 30, .data = bytes_str("x") };
	bool must_request;

	digest_bytes(bytes_str("huge"), &m.digest);
	ck_assert_int_eq(kfarmd_blobs_request(blobs, &m.digest, m.size,
					      &one.want, &must_request),
			 0);
	must(kfarmd_blobs_receive(blobs, &m, &err));
	ck_assert_uint_eq(one.n_received, 1);
	ck_assert_int_lt(one.ret, 0);
	m.offset = 1;
	must(kfarmd_blobs_receive(blobs, &m, &err));
	ck_assert_uint_eq(one.n_received, 1);
	/* Other blobs are not affected. */
	ck_assert(request(&two, "small"));
	ck_assert_int_eq(receive_whole("small"), 0);
	ck_assert_int_eq(two.ret, 0);
}

TEST(too_many_partially_received_blobs_are_a_protocol_error)
{
	static struct waiter many[KFARMD_BLOBS_OPEN_MAX + 1];

	for (int i = 0; i <= KFARMD_BLOBS_OPEN_MAX; i++) {
		char content[32];

		snprintf(content, sizeof(content), "blob %d", i);
		many[i].want.on_received = on_received_blob;
		ck_assert(request(&many[i], content));
		ck_assert_int_eq(receive_piece(content, 0, 1),
				 i < KFARMD_BLOBS_OPEN_MAX ? 0 : -EPROTO);
	}
	for (int i = 0; i <= KFARMD_BLOBS_OPEN_MAX; i++)
		kfarmd_blobs_cancel(&many[i].want);
}

TEST(idle_time_counts_only_while_a_blob_is_awaited)
{
	ck_assert_uint_eq(kfarmd_blobs_idle_ms(blobs), 0);
	ck_assert(request(&one, "slow"));
	fake_clock_ms += 20;
	ck_assert_uint_eq(kfarmd_blobs_idle_ms(blobs), 20);
	ck_assert_int_eq(receive_whole("slow"), 0);
	fake_clock_ms += 20;
	ck_assert_uint_eq(kfarmd_blobs_idle_ms(blobs), 0);
}
