/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/key.h"

#include "base/bytes.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool tls_key_hash_public(struct evp_pkey_st *key, struct digest *fingerprint)
{
	unsigned char *der = NULL;
	int len;

	if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		return false;
	len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return false;
	digest_bytes(bytes_of(der, (size_t)len), fingerprint);
	OPENSSL_free(der);
	return true;
}

#define PREFIX     "SHA256:"
#define BASE64_LEN 44 /* length of the base64 of 32 bytes, with one "=" */

void tls_key_format_fingerprint(const struct digest *fingerprint,
				char out[static TLS_KEY_FINGERPRINT_SIZE])
{
	unsigned char text[BASE64_LEN + 1];

	EVP_EncodeBlock(text, fingerprint->b, DIGEST_SIZE);
	snprintf(out, TLS_KEY_FINGERPRINT_SIZE, PREFIX "%.*s", BASE64_LEN - 1,
		 (const char *)text);
}

bool tls_key_parse_fingerprint(struct digest *fingerprint, const char *text)
{
	char padded[BASE64_LEN + 1], again[TLS_KEY_FINGERPRINT_SIZE];
	unsigned char raw[DIGEST_SIZE + 1];
	struct digest got;

	if (strlen(text) != TLS_KEY_FINGERPRINT_SIZE - 1 ||
	    strncmp(text, PREFIX, strlen(PREFIX)))
		return false;
	snprintf(padded, sizeof(padded), "%s=", text + strlen(PREFIX));
	if (EVP_DecodeBlock(raw, (unsigned char *)padded, BASE64_LEN) !=
	    sizeof(raw))
		return false;
	/*
	 * Two bits of the last base64 digit are unused.  Accept only the
	 * canonical text, so that a key has only one fingerprint.
	 */
	memcpy(got.b, raw, DIGEST_SIZE);
	tls_key_format_fingerprint(&got, again);
	if (strcmp(again, text))
		return false;
	*fingerprint = got;
	return true;
}

int tls_key_check_fingerprint(struct digest *fingerprint, const char *text,
			      struct err *err)
{
	if (tls_key_parse_fingerprint(fingerprint, text))
		return 0;
	return err_set(err, EINVAL,
		       "invalid key fingerprint \"%s\": expected SHA256: and "
		       "43 letters, digits, + and /",
		       text);
}

#define PEM_MAX (16u << 10)

struct tls_key {
	EVP_PKEY *pair;
	X509 *certificate;
	struct digest fingerprint;
};

/* Files */

/*
 * Write `pem` to a new file `path`.  Uses link(2), because rename(2) would
 * replace an existing key.
 */
static int publish_pem(const char *path, struct bytes pem, struct err *err)
{
	char *tmp = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	int ret;

	if (fd < 0) {
		ret = err_errno(err, "%s", path);
		free(tmp);
		return ret;
	}
	ret = bytes_write(fd, pem);
	if (!ret && (fchmod(fd, 0600) || fsync(fd)))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && link(tmp, path))
		ret = -errno;
	unlink(tmp);
	free(tmp);
	return ret ? err_set(err, -ret, "%s: %s", path, strerror(-ret)) : 0;
}

/*
 * Create a key and write it atomically to `path`, readable by its owner only.
 * Returns 0; -EEXIST if `path` exists; or another negative errno.
 */
static int create_key_file(const char *path, struct err *err)
{
	EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *memory = BIO_new(BIO_s_mem());
	char *pem;
	long len;
	int ret;

	if (!pair || !memory ||
	    !PEM_write_bio_PKCS8PrivateKey(memory, pair, NULL, NULL, 0, NULL,
					   NULL)) {
		ret = err_set(err, EIO, "%s: OpenSSL cannot generate a key",
			      path);
	} else {
		len = BIO_get_mem_data(memory, &pem);
		ret = publish_pem(path, bytes_of(pem, (size_t)len), err);
	}
	BIO_free(memory); /* also overwrites the PEM text */
	EVP_PKEY_free(pair);
	return ret;
}

static int read_pem(const char *path, char text[static PEM_MAX], size_t *len,
		    struct err *err)
{
	int fd = fs_open_secret(path, "private key", err);
	ssize_t n;
	int ret = 0;

	if (fd < 0)
		return fd;
	n = read(fd, text, PEM_MAX);
	if (n < 0)
		ret = err_errno(err, "%s", path);
	close(fd);
	*len = ret ? 0 : (size_t)n;
	return ret;
}

static EVP_PKEY *parse_pem_key(const char *text, size_t len)
{
	BIO *memory = BIO_new_mem_buf(text, (int)len);
	/*
	 * Pass an empty password.  OpenSSL would otherwise prompt for a
	 * password, which a daemon must not do.
	 */
	char no_password[] = "";
	EVP_PKEY *pair;

	if (!memory)
		return NULL;
	pair = PEM_read_bio_PrivateKey(memory, NULL, NULL, no_password);
	BIO_free(memory);
	ERR_clear_error();
	return pair;
}

