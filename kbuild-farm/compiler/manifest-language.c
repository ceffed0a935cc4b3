/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where catalogues and locales lie is compiled into the programs and the C
 * library, so it is read from their bytes: strings that end in the names
 * below.  clang speaks English only.
 */
#include "compiler/manifest.h"

#include "base/fs.h"
#include "compiler/gather.h"
#include "compiler/locale.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRAM_MAX ((size_t)256 << 20) /* bytes that are looked through */
#define ARCHIVE_MAX (64 << 20) /* bytes */
#define ALIAS_MAX   (1u << 20)

static const char *const domains[] = { "gcc", "cpplib",  "gas",
				       "bfd", "opcodes", "libc" };

struct language {
	const struct compiler_manifest *m;
	struct compiler_gather gather;
	const char *ctype, *messages; /* names of locales */
	struct strv catalogues; /* directories of catalogues */
	struct strv locales; /* of compiled locales */
	struct strv conversions; /* of gconv modules */
};

/* Add each string of `text` that is an absolute path ending in `end`. */
static void find_strings(struct strv *out, struct bytes text, const char *end)
{
	size_t size = strlen(end) + 1; /* with its NUL */
	const uint8_t *from = text.data, *limit = text.data + text.len, *at;

	while (text.len &&
	       (at = bytes_find(bytes_of(from, (size_t)(limit - from)),
				bytes_of(end, size), 0))) {
		const uint8_t *start = at;

		while (start > text.data && start[-1] > ' ' && start[-1] <= '~')
			start--;
		from = at + size;
		if (start[0] == '/' && start > text.data && !start[-1] &&
		    !strv_has(out, (const char *)start))
			strv_add(out, (const char *)start);
	}
}

/* Every program and library of the compiler says where it looks. */
static int find_places(struct language *l, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->m->entries.n && !ret; i++) {
		const struct compiler_entry *e = &l->m->entries.v[i];
		struct buf text = { 0 };

		if (e->kind != COMPILER_FILE ||
		    (!e->executable && !strstr(str_base(e->path), ".so")))
			continue;
		ret = fs_read(e->path, PROGRAM_MAX, &text, err);
		if (!ret) {
			find_strings(&l->catalogues, buf_bytes(&text),
				     "/share/locale");
			find_strings(&l->locales, buf_bytes(&text),
				     "/lib/locale");
			find_strings(&l->conversions, buf_bytes(&text),
				     "/gconv");
		}
		buf_release(&text);
	}
	return ret;
}

static int add_path(struct language *l, char *path, struct err *err)
{
	int ret = 0;

	if (fs_exists(path))
		ret = fs_is_dir(path) ?
			      compiler_gather_dir(&l->gather, path, err) :
			      compiler_gather_path(&l->gather, path, NULL, err);
	free(path);
	return ret;
}

static bool is_domain(const char *file)
{
	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++) {
		size_t len = strlen(domains[i]);

		if (!strncmp(file, domains[i], len) &&
		    (file[len] == '.' || file[len] == '-') &&
		    str_ends(file, ".mo"))
			return true;
	}
	return false;
}

static int add_messages(struct language *l, const char *dir, struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n && !ret; i++) {
		if (is_domain(names.v[i]))
			ret = add_path(l, xasprintf("%s/%s", dir, names.v[i]),
				       err);
	}
	strv_release(&names);
	return ret;
}

/* The directories of `place` that serve a locale. */
static void find_served(struct strv *dirs, const char *place, const char *name)
{
	struct strv names = { 0 };

	fs_list(place, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (compiler_locale_serves(names.v[i], name))
			strv_addf(dirs, "%s/%s", place, names.v[i]);
	}
	strv_release(&names);
}

/* Ubuntu's C library looks beside each place as well. */
static int add_catalogues(struct language *l, const char *name, struct err *err)
{
	struct strv dirs = { 0 };
	int ret = 0;

	for (size_t i = 0; i < l->catalogues.n; i++) {
		char *more = xasprintf("%s-langpack", l->catalogues.v[i]);

		find_served(&dirs, l->catalogues.v[i], name);
		find_served(&dirs, more, name);
		free(more);
	}
	for (size_t i = 0; i < dirs.n && !ret; i++) {
		char *dir = xasprintf("%s/LC_MESSAGES", dirs.v[i]);

		ret = add_messages(l, dir, err);
		free(dir);
	}
	strv_release(&dirs);
	return ret;
}

/* Most have one large file instead of, or beside, the directories. */
static int add_archive(struct language *l, const char *place, bool *found,
		       struct err *err)
{
	char *archive = xasprintf("%s/locale-archive", place);
	struct stat st;
	int ret = 0;

	if (!stat(archive, &st)) {
		if (st.st_size <= ARCHIVE_MAX)
			ret = compiler_gather_path(&l->gather, archive, NULL,
						   err);
		else if (!*found)
			ret = err_set(err, E2BIG, "%s: %s", archive,
				      strerror(E2BIG));
		*found = true;
	}
	free(archive);
	return ret;
}

