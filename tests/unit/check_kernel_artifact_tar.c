/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "base/replace.h"
#include "kernel-tree.h"
#include "kernel/artifact.h"

static atomic_bool cancel;
static struct strv names;
static struct err err;

static unsigned n_temp_renames;

/*
 * Replaces rename(2) to count the renamed files that the next build with the
 * same output directory would remove, if this build were killed.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int rename(const char *from, const char *to)
{
	n_temp_renames += replace_is_temp(str_base(from));
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static void tear_down(void)
{
	strv_release(&names);
	tree_tear_down();
}

static void fill(const char *dir, bool backwards)
{
	static const char *const files[] = { "b.ko", "a.ko", "sub/z", "sub/y" };

	for (int i = 0; i < 4; i++) {
		char *name = xasprintf("%s/lib/modules/6.1/%s", dir,
				       files[backwards ? 3 - i : i]);

		put_file(name, files[backwards ? 3 - i : i], 0644);
		free(name);
	}
}

static char *pack(const char *dir, const char *out, long long mtime_s)
{
	char *from = at(dir), *to = at(out);

	must(kernel_artifact_write_tar(from, "lib", mtime_s, to, &names,
				       &cancel, &err));
	free(from);
	return to;
}

static char *list(const char *archive)
{
	char *command = xasprintf("tar tvJf %s --numeric-owner >%s/list",
				  archive, top);
	char *path = at("list"), *text;

	setenv("TZ", "UTC", 1);
	ck_assert_int_eq(system(command), 0);
	text = get_file(path);
	free(path);
	free(command);
	return text;
}

FIXTURE(tree_set_up, tear_down);
TIMEOUT(30);

TEST(the_order_of_file_creation_does_not_change_the_archive)
{
	char *a, *b, *command;

	fill("one", false);
	fill("two", true);
	a = pack("one", "a.tar.xz", 86400);
	b = pack("two", "b.tar.xz", 86400);
	command = xasprintf("cmp %s %s", a, b);
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(a);
	free(b);
}

TEST(entries_are_sorted_owned_by_root_and_have_the_given_mtime)
{
	char *a, *text;

	fill("one", false);
	a = pack("one", "a.tar.xz", 86400);
	text = list(a);
	ck_assert_ptr_null(strstr(text, "20"));
	text_has(text, " 0/0 ");
	text_has(text, "1970-01-02 00:00 lib/modules");
	ck_assert(strstr(text, "a.ko") < strstr(text, "b.ko"));
	ck_assert(strstr(text, "b.ko") < strstr(text, "sub/y"));
	ck_assert(strstr(text, "sub/y") < strstr(text, "sub/z"));
	free(text);
	free(a);
}

/* The second directory differs as if another user had created it. */
TEST(umask_mtime_mode_and_setgid_bit_do_not_change_the_archive)
{
	struct timespec when[2] = { { .tv_sec = 0 }, { .tv_sec = 0 } };
	char *file = at("two/lib/modules/6.1/a.ko");
	char *dir = at("two/lib/modules"), *a, *b, *command;

	fill("one", false);
	umask(077);
	fill("two", true);
	umask(022);
	ck_assert_int_eq(utimensat(AT_FDCWD, file, when, 0), 0);
	ck_assert_int_eq(chmod(dir, 02775), 0);
	ck_assert_int_eq(chmod(file, 0600), 0);
	a = pack("one", "a.tar.xz", 86400);
	b = pack("two", "b.tar.xz", 86400);
	command = xasprintf("cmp %s %s", a, b);
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(b);
	free(a);
	free(dir);
	free(file);
}

TEST(executable_files_have_mode_0755)
{
	char *a, *text;

	put_file("one/lib/run.sh", "#!/bin/sh\n", 0755);
	a = pack("one", "a.tar.xz", 86400);
	text = list(a);
	text_has(text, "-rwxr-xr-x 0/0 ");
	free(text);
	free(a);
}

/* liblzma compresses the file in two blocks of at most 3 MiB each. */
TEST(an_archive_of_several_xz_blocks_is_intact)
{
	size_t n = (3u << 20) + 100000;
	char *big = xmalloc(n + 1), *a, *command;
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		big[i] = (char)('a' + (x >> 28));
	}
	big[n] = '\0';
	put_file("one/lib/big", big, 0644);
	a = pack("one", "a.tar.xz", 86400);
	command = xasprintf("xz -t %s && tar xJOf %s lib/big | cmp - "
			    "%s/one/lib/big",
			    a, a, top);
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(a);
	free(big);
}

TEST(the_names_of_the_archived_files_are_returned)
{
	char *text;

	fill("one", false);
	free(pack("one", "a.tar.xz", 86400));
	text = strv_join(&names, " ");
	ck_assert_str_eq(text, "lib/modules/6.1/a.ko lib/modules/6.1/b.ko "
			       "lib/modules/6.1/sub/y lib/modules/6.1/sub/z");
	free(text);
}

TEST(the_build_link_of_the_modules_is_omitted)
{
	char *link = at("one/lib/modules/6.1/build"), *a, *text;
	char *other = at("one/lib/modules/6.1/other");

	fill("one", false);
	ck_assert_int_eq(symlink("/build/dir", link), 0);
	ck_assert_int_eq(symlink("a.ko", other), 0);
	a = pack("one", "a.tar.xz", 86400);
	text = list(a);
	ck_assert_ptr_null(strstr(text, "/build"));
	text_has(text, "other -> a.ko");
	free(text);
	free(other);
	free(link);
	free(a);
}

TEST(an_incomplete_archive_is_a_temporary_file)
{
	fill("one", false);
	n_temp_renames = 0;
	free(pack("one", "kselftest.tar.xz", 1));
	ck_assert_uint_eq(n_temp_renames, 1);
}

TEST(a_cancelled_archive_leaves_no_files)
{
	char *from = at("one"), *to = at("a.tar.xz");
	atomic_bool cancelled = true;

	fill("one", false);
	ck_assert_int_eq(kernel_artifact_write_tar(from, "lib", 1, to, NULL,
						   &cancelled, &err),
			 -ECANCELED);
	fs_list(top, &names);
	for (size_t i = 0; i < names.n; i++)
		ck_assert_ptr_null(strstr(names.v[i], "a.tar.xz"));
	free(to);
	free(from);
}

TEST(an_unwritable_archive_and_a_missing_source_are_errors)
{
	char *from = at("one");

	fill("one", false);
	ck_assert_int_lt(kernel_artifact_write_tar(from, "lib", 1,
						   "/nonexistent/a.tar.xz",
						   NULL, &cancel, &err),
			 0);
	text_has(err.text, "/nonexistent/a.tar.xz");
	ck_assert_int_lt(kernel_artifact_write_tar(from, "nosuch", 1,
						   "/dev/null", NULL, &cancel,
						   &err),
			 0);
	free(from);
}
