/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/url.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/url.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_LENGTH_MAX 4000

static const struct scheme {
	const char *name;
	enum tree_url_kind kind;
} schemes[] = {
	{ "https", TREE_URL_HTTPS }, { "http", TREE_URL_HTTP },
	{ "git", TREE_URL_GIT },     { "ssh", TREE_URL_SSH },
	{ "git+ssh", TREE_URL_SSH }, { "ssh+git", TREE_URL_SSH },
	{ "file", TREE_URL_LOCAL },
};

static bool has_control_characters(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static int refuse_source(const char *text, const char *why, struct err *err)
{
	char *shown = url_redact(text);

	err_set(err, EINVAL, "%.200s: %s", shown, why);
	free(shown);
	return -EINVAL;
}

static const struct scheme *scheme_of(const char *text, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strlen(schemes[i].name) == n &&
		    !strncasecmp(text, schemes[i].name, n))
			return &schemes[i];
	}
	return NULL;
}

/* Parse [USER[:PASSWORD]@]HOST[:PORT], with an IPv6 address in brackets. */
static bool parse_authority(struct tree_url *url, const char *text, size_t n)
{
	char *whole = xstrndup(text, n), *host = whole, *at, *port = NULL;
	bool good = true;
	long number;

	at = strrchr(whole, '@');
	if (at) {
		*at = '\0';
		host = at + 1;
		url->user = xstrndup(whole, strcspn(whole, ":"));
	}
	if (*host == '[') {
		at = strchr(++host, ']');
		good = at && (!at[1] || at[1] == ':');
		if (good && at[1])
			port = at + 2;
		if (at)
			*at = '\0';
	} else if ((at = strchr(host, ':'))) {
		*at = '\0';
		port = at + 1;
	}
	if (port && *port) {
		good = good && !str_parse_number(port, 1, 65535, &number);
		url->port = xstrdup(port);
	}
	url->host = xstrdup(host);
	free(whole);
	return good && *url->host;
}

/* Parse the part after "SCHEME://". */
static int parse_rest(struct tree_url *url, const char *text, const char *rest,
		      struct err *err)
{
	size_t n = strcspn(rest, "/");

	if (url->kind == TREE_URL_LOCAL) {
		if (n && (n != strlen("localhost") ||
			  !str_starts(rest, "localhost")))
			return refuse_source(text,
					     "file URL with a remote host; "
					     "expected file:///PATH",
					     err);
		url->path = xstrdup(rest + n);
	} else {
		if (!parse_authority(url, rest, n))
			return refuse_source(text, "expected HOST or HOST:PORT",
					     err);
		url->path = xstrdup(rest + n);
	}
	if ((url->kind == TREE_URL_LOCAL || url->kind == TREE_URL_SSH) &&
	    (!url_unescape(url->path) ||
	     (url->host && !url_unescape(url->host)) ||
	     (url->user && !url_unescape(url->user))))
		return refuse_source(text, "invalid percent-encoding", err);
	/* As in git, ssh://host/~user/x is in the user's home directory. */
	if (url->kind == TREE_URL_SSH && str_starts(url->path, "/~"))
		memmove(url->path, url->path + 1, strlen(url->path));
	return 0;
}

static int parse_url(struct tree_url *url, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':'), *after = strchr(text, ']');
	const struct scheme *scheme;

	/* In user@[::1]:PATH the colon follows the bracket. */
	if (after && after[1] == ':' &&
	    memchr(text, '[', (size_t)(after - text)))
		colon = strstr(text, "://") ? colon : after + 1;
	if (!colon || memchr(text, '/', (size_t)(colon - text))) {
		url->path = xstrdup(text);
		return 0;
	}
	if (str_starts(colon, "::"))
		return refuse_source(
			text,
			"remote helpers are not supported; use an http, "
			"https, ssh, git or file URL, or a path",
			err);
	if (!str_starts(colon, "://")) {
		url->kind = TREE_URL_SSH;
		url->path = xstrdup(colon + 1);
		if (!parse_authority(url, text, (size_t)(colon - text)))
			return refuse_source(text, "expected HOST:PATH", err);
		return 0;
	}
	scheme = scheme_of(text, (size_t)(colon - text));
	if (!scheme)
		return refuse_source(
			text,
			"unsupported URL scheme; use an http, https, ssh, git "
			"or file URL, or a path",
			err);
	url->kind = scheme->kind;
	return parse_rest(url, text, colon + 3, err);
}

static bool looks_like_option(const char *s)
{
	return s && *s == '-';
}

int tree_url_parse(struct tree_url *url, const char *text, struct err *err)
{
	int ret;

	*url = (struct tree_url){ 0 };
	if (!*text)
		return err_set(err, EINVAL, "empty URL");
	if (strlen(text) > URL_LENGTH_MAX)
		return refuse_source(text, "too long", err);
	if (has_control_characters(text))
		return refuse_source(text, "contains control characters", err);
	ret = parse_url(url, text, err);
	if (!ret && !*url->path)
		ret = refuse_source(text, "missing path", err);
	if (!ret && (has_control_characters(url->path) ||
		     (url->host && has_control_characters(url->host)) ||
		     (url->user && has_control_characters(url->user))))
		ret = refuse_source(text, "contains control characters", err);
	if (!ret && url->kind != TREE_URL_LOCAL &&
	    (looks_like_option(url->host) || looks_like_option(url->user) ||
	     looks_like_option(url->path)))
		ret = refuse_source(
			text, "user, host or path starts with a dash", err);
	if (ret)
		tree_url_release(url);
	return ret;
}

void tree_url_release(struct tree_url *url)
{
	free(url->user);
	free(url->host);
	free(url->port);
	free(url->path);
	*url = (struct tree_url){ 0 };
}