/* Compiled locales, each a directory: what is read of one is two files. */
static int add_locale(struct language *l, const char *name, bool *found,
		      struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->locales.n && !ret; i++) {
		struct strv dirs = { 0 };

		find_served(&dirs, l->locales.v[i], name);
		*found |= dirs.n > 0;
		for (size_t k = 0; k < dirs.n && !ret; k++) {
			ret = add_path(l, xasprintf("%s/LC_CTYPE", dirs.v[k]),
				       err);
			if (!ret)
				ret = add_path(
					l,
					xasprintf("%s/LC_MESSAGES", dirs.v[k]),
					err);
		}
		strv_release(&dirs);
		if (!ret)
			ret = add_archive(l, l->locales.v[i], found, err);
	}
	return ret;
}

/* An old name for a locale: "german" is de_DE.ISO-8859-1. */
static int add_alias(struct language *l, const char *name, char **out,
		     struct err *err)
{
	int ret = 0;

	*out = NULL;
	for (size_t i = 0; i < l->catalogues.n && !ret && !*out; i++) {
		char *file = xasprintf("%s/locale.alias", l->catalogues.v[i]);
		struct buf text = { 0 };

		if (fs_exists(file))
			ret = fs_read(file, ALIAS_MAX, &text, err);
		if (!ret)
			*out = compiler_locale_alias(buf_str(&text), name);
		if (*out)
			ret = compiler_gather_path(&l->gather, file, NULL, err);
		buf_release(&text);
		free(file);
	}
	return ret;
}

/* Messages are in UTF-8: another character set takes conversions. */
static int add_conversions(struct language *l, const char *name,
			   struct err *err)
{
	int ret = 0;

	if (compiler_locale_is_utf8(name))
		return 0;
	for (size_t i = 0; i < l->conversions.n && !ret; i++)
		ret = add_path(l, xstrdup(l->conversions.v[i]), err);
	return ret;
}

/* LANGUAGE's. */
static int add_languages(struct language *l, const char *list, struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	strv_split(&names, list ? list : "", ":");
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *alias;

		ret = add_alias(l, names.v[i], &alias, err);
		if (!ret)
			ret = add_catalogues(l, alias ? alias : names.v[i],
					     err);
		free(alias);
	}
	strv_release(&names);
	return ret;
}

/* A locale that is not installed is C, whatever else there is of it. */
static int add_locale_name(struct language *l, const char *name,
			   const char *list, struct err *err)
{
	bool found = false;
	char *alias;
	int ret;

	if (compiler_locale_is_c(name) || strchr(name, '/'))
		return 0;
	ret = add_alias(l, name, &alias, err);
	if (alias)
		name = alias;
	if (!ret)
		ret = add_locale(l, name, &found, err);
	if (!ret && found)
		ret = add_conversions(l, name, err);
	if (!ret && found)
		ret = add_catalogues(l, name, err);
	if (!ret && found)
		ret = add_languages(l, list, err);
	free(alias);
	return ret;
}

static int add_all(struct language *l, char *const *env, struct err *err)
{
	int ret = find_places(l, err);

	if (!ret)
		ret = add_locale_name(l, l->ctype, NULL, err);
	if (!ret)
		ret = add_locale_name(l, l->messages, str_env(env, "LANGUAGE"),
				      err);
	return ret;
}

/* What is left of `from` without what the toolchain has itself. */
static void take_new(struct compiler_entries *out,
		     struct compiler_entries *from,
		     const struct compiler_manifest *m)
{
	out->v = xcalloc(from->n + 1, sizeof(*out->v));
	for (size_t i = 0; i < from->n; i++) {
		struct compiler_entry *e = &from->v[i];

		if (compiler_entries_find(&m->entries, e->path))
			continue;
		out->v[out->n++] = *e;
		*e = (struct compiler_entry){ 0 };
	}
	compiler_entries_release(from);
}

int compiler_manifest_language(struct compiler_entries *out,
			       const struct compiler_manifest *m,
			       char *const *env, struct err *err)
{
	struct compiler_entries all = { 0 };
	struct language l = {
		.m = m,
		.ctype = compiler_locale_of(env, "LC_CTYPE"),
		.messages = compiler_locale_of(env, "LC_MESSAGES"),
	};
	int ret = 0;

	*out = (struct compiler_entries){ 0 };
	if (m->is_clang ||
	    (compiler_locale_is_c(l.ctype) && compiler_locale_is_c(l.messages)))
		return 0;
	if (str_env(env, "LOCPATH"))
		return err_set(err, ENOTSUP, "LOCPATH is set");
	ret = add_all(&l, env, err);
	if (!ret)
		ret = compiler_gather_end(&l.gather, &all, err);
	if (!ret)
		take_new(out, &all, m);
	compiler_gather_release(&l.gather);
	strv_release(&l.catalogues);
	strv_release(&l.locales);
	strv_release(&l.conversions);
	return ret;
}
