/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/session.h"

#include "base/str.h"
#include "tls/pin.h"
#include "tls/socket-bio.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Records in one write(), so that others get their turn. */
#define RECORDS 16

struct tls_session {
	SSL *ssl;
	struct tls_socket socket;
	const struct tls_context *context;
	struct tls_peer peer;
	struct digest expected; /* a client's: the server's key */
	bool server;
	bool done; /* the handshake is */
	bool broken; /* nothing can be said any more */
	bool read_must_write;
};

static bool is_expected(void *ctx, const struct digest *pin)
{
	const struct tls_session *s = ctx;

	return digest_equal(pin, &s->expected);
}

static struct tls_session *make_session(const struct tls_context *c, int fd)
{
	struct tls_session *s = xcalloc(1, sizeof(*s));

	s->context = c;
	s->socket.fd = fd;
	s->ssl = tls_context_ssl(c, &s->peer);
	tls_socket_attach(&s->socket, s->ssl);
	return s;
}

struct tls_session *tls_session_connect(const struct tls_context *c, int fd,
					const struct digest *pin)
{
	struct tls_session *s = make_session(c, fd);

	s->expected = *pin;
	s->peer.admit = is_expected;
	s->peer.ctx = s;
	SSL_set_connect_state(s->ssl);
	return s;
}

struct tls_session *tls_session_accept(const struct tls_context *c, int fd,
				       tls_admit *admit, void *ctx)
{
	struct tls_session *s = make_session(c, fd);

	s->server = true;
	s->peer.admit = admit;
	s->peer.ctx = ctx;
	SSL_set_accept_state(s->ssl);
	return s;
}

void tls_session_free(struct tls_session *s)
{
	if (!s)
		return;
	if (s->done && !s->broken)
		SSL_shutdown(s->ssl);
	ERR_clear_error();
	SSL_free(s->ssl);
	close(s->socket.fd);
	free(s);
}

/* ------------------------------------------------------------- errors */

/* What tls_session_refused_key() looks for. */
#define WRONG_KEY   " is what the configuration says"
#define UNKNOWN_KEY "it does not know the key of this machine"

bool tls_session_refused_key(const char *why)
{
	return strstr(why, WRONG_KEY) || strstr(why, UNKNOWN_KEY);
}

/* We refused its key. */
static int explain_refusal(const struct tls_session *s, struct err *err)
{
	char got[TLS_PIN_TEXT] = "no Ed25519 key", want[TLS_PIN_TEXT];

	if (digest_is_known(&s->peer.pin))
		tls_pin_text(&s->peer.pin, got);
	if (s->server)
		return err_set(err, EACCES, "%s is no client's key", got);
	tls_pin_text(&s->expected, want);
	return err_set(err, EACCES,
		       "its key is %s, and %s" WRONG_KEY
		       ": another machine, or it has a new key",
		       got, want);
}

/* It refused ours. */
static int explain_being_refused(const struct tls_session *s, struct err *err)
{
	char ours[TLS_PIN_TEXT];

	tls_pin_text(tls_context_pin(s->context), ours);
	if (s->server)
		return err_set(err, EACCES,
			       "it expects another key than ours, %s", ours);
	return err_set(err, EACCES,
		       UNKNOWN_KEY ", %s: its list of clients "
				   "(/etc/kfarm/clients) needs a line with it; "
				   "`kfarm nodes add NAME ssh:HOST` puts it "
				   "there",
		       ours);
}

static int explain_alert(const struct tls_session *s, int alert,
			 unsigned long code, struct err *err)
{
	const char *reason = ERR_reason_error_string(code);

	if (alert == SSL_AD_BAD_CERTIFICATE)
		return explain_being_refused(s, err);
	if (alert == SSL_AD_NO_APPLICATION_PROTOCOL ||
	    alert == SSL_AD_PROTOCOL_VERSION)
		return err_set(err, EPROTO, "it speaks another protocol: %s",
			       reason);
	return err_set(err, EPROTO, "it ended the conversation: %s", reason);
}

