/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "kernel-tree.h"
#include "kernel/artifact.h"

static atomic_bool cancel;
static struct strv names;
static struct err err;

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

static char *pack(const char *dir, const char *out, long long latest)
{
	char *from = at(dir), *to = at(out);

	must(kernel_artifact_write_tar(from, "lib", latest, to, &names, &cancel,
				       &err));
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

TEST(equal_contents_make_equal_archives)
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

TEST(entries_are_sorted_and_owned_by_nobody_and_of_old)
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

/* Another user builds it later in another directory. */
TEST(neither_umask_nor_date_nor_group_shows)
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

TEST(programs_stay_programs)
{
	char *a, *text;

	put_file("one/lib/run.sh", "#!/bin/sh\n", 0755);
	a = pack("one", "a.tar.xz", 86400);
	text = list(a);
	text_has(text, "-rwxr-xr-x 0/0 ");
	free(text);
	free(a);
}

/*
 * liblzma compresses these in two blocks of 3 MiB each, which xz(1) can check.
 */
TEST(what_is_packed_in_blocks_is_whole)
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

TEST(what_is_in_it_is_listed)
{
	char *text;

	fill("one", false);
	free(pack("one", "a.tar.xz", 86400));
	text = strv_join(&names, " ");
	ck_assert_str_eq(text, "lib/modules/6.1/a.ko lib/modules/6.1/b.ko "
			       "lib/modules/6.1/sub/y lib/modules/6.1/sub/z");
	free(text);
}

TEST(links_into_the_build_host_are_left_out)
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

TEST(a_cancelled_archive_leaves_nothing)
{
	char *from = at("one"), *to = at("a.tar.xz");
	atomic_bool yes = true;

	fill("one", false);
	ck_assert_int_eq(
		kernel_artifact_write_tar(from, "lib", 1, to, NULL, &yes, &err),
		-ECANCELED);
	ck_assert(!stands("a.tar.xz") && !stands("a.tar.xz.part"));
	free(to);
	free(from);
}

TEST(a_place_that_cannot_be_written_is_named)
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
