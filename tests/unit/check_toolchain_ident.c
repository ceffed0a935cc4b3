/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base store toolchain */
#include "toolchain/ident.h"

#include "base/fs.h"
#include "toolchain/manifest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GCC "/usr/bin/gcc"

static char dir[] = "/tmp/check_toolchain.XXXXXX";
static struct toolchain_ident ident;
static struct err err;

static void set_up(void)
{
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err ignored;

	toolchain_ident_release(&ident);
	fs_remove(dir, &ignored);
}

static bool has_file(const char *end)
{
	for (size_t i = 0; i < ident.files.n; i++) {
		if (str_ends(ident.files.v[i], end))
			return true;
	}
	return false;
}

START_TEST(it_is_what_the_manifest_says)
{
	struct toolchain_manifest m;

	ck_assert_msg(!toolchain_identify(&ident, GCC, &err), "%s", err.text);
	ck_assert_msg(!toolchain_manifest_make(&m, GCC, environ, &err), "%s",
		      err.text);
	ck_assert(digest_equal(&ident.id, &m.id));
	ck_assert_str_eq(ident.version, m.version);
	ck_assert_str_eq(ident.machine, m.machine);
	ck_assert(!ident.is_clang);
	ck_assert_uint_eq(ident.files.n, m.entries.n);
	ck_assert(has_file("/gcc") && has_file("/cc1") && has_file("/as"));
	ck_assert(has_file("/libc.so.6"));
	toolchain_manifest_release(&m);
}
END_TEST

/* Neither the driver's name nor its place enters. */
START_TEST(a_link_to_it_has_the_same_identity)
{
	char *link = xasprintf("%s/some-gcc", dir);
	struct toolchain_ident other;

	ck_assert_int_eq(symlink(GCC, link), 0);
	ck_assert_int_eq(toolchain_identify(&ident, GCC, &err), 0);
	ck_assert_msg(!toolchain_identify(&other, link, &err), "%s", err.text);
	ck_assert(digest_equal(&ident.id, &other.id));
	toolchain_ident_release(&other);
	free(link);
}
END_TEST

START_TEST(what_is_no_compiler_is_an_error_and_leaves_nothing)
{
	ck_assert_int_lt(toolchain_identify(&ident, "/bin/ls", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "/bin/ls"));
	ck_assert_uint_eq(ident.files.n, 0);
	ck_assert_ptr_null(ident.version);
}
END_TEST

START_TEST(a_stamp_changes_when_a_file_does)
{
	char *file = xasprintf("%s/file", dir);
	struct strv files = { 0 };
	struct digest absent, there, touched, again;

	strv_add(&files, "/bin/true");
	strv_add(&files, file);
	toolchain_ident_stamp(&files, &absent);
	fs_write(file, bytes_str("1"), 0600, &err);
	toolchain_ident_stamp(&files, &there);
	toolchain_ident_stamp(&files, &again);
	fs_write(file, bytes_str("22"), 0600, &err);
	toolchain_ident_stamp(&files, &touched);
	ck_assert(!digest_equal(&absent, &there));
	ck_assert(digest_equal(&there, &again));
	ck_assert(!digest_equal(&there, &touched));
	strv_release(&files);
	free(file);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("toolchain/ident");
	TCase *t = tcase_create("ident");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, it_is_what_the_manifest_says);
	tcase_add_test(t, a_link_to_it_has_the_same_identity);
	tcase_add_test(t, what_is_no_compiler_is_an_error_and_leaves_nothing);
	tcase_add_test(t, a_stamp_changes_when_a_file_does);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
