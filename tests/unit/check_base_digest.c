/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/digest.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

/* The examples of FIPS 180-4. */
static const struct {
	const char *text;
	const char *hex;
} known[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb924"
	      "27ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
};

TEST_EACH(known_texts_have_known_digests, known)
{
	char hex[DIGEST_HEX];
	struct digest d;

	digest_bytes(bytes_str(row->text), &d);
	digest_format(&d, hex);
	ck_assert_str_eq(hex, row->hex);
}

TEST(pieces_give_the_digest_of_the_whole)
{
	struct digest whole, pieces;
	struct digest_ctx *run = digest_new();

	digest_add(run, bytes_str("a"));
	digest_add(run, bytes_of(NULL, 0));
	digest_add(run, bytes_str("bc"));
	digest_finish(run, &pieces);
	digest_bytes(bytes_str("abc"), &whole);
	ck_assert(digest_equal(&whole, &pieces));
	digest_bytes(bytes_str("abd"), &whole);
	ck_assert(!digest_equal(&whole, &pieces));
}

TEST(an_unfinished_digest_can_be_discarded)
{
	struct digest_ctx *run = digest_new();

	digest_add(run, bytes_str("whatever"));
	digest_finish(run, NULL);
}

TEST(a_file_is_digested_whole)
{
	char path[] = "/tmp/kfarm-check.XXXXXX";
	int fd = mkstemp(path);
	size_t n = (1 << 18) * 2 + 17;
	uint8_t *data = malloc(n);
	struct digest file, memory;
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	ck_assert_int_eq(write(fd, data, n), (ssize_t)n);
	close(fd);
	must(digest_file(path, &file, &err));
	digest_bytes(bytes_of(data, n), &memory);
	ck_assert(digest_equal(&file, &memory));
	unlink(path);
	free(data);
}

TEST(a_formatted_digest_is_parsed_and_invalid_text_is_rejected)
{
	struct digest d, got, kept;
	char hex[DIGEST_HEX];

	digest_bytes(bytes_str("abc"), &d);
	digest_format(&d, hex);
	ck_assert(digest_parse(&got, hex));
	ck_assert(digest_equal(&got, &d));
	hex[63] = 'D';
	ck_assert(digest_parse(&got, hex)); /* equal to 'd' */
	ck_assert(digest_equal(&got, &d));
	kept = got;
	hex[63] = 'g';
	ck_assert(!digest_parse(&got, hex));
	hex[63] = '\0';
	ck_assert(!digest_parse(&got, hex));
	ck_assert(!digest_parse(&got, ""));
	ck_assert(digest_equal(&got, &kept));
}

TEST(digests_are_ordered_by_their_bytes)
{
	struct digest low = { .b = { 1, 255 } }, high = { .b = { 2 } };

	ck_assert_int_lt(digest_compare(&low, &high), 0);
	ck_assert_int_gt(digest_compare(&high, &low), 0);
	ck_assert_int_eq(digest_compare(&low, &low), 0);
	high = low;
	high.b[DIGEST_SIZE - 1] = 1;
	ck_assert_int_lt(digest_compare(&low, &high), 0);
}

TEST(an_error_names_the_unreadable_file)
{
	struct err err = { 0 };
	struct digest d;

	err_is(digest_file("/nonexistent/f", &d, &err), -ENOENT,
	       "/nonexistent/f: No such file or directory");
	err_is(digest_file("/tmp", &d, &err), -EISDIR, "/tmp: Is a directory");
}

/* With this configuration, OpenSSL has no provider of digests. */
TEST(the_openssl_configuration_can_be_ignored)
{
	static const char settings[] = "openssl_conf = all\n"
				       "[all]\nproviders = some\n"
				       "[some]\nnone = one\n"
				       "[one]\nactivate = 1\n";
	char dir[TEMPDIR_SIZE];
	struct digest d;
	struct err err;
	char *file;

	tempdir_make(dir);
	file = xasprintf("%s/openssl.cnf", dir);
	must(fs_write(file, bytes_str(settings), 0600, &err));
	setenv("OPENSSL_CONF", file, 1);
	digest_ignore_openssl_conf();
	digest_bytes(bytes_str("abc"), &d);
	ck_assert(digest_is_set(&d));
	free(file);
	tempdir_remove(dir);
}

TEST(a_digest_line_detects_every_change_of_the_text)
{
	struct buf text = { 0 };

	ck_assert(!digest_cut_line(&text));
	digest_add_line(&text);
	ck_assert(digest_cut_line(&text));
	ck_assert_str_eq(buf_str(&text), "");

	buf_add_str(&text, "one\ntwo\n");
	digest_add_line(&text);
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		ck_assert(!digest_cut_line(&text));
		text.data[i] ^= 1;
	}
	ck_assert(digest_cut_line(&text));
	ck_assert_str_eq(buf_str(&text), "one\ntwo\n");
	ck_assert(!digest_cut_line(&text));
	buf_release(&text);
}
