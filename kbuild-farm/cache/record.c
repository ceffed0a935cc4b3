/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/record.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#define VERSION 2
#define LEVEL   1 /* of zstd; level 3 saves 2 % but takes 1.4 times as long */
/*
 * Maximum size of an output in the record.  A larger output is stored as a
 * blob.  The limit for objects is lower, because different results often have
 * equal objects, and equal blobs are stored only once.
 */
#define OBJECT_MAX 4096u
#define OTHER_MAX  (64u << 10)
/* Maximum size of a record before compression */
#define RECORD_MAX (WIRE_N_OUTPUTS * (OTHER_MAX + 64))

static bool is_blob(int i, uint32_t size)
{
	return size > (i == WIRE_OUTPUT_OBJECT ? OBJECT_MAX : OTHER_MAX);
}

static void compress(struct buf *out, struct bytes in)
{
	size_t most = ZSTD_compressBound(in.len), n;

	if (buf_reserve(out, most))
		str_out_of_memory();
	n = ZSTD_compress(out->data + out->len, most, in.data, in.len, LEVEL);
	if (ZSTD_isError(n))
		str_out_of_memory();
	out->len += n;
	out->data[out->len] = '\0';
}

/*
 * Decompress `in`, and append the result, which must have `size` bytes.
 * Returns 0, or -EBADMSG with `out` unchanged.
 */
static int decompress(struct buf *out, struct bytes in, size_t size)
{
	/* Check the size before `size` bytes are allocated. */
	if (ZSTD_getFrameContentSize(in.data, in.len) != size ||
	    buf_reserve(out, size) ||
	    ZSTD_decompress(out->data + out->len, size, in.data, in.len) !=
		    size)
		return -EBADMSG;
	out->len += size;
	out->data[out->len] = '\0';
	return 0;
}

static void make_blob(struct cache_blob *blob, struct bytes in)
{
	compress(&blob->content, in);
	if (blob->content.len >= in.len - in.len / 8) {
		buf_reset(&blob->content);
		buf_add_bytes(&blob->content, in);
	}
	digest_bytes(buf_bytes(&blob->content), &blob->digest);
	blob->size_bytes = (uint32_t)blob->content.len;
}

void cache_record_encode(struct buf *out, const struct peer_job_result *result,
			 struct cache_blob blobs[static WIRE_N_OUTPUTS])
{
	struct buf raw = { 0 };

	buf_put_u8(&raw, result->wire.n_sides);
	buf_put_u32(&raw, result->wire.cpu_ms);
	buf_put_u32(&raw, result->wire.wall_ms);
	buf_put_u32(&raw, result->wire.peak_kib);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		struct bytes in = buf_bytes(&result->streams[i]);

		buf_put_u32(&raw, (uint32_t)in.len);
		if (is_blob(i, (uint32_t)in.len)) {
			make_blob(&blobs[i], in);
			buf_add(&raw, blobs[i].digest.b, DIGEST_SIZE);
			buf_put_u32(&raw, blobs[i].size_bytes);
		} else {
			buf_add_bytes(&raw, in);
		}
	}
	buf_put_u8(out, VERSION);
	buf_put_u32(out, (uint32_t)raw.len);
	compress(out, buf_bytes(&raw));
	buf_release(&raw);
}

/* Decode a record that has been decompressed. */
static int decode_raw(struct bytes raw, struct peer_job_result *out,
		      struct cache_blob blobs[static WIRE_N_OUTPUTS])
{
	struct wire_result *w = &out->wire;
	struct bytes head;
	struct reader r;

	reader_init(&r, raw);
	head = reader_raw(&r, 1);
	w->cpu_ms = reader_u32(&r);
	w->wall_ms = reader_u32(&r);
	w->peak_kib = reader_u32(&r);
	if (r.bad || head.data[0] > WIRE_SIDES_MAX)
		return -EBADMSG;
	w->n_sides = head.data[0];
	out->n_side_outputs = head.data[0];
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		uint32_t len = reader_u32(&r);
		bool has_blob = is_blob(i, len);
		struct bytes in = reader_raw(&r, has_blob ? DIGEST_SIZE : len);

		if (r.bad || len > wire_output_max((enum wire_output)i))
			return -EBADMSG;
		w->output_bytes[i] = len;
		if (!has_blob) {
			buf_add_bytes(&out->streams[i], in);
			continue;
		}
		memcpy(blobs[i].digest.b, in.data, DIGEST_SIZE);
		blobs[i].size_bytes = reader_u32(&r);
		if (!digest_is_set(&blobs[i].digest) ||
		    blobs[i].size_bytes > len)
			return -EBADMSG;
	}
	return reader_end(&r) ? -EBADMSG : 0;
}

int cache_record_decode(struct bytes record, struct peer_job_result *out,
			struct cache_blob blobs[static WIRE_N_OUTPUTS])
{
	struct buf raw = { 0 };
	struct bytes version;
	struct reader r;
	uint32_t size;
	int ret;

	reader_init(&r, record);
	version = reader_raw(&r, 1);
	size = reader_u32(&r);
	if (r.bad || version.data[0] != VERSION || size > RECORD_MAX)
		return -EBADMSG;
	ret = decompress(&raw, bytes_of(r.p, r.left), size);
	if (!ret)
		ret = decode_raw(buf_bytes(&raw), out, blobs);
	buf_release(&raw);
	return ret;
}

int cache_record_add_output(struct peer_job_result *result, int i,
			    struct bytes content)
{
	uint32_t size = result->wire.output_bytes[i];

	if (content.len < size)
		return decompress(&result->streams[i], content, size);
	buf_add_bytes(&result->streams[i], content);
	return 0;
}

void cache_record_release_blobs(struct cache_blob blobs[static WIRE_N_OUTPUTS])
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		buf_release(&blobs[i].content);
		blobs[i] = (struct cache_blob){ 0 };
	}
}
