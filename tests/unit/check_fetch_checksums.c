/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "../lib/test.h"

#include "fetch/checksums.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa01"
#define B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB02"

/* A list, and the last byte of the checksum of "x.tar" or the error. */
static const struct sample {
	const char *list;
	int answer;
} samples[] = {
	{ A "  x.tar\n", 1 },
	{ A " *x.tar\n", 1 },
	{ B "  x.tar\n", 2 },
	{ A "  x.tar", 1 },
	{ A "  x.tar \t\r\n", 1 },
	{ A "  y.tar\n" B "  x.tar\n" A "  x.tar.gz\n", 2 },
	{ "# x.tar\n\n" B "  x.tar\n", 2 },
	{ A "  x.tar\n" B "  x.tar\n", -EINVAL },
	{ A "  x.tar\n" A "  x.tar\n", -EINVAL },
	{ A "  x.tar\n" A " *x.tar\n", -EINVAL },
	{ A " x.tar\n", -ENOENT },
	{ A "   x.tar\n", -ENOENT },
	{ A "\tx.tar\n", -ENOENT },
	{ A "  X.tar\n", -ENOENT },
	{ A "  ./x.tar\n", -ENOENT },
	{ A "  x.tar.xz\n", -ENOENT },
	{ " " A "  x.tar\n", -ENOENT },
	{ "0" A "  x.tar\n", -ENOENT },
	{ "g" B "  x.tar\n", -ENOENT },
	{ "x.tar\n", -ENOENT },
	{ "\n", -ENOENT },
	{ "", -ENOENT },
};

TEST_EACH(a_file_name_must_have_exactly_one_checksum, samples)
{
	struct digest got = { .b = { [31] = 42 } };
	struct err err = { 0 };
	int ret = fetch_checksums_find(bytes_str(row->list), "x.tar", &got,
				       &err);

	if (row->answer > 0) {
		ck_assert_int_eq(ret, 0);
		ck_assert_int_eq(got.b[31], row->answer);
		ck_assert_int_eq(got.b[0], row->answer == 1 ? 0xaa : 0xbb);
	} else {
		ck_assert_msg(ret == row->answer, "%s: %d", row->list, ret);
		ck_assert_int_eq(got.b[31], 42);
		text_has(err.text, "x.tar");
	}
}

TEST(find_rejects_nonhexadecimal_digits)
{
	static const char wrong[] = { 'g', 'G', ' ', '/', ':', '@', '`', '\0' };
	char line[] = A "  x.tar\n";
	struct digest got;
	struct err err;

	for (size_t i = 0; i < sizeof(wrong); i++) {
		line[7 * i] = wrong[i];
		ck_assert_int_eq(
			fetch_checksums_find(bytes_of(line, sizeof(line) - 1),
					     "x.tar", &got, &err),
			-ENOENT);
		line[7 * i] = 'a';
	}
}