static int explain_failure(const struct tls_session *s, int ssl_error,
			   int saved, struct err *err)
{
	unsigned long code = ERR_peek_last_error();
	int reason = ERR_GET_REASON(code);
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	if (s->peer.refused)
		return explain_refusal(s, err);
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		return explain_alert(s, reason - SSL_AD_REASON_OFFSET, code,
				     err);
	if (s->socket.ended)
		return err_set(err, ECONNRESET, "read: %s%s",
			       strerror(ECONNRESET),
			       s->done ? "" : " within the handshake");
	if (ssl_error == SSL_ERROR_SYSCALL && saved) {
		errno = saved;
		return err_errno(err, "read");
	}
	return err_set(err, EPROTO,
		       "it does not speak TLS 1.3 as kfarm does%s%s",
		       text ? ": " : "", text ? text : "");
}

/*
 * What an SSL_ function that returned `ret` means: -EAGAIN with *wait, 0 for
 * the peer's end, or a negative errno with `err` set, and the session is over.
 */
static int understand(struct tls_session *s, int ret, enum tls_wait *wait,
		      struct err *err)
{
	int saved = errno;
	int error = SSL_get_error(s->ssl, ret);

	switch (error) {
	case SSL_ERROR_WANT_READ:
		*wait = TLS_WAIT_READ;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wait = TLS_WAIT_WRITE;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		s->broken = true;
		ret = explain_failure(s, error, saved, err);
		ERR_clear_error();
		return ret;
	}
}

/* ---------------------------------------------------------- operations */

static int check_protocol(struct tls_session *s, struct err *err)
{
	const unsigned char *name;
	unsigned int len;

	SSL_get0_alpn_selected(s->ssl, &name, &len);
	if (len)
		return 0;
	s->broken = true;
	return err_set(err, EPROTO, "it speaks TLS, but not kfarm's protocol");
}

int tls_session_handshake(struct tls_session *s, enum tls_wait *wait,
			  struct err *err)
{
	int ret;

	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(s->ssl);
	if (ret == 1) {
		s->done = true;
		return check_protocol(s, err);
	}
	ret = understand(s, ret, wait, err);
	if (!ret)
		ret = err_set(err, ECONNRESET, "read: %s within the handshake",
			      strerror(ECONNRESET));
	return ret;
}

ssize_t tls_session_read(struct tls_session *s, void *to, size_t size,
			 struct err *err)
{
	enum tls_wait wait = TLS_WAIT_READ;
	size_t got;
	int ret;

	ERR_clear_error();
	errno = 0;
	s->read_must_write = false;
	ret = SSL_read_ex(s->ssl, to, size, &got);
	if (ret == 1)
		return (ssize_t)got;
	ret = understand(s, ret, &wait, err);
	s->read_must_write = ret == -EAGAIN && wait == TLS_WAIT_WRITE;
	return ret;
}

/* At most RECORDS of them: how many bytes, or what the first one met. */
static ssize_t write_records(struct tls_session *s, struct bytes in, int *met)
{
	size_t all = 0, n;

	for (int i = 0; i < RECORDS && all < in.len; i++) {
		ERR_clear_error();
		errno = 0;
		*met = SSL_write_ex(s->ssl, in.data + all, in.len - all, &n);
		if (*met != 1)
			break;
		all += n;
	}
	return (ssize_t)all;
}

ssize_t tls_session_write(struct tls_session *s, struct bytes in,
			  struct err *err)
{
	enum tls_wait wait = TLS_WAIT_WRITE;
	int met = 1;
	ssize_t n = write_records(s, in, &met);

	/* What went wrong behind some bytes goes wrong again. */
	if (n > 0 || met == 1)
		return n;
	met = understand(s, met, &wait, err);
	if (met == -EAGAIN && wait == TLS_WAIT_READ)
		return err_set(err, EPROTO, "it wants another handshake");
	if (!met)
		return err_set(err, EPIPE, "write: %s", strerror(EPIPE));
	return met;
}

bool tls_session_read_must_write(const struct tls_session *s)
{
	return s->read_must_write;
}

int tls_session_fd(const struct tls_session *s)
{
	return s->socket.fd;
}

const struct digest *tls_session_peer(const struct tls_session *s)
{
	return &s->peer.pin;
}

const char *tls_session_cipher(const struct tls_session *s)
{
	return SSL_get_cipher_name(s->ssl);
}
