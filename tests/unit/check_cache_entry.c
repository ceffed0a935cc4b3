/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache tls */
/* Signed results for a cache server. */
#include "cache/entry.h"

#include "../lib/test.h"
#include "store-fixture.h"
#include "tls/key.h"

static struct tls_key *alice, *mallory;
static struct digest key, trusted;
static struct err err;

static void set_up(void)
{
	play_setup();
	must(tls_key_load_or_create(&alice, "alice.pem", &err));
	must(tls_key_load_or_create(&mallory, "mallory.pem", &err));
	trusted = *tls_key_fingerprint(alice);
	digest_bytes(bytes_str("the key"), &key);
}

static void tear_down(void)
{
	tls_key_free(alice);
	tls_key_free(mallory);
	play_teardown();
}

FIXTURE(set_up, tear_down);

/* An object that cannot be compressed, and a side output that can. */
static struct peer_job_result make_result(void)
{
	struct play_blob object = play_blob(1, 70000);
	struct peer_job_result r = { .wire = { .cpu_ms = 1234,
					       .wall_ms = 2345,
					       .peak_kib = 34567,
					       .n_sides = 1 },
				     .n_side_outputs = 1 };

	buf_add(&r.streams[WIRE_OUTPUT_OBJECT], object.data, object.size);
	buf_add_str(&r.streams[WIRE_OUTPUT_STDERR], "warning: unused\n");
	buf_add_str(&r.streams[WIRE_OUTPUT_DEPS], "a.o: a.c a.h\n");
	for (int i = 0; i < 30000; i++)
		buf_add_str(&r.streams[WIRE_OUTPUT_SIDE], "text ");
	free(object.data);
	return r;
}

static struct cache_entry encode(const struct tls_key *signer)
{
	struct peer_job_result r = make_result();
	struct cache_entry e;

	must(cache_entry_encode(&e, &key, &r, signer, &err));
	peer_job_result_release(&r);
	return e;
}

static int decode(struct cache_entry *out, struct bytes in)
{
	return cache_entry_decode(out, &key, in, &trusted);
}

static void expect_rejected(struct bytes in, int ret)
{
	struct cache_entry got;

	ck_assert_int_eq(decode(&got, in), ret);
	ck_assert(!digest_is_set(&got.blobs[WIRE_OUTPUT_OBJECT].digest));
	ck_assert_ptr_null(got.result.streams[WIRE_OUTPUT_DEPS].data);
}

static const int with_blob[] = { WIRE_OUTPUT_OBJECT, WIRE_OUTPUT_SIDE };

TEST(a_signed_result_is_decoded_unchanged)
{
	struct peer_job_result want = make_result();
	struct cache_entry e = encode(alice), got;
	struct cache_action_result files;

	ck_assert_int_eq(
		cache_action_result_decode(&files, buf_bytes(&e.action_result)),
		0);
	ck_assert_uint_eq(files.n_files, 2);
	ck_assert(bytes_equal(files.files[0].path, bytes_str("object")));
	ck_assert(bytes_equal(files.files[1].path, bytes_str("side-0.zst")));
	ck_assert_uint_lt(files.files[1].size_bytes, 1000);
	ck_assert_int_eq(decode(&got, buf_bytes(&e.action_result)), 0);
	for (size_t i = 0; i < 2; i++) {
		int k = with_blob[i];

		ck_assert(digest_equal(&got.blobs[k].digest,
				       &files.files[i].digest));
		ck_assert_uint_eq(got.blobs[k].size_bytes,
				  files.files[i].size_bytes);
		ck_assert_int_eq(
			cache_entry_add_output(&got, k,
					       buf_bytes(&e.blobs[k].content)),
			0);
	}
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		ck_assert(bytes_equal(buf_bytes(&got.result.streams[i]),
				      buf_bytes(&want.streams[i])));
	ck_assert_uint_eq(got.result.wire.cpu_ms, 1234);
	ck_assert_uint_eq(got.result.n_side_outputs, 1);
	cache_entry_release(&got);
	cache_entry_release(&e);
	peer_job_result_release(&want);
}

TEST(the_result_of_another_signer_is_rejected)
{
	struct cache_entry e = encode(mallory);

	expect_rejected(buf_bytes(&e.action_result), -EBADMSG);
	cache_entry_release(&e);
}

