/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/frame.h - the envelope of every message between kfarm and kfarmd,
 * and between kfarm-cc and the coordinator.
 *
 * A frame is this header, then `body_len` bytes of body (little endian):
 *
 *	 0      4      6       8          12         16
 *	 | magic | type | codec | body_len | raw_len |
 *
 * `raw_len` is the length of the body once unpacked.  It equals `body_len`
 * for WIRE_PLAIN.  Who sends what, and when, is in wire/PROTOCOL.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdint.h>

#define WIRE_MAGIC      0x6d72666b /* "kfrm" */
#define WIRE_FRAME_SIZE 16
#define WIRE_BODY_MAX   (1u << 20)

enum wire_codec {
	WIRE_PLAIN,
	WIRE_LZO,
	WIRE_ZSTD
};

struct wire_frame {
	uint16_t type; /* enum wire_type */
	uint16_t codec; /* enum wire_codec */
	uint32_t body_len;
	uint32_t raw_len;
};

void wire_frame_encode(uint8_t out[static WIRE_FRAME_SIZE],
		       const struct wire_frame *f);
/*
 * Read a header that a peer sent.
 *
 * Returns 0; -EPROTO when the peer speaks something else; -EMSGSIZE when it
 * announces more than WIRE_BODY_MAX.  `f` is written only on success, so the
 * lengths in a struct wire_frame are always safe to allocate.
 */
int wire_frame_decode(struct wire_frame *f,
		      const uint8_t in[static WIRE_FRAME_SIZE]);

#endif
