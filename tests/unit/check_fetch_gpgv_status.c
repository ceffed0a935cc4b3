/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/key.h"

#include "../lib/test.h"
#include "fetch-sample.h"

#define G    "[GNUPG:] "
#define GOOD G "NEWSIG sums\n" G "GOODSIG 00112233 Some One\n"
#define LATE G "NEWSIG sums\n" G "EXPKEYSIG 00112233 Some One\n"
/* A signature of 2020-12-01 by the second subkey, in the format of DETAILS. */
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
	/* Times of another key do not affect a good one. */
	{ EXPIRED(1581206400) GOOD VALID, 0, 0 },
	{ LATE EXPIRED(SAMPLE_KEY_EXPIRES) VALID, 0, 0 },
	{ LATE EXPIRED(1581206400) EXPIRED(SAMPLE_SUBKEY_EXPIRES) VALID, 0, 0 },
	{ LATE VALID, 0, 0 },
	/* By a subkey without expiry, before the primary key expired. */
	{ LATE VALID_OF(SAMPLE_LAST, MADE, "01", SAMPLE_KEY), 0, 0 },

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

	/* A user id that imitates a status line. */
	{ G "BADSIG 00112233 x " GOOD VALID, -EKEYREJECTED, 0 },
	{ " " G "GOODSIG 00112233 x\n" VALID, -EKEYREJECTED, 0 },

	{ GOOD VALID_OF(SAMPLE_KEY, MADE, "00", OTHER), -EKEYREJECTED, 0 },
	{ GOOD VALID_OF(OTHER, MADE, "13", SAMPLE_KEY), -EKEYREJECTED, 0 },
	{ GOOD VALID_OF("0011", MADE, "00", SAMPLE_KEY), -EKEYREJECTED, 0 },
	{ GOOD VALID_OF(SAMPLE_KEY, "20201201T0000", "00", SAMPLE_KEY),
	  -EKEYREJECTED, 0 },
	{ GOOD VALID_OF(SAMPLE_KEY, MADE, "00", ""), -EKEYREJECTED, 0 },
	{ GOOD G "VALIDSIG\n", -EKEYREJECTED, 0 },

	/* By a subkey without expiry, after the primary key expired. */
	{ LATE VALID_OF(SAMPLE_LAST, TEXT_OF(SAMPLE_KEY_EXPIRES), "01",
			SAMPLE_KEY),
	  -EKEYEXPIRED, 0 },
	/* Before the primary key expired, but after the subkey did. */
	{ LATE EXPIRED(SAMPLE_SUBKEY_EXPIRES) EXPIRED(SAMPLE_KEY_EXPIRES)
		  VALID_OF(SAMPLE_SUBKEY, "1609459200", "01", SAMPLE_KEY),
	  -EKEYEXPIRED, 0 },
	{ LATE EXPIRED(SAMPLE_SUBKEY_EXPIRES)
		  VALID_OF(SAMPLE_SUBKEY, TEXT_OF(SAMPLE_SUBKEY_EXPIRES), "01",
			   SAMPLE_KEY),
	  -EKEYEXPIRED, 0 },
};

TEST_EACH(exactly_one_good_signature_of_the_pinned_key_is_accepted, samples)
{
	struct fetch_signature got = { .made_s = 42 };
	struct err err = { 0 };
	int ret;

	ret = fetch_gpgv_status_check(bytes_str(row->lines), row->wait_status,
				      SAMPLE_KEY, bytes_str(sample_listing),
				      &got, &err);
	ck_assert_msg(ret == row->answer, "%s: %d %s", row->lines, ret,
		      err.text);
	if (ret) {
		ck_assert_str_ne(err.text, "");
		ck_assert_int_eq(got.made_s, 42);
	} else {
		ck_assert_str_eq(got.fingerprint, SAMPLE_KEY);
		ck_assert_int_eq(got.made_s, atol(MADE));
		ck_assert_int_eq(got.key_expired,
				 strstr(row->lines, "EXPKEYSIG") != NULL);
	}
}

/* The error does not contain an exit status that reports success. */
TEST(a_missing_validsig_line_means_no_valid_signature)
{
	struct fetch_signature got;
	struct err err = { 0 };

	err_is(fetch_gpgv_status_check(bytes_str(GOOD), 0, SAMPLE_KEY,
				       bytes_str(sample_listing), &got, &err),
	       -EKEYREJECTED, "gpgv reported no valid signature");
}

/* The expiry time of an expired key must be known. */
TEST_RANGE(an_expired_key_without_a_known_expiry_time_is_rejected, 0, 8)
{
	static const char *const listings[] = {
		"",
		"pub\nfpr\n:::\n",
		"fpr:::::::::" SAMPLE_SUBKEY ":\n",
		"sub:e:255:22:0:1:1700000000:\nfpr:::::::::" OTHER ":\n",
		"sub:e:255:22:0:1::\nfpr:::::::::" SAMPLE_SUBKEY ":\n",
		"sub:e:255:22:0:1:-5:\nfpr:::::::::" SAMPLE_SUBKEY ":\n",
		"sub:e:255:22:0:1:1700000000:\nfpr:::::::::88:\n",
		"uid:e:255:22:0:1:1700000000:\nfpr:::::::::" SAMPLE_SUBKEY
		":\n",
	};
	struct fetch_signature got = { .made_s = 42 };
	struct err err = { 0 };

	ck_assert(fetch_gpgv_status_key_expired(bytes_str(LATE VALID)));
	ck_assert(!fetch_gpgv_status_key_expired(bytes_str(GOOD VALID)));
	ck_assert_int_eq(
		fetch_gpgv_status_check(bytes_str(LATE VALID), 0, SAMPLE_KEY,
					bytes_str(listings[_i]), &got, &err),
		-EKEYEXPIRED);
	ck_assert_int_eq(got.made_s, 42);
}

TEST(a_listing_that_lacks_a_revocation_is_noticed)
{
	static const char good[] = "pub:-:\nfpr:::::::::" SAMPLE_KEY ":\n"
				   "sub:-:\nfpr:::::::::" SAMPLE_SUBKEY ":\n";
	static const char revoked[] = "pub:-:\nfpr:::::::::" SAMPLE_KEY ":\n"
				      "sub:r:\nfpr:::::::::" SAMPLE_SUBKEY
				      ":\n";
	static const char cut[] = "pub:-:\nfpr:::::::::" SAMPLE_KEY ":\n";

	ck_assert(fetch_key_lacks_revocation(bytes_str(revoked),
					     bytes_str(good)));
	ck_assert(
		fetch_key_lacks_revocation(bytes_str(revoked), bytes_str(cut)));
	ck_assert(!fetch_key_lacks_revocation(bytes_str(good),
					      bytes_str(revoked)));
	ck_assert(!fetch_key_lacks_revocation(bytes_str(revoked),
					      bytes_str(revoked)));
	ck_assert(!fetch_key_lacks_revocation(bytes_str(""), bytes_str(good)));
}
