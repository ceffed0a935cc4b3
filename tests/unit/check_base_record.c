/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/record.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct point {
	char *name;
	int32_t x;
};

struct sample {
	char *title;
	uint32_t count;
	int32_t offset;
	int64_t time;
	enum {
		COLOR_RED,
		COLOR_GREEN
	} color;
	bool is_big, is_open;
	struct digest digest;
	struct strv words;
	struct point top, bottom;
	struct point *points;
	size_t n_points;
	char *hidden;
};

static const char *const sizes[] = { "small", "big" };
static const char *const colors[] = { "red", "green" };

static bool has_hidden(const void *s)
{
	return ((const struct sample *)s)->hidden;
}

static const struct record_member point_members[] = {
	{ RECORD_STRING("name", point, name), .required = true },
	{ RECORD_NUMBER("x", point, x, -10, 10), .required = true },
};
static const struct record point_record = RECORD(point, point_members);

static const struct record_member sample_members[] = {
	{ RECORD_STRING("title", sample, title), .required = true },
	{ RECORD_NUMBER("count", sample, count, 0, UINT32_MAX) },
	{ RECORD_NUMBER("offset", sample, offset, INT32_MIN, INT32_MAX) },
	{ RECORD_NUMBER("time", sample, time, INT64_MIN, INT64_MAX) },
	{ RECORD_WORD("color", sample, color, colors) },
	{ RECORD_WORD("size", sample, is_big, sizes) },
	{ RECORD_BOOL("open", sample, is_open) },
	{ RECORD_DIGEST("digest", sample, digest) },
	{ RECORD_STRINGS("words", sample, words, 3) },
	{ RECORD_OBJECT("top", sample, top, &point_record) },
	{ RECORD_OBJECT("bottom", sample, bottom, &point_record) },
	{ RECORD_LIST("points", sample, points, n_points, 2, &point_record) },
	{ RECORD_STRING("hidden", sample, hidden), .is_present = has_hidden },
};
static const struct record sample_record = RECORD(sample, sample_members);

static const struct json_file format = {
	.file = { .max_bytes = 1000, .mode = 0644 },
	.dump_flags = JSON_INDENT(1),
	.ends_line = true,
};

static const char text[] = "{\n"
			   " \"title\": \"a\",\n"
			   " \"count\": 4294967295,\n"
			   " \"offset\": -2147483648,\n"
			   " \"time\": -9223372036854775808,\n"
			   " \"color\": \"green\",\n"
			   " \"size\": \"big\",\n"
			   " \"open\": true,\n"
			   " \"digest\": \"01000000000000000000000000000000"
			   "00000000000000000000000000000000\",\n"
			   " \"words\": [\n"
			   "  \"one\",\n"
			   "  \"two\"\n"
			   " ],\n"
			   " \"top\": {\n"
			   "  \"name\": \"t\",\n"
			   "  \"x\": -10\n"
			   " },\n"
			   " \"bottom\": null,\n"
			   " \"points\": [\n"
			   "  {\n"
			   "   \"name\": \"p\",\n"
			   "   \"x\": 10\n"
			   "  }\n"
			   " ]\n"
			   "}\n";

static char dir[TEMPDIR_SIZE];
static char *path;

