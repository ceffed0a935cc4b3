/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: compiler */
/* Installed locales that environment variables select. */
#include "../lib/test.h"

#include "../lib/tempdir.h"
#include "base/vec.h"
#include "compiler/manifest.h"

static char dir[TEMPDIR_SIZE];
static struct compiler_manifest m;
static struct compiler_entries listed;
static struct err err;

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name), *parent = str_dir(path);

	must(fs_mkdirs(parent, 0755, &err));
	must(fs_write(path, bytes_str(text), 0755, &err));
	free(parent);
	free(path);
}

/* Make a compiler whose program names the directories of this test. */
static void set_up(void)
{
	struct buf text = { 0 };
	char *path;

	tempdir_make(dir);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "share/locale",
						     "lib/locale", "gconv" };

		buf_add(&text, "", 1);
		buf_printf(&text, "%s/%s", dir, names[i]);
	}
	buf_add(&text, "", 1);
	path = xasprintf("%s/gcc", dir);
	must(fs_write(path, buf_bytes(&text), 0755, &err));
	m.entries.v = xcalloc(1, sizeof(*m.entries.v));
	m.entries.v[0] = (struct compiler_entry){ .path = path,
						  .kind = COMPILER_ENTRY_FILE,
						  .executable = true };
	m.entries.n = 1;
	put("gconv/gconv-modules", "");
	buf_release(&text);
}

static void tear_down(void)
{
	compiler_entries_release(&listed);
	compiler_manifest_release(&m);
	tempdir_remove(dir);
}

/* List the files of the locale that these variables set; they end in NULL. */
static void list(const char *const *env)
{
	compiler_entries_release(&listed);
	must(compiler_manifest_list_locale(&listed, &m, (char *const *)env,
					   NULL, &err));
}

static void list_name(const char *name)
{
	char *lang = xasprintf("LANG=%s", name);

	list((const char *const[]){ lang, NULL });
	free(lang);
}

static bool has(const char *fmt, const char *name)
{
	struct buf path = { 0 };
	bool found = false;

	buf_printf(&path, "%s/", dir);
	buf_printf(&path, fmt, name);
	for (size_t i = 0; i < listed.n; i++)
		found |= !strcmp(listed.v[i].path, buf_str(&path));
	buf_release(&path);
	return found;
}

FIXTURE(set_up, tear_down);

static const struct serving {
	const char *dir, *name;
	bool serves;
} servings[] = {
	{ "de", "de_DE.UTF-8", true },
	{ "de_DE", "de_DE.UTF-8", true },
	{ "de_DE.utf8", "de_DE.UTF-8", true },
	{ "de.UTF-8", "de_DE.utf8", true },
	{ "de_AT", "de_DE.UTF-8", false },
	{ "de_DE", "de", false },
	{ "de_DE.iso88591", "de_DE.UTF-8", false },
	{ "de_DE.iso88591", "de_DE.ISO-8859-1", true },
	{ "de@euro", "de_DE@euro", true },
	{ "sr@latin", "sr_RS.UTF-8", false },
	{ "sr", "sr_RS.UTF-8@latin", true },
	{ "C.utf8", "C.UTF-8", true },
	{ "en_US", "en_US@x.UTF-8", true },
	{ "d", "de_DE", false },
	{ "deu", "de_DE", false },
	{ ".utf8", "de_DE", false },
	{ ".utf8", ".utf8", false },
	{ "@x", "@x", false },
	{ "fr", "de", false },
};

TEST_EACH(a_message_directory_serves_equal_or_more_specific_names, servings)
{
	char *file = xasprintf("share/locale/%s/LC_MESSAGES/gcc.mo", row->dir);

	/* The archive can have any locale. */
	put("lib/locale/locale-archive", "");
	put(file, "");
	list_name(row->name);
	ck_assert(has("%s", "lib/locale/locale-archive"));
	ck_assert_int_eq(has("%s", file), row->serves);
	free(file);
}

