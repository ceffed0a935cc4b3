/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/own-key.h - the key that this build host shows to its tls: nodes.
 */
#ifndef NODE_OWN_KEY_H
#define NODE_OWN_KEY_H

#include "base/err.h"

struct tls_context;
struct tls_key;

/* ~/.config/kfarm/key.pem; the caller frees it. */
char *node_own_key_path(void);
/* Load it, made at first need: as tls_key_open(). */
int node_own_key_open(struct tls_key **out, struct err *err);
/*
 * For conversations with nodes: a key that is not there yet is not made, as
 * no node could know it; `err` says what to do.
 */
int node_own_key_context(struct tls_context **out, struct err *err);

#endif
