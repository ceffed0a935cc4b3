/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: fetch */
#include "fetch/key.h"

#include "../lib/test.h"
#include "fetch-keys.h"
#include "fetch/download.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

static const struct fetch_options plain = { .allow_http = true, .n_tries = 1 };
static char pin[FETCH_FINGERPRINT_SIZE];
static char *data; /* a data directory of this test */

static void setup(void)
{
	keys_fingerprint("sums", pin);
	data = xasprintf("%s/data.%d", keys_dir, (int)getpid());
}

static void teardown(void)
{
	free(data);
}

/* A server that answers every request with one file and records the request. */
struct server {
	pthread_t thread;
	int listener;
	unsigned port;
	struct buf body;
	char request[256];
	int requests;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	char line[4096];
	int fd;

	while ((fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct buf answer = { 0 };
		ssize_t n = read(fd, line, sizeof(line) - 1);

		line[n > 0 ? n : 0] = '\0';
		snprintf(s->request, sizeof(s->request), "%.200s", line);
		s->requests++;
		buf_printf(&answer,
			   "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
			   "Connection: close\r\n\r\n",
			   s->body.len);
		buf_add_bytes(&answer, buf_bytes(&s->body));
		bytes_write(fd, buf_bytes(&answer));
		close(fd);
		buf_release(&answer);
	}
	return NULL;
}

static void serve_file(struct server *s, const char *name)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	memset(s, 0, sizeof(*s));
	s->body = keys_read(name);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(!bind(s->listener, (struct sockaddr *)&at, len));
	ck_assert(!listen(s->listener, 8));
	ck_assert(!getsockname(s->listener, (struct sockaddr *)&at, &len));
	s->port = ntohs(at.sin_port);
	ck_assert(!pthread_create(&s->thread, NULL, serve, s));
}

static void serve_end(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	buf_release(&s->body);
}

/* The key is stored under its fingerprint, with the content of KEY.gpg. */
static void check_kept(const char *keyring, const char *key)
{
	char *name = xasprintf("keys/%s.gpg", key), *path;
	struct buf kept = { 0 }, whole = keys_read(name);
	struct err err = { 0 };

	path = xasprintf("%s/keys/%s.gpg", data, pin);
	ck_assert_str_eq(keyring, path);
	must(fs_read(keyring, 1 << 20, &kept, &err));
	ck_assert(bytes_equal(buf_bytes(&kept), buf_bytes(&whole)));
	buf_release(&kept);
	buf_release(&whole);
	free(path);
	free(name);
}

static int get(const char *file, const char *source, char **keyring,
	       struct err *err)
{
	struct strv files = { 0 }, sources = { 0 };
	int ret;

	if (file)
		strv_own(&files, keys_path(file));
	if (source)
		strv_add(&sources, source);
	ret = fetch_key_find(data, pin, &files, &sources, &plain, false,
			     keyring, err);
	strv_release(&files);
	strv_release(&sources);
	return ret;
}

FIXTURE_ONCE(keys_make, keys_remove);
FIXTURE(setup, teardown);

TEST_RANGE(an_armored_or_binary_key_file_is_read_and_stored, 0, 2)
{
	static const char *const names[] = { "keys/sums.asc", "keys/sums.gpg" };
	char *keyring = NULL;
	struct err err = { 0 };

	must(get(names[_i], NULL, &keyring, &err));
	check_kept(keyring, "sums");
	free(keyring);
	/* From here on, the file is unavailable. */
	must(get(NULL, NULL, &keyring, &err));
	check_kept(keyring, "sums");
	free(keyring);
}

TEST_RANGE(an_unusable_key_file_is_named, 0, 13)
{
	static const struct {
		const char *file, *words;
	} files[] = {
		{ "keys/other.asc", "does not contain the key" },
		{ "text", "not an OpenPGP public key file" },
		{ "good.sig", "not an OpenPGP public key file" },
		{ "nothing", "No such file" },
		{ "keys/secret.asc", "contains a secret key" },
		{ "keys/also-secret.asc", "contains a secret key" },
		{ "keys/sum.asc", "not an OpenPGP public key file" },
		{ "keys/endless.asc", "not an OpenPGP public key file" },
		{ "keys/cut.asc", "not an OpenPGP public key file" },
		{ "keys/random.asc", "not an OpenPGP public key file" },
		{ "keys/zeros.asc", "not an OpenPGP public key file" },
		{ "keys/empty.asc", "not an OpenPGP public key file" },
		{ "keys/huge.asc", "" },
	};
	char *keyring = NULL;
	struct err err = { 0 };

	ck_assert_int_eq(get(files[_i].file, NULL, &keyring, &err), -ENOKEY);
	ck_assert_msg(strstr(err.text, files[_i].file) &&
			      strstr(err.text, files[_i].words) &&
			      strstr(err.text, pin) &&
			      strstr(err.text, "key-file"),
		      "%s", err.text);
	ck_assert_ptr_null(keyring);
}

