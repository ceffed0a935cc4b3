/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/config-sources.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/url.h"
#include "base/vec.h"
#include "cli/progress.h"
#include "conf/conf.h"
#include "fetch/download.h"
#include "kconfig/kconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define TRIES         2
#define STALL_S       15
#define FETCH_LIMIT_S 120 /* maximum duration of a download */
#define DIGITS        24 /* digits of the digest in a file name */

/* The download of one configuration text. */
struct fetching {
	const char *url;
	char *cached_path; /* text of the last download */
	char *part_path; /* partial download (fetch/download.h) */
	struct buf raw; /* bytes received */
	uint64_t deadline_ms;
	struct err *err;
};

static int add_data(void *ctx, struct bytes b, struct err *err)
{
	struct fetching *f = ctx;

	if (clock_ms() > f->deadline_ms)
		return err_set(err, ETIMEDOUT,
			       "download not complete after %u s",
			       FETCH_LIMIT_S);
	buf_add_bytes(&f->raw, b);
	return 0;
}

static int discard_raw(void *ctx, struct err *err)
{
	struct fetching *f = ctx;

	(void)err;
	buf_reset(&f->raw);
	return 0;
}

/* Download f->url into f->raw.  This function runs on another thread. */
static int fetch_raw(void *ctx)
{
	struct fetching *f = ctx;
	const struct fetch_options options = {
		.allow_http = !strncasecmp(f->url, "http:", 5),
		.omit_config_hint = true,
		.n_tries = TRIES,
		.stall_s = STALL_S,
	};
	const struct fetch_sink sink = { .on_data = add_data,
					 .on_restart = discard_raw,
					 .ctx = f };
	const char *const urls[] = { f->url, NULL };
	int ret;

	f->deadline_ms = clock_ms() + FETCH_LIMIT_S * UINT64_C(1000);
	ret = fetch_download_file(urls, f->part_path, KCONFIG_TEXT_MAX,
				  &options, &sink, NULL, f->err);
	/*
	 * If a concurrent build has locked the partial file, download to memory
	 * only.
	 */
	if (ret == -EBUSY && !f->raw.len)
		ret = fetch_download_file(urls, NULL, KCONFIG_TEXT_MAX,
					  &options, &sink, NULL, f->err);
	return ret;
}

/*
 * Use the cached text if no server could be reached.  An error that the server
 * reports, such as "not found", remains an error.
 */
static int use_cached_config(struct fetching *f, int failure, char **out)
{
	char when[32];
	struct err why = *f->err, ignored;
	struct stat st;
	struct tm tm;

	if ((failure != -EIO && failure != -ETIMEDOUT) ||
	    stat(f->cached_path, &st) ||
	    kconfig_read_text(f->cached_path, out, &ignored))
		return failure;
	localtime_r(&st.st_mtime, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	log_warning("%s; using the stored copy from %s", why.text, when);
	*f->err = (struct err){ 0 };
	return 0;
}

int config_fetch(const char *url, char **out, struct err *err)
{
	char *cache = fs_cache_home(), *dir = xasprintf("%s/url", cache);
	char *name = url_redact(url);
	struct fetching f = { .url = url, .err = err };
	struct err ignored;
	char hex[DIGEST_HEX];
	struct digest d;
	int ret;

	digest_bytes(bytes_str(url), &d);
	digest_format(&d, hex);
	f.cached_path = xasprintf("%s/%.*s", dir, DIGITS, hex);
	f.part_path = xasprintf("%s.part", f.cached_path);
	ret = fs_mkdirs(dir, 0700, err);
	if (ret)
		goto out;
	ret = progress_run(name, "fetching", fetch_raw, &f);
	if (ret) {
		ret = use_cached_config(&f, ret, out);
		goto out;
	}
	ret = kconfig_decode_text(buf_bytes(&f.raw), out, err);
	if (ret) {
		fetch_partial_remove(f.part_path);
		err_wrap(err, "%s", name);
	} else {
		/* Ignore a failure: only later downloads need the cache. */
		fs_write(f.cached_path, buf_bytes(&f.raw), 0600, &ignored);
	}
out:
	buf_release(&f.raw);
	free(f.part_path);
	free(f.cached_path);
	free(name);
	free(dir);
	free(cache);
	return ret;
}

struct config_sources {
	struct conf *conf; /* NULL until a -k is resolved */
	struct strv names; /* NAME of each [config "NAME"] */
	struct kconfig_named_config **named; /* resolved [config] sections */
	size_t n_named;
	struct kconfig_fetched_urls fetched;
};

struct config_sources *config_sources_new(void)
{
	return xcalloc(1, sizeof(struct config_sources));
}

void config_sources_free(struct config_sources *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_named; i++) {
		struct kconfig_named_config *n = c->named[i];

		free(n->base);
		free(n->location);
		strv_release(&n->fragments);
		strv_release(&n->fragment_locations);
		free(n);
	}
	free(c->named);
	strv_release(&c->names);
	strv_release(&c->fetched.urls);
	strv_release(&c->fetched.texts);
	conf_free(c->conf);
	free(c);
}

