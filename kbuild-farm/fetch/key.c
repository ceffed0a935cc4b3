/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/key.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/url.h"
#include "fetch/download.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GPG_TIMEOUT_MS       60000
#define GPG_OUTPUT_BYTES_MAX (64u << 20)
#define FIELDS               10 /* fields in a line of a listing */

#define WKD        "wkd:"
#define REASON_MAX 200 /* maximum bytes of one source's error in a message */

/* ---- keys in files, read by gpg ---- */

static int home_make(char **home, struct err *err)
{
	*home = xstrdup("/tmp/kfarm-gpg.XXXXXX");
	if (mkdtemp(*home))
		return 0;
	free(*home);
	*home = NULL;
	return err_errno(err, "cannot create a directory in /tmp");
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

/*
 * Append the listing of `file`, a binary or armored file of keys, to `listing`.
 * Returns 0, -EINVAL if gpg rejects the file, or another negative errno.
 */
static int list_keys(struct bytes file, struct buf *listing, struct err *err)
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

/*
 * Read the next key and remove it from the front of `listing`.  Returns false
 * at the end.
 */
static bool next_key(struct bytes *listing, struct fetch_key *out)
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

	while (next_key(&listing, &key)) {
		if (key.revoked && str_equal(key.fingerprint, fingerprint))
			return true;
	}
	return false;
}

bool fetch_key_lacks_revocation(struct bytes trusted, struct bytes other)
{
	struct fetch_key key;

	while (next_key(&trusted, &key)) {
		if (key.revoked && !is_revoked(other, key.fingerprint))
			return true;
	}
	return false;
}