TEST_RANGE(only_the_pinned_key_of_a_file_is_stored, 0, 2)
{
	static const char *const names[] = { "keys/two.asc", "keys/two.gpg" };
	char *keyring = NULL;
	struct err err = { 0 };

	must(get(names[_i], NULL, &keyring, &err));
	check_kept(keyring, "sums");
	free(keyring);
}

/* Earlier signatures of the key remain valid. */
TEST(an_expired_key_is_stored)
{
	char *keyring = NULL;
	struct err err = { 0 };

	keys_fingerprint("expired", pin);
	must(get("keys/expired.asc", NULL, &keyring, &err));
	check_kept(keyring, "expired");
	free(keyring);
}

TEST(the_key_is_found_in_the_last_of_several_files)
{
	struct strv files = { 0 };
	char *keyring = NULL;
	struct err err = { 0 };

	strv_own(&files, keys_path("nothing"));
	strv_own(&files, keys_path("keys/other.asc"));
	strv_own(&files, keys_path("keys/sums.asc"));
	must(fetch_key_find(data, pin, &files, NULL, NULL, false, &keyring,
			    &err));
	check_kept(keyring, "sums");
	strv_release(&files);
	free(keyring);
}

TEST(a_key_server_is_queried_once)
{
	struct server server;
	char *keyring = NULL, *source, *asked;
	struct err err = { 0 };

	serve_file(&server, "keys/sums.asc");
	source = xasprintf("http://127.0.0.1:%u/pks/lookup?op=get&search=0x%%s",
			   server.port);
	asked = xasprintf("GET /pks/lookup?op=get&search=0x%s HTTP", pin);
	must(get(NULL, source, &keyring, &err));
	check_kept(keyring, "sums");
	ck_assert_msg(str_starts(server.request, asked), "%s", server.request);
	free(keyring);
	must(get(NULL, source, &keyring, &err));
	ck_assert_int_eq(server.requests, 1);
	free(keyring);
	free(source);
	free(asked);
	serve_end(&server);
}

/* If the server does not respond, the stored key remains. */
TEST(a_refresh_queries_the_server_for_a_stored_key)
{
	struct server server;
	struct strv sources = { 0 };
	char *keyring = NULL;
	struct err err = { 0 };

	must(get("keys/sums.asc", NULL, &keyring, &err));
	free(keyring);
	serve_file(&server, "keys/sums.asc");
	strv_addf(&sources, "http://127.0.0.1:%u/%%s", server.port);
	must(fetch_key_find(data, pin, NULL, &sources, &plain, true, &keyring,
			    &err));
	ck_assert_int_eq(server.requests, 1);
	check_kept(keyring, "sums");
	free(keyring);
	serve_end(&server);

	ck_assert_int_eq(fetch_key_find(data, pin, NULL, &sources, &plain, true,
					&keyring, &err),
			 -ENOKEY);
	must(get(NULL, NULL, &keyring, &err));
	check_kept(keyring, "sums");
	free(keyring);
	strv_release(&sources);
}

/* The owner has extended the validity; without a server, the copy remains. */
TEST(an_expired_copy_is_fetched_again)
{
	struct server server;
	char *keyring = NULL, *source;
	struct err err = { 0 };

	keys_fingerprint("expired", pin);
	must(get("keys/expired.asc", NULL, &keyring, &err));
	free(keyring);
	serve_file(&server, "keys/extended.asc");
	source = xasprintf("http://127.0.0.1:%u/%%s", server.port);
	must(get(NULL, source, &keyring, &err));
	ck_assert_int_eq(server.requests, 1);
	check_kept(keyring, "extended");
	free(keyring);
	must(get(NULL, source, &keyring, &err));
	ck_assert_int_eq(server.requests, 1);
	free(keyring);
	serve_end(&server);

	must(get("keys/expired.asc", NULL, &keyring, &err));
	free(keyring);
	must(get(NULL, source, &keyring, &err));
	check_kept(keyring, "expired");
	free(keyring);
	free(source);
}

TEST(an_error_of_a_key_source_suggests_no_mirror)
{
	struct server server;
	char *keyring = NULL, *source;
	struct err err = { 0 };

	serve_file(&server, "text");
	source = xasprintf("http://127.0.0.1:%u/%%s", server.port);
	serve_end(&server);
	ck_assert_int_eq(get(NULL, source, &keyring, &err), -ENOKEY);
	text_has(err.text, "try again later; set `key-file`");
	free(source);
}

TEST_RANGE(a_server_response_without_the_key_is_rejected, 0, 3)
{
	static const char *const names[] = { "keys/other.asc", "text", "data" };
	struct server server;
	char *keyring = NULL, *source;
	struct err err = { 0 };

	serve_file(&server, names[_i]);
	source = xasprintf("http://me:secret@127.0.0.1:%u/%%s", server.port);
	ck_assert_int_eq(get(NULL, source, &keyring, &err), -ENOKEY);
	ck_assert_msg(strstr(err.text, "http://127.0.0.1"), "%s", err.text);
	ck_assert_msg(!strstr(err.text, "secret"), "%s", err.text);
	ck_assert(!fs_exists(data));
	free(source);
	serve_end(&server);
}

