/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/replace.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <pthread.h>

static char dir[TEMPDIR_SIZE];
static char *path;

static void set_up(void)
{
	tempdir_make(dir);
	path = xasprintf("%s/state", dir);
}

static void tear_down(void)
{
	tempdir_remove(dir);
	free(path);
}

static void expect_content(const char *file, const char *text)
{
	expect_file(file, text);
}

/* The directory contains the file `path` and no temporary file. */
static void expect_no_other_file(void)
{
	struct strv names = { 0 };

	ck_assert_int_eq(fs_list(dir, &names), 0);
	ck_assert_uint_eq(names.n, 1);
	ck_assert_str_eq(names.v[0], "state");
	strv_release(&names);
}

static void *open_on_thread(void *r)
{
	struct err err = { 0 };

	must(replace_open(r, path, 0600, &err));
	return NULL;
}

FIXTURE(set_up, tear_down);

TEST(concurrent_writers_have_different_temporary_files)
{
	struct replace first, second, third;
	struct err err = { 0 };
	pthread_t thread;

	open_on_thread(&first);
	open_on_thread(&second);
	ck_assert_int_eq(pthread_create(&thread, NULL, open_on_thread, &third),
			 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_str_ne(first.temp_path, second.temp_path);
	ck_assert_str_ne(first.temp_path, third.temp_path);
	ck_assert_int_eq(bytes_write(first.fd, bytes_str("first")), 0);
	ck_assert_int_eq(bytes_write(third.fd, bytes_str("3")), 0);
	first.durable = true;
	must(replace_close(&first, 0, &err));
	expect_content(path, "first");
	ck_assert_int_eq(replace_close(&second, -EIO, &err), -EIO);
	must(replace_close(&third, 0, &err));
	expect_content(path, "3");
	expect_no_other_file();
}

/*
 * Another user can create a link with the name of the temporary file in a
 * directory such as /tmp.
 */
TEST(a_temporary_name_that_exists_is_not_used)
{
	char *temp = xasprintf("%s/.state.kfarm.%d", dir, (int)gettid());
	char *victim = xasprintf("%s/victim", dir);
	struct err err = { 0 };
	struct replace r;

	must(fs_write(victim, bytes_str("x"), 0600, &err));
	ck_assert_int_eq(symlink(victim, temp), 0);
	must(replace_open(&r, path, 0600, &err));
	ck_assert_str_ne(r.temp_path, temp);
	ck_assert(replace_is_temp(str_base(r.temp_path)));
	must(replace_close(&r, 0, &err));
	expect_content(path, "");
	expect_content(victim, "x");
	free(victim);
	free(temp);
}

TEST(temporary_files_are_recognized_by_their_names)
{
	ck_assert(replace_is_temp(".a.kfarm.12"));
	ck_assert(replace_is_temp("..a.kfarm.b.kfarm.12"));
	ck_assert(!replace_is_temp(".a.kfarm.b"));
	ck_assert(!replace_is_temp("a.kfarm.12"));
	ck_assert(!replace_is_temp(".a"));
}

TEST(a_lock_excludes_another_writer)
{
	struct err err = { 0 };
	struct replace r, other;

	must(replace_open_lock(&r, path, 0600, &err));
	err_is(replace_open_lock(&other, path, 0600, &err), -EEXIST,
	       "%s.lock: File exists", path);
	ck_assert_int_eq(replace_close(&r, -ENOSPC, &err), -ENOSPC);
	must(replace_open_lock(&r, path, 0600, &err));
	must(replace_close(&r, bytes_write(r.fd, bytes_str("x")), &err));
	expect_content(path, "x");
	expect_no_other_file();
}
