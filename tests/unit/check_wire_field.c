/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
#include "../lib/test.h"

#include "wire/field.h"

/* Encode `s` and decode it; the caller frees the result. */
static char *round_trip(const char *s, size_t put_max, size_t get_max,
			bool *bad)
{
	struct buf b = { 0 };
	struct reader r;
	char *got;

	wire_field_put_line(&b, s, put_max);
	reader_init(&r, buf_bytes(&b));
	got = wire_field_line(&r, get_max);
	*bad = r.bad;
	buf_release(&b);
	return got;
}

static void ck_line(const char *s, const char *want)
{
	bool bad;
	char *got = round_trip(s, 10, 10, &bad);

	ck_assert_str_eq(got, want);
	ck_assert(!bad);
	free(got);
}

TEST(an_encoded_line_is_truncated_and_sanitized)
{
	ck_line("", "");
	ck_line(NULL, "");
	ck_line("plain", "plain");
	ck_line("exactly 10", "exactly 10");
	ck_line("more than ten", "more than ");
	ck_line("a\nb\tc\033[2J", "a b c [2J");
	ck_line("d\177e", "d e");
	ck_line("\303\274ber", "\303\274ber");
}

TEST(an_overlong_line_is_rejected)
{
	bool bad;
	char *got = round_trip("eleven here", 100, 10, &bad);

	ck_assert(bad);
	ck_assert_str_eq(got, "");
	free(got);
}

TEST_RANGE(a_line_with_an_unprintable_character_is_rejected, 0, 7)
{
	static const char *const lines[] = {
		"a\nb",     "\033[2J", "\177",         "\1",
		"\xc2\x9b", "\x9b",    "\xe2\x80\xae",
	};
	struct buf b = { 0 };
	struct reader r;

	buf_put_str(&b, lines[_i]);
	reader_init(&r, buf_bytes(&b));
	free(wire_field_line(&r, 100));
	ck_assert(r.bad);
	buf_release(&b);
}

TEST(bytes_of_unprintable_characters_are_encoded_as_spaces)
{
	struct buf b = { 0 };
	struct reader r;
	char *got;

	/* Truncated within the last character. */
	wire_field_put_line(&b, "\t\xe2\x80\xae|\xc3\xbc|\xe2\x82\xac", 10);
	reader_init(&r, buf_bytes(&b));
	got = wire_field_line(&r, 100);
	ck_assert(!r.bad);
	ck_assert_str_eq(got, "    |\xc3\xbc|  ");
	free(got);
	buf_release(&b);
}

TEST(a_truncated_digest_leaves_the_target_unchanged)
{
	struct digest d = { .b = { 7 } };
	uint8_t raw[DIGEST_SIZE] = { 1, 2, 3 };
	struct reader r;

	reader_init(&r, bytes_of(raw, sizeof(raw) - 1));
	wire_field_digest(&r, &d);
	ck_assert(r.bad);
	ck_assert_uint_eq(d.b[0], 7);

	reader_init(&r, bytes_of(raw, sizeof(raw)));
	wire_field_digest(&r, &d);
	ck_assert(!r.bad);
	ck_assert_mem_eq(d.b, raw, sizeof(raw));
}

TEST(a_number_beyond_its_limit_is_rejected_and_read_as_zero)
{
	static const uint8_t raw[] = { 5, 0, 1, 0, 0 };
	struct reader r;

	reader_init(&r, bytes_of(raw, sizeof(raw)));
	ck_assert_uint_eq(wire_field_u8(&r, 5), 5);
	ck_assert_uint_eq(wire_field_u32(&r, 256), 256);
	ck_assert_int_eq(reader_end(&r), 0);

	reader_init(&r, bytes_of(raw, sizeof(raw)));
	ck_assert_uint_eq(wire_field_u8(&r, 4), 0);
	ck_assert(r.bad);

	reader_init(&r, bytes_of(raw + 1, 4));
	ck_assert_uint_eq(wire_field_u32(&r, 255), 0);
	ck_assert(r.bad);
}

/* A message to which the versions 8 to 10 added fields. */
struct wire_part_sample {
	uint8_t n;
};
struct wire_sample {
	uint32_t old;
	uint8_t kind; /* 2 exists since version 9 */
	uint32_t limit; /* since version 8; unknown before */
	uint8_t hint; /* since version 8; optional */
	char *text; /* since version 9 */
	struct strv words; /* since version 9 */
	uint8_t n_parts;
	struct wire_part_sample *parts; /* since version 10 */
};

static const uint8_t kind_since[] = { 0, 0, 9 };

static const struct wire_field part_sample[] = {
	{ WIRE_NUMBER(part_sample, n, WIRE_ANY) },
};
static const struct wire_layout part_layout = WIRE_LAYOUT(part_sample, NULL);

