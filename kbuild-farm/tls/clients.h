/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls/clients.h - The file of admitted client keys.
 *
 * 	# the build host in the cellar
 * 	SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0 cellar
 *
 * Each line has a fingerprint (tls/key.h) and optionally a name.  Lines that
 * begin with "#" are comments.  A changed file is read again.
 */
#ifndef TLS_CLIENTS_H
#define TLS_CLIENTS_H

#include "base/digest.h"
#include "base/err.h"

#define TLS_CLIENTS_MAX (1u << 20) /* maximum bytes of the file */

struct tls_clients;

/* Create the list. The file is read on the first lookup. */
struct tls_clients *tls_clients_new(const char *path);
/* Free the list; NULL is allowed. */
void tls_clients_free(struct tls_clients *c);
/*
 * Return the name of the client whose key has `fingerprint`, or the text of the
 * fingerprint if the client has no name.  The result is borrowed until the next
 * call.  Returns NULL if the client is not admitted.
 *
 * `err` describes the first error that this call has found, and is empty if the
 * call has found no error.  A call that does not read the file finds no errors
 * in the content of the file.  If successive calls fail to access the file with
 * the same error, only the first failure is reported.  Invalid lines are
 * skipped.  No client is admitted if the file is missing, too large, or
 * writable by other users.
 */
const char *tls_clients_find(struct tls_clients *c,
			     const struct digest *fingerprint, struct err *err);

#endif
