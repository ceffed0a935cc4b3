/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/packet.h"

#include "base/str.h"
#include "fetch-sample.h"
#include "fetch/armor.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct buf sample;

static void setup(void)
{
	ck_assert_int_eq(fetch_armor_decode(bytes_str(sample_armored), &sample),
			 0);
}

static void teardown(void)
{
	buf_release(&sample);
}

/* Headers of RFC 4880 4.2.3, and what cannot be one. */
static const struct header {
	uint8_t in[8];
	size_t len; /* of the header; the input has 300 bytes in all */
	uint32_t body;
	int answer;
} headers[] = {
	{ { 0xc2, 0x64 }, 2, 100, 1 },
	{ { 0xc2, 0xc0, 0x05 }, 3, 197, 1 },
	{ { 0xc2, 0xff, 0, 0, 0, 0x64 }, 6, 100, 1 },
	{ { 0x88, 0x64 }, 2, 100, 1 },
	{ { 0x89, 0x00, 0x64 }, 3, 100, 1 },
	{ { 0x8a, 0, 0, 0, 0x64 }, 5, 100, 1 },
	{ { 0xc2, 0x00 }, 2, 0, 1 },
	{ { 0x8b, 0x64 }, 0, 0, -EPROTO }, /* up to the end of the file */
	{ { 0xc2, 0xe1 }, 0, 0, -EPROTO }, /* partial */
	{ { 0xc2, 0xff, 0xff, 0xff, 0xff, 0xff }, 0, 0, -EPROTO },
	{ { 0x8a, 0x80, 0, 0, 0 }, 0, 0, -EPROTO },
	{ { 0xc2, 0xc1, 0x00 }, 0, 0, -EPROTO }, /* 448 of 297 */
	{ { 0x42, 0x01 }, 0, 0, -EPROTO }, /* no packet */
	{ { 0xc0, 0x01 }, 0, 0, -EPROTO }, /* tag 0 */
	{ { 0x80, 0x01 }, 0, 0, -EPROTO },
};

START_TEST(a_header_says_how_long_its_packet_is)
{
	const struct header *h = &headers[_i];
	uint8_t all[300] = { 0 };
	struct bytes in = bytes_of(all, sizeof(all));
	struct fetch_packet got = { .tag = 42 };

	memcpy(all, h->in, sizeof(h->in));
	ck_assert_int_eq(fetch_packet_next(&in, &got), h->answer);
	if (h->answer < 0) {
		ck_assert_uint_eq(got.tag, 42);
		ck_assert_uint_eq(in.len, sizeof(all));
		return;
	}
	ck_assert_uint_eq(got.tag, 2);
	ck_assert_uint_eq(got.body.len, h->body);
	ck_assert_uint_eq(got.whole.len, h->len + h->body);
	ck_assert_ptr_eq(got.body.data, all + h->len);
	ck_assert_uint_eq(in.len, sizeof(all) - got.whole.len);
}
END_TEST

START_TEST(a_key_is_found_by_its_fingerprint)
{
	struct buf out = { 0 };
	char *lower = xstrdup(SAMPLE_KEY);

	for (char *p = lower; *p; p++)
		*p = *p >= 'A' && *p <= 'F' ? (char)(*p + 32) : *p;
	ck_assert_int_eq(
		fetch_packet_extract(buf_bytes(&sample), SAMPLE_KEY, &out), 0);
	ck_assert(bytes_equal(buf_bytes(&out), buf_bytes(&sample)));
	ck_assert_int_eq(fetch_packet_extract(buf_bytes(&sample), lower, &out),
			 0);
	ck_assert_uint_eq(out.len, 2 * sample.len);
	free(lower);
	buf_release(&out);
}
END_TEST

START_TEST(a_subkey_is_no_key_to_be_pinned)
{
	struct buf out = { 0 };

	ck_assert_int_eq(
		fetch_packet_extract(buf_bytes(&sample), SAMPLE_SUBKEY, &out),
		-ENOKEY);
	ck_assert_int_eq(
		fetch_packet_extract(bytes_of(NULL, 0), SAMPLE_KEY, &out),
		-ENOKEY);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* A file of many: the sample, changed by a bit, comes before and after it. */
START_TEST(of_many_keys_one_is_taken)
{
	static const uint8_t trust[] = { 0xcc, 2, 1, 2 };
	struct buf all = { 0 }, out = { 0 };

	for (int i = 0; i < 4; i++) {
		size_t at = all.len;

		buf_add_bytes(&all, buf_bytes(&sample));
		if (i != 1 && i != 2)
			all.data[at + 10] ^= 1;
		buf_add(&all, trust, sizeof(trust));
	}
	ck_assert_int_eq(
		fetch_packet_extract(buf_bytes(&all), SAMPLE_KEY, &out), 0);
	ck_assert(bytes_equal(buf_bytes(&out), buf_bytes(&sample)));
	buf_release(&all);
	buf_release(&out);
}
END_TEST

START_TEST(secret_keys_and_rests_are_refused)
{
	static const uint8_t secret[] = { 0xc5, 2, 4, 0 }, cut[] = { 0xc2, 9 };
	struct buf out = { 0 };
	size_t len = sample.len;

	buf_add(&sample, secret, sizeof(secret));
	ck_assert_int_eq(
		fetch_packet_extract(buf_bytes(&sample), SAMPLE_KEY, &out),
		-EINVAL);
	buf_add(&sample, cut, sizeof(cut));
	ck_assert_int_eq(
		fetch_packet_extract(buf_bytes(&sample), SAMPLE_KEY, &out),
		-EPROTO);
	ck_assert_int_eq(fetch_packet_extract(bytes_of(sample.data, len - 1),
					      SAMPLE_KEY, &out),
			 -EPROTO);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(a_moment_belongs_to_the_key_whose_signature_says_so)
{
	struct bytes in = buf_bytes(&sample);

	ck_assert(fetch_packet_may_expire(in, SAMPLE_KEY, SAMPLE_KEY_EXPIRES));
	ck_assert(fetch_packet_may_expire(in, SAMPLE_SUBKEY,
					  SAMPLE_SUBKEY_EXPIRES));
	ck_assert(!fetch_packet_may_expire(in, SAMPLE_KEY,
					   SAMPLE_SUBKEY_EXPIRES));
	ck_assert(!fetch_packet_may_expire(in, SAMPLE_SUBKEY,
					   SAMPLE_KEY_EXPIRES));
	ck_assert(!fetch_packet_may_expire(in, SAMPLE_LAST,
					   SAMPLE_SUBKEY_EXPIRES));
	ck_assert(!fetch_packet_may_expire(in, SAMPLE_LAST, 0));
	ck_assert(!fetch_packet_may_expire(in, SAMPLE_KEY,
					   SAMPLE_KEY_EXPIRES + 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fetch/packet");
	TCase *tc = tcase_create("packet");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_header_says_how_long_its_packet_is, 0,
			    sizeof(headers) / sizeof(*headers));
	tcase_add_test(tc, a_key_is_found_by_its_fingerprint);
	tcase_add_test(tc, a_subkey_is_no_key_to_be_pinned);
	tcase_add_test(tc, of_many_keys_one_is_taken);
	tcase_add_test(tc, secret_keys_and_rests_are_refused);
	tcase_add_test(tc, a_moment_belongs_to_the_key_whose_signature_says_so);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
