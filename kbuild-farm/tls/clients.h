/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/clients.h - the keys that are admitted: a file with a line for each.
 *
 *	# the build host in the cellar
 *	SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0 cellar
 *
 * Behind the fingerprint (tls/pin.h) is a name for people; it may be missing.
 * What begins with "#" is a comment.  The file is read again once it changed.
 */
#ifndef TLS_CLIENTS_H
#define TLS_CLIENTS_H

#include "base/digest.h"
#include "base/err.h"

#define TLS_CLIENTS_MAX (1u << 20) /* bytes of such a file */

struct tls_clients;

/* Nothing is read yet. */
struct tls_clients *tls_clients_new(const char *path);
void tls_clients_free(struct tls_clients *c);
/*
 * The name of the client with this key, the fingerprint itself where it has
 * none, or NULL: nobody.  Borrowed until the next call.  Where the file was
 * read again, and something is wrong with it, `err` says what, else it is
 * empty: a line that is none is passed over; nobody is admitted by a file
 * that is missing, too large, or that others than its owner may write.
 */
const char *tls_clients_find(struct tls_clients *c, const struct digest *pin,
			     struct err *err);

#endif
