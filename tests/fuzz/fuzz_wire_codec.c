/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
/*
 * Compressed bodies from a hostile peer: one byte of codec, four of the
 * announced length, then the body.  A rejected body leaves the output empty.
 * The body survives local compression and decompression.
 */
#include "wire/codec.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(struct bytes packed, enum wire_codec codec, uint32_t raw_len)
{
	struct buf out = { 0 };
	int ret;

	buf_add_str(&out, "kept");
	ret = wire_codec_unpack(&out, packed, codec, raw_len);
	if (out.len != 4 + (ret ? 0 : (size_t)raw_len) ||
	    !bytes_equal(bytes_of(out.data, 4), bytes_str("kept")))
		abort();
	buf_release(&out);
}

static void pack(struct bytes raw, enum wire_codec wanted)
{
	struct buf packed = { 0 }, back = { 0 };
	enum wire_codec codec = wire_codec_pack(&packed, raw, wanted);

	if (packed.len > raw.len ||
	    wire_codec_unpack(&back, buf_bytes(&packed), codec,
			      (uint32_t)raw.len) ||
	    !bytes_equal(buf_bytes(&back), raw))
		abort();
	buf_release(&packed);
	buf_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body;
	enum wire_codec codec;

	if (size < 5)
		return 0;
	body = bytes_of(data + 5, size - 5);
	codec = (enum wire_codec)(data[0] % 3);
	unpack(body, codec, get_le32(data + 1));
	pack(body, codec);
	return 0;
}