/* Variables, and the installed locales that they select. */
static const struct {
	const char *env[5];
	const char *names;
} variables[] = {
	{ { "LANG=de_DE", "LC_CTYPE=fr_FR", "LC_ALL=" }, "de_DE fr_FR" },
	{ { "LANG=it_IT", "LC_CTYPE=fr_FR", "LC_MESSAGES=de_DE" },
	  "de_DE fr_FR" },
	{ { "LANG=de_DE", "LC_CTYPE=fr_FR", "LC_ALL=C" }, "" },
	{ { "LANG=de_DE", "LC_CTYPE=fr_FR", "LC_ALL=it_IT" }, "it_IT" },
	{ { "LC_CTYPE=fr_FR", "LC_ALL=C" }, "" },
	{ { "LANG=de_DE" }, "de_DE" },
	{ { "LC_CTYPE=fr_FR" }, "fr_FR" },
	{ { "LC_MESSAGES=fr_FR" }, "fr_FR" },
};

TEST_EACH(lc_all_overrides_the_category_which_overrides_lang, variables)
{
	static const char *const all[] = { "de_DE", "fr_FR", "it_IT" };
	struct strv found = { 0 };
	char *names;

	put("lib/locale/de_DE/LC_CTYPE", "");
	put("lib/locale/fr_FR/LC_CTYPE", "");
	put("lib/locale/it_IT/LC_CTYPE", "");
	list(row->env);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (has("lib/locale/%s/LC_CTYPE", all[i]))
			strv_add(&found, all[i]);
	}
	names = strv_join(&found, " ");
	ck_assert_str_eq(names, row->names);
	free(names);
	strv_release(&found);
}

/* Only a locale of messages has the languages of LANGUAGE. */
TEST(language_applies_only_to_the_locale_of_messages)
{
	put("lib/locale/fr_FR/LC_CTYPE", "");
	put("share/locale/it/LC_MESSAGES/gcc.mo", "");
	list((const char *const[]){ "LC_CTYPE=fr_FR", "LANGUAGE=it", NULL });
	ck_assert(!has("share/locale/%s/LC_MESSAGES/gcc.mo", "it"));
	list((const char *const[]){ "LC_MESSAGES=fr_FR", "LANGUAGE=it", NULL });
	ck_assert(has("share/locale/%s/LC_MESSAGES/gcc.mo", "it"));
}

static const struct {
	const char *name;
	bool is_c, is_utf8;
} names[] = {
	{ "C", true, false },
	{ "POSIX", true, false },
	{ "", true, false },
	{ "C.UTF-8", false, true },
	{ "de_DE.utf8@euro", false, true },
	{ "de_DE", false, false },
	{ "de_DE.ISO-8859-1", false, false },
	{ "de_DE.UTF-16", false, false },
};

/* Other character sets than UTF-8 need conversions. */
TEST_EACH(c_needs_no_files_and_utf8_needs_no_conversions, names)
{
	put("lib/locale/locale-archive", "");
	list_name(row->name);
	ck_assert_int_eq(!listed.n, row->is_c);
	ck_assert_int_eq(has("%s", "gconv/gconv-modules"),
			 !row->is_c && !row->is_utf8);
}

static const struct alias {
	const char *name, *value;
} aliases[] = {
	{ "german", "de_DE.ISO-8859-1" },
	{ "German", "de_DE.ISO-8859-1" },
	{ "french", "fr_FR" },
	{ "last", "x" },
	{ "germ", NULL },
	{ "none", NULL },
	{ "odd", NULL },
	{ "#", NULL },
};

TEST_EACH(the_value_of_an_alias_is_the_second_word_of_its_line, aliases)
{
	static const char text[] = "# none de_DE\n\ngermany a\n"
				   "german\t\tde_DE.ISO-8859-1\n"
				   "  french fr_FR more\nodd\nodd \nlast x";

	put("share/locale/locale.alias", text);
	put("lib/locale/de_DE.ISO-8859-1/LC_CTYPE", "");
	put("lib/locale/fr_FR/LC_CTYPE", "");
	put("lib/locale/x/LC_CTYPE", "");
	list_name(row->name);
	ck_assert_int_eq(has("share/locale/%s", "locale.alias"),
			 row->value != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		const char *value = aliases[i].value;

		if (value)
			ck_assert_int_eq(has("lib/locale/%s/LC_CTYPE", value),
					 str_equal(value, row->value));
	}
}
