/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/key.h"

#include "../lib/test.h"
#include "fetch-keys.h"

#define DAY_2021_06_01 1622505600

/*
 * A file of tests/toolchain/signatures.sh, the pinned key (which is also the
 * keyring), the expected result, and the forms in which the file exists.
 */
static const struct signed_file {
	const char *name, *key;
	int answer;
	bool text, detached;
	bool expired;
} files[] = {
	{ "good", "sums", 0, true, true, false },
	{ "tar", "tar", 0, true, true, false }, /* by a subkey */
	{ "around", "sums", 0, true, false, false },
	{ "expired", "expired", 0, true, true, true },
	{ "primary", "twice", 0, true, true, true },
	{ "subkey", "twice", 0, true, true, true },
	{ "late", "late", -EKEYEXPIRED, true, true, false },
	{ "revoked", "revoked", -EKEYREVOKED, true, true, false },
	{ "old", "sums", -EKEYEXPIRED, true, true, false },
	{ "other", "sums", -ENOKEY, true, true, false },
	{ "both", "sums", -EKEYREJECTED, true, true, false },
	{ "double", "sums", -EKEYREJECTED, true, true, false },
	{ "edited", "sums", -EKEYREJECTED, true, false, false },
	{ "header", "sums", -EKEYREJECTED, true, false, false },
	{ "unsigned", "sums", -EKEYREJECTED, true, false, false },
	{ "plain", "sums", -EKEYREJECTED, true, false, false },
	{ "cut", "sums", -EKEYREJECTED, false, true, false },
	{ "page", "sums", -EKEYREJECTED, false, true, false },
};

static char *keyring_of(const char *key)
{
	return xasprintf("%s/keys/%s.gpg", keys_dir, key);
}

static void check_signature(const struct signed_file *f, const char *pin,
			    const struct fetch_signature *got)
{
	ck_assert_str_eq(got->fingerprint, pin);
	ck_assert_uint_eq(strlen(got->signing_key), 40);
	ck_assert_int_eq(got->key_expired, f->expired);
	if (!strcmp(f->name, "expired"))
		ck_assert_int_ge(got->made_s, DAY_2021_06_01);
	if (!strcmp(f->name, "tar"))
		ck_assert_str_ne(got->signing_key, pin);
}

FIXTURE_ONCE(keys_make, keys_remove);

TEST_EACH(verify_text_returns_only_the_signed_text, files)
{
	char pin[FETCH_FINGERPRINT_SIZE],
		*name = xasprintf("%s.asc", row->name);
	char *keyring = keyring_of(row->key);
	struct fetch_signature got = { .made_s = 42 };
	struct buf in, out = { 0 };
	struct err err = { 0 };
	int ret;

	if (row->text) {
		in = keys_read(name);
		keys_fingerprint(row->key, pin);
		ret = fetch_gpgv_verify_text(keyring, pin, buf_bytes(&in), &out,
					     &got, &err);
		ck_assert_msg(ret == row->answer, "%s: %d, %s", row->name, ret,
			      err.text);
		if (!ret) {
			ck_assert_str_eq(buf_str(&out),
					 "first line\n- dash\nFrom here\n"
					 "last\n");
			check_signature(row, pin, &got);
		} else {
			ck_assert_uint_eq(out.len, 0);
			ck_assert_int_eq(got.made_s, 42);
			ck_assert_str_ne(err.text, "");
		}
		buf_release(&in);
		buf_release(&out);
	}
	free(keyring);
	free(name);
}

/* Pass the file in pieces of `step` bytes. */
static int check_detached(const char *key, struct bytes signature,
			  struct bytes data, size_t step,
			  struct fetch_signature *got, struct err *err)
{
	char pin[FETCH_FINGERPRINT_SIZE], *keyring = keyring_of(key);
	struct fetch_gpgv_stream *s;
	int ret;

	keys_fingerprint(key, pin);
	ret = fetch_gpgv_stream_start(&s, keyring, pin, signature, err);
	ck_assert_msg(!ret, "%s", err->text);
	while (data.len && !ret) {
		size_t n = data.len < step ? data.len : step;

		ret = fetch_gpgv_stream_feed(s, bytes_of(data.data, n), err);
		data = bytes_of(data.data + n, data.len - n);
	}
	if (ret) {
		struct err again = { 0 };

		ck_assert_int_eq(fetch_gpgv_stream_finish(s, got, &again), ret);
		ck_assert_str_eq(err->text, again.text);
	} else {
		ret = fetch_gpgv_stream_finish(s, got, err);
	}
	fetch_gpgv_stream_free(s);
	free(keyring);
	return ret;
}

TEST_EACH(a_detached_signature_is_checked_against_streamed_data, files)
{
	char pin[FETCH_FINGERPRINT_SIZE],
		*name = xasprintf("%s.sig", row->name);
	struct fetch_signature got = { .made_s = 42 };
	struct buf signature, data;
	struct err err = { 0 };
	int ret;

	if (row->detached) {
		signature = keys_read(name);
		data = keys_read("data");
		ret = check_detached(row->key, buf_bytes(&signature),
				     buf_bytes(&data), 60000, &got, &err);
		ck_assert_msg(ret == row->answer, "%s: %d, %s", row->name, ret,
			      err.text);
		keys_fingerprint(row->key, pin);
		if (!ret)
			check_signature(row, pin, &got);
		else
			ck_assert_int_eq(got.made_s, 42);
		buf_release(&signature);
		buf_release(&data);
	}
	free(name);
}

