/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/spki.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

bool tls_spki_pin(struct evp_pkey_st *key, struct digest *pin)
{
	unsigned char *der = NULL;
	int len;

	if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		return false;
	len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return false;
	digest_of(bytes_of(der, (size_t)len), pin);
	OPENSSL_free(der);
	return true;
}
