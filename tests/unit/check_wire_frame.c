/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/frame.h"

#include "base/bytes.h"

static const struct wire_frame sample = {
	.type = 5,
	.codec = WIRE_PLAIN,
	.body_len = 300,
	.raw_len = 300,
};

/* Each row corrupts one field of a valid header: offset, value, result. */
static const struct corruption {
	size_t offset;
	uint32_t value;
	int ret;
} corruptions[] = {
	{ 0, 0x20544547, -EPROTO }, /* an HTTP request */
	{ 0, 0, -EPROTO },
	{ 4, 5 | 3u << 16, -EPROTO }, /* an unknown codec */
	{ 4, 5 | 0xffffu << 16, -EPROTO },
	{ 8, WIRE_BODY_MAX + 1, -EMSGSIZE },
	{ 8, UINT32_MAX, -EMSGSIZE },
	{ 12, WIRE_BODY_MAX + 1, -EMSGSIZE },
	{ 12, UINT32_MAX, -EMSGSIZE },
	{ 8, 299, -EPROTO }, /* uncompressed, but the lengths differ */
	{ 12, 301, -EPROTO },
};

TEST(a_decoded_header_equals_the_encoded_one)
{
	static const struct wire_frame all[] = {
		{ 1, WIRE_PLAIN, 0, 0 },
		{ 0xffff, WIRE_PLAIN, WIRE_BODY_MAX, WIRE_BODY_MAX },
		{ 6, WIRE_LZO, 17, WIRE_BODY_MAX },
		{ 9, WIRE_ZSTD, WIRE_BODY_MAX, 0 },
	};
	uint8_t wire[WIRE_FRAME_SIZE];
	struct wire_frame got;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		wire_frame_encode(wire, &all[i]);
		ck_assert_int_eq(wire_frame_decode(&got, wire), 0);
		ck_assert_mem_eq(&got, &all[i], sizeof(got));
	}
}

TEST(a_header_is_little_endian_on_every_machine)
{
	static const uint8_t want[WIRE_FRAME_SIZE] = {
		'k', 'f', 'r', 'm', 5, 0, 0, 0, 0x2c, 1, 0, 0, 0x2c, 1, 0, 0
	};
	uint8_t wire[WIRE_FRAME_SIZE];

	wire_frame_encode(wire, &sample);
	ck_assert_mem_eq(wire, want, sizeof(want));
}

TEST_EACH(decode_rejects_a_corrupt_header, corruptions)
{
	uint8_t wire[WIRE_FRAME_SIZE];
	struct wire_frame got = { .type = 42 };

	wire_frame_encode(wire, &sample);
	put_le32(wire + row->offset, row->value);
	ck_assert_int_eq(wire_frame_decode(&got, wire), row->ret);
	ck_assert_uint_eq(got.type, 42); /* unchanged on failure */
}
