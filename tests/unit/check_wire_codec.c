/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/codec.h"

#include "base/task.h"

static const enum wire_codec codecs[] = { WIRE_LZO, WIRE_ZSTD };

/* Fill with text that compresses well, or with noise. */
static void fill(struct buf *b, size_t n, bool noise)
{
	uint32_t x = 2463534242u;

	while (b->len < n) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		if (noise)
			buf_put_u8(b, (uint8_t)(x >> 9));
		else
			buf_printf(b, "static int f%u(void);\n", x % 1000);
	}
	b->len = n;
}

static void ck_round_trip(struct bytes raw, enum wire_codec wanted,
			  enum wire_codec expected)
{
	struct buf packed = { 0 }, back = { 0 };

	buf_add_str(&packed, "before");
	buf_add_str(&back, "before");
	ck_assert_int_eq(wire_codec_pack(&packed, raw, wanted), expected);
	ck_assert_mem_eq(packed.data, "before", 6);
	ck_assert_uint_le(packed.len - 6, raw.len);
	ck_assert_int_eq(
		wire_codec_unpack(&back,
				  bytes_of(packed.data + 6, packed.len - 6),
				  expected, (uint32_t)raw.len),
		0);
	ck_assert_uint_eq(back.len, raw.len + 6);
	ck_assert_mem_eq(back.data, "before", 6);
	if (raw.len)
		ck_assert_mem_eq(back.data + 6, raw.data, raw.len);
	buf_release(&packed);
	buf_release(&back);
}

TEST_RANGE(compressed_data_decompresses_to_the_original, 0, 2)
{
	static const size_t sizes[] = { 128, 1000, 65536, WIRE_BODY_MAX };
	struct buf raw = { 0 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		buf_reset(&raw);
		fill(&raw, sizes[i], false);
		ck_round_trip(buf_bytes(&raw), codecs[_i], codecs[_i]);
	}
	buf_release(&raw);
}

TEST_RANGE(incompressible_data_stays_plain, 0, 2)
{
	struct buf raw = { 0 };

	ck_round_trip(bytes_of(NULL, 0), codecs[_i], WIRE_PLAIN);
	ck_round_trip(bytes_str("tiny"), codecs[_i], WIRE_PLAIN);
	fill(&raw, WIRE_BODY_MAX, true);
	ck_round_trip(buf_bytes(&raw), codecs[_i], WIRE_PLAIN);
	buf_release(&raw);
}

TEST(the_plain_codec_does_not_compress)
{
	struct buf raw = { 0 };

	fill(&raw, 5000, false);
	ck_round_trip(buf_bytes(&raw), WIRE_PLAIN, WIRE_PLAIN);
	buf_release(&raw);
}

/* The body is all zeros, which gives the best compression ratio. */
TEST_RANGE(a_false_length_is_rejected_without_changing_the_buffer, 0, 2)
{
	static const uint32_t lengths[] = {
		0,         1, 999999, 1000001, WIRE_BODY_MAX, WIRE_BODY_MAX + 1,
		UINT32_MAX
	};
	uint8_t *zeros = calloc(1, 1000000);
	struct buf packed = { 0 }, out = { 0 };

	wire_codec_pack(&packed, bytes_of(zeros, 1000000), codecs[_i]);
	buf_add_str(&out, "kept");
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		ck_assert_int_eq(wire_codec_unpack(&out, buf_bytes(&packed),
						   codecs[_i], lengths[i]),
				 -EPROTO);
		ck_assert_str_eq(buf_str(&out), "kept");
		ck_assert_uint_eq(out.len, 4);
	}
	ck_assert_int_eq(wire_codec_unpack(&out, buf_bytes(&packed), codecs[_i],
					   1000000),
			 0);
	buf_release(&packed);
	buf_release(&out);
	free(zeros);
}

TEST_RANGE(a_truncated_or_extended_body_is_rejected, 0, 2)
{
	struct buf raw = { 0 }, packed = { 0 }, out = { 0 };

	fill(&raw, 600, false);
	wire_codec_pack(&packed, buf_bytes(&raw), codecs[_i]);
	for (size_t n = 0; n < packed.len; n++)
		ck_assert_int_eq(wire_codec_unpack(&out,
						   bytes_of(packed.data, n),
						   codecs[_i], 600),
				 -EPROTO);
	buf_put_u8(&packed, 0);
	ck_assert_int_eq(
		wire_codec_unpack(&out, buf_bytes(&packed), codecs[_i], 600),
		-EPROTO);
	ck_assert_uint_eq(out.len, 0);
	buf_release(&raw);
	buf_release(&packed);
	buf_release(&out);
}

TEST_RANGE(a_flipped_bit_never_changes_the_decompressed_length, 0, 2)
{
	struct buf raw = { 0 }, packed = { 0 }, out = { 0 };
	int ret;

	fill(&raw, 3000, false);
	wire_codec_pack(&packed, buf_bytes(&raw), codecs[_i]);
	for (size_t bit = 0; bit < packed.len * 8; bit++) {
		packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_reset(&out);
		ret = wire_codec_unpack(&out, buf_bytes(&packed), codecs[_i],
					3000);
		ck_assert(ret == 0 || ret == -EPROTO);
		ck_assert_uint_eq(out.len, ret ? 0 : 3000);
		packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_release(&raw);
	buf_release(&packed);
	buf_release(&out);
}

TEST(a_wrong_plain_length_and_an_unknown_codec_are_rejected)
{
	struct buf out = { 0 };

	ck_assert_int_eq(
		wire_codec_unpack(&out, bytes_str("four"), WIRE_PLAIN, 5),
		-EPROTO);
	ck_assert_int_eq(wire_codec_unpack(&out, bytes_str("four"),
					   (enum wire_codec)7, 4),
			 -EPROTO);
	buf_release(&out);
}

static void pack_once(void *arg)
{
	struct buf raw = { 0 };

	fill(&raw, 100000, false);
	for (size_t i = 0; i < 2; i++)
		wire_codec_pack(arg, buf_bytes(&raw), codecs[i]);
	buf_release(&raw);
}

TEST(concurrent_threads_compress_to_equal_output)
{
	struct task *tasks[8];
	struct buf out[8] = { 0 };

	for (int i = 0; i < 8; i++) {
		tasks[i] = task_start(pack_once, &out[i]);
		ck_assert_ptr_nonnull(tasks[i]);
	}
	for (int i = 0; i < 8; i++)
		task_join(tasks[i]);
	for (int i = 0; i < 8; i++) {
		ck_assert(bytes_equal(buf_bytes(&out[i]), buf_bytes(&out[0])));
		if (i)
			buf_release(&out[i]);
	}
	buf_release(&out[0]);
}

TEST(codec_names_are_parsed)
{
	static const char *const names[] = { "none", "lzo", "zstd" };
	enum wire_codec got = WIRE_PLAIN;

	for (int i = WIRE_PLAIN; i <= WIRE_ZSTD; i++) {
		ck_assert_int_eq(wire_codec_parse(names[i], &got), 0);
		ck_assert_int_eq(got, i);
	}
	ck_assert_int_eq(wire_codec_parse("LZO", &got), -EINVAL);
	ck_assert_int_eq(wire_codec_parse("", &got), -EINVAL);
	ck_assert_int_eq(got, WIRE_ZSTD);
}
