/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/file-stamp.h"
#include "base/vec.h"

#include <time.h>

TEST(stamps_are_equal_only_if_all_fields_are_equal)
{
	struct stat st = { .st_dev = 1, .st_ino = 2, .st_size = 3 };
	struct file_stamp a, b;

	st.st_mtim = (struct timespec){ .tv_sec = 4, .tv_nsec = 5 };
	st.st_ctim = (struct timespec){ .tv_sec = -6, .tv_nsec = 7 };
	file_stamp_from_stat(&a, &st);
	ck_assert_int_eq(a.mtime_ns, INT64_C(4000000005));
	ck_assert_int_eq(a.ctime_ns, INT64_C(-5999999993));
	file_stamp_from_stat(&b, &st);
	ck_assert(file_stamp_equal(&a, &b));
	ck_assert_uint_eq(file_stamp_hash(&a), file_stamp_hash(&b));
	for (int i = 0; i < 5; i++) {
		uint64_t *field[] = { &b.dev, &b.ino, &b.size,
				      (uint64_t *)&b.mtime_ns,
				      (uint64_t *)&b.ctime_ns };

		++*field[i];
		ck_assert(!file_stamp_equal(&a, &b));
		--*field[i];
	}
}

TEST(a_stamp_is_reliable_only_after_a_tick_of_its_clock)
{
	int64_t now = file_stamp_now_ns();
	struct file_stamp s = { .ctime_ns = now };

	ck_assert(!file_stamp_is_reliable(&s, now));
	s.ctime_ns = now - 1000000000 + (now % 1000000000 ? 0 : 1);
	ck_assert(file_stamp_is_reliable(&s, now));
	/* without fractions, the clock can be as coarse as two seconds */
	s.ctime_ns = (now / 1000000000 - 1) * 1000000000;
	ck_assert(!file_stamp_is_reliable(&s, now));
	s.ctime_ns -= INT64_C(4000000000);
	ck_assert(file_stamp_is_reliable(&s, now));
	/* the clock was set back */
	s.ctime_ns = now + INT64_C(1000000001);
	ck_assert(!file_stamp_is_reliable(&s, now));
}

/*
 * When the clock reaches that time, the stamp differs, because the content can.
 */
TEST(a_stamp_over_an_hour_in_the_future_is_reliable)
{
	struct stat st = { .st_ctim.tv_sec = time(NULL) + 3700 };
	struct file_stamp ahead, now;

	file_stamp_from_stat(&ahead, &st);
	ck_assert(file_stamp_is_reliable(&ahead, file_stamp_now_ns()));
	st.st_ctim.tv_sec -= 200;
	file_stamp_from_stat(&now, &st);
	ck_assert(!file_stamp_is_reliable(&now, file_stamp_now_ns()));
	now.ctime_ns = ahead.ctime_ns;
	ck_assert(!file_stamp_equal(&ahead, &now));
}

TEST(file_stamp_wait_makes_a_recent_stamp_reliable)
{
	struct file_stamp s = { .ctime_ns = file_stamp_now_ns() / 1000 * 1000 +
					    1 };
	struct file_stamp ahead = { .in_future = true,
				    .ctime_ns = INT64_MAX / 2 };
	struct file_stamp coarse = {
		.ctime_ns = (file_stamp_now_ns() / 1000000000 + 600) *
			    1000000000
	};

	ck_assert(file_stamp_wait(&s));
	ck_assert(file_stamp_is_reliable(&s, file_stamp_now_ns()));
	ck_assert(file_stamp_wait(&ahead));
	/* coarse, or from a future clock: the function does not wait */
	ck_assert(!file_stamp_wait(&coarse));
	s.ctime_ns = coarse.ctime_ns + 1;
	ck_assert(!file_stamp_wait(&s));
}

TEST(a_formatted_stamp_is_parsed_and_other_text_is_rejected)
{
	static const char *const invalid[] = {
		"",
		"1:2:3:4:5",
		"1:2:3:4:5:0 ",
		"x1:2:3:4:5:0",
		"1:2:3:4:5:2",
		"01:2:3:4:5:0",
	};
	struct file_stamp in = { .dev = UINT64_MAX,
				 .ino = 1,
				 .size = 1u << 31,
				 .mtime_ns = -1,
				 .ctime_ns = INT64_MAX,
				 .in_future = true };
	struct file_stamp out;
	char *text = file_stamp_format(&in);

	ck_assert(file_stamp_parse(&out, text));
	ck_assert(file_stamp_equal(&in, &out));
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		ck_assert(!file_stamp_parse(&out, invalid[i]));
	free(text);
}
