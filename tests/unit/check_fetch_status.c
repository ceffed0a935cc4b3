/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/status.h"

#include "base/str.h"
#include "fetch-sample.h"
#include "fetch/armor.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define G    "[GNUPG:] "
#define GOOD G "NEWSIG sums\n" G "GOODSIG 00112233 Some One\n"
#define LATE G "NEWSIG sums\n" G "EXPKEYSIG 00112233 Some One\n"
/* A signature of 2020-12-01 by the second subkey, as DETAILS has the line. */
#define VALID_OF(key, made, class, primary)                                    \
	G "VALIDSIG " key " 2020-12-01 " made " 0 4 0 22 8 " class " " primary \
								   "\n"
#define MADE  "1606780800"
#define VALID VALID_OF(SAMPLE_SUBKEY, MADE, "01", SAMPLE_KEY)
#define OTHER "00112233445566778899AABBCCDDEEFF00112233"

#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define EXPIRED(when)    G "KEYEXPIRED " TEXT_OF(when) "\n"

static const struct sample {
	const char *lines;
	int answer;
	int wait_status;
} samples[] = {
	{ GOOD VALID, 0, 0 },
	{ G "PLAINTEXT 74 0\n" GOOD VALID "noise\n" G "NEWER 1 2\n", 0, 0 },
	{ GOOD VALID_OF(SAMPLE_KEY, MADE, "00", SAMPLE_KEY), 0, 0 },
	/* Another key's moments say nothing of a key that is good. */
	{ EXPIRED(1581206400) GOOD VALID, 0, 0 },
	{ LATE EXPIRED(SAMPLE_KEY_EXPIRES) VALID, 0, 0 },
	{ LATE EXPIRED(1581206400) EXPIRED(SAMPLE_SUBKEY_EXPIRES) VALID, 0, 0 },

	{ GOOD VALID, -EKEYREJECTED, 256 },
	{ GOOD VALID, -EKEYREJECTED, 9 },
	{ GOOD, -EKEYREJECTED, 0 },
	{ VALID, -EKEYREJECTED, 0 },
	{ "", -EKEYREJECTED, 0 },
	{ G "NODATA 1\n" G "NODATA 2\n", -EKEYREJECTED, 512 },
	{ GOOD VALID GOOD VALID, -EKEYREJECTED, 0 },
	{ GOOD VALID VALID, -EKEYREJECTED, 0 },
	{ GOOD LATE VALID, -EKEYREJECTED, 0 },
	{ GOOD VALID G "NEWSIG\n", -EKEYREJECTED, 0 },
	{ GOOD VALID G "BADSIG 00112233 x\n", -EKEYREJECTED, 0 },
	{ GOOD VALID G "PLAINTEXT 74 0\n" G "PLAINTEXT 74 0\n", -EKEYREJECTED,
	  0 },
	{ G "BADSIG 00112233 x\n", -EKEYREJECTED, 256 },
	{ G "BADSIG 00112233 x\n" VALID, -EKEYREJECTED, 0 },
	{ G "ERRSIG 00112233 22 8 01 1 4 x\n", -EKEYREJECTED, 512 },
	{ G "ERRSIG 00112233 22 8 01 1 9 x\n" G "NO_PUBKEY 0011223344556677\n",
	  -ENOKEY, 512 },
	{ G "NO_PUBKEY " OTHER OTHER OTHER "\n", -ENOKEY, 512 },
	{ G "EXPSIG 00112233 x\n" VALID, -EKEYEXPIRED, 0 },
	{ G "REVKEYSIG 00112233 x\n" VALID, -EKEYREVOKED, 0 },

	/* Somebody's name says that it is a good signature. */
	{ G "BADSIG 00112233 x " GOOD VALID, -EKEYREJECTED, 0 },
	{ " " G "GOODSIG 00112233 x\n" VALID, -EKEYREJECTED, 0 },

	{ GOOD VALID_OF(SAMPLE_KEY, MADE, "00", OTHER), -EKEYREJECTED, 0 },
	{ GOOD VALID_OF(OTHER, MADE, "13", SAMPLE_KEY), -EKEYREJECTED, 0 },
	{ GOOD VALID_OF("0011", MADE, "00", SAMPLE_KEY), -EKEYREJECTED, 0 },
	{ GOOD VALID_OF(SAMPLE_KEY, "20201201T0000", "00", SAMPLE_KEY),
	  -EKEYREJECTED, 0 },
	{ GOOD VALID_OF(SAMPLE_KEY, MADE, "00", ""), -EKEYREJECTED, 0 },
	{ GOOD G "VALIDSIG\n", -EKEYREJECTED, 0 },

	{ LATE VALID, -EKEYEXPIRED, 0 },
	{ LATE EXPIRED(0) VALID, -EKEYEXPIRED, 0 },
	{ LATE EXPIRED(x) VALID, -EKEYEXPIRED, 0 },
	/* Only of a key that has nothing to do with it. */
	{ LATE EXPIRED(1581206400) VALID, -EKEYEXPIRED, 0 },
	/* Before the primary key expired, but after the subkey did. */
	{ LATE EXPIRED(SAMPLE_SUBKEY_EXPIRES) EXPIRED(SAMPLE_KEY_EXPIRES)
		  VALID_OF(SAMPLE_SUBKEY, "1609459200", "01", SAMPLE_KEY),
	  -EKEYEXPIRED, 0 },
	{ LATE EXPIRED(SAMPLE_SUBKEY_EXPIRES)
		  VALID_OF(SAMPLE_SUBKEY, TEXT_OF(SAMPLE_SUBKEY_EXPIRES), "01",
			   SAMPLE_KEY),
	  -EKEYEXPIRED, 0 },
};

