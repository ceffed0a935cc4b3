/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/spki.h - the fingerprint of an OpenSSL key.
 */
#ifndef TLS_SPKI_H
#define TLS_SPKI_H

#include "base/digest.h"

struct evp_pkey_st;

/* False: it is NULL, no Ed25519 key, or memory is out. */
bool tls_spki_pin(struct evp_pkey_st *key, struct digest *pin);

#endif