static void set_up(void)
{
	tempdir_make(dir);
	path = xasprintf("%s/record", dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(path);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_record_is_read_and_written_unchanged)
{
	struct err err = { 0 };
	struct sample s;

	ck_assert_int_eq(fs_write(path, bytes_str(text), 0600, &err), 0);
	ck_assert_int_eq(record_read(&sample_record, &s, &format, path, &err),
			 0);
	ck_assert_str_eq(s.title, "a");
	ck_assert_uint_eq(s.count, UINT32_MAX);
	ck_assert_int_eq(s.offset, INT32_MIN);
	ck_assert_int_eq(s.time, INT64_MIN);
	ck_assert_int_eq(s.color, COLOR_GREEN);
	ck_assert(s.is_big && s.is_open);
	ck_assert_uint_eq(s.digest.b[0], 1);
	ck_assert_uint_eq(s.words.n, 2);
	ck_assert_str_eq(s.words.v[1], "two");
	ck_assert_str_eq(s.top.name, "t");
	ck_assert_int_eq(s.top.x, -10);
	ck_assert_ptr_null(s.bottom.name);
	ck_assert_uint_eq(s.n_points, 1);
	ck_assert_str_eq(s.points[0].name, "p");
	ck_assert_int_eq(s.points[0].x, 10);
	ck_assert_ptr_null(s.hidden);
	ck_assert_int_eq(record_write(&sample_record, &s, &format, path, &err),
			 0);
	expect_file(path, text);
	record_release(&sample_record, &s);
	ck_assert_ptr_null(s.title);
	ck_assert_uint_eq(s.n_points, 0);
}

struct figures {
	const char *name;
	uint16_t cores;
	int32_t offset;
	int64_t unknown;
	uint32_t kelvin_milli;
};

struct listed {
	const struct figures *figures;
	char *empty;
	uint8_t n_points;
	struct point *points;
};

static char *format_offset(const void *s)
{
	const struct figures *f = s;

	return f->offset ? xasprintf("%d mm", f->offset) : NULL;
}

/* Return an empty array, or no member if the offset is not 0. */
static json_t *extra_json(const void *s)
{
	return ((const struct figures *)s)->offset ? NULL : json_array();
}

static const struct record_member figures_members[] = {
	{ RECORD_VALUE("name", figures, name), RECORD_COLUMN(2, "NAME") },
	{ RECORD_VALUE("cores", figures, cores),
	  RECORD_COLUMN_RIGHT(1, "CORES") },
	{ RECORD_VALUE("offset", figures, offset), RECORD_COLUMN(4, "OFFSET"),
	  .format = format_offset },
	{ RECORD_VALUE("unknown", figures, unknown), .divisor = 1000 },
	{ RECORD_VALUE("celsius", figures, kelvin_milli), .divisor = 1000,
	  .zero = 273150, .decimals = 1, RECORD_COLUMN_RIGHT(3, "TEMP") },
	{ RECORD_COMPUTED("extra", extra_json) },
};
static const struct record figures_record = RECORD(figures, figures_members);

static const struct record_member listed_members[] = {
	{ RECORD_VALUE("first", figures, name), RECORD_VIA(listed, figures) },
	{ RECORD_PART_VIA(listed, figures, &figures_record) },
	{ RECORD_VALUE("empty", listed, empty), .empty_is_null = true },
	{ RECORD_LIST("points", listed, points, n_points, 9, &point_record) },
};
static const struct record listed_record = RECORD(listed, listed_members);

/* Compare the JSON of a listing. */
static void expect_listed(const struct listed *l, const char *want)
{
	json_t *o = record_to_json(&listed_record, l);
	char *got = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));

	ck_assert_str_eq(got, want);
	free(got);
	json_decref(o);
}

static void expect_field(const struct listed *l, unsigned column,
			 const char *want)
{
	const void *s = l;
	const struct record_member *m = record_find_column(&listed_record,
							   column, &s);
	char *got = record_format(m, s);

	ck_assert_str_eq(got, want);
	free(got);
}

TEST(the_rows_of_a_listing_yield_json_and_columns)
{
	const void *none_of = NULL;
	struct figures f = { "a", 65535, -3, INT64_MIN, 321400 };
	struct point point = { (char *)"p", 1 };
	char none[] = "";
	struct listed l = { &f, none, 1, &point };

	expect_listed(&l, "{\"first\":\"a\",\"name\":\"a\",\"cores\":65535,"
			  "\"offset\":-3,\"unknown\":null,\"celsius\":48.25,"
			  "\"empty\":null,\"points\":[{\"name\":\"p\","
			  "\"x\":1}]}");
	expect_field(&l, 1, "65535");
	expect_field(&l, 2, "a");
	expect_field(&l, 3, "48.2");
	expect_field(&l, 4, "-3 mm");
	ck_assert_ptr_null(record_find_column(&listed_record, 5, &none_of));
	f.offset = 0;
	expect_field(&l, 4, "-");
	expect_listed(&l, "{\"first\":\"a\",\"name\":\"a\",\"cores\":65535,"
			  "\"offset\":0,\"unknown\":null,\"celsius\":48.25,"
			  "\"extra\":[],\"empty\":null,\"points\":[{"
			  "\"name\":\"p\",\"x\":1}]}");
}

TEST(a_part_without_a_struct_is_omitted)
{
	struct listed l = { 0 };

	expect_listed(&l, "{\"first\":null,\"empty\":null,\"points\":[]}");
	expect_field(&l, 1, "-");
	expect_field(&l, 4, "-");
}

/* Null stands for a number that the limits exclude. */
TEST(a_number_outside_its_limits_is_null)
{
	struct point p = { (char *)"p", 11 };
	json_t *o = record_to_json(&point_record, &p);

	ck_assert(json_is_null(json_object_get(o, "x")));
	json_decref(o);
}

/* An old file lacks keys; a new file has keys without a row. */
TEST(missing_and_unknown_keys_are_accepted)
{
	static const char other[] = "{\"title\": \"a\", \"count\": null, "
				    "\"later\": {\"x\": [1]}}";
	struct err err = { 0 };
	struct sample s;

	ck_assert_int_eq(
		record_decode(&sample_record, &s, bytes_str(other), &err), 0);
	ck_assert_str_eq(s.title, "a");
	ck_assert_uint_eq(s.count, 0);
	ck_assert_int_eq(s.color, COLOR_RED);
	ck_assert_uint_eq(s.words.n, 0);
	ck_assert_ptr_null(s.points);
	record_release(&sample_record, &s);
}