START_TEST(one_good_signature_of_the_pinned_key_is_what_counts)
{
	const struct sample *s = &samples[_i];
	struct fetch_signature got = { .made = 42 };
	struct buf keyring = { 0 };
	struct err err = { 0 };
	int ret;

	ck_assert_int_eq(
		fetch_armor_decode(bytes_str(sample_armored), &keyring), 0);
	ret = fetch_status_judge(bytes_str(s->lines), s->wait_status,
				 SAMPLE_KEY, buf_bytes(&keyring), &got, &err);
	ck_assert_msg(ret == s->answer, "%s: %d %s", s->lines, ret, err.text);
	if (ret) {
		ck_assert_str_ne(err.text, "");
		ck_assert_int_eq(got.made, 42);
	} else {
		ck_assert_str_eq(got.fingerprint, SAMPLE_KEY);
		ck_assert_int_eq(got.made, atol(MADE));
		ck_assert_int_eq(got.key_expired,
				 strstr(s->lines, "EXPKEYSIG") != NULL);
	}
	buf_release(&keyring);
}
END_TEST

/* More keys than anybody has have expired: who knows what was left out. */
START_TEST(a_flood_of_moments_is_refused)
{
	struct fetch_signature got;
	struct buf lines = { 0 }, keyring = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(
		fetch_armor_decode(bytes_str(sample_armored), &keyring), 0);
	buf_add_str(&lines, LATE VALID EXPIRED(SAMPLE_KEY_EXPIRES));
	for (int i = 0; i < 1000; i++)
		buf_printf(&lines, G "KEYEXPIRED %d\n", 1700000000 + i);
	ck_assert_int_eq(fetch_status_judge(buf_bytes(&lines), 0, SAMPLE_KEY,
					    buf_bytes(&keyring), &got, &err),
			 -EKEYEXPIRED);
	buf_release(&lines);
	buf_release(&keyring);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fetch/status");
	TCase *tc = tcase_create("status");

	tcase_add_loop_test(tc,
			    one_good_signature_of_the_pinned_key_is_what_counts,
			    0, sizeof(samples) / sizeof(*samples));
	tcase_add_test(tc, a_flood_of_moments_is_refused);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
