/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/key.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "fetch/download.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GPG_TIMEOUT_MS       60000
#define GPG_OUTPUT_BYTES_MAX (64u << 20)
#define FIELDS               10 /* fields in a line of a listing */

#define WKD        "wkd:"
#define REASON_MAX 200 /* length of a source's error in a message */

/* ---- keys in files, read by gpg ---- */

static int home_make(char **home, struct err *err)
{
	*home = xstrdup("/tmp/kfarm-gpg.XXXXXX");
	if (mkdtemp(*home))
		return 0;
	free(*home);
	*home = NULL;
	return err_errno(err, "create a directory in /tmp");
}

static void home_remove(char *home)
{
	struct err ignored;

	if (home)
		fs_remove(home, &ignored);
	free(home);
}

/*
 * Run gpg with the command `what` and the argument `which` (may be NULL) on the
 * input `in`.  Returns -EINVAL if gpg rejects the input.
 */
static int run_gpg(const char *home, const char *what, const char *which,
		   struct bytes in, struct buf *out, struct err *err)
{
	const char *path = getenv("PATH");
	char *env[] = { xasprintf("PATH=%s", path ? path : "/usr/bin:/bin"),
			xasprintf("HOME=%s", home), (char *)"LC_ALL=C", NULL };
	char *homedir = xasprintf("--homedir=%s", home);
	const char *const argv[] = {
		"gpg",
		"--no-options",
		"--batch",
		"--no-tty",
		"--quiet",
		"--no-autostart",
		"--lock-never",
		"--disable-dirmngr",
		"--no-auto-check-trustdb",
		homedir,
		"--with-colons",
		what,
		which,
		NULL,
	};
	struct spawn spawn = { .argv = (char *const *)argv,
			       .env = env,
			       .stdio_fds = { -1, -1, -1 },
			       .cpu_s = GPG_TIMEOUT_MS / 1000,
			       .file_mib = GPG_OUTPUT_BYTES_MAX >> 20,
			       .memory_mib = 1024 };
	int status = 0, ret;

	ret = fs_memfd_new(in, &spawn.stdio_fds[0], err);
	if (!ret)
		ret = spawn_collect_stdout(&spawn, GPG_OUTPUT_BYTES_MAX,
					   GPG_TIMEOUT_MS, out, &status, err);
	if (ret == -ENOENT)
		ret = err_set(
			err, ENOPKG,
			"gpg: command not found; install the package gpg");
	else if (!ret && status)
		ret = err_set(err, EINVAL, "not an OpenPGP public key file");
	if (spawn.stdio_fds[0] >= 0)
		close(spawn.stdio_fds[0]);
	free(homedir);
	free(env[0]);
	free(env[1]);
	return ret;
}

int fetch_key_list(struct bytes file, struct buf *listing, struct err *err)
{
	char *home = NULL;
	int ret = home_make(&home, err);

	if (!ret)
		ret = run_gpg(home, "--show-keys", NULL, file, listing, err);
	home_remove(home);
	return ret;
}

/* Read the first line of a key or subkey; return false for other lines. */
static bool read_key_record(const char *const *field, struct fetch_key *key)
{
	bool is_secret = str_equal(field[0], "sec") ||
			 str_equal(field[0], "ssb");
	bool is_primary = str_equal(field[0], "pub") ||
			  str_equal(field[0], "sec");

	if (!is_secret && !is_primary && !str_equal(field[0], "sub"))
		return false;
	*key = (struct fetch_key){
		.primary = is_primary,
		.secret = is_secret,
		.revoked = field[1][0] == 'r',
		.expires_s = strtoll(field[6], NULL, 10),
	};
	return true;
}

bool fetch_key_next(struct bytes *listing, struct fetch_key *out)
{
	struct fetch_key key;
	bool inside = false, found = false;

	while (listing->len && !found) {
		char *line = bytes_dup(bytes_take_line(listing)), *rest = line;
		const char *field[FIELDS];

		for (size_t i = 0; i < FIELDS; i++) {
			field[i] = strsep(&rest, ":");
			if (!field[i])
				field[i] = "";
		}
		if (read_key_record(field, &key)) {
			inside = true;
		} else if (inside && str_equal(field[0], "fpr") &&
			   strlen(field[9]) == FETCH_FINGERPRINT_SIZE - 1) {
			memcpy(key.fingerprint, field[9],
			       FETCH_FINGERPRINT_SIZE);
			*out = key;
			found = true;
		}
		free(line);
	}
	return found;
}

static bool is_revoked(struct bytes listing, const char *fingerprint)
{
	struct fetch_key key;

	while (fetch_key_next(&listing, &key)) {
		if (key.revoked && str_equal(key.fingerprint, fingerprint))
			return true;
	}
	return false;
}

bool fetch_key_lacks_revocation(struct bytes trusted, struct bytes other)
{
	struct fetch_key key;

	while (fetch_key_next(&trusted, &key)) {
		if (key.revoked && !is_revoked(other, key.fingerprint))
			return true;
	}
	return false;
}