static const struct {
	const char *text, *why;
} invalid[] = {
	{ "", "line 1: '[' or '{' expected near end of file" },
	{ "[]", "missing or invalid \"title\"" },
	{ "{}", "missing or invalid \"title\"" },
	{ "{\"title\": null}", "missing or invalid \"title\"" },
	{ "{\"title\": 1}", "missing or invalid \"title\"" },
	{ "{\"title\": \"\", \"title\": \"\"}",
	  "line 1: duplicate object key near '\"title\"'" },
	{ "{\"title\": \"\", \"count\": -1}", "missing or invalid \"count\"" },
	{ "{\"title\": \"\", \"count\": 1.0}", "missing or invalid \"count\"" },
	{ "{\"title\": \"\", \"count\": 4294967296}",
	  "missing or invalid \"count\"" },
	{ "{\"title\": \"\", \"color\": \"blue\"}",
	  "missing or invalid \"color\"" },
	{ "{\"title\": \"\", \"color\": 1}", "missing or invalid \"color\"" },
	{ "{\"title\": \"\", \"open\": 1}", "missing or invalid \"open\"" },
	{ "{\"title\": \"\", \"digest\": \"00\"}",
	  "missing or invalid \"digest\"" },
	{ "{\"title\": \"\", \"words\": {}}", "missing or invalid \"words\"" },
	{ "{\"title\": \"\", \"words\": [\"\", null]}",
	  "missing or invalid \"words\"" },
	{ "{\"title\": \"\", \"words\": [\"\", \"\", \"\", \"\"]}",
	  "missing or invalid \"words\"" },
	{ "{\"title\": \"\", \"top\": 1}", "missing or invalid \"top\"" },
	{ "{\"title\": \"\", \"top\": {\"name\": \"n\"}}",
	  "missing or invalid \"x\"" },
	{ "{\"title\": \"\", \"points\": [{\"name\": \"n\", \"x\": 1}, 2]}",
	  "missing or invalid \"points\"" },
	{ "{\"title\": \"\", \"points\": [{}, {}, {}]}",
	  "missing or invalid \"points\"" },
};

TEST_EACH(an_invalid_member_is_named, invalid)
{
	struct err err = { 0 };
	struct sample s;

	ck_assert_int_eq(
		record_decode(&sample_record, &s, bytes_str(row->text), &err),
		-EINVAL);
	ck_assert_str_eq(err.text, row->why);
	ck_assert_ptr_null(s.title);
	ck_assert_ptr_null(s.words.v);
	ck_assert_ptr_null(s.points);
}

/* The table permits more structs than fit in memory. */
TEST(a_list_allocates_memory_only_for_its_structs)
{
	static const struct record_member members[] = {
		{ RECORD_LIST("points", sample, points, n_points, INT64_MAX,
			      &point_record) },
	};
	static const struct record record = RECORD(sample, members);
	static const char three[] = "{\"points\": [{\"name\": \"a\", \"x\": 1},"
				    "{\"name\": \"b\", \"x\": 2},"
				    "{\"name\": \"c\", \"x\": 3}]}";
	struct err err = { 0 };
	struct sample s;

	must(record_decode(&record, &s, bytes_str(three), &err));
	ck_assert_uint_eq(s.n_points, 3);
	ck_assert_str_eq(s.points[2].name, "c");
	ck_assert_int_eq(s.points[2].x, 3);
	record_release(&record, &s);
}

struct line {
	const char *name;
	int64_t load_milli, n_known, n_unknown;
	bool is_good;
};

static const struct record_member line_members[] = {
	{ RECORD_TEXT("name", line, name, 5) },
	{ RECORD_MILLI("load", line, load_milli) },
	{ RECORD_NUMBER("known", line, n_known, 0, INT64_MAX),
	  .omit_null = true },
	{ RECORD_NUMBER("unknown", line, n_unknown, 0, INT64_MAX) },
	{ RECORD_BOOL("good", line, is_good), .omit_null = true },
};
static const struct record line_record = RECORD(line, line_members);

static const struct {
	struct line line;
	const char *text;
} lines[] = {
	{ { "a\"b", -1, 7, 8, true },
	  "{\"name\":\"a\\\"b\",\"load\":-0.001,\"known\":7,"
	  "\"unknown\":8,\"good\":true" },
	{ { NULL, 12345, -1, -1, false }, "{\"load\":12.345,\"unknown\":null" },
	{ { "1234\xc3\xa4", INT64_MIN, 0, 0, false },
	  "{\"name\":\"1234\",\"load\":null,\"known\":0,\"unknown\":0" },
};

