/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* Files and symbolic links of a compiler, collected with their paths. */
#include "compiler/collector.h"

#include "../lib/settle.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <limits.h>

static char dir[TEMPDIR_SIZE];
static char *top; /* the directory without symbolic links */
static struct compiler_collector g;
static struct compiler_entries got;
static struct err err;

static char *at(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void make_dir(const char *name)
{
	char *path = at(name);

	must(fs_mkdirs(path, 0755, &err));
	free(path);
}

static void make_file(const char *name, const char *text)
{
	char *path = at(name), *parent = str_dir(path);

	must(fs_mkdirs(parent, 0755, &err));
	must(fs_write(path, bytes_str(text), 0644, &err));
	free(parent);
	free(path);
}

static void make_link(const char *target, const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void set_up(void)
{
	tempdir_make(dir);
	top = realpath(dir, NULL);
	ck_assert_ptr_nonnull(top);
	g.watch = compiler_stat_watch_new();
}

static void tear_down(void)
{
	compiler_collector_release(&g);
	compiler_entries_release(&got);
	tempdir_remove(dir);
	free(top);
}

static int gather(const char *name)
{
	char *path = at(name);
	int ret = compiler_collector_add_path(&g, path, NULL, &err);

	free(path);
	return ret;
}

/* Compare "kind name target; ..." of all entries below the top directory. */
static void holds(const char *want)
{
	struct buf text = { 0 };

	must(compiler_collector_finish(&g, &got, &err));
	for (size_t i = 0; i < got.n; i++) {
		const struct compiler_entry *e = &got.v[i];

		if (str_starts(e->path, top))
			buf_printf(&text, "%c %s%s%s; ", "FLD"[e->kind],
				   e -> path + strlen(top) + 1,
				   e -> target ? " " : "",
				   e->target ? e->target : "");
	}
	ck_assert_str_eq(buf_str(&text), want);
	buf_release(&text);
}

FIXTURE(set_up, tear_down);

TEST(links_in_a_path_are_entries_and_directories_are_not)
{
	char *real, *path = at("bin/cc"), *want = at("real/deep/prog");

	make_file("real/deep/prog", "x");
	make_dir("bin");
	make_link("../way/prog", "bin/cc");
	make_link("real/./deep/", "way");
	must(compiler_collector_add_path(&g, path, &real, &err));
	ck_assert_str_eq(real, want);
	holds("L bin/cc ../way/prog; F real/deep/prog; L way real/./deep/; ");
	free(real);
	free(want);
	free(path);
}

/* "a/b/../../x" exists only if a/b does. */
TEST(directories_left_by_dot_dot_are_entries)
{
	make_dir("a/b/c");
	make_dir("a/d");
	make_file("a/e/f", "");
	make_file("x", "");
	ck_assert_msg(!gather("a/b/c/../../d/../e/../../x"), "%s", err.text);
	holds("D a/b/c; D a/d; D a/e; F x; ");
}

TEST(a_directory_is_collected_with_all_files_and_link_targets)
{
	char *path = at("inc");

	make_file("inc/a.h", "a");
	make_file("inc/sub/b.h", "b");
	make_file("far/c.h", "c");
	make_dir("inc/empty");
	make_link("../far", "inc/far");
	make_link("nowhere", "inc/dangling");
	make_link("a.h", "inc/again.h");
	must(compiler_collector_add_dir(&g, path, &err));
	must(compiler_stat_watch_check(g.watch, &err));
	holds("F far/c.h; F inc/a.h; L inc/again.h a.h; "
	      "L inc/dangling nowhere; D inc/empty; L inc/far ../far; "
	      "F inc/sub/b.h; ");
	settle(path);
	make_file("inc/new.h", "");
	ck_assert_int_eq(compiler_stat_watch_check(g.watch, &err), -ESTALE);
	free(path);
}

TEST(circular_links_to_directories_terminate)
{
	char *path = at("a");

	make_dir("a/b");
	make_link("../../a", "a/b/up");
	make_link("..", "a/b/up2");
	make_link(".", "a/b/here");
	must(compiler_collector_add_dir(&g, path, &err));
	holds("L a/b/here .; L a/b/up ../../a; L a/b/up2 ..; ");
	free(path);
}

static const struct bad {
	const char *name;
	int answer;
} bads[] = {
	{ "nothing", -ENOENT },     { "loop", -ELOOP },
	{ "file/below", -ENOTDIR }, { "file/..", -ENOTDIR },
	{ "fifo", -EINVAL },        { "dangling", -ENOENT },
};

TEST_EACH(a_missing_or_special_file_is_rejected_with_its_path, bads)
{
	char *path = at(row->name), *fifo = at("fifo");

	make_file("file", "");
	make_link("loop", "loop");
	make_link("nowhere", "dangling");
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(gather(row->name), row->answer);
	text_has(err.text, path);
	ck_assert_int_eq(
		compiler_collector_add_path(&g, "relative", NULL, &err),
		-EINVAL);
	free(path);
	free(fifo);
}

TEST(an_added_link_is_stored_below_its_resolved_directory)
{
	char *link = at("lib/libz.so"), *other = at("none/lib/liby.so");
	char *deep = at("lib/new/deep/libx.so");

	make_dir("usr/lib");
	make_link("usr/lib", "lib");
	for (int i = 0; i < 2; i++)
		must(compiler_collector_add_symlink(&g, link, "/far/libz.so",
						    &err));
	ck_assert_int_eq(
		compiler_collector_add_symlink(&g, link, "/else/libz.so", &err),
		-EEXIST);
	must(compiler_collector_add_symlink(&g, other, "/far/liby.so", &err));
	must(compiler_collector_add_symlink(&g, deep, "/far/libx.so", &err));
	holds("L lib usr/lib; L none/lib/liby.so /far/liby.so; "
	      "L usr/lib/libz.so /far/libz.so; "
	      "L usr/lib/new/deep/libx.so /far/libx.so; ");
	free(deep);
	free(other);
	free(link);
}

/* A library that one program finds by its RUNPATH is the default of others. */
TEST(a_link_from_a_file_to_itself_is_not_needed)
{
	char *file = at("usr/lib/libz.so"), *link = at("lib/libz.so");

	make_dir("usr/lib");
	make_file("usr/lib/libz.so", "");
	make_link("usr/lib", "lib");
	must(compiler_collector_add_path(&g, file, NULL, &err));
	must(compiler_collector_add_symlink(&g, link, file, &err));
	ck_assert_int_eq(
		compiler_collector_add_symlink(&g, link, "/else/libz.so", &err),
		-EEXIST);
	holds("L lib usr/lib; F usr/lib/libz.so; ");
	free(link);
	free(file);
}

TEST(an_entry_has_content_mtime_and_mode_of_its_file)
{
	char *path = at("prog");
	struct digest want;
	struct stat st;

	make_file("prog", "content");
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert_int_eq(gather("prog"), 0);
	holds("F prog; ");
	digest_bytes(bytes_str("content"), &want);
	ck_assert_int_eq(stat(path, &st), 0);
	for (size_t i = 0; i < got.n; i++) {
		const struct compiler_entry *e = &got.v[i];

		if (strcmp(e->path, path))
			continue;
		ck_assert(digest_equal(&e->digest, &want));
		ck_assert(e->executable);
		ck_assert_uint_eq(e->size_bytes, 7);
		ck_assert_int_eq(e->mtime_ns,
				 st.st_mtim.tv_sec * INT64_C(1000000000) +
					 st.st_mtim.tv_nsec);
	}
	ck_assert_ptr_nonnull(compiler_entries_find(&got, path));
	ck_assert_ptr_null(compiler_entries_find(&got, "/prog"));
	free(path);
}
