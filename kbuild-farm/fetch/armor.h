/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch/armor.h - OpenPGP bytes as text (RFC 4880 6.2).
 */
#ifndef FETCH_ARMOR_H
#define FETCH_ARMOR_H

#include "base/buf.h"
#include "base/bytes.h"

/*
 * Append what the armored public keys of `text` hold, one after the other.
 * Anything may stand around the blocks, as a key server's page does.
 * Returns 0; -ENOENT when there is no block; -EPROTO when one cannot be read
 * or its checksum is wrong; `out` is then as it was.
 */
int fetch_armor_decode(struct bytes text, struct buf *out);

#endif