char *config_sources_resolve_word(const char *word, const char *where)
{
	const char *end = strrchr(where, ':');
	char *file, *dir, *path;

	if (str_starts(word, "~/") && getenv("HOME"))
		return fs_expand_home(word);
	if (word[0] == '/' || !strchr(word, '/') || strstr(word, "://") ||
	    kconfig_dotconfig_is_assignment(word))
		return xstrdup(word);
	file = xstrndup(where, end ? (size_t)(end - where) : strlen(where));
	dir = str_dir(file);
	path = xasprintf("%s/%s", dir, word);
	if (!fs_exists(path)) {
		free(path);
		path = xstrdup(word);
	}
	free(dir);
	free(file);
	return path;
}

/* Append the values of kconfig-add of [config "NAME"], with their locations. */
static void add_named_words(const struct config_sources *c,
			    struct kconfig_named_config *n, const char *name)
{
	struct strv words = { 0 }, places = { 0 };

	conf_get_all_origins(c->conf, "config", name, "kconfig-add", &words,
			     &places);
	for (size_t i = 0; i < words.n; i++) {
		strv_own(&n->fragments,
			 config_sources_resolve_word(words.v[i], places.v[i]));
		strv_add(&n->fragment_locations, places.v[i]);
	}
	if (!n->location && places.n)
		n->location = xstrdup(places.v[0]);
	strv_release(&places);
	strv_release(&words);
}

/*
 * Add the values of [config "NAME"] to `n`.  If the `kconfig` of this section
 * names another section, first add the values of that section.  `path` contains
 * the names of all sections that are being added, to detect cycles.
 */
static int add_named_section(const struct config_sources *c,
			     struct kconfig_named_config *n, const char *name,
			     struct strv *path, struct err *err)
{
	const char *kconfig = conf_get(c->conf, "config", name, "kconfig");
	char *where = conf_get_origin(c->conf, "config", name, "kconfig");
	bool other = kconfig && strcmp(kconfig, name) != 0 &&
		     strv_has(&c->names, kconfig);
	int ret = 0;

	strv_add(path, name);
	if (other && strv_has(path, kconfig)) {
		char *names = strv_join(path, "\" -> \"");

		ret = err_set(err, ELOOP,
			      "%s: circular reference: \"%s\" -> \"%s\"", where,
			      names, kconfig);
		free(names);
	} else if (other) {
		ret = add_named_section(c, n, kconfig, path, err);
	} else if (kconfig) {
		n->base = config_sources_resolve_word(kconfig, where);
		n->location = xstrdup(where);
	}
	if (!ret)
		add_named_words(c, n, name);
	free(where);
	return ret;
}

/* Set the named_config and config_names of a request. */
static int find_named_config(struct config_sources *c,
			     struct kconfig_request *r, struct err *err)
{
	struct strv path = { 0 };
	struct kconfig_named_config *n;
	int ret;

	r->named_config = NULL;
	if (!r->kconfig)
		return 0;
	/* Collect no warnings, because settings_load() reports them. */
	ret = c->conf ? 0 : conf_load(&c->conf, NULL, err);
	if (!ret && !c->names.n)
		conf_list_subsections(c->conf, "config", &c->names);
	r->config_names = &c->names;
	if (ret || !strv_has(&c->names, r->kconfig))
		return ret;
	n = *VEC_ADD(c->named, c->n_named) = xcalloc(1, sizeof(*n));
	ret = add_named_section(c, n, r->kconfig, &path, err);
	r->named_config = n;
	strv_release(&path);
	return ret;
}

/*
 * Download `word` if it is a URL that was not downloaded yet.  `where` is the
 * option or the location of `word`, for errors.
 */
static int find_url(struct config_sources *c, const char *word,
		    const char *where, struct err *err)
{
	char *text = NULL;
	int ret;

	if (!kconfig_is_remote_url(word) || strv_has(&c->fetched.urls, word))
		return 0;
	ret = config_fetch(word, &text, err);
	if (ret) {
		err_wrap(err, "%s", where);
		return ret;
	}
	strv_add(&c->fetched.urls, word);
	strv_own(&c->fetched.texts, text);
	return 0;
}

int config_sources_resolve(struct config_sources *c, struct kconfig_request *r,
			   struct err *err)
{
	int ret = find_named_config(c, r, err);
	const struct kconfig_named_config *n = r->named_config;

	r->fetched = &c->fetched;
	if (!ret && n && n->base)
		ret = find_url(c, n->base, n->location, err);
	else if (!ret && !n && r->kconfig)
		ret = find_url(c, r->kconfig, "-k", err);
	for (size_t i = 0; !ret && n && i < n->fragments.n; i++)
		ret = find_url(c, n->fragments.v[i], n->fragment_locations.v[i],
			       err);
	for (size_t i = 0; !ret && i < r->fragments.n; i++)
		ret = find_url(c, r->fragments.v[i], "-K", err);
	return ret;
}
