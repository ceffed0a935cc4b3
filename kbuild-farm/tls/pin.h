/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/pin.h - the fingerprint of a public key, by which a peer is known.
 *
 * It is the SHA-256 of the key's SubjectPublicKeyInfo (RFC 5280, 4.1), and in
 * text "SHA256:" and its base64 (RFC 4648, 4) without "=", as ssh prints its
 * keys' (of which it takes another encoding).
 */
#ifndef TLS_PIN_H
#define TLS_PIN_H

#include "base/digest.h"
#include "base/err.h"

#define TLS_PIN_TEXT 51 /* with its NUL */

/* Is it one in text?  Else false, and `pin` is left alone. */
bool tls_pin_parse(struct digest *pin, const char *text);
/* The same for a text that a person wrote: 0, or -EINVAL with `err` set. */
int tls_pin_check(struct digest *pin, const char *text, struct err *err);
void tls_pin_text(const struct digest *pin, char out[static TLS_PIN_TEXT]);

#endif
