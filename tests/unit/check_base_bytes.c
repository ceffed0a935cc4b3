/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/bytes.h"

/* Returns the offset that memmem() finds, or -1. */
static ptrdiff_t found_at(const char *in, const char *what)
{
	const char *at = memmem(in, strlen(in), what, strlen(what));

	return at ? at - in : -1;
}

TEST(bytes_find_agrees_with_memmem)
{
	static const char *const in[] = {
		"", "a", "ab", "aab", "aba", "abcabc", "xxabcx", "bcabcab"
	};
	static const char *const what[] = {
		"a", "b", "ab", "abc", "bc", "cab"
	};

	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		for (size_t k = 0; k < sizeof(what) / sizeof(*what); k++) {
			for (size_t rare = 0; rare < strlen(what[k]); rare++) {
				const char *at = bytes_find(bytes_str(in[i]),
							    bytes_str(what[k]),
							    rare);

				ck_assert_int_eq(at ? at - in[i] : -1,
						 found_at(in[i], what[k]));
			}
		}
	}
	ck_assert_ptr_null(bytes_find(bytes_of(NULL, 0), bytes_str("abc"), 1));
}

TEST(numbers_are_little_endian)
{
	static const uint8_t wire[] = { 0xf1, 0xf2, 0xf3, 0xf4,
					0xf5, 0xf6, 0xf7, 0xf8 };
	uint8_t out[8];

	ck_assert_uint_eq(get_le16(wire), 0xf2f1);
	ck_assert_uint_eq(get_le32(wire), 0xf4f3f2f1);
	ck_assert_uint_eq(get_le64(wire), 0xf8f7f6f5f4f3f2f1);
	put_le16(out, 0xf2f1);
	ck_assert_mem_eq(out, wire, 2);
	put_le32(out, 0xf4f3f2f1);
	ck_assert_mem_eq(out, wire, 4);
	put_le64(out, 0xf8f7f6f5f4f3f2f1);
	ck_assert_mem_eq(out, wire, 8);
}

TEST(equal_compares_length_and_content)
{
	ck_assert(bytes_equal(bytes_str("ab"), bytes_of("abc", 2)));
	ck_assert(!bytes_equal(bytes_str("ab"), bytes_str("abc")));
	ck_assert(!bytes_equal(bytes_str("ab"), bytes_str("ac")));
	ck_assert(bytes_equal(bytes_of(NULL, 0), bytes_str("")));
}

TEST(dup_ends_in_nul)
{
	char *s = bytes_dup(bytes_of("abcdef", 3));

	ck_assert_str_eq(s, "abc");
	free(s);
	s = bytes_dup(bytes_of(NULL, 0));
	ck_assert_str_eq(s, "");
	free(s);
}

TEST(a_read_beyond_the_end_yields_zero_and_a_lasting_error)
{
	struct reader r;

	reader_init(&r, bytes_of("\xff\xff\xff", 3));
	ck_assert_uint_eq(reader_u16(&r), 0xffff);
	ck_assert(!r.bad);
	ck_assert_uint_eq(reader_u16(&r), 0);
	ck_assert(r.bad);
	/* One byte is left, but a reader in error does not return it. */
	ck_assert_uint_eq(reader_raw(&r, 1).len, 0);
	ck_assert_uint_eq(reader_u32(&r), 0);
	ck_assert_uint_eq(reader_bytes(&r).len, 0);
	ck_assert_uint_eq(reader_raw(&r, 0).len, 0);
	ck_assert_int_eq(reader_end(&r), -EPROTO);
}

TEST(trailing_bytes_are_an_error)
{
	struct reader r;

	reader_init(&r, bytes_str("ab"));
	ck_assert_uint_eq(*reader_raw(&r, 1).data, 'a');
	ck_assert_int_eq(reader_end(&r), -EPROTO);
	ck_assert_uint_eq(*reader_raw(&r, 1).data, 'b');
	ck_assert_int_eq(reader_end(&r), 0);
}

TEST(a_reader_of_an_empty_input_returns_no_bytes)
{
	struct reader r;

	reader_init(&r, bytes_of(NULL, 0));
	ck_assert_uint_eq(reader_raw(&r, 0).len, 0);
	ck_assert_int_eq(reader_end(&r), 0);
	ck_assert_uint_eq(reader_raw(&r, 1).len, 0);
	ck_assert_int_eq(reader_end(&r), -EPROTO);
}

TEST(reader_raw_returns_a_pointer_into_the_input)
{
	static const uint8_t in[] = "abcdef";
	struct bytes got;
	struct reader r;

	reader_init(&r, bytes_of(in, 6));
	got = reader_raw(&r, 4);
	ck_assert_ptr_eq(got.data, in);
	ck_assert_uint_eq(got.len, 4);
	ck_assert_uint_eq(reader_raw(&r, SIZE_MAX).len, 0);
	ck_assert(r.bad);
}

TEST(a_length_beyond_the_input_is_rejected)
{
	struct reader r;

	reader_init(&r, bytes_of("\xff\xff\xff\xff"
				 "abc",
				 7));
	ck_assert_uint_eq(reader_bytes(&r).len, 0);
	ck_assert(r.bad);
	reader_init(&r, bytes_of("\4\0\0\0"
				 "abc",
				 7));
	ck_assert_uint_eq(reader_bytes(&r).len, 0);
	ck_assert(r.bad);
}

/* Strings on the wire, read with a limit of 3 bytes. */
static const struct {
	const char *wire;
	size_t len;
	const char *text;
	bool bad;
} strings[] = {
	{ "\3\0\0\0"
	  "abc",
	  7, "abc", false },
	{ "\0\0\0\0", 4, "", false },
	{ "\4\0\0\0"
	  "abcd",
	  8, "", true }, /* too long */
	{ "\3\0\0\0"
	  "a\0c",
	  7, "", true }, /* a NUL inside */
	{ "\3\0\0\0"
	  "ab\0",
	  7, "", true }, /* a NUL at its end */
	{ "\3\0\0\0"
	  "ab",
	  6, "", true }, /* truncated */
	{ "\3\0\0", 3, "", true },
};

TEST_EACH(long_strings_and_strings_with_nul_are_rejected, strings)
{
	struct reader r;
	char *s;

	reader_init(&r, bytes_of(row->wire, row->len));
	s = reader_str(&r, 3);
	ck_assert_str_eq(s, row->text);
	ck_assert_int_eq(r.bad, row->bad);
	free(s);
}

TEST(lines_are_taken_off_the_front)
{
	struct bytes in = bytes_str("one \r\n\n two");

	ck_assert(bytes_equal(bytes_take_line(&in), bytes_str("one")));
	ck_assert_uint_eq(bytes_take_line(&in).len, 0);
	ck_assert(bytes_equal(bytes_take_line(&in), bytes_str(" two")));
	ck_assert_uint_eq(in.len, 0);
}