/* Check that the key is listed and that all listed keys are public. */
static int check_listing(struct bytes listing, const char *fingerprint,
			 struct err *err)
{
	struct fetch_key key;
	bool found = false, any = false;

	while (fetch_key_next(&listing, &key)) {
		any = true;
		if (key.secret)
			return err_set(err, EINVAL,
				       "contains a secret key; provide only "
				       "the public key (gpg --export)");
		found |= key.primary && str_equal(key.fingerprint, fingerprint);
	}
	if (!any)
		return err_set(err, EINVAL, "not an OpenPGP public key file");
	return found ? 0 :
		       err_set(err, ENOKEY, "does not contain the key %s",
			       fingerprint);
}

/*
 * Extract the key with the primary fingerprint `fingerprint` (40 upper-case
 * digits) from a file of public keys.  Append a binary keyring to `key` and the
 * listing of the file to `listing`.  Returns 0; -ENOKEY if the file contains
 * only other keys; -EINVAL if it contains no key or a secret key.
 */
static int extract_key(struct bytes file, const char *fingerprint,
		       struct buf *key, struct buf *listing, struct err *err)
{
	static const struct bytes nothing;
	struct buf ignored = { 0 };
	char *home = NULL;
	int ret = home_make(&home, err);

	if (ret)
		return ret;
	ret = run_gpg(home, "--show-keys", NULL, file, listing, err);
	if (ret)
		goto out;
	ret = check_listing(buf_bytes(listing), fingerprint, err);
	if (ret)
		goto out;
	ret = run_gpg(home, "--import", NULL, file, &ignored, err);
	/* Continue after -EINVAL: another key of the file can be invalid. */
	if (ret && ret != -EINVAL)
		goto out;
	ret = run_gpg(home, "--export", fingerprint, nothing, key, err);
	if (!ret && !key->len)
		ret = err_set(err, EINVAL, "gpg rejected the key %s",
			      fingerprint);
out:
	buf_release(&ignored);
	home_remove(home);
	return ret;
}

/* ---- sources of keys ---- */

bool fetch_key_is_fingerprint(const char *text)
{
	return strspn(text, "0123456789ABCDEFabcdef") == 40 && !text[40];
}

static bool is_alphanumeric_or(const char *s, const char *also)
{
	if (!*s || *s == '.')
		return false;
	while (isalnum((unsigned char)*s) || (*s && strchr(also, *s)))
		s++;
	return !*s;
}

static void to_lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/*
 * Hash the local part of an address: SHA-1 of the lower-case name in z-base-32
 * (draft-koch-openpgp-webkey-service).
 */
