/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/format.h"

static const struct {
	void (*put)(struct buf *out, uint64_t n);
	uint64_t n;
	const char *shown;
} numbers[] = {
	{ format_time, 0, "0:00" },
	{ format_time, 59999, "0:59" },
	{ format_time, 3599000, "59:59" },
	{ format_time, 3600000, "1:00:00" },
	{ format_duration_short, 0, "0.0s" },
	{ format_duration_short, 1999, "1.9s" },
	{ format_duration_short, 99999, "99.9s" },
	{ format_duration_short, 100000, "100s" },
	{ format_duration_short, 999999, "999s" },
	{ format_duration_short, 1000000, "16m" },
	{ format_duration_short, 6000000, "1h" },
	{ format_duration_short, 360000000, "4d" },
	{ format_duration_short, UINT64_MAX, "9999d" },
	{ format_bytes, 0, "0" },
	{ format_bytes, 999, "999" },
	{ format_bytes, 1000, "1.0K" },
	{ format_bytes, 9999, "9.9K" },
	{ format_bytes, 10000, "10K" },
	{ format_bytes, 999999, "999K" },
	{ format_bytes, 1000000, "1.0M" },
	{ format_bytes, 12345678901, "12G" },
	{ format_bytes, UINT64_MAX, "18E" },
	{ format_milli, 0, "0.0" },
	{ format_milli, 35912, "35.9" },
};

TEST_EACH(durations_and_sizes_are_abbreviated, numbers)
{
	struct buf out = { 0 };

	row->put(&out, row->n);
	ck_assert_str_eq(buf_str(&out), row->shown);
	buf_release(&out);
}

TEST(durations_fit_5_columns_and_sizes_fit_4)
{
	struct buf out = { 0 };

	for (uint64_t n = 1; n < UINT64_MAX / 2; n += n / 3 + 1) {
		buf_reset(&out);
		format_duration_short(&out, n);
		ck_assert_uint_le(strlen(buf_str(&out)), 5);
		buf_reset(&out);
		format_bytes(&out, n);
		ck_assert_uint_le(strlen(buf_str(&out)), 4);
	}
	buf_release(&out);
}

TEST(format_plural_is_empty_only_for_one)
{
	ck_assert_str_eq(format_plural(0), "s");
	ck_assert_str_eq(format_plural(1), "");
	ck_assert_str_eq(format_plural(2), "s");
}