static const struct wire_field sample[] = {
	{ WIRE_NUMBER(sample, old, WIRE_ANY) },
	{ WIRE_NUMBER(sample, kind, 2), .value_since = kind_since },
	{ WIRE_NUMBER(sample, limit, WIRE_ANY), .since = 8, .absent = 77 },
	{ WIRE_NUMBER(sample, hint, WIRE_ANY), .since = 8, .optional = true },
	{ WIRE_STRING(sample, text, 100), .since = 9 },
	{ WIRE_STRINGS(sample, words, 1, 9, 100), .since = 9 },
	{ WIRE_LIST(sample, parts, n_parts, 9, &part_layout), .since = 10 },
};
static const struct wire_layout sample_layout = WIRE_LAYOUT(sample, NULL);

/* Encode and decode `m` at a version; returns the result of the decoder. */
static int sample_round_trip(struct wire_sample *got,
			     const struct wire_sample *m, int encoded_at,
			     int decoded_at)
{
	struct buf body = { 0 };
	int ret;

	*got = (struct wire_sample){ 0 };
	wire_encode(&body, &sample_layout, m, encoded_at);
	ret = wire_decode(&sample_layout, got, buf_bytes(&body), decoded_at);
	buf_release(&body);
	return ret;
}

TEST(newer_fields_have_defaults_when_an_older_version_is_decoded)
{
	struct wire_part_sample parts[] = { { 3 }, { 4 } };
	struct wire_sample m = { .old = 5,
				 .kind = 1,
				 .limit = 6,
				 .hint = 9,
				 .text = (char *)"text",
				 .n_parts = 2,
				 .parts = parts };
	struct wire_sample got;

	strv_add(&m.words, "word");
	for (int version = 7; version <= 11; version++) {
		ck_assert_int_eq(sample_round_trip(&got, &m, version, version),
				 0);
		ck_assert_uint_eq(got.old, 5);
		ck_assert_uint_eq(got.kind, 1);
		ck_assert_uint_eq(got.limit, version < 8 ? 77 : 6);
		ck_assert_uint_eq(got.hint, version < 8 ? 0 : 9);
		ck_assert_str_eq(got.text, version < 9 ? "" : "text");
		ck_assert_uint_eq(got.words.n, version < 9 ? 0 : 1);
		ck_assert_uint_eq(got.n_parts, version < 10 ? 0 : 2);
		wire_release(&sample_layout, &got);
		/* Both ends must use the same version. */
		if (version < 10) {
			ck_assert_int_eq(sample_round_trip(&got, &m,
							   version + 1,
							   version),
					 -EPROTO);
			ck_assert_int_eq(sample_round_trip(&got, &m, version,
							   version + 1),
					 -EPROTO);
		}
	}
	strv_release(&m.words);
}

TEST(a_value_of_a_newer_version_is_rejected_in_an_older_one)
{
	const struct wire_sample m = { .kind = 2, .limit = 77 };
	struct wire_sample got;

	ck_assert_int_eq(sample_round_trip(&got, &m, 8, 8), -EPROTO);
	ck_assert_int_eq(sample_round_trip(&got, &m, 9, 9), 0);
	wire_release(&sample_layout, &got);
}

/* Check the first field that a version cannot express; NULL for none. */
static void ck_unsupported(const struct wire_sample *m, int version,
			   const char *want)
{
	ck_assert_pstr_eq(wire_find_unsupported(&sample_layout, m, version),
			  want);
}

TEST(the_first_field_that_a_version_cannot_express_is_named)
{
	struct wire_part_sample part = { 3 };
	struct wire_sample m = { .old = 5, .kind = 1, .limit = 77 };

	ck_unsupported(&m, 7, NULL);
	m.hint = 9;
	ck_unsupported(&m, 7, NULL);
	m.limit = 78;
	ck_unsupported(&m, 7, "limit");
	ck_unsupported(&m, 8, NULL);
	m.kind = 2;
	ck_unsupported(&m, 7, "kind");
	ck_unsupported(&m, 8, "kind");
	ck_unsupported(&m, 9, NULL);
	m.kind = 0;
	m.text = (char *)"";
	ck_unsupported(&m, 8, NULL);
	m.text = (char *)"t";
	ck_unsupported(&m, 8, "text");
	ck_unsupported(&m, 9, NULL);
	m.text = NULL;
	strv_add(&m.words, "word");
	ck_unsupported(&m, 8, "words");
	strv_release(&m.words);
	m.n_parts = 1;
	m.parts = &part;
	ck_unsupported(&m, 9, "parts");
	ck_unsupported(&m, 10, NULL);
}
