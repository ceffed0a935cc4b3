/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/manifest.h"

#include "base/fs.h"
#include "base/state-file.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/collector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/*
 * A part of a locale name, without the preceding separator.  Locale names have
 * the form language[_TERRITORY][.CODESET][@MODIFIER].
 */
struct locale_part {
	const char *s;
	size_t len;
};

static struct locale_part get_locale_part(const char *name, char first)
{
	const char *at = strchr(name, first);
	size_t len;

	if (!at)
		return (struct locale_part){ "", 0 };
	/* A territory ends at a codeset or a modifier. */
	len = strcspn(at + 1, first == '_' ? ".@" : "@");
	return (struct locale_part){ at + 1, len };
}

/*
 * Skip past the next letter or digit and return it in lower case.  Return 0 at
 * the end of the part.
 */
static char next_alphanumeric(struct locale_part *p)
{
	while (p->len && !isalnum((unsigned char)*p->s)) {
		p->s++;
		p->len--;
	}
	if (!p->len)
		return 0;
	p->len--;
	return (char)tolower((unsigned char)*p->s++);
}

static bool equal_codesets(struct locale_part a, struct locale_part b)
{
	char x, y;

	do {
		x = next_alphanumeric(&a);
		y = next_alphanumeric(&b);
	} while (x && x == y);
	return x == y;
}

static bool equal_parts(struct locale_part a, struct locale_part b)
{
	return a.len == b.len && !memcmp(a.s, b.s, a.len);
}

/*
 * Return the locale that `env` sets for `category` ("LC_CTYPE"): the first
 * nonempty value of the variables LC_ALL, `category` and LANG, or else "C".
 * The result is borrowed.
 */
static const char *locale_from_env(char *const *env, const char *category)
{
	const char *const names[] = { "LC_ALL", category, "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = str_find_env(env, names[i]);

		if (value && *value)
			return value;
	}
	return "C";
}

/* Return true for C and POSIX, which are built into the C library. */
static bool is_c_locale(const char *name)
{
	return !*name || !strcmp(name, "C") || !strcmp(name, "POSIX");
}

/* Return true if the codeset of `name` is UTF-8. */
static bool is_utf8_locale(const char *name)
{
	return equal_codesets(get_locale_part(name, '.'),
			      (struct locale_part){ "utf8", 4 });
}

/*
 * Return true if a C library that looks for `name` may use the directory `dir`:
 * the languages are equal, and each further part of `dir` is equal to the
 * corresponding part of `name`.  Case and punctuation of codesets are ignored.
 */
static bool matches_locale_dir(const char *dir, const char *name)
{
	struct locale_part language = { dir, strcspn(dir, "_.@") };
	struct locale_part territory = get_locale_part(dir, '_');
	struct locale_part codeset = get_locale_part(dir, '.');
	struct locale_part modifier = get_locale_part(dir, '@');

	if (!language.len ||
	    !equal_parts(language,
			 (struct locale_part){ name, strcspn(name, "_.@") }))
		return false;
	if (territory.len &&
	    !equal_parts(territory, get_locale_part(name, '_')))
		return false;
	if (codeset.len && !equal_codesets(codeset, get_locale_part(name, '.')))
		return false;
	return !modifier.len ||
	       equal_parts(modifier, get_locale_part(name, '@'));
}

/*
 * Return the locale for which `name` is an alias according to `text`, or NULL.
 * `text` is the content of a locale.alias: two words per line, "#" begins a
 * comment.  The caller frees the result.
 */
static char *resolve_locale_alias(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *at = text + strspn(text, " \t");

		if (*at == '#' || strncasecmp(at, name, len) ||
		    !strspn(at + len, " \t"))
			continue;
		at += len;
		at += strspn(at, " \t");
		if (strcspn(at, " \t\n"))
			return xstrndup(at, strcspn(at, " \t\n"));
	}
	return NULL;
}

/*
 * The directories of catalogues and locales are compiled into the programs and
 * the C library.  find_dirs() therefore searches the bytes of these files for
 * strings that end in a known directory name.  clang has only English messages.
 */

#define SCANNED_PROGRAM_BYTES_MAX ((size_t)256 << 20)
#define LOCALE_ARCHIVE_BYTES_MAX  (64 << 20)
#define LOCALE_ALIAS_BYTES_MAX    (1u << 20)

/* The directories that find_dirs() has found, by the compiler's identity. */
static const struct state_file cached_dirs = { .max_bytes = 1u << 20,
					       .mode = 0600,
					       .is_private = true };

static const char *const message_domains[] = { "gcc", "cpplib",  "gas",
					       "bfd", "opcodes", "libc" };

struct locale_files {
	const struct compiler_manifest *m;
	struct compiler_collector collector;
	struct strv catalogue_dirs; /* of message catalogues */
	struct strv locale_dirs; /* of compiled locales */
	struct strv gconv_dirs; /* of character set conversions */
};

/* Add each string in `text` that is an absolute path ending in `end`. */
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