TEST(a_damaged_copy_is_rejected_and_replaced)
{
	char *keyring = NULL, *path = xasprintf("%s/keys/%s.gpg", data, pin);
	struct err err = { 0 };
	struct buf kept = { 0 };

	must(get("keys/sums.asc", NULL, &keyring, &err));
	free(keyring);
	must(fs_read(path, 1 << 20, &kept, &err));
	kept.data[20] ^= 1;
	must(fs_write(path, buf_bytes(&kept), 0644, &err));
	ck_assert_int_eq(get(NULL, NULL, &keyring, &err), -ENOKEY);
	text_has(err.text, path);
	must(get("keys/sums.asc", NULL, &keyring, &err));
	check_kept(keyring, "sums");
	free(keyring);
	free(path);
	buf_release(&kept);
}

TEST(a_stored_revocation_is_not_overwritten)
{
	struct strv files = { 0 };
	char *keyring = NULL;
	struct err err = { 0 };

	keys_fingerprint("revoked", pin);
	must(get("keys/unrevoked.asc", NULL, &keyring, &err));
	free(keyring);
	must(get("keys/revoked.asc", NULL, &keyring, &err));
	check_kept(keyring, "revoked");
	free(keyring);
	must(get("keys/unrevoked.asc", NULL, &keyring, &err));
	check_kept(keyring, "revoked");
	free(keyring);

	strv_own(&files, keys_path("keys/unrevoked.asc"));
	ck_assert_int_eq(fetch_key_find(data, pin, &files, NULL, &plain, true,
					&keyring, &err),
			 -ENOKEY);
	ck_assert_msg(strstr(err.text, "revocation"), "%s", err.text);
	strv_release(&files);
}

TEST(an_unwritable_directory_or_a_short_pin_is_an_error)
{
	struct err err = { 0 };
	char *keyring = NULL;

	must(fs_write(data, bytes_str("a file"), 0644, &err));
	ck_assert_int_eq(get("keys/sums.asc", NULL, &keyring, &err), -ENOTDIR);
	ck_assert_msg(strstr(err.text, data), "%s", err.text);
	strcpy(pin, "88AFCD20");
	ck_assert_int_eq(get("keys/sums.asc", NULL, &keyring, &err), -EINVAL);
	ck_assert_ptr_null(keyring);
}

TEST(without_gpg_the_package_is_named)
{
	struct err err = { 0 };
	char *keyring = NULL;

	setenv("PATH", keys_dir, 1);
	ck_assert_int_eq(get("keys/sums.asc", NULL, &keyring, &err), -ENOPKG);
	ck_assert_msg(strstr(err.text, "package gpg"), "%s", err.text);
	ck_assert_ptr_null(keyring);
}

TEST(gpg_ignores_the_users_configuration_and_keyring)
{
	struct err err = { 0 };
	char *keyring = NULL, *conf = keys_path("gpg.conf");

	must(fs_write(conf, bytes_str("no-such-option\n"), 0600, &err));
	setenv("GNUPGHOME", keys_dir, 1);
	must(get("keys/sums.asc", NULL, &keyring, &err));
	check_kept(keyring, "sums");
	free(keyring);
	keyring = keys_path("pubring.kbx");
	ck_assert(!fs_exists(keyring));
	unlink(conf);
	free(keyring);
	free(conf);
}

static const struct source {
	const char *source;
	const char *urls[2]; /* NULL: rejected */
} sources_of[] = {
	{ "https://k.example/pks/lookup?op=get&search=0x%s",
	  { "https://k.example/pks/lookup?op=get&search=0xF00" } },
	{ "https://k.example/%s/%s%", { "https://k.example/F00/F00%" } },
	{ "https://k.example/key.asc", { "https://k.example/key.asc" } },
	/* The example of draft-koch-openpgp-webkey-service. */
	{ "wkd:Joe.Doe@Example.ORG",
	  { "https://openpgpkey.example.org/.well-known/openpgpkey/"
	    "example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe",
	    "https://example.org/.well-known/openpgpkey/hu/"
	    "iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe" } },
	{ "wkd:joe", { NULL } },
	{ "wkd:@example.org", { NULL } },
	{ "wkd:joe@", { NULL } },
	{ "wkd:joe@example.org/x", { NULL } },
	{ "wkd:j/oe@example.org", { NULL } },
	{ "wkd:joe@example@org", { NULL } },
	{ "file:///etc/passwd", { NULL } },
	{ "k.example", { NULL } },
	{ "", { NULL } },
};

TEST_EACH(a_key_source_expands_to_one_or_two_urls_or_is_rejected, sources_of)
{
	struct strv urls = { 0 };
	struct err err = { 0 };
	int ret = fetch_key_urls(row->source, "F00", &urls, &err);

	ck_assert_int_eq(ret, row->urls[0] ? 0 : -EINVAL);
	ck_assert_uint_eq(urls.n, !!row->urls[0] + !!row->urls[1]);
	for (size_t i = 0; i < urls.n; i++)
		ck_assert_str_eq(urls.v[i], row->urls[i]);
	strv_release(&urls);
}
