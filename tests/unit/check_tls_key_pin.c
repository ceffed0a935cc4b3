/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */
#include "../lib/test.h"

#include "base/printable.h"
#include "tls/key.h"

/* SHA-256 of "abc" (FIPS 180-2, B.1); base64 by coreutils. */
static const char abc[] = "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0";

TEST(a_fingerprint_is_formatted_in_base64_and_parsed_back)
{
	char text[TLS_KEY_FINGERPRINT_SIZE];
	struct digest d, got;

	digest_bytes(bytes_str("abc"), &d);
	tls_key_format_fingerprint(&d, text);
	ck_assert_str_eq(text, abc);
	ck_assert(tls_key_parse_fingerprint(&got, text));
	ck_assert(digest_equal(&got, &d));
}

TEST(a_formatted_fingerprint_is_parsed_to_the_same_digest)
{
	char text[TLS_KEY_FINGERPRINT_SIZE];
	struct digest d, got;

	digest_bytes(bytes_str(""), &d);
	for (int i = 0; i < 1000; i++) {
		digest_bytes(bytes_of(d.b, sizeof(d.b)), &d);
		tls_key_format_fingerprint(&d, text);
		ck_assert_uint_eq(strlen(text), TLS_KEY_FINGERPRINT_SIZE - 1);
		ck_assert(tls_key_parse_fingerprint(&got, text));
		ck_assert(digest_equal(&got, &d));
	}
}

static const char *const invalid[] = {
	"",
	"SHA256:",
	"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	"sha256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	"MD5:000ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	/* a missing digit, an extra digit, the padding */
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa",
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa00",
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
	/* padding and blanks in place of digits */
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa=",
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa ",
	"SHA256: ngWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	"SHA256:un=Wv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
	"SHA256:ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
	/* another spelling of the same bytes */
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa1",
	"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa\xc3",
};

TEST_EACH(an_invalid_fingerprint_is_rejected, invalid)
{
	char *shown = xstrdup(*row);
	struct digest d = { { 42 } };
	struct err err = { 0 };

	printable_replace(shown, strlen(shown), 0, '?');
	ck_assert(!tls_key_parse_fingerprint(&d, *row));
	err_is(tls_key_check_fingerprint(&d, *row, &err), -EINVAL,
	       "invalid key fingerprint \"%s\": expected SHA256: and 43 "
	       "letters, digits, + and /",
	       shown);
	ck_assert_int_eq(d.b[0], 42);
	free(shown);
}
