/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "base/state-file.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>

#define ANOTHER_UID 65533

static const struct state_file format = {
	.max_bytes = 100,
	.mode = 0640,
	.durable = true,
};
static const struct state_file private_format = {
	.max_bytes = 100,
	.mode = 0600,
	.is_private = true,
};

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

FIXTURE(set_up, tear_down);

static void expect_error(const struct state_file *f, int ret, const char *text)
{
	char *whole = xasprintf("%s: %s", path, text);
	struct buf out = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(state_file_read(f, path, &out, &err), ret);
	ck_assert_str_eq(err.text, whole);
	ck_assert_uint_eq(out.len, 0);
	buf_release(&out);
	free(whole);
}

static void expect_content(const char *text)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	must(state_file_read(&format, path, &out, &err));
	ck_assert_str_eq(buf_str(&out), text);
	ck_assert_uint_eq(out.len, strlen(text));
	buf_release(&out);
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

static void write_text(const char *text)
{
	struct err err = { 0 };

	must(state_file_write(&format, path, bytes_str(text), &err));
}

TEST(a_written_file_is_read)
{
	struct stat st;

	umask(022);
	write_text("one");
	expect_content("one");
	write_text("");
	expect_content("");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	expect_no_other_file();
}

TEST(a_file_up_to_the_limit_is_read)
{
	char text[102];

	memset(text, 'x', sizeof(text));
	text[100] = '\0';
	write_text(text);
	expect_content(text);
	text[100] = 'x';
	text[101] = '\0';
	write_text(text);
	expect_error(&format, -EFBIG, "larger than 100 bytes");
}

TEST(only_a_regular_file_is_read)
{
	struct err err = { 0 };
	char *target = xasprintf("%s/target", dir);

	expect_error(&format, -ENOENT, "No such file or directory");
	/* No writer opens the FIFO, so open() without O_NONBLOCK waits. */
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_error(&format, -EINVAL, "not a regular file");
	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	expect_error(&format, -EINVAL, "not a regular file");
	rmdir(path);
	must(fs_write(target, bytes_str("x"), 0600, &err));
	ck_assert_int_eq(symlink("target", path), 0);
	expect_error(&format, -ELOOP, "is a symbolic link; remove it");
	/* A write replaces the link and not its target. */
	write_text("new");
	expect_content("new");
	unlink(target);
	expect_no_other_file();
	free(target);
}

TEST(a_private_file_of_another_user_is_rejected)
{
	if (geteuid())
		SKIP("chown(2) requires root");
	write_text("x");
	ck_assert_int_eq(chown(path, ANOTHER_UID, (gid_t)-1), 0);
	expect_content("x");
	expect_error(&private_format, -EPERM,
		     "owned by user 65533, but the owner must be you or root; "
		     "remove the file");
	/* The owner can read it, and anyone can read a file of root. */
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(seteuid(ANOTHER_UID), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
	expect_content("x");
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
	ck_assert_int_eq(seteuid(ANOTHER_UID), 0);
	expect_content("x");
	ck_assert_int_eq(seteuid(0), 0);
}

/* A full disk leaves the old content and no temporary file. */
TEST(a_write_that_fails_leaves_the_old_file)
{
	const struct rlimit small = { 4, 4 };
	int status;

	write_text("old");
	if (!fork()) {
		struct err err = { 0 };
		char *text = xasprintf("%s: File too large", path);

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &small) ||
		    state_file_write(&format, path, bytes_str("new text"),
				     &err) != -EFBIG ||
		    strcmp(err.text, text))
			_exit(1);
		_exit(0);
	}
	ck_assert_int_gt(wait(&status), 0);
	ck_assert_int_eq(status, 0);
	expect_content("old");
	expect_no_other_file();
}

TEST(an_error_of_the_directory_names_the_file)
{
	char *missing = xasprintf("%s/no/state", dir);
	struct err err = { 0 };

	err_is(state_file_write(&format, missing, bytes_str("x"), &err),
	       -ENOENT, "%s: No such file or directory", missing);
	free(missing);
}

static void *write_often(void *text)
{
	struct err err = { 0 };

	for (unsigned i = 0; i < 100; i++)
		must(state_file_write(&private_format, path, bytes_str(text),
				      &err));
	return NULL;
}

/* The threads of a process have different temporary files. */
TEST(concurrent_writers_leave_one_whole_content)
{
	char *texts[] = { "first", "the second" };
	pthread_t threads[2];
	struct buf out = { 0 };
	struct err err = { 0 };

	write_text("first");
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_often,
						texts[i]),
				 0);
	for (unsigned i = 0; i < 200; i++) {
		buf_reset(&out);
		must(state_file_read(&private_format, path, &out, &err));
		ck_assert(!strcmp(buf_str(&out), texts[0]) ||
			  !strcmp(buf_str(&out), texts[1]));
	}
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	buf_release(&out);
	expect_no_other_file();
}
