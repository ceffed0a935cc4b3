/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/frame.h"

#include "base/bytes.h"

#include <errno.h>

void wire_frame_encode(uint8_t out[static WIRE_FRAME_SIZE],
		       const struct wire_frame *f)
{
	put_le32(out, WIRE_MAGIC);
	put_le16(out + 4, f->type);
	put_le16(out + 6, f->codec);
	put_le32(out + 8, f->body_len);
	put_le32(out + 12, f->raw_len);
}

int wire_frame_decode(struct wire_frame *f,
		      const uint8_t in[static WIRE_FRAME_SIZE])
{
	struct wire_frame got = {
		.type = get_le16(in + 4),
		.codec = get_le16(in + 6),
		.body_len = get_le32(in + 8),
		.raw_len = get_le32(in + 12),
	};

	if (get_le32(in) != WIRE_MAGIC || got.codec > WIRE_ZSTD)
		return -EPROTO;
	if (got.body_len > WIRE_BODY_MAX || got.raw_len > WIRE_BODY_MAX)
		return -EMSGSIZE;
	if (got.codec == WIRE_PLAIN && got.raw_len != got.body_len)
		return -EPROTO;

	*f = got;
	return 0;
}
