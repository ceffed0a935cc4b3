/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/entry.h"

#include "base/str.h"
#include "cache/record.h"
#include "store/store.h"
#include "tls/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define VERSION     1
#define LEVEL       3 /* of zstd */
#define COMPRESSED  ".zst"
#define HEAD_SIZE   (1 + TLS_KEY_PUBLIC_SIZE + TLS_KEY_SIGNATURE_SIZE)
#define PATH_PREFIX "side-" /* of a side output; its number follows */

static const char *const paths[WIRE_OUTPUT_SIDE] = {
	[WIRE_OUTPUT_OBJECT] = "object",   [WIRE_OUTPUT_STDOUT] = "stdout",
	[WIRE_OUTPUT_STDERR] = "stderr",   [WIRE_OUTPUT_DEPS] = "deps",
	[WIRE_OUTPUT_AS_DEPS] = "as-deps",
};

/* Return the path of an item.  The caller frees it. */
static char *item_path(const struct cache_entry_item *item)
{
	const char *suffix = item->compressed ? COMPRESSED : "";

	return item->output < WIRE_OUTPUT_SIDE ?
		       xasprintf("%s%s", paths[item->output], suffix) :
		       xasprintf(PATH_PREFIX "%d%s",
				 (int)item->output - WIRE_OUTPUT_SIDE, suffix);
}

void cache_entry_release(struct cache_entry *e)
{
	for (size_t i = 0; i < e->n_items; i++)
		buf_release(&e->items[i].content);
	buf_release(&e->action_result);
	peer_job_result_release(&e->result);
	*e = (struct cache_entry){ 0 };
}

/* Compose the message that is signed. */
static void make_signed_message(struct buf *out, const struct digest *key,
				const struct cache_action_result *r,
				struct bytes signed_metadata)
{
	static const char purpose[] = "kfarm cache entry";

	buf_add(out, purpose, sizeof(purpose));
	buf_put_u8(out, VERSION);
	buf_add(out, key->b, sizeof(key->b));
	buf_put_u32(out, (uint32_t)r->exit_code);
	buf_put_u32(out, (uint32_t)r->n_files);
	for (size_t i = 0; i < r->n_files; i++) {
		buf_put_bytes(out, r->files[i].path);
		buf_add(out, r->files[i].digest.b, DIGEST_SIZE);
		buf_put_u32(out, (uint32_t)r->files[i].size_bytes);
	}
	buf_add_bytes(out, signed_metadata);
}

/* Append `in` compressed.  Returns false, with `out` unchanged, on failure. */
static bool compress(struct buf *out, struct bytes in)
{
	size_t most = ZSTD_compressBound(in.len), n;

	if (buf_reserve(out, most))
		return false;
	n = ZSTD_compress(out->data + out->len, most, in.data, in.len, LEVEL);
	if (ZSTD_isError(n))
		return false;
	out->len += n;
	out->data[out->len] = '\0';
	return true;
}

/*
 * Append `in` decompressed, which must have `size` bytes.  Returns 0 or
 * -EBADMSG, with `out` unchanged.
 */
static int decompress(struct buf *out, struct bytes in, size_t size)
{
	/* The size is checked before so much memory is allocated. */
	if (ZSTD_getFrameContentSize(in.data, in.len) != size ||
	    buf_reserve(out, size) ||
	    ZSTD_decompress(out->data + out->len, size, in.data, in.len) !=
		    size)
		return -EBADMSG;
	out->len += size;
	out->data[out->len] = '\0';
	return 0;
}

static void pack_output(struct cache_entry *e, enum wire_output output,
			const struct digest *d, struct bytes content)
{
	struct cache_entry_item *item = &e->items[e->n_items++];

	item->output = output;
	item->output_digest = *d;
	item->compressed = compress(&item->content, content) &&
			   item->content.len < content.len - content.len / 8;
	if (!item->compressed) {
		buf_reset(&item->content);
		buf_add_bytes(&item->content, content);
	}
	digest_bytes(buf_bytes(&item->content), &item->digest);
	item->size_bytes = item->content.len;
}

/* Compose and sign the metadata. */
static int sign(struct buf *out, const struct digest *key,
		const struct cache_action_result *r, struct bytes record,
		const struct tls_key *signer, struct err *err)
{
	uint8_t signature[TLS_KEY_SIGNATURE_SIZE], public[TLS_KEY_PUBLIC_SIZE];
	struct buf message = { 0 }, packed = { 0 };
	int ret;

	buf_put_u32(&packed, (uint32_t)record.len);
	if (!compress(&packed, record))
		str_out_of_memory();
	make_signed_message(&message, key, r, buf_bytes(&packed));
	ret = tls_key_sign(signer, buf_bytes(&message), signature, err);
	tls_key_public(signer, public);
	buf_put_u8(out, VERSION);
	buf_add(out, public, sizeof(public));
	buf_add(out, signature, sizeof(signature));
	buf_add_bytes(out, buf_bytes(&packed));
	buf_release(&message);
	buf_release(&packed);
	return ret;
}

