/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/key.h"

#include "base/fs.h"
#include "fetch/download.h"
#include "fetch/gpg.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define WKD        "wkd:"
#define REASON_MAX 200 /* length of a source's error in a message */

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
	struct buf cached_listing; /* listing of that copy (fetch/gpg.h) */
	struct buf key, listing; /* of the key that was found */
	struct buf reasons; /* errors of the sources without the key */
	bool gpg_missing;
};

static void add_source_error(struct key_search *s, const struct err *why)
{
	buf_printf(&s->reasons, "%s%.*s", s->reasons.len ? "; " : "",
		   REASON_MAX, why->text);
}

/* Extract the key from a file, or record why the file cannot provide it. */
static bool extract_searched_key(struct key_search *s, struct bytes file,
				 const char *name)
{
	struct err why = { 0 };
	int ret;

	buf_reset(&s->listing);
	ret = fetch_gpg_extract(file, s->fingerprint, &s->key, &s->listing,
				&why);
	if (!ret && fetch_gpg_lacks_revocation(buf_bytes(&s->cached_listing),
					       buf_bytes(&s->listing)))
		ret = err_set(&why, EINVAL,
			      "outdated copy: lacks a known revocation");
	s->gpg_missing |= ret == -ENOPKG;
	if (ret) {
		buf_reset(&s->key);
		err_wrap(&why, "%s", name);
		add_source_error(s, &why);
	}
	return !ret;
}

/* Search for the key at a URL or, if `options` is NULL, in a file. */
static bool search_url_or_file(struct key_search *s, const char *place,
			       const struct fetch_options *options)
{
	const char *const urls[] = { place, NULL };
	struct buf content = { 0 };
	struct err why = { 0 };
	bool found = false;

	if (options ? fetch_download_text(urls, FETCH_KEY_BYTES_MAX, options,
					  &content, &why) :
		      fs_read(place, FETCH_KEY_BYTES_MAX, &content, &why))
		add_source_error(s, &why);
	else
		found = extract_searched_key(s, buf_bytes(&content), place);
	buf_release(&content);
	return found;
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