static bool has_expired_key(struct bytes listing)
{
	struct fetch_key key;

	while (next_key(&listing, &key)) {
		if (key.expires_s && key.expires_s <= time(NULL))
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

	while (next_key(&listing, &key)) {
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
	/* After -EINVAL, gpg may have rejected only another key of the file. */
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

static bool is_hex_word(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789ABCDEFabcdef");

	return !s[n] && n >= min && n <= max;
}

/* Return true if `text` is 40 hexadecimal digits, in either case. */
static bool is_fingerprint(const char *text)
{
	return is_hex_word(text, 40, 40);
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
	char *shown;
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
			      "outdated: lacks a revocation in the cached key");
	s->gpg_missing |= ret == -ENOPKG;
	if (ret) {
		buf_reset(&s->key);
		shown = url_redact(place);
		err_wrap(&why, "%s", shown);
		free(shown);
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
	struct fetch_options use = options ? *options :
					     (struct fetch_options){ 0 };
	bool found = false;

	/* Do not mention the setting `mirror`, which only locates archives. */
	use.omit_mirror_hint = true;
	for (size_t i = 0; sources && i < sources->n && !found; i++) {
		struct strv urls = { 0 };
		struct err why = { 0 };

		if (fetch_key_urls(sources->v[i], s->fingerprint, &urls, &why))
			add_source_error(s, &why);
		for (size_t k = 0; k < urls.n && !found; k++)
			found = search_url_or_file(s, urls.v[k], &use);
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
	bool found, cached, current;
	char *dir;
	int ret = 0;

	if (!is_fingerprint(fingerprint))
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
	current = cached && !has_expired_key(buf_bytes(&s.cached_listing));
	buf_reset(&s.key);
	found = refresh && search_sources(&s, sources, options);
	for (size_t i = 0; files && i < files->n && !found; i++)
		found = search_url_or_file(&s, files->v[i], NULL);
	if (!found && !refresh && !current)
		found = search_sources(&s, sources, options);
	if (!found && !refresh && cached) {
		buf_add_bytes(&s.key, buf_bytes(&s.cached_key));
		found = true;
	}

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

/* ---- signatures, verified by gpgv ---- */

#define PREFIX        "[GNUPG:] "
#define STATUS_FIELDS 12

enum gpgv_keyword {
	GPGV_NEWSIG,
	GPGV_PLAINTEXT,
	GPGV_GOODSIG,
	GPGV_EXPKEYSIG,
	GPGV_REVKEYSIG,
	GPGV_EXPSIG,
	GPGV_BADSIG,
	GPGV_ERRSIG,
	GPGV_NO_PUBKEY,
	GPGV_VALIDSIG,
	N_GPGV_KEYWORDS,
};

static const char *const gpgv_keywords[N_GPGV_KEYWORDS] = {
	[GPGV_NEWSIG] = "NEWSIG",       [GPGV_PLAINTEXT] = "PLAINTEXT",
	[GPGV_GOODSIG] = "GOODSIG",     [GPGV_EXPKEYSIG] = "EXPKEYSIG",
	[GPGV_REVKEYSIG] = "REVKEYSIG", [GPGV_EXPSIG] = "EXPSIG",
	[GPGV_BADSIG] = "BADSIG",       [GPGV_ERRSIG] = "ERRSIG",
	[GPGV_NO_PUBKEY] = "NO_PUBKEY", [GPGV_VALIDSIG] = "VALIDSIG",
};

struct gpgv_status {
	unsigned n_lines[N_GPGV_KEYWORDS];
	char unknown_signer[FETCH_FINGERPRINT_SIZE]; /* key id from NO_PUBKEY */
	struct fetch_signature signature;
	bool valid; /* `signature` was set by VALIDSIG */
};

static void read_validsig(struct gpgv_status *status, char *const *field,
			  size_t n)
{
	struct fetch_signature *sig = &status->signature;
	long made;

	if (n < 11 || !is_fingerprint(field[1]) || !is_fingerprint(field[10]) ||
	    str_parse_number(field[3], 0, LONG_MAX, &made))
		return;
	/* 00 and 01 are the signature classes of binary and text documents. */
	if (strcmp(field[9], "00") && strcmp(field[9], "01"))
		return;
	sig->made_s = made;
	memcpy(sig->signing_key, field[1], FETCH_FINGERPRINT_SIZE);
	memcpy(sig->fingerprint, field[10], FETCH_FINGERPRINT_SIZE);
	status->valid = true;
}

static void read_status_lines(struct gpgv_status *status, struct bytes lines)
{
	char *text = bytes_dup(lines), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *field[STATUS_FIELDS], *words;
		size_t n = 0, word = 0;

		if (!str_starts(line, PREFIX))
			continue;
		words = line + strlen(PREFIX);
		while (n < STATUS_FIELDS &&
		       (field[n] = strsep(&words, " ")) != NULL)
			n++;
		while (word < N_GPGV_KEYWORDS &&
		       strcmp(field[0], gpgv_keywords[word]))
			word++;
		if (word == N_GPGV_KEYWORDS)
			continue;

		status->n_lines[word]++;
		if (word == GPGV_VALIDSIG)
			read_validsig(status, field, n);
		else if (word == GPGV_NO_PUBKEY && n > 1 &&
			 is_hex_word(field[1], 16, 40))
			memcpy(status->unknown_signer, field[1],
			       strlen(field[1]) + 1);
	}
	free(text);
}

static int find_signature_error(const struct gpgv_status *status,
				struct err *err)
{
	const unsigned *n = status->n_lines;

	if (n[GPGV_NEWSIG] > 1 || n[GPGV_VALIDSIG] > 1 ||
	    n[GPGV_PLAINTEXT] > 1 ||
	    n[GPGV_GOODSIG] + n[GPGV_EXPKEYSIG] + n[GPGV_REVKEYSIG] +
			    n[GPGV_EXPSIG] + n[GPGV_BADSIG] + n[GPGV_ERRSIG] >
		    1)
		return err_set(err, EKEYREJECTED,
			       "expected one signature, got several");
	if (n[GPGV_REVKEYSIG])
		return err_set(err, EKEYREVOKED, "signed by a revoked key");
	if (n[GPGV_EXPSIG])
		return err_set(err, EKEYEXPIRED, "the signature has expired");
	if (n[GPGV_NO_PUBKEY])
		return err_set(err, ENOKEY, "signed by an unknown key: %s",
			       status->unknown_signer);
	if (n[GPGV_BADSIG])
		return err_set(err, EKEYREJECTED,
			       "bad signature: the signed content was damaged "
			       "or modified");
	if (n[GPGV_ERRSIG])
		return err_set(err, EKEYREJECTED, "cannot check the signature");
	return 0;
}

/*
 * Check that the signature was made before its key expired.  gpgv reports the
 * expiry times of all keys that it reads, but does not name the key to which a
 * time belongs.  The listing of the keyring therefore provides the expiry of
 * the signing key and of its primary key.
 */
static int check_expiry(const struct fetch_signature *sig, struct bytes listing,
			struct err *err)
{
	struct fetch_key key;
	bool known = false;

	while (next_key(&listing, &key)) {
		if (key.expires_s <= 0 ||
		    (!str_equal(key.fingerprint, sig->signing_key) &&
		     !str_equal(key.fingerprint, sig->fingerprint)))
			continue;
		known = true;
		if (sig->made_s >= key.expires_s)
			return err_set(err, EKEYEXPIRED,
				       "signed after the key %s expired",
				       key.fingerprint);
	}
	return known ? 0 :
		       err_set(err, EKEYEXPIRED,
			       "signed by the expired key %s: the expiry date "
			       "is unknown, so the signature may be more recent",
			       sig->signing_key);
}

bool fetch_gpgv_status_key_expired(struct bytes lines)
{
	struct gpgv_status status = { 0 };

	read_status_lines(&status, lines);
	return status.n_lines[GPGV_EXPKEYSIG] > 0;
}

int fetch_gpgv_status_check(struct bytes lines, int wait_status,
			    const char *fingerprint, struct bytes listing,
			    struct fetch_signature *out, struct err *err)
{
	struct gpgv_status status = { 0 };
	int ret;

	read_status_lines(&status, lines);
	ret = find_signature_error(&status, err);
	if (ret)
		return ret;
	if (!status.n_lines[GPGV_GOODSIG] && !status.n_lines[GPGV_EXPKEYSIG])
		return err_set(err, EKEYREJECTED, "no signature");
	if (!wait_status && !status.valid)
		return err_set(err, EKEYREJECTED,
			       "gpgv reported no valid signature");
	if (wait_status) {
		char *end = spawn_status_text(wait_status);

		err_set(err, EKEYREJECTED, "gpgv rejected the signature (%s)",
			end);
		free(end);
		return -EKEYREJECTED;
	}
	if (strcasecmp(status.signature.fingerprint, fingerprint))
		return err_set(err, EKEYREJECTED,
			       "signed by the key %s, expected %s",
			       status.signature.fingerprint, fingerprint);
	status.signature.key_expired = status.n_lines[GPGV_EXPKEYSIG];
	ret = status.signature.key_expired ?
		      check_expiry(&status.signature, listing, err) :
		      0;
	if (!ret)
		*out = status.signature;
	return ret;
}

/*
 * Except for streamed input, gpgv reads and writes files in memory (memfd).  So
 * gpgv never blocks on output while the caller blocks on gpgv's input.
 */

#define GPGV_TIMEOUT_MS       120000
#define GPGV_STATUS_BYTES_MAX (1u << 20)

/* A run of gpgv. */
struct gpgv_process {
	char *fingerprint;
	struct buf keyring; /* content of the keyring file */
	int input_fd, output_fd, status_fd; /* files of gpgv; -1: none */
	int signature_fd;
	pid_t pid; /* 0: not running */
	int wait_status;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void gpgv_release(struct gpgv_process *g)
{
	if (g->pid) {
		kill(g->pid, SIGKILL);
		spawn_wait(g->pid);
	}
	close_fd(&g->input_fd);
	close_fd(&g->output_fd);
	close_fd(&g->status_fd);
	close_fd(&g->signature_fd);
	free(g->fingerprint);
	buf_release(&g->keyring);
}

static int gpgv_prepare(struct gpgv_process *g, const char *keyring,
			const char *fingerprint, struct err *err)
{
	struct bytes none = { 0 };
	int ret;

	*g = (struct gpgv_process){ .input_fd = -1,
				    .output_fd = -1,
				    .status_fd = -1,
				    .signature_fd = -1 };
	if (!is_fingerprint(fingerprint))
		return err_set(err, EINVAL, "invalid fingerprint \"%s\"",
			       fingerprint);
	g->fingerprint = xstrdup(fingerprint);
	ret = fs_read(keyring, FETCH_KEY_BYTES_MAX, &g->keyring, err);
	/* Do not return -ENOENT, which means that no server has the file. */
	if (ret == -ENOENT)
		ret = -EIO;
	if (!ret)
		ret = fs_memfd_new(none, &g->status_fd, err);
	return ret;
}

/* Start gpgv with `arguments`, which name the files to check. */
static int gpgv_start(struct gpgv_process *g, const char *keyring,
		      char *const *arguments, struct err *err)
{
	char *path = fs_make_absolute(keyring);
	int pass[] = { g->status_fd, g->signature_fd, -1 };
	struct spawn what = {
		.stdio_fds = { g->input_fd, g->output_fd, -1 },
		.passed_fds = pass,
		.own_group = true,
		.file_mib = (FETCH_SIGNED_TEXT_BYTES_MAX >> 20) + 1,
	};
	struct strv argv = { 0 };
	int ret;

	strv_add(&argv, "gpgv");
	strv_addf(&argv, "--status-fd=%d", g->status_fd);
	strv_addf(&argv, "--keyring=%s", path);
	strv_add_all(&argv, arguments);
	what.argv = argv.v;
	ret = spawn_start(&what, &g->pid, err);
	if (ret)
		g->pid = 0;
	if (ret == -ENOENT)
		ret = err_set(
			err, ENOPKG,
			"gpgv: command not found; install the package gpgv");
	close_fd(&g->input_fd);
	close_fd(&g->signature_fd);
	strv_release(&argv);
	free(path);
	return ret;
}

static int gpgv_wait(struct gpgv_process *g, struct err *err)
{
	bool in_time = spawn_await_exit(g->pid, GPGV_TIMEOUT_MS);

	if (!in_time)
		kill(g->pid, SIGKILL);
	g->wait_status = spawn_wait(g->pid);
	g->pid = 0;
	return in_time ? 0 : err_set(err, ETIMEDOUT, "gpgv: timed out");
}

static int check_gpgv_status(struct gpgv_process *g,
			     struct fetch_signature *out, struct err *err)
{
	struct fetch_signature signature = { 0 };
	struct buf lines = { 0 }, keys = { 0 };
	int ret = gpgv_wait(g, err);

	if (ret)
		return ret;
	ret = fs_memfd_read(g->status_fd, GPGV_STATUS_BYTES_MAX, &lines, err);
	if (ret)
		goto out;
	if (fetch_gpgv_status_key_expired(buf_bytes(&lines))) {
		ret = list_keys(buf_bytes(&g->keyring), &keys, err);
		if (ret)
			goto out;
	}
	ret = fetch_gpgv_status_check(buf_bytes(&lines), g->wait_status,
				      g->fingerprint, buf_bytes(&keys),
				      &signature, err);
	if (!ret && out)
		*out = signature;
out:
	buf_release(&keys);
	buf_release(&lines);
	return ret;
}

int fetch_gpgv_verify_text(const char *keyring, const char *fingerprint,
			   struct bytes clearsigned, struct buf *verified,
			   struct fetch_signature *signature, struct err *err)
{
	static char *const arguments[] = { (char *)"--output=-", (char *)"--",
					   (char *)"-", NULL };
	struct fetch_signature got = { 0 };
	struct bytes none = { 0 };
	struct buf text = { 0 };
	struct gpgv_process g;
	int ret;

	if (clearsigned.len > FETCH_SIGNED_TEXT_BYTES_MAX)
		return err_set(err, EMSGSIZE, "signed text too large");
	ret = gpgv_prepare(&g, keyring, fingerprint, err);
	if (ret)
		goto out;
	ret = fs_memfd_new(clearsigned, &g.input_fd, err);
	if (ret)
		goto out;
	ret = fs_memfd_new(none, &g.output_fd, err);
	if (ret)
		goto out;
	ret = gpgv_start(&g, keyring, arguments, err);
	if (ret)
		goto out;
	ret = check_gpgv_status(&g, &got, err);
	if (ret)
		goto out;
	ret = fs_memfd_read(g.output_fd, FETCH_SIGNED_TEXT_BYTES_MAX, &text,
			    err);
	if (ret)
		goto out;
	buf_add_bytes(verified, buf_bytes(&text));
	if (signature)
		*signature = got;
out:
	buf_release(&text);
	gpgv_release(&g);
	return ret;
}

struct fetch_gpgv_stream {
	struct gpgv_process process;
	int input_fd; /* the writing end of gpgv's input */
	int error; /* return value of the first failure */
	struct err error_text;
};

int fetch_gpgv_stream_start(struct fetch_gpgv_stream **out, const char *keyring,
			    const char *fingerprint, struct bytes signature,
			    struct err *err)
{
	struct fetch_gpgv_stream *s = xcalloc(1, sizeof(*s));
	char *arguments[] = { (char *)"--enable-special-filenames",
			      (char *)"--", NULL, (char *)"-", NULL };
	int ends[2];
	int ret;

	*out = NULL;
	s->input_fd = -1;
	ret = gpgv_prepare(&s->process, keyring, fingerprint, err);
	if (ret)
		goto out;
	ret = fs_memfd_new(signature, &s->process.signature_fd, err);
	if (ret)
		goto out;
	/* Use a socket, because a write to a pipe can raise SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		ret = err_errno(err, "socketpair");
		goto out;
	}
	s->input_fd = ends[0];
	s->process.input_fd = ends[1];
	arguments[2] = xasprintf("-&%d", s->process.signature_fd);
	ret = gpgv_start(&s->process, keyring, arguments, err);
	free(arguments[2]);
out:
	if (ret)
		fetch_gpgv_stream_free(s);
	else
		*out = s;
	return ret;
}

/* Close gpgv's input and return its verdict. */
static int finish_gpgv(struct fetch_gpgv_stream *s, struct fetch_signature *out,
		       struct err *err)
{
	close_fd(&s->input_fd);
	return check_gpgv_status(&s->process, out, err);
}

static int save_stream_error(struct fetch_gpgv_stream *s, int ret,
			     struct err *err)
{
	s->error = ret;
	s->error_text = *err;
	return ret;
}

int fetch_gpgv_stream_feed(struct fetch_gpgv_stream *s, struct bytes in,
			   struct err *err)
{
	while (in.len && !s->error) {
		struct pollfd p = { .fd = s->input_fd, .events = POLLOUT };
		int ready = poll(&p, 1, GPGV_TIMEOUT_MS);
		ssize_t n;

		if (!ready) {
			kill(s->process.pid, SIGKILL);
			finish_gpgv(s, NULL, err);
			return save_stream_error(
				s,
				err_set(err, ETIMEDOUT,
					"gpgv: timed out while reading its "
					"input"),
				err);
		}
		n = send(s->input_fd, in.data, in.len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			in = bytes_of(in.data + n, in.len - (size_t)n);
		else if (errno == EPIPE || errno == ECONNRESET)
			break;
		else if (errno != EAGAIN && errno != EINTR)
			return save_stream_error(
				s, err_errno(err, "write to gpgv"), err);
	}
	if (in.len && !s->error) {
		/* gpgv closed its input early: the verification failed. */
		int ret = finish_gpgv(s, NULL, err);

		if (!ret)
			ret = err_set(
				err, EKEYREJECTED,
				"gpgv exited before it had read all input");
		return save_stream_error(s, ret, err);
	}
	if (s->error)
		*err = s->error_text;
	return s->error;
}

int fetch_gpgv_stream_finish(struct fetch_gpgv_stream *s,
			     struct fetch_signature *signature, struct err *err)
{
	if (s->error) {
		*err = s->error_text;
		return s->error;
	}
	return finish_gpgv(s, signature, err);
}

void fetch_gpgv_stream_free(struct fetch_gpgv_stream *s)
{
	if (!s)
		return;
	close_fd(&s->input_fd);
	gpgv_release(&s->process);
	free(s);
}
