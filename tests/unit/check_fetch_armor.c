/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/armor.h"

#include "base/str.h"
#include "fetch-sample.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
#define END   "-----END PGP PUBLIC KEY BLOCK-----\n"

static const struct sample {
	const char *text, *bytes;
	int answer;
} samples[] = {
	{ BEGIN "\naGVsbG8=\n" END, "hello", 0 },
	{ BEGIN "Version: 1\nComment: x\n\naGVs\nbG8=\n" END, "hello", 0 },
	{ BEGIN "\naGVsb\nG8=\n" END, "hello", 0 }, /* groups over lines */
	{ BEGIN "\r\naGVsbG8=\r\n" END, "hello", 0 },
	{ "<html><pre>\n" BEGIN "\naGVs\n" END "</pre>\n", "hel", 0 },
	{ BEGIN "\naGVs\n" END BEGIN "\nbG8=\n" END, "hello", 0 },
	{ BEGIN "\naGVsbG8=\n=RgvW\n" END, NULL, -EPROTO }, /* another's sum */
	{ BEGIN "\naGVsbG8=\n=xxxx=\n" END, NULL, -EPROTO },
	{ BEGIN "\naGVsbG8\n" END, NULL, -EPROTO },
	{ BEGIN "\na===\n" END, NULL, -EPROTO },
	{ BEGIN "\naGVsbG8=aGVs\n" END, NULL, -EPROTO },
	{ BEGIN "\naGVs bG8=\n" END, NULL, -EPROTO },
	{ BEGIN "\naGVsbG8=\n", NULL, -EPROTO }, /* no end */
	{ BEGIN "aGVsbG8=\n" END, NULL, -EPROTO }, /* no empty line */
	{ BEGIN, NULL, -EPROTO },
	{ "aGVsbG8=\n", NULL, -ENOENT },
	{ "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\naGVs\n", NULL, -ENOENT },
	{ "", NULL, -ENOENT },
};

START_TEST(armor_is_read_or_refused)
{
	const struct sample *s = &samples[_i];
	struct buf out = { 0 };
	int ret;

	buf_add_str(&out, ">");
	ret = fetch_armor_decode(bytes_str(s->text), &out);
	ck_assert_msg(ret == s->answer, "%s: %d", s->text, ret);
	ck_assert_str_eq(buf_str(&out) + 1, s->bytes ? s->bytes : "");
	buf_release(&out);
}
END_TEST

START_TEST(a_digit_that_is_wrong_spoils_the_sum)
{
	char *text = xstrdup(sample_armored);
	size_t start = (size_t)(strstr(text, "\n\n") - text) + 2;
	size_t end = (size_t)(strstr(text, "\n=") - text);
	struct buf out = { 0 };

	ck_assert_int_eq(fetch_armor_decode(bytes_str(text), &out), 0);
	ck_assert_uint_gt(out.len, 500);
	buf_reset(&out);
	for (size_t i = start; i < end - 4; i += 7) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		ck_assert_int_eq(fetch_armor_decode(bytes_str(text), &out),
				 -EPROTO);
		ck_assert_uint_eq(out.len, 0);
		text[i] = was;
	}
	free(text);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fetch/armor");
	TCase *tc = tcase_create("armor");

	tcase_add_loop_test(tc, armor_is_read_or_refused, 0,
			    sizeof(samples) / sizeof(*samples));
	tcase_add_test(tc, a_digit_that_is_wrong_spoils_the_sum);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
