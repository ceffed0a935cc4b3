/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/archive.h"

#include "base/err.h"
#include "toolchain/builtin.h"

#include <stdlib.h>
#include <string.h>

#define TRIPLET_LEN_MAX 64

bool toolchain_archive_parse_version(bool is_clang, const char *version,
				     struct toolchain_release *r)
{
	struct err ignored;

	return !toolchain_release_parse_version(is_clang, version, r,
						&ignored) &&
	       r->n_parts == 3;
}

static bool is_triplet(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n && n < TRIPLET_LEN_MAX && !s[n] && strchr(s, '-') &&
	       !strstr(s, "--") && s[0] != '-' && s[n - 1] != '-';
}

/*
 * Remove everything up to and including `end` from the front of *s.  Returns
 * the text before `end`, or NULL if *s does not contain `end`.
 */
static char *take_up_to(const char **s, const char *end)
{
	const char *at = strstr(*s, end);
	char *word;

	if (!at)
		return NULL;
	word = xstrndup(*s, (size_t)(at - *s));
	*s = at + strlen(end);
	return word;
}

/* Parse HOST-gcc-VERSION-nolibc[-_]TRIPLET. */
static bool read_gcc(struct toolchain_archive *a, const char *s)
{
	char *version = NULL;
	bool good;

	a->host = take_up_to(&s, "-gcc-");
	if (a->host)
		version = take_up_to(&s, "-nolibc");
	good = version && (*s == '-' || *s == '_') && is_triplet(s + 1) &&
	       toolchain_builtin_find_host(a->host) &&
	       toolchain_archive_parse_version(false, version, &a->release);
	if (good)
		a->triplet = xstrdup(s + 1);
	free(version);
	return good;
}

/* Parse VERSION-MACHINE; MACHINE is the clang_name of a host. */
static bool read_clang(struct toolchain_archive *a, const char *s)
{
	char *version = take_up_to(&s, "-");
	const struct toolchain_host *h;
	bool good = version &&
		    toolchain_archive_parse_version(true, version, &a->release);

	for (size_t i = 0; good && (h = toolchain_builtin_host_at(i)); i++) {
		if (!a->host && h->clang_name && !strcmp(h->clang_name, s))
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

bool toolchain_archive_parse_path(struct toolchain_archive *out,
				  const char *path)
{
	const char *name = str_base(path), *tar = strstr(name, ".tar.");
	struct toolchain_archive a;
	const char *dir;
	char *version;

	if (!tar || (strcmp(tar, ".tar.xz") && strcmp(tar, ".tar.gz")) ||
	    !toolchain_archive_parse_name(&a, name))
		return false;
	dir = toolchain_builtin_mirror_dir(a.release.is_clang);
	if (a.release.is_clang) {
		a.mirror_path = xasprintf("%s/%s", dir, name);
	} else {
		version = toolchain_release_format_version(&a.release);
		a.mirror_path = xasprintf("%s/%s/%s/%s", dir, a.host, version,
					  name);
		free(version);
	}
	if (strcmp(a.mirror_path, path)) {
		toolchain_archive_release(&a);
		return false;
	}
	*out = a;
	return true;
}

void toolchain_archive_release(struct toolchain_archive *a)
{
	free(a->mirror_path);
	free(a->host);
	free(a->triplet);
	*a = (struct toolchain_archive){ 0 };
}

void toolchain_archive_list_urls(const char *path, const struct strv *mirrors,
				 struct strv *out)
{
	for (size_t i = 0; i < mirrors->n; i++) {
		const char *m = mirrors->v[i];

		strv_addf(out, "%s%s%s", m, str_ends(m, "/") ? "" : "/", path);
	}
}
