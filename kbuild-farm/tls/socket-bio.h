/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/socket-bio.h - a socket as OpenSSL reads and writes it.
 *
 * OpenSSL's own writes with write(2), which ends the program (SIGPIPE) where
 * the peer has gone.
 */
#ifndef TLS_SOCKET_BIO_H
#define TLS_SOCKET_BIO_H

#include <stdbool.h>

struct ssl_st;

struct tls_socket {
	int fd;
	bool ended; /* the peer's end of file was read */
};

/* `ssl` reads and writes it; it must outlive `ssl`, and is not closed. */
void tls_socket_attach(struct tls_socket *s, struct ssl_st *ssl);

#endif
