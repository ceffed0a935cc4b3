/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/admission.h - Limits on connections that are not yet authenticated.
 *
 * This is a pure machine: it uses neither sockets nor a clock, and the caller
 * passes the time.
 *
 * An idle connection cannot block others.  If too many connections from one
 * address are pending, a new connection from this address evicts the oldest of
 * them.  If too many connections are pending in total, a new connection evicts
 * the oldest pending connection, preferably from an address from which no
 * client has been authenticated yet.
 *
 * If clients at an address fail repeatedly to authenticate, connections from
 * this address are rejected for a while.  An IPv4 address or an IPv6 /64 prefix
 * counts as one address.
 */
#ifndef KFARMD_ADMISSION_H
#define KFARMD_ADMISSION_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

/* Limits on pending connections: in total, and from one address. */
#define KFARMD_ADMISSION_PENDING_MAX      64
#define KFARMD_ADMISSION_PENDING_PER_ADDR 16
/*
 * Limits on failed attempts: TRIES_* at once, then RATE_* per second.  Each
 * address has the limit *_PER_ADDR.  Addresses from which no client has been
 * authenticated yet also share the limit *_TOTAL.
 */
#define KFARMD_ADMISSION_TRIES_PER_ADDR 32
#define KFARMD_ADMISSION_RATE_PER_ADDR  4
#define KFARMD_ADMISSION_TRIES_TOTAL    256
#define KFARMD_ADMISSION_RATE_TOTAL     128

struct kfarmd_admission;
struct sockaddr;

/* A pending connection; embedded in the caller's struct. */
struct kfarmd_admission_conn {
	TAILQ_ENTRY(kfarmd_admission_conn) entry;
	uint64_t addr_hash;
};

struct kfarmd_admission *kfarmd_admission_new(void);
/* Free `g`; no connection may be pending. */
void kfarmd_admission_free(struct kfarmd_admission *g);
/*
 * Add a new connection from address `from` to the pending connections.  Returns
 * false if this address has reached its limit on failed attempts, or if the
 * total limit is reached and no client from this address has been authenticated
 * yet.
 *
 * On success, *evicted is the pending connection that the new connection
 * evicts, or NULL.  The caller closes the evicted connection and calls
 * kfarmd_admission_remove() for it.
 */
bool kfarmd_admission_add(struct kfarmd_admission *g,
			  struct kfarmd_admission_conn *conn,
			  const struct sockaddr *from, uint64_t now_ms,
			  struct kfarmd_admission_conn **evicted);
/*
 * Remove a pending connection.  `admitted` is true if the client has been
 * authenticated.
 */
void kfarmd_admission_remove(struct kfarmd_admission *g,
			     struct kfarmd_admission_conn *conn, bool admitted);
/* Return the oldest pending connection, or NULL. */
struct kfarmd_admission_conn *kfarmd_admission_oldest(
	const struct kfarmd_admission *g);

#endif
