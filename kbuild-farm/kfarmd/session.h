/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/session.h - One connection between a build host and kfarmd.
 *
 * A session implements the protocol of kfarm-protocol(7).  It first sends HELLO
 * and FIT, then MACHINE if the peer supports it, and then heartbeats.
 */
#ifndef KFARMD_SESSION_H
#define KFARMD_SESSION_H

#include "base/digest.h"
#include "base/list.h"
#include "wire/msg.h"
#include "wire/stream.h"

#include <jansson.h>

struct kfarmd;
struct kfarmd_session;
struct tls_clients;

#define KFARMD_SESSIONS_MAX     64
#define KFARMD_SESSIONS_PER_KEY 16 /* sessions with one key */

/* The other end of a connection. */
struct kfarmd_session_peer {
	/* network address, or "process PID" for a local peer; for display */
	const char *address;
	const char *client_name; /* name in the list of clients, or NULL */
	/* fingerprint of the peer's key, or NULL if the peer has no key */
	const struct digest *fingerprint;
};

/*
 * The other end of a session of kfarmd or of its relay; embedded in the
 * session.
 */
struct kfarmd_peer {
	TAILQ_ENTRY(kfarmd_peer) entry; /* in a->peers */
	char *address; /* as in struct kfarmd_session_peer */
	char *client_name; /* likewise */
	struct digest fingerprint; /* of the peer's key; zero without a key */
	char *software; /* version string in the peer's HELLO, or NULL */
	uint64_t start_ms; /* clock_ms() at the start of the session */
	unsigned n_missing; /* see kfarmd_peer_is_removed() */
};

/*
 * Fill `p` from `who` and add it to a->peers.  Logs a warning and returns false
 * if KFARMD_SESSIONS_MAX sessions exist, or KFARMD_SESSIONS_PER_KEY sessions
 * with the peer's key.  The second limit prevents one client from blocking
 * others.
 */
bool kfarmd_peer_add(struct kfarmd *a, struct kfarmd_peer *p,
		     const struct kfarmd_session_peer *who);
/*
 * Decode the HELLO of a peer and record its software.  Returns the version of
 * the protocol for the session, or -EPROTO with `err` set if the HELLO is
 * malformed or not the first, or if there is no common version.
 */
int kfarmd_peer_receive_hello(struct kfarmd_peer *p, struct bytes body,
			      struct err *err);
/* Remove `p` from a->peers and free its strings. */
void kfarmd_peer_remove(struct kfarmd *a, struct kfarmd_peer *p);
/*
 * Find a client with tls_clients_find(), and log the error that
 * tls_clients_find() reports, if any.
 */
const char *kfarmd_find_client(struct tls_clients *clients,
			       const struct digest *fingerprint);
/*
 * Search the list of clients for the peer's key; call this once a second.
 * Returns true if two consecutive calls did not find the key.  A single call is
 * not sufficient, because an editor can truncate the file before writing it.
 */
bool kfarmd_peer_is_removed(const struct kfarmd *a, struct kfarmd_peer *p);
/*
 * Return a description for `kfarmd --status`.  `lease` is the lease of the
 * session, in slots.  The caller owns the reference.
 */
json_t *kfarmd_peer_to_json(const struct kfarmd_peer *p, unsigned lease);

/*
 * Start a session: take ownership of `io`, send HELLO and add the session to
 * a->sessions.  At its end the session drops its jobs, frees itself, and calls
 * a->on_idle() if it was the last session.
 *
 * If kfarmd_peer_add() fails, the function frees `io` and starts no session.
 * With --relay, the function calls a->start_relay_session() instead.
 */
void kfarmd_session_start(struct kfarmd *a, struct wire_io io,
			  const struct kfarmd_session_peer *who);
/*
 * Return a description of all sessions for `kfarmd --status`.  The caller owns
 * the reference.
 */
json_t *kfarmd_session_list_to_json(const struct kfarmd *a);
/* Return a->health.current, refreshed if it is older than 0.9 s. */
const struct wire_health *kfarmd_session_read_health(struct kfarmd *a);
/*
 * Reject further jobs, and end each session within a second after the results
 * of its jobs are written to the connection.  The last session calls
 * a->on_idle().  With --relay, the sessions of the relay also end in this way.
 */
void kfarmd_session_drain_all(struct kfarmd *a);
/* Send BYE with `why` and end all sessions, without calling a->on_idle(). */
void kfarmd_session_end_all(struct kfarmd *a, const char *why);

#endif