/* Certificate */

static X509 *make_certificate(EVP_PKEY *pair)
{
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;

	if (!name || !X509_set_version(cert, X509_VERSION_3) ||
	    !ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) ||
	    !ASN1_TIME_set_string(X509_getm_notBefore(cert),
				  "19700101000000Z") ||
	    !ASN1_TIME_set_string(X509_getm_notAfter(cert),
				  "99991231235959Z") ||
	    !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)"kfarm", -1, -1,
					0) ||
	    !X509_set_issuer_name(cert, name) || !X509_set_pubkey(cert, pair) ||
	    !X509_sign(cert, pair, NULL)) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

/*
 * Create a struct tls_key and take ownership of `pair`.  Returns 0; -EINVAL if
 * `pair` is NULL or not an Ed25519 key; or -EIO.
 */
static int new_key_from_pair(struct tls_key **out, EVP_PKEY *pair,
			     const char *path, struct err *err)
{
	struct tls_key *key = xcalloc(1, sizeof(*key));

	key->pair = pair;
	if (!pair || !tls_key_hash_public(pair, &key->fingerprint)) {
		tls_key_free(key);
		return err_set(err, EINVAL,
			       "%s: not an unencrypted Ed25519 key; remove the "
			       "file to generate a new key",
			       path);
	}
	key->certificate = make_certificate(pair);
	if (!key->certificate) {
		tls_key_free(key);
		return err_set(err, EIO,
			       "%s: OpenSSL cannot create a certificate", path);
	}
	*out = key;
	return 0;
}

int tls_key_load(struct tls_key **out, const char *path, struct err *err)
{
	char text[PEM_MAX];
	size_t len = 0;
	int ret = read_pem(path, text, &len, err);

	if (!ret)
		ret = new_key_from_pair(out, parse_pem_key(text, len), path,
					err);
	OPENSSL_cleanse(text, sizeof(text));
	return ret;
}

int tls_key_load_or_create(struct tls_key **out, const char *path,
			   struct err *err)
{
	int ret = tls_key_load(out, path, err);

	if (ret != -ENOENT)
		return ret;
	ret = create_key_file(path, err);
	/* If another process has created the key concurrently, use that key. */
	return ret && ret != -EEXIST ? ret : tls_key_load(out, path, err);
}

void tls_key_free(struct tls_key *key)
{
	if (!key)
		return;
	X509_free(key->certificate);
	EVP_PKEY_free(key->pair);
	free(key);
}

const struct digest *tls_key_fingerprint(const struct tls_key *key)
{
	return &key->fingerprint;
}

int tls_key_use(const struct tls_key *key, struct ssl_ctx_st *ssl_ctx,
		struct err *err)
{
	if (SSL_CTX_use_certificate(ssl_ctx, key->certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(ssl_ctx, key->pair) != 1)
		return err_set(err, EIO, "OpenSSL rejects the key");
	return 0;
}

int tls_key_sign(const struct tls_key *key, struct bytes message,
		 uint8_t signature[static TLS_KEY_SIGNATURE_SIZE],
		 struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = TLS_KEY_SIGNATURE_SIZE;
	bool good = ctx &&
		    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pair) == 1 &&
		    EVP_DigestSign(ctx, signature, &len, message.data,
				   message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good ? 0 : err_set(err, EIO, "OpenSSL cannot sign");
}

void tls_key_public(const struct tls_key *key,
		    uint8_t out[static TLS_KEY_PUBLIC_SIZE])
{
	size_t len = TLS_KEY_PUBLIC_SIZE;

	/*
	 * An Ed25519 key always has a public part, so treat a failure as a lack
	 * of memory.
	 */
	if (EVP_PKEY_get_raw_public_key(key->pair, out, &len) != 1)
		str_out_of_memory();
}

/* Return the OpenSSL key, which the caller frees, or NULL on failure. */
static EVP_PKEY *make_public_key(
	const uint8_t public[static TLS_KEY_PUBLIC_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, public, TLS_KEY_PUBLIC_SIZE);

	ERR_clear_error();
	return key;
}

bool tls_key_fingerprint_of(const uint8_t public[static TLS_KEY_PUBLIC_SIZE],
			    struct digest *fingerprint)
{
	EVP_PKEY *key = make_public_key(public);
	bool good = tls_key_hash_public(key, fingerprint);

	EVP_PKEY_free(key);
	return good;
}

bool tls_key_verify(const uint8_t public[static TLS_KEY_PUBLIC_SIZE],
		    struct bytes message,
		    const uint8_t signature[static TLS_KEY_SIGNATURE_SIZE])
{
	EVP_PKEY *key = make_public_key(public);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = key && ctx &&
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature, TLS_KEY_SIGNATURE_SIZE,
				     message.data, message.len) == 1;

	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}