TEST(an_address_depends_on_the_signer_and_the_key)
{
	struct digest a, m, other = key, b;

	cache_entry_address(&a, &key, tls_key_fingerprint(alice));
	cache_entry_address(&m, &key, tls_key_fingerprint(mallory));
	other.b[31] ^= 1;
	cache_entry_address(&b, &other, tls_key_fingerprint(alice));
	ck_assert(!digest_equal(&a, &m));
	ck_assert(!digest_equal(&a, &b));
	ck_assert(!digest_equal(&a, &key));
}

/* A server exchanges the results of two keys. */
TEST(the_result_of_another_key_is_rejected)
{
	struct cache_entry e = encode(alice);

	key.b[31] ^= 1;
	expect_rejected(buf_bytes(&e.action_result), -EBADMSG);
	cache_entry_release(&e);
}

/* mallory replaces the public key in his result by alice's. */
TEST(a_result_with_a_replaced_public_key_is_rejected)
{
	struct cache_entry e = encode(alice), other = encode(mallory);
	uint8_t a[TLS_KEY_PUBLIC_SIZE], m[TLS_KEY_PUBLIC_SIZE];
	uint8_t *at;

	tls_key_public(alice, a);
	tls_key_public(mallory, m);
	at = memmem(other.action_result.data, other.action_result.len, m,
		    sizeof(m));
	ck_assert_ptr_nonnull(at);
	memcpy(at, a, sizeof(a));
	expect_rejected(buf_bytes(&other.action_result), -EBADMSG);
	cache_entry_release(&other);
	cache_entry_release(&e);
}

/*
 * A changed byte is in a field that is not used, such as the files that the
 * server checks, or the result is rejected.
 */
TEST(each_changed_byte_is_rejected_or_has_no_effect)
{
	struct cache_entry e = encode(alice), got;
	struct bytes in = buf_bytes(&e.action_result);
	struct cache_action_result r;

	ck_assert_int_eq(cache_action_result_decode(&r, in), 0);
	for (size_t i = 0; i < in.len; i++) {
		const uint8_t *at = e.action_result.data + i;

		e.action_result.data[i] ^= 0x20;
		if (!decode(&got, in)) {
			ck_assert(at < r.metadata.data ||
				  at >= r.metadata.data + r.metadata.len);
			for (int k = 0; k < WIRE_N_OUTPUTS; k++)
				ck_assert(digest_equal(&got.blobs[k].digest,
						       &e.blobs[k].digest));
			cache_entry_release(&got);
		}
		e.action_result.data[i] ^= 0x20;
	}
	for (size_t len = 0; len < in.len; len++) {
		if (!decode(&got, bytes_of(in.data, len))) {
			/* Only the worker or the files are shorter. */
			ck_assert_uint_ge(len, r.metadata.len);
			cache_entry_release(&got);
		}
	}
	cache_entry_release(&e);
}

TEST(a_blob_must_have_its_size_and_digest)
{
	struct cache_entry e = encode(alice), got;

	ck_assert_int_eq(decode(&got, buf_bytes(&e.action_result)), 0);
	for (size_t i = 0; i < 2; i++) {
		int k = with_blob[i];
		struct buf *content = &e.blobs[k].content;
		struct bytes b = buf_bytes(content);

		content->data[content->len / 2] ^= 1;
		ck_assert_int_eq(cache_entry_add_output(&got, k, b), -EBADMSG);
		content->data[content->len / 2] ^= 1;
		b.len--;
		ck_assert_int_eq(cache_entry_add_output(&got, k, b), -EBADMSG);
	}
	/* The blobs are exchanged. */
	ck_assert_int_eq(cache_entry_add_output(
				 &got, with_blob[0],
				 buf_bytes(&e.blobs[with_blob[1]].content)),
			 -EBADMSG);
	cache_entry_release(&got);
	cache_entry_release(&e);
}

TEST(the_result_of_another_program_is_ignored)
{
	struct cache_action_result r = { .exit_code = 0,
					 .worker = bytes_str("bazel") };
	struct buf out = { 0 };

	cache_action_result_encode(&out, &r);
	expect_rejected(buf_bytes(&out), -ENOMSG);
	expect_rejected(bytes_of("", 0), -ENOMSG);
	buf_release(&out);
}
