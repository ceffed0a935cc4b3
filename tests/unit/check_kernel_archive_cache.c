/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/archive.h"

#include "../lib/test.h"
#include "kernel-tree.h"

static struct kernel_archive_cache k;
static const struct digest one = { { 1 } }, two = { { 2 } };
static char *build_dir, *file, *to;

static void set_up(void)
{
	tree_set_up();
	build_dir = at("build");
	file = at("a.tar.xz");
	to = at("taken");
	put_file("build/x", "", 0644);
	put_file("a.tar.xz", "packed", 0644);
	kernel_archive_cache_open(&k, build_dir);
	kernel_archive_cache_put(&k, "a.tar.xz", &one, file,
				 json_string("about"));
}

static void tear_down(void)
{
	kernel_archive_cache_close(&k);
	free(build_dir);
	free(file);
	free(to);
	tree_tear_down();
}

/* Reopen the cache, like the next build. */
static void again(void)
{
	kernel_archive_cache_close(&k);
	kernel_archive_cache_open(&k, build_dir);
}

static bool take(const struct digest *key)
{
	const json_t *about = NULL;
	bool yes = kernel_archive_cache_copy(&k, "a.tar.xz", key, to, &about);

	if (yes)
		ck_assert_str_eq(json_string_value(about), "about");
	return yes;
}

FIXTURE(set_up, tear_down);

TEST(a_stored_archive_is_available_to_the_next_build)
{
	char *text;

	again();
	ck_assert(!take(&two) && !stands("taken"));
	ck_assert(take(&one));
	text = get_file(to);
	ck_assert_str_eq(text, "packed");
	free(text);
}

TEST(a_copy_that_was_changed_is_not_used)
{
	char *copy = xasprintf("%s/a.tar.xz", k.dir), *text;

	again();
	text = xasprintf("printf PACKED >'%s' && touch -r '%s' '%s'", copy,
			 file, copy);
	ck_assert_int_eq(system(text), 0);
	ck_assert(!take(&one));
	free(text);
	free(copy);
}

/* A later build does not write to files of an earlier one. */
TEST(a_copied_archive_has_its_own_inode)
{
	char *copy = xasprintf("%s/a.tar.xz", k.dir);
	struct stat a, b, c;

	ck_assert(take(&one));
	ck_assert(!stat(copy, &a) && !stat(to, &b) && !stat(file, &c));
	ck_assert(a.st_ino != b.st_ino && a.st_ino != c.st_ino);
	free(copy);
}

TEST(an_archive_replaces_that_of_the_same_name)
{
	put_file("a.tar.xz", "later", 0644);
	kernel_archive_cache_put(&k, "a.tar.xz", &two, file,
				 json_string("about"));
	again();
	ck_assert(!take(&one));
	ck_assert(take(&two));
}

TEST(temporary_files_of_a_killed_build_are_removed)
{
	char *left = xasprintf("%s/.a.tar.xz.kfarm.77", k.dir);

	ck_assert(!fs_write(left, bytes_str("half"), 0644, &(struct err){ 0 }));
	kernel_archive_cache_put(&k, "a.tar.xz", &two, file, json_null());
	ck_assert(!fs_exists(left));
	free(left);
}

TEST(a_malformed_record_is_ignored)
{
	char *record = xasprintf("%s/record", k.dir);

	again();
	ck_assert(!fs_write(record, bytes_str("{\"files\": 7"), 0644,
			    &(struct err){ 0 }));
	again();
	ck_assert(!take(&one));
	free(record);
}

TEST(the_cache_of_a_removed_build_directory_is_removed)
{
	char *other = at("other"), *dir;
	struct kernel_archive_cache k2;
	struct err err;

	put_file("other/x", "", 0644);
	kernel_archive_cache_open(&k2, other);
	kernel_archive_cache_put(&k2, "a.tar.xz", &one, file, NULL);
	dir = xstrdup(k2.dir);
	kernel_archive_cache_close(&k2);
	ck_assert(fs_is_dir(dir));
	fs_remove(other, &err);
	again();
	ck_assert(!fs_is_dir(dir) && fs_is_dir(k.dir));
	free(dir);
	free(other);
}

TEST(an_unwritable_cache_stores_no_archive_and_does_not_fail)
{
	char *cache = at(".cache");

	kernel_archive_cache_close(&k);
	ck_assert(!fs_remove(cache, &(struct err){ 0 }));
	put_file(".cache", "", 0644);
	kernel_archive_cache_open(&k, build_dir);
	kernel_archive_cache_put(&k, "a.tar.xz", &one, file,
				 json_string("about"));
	ck_assert(!take(&one));
	free(cache);
}

/* ---- stamps ---- */

static void digest_all(struct digest *out)
{
	static const char *const suffixes[] = { ".h", NULL };
	struct kernel_archive_inputs s = { 0 };

	kernel_archive_add_text(&s, "text");
	kernel_archive_add_file(&s, file);
	kernel_archive_add_dir(&s, build_dir, suffixes, true);
	kernel_archive_finish_inputs(&s, file_stamp_now_ns(), out);
}

static const struct {
	const char *change; /* a shell command in `top` */
	bool shows;
} changes[] = {
	{ "true", false },
	{ "touch a.tar.xz", true },
	{ "rm a.tar.xz", true },
	{ "chmod 600 a.tar.xz", true },
	{ "echo >build/new.h", true },
	{ "mkdir build/d && echo >build/d/new.h", true },
	{ "ln -s x build/new.h", true },
	{ "echo >build/new.c", false },
	{ "echo more >>build/x", false },
};

TEST_EACH(the_digest_changes_only_with_relevant_files, changes)
{
	char *command = xasprintf("cd %s && %s", top, row->change);
	struct digest before, after;

	digest_all(&before);
	ck_assert_int_eq(system(command), 0);
	digest_all(&after);
	ck_assert_int_eq(digest_equal(&before, &after), !row->shows);
	free(command);
}

/* Some trees have arch/arm64/boot/dts/vendor as a link. */
TEST(the_digest_includes_files_in_a_linked_directory)
{
	struct digest before, after;

	put_file("other/a.h", "1", 0644);
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_int_eq(symlink("../other", "build/link"), 0);
	ck_assert_int_eq(symlink("..", "other/up"), 0);
	digest_all(&before);
	put_file("other/a.h", "22", 0644);
	digest_all(&after);
	ck_assert(!digest_equal(&before, &after));
	ck_assert_int_eq(chdir("/"), 0);
}

TEST(a_recently_changed_input_is_not_reliable)
{
	struct kernel_archive_inputs s = { 0 };
	int64_t now_ns = file_stamp_now_ns();
	struct digest d;

	put_file("a.tar.xz", "new", 0644);
	kernel_archive_add_file(&s, file);
	ck_assert(!kernel_archive_finish_inputs(&s, now_ns, &d));
	now_ns = file_stamp_now_ns() + INT64_C(10000000000);
	kernel_archive_add_file(&s, file);
	ck_assert(kernel_archive_finish_inputs(&s, now_ns, &d));
}
