/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */
#include "../lib/test.h"

#include "tls/clients.h"

#include "base/file-stamp.h"
#include "tls/key.h"

#include <sys/resource.h>

static char *dir;
static struct tls_clients *clients;
static struct err err;

static void setup(void)
{
	dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	clients = tls_clients_new("clients");
}

static void teardown(void)
{
	tls_clients_free(clients);
	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

static struct digest fingerprint_of(const char *word)
{
	struct digest fingerprint;

	digest_bytes(bytes_str(word), &fingerprint);
	return fingerprint;
}

static void add_line(struct buf *b, const char *word, const char *rest)
{
	struct digest fingerprint = fingerprint_of(word);
	char text[TLS_KEY_FINGERPRINT_SIZE];

	tls_key_format_fingerprint(&fingerprint, text);
	buf_printf(b, "%s%s\n", text, rest);
}

static void write_list(struct buf *b)
{
	must(fs_write("clients", buf_bytes(b), 0644, &err));
	buf_release(b);
}

static const char *find(const char *word)
{
	struct digest fingerprint = fingerprint_of(word);

	return tls_clients_find(clients, &fingerprint, &err);
}

FIXTURE(setup, teardown);

TEST(a_listed_client_is_found_by_its_key_fingerprint)
{
	struct buf b = { 0 };

	buf_add_str(&b, "# two\n\n  \t# and more\r\n");
	add_line(&b, "a", " cellar  ");
	add_line(&b, "b", "\tthe office, 2nd floor\r");
	add_line(&b, "c", "");
	add_line(&b, "a", " again");
	write_list(&b);
	ck_assert_str_eq(find("a"), "cellar");
	ck_assert_str_eq(err.text, "");
	ck_assert_str_eq(find("b"), "the office, 2nd floor");
	text_starts(find("c"), "SHA256:");
	ck_assert_ptr_null(find("d"));
	ck_assert_str_eq(err.text, "");
}

TEST(a_change_of_the_list_takes_effect_immediately)
{
	struct buf b = { 0 };

	for (int i = 0; i < 50; i++) {
		add_line(&b, i % 2 ? "a" : "b", " x");
		write_list(&b);
		ck_assert_int_eq((find("a") != NULL), (i % 2 == 1));
		ck_assert_int_eq((find("b") != NULL), (i % 2 == 0));
	}
	ck_assert_int_eq(unlink("clients"), 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "clients: No such file or directory; all "
				   "clients are rejected");
	/* The error is reported only once. */
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "");
	add_line(&b, "a", " x");
	write_list(&b);
	ck_assert_ptr_nonnull(find("a"));
	ck_assert_int_eq(unlink("clients"), 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "clients: No such file or directory; all "
				   "clients are rejected");
}

TEST(an_invalid_line_is_reported_and_ignored)
{
	struct buf b = { 0 };

	add_line(&b, "a", " one");
	buf_add_str(&b, "SHA256:short two\n");
	add_line(&b, "c", " th\x1bree");
	add_line(&b, "d", " four");
	write_list(&b);
	ck_assert_str_eq(find("d"), "four");
	ck_assert_str_eq(
		err.text,
		"clients:2: expected \"SHA256:... [NAME]\"; line ignored");
	ck_assert_ptr_null(find("c"));
	ck_assert_str_eq(find("a"), "one");
}

TEST(a_list_writable_by_others_admits_no_client)
{
	static const mode_t modes[] = { 0664, 0646, 0666 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct buf b = { 0 };

		add_line(&b, "a", " one");
		write_list(&b);
		ck_assert_ptr_nonnull(find("a"));
		ck_assert_int_eq(chmod("clients", modes[i]), 0);
		ck_assert_ptr_null(find("a"));
		ck_assert_str_eq(err.text, "clients: writable by group or "
					   "others; all clients are rejected; "
					   "run `chmod go-w clients`");
	}
}

TEST(a_special_or_too_large_file_admits_no_client)
{
	struct buf b = { 0 };

	ck_assert_int_eq(mkfifo("clients", 0600), 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "clients: Invalid argument; all clients are "
				   "rejected");
	ck_assert_int_eq(unlink("clients"), 0);
	ck_assert_int_eq(mkdir("clients", 0700), 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_int_eq(rmdir("clients"), 0);
	add_line(&b, "a", " one");
	while (b.len <= TLS_CLIENTS_MAX)
		buf_add_str(&b, "# more of it\n");
	write_list(&b);
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "clients: File too large");
}

/* The file does not change after the descriptors are available again. */
TEST(a_list_that_could_not_be_read_is_read_again)
{
	struct rlimit before, none;
	struct file_stamp stamp;
	struct buf b = { 0 };
	struct stat st;

	add_line(&b, "a", " one");
	write_list(&b);
	ck_assert_int_eq(stat("clients", &st), 0);
	file_stamp_from_stat(&stamp, &st);
	while (!file_stamp_is_reliable(&stamp, file_stamp_now_ns()))
		usleep(1000);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "clients: Too many open files");
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_str_eq(find("a"), "one");
}

TEST(a_list_of_1000_keys_maps_each_key_to_its_name)
{
	struct buf b = { 0 };
	char word[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(word, sizeof(word), "k%d", i);
		add_line(&b, word, word);
		b.data[b.len - strlen(word) - 1] = ' ';
	}
	write_list(&b);
	for (int i = 0; i < 1000; i++) {
		snprintf(word, sizeof(word), "k%d", i);
		ck_assert_str_eq(find(word), word + 1);
	}
	ck_assert_ptr_null(find("k1000"));
}
