/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base toolchain */
#include "toolchain/ident.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"

#include <check.h>
#include <errno.h>
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

START_TEST(gcc_is_its_driver_cc1_as_and_their_libraries)
{
	ck_assert_msg(!toolchain_identify(&ident, GCC, &err), "%s", err.text);
	ck_assert(has_file("/gcc") && has_file("/cc1") && has_file("/as"));
	ck_assert(has_file("/libc.so.6"));
	ck_assert(!ident.is_clang);
	ck_assert(ident.version[0] >= '4' || ident.version[1] != '.');
	ck_assert_ptr_nonnull(strchr(ident.machine, '-'));
	for (size_t i = 0; i < ident.files.n; i++)
		ck_assert_int_eq(ident.files.v[i][0], '/');
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

START_TEST(the_second_time_is_fast)
{
	struct toolchain_ident again;
	uint64_t start;

	ck_assert_int_eq(toolchain_identify(&ident, GCC, &err), 0);
	start = clock_ms();
	ck_assert_int_eq(toolchain_identify(&again, GCC, &err), 0);
	ck_assert_uint_lt(clock_ms() - start, 200);
	ck_assert(digest_equal(&ident.id, &again.id));
	toolchain_ident_release(&again);
}
END_TEST

START_TEST(clang_is_its_own_compiler)
{
	if (access("/usr/bin/clang-14", X_OK))
		return;
	ck_assert_msg(!toolchain_identify(&ident, "/usr/bin/clang-14", &err),
		      "%s", err.text);
	ck_assert(ident.is_clang);
	ck_assert(!has_file("/as"));
}
END_TEST

static const char *const others[] = { "/bin/ls",      "/bin/true",   "/bin/cat",
				      "/nonexistent", "/etc/passwd", "/tmp" };

START_TEST(what_is_no_compiler_is_an_error_that_names_it)
{
	ck_assert_int_lt(toolchain_identify(&ident, others[_i], &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, others[_i]));
	ck_assert_uint_eq(ident.files.n, 0);
}
END_TEST

START_TEST(a_script_is_no_driver)
{
	char *script = xasprintf("%s/gcc", dir);

	fs_write(script, bytes_str("#!/bin/sh\nexec gcc \"$@\"\n"), 0755, &err);
	ck_assert_int_eq(toolchain_identify(&ident, script, &err), -ENOEXEC);
	free(script);
}
END_TEST

/* A program that answers each question as `body` of main() says. */
static char *make_compiler(const char *body)
{
	char *source = xasprintf("%s/x.c", dir),
	     *out = xasprintf("%s/gcc", dir);
	char *text = xasprintf("#include <stdio.h>\n#include <string.h>\n"
			       "#include <unistd.h>\n"
			       "int main(int c, char **v) { (void)c; (void)v;"
			       "%s }\n",
			       body);
	char *argv[] = { (char *)GCC, (char *)"-o", out, source, NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, 2 } };
	struct buf said = { 0 };
	int status;

	ck_assert_int_eq(fs_write(source, bytes_str(text), 0600, &err), 0);
	ck_assert_int_eq(
		spawn_capture(&what, 1000, 30000, &said, &status, &err), 0);
	ck_assert_int_eq(status, 0);
	buf_release(&said);
	free(source);
	free(text);
	return out;
}

static const char *const liars[] = {
	"puts(\"nonsense\"); return 0;",
	"return 0;",
	"return 1;",
	"for (;;) puts(\"12.2.0\");",
	"puts(\"12.2.0\"); return 0;",
	"char *s = 0; return *s;",
	"puts(strstr(v[1], \"dump\") ? \"12.2.0\" : \"/bin/nosuch\");",
	"puts(strstr(v[1], \"dump\") ? \"12.2.0\" : \"/etc/passwd\");",
	("puts(strstr(v[1], \"dump\") ? \"12.2.0\" :"
	 " strstr(v[1], \"cc1\") ? \"/bin/true\" : \"nosuch-as\");"),
};

START_TEST(one_that_talks_nonsense_is_an_error)
{
	char *driver = make_compiler(liars[_i]);

	ck_assert_int_lt(toolchain_identify(&ident, driver, &err), 0);
	ck_assert_int_ne(err.text[0], 0);
	free(driver);
}
END_TEST

START_TEST(one_that_hangs_is_an_error_within_ten_seconds)
{
	char *driver = make_compiler("pause(); return 0;");
	uint64_t start = clock_ms();

	ck_assert_int_eq(toolchain_identify(&ident, driver, &err), -ETIMEDOUT);
	ck_assert_uint_lt(clock_ms() - start, 10000);
	free(driver);
}
END_TEST

START_TEST(each_part_makes_the_identity)
{
	struct toolchain_ident other;
	char *driver, *cc1 = xasprintf("%s/cc1", dir);
	char *specs = xasprintf("%s/specs", dir), *body;

	body = xasprintf("puts(strstr(v[1], \"dump\") ? \"12.2.0\" :"
			 " strstr(v[1], \"cc1\") ? \"%s\" : \"as\");",
			 cc1);
	driver = make_compiler(body);
	ck_assert_int_eq(fs_copy("/bin/true", cc1, &err), 0);
	ck_assert_msg(!toolchain_identify(&ident, driver, &err), "%s",
		      err.text);
	ck_assert_int_eq(fs_copy("/bin/false", cc1, &err), 0);
	ck_assert_int_eq(toolchain_identify(&other, driver, &err), 0);
	ck_assert(!digest_equal(&ident.id, &other.id));
	toolchain_ident_release(&ident);
	ck_assert_int_eq(fs_write(specs, bytes_str("*cc1:\n"), 0600, &err), 0);
	ck_assert_int_eq(toolchain_identify(&ident, driver, &err), 0);
	ck_assert(!digest_equal(&ident.id, &other.id));
	toolchain_ident_release(&other);
	free(body);
	free(specs);
	free(driver);
	free(cc1);
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
	usleep(20000);
	fs_write(file, bytes_str("2"), 0600, &err);
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
	tcase_add_test(t, gcc_is_its_driver_cc1_as_and_their_libraries);
	tcase_add_test(t, a_link_to_it_has_the_same_identity);
	tcase_add_test(t, the_second_time_is_fast);
	tcase_add_test(t, clang_is_its_own_compiler);
	tcase_add_loop_test(t, what_is_no_compiler_is_an_error_that_names_it, 0,
			    sizeof(others) / sizeof(*others));
	tcase_add_test(t, a_script_is_no_driver);
	tcase_add_loop_test(t, one_that_talks_nonsense_is_an_error, 0,
			    sizeof(liars) / sizeof(*liars));
	tcase_add_test(t, one_that_hangs_is_an_error_within_ten_seconds);
	tcase_add_test(t, each_part_makes_the_identity);
	tcase_add_test(t, a_stamp_changes_when_a_file_does);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
