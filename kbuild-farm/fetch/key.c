/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/key.h"

#include "base/fs.h"
#include "fetch/gpg.h"
#include "fetch/http.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define WKD "wkd:"
/* What is told of sources that failed, each cut at that. */
#define REASON_MAX 200

bool fetch_key_is_fingerprint(const char *text)
{
	return strspn(text, "0123456789ABCDEFabcdef") == 40 && !text[40];
}

/* The alphabet and grouping of draft-koch-openpgp-webkey-service. */
static void z_base32(const uint8_t *in, size_t n, struct buf *out)
{
	static const char digits[] = "ybndrfg8ejkmcpqxot1uwisza345h769";

	for (size_t bit = 0; bit < 8 * n; bit += 5) {
		unsigned two = (unsigned)in[bit / 8] << 8;

		if (bit / 8 + 1 < n)
			two |= in[bit / 8 + 1];
		buf_put_u8(out, (uint8_t)digits[two >> (11 - bit % 8) & 31]);
	}
}

static bool is_plain_word(const char *s, const char *also)
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

/* What a directory calls the part of an address before the '@'. */
static char *wkd_name(const char *name)
{
	char *lower = xstrdup(name);
	struct buf hash = { 0 };
	uint8_t sum[20];

	to_lower(lower);
	if (!EVP_Digest(lower, strlen(lower), sum, NULL, EVP_sha1(), NULL))
		str_out_of_memory();
	z_base32(sum, sizeof(sum), &hash);
	free(lower);
	return buf_steal(&hash);
}

