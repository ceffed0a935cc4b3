/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/packet.h - OpenPGP keys as bytes (RFC 4880).
 *
 * No signature is checked here: gpgv does that.  What is found out is which
 * bytes belong to a key, and its fingerprint, which pins the key itself.
 */
#ifndef FETCH_PACKET_H
#define FETCH_PACKET_H

#include "base/buf.h"
#include "base/bytes.h"

#include <stdbool.h>

#define FETCH_FINGERPRINT 41 /* 40 upper-case hexadecimal digits and a NUL */

struct fetch_packet {
	unsigned tag;
	struct bytes whole; /* with its header */
	struct bytes body;
};

/*
 * The next packet, taken off the front of `in`: 1, 0 at the end, -EPROTO for
 * what is none (lengths that are not known beforehand among them, which no
 * key has).
 */
int fetch_packet_next(struct bytes *in, struct fetch_packet *out);

/* Is it a key or subkey of version 4?  Then its fingerprint. */
bool fetch_packet_fingerprint(const struct fetch_packet *packet,
			      char out[static FETCH_FINGERPRINT]);

/*
 * Append the key with this primary fingerprint (40 digits in either case),
 * its names, subkeys and their signatures; the first, if it is there more than
 * once.  Returns 0; -ENOKEY when it is not there; -EPROTO when these are no
 * packets; -EINVAL when there are secret keys among them.
 */
int fetch_packet_extract(struct bytes packets, const char *fingerprint,
			 struct buf *out);

/*
 * Does some signature in `packets` say that the key or subkey `fingerprint`
 * expires at `when`?  It may be a wrong one: this only finds out which key a
 * moment that gpgv spoke of can belong to.
 */
bool fetch_packet_may_expire(struct bytes packets, const char *fingerprint,
			     int64_t when);

/*
 * Is a key or subkey revoked in `known`, and that is left out in `other`,
 * which is the same key from somewhere else?
 */
bool fetch_packet_forgets(struct bytes known, struct bytes other);

#endif
