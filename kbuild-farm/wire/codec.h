/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/codec.h - Compression of message bodies: lzo1x-1 and zstd level 1.
 *
 * Decompression is safe for untrusted input: lzo1x_decompress_safe() and the
 * zstd decoder write at most the announced length, which wire_frame_decode()
 * has checked.  All functions are thread-safe; each thread has its own
 * workspace.
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "base/buf.h"
#include "wire/frame.h"

/*
 * Compress `raw` (at most WIRE_BODY_MAX bytes) and append the result to `out`.
 * Returns the codec that was used: `wanted`, or WIRE_PLAIN if compression does
 * not make `raw` shorter.
 */
enum wire_codec wire_codec_pack(struct buf *out, struct bytes raw,
				enum wire_codec wanted);
/*
 * Decompress `packed` to exactly `raw_len` bytes and append them to `out`.
 * Returns 0; -EPROTO if the data is invalid or decompresses to another length;
 * or -ENOMEM.  After an error the content of `out` is unchanged.
 */
int wire_codec_unpack(struct buf *out, struct bytes packed,
		      enum wire_codec codec, uint32_t raw_len);
/* Parse "none", "lzo" or "zstd". Returns 0, or -EINVAL for any other name. */
int wire_codec_parse(const char *name, enum wire_codec *out);

#endif
