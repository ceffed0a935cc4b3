/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node/own-key.h - The key that authenticates the build host to tls: nodes. */
#ifndef NODE_OWN_KEY_H
#define NODE_OWN_KEY_H

#include "base/err.h"

#include <stdbool.h>

struct tls_context;
struct tls_key;

/* Return ~/.config/kfarm/key.pem.  The caller frees it. */
char *node_own_key_path(void);
/* Load the key, or create it, like tls_key_load_or_create(). */
int node_own_key_open(struct tls_key **out, struct err *err);
/*
 * Create a TLS context for sessions with nodes.  A missing key is not created,
 * because no node would accept it; `err` then contains advice.
 */
int node_own_key_context(struct tls_context **out, struct err *err);
/* Return true if the text is the error for a missing key. */
bool node_own_key_is_missing_error(const char *error_text);

#endif