int cache_entry_encode(struct cache_entry *out, const struct digest *key,
		       const struct peer_job_result *result,
		       const struct tls_key *signer, struct err *err)
{
	struct digest blobs[WIRE_N_OUTPUTS] = { 0 };
	struct cache_action_result r = { .worker = bytes_str("kfarm") };
	struct buf record = { 0 }, metadata = { 0 };
	struct strv names = { 0 };
	int ret;

	*out = (struct cache_entry){ 0 };
	cache_record_encode(&record, result, CACHE_RECORD_REMOTE_INLINE_MAX,
			    blobs);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		if (digest_is_set(&blobs[i]))
			pack_output(out, (enum wire_output)i, &blobs[i],
				    buf_bytes(&result->streams[i]));
	}
	for (size_t i = 0; i < out->n_items; i++) {
		strv_own(&names, item_path(&out->items[i]));
		r.files[r.n_files++] = (struct cache_action_result_file){
			.path = bytes_str(names.v[i]),
			.digest = out->items[i].digest,
			.size_bytes = out->items[i].size_bytes,
		};
	}
	ret = sign(&metadata, key, &r, buf_bytes(&record), signer, err);
	r.metadata = buf_bytes(&metadata);
	cache_action_result_encode(&out->action_result, &r);
	if (!ret && out->action_result.len > CACHE_ENTRY_MAX)
		ret = err_set(err, EFBIG, "the result is too large");
	strv_release(&names);
	buf_release(&record);
	buf_release(&metadata);
	if (ret)
		cache_entry_release(out);
	return ret;
}

/* Parse the path of a file of the ActionResult.  Returns false if unknown. */
static bool parse_path(struct cache_entry_item *out, struct bytes path)
{
	bool found = false;

	for (int i = 0; i < WIRE_N_OUTPUTS && !found; i++) {
		for (int k = 0; k < 2 && !found; k++) {
			char *want;

			out->output = (enum wire_output)i;
			out->compressed = k;
			want = item_path(out);
			found = bytes_equal(path, bytes_str(want));
			free(want);
		}
	}
	return found;
}

/* Set the items from the files, which must be the outputs with a digest. */
static int take_files(struct cache_entry *e,
		      const struct cache_action_result *r,
		      struct digest blobs[static WIRE_N_OUTPUTS])
{
	for (size_t i = 0; i < r->n_files; i++) {
		const struct cache_action_result_file *f = &r->files[i];
		struct cache_entry_item item = { .digest = f->digest,
						 .size_bytes = f->size_bytes };
		uint32_t size;

		if (!parse_path(&item, f->path) ||
		    !digest_is_set(&blobs[item.output]))
			return -EBADMSG;
		size = e->result.wire.output_bytes[item.output];
		if (item.compressed ? f->size_bytes > size :
				      f->size_bytes != size)
			return -EBADMSG;
		item.output_digest = blobs[item.output];
		/* Each output must have one file. */
		blobs[item.output] = (struct digest){ 0 };
		e->items[e->n_items++] = item;
	}
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		if (digest_is_set(&blobs[i]))
			return -EBADMSG;
	}
	return 0;
}

/* Check the signature, and set the signer. */
static int check_signature(struct cache_entry *e, const struct digest *key,
			   const struct cache_action_result *r,
			   const struct digest *trust, size_t n_trust)
{
	const uint8_t *public = r->metadata.data + 1;
	struct buf message = { 0 };
	bool trusted = false, good;

	if (!tls_key_fingerprint_of(public, &e->signer))
		return -EBADMSG;
	for (size_t i = 0; i < n_trust; i++)
		trusted |= digest_equal(&trust[i], &e->signer);
	if (!trusted)
		return -EKEYREJECTED;
	make_signed_message(&message, key, r,
			    bytes_of(r->metadata.data + HEAD_SIZE,
				     r->metadata.len - HEAD_SIZE));
	good = tls_key_verify(public, buf_bytes(&message),
			      public + TLS_KEY_PUBLIC_SIZE);
	buf_release(&message);
	return good ? 0 : -EBADMSG;
}

static int decode_metadata(struct cache_entry *out, const struct digest *key,
			   const struct cache_action_result *r,
			   const struct digest *trust, size_t n_trust)
{
	struct digest blobs[WIRE_N_OUTPUTS] = { 0 };
	struct buf record = { 0 };
	struct reader reader;
	uint32_t size;
	int ret;

	if (!r->metadata.len || r->metadata.data[0] != VERSION)
		return -ENOMSG;
	if (r->metadata.len < HEAD_SIZE)
		return -EBADMSG;
	ret = check_signature(out, key, r, trust, n_trust);
	if (ret)
		return ret;
	reader_init(&reader, bytes_of(r->metadata.data + HEAD_SIZE,
				      r->metadata.len - HEAD_SIZE));
	size = reader_u32(&reader);
	if (reader.bad || size > STORE_RECORD_MAX || r->exit_code)
		return -EBADMSG;
	ret = decompress(&record, bytes_of(reader.p, reader.left), size);
	if (!ret)
		ret = cache_record_decode(buf_bytes(&record),
					  CACHE_RECORD_REMOTE_INLINE_MAX,
					  &out->result, blobs);
	if (!ret)
		ret = take_files(out, r, blobs);
	buf_release(&record);
	return ret;
}

int cache_entry_decode(struct cache_entry *out, const struct digest *key,
		       struct bytes action_result, const struct digest *trust,
		       size_t n_trust)
{
	struct cache_action_result r;
	int ret = cache_action_result_decode(&r, action_result);
	struct digest signer;

	*out = (struct cache_entry){ 0 };
	if (!ret)
		ret = decode_metadata(out, key, &r, trust, n_trust);
	if (ret) {
		signer = out->signer;
		cache_entry_release(out);
		out->signer = signer;
	}
	return ret;
}

int cache_entry_add_item(struct cache_entry *e,
			 const struct cache_entry_item *item,
			 struct bytes content)
{
	struct buf *to = &e->result.streams[item->output];
	struct digest d;

	digest_bytes(content, &d);
	if (content.len != item->size_bytes || !digest_equal(&d, &item->digest))
		return -EBADMSG;
	if (item->compressed)
		return decompress(to, content,
				  e->result.wire.output_bytes[item->output]);
	buf_add_bytes(to, content);
	return 0;
}
