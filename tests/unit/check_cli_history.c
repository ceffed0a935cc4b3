/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/* The listing of past builds, and the times of --since. */
#include "../lib/test.h"

#include "cli/history.h"

#include "base/printable.h"
#include "base/text-width.h"

#include <time.h>

static struct err err;

/* Return the printed form of a build; the caller frees it. */
static char *printed(const struct history_build *b, unsigned columns)
{
	struct history_listing l = { .builds = (struct history_build *)b,
				     .n_builds = 1 };
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	history_print(f, &l, columns);
	fclose(f);
	return text;
}

static void expect_columns(const char *text, unsigned most)
{
	struct bytes in = bytes_str(text);

	ck_assert(printable_is_safe(in, PRINTABLE_WHITESPACE));
	while (in.len) {
		char *line = bytes_dup(bytes_take_line(&in));

		ck_assert_uint_le(text_width(line), most);
		free(line);
	}
}

TIMEOUT(60);

/* Megabytes of escape sequences, of invalid characters, of wide characters. */
TEST_RANGE(lines_with_any_text_fit_the_width, 0, 6)
{
	static const char *const pieces[] = {
		"\x1b[2J\x1b]0;x\a", "\xff\xfe\x80", "\xe6\x97\xa5",
		"\xe2\x80\xae",      "a\nb\t",       "x"
	};
	const char *piece = pieces[_i];
	size_t n = strlen(piece), times = (2u << 20) / n;
	char *huge = xmalloc(times * n + 1), *text, *json;
	struct history_build b = { .number = 123456,
				   .state = HISTORY_STATE_INTERRUPTED,
				   .wall_ms = INT64_C(350000000),
				   .n_warnings = 99999,
				   .n_new_warnings = 99999,
				   .start_s = time(NULL) };
	struct history_listing l = { .builds = &b, .n_builds = 1 };
	json_t *o;

	for (size_t i = 0; i < times; i++)
		memcpy(huge + i * n, piece, n);
	huge[times * n] = '\0';
	b.command = b.arch = b.config = b.toolchain = b.tree = huge;
	for (unsigned columns = 80; columns < 200; columns += 40) {
		text = printed(&b, columns);
		expect_columns(text, columns);
		ck_assert_uint_eq(strlen(strchr(text, '\n') + 1) > 0, true);
		free(text);
	}
	o = history_json(&l);
	json = json_dumps(o, JSON_ENSURE_ASCII);
	ck_assert_ptr_nonnull(json);
	ck_assert(printable_is_safe(bytes_str(json), 0));
	json_decref(o);
	free(json);
	free(huge);
}

TEST_RANGE(a_long_configuration_fills_the_line, 100, 110)
{
	char config[301];
	struct history_build b = { .number = 7,
				   .state = HISTORY_STATE_GOOD,
				   .tree = (char[]){ "/t" },
				   .command = (char[]){ "Image" },
				   .arch = (char[]){ "arm64" },
				   .toolchain = (char[]){ "gcc" },
				   .config = config };
	char *text, *line;
	struct bytes in;

	memset(config, 'x', 300);
	config[300] = '\0';
	text = printed(&b, (unsigned)_i);
	in = bytes_str(text);
	bytes_take_line(&in);
	line = bytes_dup(bytes_take_line(&in));
	ck_assert_uint_eq(text_width(line), _i);
	free(line);
	free(text);
}

TEST(lines_with_huge_numbers_fit_100_columns)
{
	struct history_build b = { .number = INT64_MAX,
				   .state = HISTORY_STATE_GOOD,
				   .wall_ms = INT64_MAX / 2,
				   .n_warnings = INT64_MAX,
				   .n_new_warnings = INT64_MAX,
				   .start_s = INT64_MAX };
	char *text = printed(&b, 80);

	/* A damaged row can contain such values. */
	expect_columns(text, 100);
	free(text);
}

TEST(new_warnings_are_shown_after_all_warnings)
{
	struct history_build b = { .number = 7,
				   .tree = (char[]){ "/t" },
				   .state = HISTORY_STATE_GOOD,
				   .config = (char[]){ "defconfig" },
				   .n_warnings = 12,
				   .n_new_warnings = 2 };
	char *text = printed(&b, 80);

	text_has(text, "  12    2\n");
	text_has(text, "  defconfig  ");
	free(text);
	b.n_new_warnings = -1;
	text = printed(&b, 80);
	text_has(text, "  12    -\n");
	free(text);
	b.state = HISTORY_STATE_KILLED;
	text = printed(&b, 80);
	text_has(text, "killed");
	ck_assert_ptr_null(strstr(text, "12"));
	free(text);
}

