/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/archive.h"

#include "base/err.h"
#include "toolchain/data.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

static bool only(const char *s, const char *letters)
{
	size_t n = strspn(s, letters);

	return n && n < WORD_MAX && !s[n];
}

bool toolchain_archive_is_version(const char *name)
{
	struct toolchain_release r;
	struct err ignored = { 0 };

	return only(name, "0123456789.") &&
	       !toolchain_release_of(false, name, &r, &ignored) && r.n == 3;
}

static bool is_triplet(const char *s)
{
	return only(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") &&
	       strchr(s, '-') && !strstr(s, "--") && s[0] != '-' &&
	       s[strlen(s) - 1] != '-';
}

/* Takes `prefix` off the front of *s. */
static bool skip(const char **s, const char *prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	*s += strlen(prefix);
	return true;
}

/* Takes all up to `end` off the front of *s, and `end` itself. */
static char *take(const char **s, const char *end)
{
	const char *at = strstr(*s, end);
	char *word;

	if (!at)
		return NULL;
	word = xstrndup(*s, (size_t)(at - *s));
	*s = at + strlen(end);
	return word;
}

static bool set_release(struct toolchain_archive *a, bool is_clang,
			const char *version)
{
	struct err ignored = { 0 };

	return toolchain_archive_is_version(version) &&
	       !toolchain_release_of(is_clang, version, &a->release, &ignored);
}

/* HOST-gcc-VERSION-nolibc[-_]TRIPLET.tar.xz; `s` is after the directories. */
static bool parse_gcc_name(struct toolchain_archive *a, const char *s,
			   const char *version)
{
	if (!skip(&s, a->host) || !skip(&s, "-gcc-") || !skip(&s, version) ||
	    !skip(&s, "-nolibc") || (*s != '-' && *s != '_'))
		return false;
	s++;
	a->triplet = take(&s, ".tar.");
	return a->triplet && is_triplet(a->triplet) &&
	       set_release(a, false, version);
}

static bool parse_gcc(struct toolchain_archive *a, const char *s)
{
	char *version = NULL;
	bool good;

	a->host = take(&s, "/");
	if (a->host)
		version = take(&s, "/");
	good = version && toolchain_data_host(a->host) &&
	       parse_gcc_name(a, s, version);
	free(version);
	return good;
}

/* Whom the name of an LLVM archive means, as gcc's are named; or NULL. */
static char *host_of_clang(const char *machine)
{
	const struct toolchain_host *h;

	for (size_t i = 0; (h = toolchain_data_host_at(i)) != NULL; i++) {
		if (h->clang && !strcmp(h->clang, machine))
			return xstrdup(h->name);
	}
	return NULL;
}

static bool parse_clang(struct toolchain_archive *a, const char *s)
{
	char *version, *machine = NULL;
	bool good;

	if (!skip(&s, "llvm-"))
		return false;
	version = take(&s, "-");
	if (version)
		machine = take(&s, ".tar.");
	good = machine && set_release(a, true, version);
	if (good)
		a->host = host_of_clang(machine);
	free(version);
	free(machine);
	return a->host != NULL;
}

static bool skip_place(const char **s, bool is_clang)
{
	const char *at = *s;

	if (!skip(&at, toolchain_data_place(is_clang)) || !skip(&at, "/"))
		return false;
	*s = at;
	return true;
}

bool toolchain_archive_parse(struct toolchain_archive *out, const char *path)
{
	struct toolchain_archive a = { 0 };
	const char *s = path;
	bool good = str_ends(path, ".tar.xz") || str_ends(path, ".tar.gz");

	if (good && skip_place(&s, false))
		good = parse_gcc(&a, s);
	else if (good && skip_place(&s, true))
		good = parse_clang(&a, s);
	else
		good = false;
	/* ".tar.xz" comes once: "x.tar.gz.tar.xz" is none of ours. */
	good = good &&
	       strstr(path, ".tar.") + strlen(".tar.xz") == path + strlen(path);
	if (!good) {
		toolchain_archive_release(&a);
		return false;
	}
	a.path = xstrdup(path);
	a.name = str_base(a.path);
	*out = a;
	return true;
}

void toolchain_archive_release(struct toolchain_archive *a)
{
	free(a->path);
	free(a->host);
	free(a->triplet);
	*a = (struct toolchain_archive){ 0 };
}

void toolchain_archive_urls(const struct toolchain_archive *a,
			    const struct strv *mirrors, struct strv *out)
{
	for (size_t i = 0; i < mirrors->n; i++) {
		const char *m = mirrors->v[i];

		strv_addf(out, "%s%s%s", m, str_ends(m, "/") ? "" : "/",
			  a->path);
	}
}
