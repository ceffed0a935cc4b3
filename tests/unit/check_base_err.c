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

TEST(err_errno_appends_the_text_of_errno)
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

TEST(err_wrap_prepends_its_text)
{
	struct err err = { 0 };

	err_set(&err, EIO, "bin/cc1");
	err_wrap(&err, "unpack");
	err_wrap(&err, "install %s", "gcc-13");
	ck_assert_str_eq(err.text, "install gcc-13: unpack: bin/cc1");
}

TEST(unprintable_characters_are_replaced)
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

TEST(a_long_text_is_truncated)
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
