/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/frame.h - The frame header that precedes every message.
 *
 * A frame is this header, whose numbers are little endian, followed by
 * `body_len` bytes:
 *
 * 	 0      4      6       8          12         16
 * 	 | magic | type | codec | body_len | raw_len |
 *
 * `raw_len` is the length of the decompressed body.  It equals `body_len` for
 * WIRE_PLAIN.  kfarm-protocol(7) defines the order of messages.
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
 * Decode a frame header received from a peer.
 *
 * Returns 0; -EPROTO if the bytes are not a kfarm frame; -EMSGSIZE if a length
 * exceeds WIRE_BODY_MAX.  Writes `f` only on success, so lengths in a struct
 * wire_frame are always safe to allocate.
 */
int wire_frame_decode(struct wire_frame *f,
		      const uint8_t in[static WIRE_FRAME_SIZE]);

#endif