TEST(errors_are_counted_in_the_second_line)
{
	struct history_build b = { .state = HISTORY_STATE_FAILED,
				   .tree = (char[]){ "/t" },
				   .command = (char[]){ "Image" },
				   .n_errors = 1 };
	char *text = printed(&b, 80);

	text_has(text, "\n       /t: Image, 1 error\n");
	free(text);
	b.n_errors = 2;
	b.output = (char[]){ "/" };
	text = printed(&b, 80);
	text_has(text, "\n       /t: Image, 2 errors, output /\n");
	free(text);
}

TEST(the_cause_of_a_failure_replaces_the_number_of_errors)
{
	struct history_build b = { .state = HISTORY_STATE_FAILED,
				   .tree = (char[]){ "/t" },
				   .command = (char[]){ "Image" },
				   .cause = (char[]){ "/t: disk full; free "
						      "some space" } };
	char *text = printed(&b, 80);

	text_has(text, "\n       /t: Image, /t: disk full\n");
	free(text);
}

TEST(the_warnings_and_errors_of_a_command_are_null)
{
	struct history_build b = { .state = HISTORY_STATE_FAILED,
				   .command = (char[]){ "make" } };
	struct history_listing l = { .builds = &b, .n_builds = 1 };
	json_t *all = history_json(&l);
	json_t *o = json_array_get(json_object_get(all, "builds"), 0);

	ck_assert(json_is_null(json_object_get(o, "warnings")));
	ck_assert(json_is_null(json_object_get(o, "errors")));
	ck_assert(json_is_integer(json_object_get(o, "local")));
	json_decref(all);
}

#define NOW INT64_C(1795000000)

static const struct {
	const char *text;
	int64_t before; /* seconds */
} ages[] = {
	{ "0m", 0 },         { "30m", 1800 },      { "12h", 43200 },
	{ "7d", 7 * 86400 }, { "2w", 14 * 86400 },
};

TEST_EACH(an_age_is_subtracted_from_the_current_time, ages)
{
	int64_t at;

	must(history_parse_since(row->text, NOW, &at, &err));
	ck_assert_int_eq(at, NOW - row->before);
}

/*
 * In Sao Paulo, clocks jumped from 0:00 to 1:00 on 2018-11-04.  The rule of the
 * time zone does so on each first Sunday of November.
 */
TEST(a_date_without_a_midnight_is_accepted)
{
	int64_t day;

	setenv("TZ", "BRT3BRST,M11.1.0/0,M2.3.0/0", 1);
	tzset();
	must(history_parse_since("2018-11-04", NOW, &day, &err));
	ck_assert_int_le(INT64_C(1541296800), day);
	ck_assert_int_le(day, INT64_C(1541304000));
	unsetenv("TZ");
	tzset();
}

TEST(a_leap_day_is_accepted)
{
	int64_t day;

	must(history_parse_since("2024-02-29", NOW, &day, &err));
}

TEST(a_date_is_parsed_in_local_time)
{
	int64_t day, minute;

	setenv("TZ", "UTC-2", 1);
	tzset();
	must(history_parse_since("2026-11-01", NOW, &day, &err));
	ck_assert_int_eq(day, INT64_C(1793491200) - 7200);
	must(history_parse_since("2026-11-01 02:30", NOW, &minute, &err));
	ck_assert_int_eq(minute, day + 9000);
	must(history_parse_since("2026-11-01T02:30", NOW, &minute, &err));
	ck_assert_int_eq(minute, day + 9000);
	unsetenv("TZ");
	tzset();
}

static const char *const no_times[] = { "",
					"m",
					"-1d",
					"d7",
					"7 d",
					"7y",
					"7dd",
					"100001d",
					"2026",
					"2026-13-01",
					"now",
					"1.5h",
					"2026-11-01x",
					"2026-02-30",
					"2026-02-29",
					"2026-11-31T02:30",
					"26-11-29",
					"126-11-29" };

TEST_EACH(an_invalid_time_is_rejected, no_times)
{
	int64_t at;

	ck_assert_int_lt(history_parse_since(*row, NOW, &at, &err), 0);
	text_has(err.text, "--since");
}
