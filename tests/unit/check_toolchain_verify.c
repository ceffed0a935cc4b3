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

static char *dir, *data, *file, *signature;
static char fingerprint[FETCH_FINGERPRINT_SIZE];
static struct strv keys, notes;
static struct buf content;
static struct toolchain_install_request request;
static struct toolchain_verify v;
static struct toolchain_installed t;
static struct digest digest;
static struct err err;

/*
 * Copy the signature `name` next to the archive and select the public key
 * `key`.
 */
static void use_signature(const char *name, const char *key)
{
	char *from = keys_path(name), *key_name, *key_path;

	key_name = xasprintf("keys/%s.asc", key);
	key_path = keys_path(key_name);
	strv_release(&keys);
	strv_add(&keys, key_path);
	keys_fingerprint(key, fingerprint);
	must(fs_copy(from, signature, &err));
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
	signature = xasprintf("%s/a.tar.sign", dir);
	must(fs_mkdirs(data, 0755, &err));
	must(fs_copy(from, file, &err));
	content = keys_read("data");
	digest_bytes(buf_bytes(&content), &digest);
	request = (struct toolchain_install_request){
		.data_dir = data,
		.archive_path = file,
		.tar_key = fingerprint,
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
	free(signature);
	free(file);
	free(data);
	free(dir);
}

/* Run all steps in the order of an installation. */
static int verify_archive(void)
{
	int ret = toolchain_verify_prepare(&v, &request, &err);

	if (!ret)
		ret = toolchain_verify_stream_start(&v, &err);
	if (!ret)
		ret = toolchain_verify_stream_feed(&v, buf_bytes(&content),
						   &err);
	return ret ? ret : toolchain_verify_finish(&v, &digest, &t, &err);
}

FIXTURE_ONCE(keys_make, keys_remove);
FIXTURE(set_up, tear_down);

TEST_RANGE(a_valid_signature_is_sufficient, 0, 2)
{
	use_signature("good.sig", "sums");
	request.strict = _i;
	ck_assert_msg(!verify_archive(), "%s", err.text);
	ck_assert_str_eq(t.tar_key, fingerprint);
	ck_assert_ptr_null(t.sums_key);
	ck_assert(!t.sha256_given && !t.insecure);
	ck_assert_uint_eq(notes.n, 0);
}

TEST(a_matching_digest_is_sufficient)
{
	request.sha256 = &digest;
	ck_assert_int_eq(verify_archive(), 0);
	ck_assert(t.sha256_given && !t.insecure);
	ck_assert_ptr_null(t.tar_key);
}

TEST(digest_and_signature_must_both_match)
{
	struct digest other;

	use_signature("good.sig", "sums");
	request.sha256 = &digest;
	ck_assert_int_eq(verify_archive(), 0);
	ck_assert(t.sha256_given);
	ck_assert_str_eq(t.tar_key, fingerprint);
	digest_bytes(bytes_str("x"), &other);
	toolchain_verify_release(&v);
	toolchain_installed_release(&t);
	request.sha256 = &other;
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
	toolchain_verify_release(&v);
	request.sha256 = &digest;
	buf_add_str(&content, "more");
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
	text_has(err.text, ".tar.sign");
}

static const struct {
	const char *signature, *key;
	int ret;
} bad_signatures[] = {
	{ "other.sig", "sums", -ENOKEY },
	{ "revoked.sig", "revoked", -EKEYREVOKED },
	{ "late.sig", "late", -EKEYEXPIRED },
	{ "old.sig", "sums", -EKEYEXPIRED },
	{ "page.sig", "sums", -EKEYREJECTED },
	{ "cut.sig", "sums", -EKEYREJECTED },
	{ "double.sig", "sums", -EKEYREJECTED },
};

/* Every second run sets `insecure` and gives the digest of the archive. */
TEST_RANGE(a_bad_signature_is_rejected_even_if_insecure_is_set, 0,
	   2 * sizeof(bad_signatures) / sizeof(*bad_signatures))
{
	int ret;

	use_signature(bad_signatures[_i / 2].signature,
		      bad_signatures[_i / 2].key);
	request.insecure = _i % 2;
	if (_i % 2)
		request.sha256 = &digest;
	ret = verify_archive();
	ck_assert_msg(ret == bad_signatures[_i / 2].ret, "%s: %d %s",
		      bad_signatures[_i / 2].signature, ret, err.text);
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

	use_signature("good.sig", "sums");
	request.tar_key = NULL;
	request.release.is_clang = row->is_clang;
	request.sha256 = &digest;
	request.fetch_options = &offline;
	must(verify_archive());
	ck_assert_ptr_null(t.tar_key);
	ck_assert_uint_eq(notes.n, 1);
	text_has(notes.v[0], row->fingerprint);
}

TEST(a_note_names_a_key_that_expired_after_signing)
{
	use_signature("expired.sig", "expired");
	ck_assert_msg(!verify_archive(), "%s", err.text);
	ck_assert_uint_eq(notes.n, 1);
	text_has(notes.v[0], fingerprint);
}

TEST(an_unverified_archive_is_accepted_only_if_insecure_is_set)
{
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
	text_has(err.text, "--insecure");
	text_has(err.text, "--file FILE --sha256 HEX");
	request.insecure = true;
	ck_assert_int_eq(verify_archive(), 0);
	ck_assert(t.insecure);
	toolchain_verify_release(&v);
	request.strict = true;
	ck_assert_int_eq(verify_archive(), -EKEYREJECTED);
}

/* The download restarts after wrong data. */
TEST(a_restarted_stream_is_verified_from_its_start)
{
	use_signature("good.sig", "sums");
	must(toolchain_verify_prepare(&v, &request, &err));
	must(toolchain_verify_stream_start(&v, &err));
	must(toolchain_verify_stream_feed(&v, bytes_str("wrong"), &err));
	must(toolchain_verify_stream_start(&v, &err));
	must(toolchain_verify_stream_feed(&v, buf_bytes(&content), &err));
	must(toolchain_verify_finish(&v, &digest, &t, &err));
}