static char *hash_wkd_name(const char *name)
{
	static const char digits[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
	char *lower = xstrdup(name);
	struct buf hash = { 0 };
	uint8_t sum[20];

	to_lower(lower);
	if (!EVP_Digest(lower, strlen(lower), sum, NULL, EVP_sha1(), NULL))
		str_out_of_memory();
	for (size_t bit = 0; bit < 8 * sizeof(sum); bit += 5) {
		unsigned two = (unsigned)sum[bit / 8] << 8;

		if (bit / 8 + 1 < sizeof(sum))
			two |= sum[bit / 8 + 1];
		buf_put_u8(&hash, (uint8_t)digits[two >> (11 - bit % 8) & 31]);
	}
	free(lower);
	return buf_steal(&hash);
}

/*
 * Add the Web Key Directory's URLs for `address`: first the URL of the advanced
 * method, then the URL of the direct method.
 */
static int wkd_urls(const char *address, struct strv *urls, struct err *err)
{
	char *name = xstrdup(address), *domain = strchr(name, '@'), *hash;

	if (domain)
		*domain++ = '\0';
	if (!domain || !is_alphanumeric_or(name, "._-+") ||
	    !is_alphanumeric_or(domain, ".-")) {
		free(name);
		return err_set(err, EINVAL,
			       "key source \"" WKD "%s\": expected " WKD
			       "NAME@DOMAIN",
			       address);
	}
	to_lower(domain);
	hash = hash_wkd_name(name);
	strv_addf(urls,
		  "https://openpgpkey.%s/.well-known/openpgpkey/%s/hu/%s?l=%s",
		  domain, domain, hash, name);
	strv_addf(urls, "https://%s/.well-known/openpgpkey/hu/%s?l=%s", domain,
		  hash, name);
	free(hash);
	free(name);
	return 0;
}

int fetch_key_urls(const char *source, const char *fingerprint,
		   struct strv *urls, struct err *err)
{
	struct buf url = { 0 };

	if (str_starts(source, WKD))
		return wkd_urls(source + strlen(WKD), urls, err);
	if (!str_starts(source, "https://") && !str_starts(source, "http://"))
		return err_set(
			err, EINVAL,
			"key source \"%s\": expected an https:// URL or " WKD
			"NAME@DOMAIN",
			source);
	while (*source) {
		if (str_starts(source, "%s")) {
			buf_add_str(&url, fingerprint);
			source += 2;
		} else {
			buf_put_u8(&url, (uint8_t)*source++);
		}
	}
	strv_own(urls, buf_steal(&url));
	return 0;
}

/* The state of fetch_key_find(). */
struct key_search {
	char fingerprint[FETCH_FINGERPRINT_SIZE];
	char *cache_path; /* path of the cached copy */
	struct buf cached_key; /* key in the cached copy, if it is valid */
	struct buf cached_listing; /* listing of that copy */
	struct buf key, listing; /* the found key and its listing */
	struct buf reasons; /* errors of the sources without the key */
	bool gpg_missing;
};

static void add_source_error(struct key_search *s, const struct err *why)
{
	buf_printf(&s->reasons, "%s%.*s", s->reasons.len ? "; " : "",
		   REASON_MAX, why->text);
}

/*
 * Search for the key at a URL or, if `options` is NULL, in a file.  Returns
 * false with the reason added to s->reasons if the key is not found.
 */
static bool search_url_or_file(struct key_search *s, const char *place,
			       const struct fetch_options *options)
{
	const char *const urls[] = { place, NULL };
	struct buf content = { 0 };
	struct err why = { 0 };
	int ret;

	ret = options ? fetch_download_text(urls, FETCH_KEY_BYTES_MAX, options,
					    &content, &why) :
			fs_read(place, FETCH_KEY_BYTES_MAX, &content, &why);
	if (ret)
		goto out;
	buf_reset(&s->listing);
	ret = extract_key(buf_bytes(&content), s->fingerprint, &s->key,
			  &s->listing, &why);
	if (!ret && fetch_key_lacks_revocation(buf_bytes(&s->cached_listing),
					       buf_bytes(&s->listing)))
		ret = err_set(&why, EINVAL,
			      "outdated copy: lacks a known revocation");
	s->gpg_missing |= ret == -ENOPKG;
	if (ret) {
		buf_reset(&s->key);
		err_wrap(&why, "%s", place);
	}
out:
	if (ret)
		add_source_error(s, &why);
	buf_release(&content);
	return !ret;
}

static bool search_sources(struct key_search *s, const struct strv *sources,
			   const struct fetch_options *options)
{
	static const struct fetch_options usual;
	bool found = false;

	for (size_t i = 0; sources && i < sources->n && !found; i++) {
		struct strv urls = { 0 };
		struct err why = { 0 };

		if (fetch_key_urls(sources->v[i], s->fingerprint, &urls, &why))
			add_source_error(s, &why);
		for (size_t k = 0; k < urls.n && !found; k++)
			found = search_url_or_file(s, urls.v[k],
						   options ? options : &usual);
		strv_release(&urls);
	}
	return found;
}

int fetch_key_find(const char *data_dir, const char *fingerprint,
		   const struct strv *files, const struct strv *sources,
		   const struct fetch_options *options, bool refresh,
		   char **keyring, struct err *err)
{
	struct key_search s = { 0 };
	const char *why;
	bool found, cached;
	char *dir;
	int ret = 0;

	if (!fetch_key_is_fingerprint(fingerprint))
		return err_set(err, EINVAL,
			       "invalid fingerprint \"%s\": expected 40 "
			       "hexadecimal digits",
			       fingerprint);
	for (int i = 0; i < 40; i++)
		s.fingerprint[i] = (char)toupper((unsigned char)fingerprint[i]);
	s.cache_path = xasprintf("%s/keys/%s.gpg", data_dir, s.fingerprint);

	cached = fs_exists(s.cache_path) &&
		 search_url_or_file(&s, s.cache_path, NULL);
	if (cached) {
		buf_add_bytes(&s.cached_key, buf_bytes(&s.key));
		buf_add_bytes(&s.cached_listing, buf_bytes(&s.listing));
	}
	buf_reset(&s.key);
	found = refresh && search_sources(&s, sources, options);
	for (size_t i = 0; files && i < files->n && !found; i++)
		found = search_url_or_file(&s, files->v[i], NULL);
	if (!found && !refresh && cached) {
		buf_add_bytes(&s.key, buf_bytes(&s.cached_key));
		found = true;
	}
	if (!found && !refresh)
		found = search_sources(&s, sources, options);

	if (!found) {
		why = s.reasons.len ? buf_str(&s.reasons) :
				      "no source configured";
		ret = s.gpg_missing ? err_set(err, ENOPKG, "key %s: %s",
					      s.fingerprint, why) :
				      err_set(err, ENOKEY,
					      "key %s: %s; set `key-file` or "
					      "`key-source` in [toolchain]",
					      s.fingerprint, why);
	} else if (!bytes_equal(buf_bytes(&s.cached_key), buf_bytes(&s.key))) {
		/* An equal file is not replaced: gpgv may be reading it. */
		dir = str_dir(s.cache_path);
		ret = fs_mkdirs(dir, 0777, err);
		if (!ret)
			ret = fs_write(s.cache_path, buf_bytes(&s.key), 0644,
				       err);
		free(dir);
	}
	if (!ret) {
		*keyring = s.cache_path;
		s.cache_path = NULL;
	}
	buf_release(&s.cached_key);
	buf_release(&s.cached_listing);
	buf_release(&s.key);
	buf_release(&s.listing);
	buf_release(&s.reasons);
	free(s.cache_path);
	return ret;
}