TEST(data_with_a_changed_bit_or_a_missing_byte_is_rejected)
{
	struct fetch_signature got;
	struct buf signature = keys_read("good.sig"), data = keys_read("data");
	struct err err = { 0 };

	for (size_t i = 0; i < data.len; i += data.len / 5) {
		data.data[i] ^= 1;
		ck_assert_int_eq(check_detached("sums", buf_bytes(&signature),
						buf_bytes(&data), 1 << 20, &got,
						&err),
				 -EKEYREJECTED);
		data.data[i] ^= 1;
	}
	ck_assert_int_eq(check_detached("sums", buf_bytes(&signature),
					bytes_of(data.data, data.len - 1),
					1 << 20, &got, &err),
			 -EKEYREJECTED);
	buf_release(&signature);
	buf_release(&data);
}

TEST(a_corrupted_text_is_rejected_or_yields_the_signed_text)
{
	struct buf in = keys_read("good.asc");
	char pin[FETCH_FINGERPRINT_SIZE], *keyring = keyring_of("sums");

	keys_fingerprint("sums", pin);
	for (size_t i = 3; i < in.len; i += 1 + in.len / 40) {
		struct buf out = { 0 };
		struct err err = { 0 };
		int ret;

		in.data[i] ^= 2;
		ret = fetch_gpgv_verify_text(keyring, pin, buf_bytes(&in), &out,
					     NULL, &err);
		if (ret)
			ck_assert_uint_eq(out.len, 0);
		else
			ck_assert_str_eq(buf_str(&out),
					 "first line\n- dash\nFrom here\n"
					 "last\n");
		in.data[i] ^= 2;
		buf_release(&out);
	}
	free(keyring);
	buf_release(&in);
}

TEST(a_key_of_the_keyring_that_is_not_pinned_is_rejected)
{
	struct buf in = keys_read("other.asc"), out = { 0 };
	char pin[FETCH_FINGERPRINT_SIZE], *keyring = keyring_of("other");
	struct err err = { 0 };

	keys_fingerprint("sums", pin);
	ck_assert_int_eq(fetch_gpgv_verify_text(keyring, pin, buf_bytes(&in),
						&out, NULL, &err),
			 -EKEYREJECTED);
	text_has(err.text, pin);
	ck_assert_uint_eq(out.len, 0);
	free(keyring);
	buf_release(&in);
}

/* gpgv exits without reading more than a pipe holds; no SIGPIPE occurs. */
TEST(a_gpgv_that_ends_early_is_an_error)
{
	uint8_t *zeros = xcalloc(1, 4 << 20);
	struct buf page = keys_read("page.sig");
	struct fetch_signature got;
	struct err err = { 0 };

	signal(SIGPIPE, SIG_DFL);
	err_is(check_detached("sums", buf_bytes(&page),
			      bytes_of(zeros, 4 << 20), 4 << 20, &got, &err),
	       -EKEYREJECTED, "no signature");
	buf_release(&page);
	free(zeros);
}

TEST(freeing_an_unfinished_stream_leaves_no_child_process)
{
	char pin[FETCH_FINGERPRINT_SIZE], *keyring = keyring_of("sums");
	struct buf signature = keys_read("good.sig");
	struct fetch_gpgv_stream *s;
	struct err err = { 0 };

	keys_fingerprint("sums", pin);
	must(fetch_gpgv_stream_start(&s, keyring, pin, buf_bytes(&signature),
				     &err));
	fetch_gpgv_stream_free(s);
	must(fetch_gpgv_stream_start(&s, keyring, pin, buf_bytes(&signature),
				     &err));
	must(fetch_gpgv_stream_feed(s, bytes_str("some"), &err));
	fetch_gpgv_stream_free(s);
	fetch_gpgv_stream_free(NULL);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	buf_release(&signature);
	free(keyring);
}

TEST(a_missing_keyring_or_gpgv_is_named)
{
	char pin[FETCH_FINGERPRINT_SIZE], *keyring = keyring_of("sums");
	struct buf out = { 0 };
	struct err err = { 0 };

	keys_fingerprint("sums", pin);
	ck_assert_int_eq(fetch_gpgv_verify_text("/no/such.gpg", pin,
						bytes_str("x"), &out, NULL,
						&err),
			 -EIO);
	text_has(err.text, "/no/such.gpg");
	ck_assert_int_eq(fetch_gpgv_verify_text(keyring, "8888", bytes_str("x"),
						&out, NULL, &err),
			 -EINVAL);
	setenv("PATH", keys_dir, 1);
	ck_assert_int_eq(fetch_gpgv_verify_text(keyring, pin, bytes_str("x"),
						&out, NULL, &err),
			 -ENOPKG);
	text_has(err.text, "package gpgv");
	free(keyring);
}
