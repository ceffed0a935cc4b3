/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/*
 * Verification of local archives and their signatures.
 * tests/toolchain/install.sh tests signed lists of checksums.
 */
#include "toolchain/verify.h"

#include "../lib/test.h"
#include "fetch-keys.h"
#include "fetch/download.h"

static char *dir, *data, *file, *sign;
static char pin[FETCH_FINGERPRINT_SIZE];
static struct strv keys, notes;
static struct buf content;
static struct toolchain_install_request order;
static struct toolchain_verify v;
static struct toolchain_installed t;
static struct digest digest;
static struct err err;

/* Sign `data` of the signatures as the archive `name`, by `key`. */
static void signed_as(const char *name, const char *key)
{
	char *from = keys_path(name), *key_name, *key_path;

	key_name = xasprintf("keys/%s.asc", key);
	key_path = keys_path(key_name);
	strv_release(&keys);
	strv_add(&keys, key_path);
	keys_fingerprint(key, pin);
	must(fs_copy(from, sign, &err));
	free(key_path);
	free(key_name);
	free(from);
}

static void set_up(void)
{
	char *from = keys_path("data");

	dir = xasprintf("%s/vouch.%d", keys_dir, (int)getpid());
	data = xasprintf("%s/data", dir);
	file = xasprintf("%s/a.tar", dir);
	sign = xasprintf("%s/a.tar.sign", dir);
	must(fs_mkdirs(data, 0755, &err));
	must(fs_copy(from, file, &err));
	content = keys_read("data");
	digest_bytes(buf_bytes(&content), &digest);
	order = (struct toolchain_install_request){
		.data_dir = data,
		.archive_path = file,
		.tar_key = pin,
		.key_files = &keys,
		.notes = &notes,
	};
	free(from);
}

static void tear_down(void)
{
	toolchain_verify_release(&v);
	toolchain_installed_release(&t);
	strv_release(&keys);
	strv_release(&notes);
	buf_release(&content);
	free(sign);
	free(file);
	free(data);
	free(dir);
}

/* Run all steps in the order of an installation. */
static int verify_archive(void)
{
	int ret = toolchain_verify_prepare(&v, &order, &err);

	if (!ret)
		ret = toolchain_verify_stream_start(&v, &err);
	if (!ret)
		ret = toolchain_verify_stream_feed(&v, buf_bytes(&content),
						   &err);
	return ret ? ret : toolchain_verify_finish(&v, &digest, &t, &err);
}

FIXTURE_ONCE(keys_make, keys_remove);
FIXTURE(set_up, tear_down);

TEST_RANGE(a_signature_is_enough, 0, 2)
{
	signed_as("good.sig", "sums");
	order.strict = _i;
	ck_assert_msg(!verify_archive(), "%s", err.text);
	ck_assert_str_eq(t.tar_key, pin);
	ck_assert_ptr_null(t.sums_key);
	ck_assert(!t.sha256_given && !t.insecure);
	ck_assert_uint_eq(notes.n, 0);
}

TEST(a_digest_is_enough)
{
	order.sha256 = &digest;
	ck_assert_int_eq(verify_archive(), 0);
	ck_assert(t.sha256_given && !t.insecure);
	ck_assert_ptr_null(t.tar_key);
}

TEST(both_must_agree)
{
	struct digest other;

	signed_as("good.sig", "sums");
	order.sha256 = &digest;
	ck_assert_int_eq(verify_archive(), 0);
	ck_assert(t.sha256_given);
	ck_assert_str_eq(t.tar_key, pin);
	digest_bytes(bytes_str("x"), &other);
	toolchain_verify_release(&v);
	toolchain_installed_release(&t);
	order.sha256 = &other;
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
	toolchain_verify_release(&v);
	order.sha256 = &digest;
	buf_add_str(&content, "more");
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
	text_has(err.text, ".tar.sign");
}

static const struct {
	const char *sign, *key;
	int ret;
} cases[] = {
	{ "other.sig", "sums", -ENOKEY },
	{ "revoked.sig", "revoked", -EKEYREVOKED },
	{ "late.sig", "late", -EKEYEXPIRED },
	{ "old.sig", "sums", -EKEYEXPIRED },
	{ "page.sig", "sums", -EKEYREJECTED },
	{ "cut.sig", "sums", -EKEYREJECTED },
	{ "double.sig", "sums", -EKEYREJECTED },
};

/* Even if no signature is required. */
TEST_RANGE(a_bad_signature_refuses, 0, 2 * sizeof(cases) / sizeof(*cases))
{
	int ret;

	signed_as(cases[_i / 2].sign, cases[_i / 2].key);
	order.insecure = _i % 2;
	if (_i % 2)
		order.sha256 = &digest;
	ret = verify_archive();
	ck_assert_msg(ret == cases[_i / 2].ret, "%s: %d %s", cases[_i / 2].sign,
		      ret, err.text);
	ck_assert_msg(strstr(err.text, ".tar.sign") != NULL, "%s", err.text);
}

static const struct {
	const char *fingerprint;
	bool is_clang;
} built_in_keys[] = {
	{ "88AFCD206B1611957187F16B60AB47FFC9095227", false },
	{ "2437CB76E544CB6AB3D9DFD399739260CB6CB716", true },
};

/* The cancelled request downloads no key, so the note names the missing key. */
TEST_EACH(gcc_and_clang_have_different_built_in_keys, built_in_keys)
{
	static const atomic_bool cancelled = true;
	struct fetch_options offline = { .cancelled = &cancelled };

	signed_as("good.sig", "sums");
	order.tar_key = NULL;
	order.release.is_clang = row->is_clang;
	order.sha256 = &digest;
	order.fetch_options = &offline;
	must(verify_archive());
	ck_assert_ptr_null(t.tar_key);
	ck_assert_uint_eq(notes.n, 1);
	text_has(notes.v[0], row->fingerprint);
}

TEST(a_key_that_has_expired_since_is_named)
{
	signed_as("expired.sig", "expired");
	ck_assert_msg(!verify_archive(), "%s", err.text);
	ck_assert_uint_eq(notes.n, 1);
	text_has(notes.v[0], pin);
}

TEST(nothing_is_not_enough)
{
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
	text_has(err.text, "--insecure");
	text_has(err.text, "--file FILE --sha256 HEX");
	order.insecure = true;
	ck_assert_int_eq(verify_archive(), 0);
	ck_assert(t.insecure);
	toolchain_verify_release(&v);
	order.strict = true;
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
}

/* A download that restarts. */
TEST(it_can_be_fed_again)
{
	signed_as("good.sig", "sums");
	must(toolchain_verify_prepare(&v, &order, &err));
	must(toolchain_verify_stream_start(&v, &err));
	must(toolchain_verify_stream_feed(&v, bytes_str("wrong"), &err));
	must(toolchain_verify_stream_start(&v, &err));
	must(toolchain_verify_stream_feed(&v, buf_bytes(&content), &err));
	must(toolchain_verify_finish(&v, &digest, &t, &err));
}