/* Search all programs and libraries of the compiler for directory names. */
static int find_dirs(struct locale_files *l, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->m->entries.n && !ret; i++) {
		const struct compiler_entry *e = &l->m->entries.v[i];
		struct buf text = { 0 };

		if (e->kind != COMPILER_ENTRY_FILE ||
		    (!e->executable && !strstr(str_base(e->path), ".so")))
			continue;
		ret = fs_read(e->path, SCANNED_PROGRAM_BYTES_MAX, &text, err);
		if (!ret) {
			find_strings(&l->catalogue_dirs, buf_bytes(&text),
				     "/share/locale");
			find_strings(&l->locale_dirs, buf_bytes(&text),
				     "/lib/locale");
			find_strings(&l->gconv_dirs, buf_bytes(&text),
				     "/gconv");
		}
		buf_release(&text);
	}
	return ret;
}

/* A line of the cache consists of the letter of a list and a path. */
static struct strv *dirs_by_letter(struct locale_files *l, char letter)
{
	if (letter == 'm')
		return &l->catalogue_dirs;
	if (letter == 'l')
		return &l->locale_dirs;
	return letter == 'g' ? &l->gconv_dirs : NULL;
}

static bool read_cached_dirs(struct locale_files *l, const char *path)
{
	struct strv lines = { 0 }, *dirs;
	struct buf text = { 0 };
	struct err err;
	bool found = !state_file_read(&cached_dirs, path, &text, &err) &&
		     digest_cut_line(&text);

	if (found)
		strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		dirs = dirs_by_letter(l, lines.v[i][0]);
		if (dirs)
			strv_add(dirs, lines.v[i] + 1);
	}
	strv_release(&lines);
	buf_release(&text);
	return found;
}

static void write_cached_dirs(struct locale_files *l, const char *path)
{
	struct buf text = { 0 };
	struct err err;

	for (const char *letter = "mlg"; *letter; letter++) {
		const struct strv *dirs = dirs_by_letter(l, *letter);

		for (size_t i = 0; i < dirs->n; i++)
			buf_printf(&text, "%c%s\n", *letter, dirs->v[i]);
	}
	digest_add_line(&text);
	state_file_write(&cached_dirs, path, buf_bytes(&text), &err);
	buf_release(&text);
}

/*
 * Read the directories from the cache in `cache_dir` (can be NULL), or find
 * them.
 */
static int get_dirs(struct locale_files *l, const char *cache_dir,
		    struct err *err)
{
	char hex[DIGEST_HEX], *path = NULL;
	struct err ignored;
	int ret = 0;

	digest_format(&l->m->id, hex);
	if (cache_dir)
		path = xasprintf("%s/locale-1-%s", cache_dir, hex);
	if (!path || !read_cached_dirs(l, path)) {
		ret = find_dirs(l, err);
		/*
		 * Write the cache only if the compiler is unchanged, because
		 * `path` contains the identity of `m`, and a replaced compiler
		 * has another identity.
		 */
		if (!ret && path &&
		    !compiler_manifest_check_unchanged(l->m, &ignored) &&
		    !fs_mkdirs(cache_dir, 0700, &ignored))
			write_cached_dirs(l, path);
	}
	free(path);
	return ret;
}

static int add_path(struct locale_files *l, char *path, struct err *err)
{
	int ret = 0;

	if (fs_exists(path))
		ret = fs_is_dir(path) ?
			      compiler_collector_add_dir(&l->collector, path,
							 err) :
			      compiler_collector_add_path(&l->collector, path,
							  NULL, err);
	free(path);
	return ret;
}

static bool is_message_catalogue(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(message_domains); i++) {
		size_t len = strlen(message_domains[i]);

		if (!strncmp(file, message_domains[i], len) &&
		    (file[len] == '.' || file[len] == '-') &&
		    str_ends(file, ".mo"))
			return true;
	}
	return false;
}

/* List the directories below `place` that belong to the locale `name`. */
static void find_matching_locales(struct strv *dirs, const char *place,
				  const char *name)
{
	struct strv names = { 0 };

	fs_list(place, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (matches_locale_dir(names.v[i], name))
			strv_addf(dirs, "%s/%s", place, names.v[i]);
	}
	strv_release(&names);
}

/* Add message catalogues.  Ubuntu's C library also searches DIR-langpack. */
static int add_catalogues(struct locale_files *l, const char *name,
			  struct err *err)
{
	struct strv dirs = { 0 };
	int ret = 0;

	for (size_t i = 0; i < l->catalogue_dirs.n; i++) {
		char *more = xasprintf("%s-langpack", l->catalogue_dirs.v[i]);

		find_matching_locales(&dirs, l->catalogue_dirs.v[i], name);
		find_matching_locales(&dirs, more, name);
		free(more);
	}
	for (size_t i = 0; i < dirs.n && !ret; i++) {
		char *dir = xasprintf("%s/LC_MESSAGES", dirs.v[i]);
		struct strv files = { 0 };

		fs_list(dir, &files);
		for (size_t k = 0; k < files.n && !ret; k++) {
			if (is_message_catalogue(files.v[k]))
				ret = add_path(
					l, xasprintf("%s/%s", dir, files.v[k]),
					err);
		}
		strv_release(&files);
		free(dir);
	}
	strv_release(&dirs);
	return ret;
}

