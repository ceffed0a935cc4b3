/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/err.h"

TEST(set_returns_the_negative_code)
{
	struct err err = { 0 };

	ck_assert_int_eq(err_set(&err, EINVAL, "slots: %d", -3), -EINVAL);
	ck_assert_str_eq(err.text, "slots: -3");
}

TEST(errno_is_told_in_words)
{
	struct err err = { 0 };

	errno = ENOSPC;
	ck_assert_int_eq(err_errno(&err, "unpack %s", "cc1"), -ENOSPC);
	ck_assert_str_eq(err.text, "unpack cc1: No space left on device");
}

TEST(an_error_without_errno_is_still_an_error)
{
	struct err err = { 0 };

	errno = 0;
	ck_assert_int_lt(err_errno(&err, "odd"), 0);
}

TEST(wrapping_puts_the_outer_words_first)
{
	struct err err = { 0 };

	err_set(&err, EIO, "bin/cc1");
	err_wrap(&err, "unpack");
	err_wrap(&err, "install %s", "gcc-13");
	ck_assert_str_eq(err.text, "install gcc-13: unpack: bin/cc1");
}

TEST(what_steers_a_terminal_does_not_get_into_the_line)
{
	struct err err = { 0 };

	err_set(&err, EIO, "gr\xc3\xbc\xc3\x9f \033[2J \xe2\x80\xae \x9b");
	ck_assert_str_eq(err.text, "gr\xc3\xbc\xc3\x9f ?[2J ??? ?");
	errno = ENOENT;
	err_errno(&err, "\xc2\x9b");
	ck_assert_str_eq(err.text, "??: No such file or directory");
	err_wrap(&err, "a\rb");
	ck_assert_str_eq(err.text, "a?b: ??: No such file or directory");
}

TEST(a_line_that_is_too_long_is_cut)
{
	char text[2 * ERR_TEXT_MAX];
	struct err err = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(err_set(&err, EIO, "%s", text), -EIO);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	err_wrap(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	errno = EACCES;
	ck_assert_int_eq(err_errno(&err, "%s", text), -EACCES);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
}