/* The advanced address, then the direct one. */
static int wkd_urls(const char *address, struct strv *urls, struct err *err)
{
	char *name = xstrdup(address), *domain = strchr(name, '@'), *hash;

	if (domain)
		*domain++ = '\0';
	if (!domain || !is_plain_word(name, "._-+") ||
	    !is_plain_word(domain, ".-")) {
		free(name);
		return err_set(err, EINVAL,
			       "key source \"" WKD "%s\": not an address",
			       address);
	}
	to_lower(domain);
	hash = wkd_name(name);
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
		return err_set(err, EINVAL,
			       "key source \"%s\": neither https:// nor " WKD,
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

/* A key that is wanted, and why each place does not have it. */
struct search {
	char fingerprint[FETCH_FINGERPRINT];
	char *path; /* where it is kept */
	struct buf kept; /* what is there, if it is any good */
	struct buf known; /* its listing (fetch/gpg.h) */
	struct buf key, listing; /* the same of what was found */
	struct buf reasons;
	bool no_gpg;
};

static void add_reason(struct search *s, const struct err *why)
{
	buf_printf(&s->reasons, "%s%.*s", s->reasons.len ? "; " : "",
		   REASON_MAX, why->text);
}

/* Has this file got it?  One that has not is no error as long as others do. */
static bool look_into(struct search *s, struct bytes file, const char *name)
{
	struct err why = { 0 };
	int ret;

	buf_reset(&s->listing);
	ret = fetch_gpg_extract(file, s->fingerprint, &s->key, &s->listing,
				&why);
	if (!ret &&
	    fetch_gpg_forgets(buf_bytes(&s->known), buf_bytes(&s->listing)))
		ret = err_set(
			&why, EINVAL,
			"an old copy, without a revocation that is known");
	s->no_gpg |= ret == -ENOPKG;
	if (ret) {
		buf_reset(&s->key);
		err_wrap(&why, "%s", name);
		add_reason(s, &why);
	}
	return !ret;
}

/* A file, or with `options` a URL. */
static bool search_place(struct search *s, const char *place,
			 const struct fetch_options *options)
{
	const char *const urls[] = { place, NULL };
	struct buf content = { 0 };
	struct err why = { 0 };
	bool found = false;

	if (options ?
		    fetch_text(urls, FETCH_KEY_MOST, options, &content, &why) :
		    fs_read(place, FETCH_KEY_MOST, &content, &why))
		add_reason(s, &why);
	else
		found = look_into(s, buf_bytes(&content), place);
	buf_release(&content);
	return found;
}

static bool search_sources(struct search *s, const struct strv *sources,
			   const struct fetch_options *options)
{
	static const struct fetch_options usual;
	bool found = false;

	for (size_t i = 0; sources && i < sources->n && !found; i++) {
		struct strv urls = { 0 };
		struct err why = { 0 };

		if (fetch_key_urls(sources->v[i], s->fingerprint, &urls, &why))
			add_reason(s, &why);
		for (size_t k = 0; k < urls.n && !found; k++)
			found = search_place(s, urls.v[k],
					     options ? options : &usual);
		strv_release(&urls);
	}
	return found;
}

static bool search_files(struct search *s, const struct strv *files)
{
	for (size_t i = 0; files && i < files->n; i++) {
		if (search_place(s, files->v[i], NULL))
			return true;
	}
	return false;
}

static bool search_kept(struct search *s)
{
	bool found = fs_exists(s->path) && search_place(s, s->path, NULL);

	if (found) {
		buf_add_bytes(&s->kept, buf_bytes(&s->key));
		buf_add_bytes(&s->known, buf_bytes(&s->listing));
	}
	buf_reset(&s->key);
	return found;
}

/* A new file only if it is another key: gpgv may be reading this one. */
static int save_key(struct search *s, struct err *err)
{
	char *dir;
	int ret;

	if (bytes_equal(buf_bytes(&s->kept), buf_bytes(&s->key)))
		return 0;
	dir = str_dir(s->path);
	ret = fs_mkdirs(dir, 0777, err);
	if (!ret)
		ret = fs_write(s->path, buf_bytes(&s->key), 0644, err);
	free(dir);
	return ret;
}

static int search_init(struct search *s, const char *data_dir,
		       const char *fingerprint, struct err *err)
{
	*s = (struct search){ 0 };
	if (!fetch_key_is_fingerprint(fingerprint))
		return err_set(err, EINVAL,
			       "\"%s\" is no fingerprint: 40 hexadecimal "
			       "digits",
			       fingerprint);
	for (int i = 0; i < 40; i++)
		s->fingerprint[i] = (char)toupper(
			(unsigned char)fingerprint[i]);
	s->path = xasprintf("%s/keys/%s.gpg", data_dir, s->fingerprint);
	return 0;
}

static int key_not_found(const struct search *s, struct err *err)
{
	const char *why = s->reasons.len ? buf_str(&s->reasons) :
					   "nowhere to look for it";

	if (s->no_gpg)
		return err_set(err, ENOPKG, "the key %s: %s", s->fingerprint,
			       why);
	return err_set(err, ENOKEY,
		       "the key %s: %s; give it as a file ([toolchain] "
		       "key-file), or a place that has it (key-source)",
		       s->fingerprint, why);
}

/* What was found is kept, and its path handed out. */
static int search_end(struct search *s, bool found, char **keyring,
		      struct err *err)
{
	int ret = found ? save_key(s, err) : key_not_found(s, err);

	if (!ret) {
		*keyring = s->path;
		s->path = NULL;
	}
	buf_release(&s->kept);
	buf_release(&s->known);
	buf_release(&s->key);
	buf_release(&s->listing);
	buf_release(&s->reasons);
	free(s->path);
	return ret;
}

int fetch_key_get(const char *data_dir, const char *fingerprint,
		  const struct strv *files, const struct strv *sources,
		  const struct fetch_options *options, bool anew,
		  char **keyring, struct err *err)
{
	struct search s;
	bool found, kept;
	int ret = search_init(&s, data_dir, fingerprint, err);

	if (ret)
		return ret;
	kept = search_kept(&s);
	found = anew && search_sources(&s, sources, options);
	if (!found)
		found = search_files(&s, files);
	if (!found && !anew && kept) {
		buf_add_bytes(&s.key, buf_bytes(&s.kept));
		found = true;
	}
	if (!found && !anew)
		found = search_sources(&s, sources, options);
	return search_end(&s, found, keyring, err);
}
