/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/context.h"

#include "base/str.h"
#include "tls/key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__) || defined(__arm__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

bool tls_cpu_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	unsigned long both = HWCAP_AES | HWCAP_PMULL;

	return (getauxval(AT_HWCAP) & both) == both;
#elif defined(__arm__)
	unsigned long both = HWCAP2_AES | HWCAP2_PMULL;

	return (getauxval(AT_HWCAP2) & both) == both;
#else
	/*
	 * OpenSSL 3.0 uses no AES instructions on other architectures such as
	 * RISC-V.
	 */
	return false;
#endif
}

#define CIPHER_AES    "TLS_AES_128_GCM_SHA256"
#define CIPHER_CHACHA "TLS_CHACHA20_POLY1305_SHA256"
/* maximum bytes of a peer's certificate; kfarm's have 300 */
#define CERTIFICATE_MAX 4096

/* The name with its length byte, as on the wire (RFC 7301). */
static const unsigned char protocol[] = "\7kfarm/1";

struct tls_context {
	SSL_CTX *ssl;
	struct digest fingerprint;
};

/*
 * Replaces OpenSSL's certificate verification: only the key matters.  TLS
 * itself verifies that the peer owns the private key (CertificateVerify).
 */
static int on_certificate(X509_STORE_CTX *store, void *unused)
{
	X509 *cert = X509_STORE_CTX_get0_cert(store);
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_peer *peer = SSL_get_app_data(ssl);

	(void)unused;
	if (cert &&
	    tls_key_hash_public(X509_get0_pubkey(cert), &peer->fingerprint) &&
	    peer->on_admit(peer->ctx, &peer->fingerprint)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	peer->refused = true;
	/* The peer receives the alert "bad certificate". */
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

static int on_protocols(SSL *ssl, const unsigned char **out,
			unsigned char *out_len, const unsigned char *in,
			unsigned int in_len, void *unused)
{
	const unsigned char *end = in + in_len;

	(void)ssl;
	(void)unused;
	for (; in < end; in += 1 + *in) {
		if ((size_t)(end - in) < sizeof(protocol) - 1 ||
		    memcmp(in, protocol, sizeof(protocol) - 1) != 0)
			continue;
		*out = in + 1;
		*out_len = *in;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool configure_ssl_ctx(SSL_CTX *c, bool aes)
{
	const char *ciphers = aes ? CIPHER_AES ":" CIPHER_CHACHA :
				    CIPHER_CHACHA ":" CIPHER_AES;

	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_NO_COMPRESSION);
	SSL_CTX_clear_options(c, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(c, 0);
	SSL_CTX_set_max_cert_list(c, CERTIFICATE_MAX);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	SSL_CTX_set_cert_verify_callback(c, on_certificate, NULL);
	SSL_CTX_set_alpn_select_cb(c, on_protocols, NULL);
	/* If either side prefers ChaCha20, both use it. */
	SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_PRIORITIZE_CHACHA);
	return SSL_CTX_set_ciphersuites(c, ciphers) &&
	       SSL_CTX_set_num_tickets(c, 0) &&
	       SSL_CTX_set_max_early_data(c, 0) &&
	       SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
	       SSL_CTX_set1_groups_list(c, "X25519") &&
	       SSL_CTX_set1_sigalgs_list(c, "ed25519") &&
	       SSL_CTX_set1_client_sigalgs_list(c, "ed25519") &&
	       !SSL_CTX_set_alpn_protos(c, protocol, sizeof(protocol) - 1);
}

int tls_context_new(struct tls_context **out, const struct tls_key *key,
		    bool aes, struct err *err)
{
	struct tls_context *c = xcalloc(1, sizeof(*c));
	int ret = 0;

	c->fingerprint = *tls_key_fingerprint(key);
	c->ssl = SSL_CTX_new(TLS_method());
	if (!c->ssl || !configure_ssl_ctx(c->ssl, aes))
		ret = err_set(err, EIO, "OpenSSL cannot set up TLS 1.3: %s",
			      ERR_reason_error_string(ERR_peek_last_error()));
	else
		ret = tls_key_use(key, c->ssl, err);
	if (ret) {
		tls_context_free(c);
		return ret;
	}
	*out = c;
	return 0;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ssl);
	free(c);
}

const struct digest *tls_context_fingerprint(const struct tls_context *c)
{
	return &c->fingerprint;
}

struct ssl_st *tls_context_ssl(const struct tls_context *c,
			       struct tls_peer *peer)
{
	SSL *ssl = SSL_new(c->ssl);

	if (!ssl)
		str_out_of_memory();
	SSL_set_app_data(ssl, peer);
	return ssl;
}
