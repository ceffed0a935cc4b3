/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: conf */
/* The file and the line of a setting, and checks of the syntax. */
#include "conf/locate.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

static char dir[TEMPDIR_SIZE];

static void set_up(void)
{
	tempdir_make(dir);
	ck_assert_int_eq(chdir(dir), 0);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

static void put(const char *name, const char *text)
{
	struct err err;

	must(fs_write(name, bytes_str(text), 0644, &err));
}

static void expect(const char *place, const char *key, const char *value,
		   unsigned nth)
{
	char *at = conf_locate_setting("main", "node", "a", key, value, nth);

	ck_assert_str_eq(at, place);
	free(at);
}

FIXTURE(set_up, tear_down);

TEST(find_counts_equal_settings)
{
	put("main", "[node \"a\"]\nslots=1\nslots=2\nslots=1\n");
	expect("main:2", "slots", "1", 0);
	expect("main:4", "slots", "1", 1);
	expect("main:3", "slots", "2", 0);
}

TEST(find_returns_no_line_if_no_setting_matches)
{
	put("main", "[node \"a\"]\nslots=1\n");
	expect("main", "slots", "7", 0);
	expect("main", "codec", NULL, 0);
}

TEST(find_follows_includes)
{
	ck_assert_int_eq(mkdir("sub", 0755), 0);
	put("main", "[include]\npath = sub/one\npath = nowhere\n");
	put("sub/one", "\n[include]\npath = two\n[node \"a\"]\ncodec=lzo\n");
	put("sub/two", "[node \"a\"]\n# x\nslots=3\n");
	expect("./sub/one:5", "codec", "lzo", 0);
	expect("./sub/two:3", "slots", "3", 0);
}

TEST(find_expands_the_home_directory)
{
	char *place = xasprintf("%s/inc:2", dir);

	setenv("HOME", dir, 1);
	put("main", "[include]\npath = ~/inc\n");
	put("inc", "[node \"a\"]\nslots\n");
	expect(place, "slots", NULL, 0);
	free(place);
}

TEST(check_names_file_and_line_of_bad_syntax)
{
	struct err err = { 0 };

	put("main", "[farm]\nverify = 1\n\n[node\n");
	err_is(conf_locate_check("main", &err), -EINVAL,
	       "main:4: invalid section header");
}

TEST(an_error_in_an_included_file_names_the_file_and_line)
{
	struct err err = { 0 };

	put("main", "[include]\npath = inc\n");
	put("inc", "[farm]\nverify = \\q\n");
	err_is(conf_locate_check("main", &err), -EINVAL,
	       "./inc:2: invalid escape sequence: valid are \\\\, \\\", \\n, "
	       "\\t, \\b, and \\ at the end of a line");
}

TEST(check_rejects_circular_includes)
{
	struct err err = { 0 };

	put("main", "[include]\npath=main\npath=main\npath=main\n");
	ck_assert_int_eq(conf_locate_check("main", &err), -ELOOP);
}

TEST(check_rejects_directories_missing_files_and_large_files)
{
	struct err err = { 0 };

	ck_assert_int_eq(conf_locate_check(dir, &err), -EISDIR);
	ck_assert_int_eq(conf_locate_check("missing", &err), -ENOENT);
	put("main", "");
	ck_assert_int_eq(truncate("main", CONF_FILE_MAX + 1), 0);
	ck_assert_int_eq(conf_locate_check("main", &err), -EFBIG);
}

/* A read of the FIFO would block, and the alarm would end the test. */
TEST(check_refuses_a_fifo_and_names_the_line)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	alarm(60);
	ck_assert_int_eq(mkfifo("fifo", 0644), 0);
	err_is(conf_locate_check("fifo", &err), -EINVAL,
	       "fifo: not a regular file");
	ck_assert_int_eq(conf_locate_read("fifo", &text, &err), -EINVAL);
	ck_assert_int_eq(symlink("fifo", "link"), 0);
	put("main", "[include]\n\tpath = inc\n");
	put("inc", "[farm]\n\n[include]\npath = link\n");
	err_is(conf_locate_check("main", &err), -EINVAL,
	       "./inc:4: ./link: not a regular file");
	expect("main", "slots", "1", 0);
}

TEST(check_takes_the_null_device_for_an_empty_file)
{
	struct err err = { 0 };

	must(conf_locate_check("/dev/null", &err));
	err_is(conf_locate_check("/dev/zero", &err), -EINVAL,
	       "/dev/zero: not a regular file");
}