TEST_EACH(a_struct_is_appended_as_json, lines)
{
	struct buf out = { 0 };

	buf_add_str(&out, "{");
	record_append(&out, &line_record, &row->line);
	ck_assert_str_eq(buf_str(&out), row->text);
	buf_release(&out);
}

static const struct record_member scaled_members[] = {
	{ RECORD_VALUE("celsius", figures, kelvin_milli), .divisor = 1000,
	  .zero = 273150 },
	{ RECORD_VALUE("share", figures, cores), .divisor = 64 },
};

TEST(a_number_is_appended_with_its_zero_and_divisor)
{
	static const struct record scaled = RECORD(figures, scaled_members);
	const struct figures f = { .cores = 100, .kelvin_milli = 268150 };
	struct buf out = { 0 };

	buf_add_str(&out, "{");
	record_append(&out, &scaled, &f);
	ck_assert_str_eq(buf_str(&out), "{\"celsius\":-5.000,\"share\":1.562");
	buf_release(&out);
}

static const struct {
	const char *text, *bad;
	int64_t load_milli;
} loads[] = {
	{ "{\"load\": -1.0006}", NULL, -1001 },
	{ "{\"load\": 2}", NULL, 2000 },
	{ "{}", NULL, 5 },
	{ "{\"load\": null}", NULL, 5 },
	{ "{\"load\": 1e300}", "load", 5 },
	{ "{\"load\": \"2\"}", "load", 5 },
	{ "{\"known\": -1}", "known", 5 },
	{ "{\"name\": 1}", "name", 5 },
};

/* Members without a key remain as they are. */
TEST_EACH(members_are_filled_from_json, loads)
{
	struct line line = { .load_milli = 5 };
	struct err err = { 0 };
	const char *bad;
	json_t *o;

	must(json_parse(&o, bytes_str(row->text), &err));
	bad = record_fill(&line_record, &line, o);
	ck_assert_pstr_eq(bad, row->bad);
	ck_assert_int_eq(line.load_milli, row->load_milli);
	json_decref(o);
}

TEST(a_truncated_file_is_invalid)
{
	struct err err = { 0 };
	struct sample s;

	/* Only the newline can be missing. */
	for (size_t n = 0; n < sizeof(text) - 2; n++)
		ck_assert_int_eq(record_decode(&sample_record, &s,
					       bytes_of(text, n), &err),
				 -EINVAL);
	ck_assert_int_eq(record_decode(&sample_record, &s,
				       bytes_of(text, sizeof(text) - 2), &err),
			 0);
	record_release(&sample_record, &s);
}

/* Each bit of the file is changed. */
TEST(an_accepted_damaged_file_is_written_and_read_alike)
{
	char damaged[sizeof(text)];
	struct sample s, again;
	struct err err = { 0 };
	unsigned n_accepted = 0;

	for (size_t i = 0; i < 8 * (sizeof(text) - 1); i++) {
		memcpy(damaged, text, sizeof(text));
		damaged[i / 8] ^= (char)(1 << i % 8);
		if (record_decode(&sample_record, &s,
				  bytes_of(damaged, sizeof(text) - 1), &err))
			continue;
		ck_assert_int_eq(
			record_write(&sample_record, &s, &format, path, &err),
			0);
		ck_assert_int_eq(record_read(&sample_record, &again, &format,
					     path, &err),
				 0);
		ck_assert_str_eq(s.title, again.title);
		ck_assert_int_eq(s.time, again.time);
		record_release(&sample_record, &s);
		record_release(&sample_record, &again);
		n_accepted++;
	}
	ck_assert_uint_gt(n_accepted, 0);
}

TEST(an_error_names_the_file)
{
	struct err err = { 0 };
	struct sample s;
	char *why;

	ck_assert_int_eq(record_read(&sample_record, &s, &format, path, &err),
			 -ENOENT);
	why = xasprintf("%s: No such file or directory", path);
	ck_assert_str_eq(err.text, why);
	free(why);
	ck_assert_int_eq(fs_write(path, bytes_str("{}"), 0600, &err), 0);
	ck_assert_int_eq(record_read(&sample_record, &s, &format, path, &err),
			 -EINVAL);
	why = xasprintf("%s: missing or invalid \"title\"", path);
	ck_assert_str_eq(err.text, why);
	free(why);
	ck_assert_int_eq(fs_write(path, bytes_str("{\n1}"), 0600, &err), 0);
	ck_assert_int_eq(record_read(&sample_record, &s, &format, path, &err),
			 -EINVAL);
	why = xasprintf("%s: line 2: string or '}' expected near '1'", path);
	ck_assert_str_eq(err.text, why);
	free(why);
}
