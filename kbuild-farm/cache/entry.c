/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/entry.h"

#include "base/str.h"
#include "store/store.h"
#include "tls/key.h"

#include <errno.h>
#include <string.h>

#define VERSION   2
#define HEAD_SIZE (1 + TLS_KEY_PUBLIC_SIZE + TLS_KEY_SIGNATURE_SIZE)

static const char *const paths[WIRE_N_OUTPUTS] = {
	[WIRE_OUTPUT_OBJECT] = "object",
	[WIRE_OUTPUT_STDOUT] = "stdout",
	[WIRE_OUTPUT_STDERR] = "stderr",
	[WIRE_OUTPUT_DEPS] = "deps",
	[WIRE_OUTPUT_AS_DEPS] = "as-deps",
	[WIRE_OUTPUT_SIDE] = "side-0",
	"side-1",
	"side-2",
	"side-3",
	"side-4",
	"side-5",
};

void cache_entry_release(struct cache_entry *e)
{
	cache_record_release_blobs(e->blobs);
	buf_release(&e->action_result);
	peer_job_result_release(&e->result);
	*e = (struct cache_entry){ 0 };
}

/* Compose the message that is signed. */
static void make_signed_message(struct buf *out, const struct digest *key,
				struct bytes record)
{
	static const char purpose[] = "kfarm cache entry";

	buf_add(out, purpose, sizeof(purpose));
	buf_put_u8(out, VERSION);
	buf_add(out, key->b, sizeof(key->b));
	buf_add_bytes(out, record);
}

/* Compose and sign the metadata. */
static int sign(struct buf *out, const struct digest *key, struct bytes record,
		const struct tls_key *signer, struct err *err)
{
	uint8_t signature[TLS_KEY_SIGNATURE_SIZE], public[TLS_KEY_PUBLIC_SIZE];
	struct buf message = { 0 };
	int ret;

	make_signed_message(&message, key, record);
	ret = tls_key_sign(signer, buf_bytes(&message), signature, err);
	tls_key_public(signer, public);
	buf_put_u8(out, VERSION);
	buf_add(out, public, sizeof(public));
	buf_add(out, signature, sizeof(signature));
	buf_add_bytes(out, record);
	buf_release(&message);
	return ret;
}

/* Add a file for each blob, and append the paths of the files to `names`. */
static void add_files(struct cache_action_result *r, struct strv *names,
		      const struct cache_entry *e,
		      const struct peer_job_result *result)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		const struct cache_blob *blob = &e->blobs[i];
		bool packed = blob->size_bytes < result->streams[i].len;

		if (!digest_is_set(&blob->digest))
			continue;
		strv_addf(names, "%s%s", paths[i], packed ? ".zst" : "");
		r->files[r->n_files++] = (struct cache_action_result_file){
			.path = bytes_str(names->v[names->n - 1]),
			.digest = blob->digest,
			.size_bytes = blob->size_bytes,
		};
	}
}

int cache_entry_encode(struct cache_entry *out, const struct digest *key,
		       const struct peer_job_result *result,
		       const struct tls_key *signer, struct err *err)
{
	struct cache_action_result r = { .worker = bytes_str("kfarm") };
	struct buf record = { 0 }, metadata = { 0 };
	struct strv names = { 0 };
	int ret;

	*out = (struct cache_entry){ 0 };
	cache_record_encode(&record, result, out->blobs);
	add_files(&r, &names, out, result);
	ret = sign(&metadata, key, buf_bytes(&record), signer, err);
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

static struct bytes record_of(const struct cache_action_result *r)
{
	return bytes_of(r->metadata.data + HEAD_SIZE,
			r->metadata.len - HEAD_SIZE);
}

static int check_signature(const struct digest *key,
			   const struct cache_action_result *r,
			   const struct digest *signer)
{
	const uint8_t *public = r->metadata.data + 1;
	struct buf message = { 0 };
	struct digest found;
	bool good;

	if (!tls_key_fingerprint_of(public, &found) ||
	    !digest_equal(&found, signer))
		return -EBADMSG;
	make_signed_message(&message, key, record_of(r));
	good = tls_key_verify(public, buf_bytes(&message),
			      public + TLS_KEY_PUBLIC_SIZE);
	buf_release(&message);
	return good ? 0 : -EBADMSG;
}

void cache_entry_address(struct digest *out, const struct digest *key,
			 const struct digest *signer)
{
	static const char purpose[] = "kfarm cache name";
	struct digest_ctx *run = digest_new();

	digest_add(run, bytes_of(purpose, sizeof(purpose)));
	digest_add(run, bytes_of(key->b, sizeof(key->b)));
	digest_add(run, bytes_of(signer->b, sizeof(signer->b)));
	digest_finish(run, out);
}

static int decode_metadata(struct cache_entry *out, const struct digest *key,
			   const struct cache_action_result *r,
			   const struct digest *signer)
{
	int ret;

	if (!r->metadata.len || r->metadata.data[0] != VERSION)
		return -ENOMSG;
	if (r->metadata.len < HEAD_SIZE || r->exit_code)
		return -EBADMSG;
	ret = check_signature(key, r, signer);
	return ret ? ret :
		     cache_record_decode(record_of(r), &out->result,
					 out->blobs);
}

int cache_entry_decode(struct cache_entry *out, const struct digest *key,
		       struct bytes action_result, const struct digest *signer)
{
	struct cache_action_result r;
	int ret = cache_action_result_decode(&r, action_result);

	*out = (struct cache_entry){ 0 };
	if (!ret)
		ret = decode_metadata(out, key, &r, signer);
	if (ret)
		cache_entry_release(out);
	return ret;
}

int cache_entry_add_output(struct cache_entry *e, int i, struct bytes content)
{
	struct digest d;

	digest_bytes(content, &d);
	if (content.len != e->blobs[i].size_bytes ||
	    !digest_equal(&d, &e->blobs[i].digest))
		return -EBADMSG;
	return cache_record_add_output(&e->result, i, content);
}
