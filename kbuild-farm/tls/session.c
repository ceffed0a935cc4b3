/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/session.h"

#include "base/str.h"
#include "tls/key.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	 * On all other architectures, such as RISC-V, OpenSSL 3.0 uses no AES
	 * instructions.
	 */
	return false;
#endif
}

#define CIPHER_AES    "TLS_AES_128_GCM_SHA256"
#define CIPHER_CHACHA "TLS_CHACHA20_POLY1305_SHA256"
/* maximum bytes of a peer's certificate; a certificate of kfarm has 300 */
#define CERTIFICATE_MAX 4096

/* The ALPN protocol name with its length byte, as on the wire (RFC 7301). */
static const unsigned char protocol[] = "\7kfarm/1";

struct tls_context {
	SSL_CTX *ssl;
	struct digest fingerprint;
};

struct tls_session_socket {
	int fd;
	bool at_eof; /* end of file was read */
};

struct tls_session {
	SSL *ssl;
	struct tls_session_socket socket;
	const struct tls_context *context;
	tls_admit_fn *on_admit;
	void *admit_ctx;
	/* fingerprint of the peer's key; zero before the key was received */
	struct digest peer_fingerprint;
	bool peer_refused; /* the key is invalid or on_admit() rejected it */
	/* in a client: expected fingerprint of the server's key */
	struct digest expected_key;
	bool server;
	bool handshake_done;
	bool failed; /* no further output is possible */
	bool read_must_write; /* the last read waits for a writable socket */
};

/* The event that lets an SSL_ function continue. */
enum ssl_wait {
	SSL_WAIT_READ, /* the socket is readable */
	SSL_WAIT_WRITE
};

/*
 * Admit or reject a peer by the key in its certificate.  This callback replaces
 * OpenSSL's verification of the certificate.  TLS itself verifies that the peer
 * owns the private key (CertificateVerify).
 */
