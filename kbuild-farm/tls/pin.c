/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/pin.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "SHA256:"
#define BASE64 44 /* the length of 32 bytes in it, with one "=" */

void tls_pin_text(const struct digest *pin, char out[static TLS_PIN_TEXT])
{
	unsigned char text[BASE64 + 1];

	EVP_EncodeBlock(text, pin->b, DIGEST_SIZE);
	snprintf(out, TLS_PIN_TEXT, PREFIX "%.*s", BASE64 - 1,
		 (const char *)text);
}

bool tls_pin_parse(struct digest *pin, const char *text)
{
	char padded[BASE64 + 1], again[TLS_PIN_TEXT];
	unsigned char raw[DIGEST_SIZE + 1];
	struct digest got;

	if (strlen(text) != TLS_PIN_TEXT - 1 ||
	    strncmp(text, PREFIX, strlen(PREFIX)))
		return false;
	snprintf(padded, sizeof(padded), "%s=", text + strlen(PREFIX));
	if (EVP_DecodeBlock(raw, (unsigned char *)padded, BASE64) !=
	    sizeof(raw))
		return false;
	/* One key, one text: the last digit has two bits that say nothing. */
	memcpy(got.b, raw, DIGEST_SIZE);
	tls_pin_text(&got, again);
	if (strcmp(again, text))
		return false;
	*pin = got;
	return true;
}

int tls_pin_check(struct digest *pin, const char *text, struct err *err)
{
	if (tls_pin_parse(pin, text))
		return 0;
	return err_set(err, EINVAL,
		       "\"%s\" is not the fingerprint of a key, which is "
		       "SHA256: and 43 letters, digits, + and /",
		       text);
}
