/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
/* REAPI's ActionResult in the encoding of Protocol Buffers. */
#include "cache/action-result.h"

#include "../lib/test.h"

/* SHA-256 of "abc" (FIPS 180-2, B.1). */
#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define TYPE "%type.googleapis.com/kfarm.CacheResult"

/*
 * protoc 3.21 encodes this message as follows:
 *
 * output_files { path: "object.zst" digest { hash: HASH size_bytes: 300 } }
 * output_files { path: "side-0" digest { hash: HASH size_bytes: 5000000000 } }
 * exit_code: -3
 * execution_metadata { worker: "kfarm" auxiliary_metadata {
 *	type_url: TYPE value: "abc\000\377" } }
 */
static const char encoded[] = "\x12\x53\x0a\x0aobject.zst\x12\x45\x0a\x40" HASH
			      "\x10\xac\x02"
			      "\x12\x52\x0a\x06side-0\x12\x48\x0a\x40" HASH
			      "\x10\x80\xe4\x97\xd0\x12"
			      "\x20\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x01"
			      "\x4a\x37\x0a\x05kfarm\x5a\x2e\x0a" TYPE
			      "\x12\x05"
			      "abc\x00\xff";

/*
 * output_files { path: "object.zst" digest { hash: HASH size_bytes: 300 }
 *	is_executable: true contents: "xyz" }
 * exit_code: 7 stdout_raw: "out"
 * stdout_digest { hash: HASH size_bytes: 3 } stderr_raw: "err"
 * execution_metadata { worker: "w"
 *	auxiliary_metadata { type_url: "type.googleapis.com/other" value: "no" }
 *	auxiliary_metadata { type_url: TYPE value: "abc" } }
 *
 * Then fields that no version has, of each type.
 */
static const char with_other_fields[] =
	"\x12\x5a\x0a\x0aobject.zst\x12\x45\x0a\x40" HASH "\x10\xac\x02"
	"\x20\x01\x2a\x03xyz\x20\x07\x2a\x03out\x32\x44\x0a\x40" HASH
	"\x10\x03\x3a\x03"
	"errJR\x0a\x01wZ\x1f\x0a\x19type.googleapis.com/other\x12\x02no"
	"\x5a\x2c\x0a" TYPE "\x12\x03"
	"abc"
	"\xf8\x07\x05\xf9\x07"
	"12345678\xfa\x07\x02xx\xfd\x07"
	"1234";

#define BYTES(literal) bytes_of(literal, sizeof(literal) - 1)

TEST(a_result_is_encoded_like_protoc_encodes_it)
{
	struct cache_action_result r = { .n_files = 2,
					 .exit_code = -3,
					 .worker = bytes_str("kfarm"),
					 .metadata = BYTES("abc\x00\xff") };
	struct buf out = { 0 };

	r.files[0].path = bytes_str("object.zst");
	r.files[0].size_bytes = 300;
	r.files[1].path = bytes_str("side-0");
	r.files[1].size_bytes = 5000000000;
	ck_assert(digest_parse(&r.files[0].digest, HASH));
	r.files[1].digest = r.files[0].digest;
	cache_action_result_encode(&out, &r);
	ck_assert(bytes_equal(buf_bytes(&out), BYTES(encoded)));
	buf_release(&out);
}

static void expect_output_file(const struct cache_action_result_file *f,
			       const char *path, uint64_t size)
{
	struct digest want;

	ck_assert(digest_parse(&want, HASH));
	ck_assert(digest_equal(&f->digest, &want));
	ck_assert(bytes_equal(f->path, bytes_str(path)));
	ck_assert_uint_eq(f->size_bytes, size);
}

TEST(a_result_is_decoded)
{
	struct cache_action_result r;

	ck_assert_int_eq(cache_action_result_decode(&r, BYTES(encoded)), 0);
	ck_assert_uint_eq(r.n_files, 2);
	expect_output_file(&r.files[0], "object.zst", 300);
	expect_output_file(&r.files[1], "side-0", 5000000000);
	ck_assert_int_eq(r.exit_code, -3);
	ck_assert(bytes_equal(r.worker, bytes_str("kfarm")));
	ck_assert(bytes_equal(r.metadata, BYTES("abc\x00\xff")));
}

TEST(other_fields_are_skipped)
{
	struct cache_action_result r;

	ck_assert_int_eq(
		cache_action_result_decode(&r, BYTES(with_other_fields)), 0);
	ck_assert_uint_eq(r.n_files, 1);
	expect_output_file(&r.files[0], "object.zst", 300);
	ck_assert_int_eq(r.exit_code, 7);
	ck_assert(bytes_equal(r.worker, bytes_str("w")));
	ck_assert(bytes_equal(r.metadata, bytes_str("abc")));
}

/* A message is cut inside a field, or between fields. */
TEST(a_truncated_message_is_valid_only_between_fields)
{
	size_t n_valid = 0;

	for (size_t len = 0; len < sizeof(with_other_fields) - 1; len++) {
		/* A copy, so that ASan finds a read beyond its end. */
		char *copy = xcalloc(1, len + 1);
		struct cache_action_result r;

		copy = realloc(copy, len ? len : 1);
		memcpy(copy, with_other_fields, len);
		n_valid += !cache_action_result_decode(&r, bytes_of(copy, len));
		free(copy);
	}
	/* Ten fields precede the last one; the first prefix is empty. */
	ck_assert_uint_eq(n_valid, 10);
}

static const struct malformed {
	const char *name;
	struct bytes bytes;
} malformed[] = {
	{ "field number 0", { (const uint8_t *)"\x02\x00", 2 } },
	{ "a start of a group", { (const uint8_t *)"\x0b", 1 } },
	{ "an end of a group", { (const uint8_t *)"\x0c", 1 } },
	{ "type 6", { (const uint8_t *)"\x0e\x00", 2 } },
	{ "a length beyond the end", { (const uint8_t *)"\x2a\x05xxxx", 6 } },
	{ "a length of 2^64 - 1",
	  { (const uint8_t *)"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	    11 } },
	{ "a varint of 65 bits",
	  { (const uint8_t *)"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
	    11 } },
	{ "a varint of eleven bytes",
	  { (const uint8_t *)"\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
	    12 } },
	{ "a tag of more than 32 bits",
	  { (const uint8_t *)"\x80\x80\x80\x80\x10\x00", 6 } },
	{ "a file without a digest",
	  { (const uint8_t *)"\x12\x02\x0a\x00", 4 } },
	{ "a digest of another length",
	  { (const uint8_t *)"\x12\x06\x12\x04\x0a\x02"
			     "ab",
	    8 } },
};

TEST_EACH(a_malformed_message_is_rejected, malformed)
{
	struct cache_action_result r;

	ck_assert_int_eq(cache_action_result_decode(&r, row->bytes), -EBADMSG);
}

TEST(too_many_files_are_rejected)
{
	struct cache_action_result r = { 0 };
	struct buf out = { 0 };

	r.n_files = CACHE_ACTION_RESULT_FILES_MAX;
	for (size_t i = 0; i < r.n_files; i++)
		ck_assert(digest_parse(&r.files[i].digest, HASH));
	cache_action_result_encode(&out, &r);
	ck_assert_int_eq(cache_action_result_decode(&r, buf_bytes(&out)), 0);
	r.n_files = 1;
	cache_action_result_encode(&out, &r);
	ck_assert_int_eq(cache_action_result_decode(&r, buf_bytes(&out)),
			 -EBADMSG);
	buf_release(&out);
}
