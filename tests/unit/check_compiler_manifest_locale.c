/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Files of a locale that a compiler's messages need. */
#include "toolchain-cell.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#define GCC "/usr/bin/gcc"

static char dir[TEMPDIR_SIZE];
static struct compiler_manifest m;
static struct compiler_entries extra;
static struct err err;

static void set_up(void)
{
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH, NULL };

	tempdir_make(dir);
	must(compiler_manifest_make(&m, GCC, env, &err));
}

static void tear_down(void)
{
	compiler_manifest_release(&m);
	compiler_entries_release(&extra);
	tempdir_remove(dir);
}

static int ask(const char *one, const char *two)
{
	char *env[] = { (char *)one, (char *)two, NULL };

	return compiler_manifest_list_locale(&extra, &m, env, NULL, &err);
}

static const char *const silent[][2] = {
	{ "LC_ALL=C", "LANG=de_DE.UTF-8" },
	{ "LANG=POSIX", "LANGUAGE=de" },
	{ "LANG=", "LANGUAGE=de" },
	{ "LANG=../../../../etc", NULL },
};

FIXTURE(set_up, tear_down);
TIMEOUT(300);

TEST_EACH(c_and_invalid_locales_need_no_files, silent)
{
	ck_assert_msg(!ask((*row)[0], (*row)[1]), "%s", err.text);
	ck_assert_uint_eq(extra.n, 0);
}

static const char *const absent[] = { "LANG=xx_XX.UTF-8",
				      "LANG=xx_XX.ISO-8859-1" };

/* A locale archive is listed unless it is too large (-E2BIG). */
TEST_EACH(without_an_archive_a_missing_locale_has_no_files, absent)
{
	int ret = ask(*row, "LANGUAGE=fr");

	ck_assert(ret == 0 || ret == -E2BIG);
	if (access("/usr/lib/locale/locale-archive", F_OK))
		ck_assert_uint_eq(extra.n, 0);
}

TEST(locpath_is_refused)
{
	ck_assert_int_eq(ask("LANG=de_DE.UTF-8", "LOCPATH=/x"), -ENOTSUP);
	text_has(err.text, "LOCPATH");
	ck_assert_int_eq(ask("LANG=C", "LOCPATH=/x"), 0);
}

TEST(locale_files_are_sorted_and_not_in_the_manifest)
{
	ck_assert_msg(!ask("LANG=C.UTF-8", "LANGUAGE=fr:de"), "%s", err.text);
	for (size_t i = 0; i < extra.n; i++) {
		if (i)
			ck_assert_int_lt(
				strcmp(extra.v[i - 1].path, extra.v[i].path),
				0);
		for (size_t k = 0; k < m.entries.n; k++)
			ck_assert_str_ne(m.entries.v[k].path, extra.v[i].path);
	}
}

static bool has(const char *end)
{
	for (size_t i = 0; i < extra.n; i++) {
		if (str_ends(extra.v[i].path, end))
			return true;
	}
	return false;
}

/* The file that an earlier call has written decides, unless it is damaged. */
TEST(directories_are_found_once_for_each_compiler)
{
	char *env[] = { (char *)"LANG=C.UTF-8", NULL };
	char hex[DIGEST_HEX], *path;
	struct compiler_entries again = { 0 };
	struct buf none = { 0 };

	digest_format(&m.id, hex);
	path = xasprintf("%s/locale-1-%s", dir, hex);
	must(compiler_manifest_list_locale(&extra, &m, env, dir, &err));
	must(compiler_manifest_list_locale(&again, &m, env, dir, &err));
	ck_assert_uint_eq(again.n, extra.n);
	for (size_t i = 0; i < extra.n; i++)
		ck_assert_str_eq(again.v[i].path, extra.v[i].path);
	compiler_entries_release(&again);

	digest_add_line(&none);
	must(fs_write(path, buf_bytes(&none), 0600, &err));
	must(compiler_manifest_list_locale(&again, &m, env, dir, &err));
	ck_assert_uint_eq(again.n, 0);
	compiler_entries_release(&again);

	must(fs_write(path, bytes_str("l/nowhere\n"), 0600, &err));
	must(compiler_manifest_list_locale(&again, &m, env, dir, &err));
	ck_assert_uint_eq(again.n, extra.n);
	compiler_entries_release(&again);
	buf_release(&none);
	free(path);
}

/* Debian's binutils have French messages; its gcc can have them. */
TEST(messages_in_a_sandbox_equal_those_on_the_host)
{
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
			(char *)"LANG=C.UTF-8", (char *)"LANGUAGE=fr", NULL };
	char *argv[] = { (char *)GCC,     (char *)"-c",     (char *)"bad.s",
			 (char *)"bad.c", (char *)"none.c", NULL };
	char *work = xasprintf("%s/work", dir);
	char *root = xasprintf("%s/root", dir);
	char *inside = xasprintf("%s%s", root, work);
	char *tmp = xasprintf("%s/tmp", root);
	const char *const places[] = { work, inside };
	struct buf here = { 0 }, there = { 0 };

	must(fs_mkdirs(tmp, 0777, &err));
	for (size_t i = 0; i < 2; i++) {
		char *s = xasprintf("%s/bad.s", places[i]);
		char *c = xasprintf("%s/bad.c", places[i]);

		must(fs_mkdirs(places[i], 0755, &err));
		fs_write(s, bytes_str(" foo bar\n"), 0644, &err);
		fs_write(c, bytes_str("int f(void) { return x; }\n"), 0644,
			 &err);
		free(s);
		free(c);
	}
	must(compiler_manifest_list_locale(&extra, &m, env, NULL, &err));
	if (!access("/usr/lib/locale/C.utf8/LC_CTYPE", F_OK))
		ck_assert(has("/C.utf8/LC_CTYPE"));
	if (!access("/usr/share/locale/fr/LC_MESSAGES/gas.mo", F_OK))
		ck_assert(has("/fr/LC_MESSAGES/gas.mo"));
	ck_assert(!has("/fr/LC_MESSAGES/make.mo"));
	if (cell_possible()) {
		cell_lay_all(root, &m.entries);
		cell_lay_all(root, &extra);
		ck_assert_int_eq(cell_run(NULL, work, argv, env, &here), 1);
		ck_assert_int_eq(cell_run(root, work, argv, env, &there), 1);
		ck_assert_str_eq(buf_str(&here), buf_str(&there));
		text_has(buf_str(&here), "bad.c:1");
	}
	buf_release(&here);
	buf_release(&there);
	free(tmp);
	free(inside);
	free(root);
	free(work);
}
