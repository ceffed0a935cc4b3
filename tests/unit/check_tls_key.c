/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */
#include "../lib/test.h"

#include "tls/key.h"

static char *dir;
static struct err err;

static void setup(void)
{
	dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

static struct digest load_fingerprint(const char *path)
{
	struct tls_key *key = NULL;
	struct digest pin;

	must(tls_key_load(&key, path, &err));
	pin = *tls_key_fingerprint(key);
	tls_key_free(key);
	return pin;
}

static void create(const char *path)
{
	struct tls_key *key;

	must(tls_key_load_or_create(&key, path, &err));
	tls_key_free(key);
}

static void expect_load_error(int code, const char *path, const char *words)
{
	struct tls_key *key = NULL;

	err_is(tls_key_load(&key, path, &err), code, "%s: %s", path, words);
	ck_assert_ptr_null(key);
}

FIXTURE(setup, teardown);

TEST(a_key_is_created_once_with_mode_0600)
{
	struct strv names = { 0 };
	struct digest pin;
	struct stat st, again;

	umask(0);
	create("key.pem");
	ck_assert_int_eq(stat("key.pem", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	pin = load_fingerprint("key.pem");
	create("key.pem");
	ck_assert_int_ne(digest_compare(&pin, &(struct digest){ 0 }), 0);
	ck_assert_int_eq(
		digest_compare(&pin, &(struct digest[]){ load_fingerprint(
					     "key.pem") }[0]),
		0);
	/* The file is the same. */
	ck_assert_int_eq(stat("key.pem", &again), 0);
	ck_assert_uint_eq(again.st_ino, st.st_ino);
	/* No temporary file is left next to it. */
	ck_assert_int_eq(fs_list(".", &names), 0);
	ck_assert_uint_eq(names.n, 1);
	strv_release(&names);
}

TEST(two_created_keys_differ)
{
	struct digest one, two;

	create("one");
	create("two");
	one = load_fingerprint("one");
	two = load_fingerprint("two");
	ck_assert(!digest_equal(&one, &two));
}

TEST(concurrent_calls_of_load_or_create_return_the_same_key)
{
	struct digest pin, want;
	struct tls_key *key;
	char *command;
	int status;

	for (int i = 0; i < 8; i++) {
		if (fork())
			continue;
		if (tls_key_load_or_create(&key, "key.pem", &err))
			_exit(1);
		command = xasprintf("%d", i);
		_exit(fs_write(command,
			       bytes_of(tls_key_fingerprint(key), DIGEST_SIZE),
			       0600, &err) ?
			      1 :
			      0);
	}
	while (wait(&status) > 0)
		ck_assert_int_eq(status, 0);
	pin = load_fingerprint("key.pem");
	for (int i = 0; i < 8; i++) {
		char name[2] = { (char)('0' + i) };
		struct buf b = { 0 };

		must(fs_read(name, 64, &b, &err));
		memcpy(&want, b.data, DIGEST_SIZE);
		ck_assert(digest_equal(&want, &pin));
		buf_release(&b);
	}
}

TEST(a_key_accessible_by_others_is_rejected)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0611 };

	create("key.pem");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		ck_assert_int_eq(chmod("key.pem", modes[i]), 0);
		expect_load_error(
			-EPERM, "key.pem",
			"private key is accessible by group or others; run "
			"`chmod 600 key.pem`, and replace the key if "
			"another user may have read it");
	}
	ck_assert_int_eq(chmod("key.pem", 0400), 0);
	load_fingerprint("key.pem");
}

/* Commands that create a file without a valid key. */
static const char *const invalid_keys[] = {
	": >key.pem",
	"echo nonsense >key.pem",
	"openssl genpkey -algorithm X25519 -out key.pem 2>/dev/null",
	"openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
	"openssl genpkey -algorithm ED448 -out key.pem 2>/dev/null",
	"openssl genpkey -algorithm ED25519 -aes128 -pass pass:a -out key.pem",
	"openssl genpkey -algorithm ED25519 | head -n 2 >key.pem",
	"openssl genpkey -algorithm ED25519 | openssl pkey -pubout "
	"-out key.pem",
	"head -c 100000 /dev/zero >key.pem",
};

TEST_EACH(a_file_without_an_ed25519_private_key_is_rejected, invalid_keys)
{
	ck_assert_int_eq(system(*row), 0);
	ck_assert_int_eq(chmod("key.pem", 0600), 0);
	expect_load_error(
		-EINVAL, "key.pem",
		"not an unencrypted Ed25519 key; remove the file to generate "
		"a new key");
}

TEST(special_and_missing_files_are_rejected_without_blocking)
{
	struct tls_key *key;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	expect_load_error(-EINVAL, "fifo", "not a regular file");
	expect_load_error(-EINVAL, "dir", "not a regular file");
	expect_load_error(-ENOENT, "nothing", "No such file or directory");
	err_is(tls_key_load_or_create(&key, "nowhere/key.pem", &err), -ENOENT,
	       "nowhere/key.pem: No such file or directory");
}

TEST(the_fingerprint_equals_the_one_computed_by_openssl)
{
	char got[TLS_KEY_FINGERPRINT_SIZE], want[64] = "SHA256:";
	struct digest pin;
	FILE *f;

	create("key.pem");
	pin = load_fingerprint("key.pem");
	tls_key_format_fingerprint(&pin, got);
	f = popen("openssl pkey -in key.pem -pubout -outform DER | "
		  "openssl dgst -sha256 -binary | openssl base64 | tr -d =",
		  "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%50s", want + strlen(want)), 1);
	pclose(f);
	ck_assert_str_eq(got, want);
}

TEST(a_signature_is_valid_only_for_its_key_and_message)
{
	uint8_t public[TLS_KEY_PUBLIC_SIZE], signature[TLS_KEY_SIGNATURE_SIZE];
	struct bytes message = bytes_str("message");
	struct tls_key *key = NULL;
	struct digest fingerprint;

	create("key.pem");
	must(tls_key_load(&key, "key.pem", &err));
	tls_key_public(key, public);
	must(tls_key_sign(key, message, signature, &err));
	ck_assert(tls_key_fingerprint_of(public, &fingerprint));
	ck_assert(digest_equal(&fingerprint, tls_key_fingerprint(key)));
	ck_assert(tls_key_verify(public, message, signature));
	ck_assert(!tls_key_verify(public, bytes_str("massage"), signature));
	signature[TLS_KEY_SIGNATURE_SIZE - 1] ^= 1;
	ck_assert(!tls_key_verify(public, message, signature));
	signature[TLS_KEY_SIGNATURE_SIZE - 1] ^= 1;
	public[0] ^= 1;
	ck_assert(!tls_key_verify(public, message, signature));
	tls_key_free(key);
}