/* Add the locale archive, which most systems have instead of directories. */
static int add_archive(struct locale_files *l, const char *place, bool *found,
		       struct err *err)
{
	char *archive = xasprintf("%s/locale-archive", place);
	struct stat st;
	int ret = 0;

	if (!stat(archive, &st)) {
		if (st.st_size <= LOCALE_ARCHIVE_BYTES_MAX)
			ret = compiler_collector_add_path(&l->collector,
							  archive, NULL, err);
		else if (!*found)
			ret = err_set(err, E2BIG, "%s: %s", archive,
				      strerror(E2BIG));
		*found = true;
	}
	free(archive);
	return ret;
}

/* Add LC_CTYPE and LC_MESSAGES of a compiled locale, and the archive. */
static int add_locale(struct locale_files *l, const char *name, bool *found,
		      struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->locale_dirs.n && !ret; i++) {
		struct strv dirs = { 0 };

		find_matching_locales(&dirs, l->locale_dirs.v[i], name);
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
			ret = add_archive(l, l->locale_dirs.v[i], found, err);
	}
	return ret;
}

/*
 * Resolve an alias ("german" is de_DE.ISO-8859-1) and add the locale.alias file
 * that defines it.  `out` receives NULL if `name` is not an alias.
 */
static int add_alias(struct locale_files *l, const char *name, char **out,
		     struct err *err)
{
	int ret = 0;

	*out = NULL;
	for (size_t i = 0; i < l->catalogue_dirs.n && !ret && !*out; i++) {
		char *file = xasprintf("%s/locale.alias",
				       l->catalogue_dirs.v[i]);
		struct buf text = { 0 };

		if (fs_exists(file))
			ret = fs_read(file, LOCALE_ALIAS_BYTES_MAX, &text, err);
		if (!ret)
			*out = resolve_locale_alias(buf_str(&text), name);
		if (*out)
			ret = compiler_collector_add_path(&l->collector, file,
							  NULL, err);
		buf_release(&text);
		free(file);
	}
	return ret;
}

/* Add the catalogues of the languages in LANGUAGE. */
static int add_languages(struct locale_files *l, const char *list,
			 struct err *err)
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

/*
 * Add the files of a locale and, unless it is C, of the languages in `list`.  A
 * locale that is not installed counts as C, even if it has catalogues.
 */
static int add_locale_name(struct locale_files *l, const char *name,
			   const char *list, struct err *err)
{
	bool found = false;
	char *alias;
	int ret;

	if (is_c_locale(name) || strchr(name, '/'))
		return 0;
	ret = add_alias(l, name, &alias, err);
	if (alias)
		name = alias;
	if (!ret)
		ret = add_locale(l, name, &found, err);
	if (ret || !found)
		goto out;
	/* Catalogues are in UTF-8; other character sets need conversions. */
	if (!is_utf8_locale(name)) {
		for (size_t i = 0; i < l->gconv_dirs.n && !ret; i++)
			ret = add_path(l, xstrdup(l->gconv_dirs.v[i]), err);
	}
	if (!ret)
		ret = add_catalogues(l, name, err);
	if (!ret)
		ret = add_languages(l, list, err);
out:
	free(alias);
	return ret;
}

int compiler_manifest_list_locale(struct compiler_entries *out,
				  const struct compiler_manifest *m,
				  char *const *env, const char *cache_dir,
				  struct err *err)
{
	const char *ctype = locale_from_env(env, "LC_CTYPE");
	const char *messages = locale_from_env(env, "LC_MESSAGES");
	struct compiler_entries all = { 0 };
	struct locale_files l = { .m = m };
	int ret = 0;

	*out = (struct compiler_entries){ 0 };
	if (m->is_clang || (is_c_locale(ctype) && is_c_locale(messages)))
		return 0;
	if (str_find_env(env, "LOCPATH"))
		return err_set(err, ENOTSUP, "LOCPATH is set");
	ret = get_dirs(&l, cache_dir, err);
	if (ret)
		goto out;
	ret = add_locale_name(&l, ctype, NULL, err);
	if (ret)
		goto out;
	ret = add_locale_name(&l, messages, str_find_env(env, "LANGUAGE"), err);
	if (ret)
		goto out;
	ret = compiler_collector_finish(&l.collector, &all, err);
	if (ret)
		goto out;

	/* Omit the entries of the toolchain. */
	out->v = xcalloc(all.n + 1, sizeof(*out->v));
	for (size_t i = 0; i < all.n; i++) {
		struct compiler_entry *e = &all.v[i];

		if (compiler_entries_find(&m->entries, e->path))
			continue;
		out->v[out->n++] = *e;
		*e = (struct compiler_entry){ 0 };
	}
	compiler_entries_release(&all);
out:
	compiler_collector_release(&l.collector);
	strv_release(&l.catalogue_dirs);
	strv_release(&l.locale_dirs);
	strv_release(&l.gconv_dirs);
	return ret;
}
