/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/codec.h - bodies packed and unpacked: lzo1x-1 and zstd level 1.
 *
 * Unpacking trusts nothing: lzo1x_decompress_safe() and a zstd decoder that
 * writes at most the announced length, which wire_frame_decode() has bounded.
 * Any thread may call these; each has a workspace of its own.
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "base/buf.h"
#include "wire/frame.h"

/*
 * Append `raw` (at most WIRE_BODY_MAX bytes), packed, to `out`.  Returns the
 * codec that was used: `wanted`, or WIRE_PLAIN where packing does not pay.
 */
enum wire_codec wire_codec_pack(struct buf *out, struct bytes raw,
				enum wire_codec wanted);
/*
 * Append the `raw_len` bytes that `packed` holds to `out`.  Returns 0;
 * -EPROTO when it holds anything else; -ENOMEM.  On failure `out` has the
 * content that it had before.
 */
int wire_codec_unpack(struct buf *out, struct bytes packed,
		      enum wire_codec codec, uint32_t raw_len);
/* Of "none", "lzo" or "zstd": 0, or -EINVAL for another word. */
int wire_codec_parse(const char *name, enum wire_codec *out);

#endif
