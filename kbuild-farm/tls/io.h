/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/io.h - a session as what a stream runs over.
 */
#ifndef TLS_IO_H
#define TLS_IO_H

#include "wire/io.h"

struct tls_session;

/* The handshake must be done.  The io owns the session. */
struct wire_io tls_io(struct tls_session *session);

#endif
