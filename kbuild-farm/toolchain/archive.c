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

/* Takes all up to `end` off the front of *s, and `end` itself. */
static char *take_until(const char **s, const char *end)
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

/* HOST-gcc-VERSION-nolibc[-_]TRIPLET */
static bool read_gcc(struct toolchain_archive *a, const char *s)
{
	char *version = NULL;
	bool good;

	a->host = take_until(&s, "-gcc-");
	if (a->host)
		version = take_until(&s, "-nolibc");
	good = version && (*s == '-' || *s == '_') && is_triplet(s + 1) &&
	       toolchain_data_host(a->host) && set_release(a, false, version);
	if (good)
		a->triplet = xstrdup(s + 1);
	free(version);
	return good;
}

/* VERSION-MACHINE, which is another name for a host */
static bool read_clang(struct toolchain_archive *a, const char *s)
{
	char *version = take_until(&s, "-");
	const struct toolchain_host *h;
	bool good = version && set_release(a, true, version);

	for (size_t i = 0; good && (h = toolchain_data_host_at(i)); i++) {
		if (!a->host && h->clang && !strcmp(h->clang, s))
			a->host = xstrdup(h->name);
	}
	free(version);
	return a->host != NULL;
}

bool toolchain_archive_parse_name(struct toolchain_archive *out,
				  const char *name)
{
	const char *tar = strstr(name, ".tar");
	char *stem = xstrndup(name, tar ? (size_t)(tar - name) : 0);
	struct toolchain_archive a = { 0 };
	bool good = str_starts(stem, "llvm-") ?
			    read_clang(&a, stem + strlen("llvm-")) :
			    read_gcc(&a, stem);

	free(stem);
	if (good)
		*out = a;
	else
		toolchain_archive_release(&a);
	return good;
}

/* Where a server has an archive of that name. */
static char *path_of(const struct toolchain_archive *a, const char *name)
{
	const char *place = toolchain_data_place(a->release.is_clang);
	char *version, *path;

	if (a->release.is_clang)
		return xasprintf("%s/%s", place, name);
	version = toolchain_release_version(&a->release);
	path = xasprintf("%s/%s/%s/%s", place, a->host, version, name);
	free(version);
	return path;
}

bool toolchain_archive_parse(struct toolchain_archive *out, const char *path)
{
	const char *name = str_base(path), *tar = strstr(name, ".tar.");
	struct toolchain_archive a;

	if (!tar || (strcmp(tar, ".tar.xz") && strcmp(tar, ".tar.gz")) ||
	    !toolchain_archive_parse_name(&a, name))
		return false;
	a.path = path_of(&a, name);
	if (strcmp(a.path, path)) {
		toolchain_archive_release(&a);
		return false;
	}
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

void toolchain_archive_urls(const char *path, const struct strv *mirrors,
			    struct strv *out)
{
	for (size_t i = 0; i < mirrors->n; i++) {
		const char *m = mirrors->v[i];

		strv_addf(out, "%s%s%s", m, str_ends(m, "/") ? "" : "/", path);
	}
}
