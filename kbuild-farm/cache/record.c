/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/record.h"

#include <errno.h>
#include <string.h>

#define VERSION 1

bool cache_record_is_blob(enum wire_output i, uint32_t size,
			  uint32_t inline_max)
{
	/* Different results often have equal objects. */
	return size >
	       (i == WIRE_OUTPUT_OBJECT ? CACHE_RECORD_INLINE_MAX : inline_max);
}

void cache_record_encode(struct buf *out, const struct peer_job_result *result,
			 uint32_t inline_max,
			 struct digest blobs[static WIRE_N_OUTPUTS])
{
	buf_put_u8(out, VERSION);
	buf_put_u8(out, result->wire.n_sides);
	buf_put_u32(out, result->wire.cpu_ms);
	buf_put_u32(out, result->wire.wall_ms);
	buf_put_u32(out, result->wire.peak_kib);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		struct bytes in = buf_bytes(&result->streams[i]);

		buf_put_u32(out, (uint32_t)in.len);
		if (cache_record_is_blob((enum wire_output)i, (uint32_t)in.len,
					 inline_max)) {
			digest_bytes(in, &blobs[i]);
			in = bytes_of(blobs[i].b, sizeof(blobs[i].b));
		}
		buf_add_bytes(out, in);
	}
}

int cache_record_decode(struct bytes record, uint32_t inline_max,
			struct peer_job_result *out,
			struct digest blobs[static WIRE_N_OUTPUTS])
{
	struct wire_result *w = &out->wire;
	struct reader r;
	struct bytes head;

	reader_init(&r, record);
	head = reader_raw(&r, 2);
	w->cpu_ms = reader_u32(&r);
	w->wall_ms = reader_u32(&r);
	w->peak_kib = reader_u32(&r);
	if (r.bad || head.data[0] != VERSION || head.data[1] > WIRE_SIDES_MAX)
		return -EBADMSG;
	w->n_sides = head.data[1];
	out->n_side_outputs = head.data[1];
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		enum wire_output output = (enum wire_output)i;
		uint32_t len = reader_u32(&r);
		bool is_blob = cache_record_is_blob(output, len, inline_max);
		struct bytes in = reader_raw(&r, is_blob ? DIGEST_SIZE : len);

		if (r.bad || len > wire_output_max(output))
			return -EBADMSG;
		w->output_bytes[i] = len;
		if (is_blob)
			memcpy(blobs[i].b, in.data, sizeof(blobs[i].b));
		else
			buf_add_bytes(&out->streams[i], in);
		if (is_blob && !digest_is_set(&blobs[i]))
			return -EBADMSG;
	}
	return reader_end(&r) ? -EBADMSG : 0;
}