static int on_certificate(X509_STORE_CTX *store, void *unused)
{
	X509 *cert = X509_STORE_CTX_get0_cert(store);
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_session *s = SSL_get_app_data(ssl);

	(void)unused;
	if (cert &&
	    tls_key_hash_public(X509_get0_pubkey(cert), &s->peer_fingerprint) &&
	    s->on_admit(s->admit_ctx, &s->peer_fingerprint)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	s->peer_refused = true;
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

static BIO_METHOD *method;

static int bio_read(BIO *bio, char *to, int size)
{
	struct tls_session_socket *s = BIO_get_data(bio);
	ssize_t n = recv(s->fd, to, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	s->at_eof = !n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *from, int size)
{
	struct tls_session_socket *s = BIO_get_data(bio);
	ssize_t n = send(s->fd, from, (size_t)size, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *data)
{
	(void)bio;
	(void)number;
	(void)data;
	return command == BIO_CTRL_FLUSH;
}

static void init_bio_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
			      "kfarm's socket");
	if (!method || !BIO_meth_set_read(method, bio_read) ||
	    !BIO_meth_set_write(method, bio_write) ||
	    !BIO_meth_set_ctrl(method, bio_ctrl))
		str_out_of_memory();
}

/* Limit of records per write, so that other events are not delayed. */
#define RECORDS_PER_WRITE 16

static bool is_expected_key(void *ctx, const struct digest *fingerprint)
{
	const struct tls_session *s = ctx;

	return digest_equal(fingerprint, &s->expected_key);
}

static struct tls_session *new_session(const struct tls_context *c, int fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct tls_session *s = xcalloc(1, sizeof(*s));
	BIO *bio;

	s->context = c;
	s->socket.fd = fd;
	s->ssl = SSL_new(c->ssl);
	if (!s->ssl)
		str_out_of_memory();
	SSL_set_app_data(s->ssl, s);
	pthread_once(&once, init_bio_method);
	bio = BIO_new(method);
	if (!bio)
		str_out_of_memory();
	/* The socket is in `s`, which outlives `ssl`. */
	BIO_set_data(bio, &s->socket);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	return s;
}

struct tls_session *tls_session_connect(const struct tls_context *c, int fd,
					const struct digest *fingerprint)
{
	struct tls_session *s = new_session(c, fd);

	s->expected_key = *fingerprint;
	s->on_admit = is_expected_key;
	s->admit_ctx = s;
	SSL_set_connect_state(s->ssl);
	return s;
}

struct tls_session *tls_session_accept(const struct tls_context *c, int fd,
				       tls_admit_fn *on_admit, void *ctx)
{
	struct tls_session *s = new_session(c, fd);

	s->server = true;
	s->on_admit = on_admit;
	s->admit_ctx = ctx;
	SSL_set_accept_state(s->ssl);
	return s;
}

void tls_session_free(struct tls_session *s)
{
	if (!s)
		return;
	if (s->handshake_done && !s->failed)
		SSL_shutdown(s->ssl);
	ERR_clear_error();
	SSL_free(s->ssl);
	close(s->socket.fd);
	free(s);
}

/* Errors */

/* Parts of messages that the functions below recognize. */
#define WRONG_KEY   "key mismatch: "
#define UNKNOWN_KEY "node rejected the key of this machine"

bool tls_session_is_rejection(const char *error_text)
{
	return strstr(error_text, UNKNOWN_KEY);
}

bool tls_session_is_key_error(const char *error_text)
{
	return strstr(error_text, WRONG_KEY) ||
	       tls_session_is_rejection(error_text);
}

/* Explain that this end rejected the peer's key. */
static int explain_wrong_key(const struct tls_session *s, struct err *err)
{
	char got[TLS_KEY_FINGERPRINT_SIZE] = "no Ed25519 key",
	     want[TLS_KEY_FINGERPRINT_SIZE];

	if (digest_is_set(&s->peer_fingerprint))
		tls_key_format_fingerprint(&s->peer_fingerprint, got);
	if (s->server)
		return err_set(err, EACCES, "client key not authorized: %s",
			       got);
	tls_key_format_fingerprint(&s->expected_key, want);
	return err_set(err, EACCES,
		       WRONG_KEY "node has %s, configuration has %s: another "
				 "machine, or a new key",
		       got, want);
}

static int explain_failure(const struct tls_session *s, const char *operation,
			   int ssl_error, int saved, struct err *err)
{
	unsigned long code = ERR_peek_last_error();
	int reason = ERR_GET_REASON(code);
	const char *text = code ? ERR_reason_error_string(code) : NULL;
	char own[TLS_KEY_FINGERPRINT_SIZE];
	int alert = 0; /* received from the peer */

	if (s->peer_refused)
		return explain_wrong_key(s, err);
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		alert = reason - SSL_AD_REASON_OFFSET;
	/* "bad certificate": the peer has rejected the key of this end */
	tls_key_format_fingerprint(&s->context->fingerprint, own);
	if (alert == SSL_AD_BAD_CERTIFICATE && s->server)
		return err_set(err, EACCES,
			       "client rejected the key of this node, %s", own);
	if (alert == SSL_AD_BAD_CERTIFICATE)
		return err_set(err, EACCES,
			       UNKNOWN_KEY
			       ": %s is not in /etc/kfarm/clients on the node; "
			       "add it there, or run `kfarm nodes update` if "
			       "`kfarm nodes add` installed kfarmd",
			       own);
	if (alert == SSL_AD_NO_APPLICATION_PROTOCOL ||
	    alert == SSL_AD_PROTOCOL_VERSION)
		return err_set(err, EPROTO,
			       "peer speaks a different protocol: %s", text);
	if (alert)
		return err_set(err, EPROTO, "peer aborted the TLS session: %s",
			       text);
	if (s->socket.at_eof)
		return err_set(
			err, ECONNRESET, "read: %s%s", strerror(ECONNRESET),
			s->handshake_done ? "" : " during the handshake");
	if (ssl_error == SSL_ERROR_SYSCALL && saved) {
		errno = saved;
		return err_errno(err, "%s", operation);
	}
	return err_set(err, EPROTO, "TLS 1.3 protocol error%s%s",
		       text ? ": " : "", text ? text : "");
}

/*
 * Translate the result `ret` of an SSL_ function.  Returns -EAGAIN with *wait
 * set; 0 at the end of the stream; or, if the session has failed, another
 * negative errno with `err` set.  If a system call has failed, the message in
 * `err` contains `operation`, such as "read" or "write".
 */
static int translate_ssl_result(struct tls_session *s, const char *operation,
				int ret, enum ssl_wait *wait, struct err *err)
{
	int saved = errno;
	int error = SSL_get_error(s->ssl, ret);

	switch (error) {
	case SSL_ERROR_WANT_READ:
		*wait = SSL_WAIT_READ;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wait = SSL_WAIT_WRITE;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		s->failed = true;
		ret = explain_failure(s, operation, error, saved, err);
		ERR_clear_error();
		return ret;
	}
}

/* Operations */

/*
 * Continue the handshake.  Returns 0 if it is complete; -EAGAIN with *wait;
 * -EACCES if one side does not accept the other's key; -EPROTO; -ECONNRESET; or
 * another negative errno.  `err` explains what the user must do.
 */
static int continue_handshake(struct tls_session *s, enum ssl_wait *wait,
			      struct err *err)
{
	const unsigned char *name;
	unsigned int len;
	int ret;

	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(s->ssl);
	if (ret == 1) {
		s->handshake_done = true;
		SSL_get0_alpn_selected(s->ssl, &name, &len);
		if (len)
			return 0;
		s->failed = true;
		return err_set(err, EPROTO,
			       "peer speaks TLS, but not the kfarm protocol");
	}
	ret = translate_ssl_result(s, "read", ret, wait, err);
	if (!ret)
		ret = err_set(err, ECONNRESET, "read: %s during the handshake",
			      strerror(ECONNRESET));
	return ret;
}

ssize_t tls_session_read(struct tls_session *s, void *to, size_t size,
			 struct err *err)
{
	enum ssl_wait wait = SSL_WAIT_READ;
	size_t got;
	int ret;

	ERR_clear_error();
	errno = 0;
	s->read_must_write = false;
	ret = SSL_read_ex(s->ssl, to, size, &got);
	if (ret == 1)
		return (ssize_t)got;
	ret = translate_ssl_result(s, "read", ret, &wait, err);
	s->read_must_write = ret == -EAGAIN && wait == SSL_WAIT_WRITE;
	return ret;
}

ssize_t tls_session_write(struct tls_session *s, struct bytes in,
			  struct err *err)
{
	enum ssl_wait wait = SSL_WAIT_WRITE;
	size_t all = 0, n;
	int ret = 1;

	for (int i = 0; i < RECORDS_PER_WRITE && all < in.len; i++) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_write_ex(s->ssl, in.data + all, in.len - all, &n);
		if (ret != 1)
			break;
		all += n;
	}
	/*
	 * After a partial write, return the number of bytes written; an error
	 * occurs again at the next call.
	 */
	if (all || ret == 1)
		return (ssize_t)all;
	ret = translate_ssl_result(s, "write", ret, &wait, err);
	if (ret == -EAGAIN && wait == SSL_WAIT_READ)
		return err_set(err, EPROTO,
			       "peer requests another TLS handshake");
	if (!ret)
		return err_set(err, EPIPE, "write: %s", strerror(EPIPE));
	return ret;
}

int tls_session_fd(const struct tls_session *s)
{
	return s->socket.fd;
}

const struct digest *tls_session_peer_fingerprint(const struct tls_session *s)
{
	return &s->peer_fingerprint;
}

const char *tls_session_cipher(const struct tls_session *s)
{
	return SSL_get_cipher_name(s->ssl);
}

static ssize_t io_read(void *ctx, void *to, size_t size, struct err *err)
{
	return tls_session_read(ctx, to, size, err);
}

static ssize_t io_write(void *ctx, struct bytes in, struct err *err)
{
	return tls_session_write(ctx, in, err);
}

static bool io_read_must_write(const void *ctx)
{
	return ((const struct tls_session *)ctx)->read_must_write;
}

static bool io_end_output(void *ctx)
{
	struct tls_session *s = ctx;

	if (!s->failed)
		SSL_shutdown(s->ssl);
	ERR_clear_error();
	return !shutdown(s->socket.fd, SHUT_WR);
}

static void io_free(void *ctx)
{
	tls_session_free(ctx);
}

struct wire_io tls_session_io(struct tls_session *session)
{
	static const struct wire_io_ops ops = {
		.read = io_read,
		.write = io_write,
		.read_must_write = io_read_must_write,
		.end_output = io_end_output,
		.free = io_free,
	};
	int fd = tls_session_fd(session);

	return (struct wire_io){
		.ops = &ops, .ctx = session, .rfd = fd, .wfd = fd
	};
}

struct tls_handshake {
	struct tls_session *session;
	struct event *readable, *writable, *timeout;
	unsigned timeout_ms;
	tls_handshake_done_fn *on_done;
	void *ctx;
};

/* The callback may free `h`, so do not use it afterwards. */
static void finish_handshake(struct tls_handshake *h, int ret,
			     const struct err *err)
{
	event_del(h->readable);
	event_del(h->writable);
	event_del(h->timeout);
	h->on_done(h->ctx, ret, err);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct tls_handshake *h = arg;
	enum ssl_wait wait = SSL_WAIT_READ;
	struct err err = { 0 };
	int ret = continue_handshake(h->session, &wait, &err);

	(void)fd;
	(void)what;
	if (ret != -EAGAIN) {
		finish_handshake(h, ret, &err);
		return;
	}
	event_add(wait == SSL_WAIT_READ ? h->readable : h->writable, NULL);
}

static void on_handshake_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct tls_handshake *h = arg;
	struct err err;

	(void)fd;
	(void)what;
	err_set(&err, ETIMEDOUT, "handshake timed out after %.3g s",
		h->timeout_ms / 1000.0);
	finish_handshake(h, -ETIMEDOUT, &err);
}

struct tls_handshake *tls_handshake_new(struct event_base *base,
					struct tls_session *session,
					unsigned timeout_ms,
					tls_handshake_done_fn *on_done,
					void *ctx)
{
	const struct timeval timeout = { timeout_ms / 1000,
					 timeout_ms % 1000 * 1000 };
	struct tls_handshake *h = xcalloc(1, sizeof(*h));
	int fd = tls_session_fd(session);

	*h = (struct tls_handshake){ .session = session,
				     .timeout_ms = timeout_ms,
				     .on_done = on_done,
				     .ctx = ctx };
	h->readable = event_new(base, fd, EV_READ, on_socket, h);
	h->writable = event_new(base, fd, EV_WRITE, on_socket, h);
	h->timeout = evtimer_new(base, on_handshake_timeout, h);
	if (!h->readable || !h->writable || !h->timeout)
		str_out_of_memory();
	/* A new socket is writable, so the handshake starts immediately. */
	event_add(h->writable, NULL);
	event_add(h->timeout, &timeout);
	return h;
}

void tls_handshake_free(struct tls_handshake *h)
{
	if (!h)
		return;
	event_free(h->readable);
	event_free(h->writable);
	event_free(h->timeout);
	free(h);
}
