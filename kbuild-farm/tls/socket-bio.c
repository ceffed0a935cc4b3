/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/socket-bio.h"

#include "base/str.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

static BIO_METHOD *method;

static bool comes_back(int code)
{
	return code == EAGAIN || code == EINTR;
}

static int bio_read(BIO *bio, char *to, int size)
{
	struct tls_socket *s = BIO_get_data(bio);
	ssize_t n = recv(s->fd, to, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && comes_back(errno))
		BIO_set_retry_read(bio);
	s->ended = !n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *from, int size)
{
	struct tls_socket *s = BIO_get_data(bio);
	ssize_t n = send(s->fd, from, (size_t)size, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && comes_back(errno))
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

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
			      "kfarm's socket");
	if (!method || !BIO_meth_set_read(method, bio_read) ||
	    !BIO_meth_set_write(method, bio_write) ||
	    !BIO_meth_set_ctrl(method, bio_ctrl))
		str_out_of_memory();
}

void tls_socket_attach(struct tls_socket *s, struct ssl_st *ssl)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_method);
	bio = BIO_new(method);
	if (!bio)
		str_out_of_memory();
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
}
